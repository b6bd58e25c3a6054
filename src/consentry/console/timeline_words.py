"""The words of the timeline: who did it, where a text is, why one was not sent."""

from collections.abc import Mapping
from typing import Final, assert_never

import msgspec

from consentry.console.card import spell_scope
from consentry.console.clock_words import spell_clock
from consentry.console.drift_words import DRIFT_KINDS
from consentry.console.review_words import REVIEW_ANSWERS
from consentry.console.wording import show_number
from consentry.domain.directory import Directory
from consentry.domain.entries import Actor, ActorKind, Entry, EntryKind, Medium
from consentry.domain.gate import Decision
from consentry.domain.legal_clock import read_clock
from consentry.domain.messages import MessageStatus
from consentry.domain.reasons import REASONS, Reason
from consentry.domain.rules.places import find_whereabouts
from consentry.domain.rules.zones import read_zone
from consentry.domain.standing import (
    Block,
    BlockState,
    Consent,
    ConsentState,
    Piece,
    Place,
    Review,
    Solicited,
    Suppression,
    Tag,
    Thread,
)


class Names(msgspec.Struct, frozen=True):
    """What to call who did something: `person` is the customer, the rest is by id."""

    person: str
    agents: Mapping[str, str]
    keys: Mapping[str, str]

    def spell(self, actor: Actor) -> str:
        """Name an actor as colleagues know them."""
        match actor.kind:
            case ActorKind.SYSTEM:
                return "Automatic"
            case ActorKind.PERSON:
                return self.person
            case ActorKind.AGENT:
                return self.agents.get(actor.id or "", "An agent who is gone")
            case ActorKind.KEY:
                return f"{self.keys.get(actor.id or '', 'A removed key')}, by API"
            case ActorKind.CARRIER:
                return "The carrier"
            case ActorKind.IMPORT:
                return "An import"
            case never:
                assert_never(never)


class Receipt(msgspec.Struct, frozen=True):
    """Where one of our texts is: an icon of the sprite, a word, how it looks."""

    icon: str
    words: str
    look: str = ""


RECEIPTS: Final[dict[MessageStatus, Receipt]] = {
    MessageStatus.RECEIVED: Receipt("check", "Received"),
    MessageStatus.SCHEDULED: Receipt("clock", "Scheduled"),
    MessageStatus.QUEUED: Receipt("clock", "Sending"),
    MessageStatus.SENDING: Receipt("clock", "Sending"),
    MessageStatus.INDETERMINATE: Receipt("circle-dashed", "Unknown", "unsure"),
    MessageStatus.SENT: Receipt("check", "Sent"),
    MessageStatus.DELIVERED: Receipt("check-check", "Delivered"),
    MessageStatus.READ: Receipt("eye", "Read"),
    MessageStatus.UNDELIVERED: Receipt("triangle-alert", "Undelivered", "failed"),
    MessageStatus.FAILED: Receipt("triangle-alert", "Failed", "failed"),
    MessageStatus.CANCELED: Receipt("x", "Not sent", "failed"),
}
"""What became of a text of ours, as the carrier told it."""


class Why(msgspec.Struct, frozen=True):
    """Why a text was not sent: in a word, in the gate's own sentence, and what it rests on."""

    word: str
    sentence: str
    rule: str = ""
    facts: tuple[str, ...] = ()
    policy: str = ""


def explain_refusal(entry: Entry) -> Why:
    """Unfold a decision; where only its reason was kept, that alone."""
    decision = entry.decision
    reason = entry.reason or ""
    word = reason.replace("_", " ") or "refused"
    if decision is None:
        known = reason in set(Reason)
        sentence = REASONS[Reason(reason)].detail if known else "Nothing more was kept."
        return Why(word, sentence)
    return explain_decision(decision)


def explain_decision(decision: Decision) -> Why:
    """Unfold a decision: what it says, by which rule, and what it rests on."""
    return Why(
        "allowed" if decision.reason is None else decision.reason.replace("_", " "),
        decision.detail,
        rule=", ".join(decision.rules),
        facts=_spell_facts(decision),
        policy=decision.policy_version,
    )


def _spell_facts(decision: Decision) -> tuple[str, ...]:
    found = (decision.block, decision.consent, decision.suppression)
    facts = [spell_fact(piece) for piece in found if piece is not None]
    if decision.purpose is not None:
        facts.append(f"purpose {decision.purpose}")
    return tuple(facts)


