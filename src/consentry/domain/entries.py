"""Ledger entries: one immutable row for each thing that happened to a recipient's consent."""

from collections.abc import Iterable
from datetime import datetime
from enum import StrEnum
from typing import Annotated

import msgspec

from consentry.domain.gate import Decision, Request
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
    SUPPRESSED = "suppressed"
    TAG_CHANGED = "tag_changed"
    SEND_ACCEPTED = "send_accepted"
    SEND_REFUSED = "send_refused"
    JOB_CLAIMED = "job_claimed"
    JOB_CANCELED = "job_canceled"
    CARRIER_REFUSED = "carrier_refused"
    CARRIER_DELIVERED = "carrier_delivered"


class ActorKind(StrEnum):
    """Who caused it."""

    PERSON = "person"
    AGENT = "agent"
    KEY = "key"
    IMPORT = "import"
    CARRIER = "carrier"
    SYSTEM = "system"


class Actor(msgspec.Struct, frozen=True, omit_defaults=True):
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


class Evidence(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """How we know (CTIA 5.1.2, TSR): medium, what was shown, what was done, from where."""

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


class Entry(msgspec.Struct, frozen=True, omit_defaults=True):
    """One row of the ledger.

    `at` is when it happened (the carrier's time where it gives one), `recorded_at` when we made
    it durable. `pieces` are the parts of the standing as they are afterwards; an entry that
    changed nothing (a repeat, a late arrival) has none and says why in `reason`. `request` is
    what the gate was asked for `decision`, so that it can be asked again of the entries before;
    its body is left out where the decision did not turn on it.
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
    pieces: tuple[Piece, ...] = ()


def fold(entries: Iterable[Entry]) -> Standing:
    """Replay entries, oldest first, into the standing they lead to."""
    standing = Standing()
    for entry in entries:
        standing = apply_pieces(standing, entry.pieces)
    return standing
