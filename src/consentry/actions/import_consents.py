"""A list of people who signed up elsewhere: each is asked over their own handset, once.

An import never overwrites a revocation, and bringing the same list in again asks nobody twice.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from enum import StrEnum

import msgspec

from consentry.actions.import_opt_outs import (
    ImportOptOut,
    ImportSource,
    ReadLine,
    RepeatedNumber,
    mark_repeated,
    read_rows,
    tell_provenance,
)
from consentry.actions.record_consent import Statement, find_program
from consentry.actions.request_consent import RequestConsent
from consentry.domain.double_opt_in import Fate
from consentry.domain.entries import Actor, ActorKind, Evidence, Medium
from consentry.domain.listed_numbers import ListedNumber, UnreadableLine
from consentry.domain.vouched_words import WHY, NoConsent, find_no_consent
from consentry.ports import Change, Facts, Needs


class ConsentList(msgspec.Struct, frozen=True):
    """Where a list comes from: its name, the hash of its text, and who brings it in.

    `id` names the import. `program` is what people are asked for, `call_to_action` what they were
    shown when they signed up.
    """

    id: str
    name: str
    digest: str
    by: str
    program: str
    call_to_action: str | None = None


class Row(StrEnum):
    """What becomes of a line of a list."""

    ASKED = "asked"
    KNOWN = "known"
    WITHDREW = "withdrew"
    HELD = "held"
    REPEATED = "repeated"
    UNREADABLE = "unreadable"


_ROWS = {
    Fate.ASKED: Row.ASKED,
    Fate.ACTIVE: Row.KNOWN,
    Fate.WAITING: Row.KNOWN,
    Fate.ASKED_BEFORE: Row.KNOWN,
    Fate.WITHDREW: Row.WITHDREW,
    Fate.HELD: Row.HELD,
}


class ImportedConsent(msgspec.Struct, frozen=True):
    """What became of a number, and why."""

    row: Row
    note: str = ""


class ImportConsent(msgspec.Struct, frozen=True):
    """Have one number of a list asked, with where it comes from.

    `is_dry`: say what would be, and write nothing.
    """

    line: ListedNumber
    source: ConsentList
    is_dry: bool = False

    def needs(self) -> Needs:
        """Ask for what a request needs, and for what an opt-out cancels where words are told."""
        needs = self._request().needs()
        return msgspec.structs.replace(needs, queued_jobs=True) if self.line.text else needs

    def decide(self, facts: Facts) -> tuple[ImportedConsent, Change]:
        """Decide; raises `Rejected` for what nobody on the list can be asked for.

        Who is not asked has nothing written: what stands already stays as it is. But an opt-out in
        the person's own words counts as one.
        """
        instead = find_no_consent(self.line.text)
        if instead is NoConsent.OPT_OUT:
            told = ImportedConsent(Row.WITHDREW, "This text is an opt-out, and counts as one.")
            return told, Change() if self.is_dry else self._say_stop(facts)
        if instead is not None:
            note = f"This text is {WHY[instead]}, and no consent."
            return ImportedConsent(Row.HELD, note), Change()
        recorded, change = self._request().decide(facts)
        row = _ROWS[recorded.fate or Fate.HELD]
        imported = ImportedConsent(row, recorded.note or "")
        return imported, Change() if self.is_dry or row is not Row.ASKED else change

    def _say_stop(self, facts: Facts) -> Change:
        source = self.source
        brand = find_program(source.program, facts).brand
        listed = ImportSource(source.id, source.name, source.digest, source.by, brand)
        return ImportOptOut(self.line, listed, self.line.text).decide(facts)[1]

    def _request(self) -> RequestConsent:
        line, source = self.line, self.source
        note = tell_provenance(line, name=source.name, digest=source.digest, by=source.by)
        statement = Statement(
            recipient=line.recipient,
            actor=Actor(ActorKind.IMPORT, source.id),
            reason=line.reason or source.name,
            evidence=Evidence(medium=Medium.PAPER, at=line.at, note=note),
        )
        return RequestConsent(statement, source.program, call_to_action=source.call_to_action)


def find_counting(text: str, *, region: str | None) -> dict[str, int]:
    """Find the lines of a normalized list that count, of numbers that may come more than once.

    That is where the person says no, wherever it stands; then where their words are no consent.
    Who said neither is not named: the first line counts.
    """
    no_consent: dict[str, int] = {}
    opt_outs: dict[str, int] = {}
    for row in read_rows(text, region=region):
        if isinstance(row, UnreadableLine):
            continue
        instead = find_no_consent(row.text)
        if instead is not None:
            found = opt_outs if instead is NoConsent.OPT_OUT else no_consent
            found.setdefault(row.recipient, row.line)
    return no_consent | opt_outs


def read_asked(text: str, counting: Mapping[str, int], *, region: str | None) -> Iterator[ReadLine]:
    """Read a normalized list of people to be asked; `counting` is what `find_counting` found."""
    return mark_repeated(read_rows(text, region=region), counting)


def count_rows(rows: Iterable[Row]) -> dict[str, int]:
    """Count what becomes of the lines; every kind is there, those without a line too."""
    counted = Counter(rows)
    return {row.value: counted[row] for row in Row}


def sort_lines(lines: Iterable[ReadLine]) -> Iterator[tuple[ReadLine, Row | None]]:
    """Say of each line what becomes of it where that hangs on no person; None: it does."""
    for line in lines:
        if isinstance(line, ListedNumber):
            yield line, None
        else:
            is_repeated = isinstance(line, RepeatedNumber)
            yield line, Row.REPEATED if is_repeated else Row.UNREADABLE
