"""The document: what a bundle says in words, drawn as a page and as paper from one value."""

from datetime import datetime
from typing import Final

import msgspec

SECOND: Final = 1
MINUTE_SECONDS: Final = 60
HOUR_SECONDS: Final = 3600
DAY_SECONDS: Final = 86_400


class Cell(msgspec.Struct, frozen=True):
    """One cell of a table: its text, smaller lines below, and how it looks.

    `entry`, `field`: it repeats this field of that entry, whose value is `value` where the text
    is written otherwise (a time). verify.py holds it to the entry. `kind`: text, strong, code,
    quote. `link`: a file of the bundle.
    """

    text: str
    small: tuple[str, ...] = ()
    kind: str = "text"
    entry: str = ""
    field: str = ""
    value: str = ""
    link: str = ""


Row = tuple[Cell, ...]


class Part(msgspec.Struct, frozen=True):
    """A piece of a section: lines, a wording as it was shown, a table, notes below it.

    `columns`: the shares of the width.
    """

    title: str = ""
    lines: tuple[str, ...] = ()
    quote: str = ""
    columns: tuple[float, ...] = ()
    head: tuple[str, ...] = ()
    rows: tuple[Row, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def widths(self) -> tuple[int, ...]:
        """The shares of the width in percent."""
        return tuple(round(100 * share / sum(self.columns)) for share in self.columns)


class Section(msgspec.Struct, frozen=True):
    """A chapter; `id` is its address in the page."""

    id: str
    title: str
    lines: tuple[str, ...] = ()
    parts: tuple[Part, ...] = ()


class Document(msgspec.Struct, frozen=True):
    """All of it: a title, a lead sentence, and the sections in the order to read them."""

    title: str
    lead: str
    subject: str
    made: str
    sections: tuple[Section, ...]


def spell_time(at: datetime) -> str:
    """Write a time in UTC, to the second."""
    return f"{at:%Y-%m-%d %H:%M:%S} UTC"


def spell_stamp(at: datetime) -> str:
    """Write a time where it is said that all are UTC."""
    return f"{at:%Y-%m-%d %H:%M:%S}"


def spell_seconds(seconds: float) -> str:
    """Write how long something took."""
    if seconds < SECOND:
        return f"{max(0.0, seconds) * 1000:.0f} ms"
    if seconds < MINUTE_SECONDS:
        return f"{seconds:.1f} s"
    if seconds < HOUR_SECONDS:
        return f"{int(seconds // 60)} min {int(seconds % 60)} s"
    if seconds < DAY_SECONDS:
        return f"{int(seconds // 3600)} h {int(seconds % 3600 // 60)} min"
    return f"{count(int(seconds // DAY_SECONDS), 'day')} {int(seconds % DAY_SECONDS // 3600)} h"


def spell_name(name: str) -> str:
    """Write a name of the code as words."""
    return name.replace("_", " ")


def count(number: int, one: str, many: str = "") -> str:
    """Write a count with its noun."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"
