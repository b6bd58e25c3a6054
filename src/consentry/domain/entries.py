"""Ledger entries: one immutable row for each thing that happened to a recipient's consent."""

from collections.abc import Iterable
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Final

import msgspec

from consentry.domain.erasure import Erasure
from consentry.domain.gate import Decision, Request
from consentry.domain.in_force import InForce
from consentry.domain.reading import CarrierReading, LegalReading
from consentry.domain.standing import Piece, Standing, apply_pieces


class EntryKind(StrEnum):
    """What happened."""

    MESSAGE_RECEIVED = "message_received"
    OPTED_IN = "opted_in"
    OPTED_OUT = "opted_out"
    HELP_ASKED = "help_asked"
    CONSENT_GRANTED = "consent_granted"
    CONSENT_REVOKED = "consent_revoked"
    CONSENT_REQUESTED = "consent_requested"
    SUPPRESSED = "suppressed"
    TAG_CHANGED = "tag_changed"
    PLACE_CHANGED = "place_changed"
    SEND_ACCEPTED = "send_accepted"
    SEND_REFUSED = "send_refused"
    JOB_CLAIMED = "job_claimed"
    JOB_CANCELED = "job_canceled"
    CARRIER_REFUSED = "carrier_refused"
    CARRIER_DELIVERED = "carrier_delivered"
    NOTE_ADDED = "note_added"
    CUSTOMER_VIEWED = "customer_viewed"
    CUSTOMER_CHANGED = "customer_changed"
    SIGNED_IN = "signed_in"
    SIGN_IN_REFUSED = "sign_in_refused"
    SIGNED_OUT = "signed_out"
    SESSION_REVOKED = "session_revoked"
    SETTING_CHANGED = "setting_changed"
    EXPORTED = "exported"
    IMPORTED = "imported"
    DRIFT_FOUND = "drift_found"
    DRIFT_APPLIED = "drift_applied"
    DRIFT_DISMISSED = "drift_dismissed"
    RECONCILED = "reconciled"
    RULES_RECORDED = "rules_recorded"
    REVIEW_OPENED = "review_opened"
    REVIEW_ANSWERED = "review_answered"
    SEND_DEFERRED = "send_deferred"
    JOB_DEFERRED = "job_deferred"
    ERASED = "erased"
    ENTRY_ERASED = "entry_erased"
    STANDING_RECALLED = "standing_recalled"


AUDIT_KINDS: Final = (
    EntryKind.CONSENT_GRANTED,
    EntryKind.CONSENT_REVOKED,
    EntryKind.CONSENT_REQUESTED,
    EntryKind.SUPPRESSED,
    EntryKind.TAG_CHANGED,
    EntryKind.PLACE_CHANGED,
    EntryKind.NOTE_ADDED,
    EntryKind.CUSTOMER_VIEWED,
    EntryKind.CUSTOMER_CHANGED,
    EntryKind.SIGNED_IN,
    EntryKind.SIGN_IN_REFUSED,
    EntryKind.SIGNED_OUT,
    EntryKind.SESSION_REVOKED,
    EntryKind.SETTING_CHANGED,
    EntryKind.EXPORTED,
    EntryKind.IMPORTED,
    EntryKind.DRIFT_APPLIED,
    EntryKind.DRIFT_DISMISSED,
    EntryKind.RECONCILED,
    EntryKind.RULES_RECORDED,
    EntryKind.REVIEW_ANSWERED,
    EntryKind.ERASED,
)
"""What the audit lists: all that people and programs of the company saw and did by hand."""

NOBODY: Final = ""
"""The recipient of entries that are about no recipient: a sign-in, a setting."""


class ActorKind(StrEnum):
    """Who caused it."""

    PERSON = "person"
    AGENT = "agent"
    KEY = "key"
    IMPORT = "import"
    CARRIER = "carrier"
    SYSTEM = "system"


class Actor(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """Who caused an entry: kind and id (a phone, an agent, a key, a carrier)."""

    kind: ActorKind
    id: str | None = None


class Medium(StrEnum):
    """Over what a person gave or withdrew consent. Only `text` is the handset's own word."""

    TEXT = "text"
    WEB = "web"
    PAPER = "paper"
    VERBAL = "verbal"
    PHONE = "phone"
    MAIL = "mail"
    IN_PERSON = "in_person"
    IMPORT = "import"


class Basis(StrEnum):
    """On what an implied consent rests: the law of some places ends it after a while."""

    PURCHASE = "purchase"
    INQUIRY = "inquiry"
    OTHER = "other"


class Box(StrEnum):
    """How the box stood before the person agreed; `none`: there was no box to tick."""

    UNTICKED = "unticked"
    PRE_TICKED = "pre_ticked"
    NONE = "none"


class Evidence(
    msgspec.Struct, frozen=True, gc=False, omit_defaults=True, forbid_unknown_fields=True
):
    """How we know (CTIA 5.1.2, TSR): medium, what was shown, what was done, from where.

    `call_to_action` is the wording as it was shown. `call_to_action_version` names the version it
    was (`ID/NUMBER`), and `call_to_action_sha256` is the hash of its HTML. `clock` says whose clock
    gave `at`. `apart`: the wording stood by itself and not among other terms. Phone, brand and
    program are those of the entry.
    """

    medium: Medium
    at: Annotated[datetime, msgspec.Meta(tz=True)] | None = None
    verbatim: str | None = None
    call_to_action: str | None = None
    action: str | None = None
    page_url: str | None = None
    ip: str | None = None
    user_agent: str | None = None
    session: str | None = None
    name: str | None = None
    carrier_message_id: str | None = None
    note: str | None = None
    call_to_action_version: str | None = None
    call_to_action_sha256: str | None = None
    locale: str | None = None
    clock: str | None = None
    basis: Basis | None = None
    box: Box | None = None
    apart: bool | None = None


class Entry(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """One row of the ledger.

    `at` is when it happened (the carrier's time where it gives one), `recorded_at` when we made
    it durable. `pieces` are the parts of the standing as they are afterwards; an entry that
    changed nothing (a repeat, a late arrival) has none and says why in `reason`. `request` is
    what the gate was asked for `decision`, so that it can be asked again of the entries before;
    its body is left out where the decision did not turn on it. `drift` is what it found or settled.
    `in_force` is what brands, senders, programs and the policy are from this entry on. `erasure`
    accounts for entries whose payload was destroyed: they are of the kind `entry_erased` then.
    """

    id: str
    recipient: str
    kind: EntryKind
    at: datetime
    recorded_at: datetime
    actor: Actor
    sender: str | None = None
    program: str | None = None
    message: str | None = None
    text: str | None = None
    carrier_reading: CarrierReading | None = None
    legal_reading: LegalReading | None = None
    evidence: Evidence | None = None
    reason: str | None = None
    superseded: bool = False
    request: Request | None = None
    decision: Decision | None = None
    drift: str | None = None
    pieces: tuple[Piece, ...] = ()
    in_force: InForce | None = None
    erasure: Erasure | None = None


def fold(entries: Iterable[Entry]) -> Standing:
    """Replay entries, oldest first, into the standing they lead to."""
    standing = Standing()
    for entry in entries:
        standing = apply_pieces(standing, entry.pieces)
    return standing
