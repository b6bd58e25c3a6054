"""The inbox: who wrote, newest first, over the senders that an agent may see."""

import hashlib
from typing import Final, TypedDict
from urllib.parse import urlsplit

import msgspec
from starlette.responses import Response

from consentry.actions.file_number import FileNumber
from consentry.actions.mark_conversation import MarkConversation, ReopenConversation
from consentry.console import inbox_new
from consentry.console.inbox_choice import InboxChoice
from consentry.console.inbox_rows import Person, Row, build_person, build_row
from consentry.console.pages import Page, Visit
from consentry.console.visible import may_see
from consentry.domain.agents import Permission
from consentry.domain.directory import Sender
from consentry.ports import InboxFilter, find_fragment
from consentry.ports import Page as ListPage
from consentry.wire.webhook_address import inbound_path

_ROWS: Final = 40


class InboxList(msgspec.Struct, frozen=True):
    """What the left column shows.

    `rows` are conversations, or, while somebody is searched, `people`. `older` and `newest` are
    addresses of other pages of the list, where there are some. `is_new`: nobody ever wrote.
    """

    choice: InboxChoice
    senders: tuple[Sender, ...]
    rows: list[Row] = []
    people: list[Person] = []
    older: str = ""
    newest: str = ""
    is_new: bool = False

    @property
    def tag(self) -> str:
        """Tell this list from any other, so that one that is the same is not drawn again."""
        return hashlib.blake2b(msgspec.json.encode(self), digest_size=6).hexdigest()


class InboxShown(TypedDict):
    """What `parts/inbox_list.html` is rendered with."""

    inbox: InboxList


async def read_inbox_list(visit: Visit) -> InboxShown:
    """Read what `parts/inbox_list.html` shows, for every page that it stands on."""
    return {"inbox": await _read_list(visit)}


async def _read_list(visit: Visit) -> InboxList:
    choice = InboxChoice.of(visit)
    if choice.search:
        return await _read_people(visit, choice)
    store = visit.services.store
    directory = await store.read_directory()
    wanted = InboxFilter(senders=await _scope(visit, choice), open_only=not choice.show_all)
    page = await store.read_inbox(wanted, ListPage(limit=_ROWS, before=choice.before or None))
    nothing = not (page.items or page.next or choice.before)
    return InboxList(
        choice,
        await visit.senders(),
        rows=[build_row(item, directory, choice) for item in page.items],
        older="" if page.next is None else choice.but(before=page.next).address(),
        newest=choice.but().address() if choice.before else "",
        is_new=nothing and await _is_new(visit),
    )


async def _scope(visit: Visit, choice: InboxChoice) -> tuple[str, ...] | None:
    """Hold the list to the chosen sender; one that the agent may not see has nothing to show."""
    visible = await visit.sender_scope()
    if not choice.sender:
        return visible
    return (choice.sender,) if visible is None or choice.sender in visible else ()


async def _is_new(visit: Visit) -> bool:
    anybody = InboxFilter(senders=await visit.sender_scope())
    page = await visit.services.store.read_inbox(anybody, ListPage(limit=1))
    return not page.items and page.next is None


async def _read_people(visit: Visit, choice: InboxChoice) -> InboxList:
    """Search customers; those of other brands are left out, so a page may be a short one."""
    store = visit.services.store
    page = ListPage(limit=_ROWS, before=choice.people or None)
    found = await store.read_customers(page, search=choice.search)
    numbers = [phone.normalized for customer in found for phone in customer.phones]
    standings = iter(await store.read_standings(numbers))
    people = []
    for customer in found:
        theirs = [next(standings) for _ in customer.phones]
        if await may_see(visit, theirs):
            people.append(build_person(customer, theirs, choice))
    is_full = len(found) == _ROWS
    return InboxList(
        choice,
        await visit.senders(),
        people=people,
        older=choice.but(people=found[-1].id).address() if is_full else "",
        newest=choice.but().address() if choice.people else "",
    )


