"""What the console is given: the ports and settings it works with, as one value."""

from dataclasses import dataclass

from consentry.console.sessions import Sessions
from consentry.domain.policy import Policy
from consentry.ports import Clock, Delivery, Ids, Store


@dataclass(frozen=True, slots=True)
class ConsoleServices:
    """The inside as the console sees it.

    `default_region`: the country of numbers written without one. `public_url`: under which
    carriers and people reach us; None takes each request's own. `secret_key`: keys the hashes of
    API keys made here.
    """

    store: Store
    sessions: Sessions
    clock: Clock
    ids: Ids
    policy: Policy
    delivery: Delivery
    default_region: str | None
    public_url: str | None
    secret_key: str
