"""Rows about people of whom nothing is known: decided once, by the same actions as any other row.

What is decided of a stranger cannot turn on the words of a row, but on which of them there are. So
a row of marks is given to the real action, once for each kind of row. It is given another row of
marks, too: where something else than the marks differs, or a mark is among the words of the list's
own name, rows are decided one by one.
"""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Final, cast

import msgspec

from consentry.actions.import_words import Kind, ReadyRows, find_kind, write_time
from consentry.domain.alike import Alike, Words, encode
from consentry.domain.entries import Entry
from consentry.domain.imports import RowOutcome
from consentry.domain.listed_numbers import ListedNumber
from consentry.domain.standing import Standing
from consentry.domain.stencil import Stencil
from consentry.ports import Change, Facts, Ids, Work

_MICROSECOND: Final = timedelta(microseconds=1)
_UNSEEN: Final = Standing()


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
            write_time(self.at)[0],
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

    def new_many(self, prefix: str, count: int) -> list[str]:
        """Give none but the one; raises `LookupError`."""
        return [self.new(prefix) for _ in range(count)]

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
    """Rows of one kind, gathered for one exemplar: what becomes of each, and what is written.

    `words` are those of each row but for the id of its entry, and `times` when it was.
    """

    exemplar: Entry
    outcome: RowOutcome
    why: str | None
    is_undated: bool
    words: list[Words] = []
    times: list[int] = []

    def gather(self, ids: Ids, now: datetime) -> Alike:
        """Give all rows together, each under a new id; what has no date is of now."""
        drawn = ids.new_many("ent", len(self.words))
        if self.is_undated:
            at, time = write_time(now)
            rows = zip(drawn, self.words, strict=True)
            words = tuple([(one, number, at, *rest) for one, (number, _, *rest) in rows])
            return Alike(self.exemplar, FIRST_MARKS.words(), words, (time,) * len(words))
        words = tuple([(one, *rest) for one, rest in zip(drawn, self.words, strict=True)])
        return Alike(self.exemplar, FIRST_MARKS.words(), words, tuple(self.times))


class Strangers:
    """Sorts rows about people of whom nothing is known into groups."""

    def __init__(self, decide: DecideRow, facts: Facts) -> None:
        """Decide exemplars by this function."""
        self._decide = decide
        self._facts = facts
        self._now = facts.now
        self._groups: dict[Kind, Group | None] = {}

    def take_all(self, ready: ReadyRows) -> Group | None:
        """Put all of many rows into one group; None: they must be taken one by one."""
        first = ready.rows[0] if ready.rows else None
        if ready.kind is None or not isinstance(first, ListedNumber):
            return None
        if ready.newest is not None and ready.newest > self._now:
            return None
        group = self._find(first)
        if group is not None:
            group.words.extend(ready.words)
            group.times.extend(ready.times)
        return group

    def take(self, row: ListedNumber, words: Words, time: int) -> Group | None:
        """Put a row into its group, with its words; None: it must be decided by itself."""
        at = row.at
        if at is not None and at > self._now:
            return None
        group = self._find(row)
        if group is not None:
            group.words.append(words)
            group.times.append(time)
        return group

    def gather(self) -> Change:
        """Give what all groups write."""
        groups = [group for group in self._groups.values() if group is not None]
        return Change(alike=tuple(group.gather(self._facts.ids, self._now) for group in groups))

    def _find(self, row: ListedNumber) -> Group | None:
        kind = find_kind(row)
        try:
            return self._groups[kind]
        except KeyError:
            group = self._groups[kind] = self._begin(row)
            return group

    def _begin(self, row: ListedNumber) -> Group | None:
        """Decide an exemplar, twice, with other marks; None where rows of this kind differ."""
        newest = _mark_newest(self._now)
        first, second = self._exemplify(row, FIRST_MARKS), self._exemplify(row, newest)
        if first is None or second is None:
            return None
        (entry, outcome, why), (other, *told) = first, second
        cut = Stencil(encode(entry).decode(), FIRST_MARKS.words())
        is_alike = cut.writes_as(Stencil(encode(other).decode(), newest.words()))
        if not is_alike or told != [outcome, why]:
            return None
        return Group(entry, outcome, why, is_undated=row.at is None)

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
