"""Opt-outs brought along from another system: read line by line, and put on the list.

An import only ever takes away. Doing it again changes nothing, and it never overrules a person who
has come back by their own text since.
"""

import csv
import hashlib
import re
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from enum import StrEnum
from typing import Final

import msgspec

from consentry.actions.record_consent import Statement, SuppressRecipient
from consentry.domain.directory import Directory, conversation_program
from consentry.domain.entries import Actor, ActorKind, Evidence, Medium
from consentry.domain.phone import InvalidNumber, normalize_phone
from consentry.domain.standing import EVERYTHING, Standing, Suppression
from consentry.ports import Change, Facts, Needs

_NUMBER_NAMES: Final = frozenset(
    {"number", "phone", "phone number", "mobile", "recipient", "telephone", "tel", "msisdn"}
)
_REASON_NAMES: Final = frozenset({"reason", "cause", "note", "comment"})
_DATE_NAMES: Final = frozenset({"date", "since", "at", "time", "opted out at", "opt out date"})
_REASON_MAX: Final = 200
_CELL_MAX: Final = 2000
_WORD_BREAKS: Final = re.compile(r"[\s_-]+")


class ListedNumber(msgspec.Struct, frozen=True):
    """A line that names a number: what the other system said of it, and when.

    `at` is None where no date is given, or one that cannot be read; `claimed` is it as it stands.
    """

    line: int
    recipient: str
    reason: str = ""
    claimed: str = ""
    at: datetime | None = None


class UnreadableLine(msgspec.Struct, frozen=True):
    """A line that names no number, and why."""

    line: int
    text: str
    why: str


class RepeatedNumber(msgspec.Struct, frozen=True):
    """A line with a number that an earlier line has."""

    line: int
    recipient: str
    first: int


ReadLine = ListedNumber | UnreadableLine | RepeatedNumber


class _Columns(msgspec.Struct, frozen=True):
    number: int = 0
    reason: int | None = None
    date: int | None = None


def normalize_list(text: str) -> str:
    """Write a list with plain line ends and without a byte order mark: what is hashed and read."""
    return text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")


