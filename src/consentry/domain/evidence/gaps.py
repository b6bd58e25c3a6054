"""What a bundle lacks: found, counted and said, and never filled in."""

from collections.abc import Callable
from hashlib import sha256
from typing import Final

import msgspec

from consentry.domain.directory import is_conversation
from consentry.domain.entries import Entry, EntryKind, Medium
from consentry.domain.evidence.case import Case, name_calls
from consentry.domain.messages import RANK, Direction, Message, MessageStatus
from consentry.domain.reading_data import read_rows
from consentry.domain.rules.places import WhereaboutsBy

_NAMED_MAX: Final = 20
"""How many ids a gap names; it counts all of them."""


class GapRow(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One thing that may be missing: what it is, and what that means for who reads the bundle."""

    id: str
    says: str
    means: str
    source: str
    checked_on: str


class GapTable(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """All rows of one edition, what weighs most first."""

    version: str
    gaps: tuple[GapRow, ...]


TABLE: Final = read_rows("evidence_gaps.json", GapTable)


class Gap(msgspec.Struct, frozen=True):
    """Something that is missing: how often, and of which entries or texts (the first of them)."""

    id: str
    says: str
    means: str
    count: int
    named: tuple[str, ...] = ()


def find_gaps(case: Case, unwritten: tuple[str, ...] = ()) -> tuple[Gap, ...]:
    """Find what is missing.

    `unwritten`: the letters (U+0000) that the paper's font has not; they are shown as such.
    """
    found = {row.id: _FINDERS[row.id](case) for row in TABLE.gaps if row.id in _FINDERS}
    found["letters"] = list(unwritten)
    return tuple(
        Gap(row.id, row.says, row.means, len(found[row.id]), _name_first(found[row.id]))
        for row in TABLE.gaps
        if found[row.id]
    )


def _name_first(found: list[str]) -> tuple[str, ...]:
    """Name the first; what has no name is counted alone."""
    return tuple(filter(None, found))[:_NAMED_MAX]


def _grants(case: Case) -> list[Entry]:
    kinds = (EntryKind.CONSENT_GRANTED, EntryKind.CONSENT_REQUESTED)
    return [
        entry
        for entry in case.material.entries
        if entry.kind in kinds and not is_conversation(entry.program or "")
    ]


def _grants_where(lacks: Callable[[Entry], bool]) -> Callable[[Case], list[str]]:
    return lambda case: [entry.id for entry in _grants(case) if lacks(entry)]


def _lacks_address(entry: Entry) -> bool:
    evidence = entry.evidence
    return evidence is not None and evidence.medium is Medium.WEB and evidence.ip is None


def _lacks_clock(entry: Entry) -> bool:
    return entry.evidence is None or entry.evidence.clock is None


def _lacks_wording(entry: Entry) -> bool:
    evidence = entry.evidence
    if evidence is None:
        return True
    # The answer to a request by text rests on what that request showed.
    if entry.kind is EntryKind.CONSENT_GRANTED and evidence.medium is Medium.TEXT:
        return False
    return evidence.call_to_action is None and evidence.call_to_action_version is None


def _lacks_version(entry: Entry) -> bool:
    evidence = entry.evidence
    if evidence is None or evidence.call_to_action_version is not None:
        return False
    return evidence.call_to_action is not None


def _unknown_calls(case: Case) -> list[str]:
    return [name for name in name_calls(case.material.entries) if name not in case.material.calls]


def _other_calls(case: Case) -> list[str]:
    """List the versions whose HTML is not what was hashed, or not what consents name."""
    named = name_calls(case.material.entries)
    return [
        name
        for name, call in case.material.calls.items()
        if sha256(call.html.encode()).hexdigest() != call.sha256
        or named.get(name) not in (None, call.sha256)
    ]


def _sent(case: Case) -> list[Message]:
    sent = RANK[MessageStatus.SENT]
    return [
        message
        for message in case.material.messages.values()
        if message.direction is Direction.OUTBOUND
        and message.status is not MessageStatus.CANCELED
        and (message.submitted_at is not None or RANK[message.status] == sent)
    ]


def _without_receipts(case: Case) -> list[str]:
    receipts = case.material.receipts
    return [m.id for m in _sent(case) if not receipts.get(m.carrier_message_id or "")]


def _without_carrier_id(case: Case) -> list[str]:
    return [message.id for message in _sent(case) if message.carrier_message_id is None]


def _unknown_outcome(case: Case) -> list[str]:
    return [m.id for m in _sent(case) if m.status is MessageStatus.INDETERMINATE]


def _missing_texts(case: Case) -> list[str]:
    named = (entry.message for entry in case.material.entries)
    known = case.material.messages
    return list(dict.fromkeys(name for name in named if name is not None and name not in known))


def _removed_texts(case: Case) -> list[str]:
    return [m.id for m in case.material.messages.values() if m.removal is not None]


def _texts_outside_ledger(case: Case) -> list[str]:
    return [m.id for m in _sent(case)]


def _rules_unrecorded(case: Case) -> list[str]:
    history = case.material.history
    return [
        entry.id
        for entry in case.material.entries
        if entry.decision is not None
        and not history.before(entry.recorded_at, entry.id).is_recorded
    ]


def _unknown_policies(case: Case) -> list[str]:
    return [then.version for then in case.policies if then.policy is None]


def _uncovered(case: Case) -> list[str]:
    covered = case.material.covered
    return [] if covered is None else [e.id for e in case.material.entries if e.id not in covered]


def _no_checkpoint(case: Case) -> list[str]:
    return ["checkpoint.txt"] if case.material.covered is None else []


def _no_timestamp(case: Case) -> list[str]:
    material = case.material
    return ["checkpoint.txt"] if material.covered is not None and not material.has_timestamp else []


def _unsure_places(case: Case) -> list[str]:
    return [
        line.message.id
        for line in case.log
        if line.message is not None and (not line.local.is_one or _is_guess(line.local.by))
    ]


def _is_guess(by: WhereaboutsBy) -> bool:
    return by is WhereaboutsBy.UNKNOWN


def _server_clock(case: Case) -> list[str]:
    return ["recorded_at"] if case.material.entries else []


def _erased(case: Case) -> list[str]:
    """Name the entries that account for what was erased, and count what that was."""
    erased = case.material.erased
    return [name for one in erased for name in (one.entry, *[""] * (one.count - 1))]


_FINDERS: Final[dict[str, Callable[[Case], list[str]]]] = {
    "no_checkpoint": _no_checkpoint,
    "not_covered": _uncovered,
    "erased": _erased,
    "wording_differs": _other_calls,
    "wording_not_stored": _unknown_calls,
    "wording_unknown": _grants_where(_lacks_wording),
    "wording_without_version": _grants_where(_lacks_version),
    "text_missing": _missing_texts,
    "text_removed": _removed_texts,
    "rules_unrecorded": _rules_unrecorded,
    "policy_unknown": _unknown_policies,
    "outcome_unknown": _unknown_outcome,
    "carrier_id_missing": _without_carrier_id,
    "receipt_missing": _without_receipts,
    "address_missing": _grants_where(_lacks_address),
    "clock_unknown": _grants_where(_lacks_clock),
    "server_clock": _server_clock,
    "no_timestamp": _no_timestamp,
    "texts_outside_ledger": _texts_outside_ledger,
    "place_unsure": _unsure_places,
    "left_out": lambda case: [""] * case.material.left_out,
}
