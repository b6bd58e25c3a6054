"""Which customers an agent may see: those who have to do with the brands they work for."""

from collections.abc import Iterable

from consentry.console.pages import Visit
from consentry.domain.customers import Customer
from consentry.domain.standing import Standing


async def may_see(visit: Visit, standings: Iterable[Standing]) -> bool:
    """Tell whether an agent may see the customer who has numbers with these standings.

    Who never texted with anybody of ours belongs to no brand, and so to all.
    """
    scope = await visit.sender_scope()
    if scope is None:
        return True
    met = {thread.sender for standing in standings for thread in standing.threads}
    return not met or not met.isdisjoint(scope)


async def name_visible(visit: Visit, customer: Customer | None) -> Customer | None:
    """Name the customer, unless they write to other brands than the agent's alone."""
    if customer is None or not visit.agent.brands:
        return customer
    numbers = [phone.normalized for phone in customer.phones]
    standings = await visit.services.store.read_standings(numbers)
    return customer if await may_see(visit, standings) else None
