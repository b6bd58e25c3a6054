"""Stories: played once through the product, then told again of other people.

What a story made durable is read back from the database that it was played on. Where the
person's number, an id or a time stands, a gap is left; whoever the story is told of fills it.
"""

import operator
import re
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import Final, NamedTuple

import apsw
import msgspec

from consentry.domain.entries import ActorKind, Entry
from consentry.domain.messages import Message
from consentry.domain.microseconds import to_microseconds
from consentry.ports import Receipt
from consentry.store.changed import Table
from consentry.store.derived import AUDITED, row_of_standing, told_reason
from consentry.store.rows import decode_standing, encode

STAGE_NUMBERS: Final = "+1415"
ENTRIES: Final = "entries"
STANDINGS: Final = "standings"
_BEGINNING_MICROSECONDS: Final = 978_307_200_000_000
_GAP: Final = re.compile(
    rb"(?P<profile>cus_~\d{7}~)|(?P<id>~\d{7}~)|(?P<carrier>\^\d{7}\^)"
    rb"|(?P<time>2001-\d\d-\d\dT[\d:.]+Z)|(?P<number>\+14152\d{6})"
)
_QUERIES: Final = {
    ENTRIES: "SELECT value FROM entries WHERE recipient = ? ORDER BY seq",
    Table.MESSAGES: "SELECT value FROM messages WHERE recipient = ? ORDER BY seq",
    Table.RECEIPTS: "SELECT value FROM receipts WHERE recipient = ? ORDER BY id",
    Table.MARKS: "SELECT value FROM marks WHERE recipient = ?",
    STANDINGS: "SELECT value FROM standings WHERE number = CAST(? AS INTEGER)",
}

Fillings = Sequence[bytes]
"""What fills the gaps: the number, the profile's id, then times, ids and the carrier's ids."""


class Gap(NamedTuple):
    """Something that is another for each person: of what kind, and what stood there."""

    kind: str
    text: bytes


class Counted(msgspec.Struct, frozen=True):
    """Under what an entry is counted, but for its day; `audited` is the gap of an audited one."""

    sender: str
    kind: str
    reason: str
    audited: int | None = None


class Row(msgspec.Struct, frozen=True):
    """One row with gaps: when in the story it came into being, and what it is filled with."""

    table: str
    at: int
    text: bytes
    pick: Callable[[Fillings], tuple[bytes, ...]]
    counted: Counted | None = None


class Story(msgspec.Struct, frozen=True):
    """All rows in the order of time, and what fills their gaps; times are microseconds in it.

    `ids` are the times at which ids were made, in the order they were made.
    """

    rows: tuple[Row, ...]
    times: tuple[int, ...]
    ids: tuple[int, ...]
    carrier_ids: int
    length: int
    messages: int
    opted_out_at: int | None
    opt_out_marks: bytes


class _Cut(NamedTuple):
    """A row cut at its gaps."""

    table: str
    value: bytes
    text: bytes
    gaps: tuple[Gap, ...]


def read_story(connection: apsw.Connection, number: str, made: Sequence[int], length: int) -> Story:
    """Read what a story left of a number; `made` are the times of its ids."""
    cuts = [
        _cut(table, str(value).encode())
        for table, query in _QUERIES.items()
        for (value,) in connection.execute(query, (number,))
    ]
    by_kind = {kind: _gaps_of(cuts, kind) for kind in ("time", "id", "carrier")}
    fixed = [Gap("number", number.encode()), Gap("profile", b"cus_~0000000~")]
    order = [*fixed, *(gap for gaps in by_kind.values() for gap in gaps)]
    places = {gap: place for place, gap in enumerate(order)}
    rows = [_read_row(cut, places, length) for cut in cuts]
    opted_out_at, marks = _read_opt_out(cuts)
    return Story(
        rows=tuple(sorted(rows, key=lambda row: row.at)),
        times=tuple(_read_time(gap.text) for gap in by_kind["time"]),
        ids=tuple(made[int(gap.text.strip(b"~"))] for gap in by_kind["id"]),
        carrier_ids=len(by_kind["carrier"]),
        length=length,
        messages=sum(row.table == Table.MESSAGES for row in rows),
        opted_out_at=opted_out_at,
        opt_out_marks=marks,
    )


def _cut(table: str, value: bytes) -> _Cut:
    gaps: list[Gap] = []

    def leave(found: re.Match[bytes]) -> bytes:
        kind = found.lastgroup or ""
        # Every profile of a story is the one that the person has.
        gaps.append(Gap(kind, b"cus_~0000000~" if kind == "profile" else found.group()))
        return b"%b"

    text = _GAP.sub(leave, value.replace(b"%", b"%%"))
    return _Cut(table, value, text, tuple(gaps))


def _gaps_of(cuts: Iterable[_Cut], kind: str) -> list[Gap]:
    return sorted({gap for cut in cuts for gap in cut.gaps if gap.kind == kind})


def _read_row(cut: _Cut, places: dict[Gap, int], length: int) -> Row:
    at, counted = length, None
    if cut.table == ENTRIES:
        entry = msgspec.json.decode(cut.value, type=Entry)
        at, counted = _in_story(entry.recorded_at), _count(entry, places)
    elif cut.table == Table.MESSAGES:
        at = _in_story(msgspec.json.decode(cut.value, type=Message).created_at)
    elif cut.table == Table.RECEIPTS:
        at = _in_story(msgspec.json.decode(cut.value, type=Receipt).received_at)
    chosen = [places[gap] for gap in cut.gaps]
    return Row(cut.table, at, cut.text, operator.itemgetter(*chosen), counted)


def _count(entry: Entry, places: dict[Gap, int]) -> Counted:
    audited = entry.kind in AUDITED and entry.actor.kind is not ActorKind.IMPORT
    own = Gap("id", entry.id.partition("_")[2].encode())
    return Counted(
        sender=entry.sender or "",
        kind=str(entry.kind),
        reason=told_reason(entry),
        audited=places[own] if audited else None,
    )


def _read_opt_out(cuts: Iterable[_Cut]) -> tuple[int | None, bytes]:
    """Read when the newest opt-out was made, and the marks of all, as they lie beside it."""
    at, marks = None, None
    for cut in cuts:
        if cut.table == STANDINGS:
            at, marks, _ = row_of_standing(decode_standing(cut.value))
    return None if at is None else at - _BEGINNING_MICROSECONDS, encode(marks)


def _read_time(text: bytes) -> int:
    return _in_story(datetime.fromisoformat(text.decode()))


def _in_story(time: datetime) -> int:
    return to_microseconds(time) - _BEGINNING_MICROSECONDS
