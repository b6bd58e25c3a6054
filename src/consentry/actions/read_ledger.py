"""Reading the ledger whole: all of a recipient, and all that was ever in force."""

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Final

from consentry.domain.entries import Entry, EntryKind
from consentry.domain.in_force import History, Step, Then
from consentry.domain.policy import Policy
from consentry.ports import Page, Store

_PAGE_ENTRIES: Final = 500
_IN_FORCE_KINDS: Final = (EntryKind.RULES_RECORDED, EntryKind.SETTING_CHANGED)


async def read_all_entries(
    recipient: str, store: Store, *, until: datetime | None = None
) -> list[Entry]:
    """Read a recipient's whole ledger, oldest first."""
    return await _read_all(lambda page: store.read_entries(recipient, page, until=until))


async def read_history(store: Store, policy: Policy) -> History:
    """Read what was in force when; `policy` is the one in force now."""
    entries = await _read_all(lambda page: store.read_audit(page, kinds=_IN_FORCE_KINDS))
    steps = [Step(e.recorded_at, e.id, e.in_force) for e in entries if e.in_force is not None]
    return History(steps, Then(await store.read_directory(), policy, is_recorded=False))


async def _read_all(read: Callable[[Page], Awaitable[list[Entry]]]) -> list[Entry]:
    """Read page after page, and give them oldest first."""
    entries: list[Entry] = []
    before: str | None = None
    while True:
        page = await read(Page(limit=_PAGE_ENTRIES, before=before))
        entries.extend(page)
        if len(page) < _PAGE_ENTRIES:
            return entries[::-1]
        before = page[-1].id