def spell_fact(piece: Block | Consent | Suppression) -> str:
    """Write a piece of the standing as the fact that a decision rests on."""
    since = f"since {piece.since:%Y-%m-%d %H:%M:%S} UTC, by entry {piece.entry}"
    match piece:
        case Block():
            cause = piece.cause.replace("_", " ")
            return f"block of {show_number(piece.scope)} in layer {piece.layer}: {cause}, {since}"
        case Consent():
            return f"consent with {piece.program}: {piece.state.replace('_', ' ')}, {since}"
        case Suppression():
            return f"do-not-text list of {piece.scope}: {piece.cause.replace('_', ' ')}, {since}"
        case never:
            assert_never(never)


WAITING_KINDS: Final = (EntryKind.SEND_DEFERRED, EntryKind.JOB_DEFERRED)
"""The entries that let a text wait for a time at which it may go."""


def spell_wait(entry: Entry, place: Place | None) -> str:
    """Say until when a text waits and why; `place` is what is known of where the person is."""
    why = (entry.reason or "").replace("_", " ")
    until = None if entry.decision is None else entry.decision.until
    if until is None:
        return f"Waiting ({why})"
    zones = find_whereabouts(entry.recipient, place).zones
    local = {until.astimezone(read_zone(zone)).strftime("%a %H:%M") for zone in zones}
    # Where they may be in several zones, no one clock is theirs.
    when = f"{local.pop()} there" if len(local) == 1 else f"{until:%a %H:%M} UTC"
    return f"Waiting until {when} ({why})"


def capitalize(words: str) -> str:
    """Begin a line with a capital, and leave the rest as it is."""
    return words[:1].upper() + words[1:]


_MEDIA: Final[dict[Medium, str]] = {
    Medium.TEXT: "by text",
    Medium.WEB: "on a web page",
    Medium.PAPER: "on paper",
    Medium.VERBAL: "by word of mouth",
    Medium.PHONE: "by phone",
    Medium.MAIL: "by mail",
    Medium.IN_PERSON: "in person",
    Medium.IMPORT: "in an imported list",
}


def spell_medium(medium: Medium) -> str:
    """Say over what a person told it."""
    return _MEDIA[medium]


def spell_told(entry: Entry) -> str:
    """Say how something that was told came to us: over what, by whom, and for what reason."""
    evidence = entry.evidence
    parts = []
    if evidence is not None:
        by = f" by {evidence.name}" if evidence.name else ""
        parts.append(f"told {spell_medium(evidence.medium)}{by}")
    clock = read_clock(entry)
    if clock is not None:
        parts.append(spell_clock(clock))
    if entry.kind is EntryKind.DRIFT_FOUND:
        parts.append(DRIFT_KINDS.get(entry.reason or "", ""))
    elif entry.kind is EntryKind.REVIEW_ANSWERED:
        parts.append("" if evidence is None else evidence.note or "")
    elif entry.reason and entry.kind is not EntryKind.CUSTOMER_CHANGED:
        parts.append(entry.reason)
    return "; ".join(filter(None, parts))


def spell_what_it_did(entry: Entry, directory: Directory) -> str:
    """Say in one line what an entry that is no text did."""
    number = show_number(entry.sender or "")
    match entry.kind:
        case EntryKind.CONSENT_GRANTED | EntryKind.CONSENT_REQUESTED | EntryKind.CONSENT_REVOKED:
            said = _spell_consent(entry, directory)
        case EntryKind.SUPPRESSED:
            said = _spell_listing(entry, directory)
        case EntryKind.TAG_CHANGED:
            is_set = any(isinstance(piece, Tag) and piece.sms for piece in entry.pieces)
            said = "SMS tag set" if is_set else "SMS tag removed"
        case EntryKind.CARRIER_REFUSED:
            did = "it has this person as opted out" if entry.pieces else "it changed nothing"
            said = f"The carrier refused a text from {number}: {did}"
        case EntryKind.CARRIER_DELIVERED:
            said = f"A text from {number} arrived: the carrier no longer blocks"
        case EntryKind.DRIFT_FOUND | EntryKind.DRIFT_APPLIED | EntryKind.DRIFT_DISMISSED:
            said = _spell_drift(entry, number)
        case EntryKind.REVIEW_OPENED:
            said = f"May be an opt-out of {number}: only direct replies pass until it is reviewed"
        case EntryKind.REVIEW_ANSWERED:
            said = f"Reviewed for {number}: {REVIEW_ANSWERS.get(entry.reason or '', '')}"
        case _:
            said = spell_places(entry) or entry.text or ""
    return said


