"""A customer: the contact card, the timeline, and a composer that obeys."""

from typing import Final

from starlette.responses import RedirectResponse, Response

from consentry.actions.check import check
from consentry.actions.outgoing import Draft
from consentry.actions.send_message import SendMessage
from consentry.console.pages import Page, Visit
from consentry.console.timeline import build_timeline
from consentry.domain.agents import Permission
from consentry.domain.consent import PairState, pair_state
from consentry.domain.customers import Customer
from consentry.domain.directory import Sender
from consentry.domain.gate import Decision, Door
from consentry.domain.gate import Request as GateRequest
from consentry.domain.reasons import Reason
from consentry.domain.standing import Standing
from consentry.ports import MessageFilter
from consentry.ports import Page as ListPage

_THEIR_WORD: Final = (Reason.OPTED_OUT, Reason.CARRIER_BLOCKED, Reason.SUPPRESSED)


async def show_customer(visit: Visit) -> Response:
    """Show the contact card, the timeline and the composer."""
    return await _customer_page(visit)


async def _customer_page(
    visit: Visit, *, error: str = "", typed: str = "", status: int = 200
) -> Response:
    store = visit.services.store
    customer = await store.read_customer(visit.path("id"))
    if customer is not None and customer.merged_into is not None:
        return RedirectResponse(f"/console/customers/{customer.merged_into}")
    if customer is None:
        return visit.missing("customer")
    senders = visit.senders
    card, messages, entries = [], [], []
    for phone in customer.phones:
        standing = await store.read_standing(phone.normalized)
        card.append((phone, standing, _pairs(standing, senders)))
        wanted = MessageFilter(recipient=phone.normalized)
        messages += await store.read_messages(wanted, ListPage(limit=200))
        entries += await store.read_entries(phone.normalized, ListPage(limit=400))
    ways = await _ways(visit, customer, senders)
    names = {key.id: key.name for key in await store.read_keys()}
    return visit.render(
        "customer.html",
        status=status,
        customer=customer,
        card=card,
        items=build_timeline(messages, entries, names),
        ways=ways,
        why_not=_say_why_not(ways),
        error=error,
        typed=typed,
    )


async def _ways(
    visit: Visit, customer: Customer, senders: tuple[Sender, ...]
) -> list[tuple[str, str, Decision]]:
    """Ask the gate about every way to text this person, so that Send tells the truth."""
    services = visit.services
    ways = []
    for phone in customer.phones:
        for sender in senders:
            question = GateRequest(
                recipient=phone.normalized, sender=sender.number, door=Door.CONSOLE
            )
            decision = await check(question, services.store, services.policy, services.clock.now())
            ways.append((sender.number, phone.normalized, decision))
    return ways


async def send(visit: Visit) -> Response:
    """Send a text as an agent; the gate decides, and its refusal is shown as it is."""
    services = visit.services
    sender, _, recipient = visit.field("way").partition(" ")
    customer = await services.store.read_customer(visit.path("id"))
    known = customer is not None and any(p.normalized == recipient for p in customer.phones)
    if not known:
        message = "Choose the number to send from and to."
        return await _customer_page(visit, error=message, status=400)
    body = visit.field("body")
    draft = Draft(
        recipient=recipient, sender=sender, body=body, actor=visit.actor, door=Door.CONSOLE
    )
    sent = await services.store.submit(SendMessage(draft))
    if sent.message is None:
        return await _customer_page(visit, error=sent.decision.detail, typed=body, status=403)
    services.delivery.wake()
    return visit.go(visit.request.url.path.removesuffix("/messages"))


def _say_why_not(ways: list[tuple[str, str, Decision]]) -> str:
    """Say in one sentence why nothing can be sent: what the person said comes first."""
    denied = [decision for _, _, decision in ways if decision.reason is not None]
    if not denied:
        return "This customer has no phone yet."
    theirs = [one for one in denied if one.reason in _THEIR_WORD]
    return (theirs or denied)[0].detail


def _pairs(standing: Standing, senders: tuple[Sender, ...]) -> list[tuple[Sender, PairState, str]]:
    """List the senders this number has to do with: state, and since when and by what."""
    pairs = []
    for sender in senders:
        state = pair_state(standing, sender)
        if state is PairState.NOT_ASKED and len(senders) > 1:
            continue
        since = ""
        consent = standing.consent(sender.conversation)
        if consent is not None:
            since = consent.since.strftime("since %Y-%m-%d %H:%M UTC")
        pairs.append((sender, state, since))
    return pairs


PAGES: Final = (
    Page(
        path="/customers/{id}",
        view=show_customer,
        permission=Permission.READ_CONVERSATIONS,
    ),
    Page(path="/customers/{id}/messages", view=send, permission=Permission.SEND, method="POST"),
)
