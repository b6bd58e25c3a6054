"""The case: everything that a bundle says, as one value that every drawing of it shares."""

from collections.abc import Iterable, Mapping
from datetime import datetime

import msgspec

from consentry.domain.calls_to_action import CallToAction
from consentry.domain.directory import Directory, Program, Purpose
from consentry.domain.entries import Entry, EntryKind, Evidence, fold
from consentry.domain.evidence.local_time import LocalTime, find_local_time
from consentry.domain.evidence.scope import Scope
from consentry.domain.evidence.words import Word, read_word
from consentry.domain.gate import Decision
from consentry.domain.in_force import History
from consentry.domain.messages import Direction, Message, MessageStatus
from consentry.domain.policy import Policy
from consentry.domain.standing import Place, Standing
from consentry.domain.written_consent import Item, gather_evidence, judge_written, look_up


class ReceiptLine(msgspec.Struct, frozen=True):
    """What a carrier reported of a text, and when that reached us."""

    status: MessageStatus
    at: datetime
    error_code: str | None = None


class ErasedEntries(msgspec.Struct, frozen=True):
    """Entries of the number that were destroyed: how many, and the entry that accounts for them."""

    entry: str
    count: int


class Material(msgspec.Struct, frozen=True):
    """What a case is built from; `entries` are those of the scope, oldest first.

    `receipts` by the carrier's id of the text. `calls`: the versions that could be found, by their
    names. `covered`: the entries that the checkpoint proves; None where there is no checkpoint.
    `erased`: what was destroyed of the number before. `left_out`: how many entries of the number
    say nothing of consent.
    """

    scope: Scope
    made_at: datetime
    entries: tuple[Entry, ...]
    messages: Mapping[str, Message]
    receipts: Mapping[str, tuple[ReceiptLine, ...]]
    calls: Mapping[str, CallToAction]
    history: History
    directory: Directory
    covered: frozenset[str] | None = None
    has_timestamp: bool = False
    erased: tuple[ErasedEntries, ...] = ()
    left_out: int = 0


class LogLine(msgspec.Struct, frozen=True):
    """A line of the log: a text, or an attempt that was refused (`message` is then None).

    `decision` is the gate's last word on it, and `entry` the entry that holds it.
    """

    at: datetime
    local: LocalTime
    message: Message | None
    entry: Entry | None
    decision: Decision | None
    receipts: tuple[ReceiptLine, ...] = ()


class Checklist(msgspec.Struct, frozen=True):
    """The newest evidence of a program, held against what consent of its kind needs.

    An answer by text rests on what the request before it showed: `evidence` has both. `items`
    are those of express written consent, and empty where the program needs none.
    """

    program: Program
    brand: str
    entry: Entry
    evidence: Evidence
    items: tuple[Item, ...]

    @property
    def missing(self) -> int:
        """How many items the evidence does not show."""
        return sum(not item.is_met for item in self.items)


class PolicyThen(msgspec.Struct, frozen=True):
    """A policy by which something here was decided; `policy` None: the ledger has it not."""

    version: str
    first_used_at: datetime
    decisions: int
    policy: Policy | None


class Case(msgspec.Struct, frozen=True):
    """All of it."""

    material: Material
    standing: Standing
    words: tuple[Word, ...]
    log: tuple[LogLine, ...]
    checklists: tuple[Checklist, ...]
    policies: tuple[PolicyThen, ...]


def build_case(material: Material) -> Case:
    """Build the case. Nothing that is missing is filled in."""
    words = (read_word(entry, material.messages) for entry in material.entries)
    return Case(
        material=material,
        standing=fold(material.entries),
        words=tuple(word for word in words if word is not None),
        log=_build_log(material),
        checklists=_build_checklists(material),
        policies=_list_policies(material),
    )


class _Places:
    """Where the person was said to be, at each time."""

    def __init__(self, material: Material) -> None:
        self._recipient = material.scope.recipient
        self._changes = [
            (entry.recorded_at, piece)
            for entry in material.entries
            for piece in entry.pieces
            if isinstance(piece, Place)
        ]

    def find(self, at: datetime) -> LocalTime:
        """Find what the person's clock showed at a time."""
        known = [place for since, place in self._changes if since <= at]
        return find_local_time(at, self._recipient, known[-1] if known else None)


def _build_log(material: Material) -> tuple[LogLine, ...]:
    places = _Places(material)
    decided: dict[str, Entry] = {}
    refused = []
    for entry in material.entries:
        if entry.decision is not None and entry.message is not None:
            decided[entry.message] = entry
        elif entry.kind is EntryKind.SEND_REFUSED:
            refused.append(entry)
    lines = [
        LogLine(entry.recorded_at, places.find(entry.recorded_at), None, entry, entry.decision)
        for entry in refused
    ]
    for message in material.messages.values():
        entry_of = decided.get(message.id)
        outbound = message.direction is Direction.OUTBOUND
        at = (message.submitted_at if outbound else None) or message.created_at
        lines.append(
            LogLine(
                at,
                places.find(at),
                message,
                entry_of,
                None if entry_of is None else entry_of.decision,
                material.receipts.get(message.carrier_message_id or "", ()),
            )
        )
    return tuple(sorted(lines, key=_order))


def _order(line: LogLine) -> tuple[datetime, str]:
    message, entry = line.message, line.entry
    return line.at, message.id if message is not None else "" if entry is None else entry.id


def _build_checklists(material: Material) -> tuple[Checklist, ...]:
    granted = (
        entry
        for entry in reversed(material.entries)
        if entry.kind in (EntryKind.CONSENT_GRANTED, EntryKind.CONSENT_REQUESTED)
    )
    found = []
    for program_id, (entry, evidence) in gather_evidence(granted).items():
        then = material.history.before(entry.recorded_at, entry.id).directory
        # Calls to action are not kept in what was in force: a version never changes.
        directory = msgspec.structs.replace(
            then, calls_to_action=material.directory.calls_to_action
        )
        program = directory.program(program_id)
        if program is None:
            directory = material.directory
            program = directory.program(program_id)
        if program is None:
            continue
        needs_written = program.purpose is Purpose.MARKETING
        items = judge_written(look_up(directory, program, evidence)) if needs_written else ()
        name = directory.brands[program.brand].name
        found.append(Checklist(program, name, entry, evidence, items))
    return tuple(found)


def _list_policies(material: Material) -> tuple[PolicyThen, ...]:
    first: dict[str, Entry] = {}
    counts: dict[str, int] = {}
    for entry in material.entries:
        if entry.decision is not None:
            version = entry.decision.policy_version
            first.setdefault(version, entry)
            counts[version] = counts.get(version, 0) + 1
    return tuple(
        PolicyThen(
            version,
            entry.recorded_at,
            counts[version],
            material.history.policy_of(version, entry.recorded_at, entry.id),
        )
        for version, entry in first.items()
    )


def name_calls(entries: Iterable[Entry]) -> dict[str, str | None]:
    """Name the versions of calls to action that entries rest on, each with its SHA-256."""
    return {
        entry.evidence.call_to_action_version: entry.evidence.call_to_action_sha256
        for entry in entries
        if entry.evidence is not None and entry.evidence.call_to_action_version is not None
    }
