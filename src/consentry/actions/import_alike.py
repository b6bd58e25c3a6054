"""Rows about people of whom nothing is known: decided once, by the same actions as any other row.

What is decided of a stranger cannot turn on the words of a row, but on which of them there are. So
a row of marks is given to the real action, once for each kind of row. It is given another row of
marks, too: where something else than the marks differs, or a mark is among the words of the list's
own name, rows are decided one by one.
"""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Final, cast

import msgspec

from consentry.domain.alike import Alike, Words, encode
from consentry.domain.entries import Entry
from consentry.domain.imports import RowOutcome
from consentry.domain.listed_numbers import ListedNumber
from consentry.domain.standing import Standing
from consentry.domain.stencil import Stencil
from consentry.ports import Change, Facts, Work

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)
_UNSEEN: Final = Standing()
_REMEMBERED: Final = 4096


class Marks(msgspec.Struct, frozen=True):
    """Words that stand in no list by accident; a number and a time are such as are decided on."""

    entry: str
    number: str
    at: datetime
    line: int
    claimed: str
    reason: str

    def words(self) -> Words:
        """Give them in the order of the words of a row."""
        return (
            self.entry,
            self.number,
            _write_time(self.at)[0],
            str(self.line),
            self.claimed,
            self.reason,
        )

    def row(self, like: ListedNumber) -> ListedNumber:
        """Make the row of marks that has what another row has."""
        return ListedNumber(
            self.line,
            self.number,
            self.reason if like.reason else "",
            self.claimed if like.claimed else "",
            None if like.at is None else self.at,
        )


FIRST_MARKS: Final = Marks(
    "ent_~first~entry~",
    "+12025550143",
    datetime(1987, 3, 5, 7, 11, 13, 170_319, tzinfo=UTC),
    7_310_917_310_951,
    "~first~claimed~",
    "~first~reason~",
)


def _mark_newest(now: datetime) -> Marks:
    """Mark a row that is as new as can be, of another country: age and place must not count."""
    return Marks(
        "ent_~second~entry~",
        "+442079460958",
        now - _MICROSECOND,
        5_112_713_511_913,
        "~second~claimed~",
        "~second~reason~",
    )


DecideRow = Callable[[ListedNumber, Facts], tuple[RowOutcome, str | None, Change]]
"""Decides one row for itself; says what becomes of it, why, and what is written."""


class _Stranger:
    """Facts as they are, but about somebody of whom nothing is known; draws one id."""

    def __init__(self, facts: Facts, entry: str) -> None:
        self._facts = facts
        self._left = [entry]

    def __getattr__(self, name: str) -> object:
        """Give every other fact as it is."""
        return getattr(self._facts, name)

    @property
    def ids(self) -> "_Stranger":
        """Draw ids from here."""
        return self

    def new(self, prefix: str) -> str:
        """Give the mark, once; raises `LookupError` for a second id."""
        if not self._left or not self._left[0].startswith(prefix):
            raise LookupError("Rows that draw more than the id of their entry are not alike.")
        return self._left.pop()

    def standing(self, _recipient: str) -> Standing:
        """Nothing is known."""
        return _UNSEEN

    def queued_work(self, _recipient: str) -> tuple[Work, ...]:
        """Nothing waits."""
        return ()

    def in_flight(self, _recipient: str) -> tuple[str, ...]:
        """Nothing is with a carrier."""
        return ()


class Group(msgspec.Struct, frozen=True):
    """Rows of one kind, gathered for one exemplar: what becomes of each, and what is written."""

    exemplar: Entry
    outcome: RowOutcome
    why: str | None
    rows: list[ListedNumber] = []

    def gather(self, new_id: Callable[[str], str], now: datetime) -> Alike:
        """Give all rows together, each under a new id; what has no date is of now."""
        times = [_write_time(row.at or now) for row in self.rows]
        words = [
            (new_id("ent"), r.recipient, at, str(r.line), _write(r.claimed), _write(r.reason))
            for r, (at, _) in zip(self.rows, times, strict=True)
        ]
        marks = FIRST_MARKS.words()
        return Alike(self.exemplar, marks, tuple(words), tuple([at for _, at in times]))


class Strangers:
    """Sorts rows about people of whom nothing is known into groups."""

    def __init__(self, decide: DecideRow, facts: Facts) -> None:
        """Decide exemplars by this function."""
        self._decide = decide
        self._facts = facts
        self._now = facts.now
        self._groups: dict[tuple[bool, bool, bool], Group | None] = {}

    def take(self, row: ListedNumber) -> Group | None:
        """Put a row into its group; None: it must be decided by itself."""
        at = row.at
        if at is not None and at > self._now:
            return None
        kind = at is None, not row.claimed, not row.reason
        try:
            group = self._groups[kind]
        except KeyError:
            group = self._groups[kind] = self._begin(row)
        if group is not None:
            group.rows.append(row)
        return group

    def gather(self) -> Change:
        """Give what all groups write."""
        new_id, now = self._facts.ids.new, self._now
        groups = [group for group in self._groups.values() if group is not None]
        return Change(alike=tuple(group.gather(new_id, now) for group in groups))

    def _begin(self, row: ListedNumber) -> Group | None:
        """Decide an exemplar, twice, with other marks; None where rows of this kind differ."""
        newest = _mark_newest(self._now)
        first, second = self._exemplify(row, FIRST_MARKS), self._exemplify(row, newest)
        if first is None or second is None:
            return None
        (entry, outcome, why), (other, *told) = first, second
        cut = Stencil(encode(entry).decode(), FIRST_MARKS.words())
        is_alike = cut.writes_as(Stencil(encode(other).decode(), newest.words()))
        return Group(entry, outcome, why) if is_alike and told == [outcome, why] else None

    def _exemplify(
        self, row: ListedNumber, marks: Marks
    ) -> tuple[Entry, RowOutcome, str | None] | None:
        stranger = _Stranger(self._facts, marks.entry)
        try:
            outcome, why, change = self._decide(marks.row(row), cast("Facts", stranger))
        except LookupError:
            return None
        if change != Change(entries=change.entries) or len(change.entries) != 1:
            return None
        return change.entries[0], outcome, why


@lru_cache(maxsize=_REMEMBERED)
def _write(text: str) -> str:
    """Write a text as JSON does, without its quotes."""
    return encode(text)[1:-1].decode()


@lru_cache(maxsize=_REMEMBERED)
def _write_time(at: datetime) -> tuple[str, int]:
    """Write a time as JSON does, without its quotes, and in microseconds since 1970, UTC."""
    return encode(at)[1:-1].decode(), (at - _EPOCH) // _MICROSECOND