def hash_list(text: str) -> str:
    """Hash a normalized list, so that what was shown and what is written are the same."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def count_lines(text: str) -> int:
    """Count the lines of a normalized list that have something in them."""
    return sum(1 for line in text.split("\n") if line.strip())


def read_list(text: str, *, region: str | None) -> Iterator[ReadLine]:
    """Read a normalized list: CSV with a header, or a number at the beginning of each line.

    Each line stands alone, so that a stray quote spoils one line and not all that follow.
    """
    lines = [(place, line) for place, line in enumerate(text.split("\n"), start=1) if line.strip()]
    if not lines:
        return
    first_line = lines[0][1]
    delimiter = _find_delimiter(first_line)
    header = _read_header(_split(first_line, delimiter))
    seen: dict[str, int] = {}
    for place, line in lines if header is None else lines[1:]:
        read = _read_line(place, _split(line, delimiter), header or _Columns(), region)
        yield _mark_repeated(read, seen)


def _mark_repeated(read: ListedNumber | UnreadableLine, seen: dict[str, int]) -> ReadLine:
    """Tell a number that an earlier line has; `seen` keeps where each came first."""
    if isinstance(read, UnreadableLine):
        return read
    first = seen.setdefault(read.recipient, read.line)
    return read if first == read.line else RepeatedNumber(read.line, read.recipient, first)


def _find_delimiter(line: str) -> str:
    """Take what separates the first line; people export with semicolons and tabs too."""
    return max(",;\t", key=line.count)


def _split(line: str, delimiter: str) -> list[str]:
    try:
        cells = next(csv.reader([line], delimiter=delimiter), [])
    except csv.Error:
        cells = [line]
    return [cell.strip()[:_CELL_MAX] for cell in cells]


def _read_header(cells: Sequence[str]) -> _Columns | None:
    """Find the columns by their names; None where the line is no header."""
    names = [_WORD_BREAKS.sub(" ", cell.casefold()) for cell in cells]
    number = _place_of(names, _NUMBER_NAMES)
    if number is None:
        return None
    return _Columns(number, _place_of(names, _REASON_NAMES), _place_of(names, _DATE_NAMES))


def _place_of(names: Sequence[str], wanted: frozenset[str]) -> int | None:
    return next((place for place, name in enumerate(names) if name in wanted), None)


def _cell(cells: Sequence[str], place: int | None) -> str:
    return "" if place is None or place >= len(cells) else cells[place]


def _read_line(
    place: int, cells: Sequence[str], columns: _Columns, region: str | None
) -> ListedNumber | UnreadableLine:
    # A spreadsheet marks a cell as text by an apostrophe.
    written = _cell(cells, columns.number).removeprefix("'")
    try:
        recipient = normalize_phone(written, region=region)
    except InvalidNumber as error:
        return UnreadableLine(place, written, str(error))
    claimed = _cell(cells, columns.date)[:_REASON_MAX]
    reason = _cell(cells, columns.reason)[:_REASON_MAX]
    return ListedNumber(place, recipient, reason, claimed, _read_time(claimed))


def _read_time(text: str) -> datetime | None:
    """Read a time as RFC 3339 or a plain day, which begins at midnight UTC."""
    try:
        at = datetime.fromisoformat(text)
        return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


class Fate(StrEnum):
    """What becomes of a number of the list."""

    NEW = "new"
    LISTED = "listed"
    CAME_BACK = "came_back"


class ImportSource(msgspec.Struct, frozen=True):
    """Where a list comes from: its name, the hash of its text, who brings it in, and why.

    `id` names the import. `by_person`: the people on it said so themselves; else the company
    decided it. `brand` None: it is for every brand.
    """

    id: str
    name: str
    digest: str
    agent: str
    brand: str | None
    by_person: bool = True

    @property
    def scope(self) -> str:
        """The scope of the do-not-text."""
        return self.brand or EVERYTHING


def decide_fate(
    standing: Standing, row: ListedNumber, source: ImportSource, directory: Directory
) -> Fate:
    """Say what becomes of a number, before anything is written and again when it is.

    A person on the list who came back to a sender by their own text stays back, unless the list
    says that they opted out after that.
    """
    known = standing.suppression(source.scope)
    if known is None or not known.active or (source.by_person and not known.by_person):
        return Fate.NEW
    came_back_at = _came_back_at(standing, known, directory)
    if came_back_at is None:
        return Fate.LISTED
    return Fate.NEW if row.at is not None and row.at > came_back_at else Fate.CAME_BACK


def _came_back_at(standing: Standing, known: Suppression, directory: Directory) -> datetime | None:
    """Tell when the person last came back to a sender that the do-not-text covers."""
    numbers = [number for number in known.lifted_for if number in directory.senders]
    consents = [standing.consent(conversation_program(number)) for number in numbers]
    given = [c.since for c in consents if c is not None and not c.is_withdrawn]
    return max(given, default=None)


class Imported(msgspec.Struct, frozen=True):
    """What became of a number, and which messages of ours were with the carrier meanwhile."""

    fate: Fate
    in_flight: tuple[str, ...] = ()


class ImportOptOut(msgspec.Struct, frozen=True):
    """Put one number of a list on the do-not-text list, with where it comes from."""

    row: ListedNumber
    source: ImportSource

    def needs(self) -> Needs:
        """Ask for what putting it on the list needs."""
        return self._suppress().needs()

    def decide(self, facts: Facts) -> tuple[Imported, Change]:
        """Decide; raises `Rejected` for an unknown brand. What stands already stays as it is."""
        fate = decide_fate(
            facts.standing(self.row.recipient), self.row, self.source, facts.directory
        )
        if fate is not Fate.NEW:
            return Imported(fate), Change()
        recorded, change = self._suppress().decide(facts)
        return Imported(fate, recorded.in_flight), change

    def _suppress(self) -> SuppressRecipient:
        row, source = self.row, self.source
        provenance = [
            f"{source.name}, row {row.line}, SHA-256 {source.digest}",
            f"claimed date {row.claimed}" if row.claimed else "no date given",
            f"brought in by {source.agent}",
        ]
        evidence = Evidence(medium=Medium.IMPORT, at=row.at, note="; ".join(provenance))
        statement = Statement(
            recipient=row.recipient,
            actor=Actor(ActorKind.IMPORT, source.id),
            reason=row.reason or source.name,
            evidence=evidence,
            by_person=source.by_person,
        )
        return SuppressRecipient(statement, source.brand)
