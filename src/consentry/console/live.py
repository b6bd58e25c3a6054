"""Live updates: a stream of server-sent events that says "look again", and nothing else.

What changed is read by the page itself, through the door and the rights it was opened with.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Final

from starlette.responses import Response, StreamingResponse

from consentry.console.pages import Page, Visit
from consentry.console.rendering import PRIVATE
from consentry.domain.entries import NOBODY
from consentry.ports import Watch

_QUIET_SECONDS: Final = 0.3
"""Changes that come faster than this are told once."""

_HEARTBEAT_SECONDS: Final = 15.0
_CHANGED: Final = b"event: changed\ndata:\n\n"
_ENDED: Final = b"event: ended\ndata:\n\n"
_HEARTBEAT: Final = b": still here\n\n"
_HELLO: Final = b"retry: 1000\n: hello\n\n"

Concern = Callable[[frozenset[str]], bool]


async def listen(visit: Visit) -> Response:
    """Stream a word for every change that concerns the page: one customer, or everything."""
    customer = visit.query("customer")
    numbers: frozenset[str] | None = None
    if customer:
        found = await visit.services.store.read_customer(customer)
        if found is None:
            return visit.missing("customer")
        numbers = frozenset(phone.normalized for phone in found.phones)
    watch = visit.services.store.watch()
    return StreamingResponse(
        _tell(visit, watch, lambda changed: numbers is None or bool(numbers & changed)),
        media_type="text/event-stream",
        headers={**PRIVATE, "X-Accel-Buffering": "no"},
    )


async def _tell(visit: Visit, watch: Watch, concerns: Concern) -> AsyncIterator[bytes]:
    """Tell of changes until the session ends or the listener goes away."""
    try:
        yield _HELLO
        while True:
            try:
                changed = await asyncio.wait_for(watch.next(), _HEARTBEAT_SECONDS)
            except TimeoutError:
                changed = frozenset({NOBODY})
            if not await _is_still_here(visit, changed):
                yield _ENDED
                return
            if changed is None or concerns(changed):
                yield _CHANGED
                await asyncio.sleep(_QUIET_SECONDS)
            elif NOBODY in changed:
                yield _HEARTBEAT
    finally:
        watch.close()


async def _is_still_here(visit: Visit, changed: frozenset[str] | None) -> bool:
    """Look whether the session was ended, whenever a change is about no recipient."""
    if changed is not None and NOBODY not in changed:
        return True
    return await visit.services.sessions.find(visit.request) is not None


PAGES: Final = (Page(path="/live", view=listen, permission=None),)
