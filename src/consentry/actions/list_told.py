"""The opt-outs that people told to somebody, each with its legal clock."""

from typing import Final

import msgspec

from consentry.domain.entries import Entry, EntryKind
from consentry.domain.legal_clock import LegalClock, read_clock
from consentry.ports import Page, Store

_KINDS: Final = (EntryKind.CONSENT_REVOKED, EntryKind.SUPPRESSED)
_LOOKED_AT_ONCE: Final = 200
_LOOKED_AT_MAX: Final = 2000
"""How many entries one page looks at: what a company did by itself is among them."""


class ToldOptOut(msgspec.Struct, frozen=True):
    """An opt-out by phone, mail, web or in person: its entry, and how fast it came into force."""

    entry: Entry
    clock: LegalClock


class ToldPage(msgspec.Struct, frozen=True):
    """Opt-outs, recorded last first.

    A page may hold fewer than asked for and still have a `next`: a look costs at most so much.
    """

    items: list[ToldOptOut]
    next: str | None = None


async def list_told(store: Store, page: Page, *, only_late: bool = False) -> ToldPage:
    """List the opt-outs that were told to us, only those that came too late or all."""
    items: list[ToldOptOut] = []
    before = page.before
    for _ in range(_LOOKED_AT_MAX // _LOOKED_AT_ONCE):
        looked = await store.read_audit(Page(_LOOKED_AT_ONCE, before), kinds=_KINDS)
        found = [told for told in map(_read, looked) if told is not None]
        items += [told for told in found if told.clock.is_late or not only_late]
        if len(items) > page.limit:
            return ToldPage(items[: page.limit], items[page.limit - 1].entry.id)
        if len(looked) < _LOOKED_AT_ONCE:
            return ToldPage(items)
        before = looked[-1].id
    return ToldPage(items, before)


def _read(entry: Entry) -> ToldOptOut | None:
    clock = read_clock(entry)
    return None if clock is None else ToldOptOut(entry, clock)
