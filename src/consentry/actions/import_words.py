"""What is known of rows before anything is decided: whom they name, and their words.

Whoever decides holds up everybody who waits for the store, so this is made ready before.
"""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from functools import lru_cache
from typing import Final

import msgspec

from consentry.domain.alike import Words, encode
from consentry.domain.listed_numbers import ListedNumber, UnreadableLine
from consentry.domain.microseconds import to_microseconds

ListedRow = ListedNumber | UnreadableLine

Kind = tuple[bool, bool, bool]
"""What a row lacks: a date that can be read, a claimed one, a reason."""

_REMEMBERED: Final = 4096
_UNDATED: Final = ("", 0)


class ReadyRows(msgspec.Struct, frozen=True):
    """Rows, with what each would write of its own.

    `numbers` are all that are named, `repeated` those named more than once, and `texted` those that
    are said to have texted something. `words` are the number, time, line, claimed date and reason
    of each row, as JSON writes them between quotes; `times` are in microseconds since 1970, UTC.
    What has no date has neither; a line that cannot be read has no words. `kind` is that of all
    rows, where they have one; `newest` their newest date.
    """

    rows: Sequence[ListedRow]
    numbers: tuple[str, ...]
    repeated: frozenset[str]
    texted: frozenset[str]
    words: list[Words]
    times: list[int]
    kind: Kind | None
    newest: datetime | None


def make_ready(rows: Sequence[ListedRow]) -> ReadyRows:
    """Make rows ready to be decided."""
    listed = [row for row in rows if isinstance(row, ListedNumber)]
    numbers = tuple([row.recipient for row in listed])
    written = [_write_row(row) for row in rows]
    return ReadyRows(
        rows,
        numbers,
        _find_repeated(numbers),
        frozenset(row.recipient for row in listed if row.text),
        [words for words, _ in written],
        [time for _, time in written],
        _share_kind(listed) if len(listed) == len(rows) else None,
        max((row.at for row in listed if row.at is not None), default=None),
    )


def _share_kind(rows: Sequence[ListedNumber]) -> Kind | None:
    kinds = {find_kind(row) for row in rows}
    return kinds.pop() if len(kinds) == 1 else None


def find_kind(row: ListedNumber) -> Kind:
    """Tell what a row lacks."""
    return row.at is None, not row.claimed, not row.reason


def _write_row(row: ListedRow) -> tuple[Words, int]:
    if isinstance(row, UnreadableLine):
        return (), 0
    at, time = _UNDATED if row.at is None else write_time(row.at)
    claimed = row.claimed and _write(row.claimed)
    reason = row.reason and _write(row.reason)
    return (row.recipient, at, str(row.line), claimed, reason), time


def _find_repeated(numbers: Sequence[str]) -> frozenset[str]:
    if len(set(numbers)) == len(numbers):
        return frozenset()
    return frozenset(number for number, count in Counter(numbers).items() if count > 1)


@lru_cache(maxsize=_REMEMBERED)
def _write(text: str) -> str:
    """Write a text as JSON does, without its quotes."""
    return encode(text)[1:-1].decode()


@lru_cache(maxsize=_REMEMBERED)
def write_time(at: datetime) -> tuple[str, int]:
    """Write a time as JSON does, without its quotes, and in microseconds since 1970, UTC."""
    return encode(at)[1:-1].decode(), to_microseconds(at)
