"""Records that were kept as long as the law asks for are destroyed, the way somebody is erased.

In small steps, so that nobody waits. First a dry run: it walks the same way and changes nothing.
"""

from collections import Counter
from collections.abc import AsyncIterator
from datetime import datetime
from typing import Final

import msgspec

from consentry.actions.erase import EraseNumber
from consentry.actions.record_audit import SYSTEM
from consentry.domain.entries import Actor
from consentry.domain.erasure import keep_last_word, newest_word
from consentry.domain.retention import TABLE, KeptUntil, keep_until
from consentry.domain.rules.places import WhereaboutsBy, find_whereabouts
from consentry.domain.standing import Standing
from consentry.ports import LastSeen, Mentions, Rejected, Store

NUMBERS_AT_ONCE: Final = 200


class Retained(msgspec.Struct, frozen=True):
    """What a walk came to; of a dry run, what it would have.

    `looked_at` numbers; `destroyed` of them, with so many `entries` and `rows` of other tables;
    `words_kept` of these said no, which stays known. `kept` counts those that are kept, by the row
    that says so. `put_off`: a text of theirs is with a carrier. `is_dry_run`: nothing changed.
    """

    looked_at: int = 0
    destroyed: int = 0
    words_kept: int = 0
    put_off: int = 0
    entries: int = 0
    rows: dict[str, int] = {}
    kept: dict[str, int] = {}
    is_dry_run: bool = True


class _Due(msgspec.Struct, frozen=True):
    recipient: str
    last_at: datetime
    row: str
    customers: tuple[str, ...]
    mentions: Mentions


class Retention:
    """One walk along all numbers, in their order."""

    def __init__(
        self, store: Store, now: datetime, *, is_dry_run: bool, by: Actor = SYSTEM
    ) -> None:
        """Stand at the beginning; `now` tells what is old."""
        self._store = store
        self._now = now
        self._is_dry_run = is_dry_run
        self._by = by
        self._counts: Counter[str] = Counter()
        self._rows: Counter[str] = Counter()
        self._kept: Counter[str] = Counter()

    async def walk(self) -> AsyncIterator[Retained]:
        """Go on, a step at a time; each tells what was done so far. Raises `StoreUnavailable`."""
        after = ""
        while True:
            seen = await self._store.read_last_seen(after, NUMBERS_AT_ONCE)
            await self._look_at(seen)
            yield self.told()
            if len(seen) < NUMBERS_AT_ONCE:
                return
            after = seen[-1].recipient

    def told(self) -> Retained:
        """Tell what was done so far."""
        counts = self._counts
        return Retained(
            looked_at=counts["looked_at"],
            destroyed=counts["destroyed"],
            words_kept=counts["words_kept"],
            put_off=counts["put_off"],
            entries=counts["entries"],
            rows=dict(sorted(self._rows.items())),
            kept=dict(sorted(self._kept.items())),
            is_dry_run=self._is_dry_run,
        )

    async def _look_at(self, seen: list[LastSeen]) -> None:
        self._counts["looked_at"] += len(seen)
        standings = await self._store.read_standings([one.recipient for one in seen])
        over: list[tuple[LastSeen, str]] = []
        for one, standing in zip(seen, standings, strict=True):
            end = end_of(one, standing)
            if end.at > self._now:
                self._kept[end.row] += 1
            else:
                over.append((one, end.row))
        for due in await self._prepare(over) if over else ():
            await self._destroy(due)

    async def _prepare(self, over: list[tuple[LastSeen, str]]) -> list[_Due]:
        found = await self._store.read_mentions([one.recipient for one, _ in over])
        return [
            _Due(one.recipient, one.at, row, await self._list_customers(one.recipient), mentions)
            for (one, row), mentions in zip(over, found, strict=True)
        ]

    async def _list_customers(self, recipient: str) -> tuple[str, ...]:
        return tuple(c.id for c in await self._store.read_profiles(recipient))

    async def _destroy(self, due: _Due) -> None:
        command = EraseNumber(
            recipient=due.recipient,
            reason=f"Kept long enough, by {due.row} of {TABLE.version}",
            by=self._by,
            mentions=due.mentions,
            customers=due.customers,
            is_dry_run=self._is_dry_run,
            unless_after=due.last_at,
        )
        try:
            erased = await self._store.submit(command, is_patient=True)
        except Rejected:
            # With a carrier at this moment, or changed since it was looked at: the next walk comes.
            self._counts["put_off"] += 1
            return
        self._counts["destroyed"] += 1
        self._counts["words_kept"] += erased.kept
        self._counts["entries"] += erased.entries
        self._rows.update({table: n for table, n in erased.rows.items() if n})


def end_of(seen: LastSeen, standing: Standing) -> KeptUntil:
    """Say until when the records of a number are kept, and by which row."""
    where = find_whereabouts(seen.recipient, standing.place)
    return keep_until(
        seen.at,
        newest_word(keep_last_word(standing, "")),
        where.jurisdictions,
        is_certain=where.by is not WhereaboutsBy.UNKNOWN,
    )
