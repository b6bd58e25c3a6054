"""The checklist of express written consent: what it needs, and whether evidence shows it.

A call to action of ours is known to stand apart and to have no ticked box: its version was checked
before anybody was shown it. Of other wordings whoever records the grant says so.
"""

from collections.abc import Callable, Iterable
from datetime import date
from typing import Final

import msgspec

from consentry.domain.call_to_action_words import TABLE as WORDS
from consentry.domain.call_to_action_words import Says
from consentry.domain.calls_to_action import CallToAction
from consentry.domain.directory import Brand, Directory, Program, Sender
from consentry.domain.entries import Box, Entry, EntryKind, Evidence, Medium
from consentry.domain.named_number import names_number
from consentry.domain.reading_data import read_rows


class ItemRow(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One thing that express written consent needs: what it means, and what to say without it.

    `where` is the field of the evidence that shows it. `is_wording` tells what was shown to the
    person from what the person did.
    """

    id: str
    says: str
    missing: str
    where: str
    is_wording: bool
    source: str
    checked_on: date


class ItemTable(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """All items of one edition, in the order to read them."""

    version: str
    items: tuple[ItemRow, ...]


_DIGITS_MAX: Final = 10

TABLE: Final = read_rows("written_consent.json", ItemTable)


class Item(msgspec.Struct, frozen=True):
    """An item judged: `missing` says what to add to the evidence where it is not met."""

    id: str
    says: str
    missing: str
    where: str
    source: str
    is_met: bool
    is_wording: bool


class Granting(msgspec.Struct, frozen=True):
    """What a grant is judged by: its evidence, and who would text for it.

    `is_ours`: the wording is a version of one of our calls to action.
    """

    evidence: Evidence
    brand: Brand
    program: Program
    senders: tuple[Sender, ...]
    is_ours: bool = False

    @property
    def shown(self) -> str:
        """The wording, as it is searched."""
        return (self.evidence.call_to_action or "").casefold()


def with_words(directory: Directory, evidence: Evidence) -> Evidence:
    """Fill in the words of evidence that names a version of ours, as it is shown now."""
    call = _find_call(directory, evidence)
    if call is None or evidence.call_to_action is not None:
        return evidence
    if call.version_id != evidence.call_to_action_version:
        return evidence
    return msgspec.structs.replace(
        evidence,
        call_to_action=call.text,
        call_to_action_sha256=call.sha256,
        locale=evidence.locale or call.locale,
    )


def _find_call(directory: Directory, evidence: Evidence) -> CallToAction | None:
    """Find the call to action whose version, the newest or an older one, evidence names."""
    name, _, version = (evidence.call_to_action_version or "").partition("/")
    call = directory.calls_to_action.get(name)
    is_number = version.isascii() and version.isdigit() and len(version) < _DIGITS_MAX
    return call if call is not None and is_number and 0 < int(version) <= call.version else None


def with_answer(asked: Evidence, answer: Evidence) -> Evidence:
    """Put the person's answer by text to what they were asked with: words and signature in one."""
    return msgspec.structs.replace(
        asked, medium=answer.medium, verbatim=answer.verbatim, action=answer.action
    )


def gather_evidence(entries: Iterable[Entry]) -> dict[str, tuple[Entry, Evidence]]:
    """Gather by program what shows the newest consent; `entries` come newest first.

    An answer that names no wording of its own is the answer to the request before it.
    """
    found: dict[str, tuple[Entry, Evidence]] = {}
    for entry in entries:
        evidence, program = entry.evidence, entry.program
        if evidence is None or program is None or entry.superseded:
            continue
        if program not in found:
            found[program] = (entry, evidence)
            continue
        newest, shown = found[program]
        if entry.kind is EntryKind.CONSENT_REQUESTED and shown.call_to_action is None:
            found[program] = (newest, with_answer(evidence, shown))
    return found


def look_up(directory: Directory, program: Program, evidence: Evidence) -> Granting:
    """Look up what a grant's evidence is held against."""
    call = _find_call(directory, evidence)
    is_ours = call is not None and call.program == program.id
    brand, senders = directory.brands[program.brand], directory.senders_of(program)
    return Granting(evidence, brand, program, senders, is_ours)


def judge_written(granting: Granting) -> tuple[Item, ...]:
    """Judge evidence by every item."""
    numbers = " or ".join(sender.number for sender in granting.senders)
    filled = {
        "brand": granting.brand.name,
        "program": granting.program.name,
        "numbers": numbers or "one of its senders",
    }
    return tuple(
        Item(
            row.id,
            row.says.format_map(filled),
            row.missing.format_map(filled),
            row.where,
            row.source,
            is_met=_JUDGES[row.id](granting),
            is_wording=row.is_wording,
        )
        for row in TABLE.items
    )


def _is_signed(granting: Granting) -> bool:
    evidence = granting.evidence
    done = evidence.verbatim if evidence.medium is Medium.TEXT else evidence.action
    return bool((done or "").strip())


def _has_no_ticked_box(granting: Granting) -> bool:
    evidence = granting.evidence
    if evidence.box is not None:
        return evidence.box is not Box.PRE_TICKED
    return granting.is_ours or evidence.medium is Medium.TEXT


def _says(phrases: Callable[[Says], tuple[str, ...]]) -> Callable[[Granting], bool]:
    wanted = tuple(phrase for words in WORDS.languages for phrase in phrases(words.says))
    return lambda granting: any(phrase in granting.shown for phrase in wanted)


_SPOKEN: Final = frozenset({Medium.VERBAL, Medium.PHONE})
_JUDGES: Final[dict[str, Callable[[Granting], bool]]] = {
    "in_writing": lambda granting: granting.evidence.medium not in _SPOKEN,
    "wording": lambda granting: bool(granting.shown.strip()),
    "seller": lambda granting: granting.brand.name.casefold() in granting.shown,
    "program": lambda granting: granting.program.name.casefold() in granting.shown,
    "number": lambda granting: any(
        names_number(granting.shown, sender.number) for sender in granting.senders
    ),
    "marketing": _says(lambda says: says.marketing),
    "automated": _says(lambda says: says.automated),
    "no_condition": _says(lambda says: says.condition),
    # A grant is recorded under the number that it is for, so it cannot be without one.
    "phone_number": lambda _: True,
    "signature": _is_signed,
    "apart": lambda granting: granting.evidence.apart is True or granting.is_ours,
    "box": _has_no_ticked_box,
}