async def show_inbox(visit: Visit) -> Response:
    """Show the inbox, with nothing opened beside it."""
    shown = await _read_list(visit)
    return visit.render("inbox.html", inbox=shown, first_steps=await _first_steps(visit, shown))


async def show_rows(visit: Visit) -> Response:
    """Show the rows alone, for the page's script to put in their place.

    Most changes (a text that goes out, a receipt) are none of the list's: it is then not drawn.
    """
    shown = await _read_list(visit)
    if visit.query("tag") == shown.tag:
        return Response(status_code=204)
    return visit.render("parts/inbox_rows.html", inbox=shown)


async def _first_steps(visit: Visit, shown: InboxList) -> dict[str, list[Sender]]:
    """List, for a new installation, the numbers to text by what their carrier must be told."""
    steps: dict[str, list[Sender]] = {}
    if not shown.is_new:
        return steps
    base = visit.services.public_url or str(visit.request.base_url).rstrip("/")
    accounts = await visit.services.store.read_carriers()
    kinds = {account.id: account.kind for account in accounts}
    for sender in await visit.senders():
        if sender.enabled:
            fragment = find_fragment(visit.services.carrier_kinds, kinds.get(sender.carrier, ""))
            address = base + inbound_path(sender.carrier, fragment)
            steps.setdefault(address, []).append(sender)
    return steps


async def mark_done(visit: Visit) -> Response:
    """Put a conversation away until the person writes again."""
    talk = await _read_talk(visit)
    if talk is None:
        return visit.missing("conversation")
    recipient, sender, message = talk
    await visit.services.store.submit(MarkConversation(recipient, sender, done=message))
    return _back(visit)


async def reopen(visit: Visit) -> Response:
    """Bring a conversation back among the open ones."""
    talk = await _read_talk(visit)
    if talk is None:
        return visit.missing("conversation")
    recipient, sender, _ = talk
    await visit.services.store.submit(ReopenConversation(recipient, sender))
    return _back(visit)


async def _read_talk(visit: Visit) -> tuple[str, str, str] | None:
    """Read which conversation, and up to which text; None where there is none to be seen."""
    words = visit.field("talk").split(" ")
    if len(words) != 3 or not await _is_visible(visit, words[1]):
        return None
    recipient, sender, message = words
    return recipient, sender, message


async def file_number(visit: Visit) -> Response:
    """File a number that is on no profile, and lead to the profile."""
    recipient, sender = visit.field("recipient"), visit.field("sender")
    standing = await visit.services.store.read_standing(recipient)
    if not await _is_visible(visit, sender) or not any(
        t.sender == sender for t in standing.threads
    ):
        return visit.missing("conversation")
    customer = await visit.services.store.submit(FileNumber(recipient))
    return visit.go(InboxChoice.of(visit).address_of(customer, sender))


async def _is_visible(visit: Visit, sender: str) -> bool:
    scope = await visit.sender_scope()
    return scope is None or sender in scope


def _back(visit: Visit) -> Response:
    """Lead back to where the form stood; the page's script only looks again."""
    if visit.is_fragment:
        return Response(status_code=204)
    try:
        back = urlsplit(visit.field("back"))
    except ValueError:
        return visit.go("/console")
    inside = back.path == "/console" or back.path.startswith("/console/customers/")
    path = f"{back.path}?{back.query}" if back.query else back.path
    return visit.go(path if inside and not back.netloc else "/console")


PAGES: Final = (
    Page(path="", view=show_inbox, permission=Permission.READ_CONVERSATIONS),
    Page(path="/inbox", view=show_rows, permission=Permission.READ_CONVERSATIONS),
    Page(
        path="/conversations/done",
        view=mark_done,
        permission=Permission.SEND,
        method="POST",
    ),
    Page(
        path="/conversations/reopen",
        view=reopen,
        permission=Permission.SEND,
        method="POST",
    ),
    Page(
        path="/conversations/file",
        view=file_number,
        permission=Permission.EDIT_CUSTOMERS,
        method="POST",
    ),
    *inbox_new.PAGES,
)
