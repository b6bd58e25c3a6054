"""Opt-outs brought along from another system: read line by line, and put on the list.

An import only ever takes away. Doing it again changes nothing, and it never overrules a person who
has come back by their own text since.
"""

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from enum import StrEnum
from itertools import chain, islice
from typing import Final

import msgspec

from consentry.actions.record_consent import Statement, SuppressRecipient
from consentry.domain.directory import Directory, conversation_program
from consentry.domain.entries import Actor, ActorKind, Evidence, Medium
from consentry.domain.import_columns import Column, Columns, guess_columns
from consentry.domain.listed_numbers import (
    ListedNumber,
    UnreadableLine,
    latest_time,
    read_listed,
)
from consentry.domain.standing import EVERYTHING, Standing, Suppression
from consentry.ports import Change, Facts, Needs
from consentry.wire.delimited import find_delimiter, read_records

GUESSED_FROM: Final = 20
"""So many rows are looked at to guess which column is what."""


class RepeatedNumber(msgspec.Struct, frozen=True):
    """A line with a number that another line has: `first` is the one that counts."""

    line: int
    recipient: str
    first: int


ReadLine = ListedNumber | UnreadableLine | RepeatedNumber


def normalize_list(text: str) -> str:
    """Write a list with plain line ends and without a byte order mark: what is hashed and read."""
    return text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")


def hash_list(text: str) -> str:
    """Hash a normalized list, so that what was shown and what is written are the same."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def count_lines(text: str) -> int:
    """Count the lines of a normalized list that have something in them."""
    return sum(1 for line in text.split("\n") if line.strip())


def read_list(
    text: str, *, region: str | None, columns: Columns | None = None
) -> Iterator[ReadLine]:
    """Read a normalized list: CSV with a header, or a number in each line.

    A stray quote spoils one line and not all that follow. `columns`: where what is, else guessed.
    """
    return mark_repeated(read_rows(text, region=region, columns=columns), {})


def read_rows(
    text: str, *, region: str | None, columns: Columns | None = None
) -> Iterator[ListedNumber | UnreadableLine]:
    """Read each line of a normalized list, whether or not its number came before."""
    records = read_records(text.split("\n"), find_delimiter(first_line(text)))
    first = list(islice(records, GUESSED_FROM))
    columns = columns or guess_columns([cells for _, cells in first], region=region)
    for place, cells in chain(first[1:] if columns.has_header else first, records):
        yield read_listed(place, cells, columns, region=region)


def name_columns(text: str, *, region: str | None) -> list[tuple[Column, int, str]]:
    """Tell what a normalized list's columns are taken for: place from 1, and heading if any."""
    records = read_records(text.split("\n"), find_delimiter(first_line(text)))
    first = [cells for _, cells in islice(records, GUESSED_FROM)]
    columns = guess_columns(first, region=region)
    header = first[0] if columns.has_header else []
    return [
        (column, place + 1, header[place].strip() if place < len(header) else "")
        for column, place in columns.places().items()
    ]


def first_line(text: str) -> str:
    """Give the first line with something in it."""
    return next((line for line in text.split("\n") if line.strip()), "")


def mark_repeated(
    rows: Iterable[ListedNumber | UnreadableLine], counting: Mapping[str, int]
) -> Iterator[ReadLine]:
    """Tell numbers that another line has: the first, or the one of `counting`, by numbers."""
    lines = dict(counting)
    for row in rows:
        if isinstance(row, UnreadableLine):
            yield row
            continue
        counts = lines.setdefault(row.recipient, row.line)
        yield row if counts == row.line else RepeatedNumber(row.line, row.recipient, counts)


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

    A person on the list who came back to a sender by their own text stays back, unless they may
    have opted out after that by what the list says: a day may be any hour of it.
    """
    known = standing.suppression(source.scope)
    if known is None or not known.active or (source.by_person and not known.by_person):
        return Fate.NEW
    came_back_at = _came_back_at(standing, known, directory)
    if came_back_at is None:
        return Fate.LISTED
    latest = latest_time(row)
    return Fate.NEW if latest is not None and latest > came_back_at else Fate.CAME_BACK


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
    """Put one number of a list on the do-not-text list, with where it comes from.

    `verbatim`: the person's own words, where they are why.
    """

    row: ListedNumber
    source: ImportSource
    verbatim: str | None = None

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
        note = tell_provenance(row, name=source.name, digest=source.digest, by=source.agent)
        statement = Statement(
            recipient=row.recipient,
            actor=Actor(ActorKind.IMPORT, source.id),
            reason=row.reason or source.name,
            evidence=Evidence(medium=Medium.IMPORT, at=row.at, verbatim=self.verbatim, note=note),
            by_person=source.by_person,
        )
        return SuppressRecipient(statement, source.brand)


def tell_provenance(row: ListedNumber, *, name: str, digest: str, by: str) -> str:
    """Write down where a row comes from: which list, its hash, the row, the date, who."""
    dated = f"claimed date {row.claimed}" if row.claimed else "no date given"
    return f"{name}, row {row.line}, SHA-256 {digest}; {dated}; brought in by {by}"