def _spell_drift(entry: Entry, number: str) -> str:
    """Say what was found at the carrier, or what became of it."""
    match entry.kind:
        case EntryKind.DRIFT_APPLIED:
            return f"What was found at the carrier about {number} was applied"
        case EntryKind.DRIFT_DISMISSED:
            return f"What was found at the carrier about {number} was dismissed"
        case _:
            held = "; texts are held back until it is settled" if entry.pieces else ""
            return f"The carrier and our records differ about {number}{held}"


def _spell_consent(entry: Entry, directory: Directory) -> str:
    """Say what was told or asked of the consent with a program."""
    program = spell_program(entry.program or "", directory)
    match entry.kind:
        case EntryKind.CONSENT_GRANTED:
            return f"Consent recorded: {program}{_state_of_grant(entry)}"
        case EntryKind.CONSENT_REQUESTED:
            return f"Consent asked for: {program}{_state_of_grant(entry)}"
        case _:
            return f"Consent withdrawn: {program}"


def _state_of_grant(entry: Entry) -> str:
    for piece in entry.pieces:
        if isinstance(piece, Consent) and piece.program == entry.program:
            waits = piece.state in (ConsentState.PENDING, ConsentState.PENDING_CARRIER)
            return ", waiting for the handset" if waits else ""
    return ", which changed nothing"


def _spell_listing(entry: Entry, directory: Directory) -> str:
    listed = [piece for piece in entry.pieces if isinstance(piece, Suppression)]
    if not listed:
        return "Do-not-text list: nothing changed"
    name = spell_scope(listed[0].scope, directory)
    if listed[0].active:
        return f"Put on the do-not-text list of {name}"
    return f"Taken off the do-not-text list of {name}"


def spell_program(program_id: str, directory: Directory) -> str:
    """Name a program as people know it."""
    program = directory.program(program_id)
    if program is None:
        return program_id
    if program.sender is not None:
        return f"conversation with {show_number(program.sender)}"
    return f"{program.name} ({program.purpose})"


def spell_places(entry: Entry) -> str:
    """Say which place an entry set."""
    return ", ".join(_spell_place(piece) for piece in entry.pieces if isinstance(piece, Place))


def _spell_place(place: Place) -> str:
    told = ", ".join(part for part in (place.zone, place.postal_code) if part)
    return f"Place set: {told}" if told else "Place forgotten: the number tells it"


def spell_piece(piece: Piece, directory: Directory) -> str:
    """Say what a changed piece of the standing is now; empty for what is no consent."""
    match piece:
        case Block():
            layers = {"ours": "ours", "provider": "the provider's", "network": "the network's"}
            is_open = piece.state is BlockState.OPEN
            done = "lifted" if is_open else "set"
            return f"Block {done} for {show_number(piece.scope)}, {layers[piece.layer]}"
        case Consent():
            state, level = piece.state.replace("_", " "), piece.level.replace("_", " ")
            return f"Consent with {spell_program(piece.program, directory)}: {state}, {level}"
        case Suppression():
            done = "on" if piece.active else "off"
            lifted = ", ".join(show_number(number) for number in piece.lifted_for)
            name = spell_scope(piece.scope, directory)
            return f"Do-not-text list of {name}: {done}" + (f", not for {lifted}" if lifted else "")
        case Tag():
            return "SMS tag set" if piece.sms else "SMS tag removed"
        case Place() | Thread() | Review() | Solicited():
            return _spell_beside(piece)
        case never:
            assert_never(never)


def _spell_beside(piece: Place | Thread | Review | Solicited) -> str:
    match piece:
        case Place():
            return _spell_place(piece)
        case Review():
            number = show_number(piece.sender)
            return f"Review of {number}: {'open' if piece.texts else 'over'}"
        case Thread() | Solicited():
            return ""
        case never:
            assert_never(never)
