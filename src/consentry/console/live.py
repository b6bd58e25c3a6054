"""Live updates: a stream of server-sent events that says "look again", and nothing else.

What changed is read by the page itself, through the door and the rights it was opened with.
"""

from collections.abc import AsyncIterator
from typing import Final

from starlette.responses import Response, StreamingResponse

from consentry.console.pages import Page, Visit
from consentry.console.rendering import PRIVATE
from consentry.console.streams import Stream, Topic
from consentry.console.visible import may_see
from consentry.domain.agents import Permission
from consentry.ports import StoreUnavailable

CUSTOMER_SECONDS: Final = 0.5
LIST_SECONDS: Final = 1.0
"""A change is told at once, and further ones no faster than this."""

_HEARTBEAT_SECONDS: Final = 15.0
_CHANGED: Final = b"event: changed\ndata:\n\n"
_INBOX: Final = b"event: inbox\ndata:\n\n"
_ENDED: Final = b"event: ended\ndata:\n\n"
_HEARTBEAT: Final = b": still here\n\n"
_HELLO: Final = b"retry: 1000\n: hello\n\n"


async def listen(visit: Visit) -> Response:
    """Stream a word for every change that concerns the page.

    `changed` is about what the page shows: one customer where one is named, else everything.
    `inbox` is about the list of conversations that stands on many pages.
    """
    if visit.services.streams.is_closed:
        return Response("The server is stopping.\n", status_code=503, media_type="text/plain")
    customer = visit.query("customer")
    if not customer:
        changed = Topic(_CHANGED, LIST_SECONDS)
    elif (numbers := await _read_numbers(visit, customer)) is not None:
        changed = Topic(_CHANGED, CUSTOMER_SECONDS, numbers)
    else:
        return visit.missing("customer")
    stream = visit.services.streams.open(visit.services.store, changed, Topic(_INBOX, LIST_SECONDS))
    return StreamingResponse(
        _tell(visit, stream, customer),
        media_type="text/event-stream",
        headers={**PRIVATE, "X-Accel-Buffering": "no"},
    )


async def _read_numbers(visit: Visit, customer_id: str) -> frozenset[str] | None:
    """Read the numbers of a customer as they are now; None where there is nobody to be seen."""
    store = visit.services.store
    customer = await store.read_customer(customer_id)
    if customer is not None and customer.merged_into is not None:
        customer = await store.read_customer(customer.merged_into)
    if customer is None:
        return None
    numbers = [phone.normalized for phone in customer.phones]
    if not await may_see(visit, await store.read_standings(numbers)):
        return None
    return frozenset(numbers)


async def _tell(visit: Visit, stream: Stream, customer: str) -> AsyncIterator[bytes]:
    """Tell of changes until the session ends, the server stops or the listener goes away."""
    clock = visit.services.clock
    last = b""
    try:
        yield _HELLO
        while not (stream.is_ended or last):
            is_quiet = not await stream.wait(clock.monotonic(), _HEARTBEAT_SECONDS)
            word = _HEARTBEAT if is_quiet else b""
            if is_quiet or stream.may_have_ended:
                stream.may_have_ended = False
                last = await _last_word(visit)
            yield last or word + await _take_due(visit, stream, customer)
    except StoreUnavailable:
        # The stream ends, and the page listens anew until the database answers.
        return
    finally:
        visit.services.streams.close(stream)


async def _last_word(visit: Visit) -> bytes:
    """Look who listens now: the word to end with, or nothing where the stream may go on.

    Who may see other things than before listens anew, as who they are now.
    """
    known = await visit.services.sessions.find(visit.request)
    if known is None:
        return _ENDED
    return b"" if known[1] == visit.agent else _HEARTBEAT


async def _take_due(visit: Visit, stream: Stream, customer: str) -> bytes:
    """Take what is to be told now; a customer's numbers may be others from now on."""
    now = visit.services.clock.monotonic()
    due = [topic for topic in stream.topics if topic.due_in(now) == 0.0]
    for topic in due:
        topic.told(now)
        if topic.numbers is not None:
            topic.numbers = await _read_numbers(visit, customer) or frozenset()
    return b"".join(topic.event for topic in due)


PAGES: Final = (Page(path="/live", view=listen, permission=Permission.READ_CONVERSATIONS),)
