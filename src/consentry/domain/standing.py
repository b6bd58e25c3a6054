"""What stands between us and one recipient: blocks, consents, suppressions, threads.

A standing is the fold of the recipient's ledger entries: each entry carries the pieces it
changed *as they are afterwards*, so replaying the ledger needs no rule of the time (I5).
"""

from datetime import datetime
from enum import StrEnum

import msgspec

from consentry.domain.directory import Purpose
from consentry.domain.reading import BlockLayer

EVERYTHING = "*"
"""The scope of a suppression that covers every brand."""


class BlockState(StrEnum):
    """Whether the carrier (or we) would let a text pass."""

    OPEN = "open"
    BLOCKED = "blocked"
    UNKNOWN = "unknown"


class Cause(StrEnum):
    """How a block, revocation or suppression came about."""

    KEYWORD = "keyword"
    FREE_TEXT = "free_text"
    CARRIER_REFUSAL = "carrier_refusal"
    AGENT = "agent"
    IMPORT = "import"
    WRONG_NUMBER = "wrong_number"
    REASSIGNED = "reassigned"
    LEGAL = "legal"


class ConsentState(StrEnum):
    """Where the consent of a recipient with a program stands."""

    NONE = "none"
    PENDING = "pending"
    PENDING_CARRIER = "pending_carrier"
    ACTIVE = "active"
    REVOKED = "revoked"
    EXPIRED = "expired"


class ConsentLevel(StrEnum):
    """How strong a consent is: implied < express < express_written."""

    IMPLIED = "implied"
    EXPRESS = "express"
    EXPRESS_WRITTEN = "express_written"


class SMSPreference(StrEnum):
    """How a customer's phone shows: the SMS tag, none, or red."""

    ON = "on"
    OFF = "off"
    FORBIDDEN = "forbidden"


class Block(msgspec.Struct, frozen=True, tag="block", tag_field="piece", omit_defaults=True):
    """A refusal for (recipient, scope, layer); `scope` is a sender or a messaging service.

    `since` is when this state was first reached, `changed_at` orders it against other signals.
    `entry` is the ledger entry that is the evidence.
    """

    scope: str
    layer: BlockLayer
    state: BlockState
    cause: Cause
    since: datetime
    changed_at: datetime
    entry: str
    by_person: bool = True


class Consent(msgspec.Struct, frozen=True, tag="consent", tag_field="piece", omit_defaults=True):
    """The standing of the recipient with one program."""

    program: str
    state: ConsentState
    level: ConsentLevel
    since: datetime
    changed_at: datetime
    entry: str
    by_person: bool = True
    expires_at: datetime | None = None


class Suppression(
    msgspec.Struct, frozen=True, tag="suppression", tag_field="piece", omit_defaults=True
):
    """A do-not-text for a brand or for everything.

    Where the person's own word is behind it, the person may come back to one sender by texting
    it: that sender is then in `lifted_for`, and the rest of the suppression stands.
    """

    scope: str
    cause: Cause
    since: datetime
    entry: str
    by_person: bool = True
    active: bool = True
    lifted_for: tuple[str, ...] = ()


class Thread(msgspec.Struct, frozen=True, tag="thread", tag_field="piece", omit_defaults=True):
    """When we and the recipient last texted over one sender."""

    sender: str
    last_inbound_at: datetime | None = None
    last_outbound_at: datetime | None = None
    last_outbound_purpose: Purpose | None = None
    initial_reply_at: datetime | None = None
    confirmation_at: datetime | None = None


class Tag(msgspec.Struct, frozen=True, tag="tag", tag_field="piece"):
    """The SMS tag; it belongs to the number, so every profile that holds it shows the same."""

    sms: bool


Piece = Block | Consent | Suppression | Thread | Tag


class Standing(msgspec.Struct, frozen=True, omit_defaults=True):
    """Everything about one recipient that the gate asks."""

    blocks: tuple[Block, ...] = ()
    consents: tuple[Consent, ...] = ()
    suppressions: tuple[Suppression, ...] = ()
    threads: tuple[Thread, ...] = ()
    sms_tag: bool = False

    def block(self, scope: str, layer: BlockLayer) -> Block | None:
        """Find the block of a scope in a layer."""
        for block in self.blocks:
            if block.scope == scope and block.layer is layer:
                return block
        return None

    def consent(self, program: str) -> Consent | None:
        """Find the consent with a program."""
        for consent in self.consents:
            if consent.program == program:
                return consent
        return None

    def suppression(self, scope: str) -> Suppression | None:
        """Find the suppression of a scope."""
        for suppression in self.suppressions:
            if suppression.scope == scope:
                return suppression
        return None

    def thread(self, sender: str) -> Thread:
        """Find the thread with a sender; one that never was is empty."""
        for thread in self.threads:
            if thread.sender == sender:
                return thread
        return Thread(sender=sender)

    @property
    def sms_preference(self) -> SMSPreference:
        """Forbidden while any opt-out stands, else the tag says."""
        if any(block.state is BlockState.BLOCKED for block in self.blocks):
            return SMSPreference.FORBIDDEN
        if any(suppression.active for suppression in self.suppressions):
            return SMSPreference.FORBIDDEN
        return SMSPreference.ON if self.sms_tag else SMSPreference.OFF


def apply_piece(standing: Standing, piece: Piece) -> Standing:
    """Put one changed piece in the place of the one it replaces."""
    match piece:
        case Block():
            rest = [b for b in standing.blocks if (b.scope, b.layer) != (piece.scope, piece.layer)]
            return msgspec.structs.replace(standing, blocks=(*rest, piece))
        case Consent():
            others = [c for c in standing.consents if c.program != piece.program]
            return msgspec.structs.replace(standing, consents=(*others, piece))
        case Suppression():
            kept = [s for s in standing.suppressions if s.scope != piece.scope]
            return msgspec.structs.replace(standing, suppressions=(*kept, piece))
        case Thread():
            threads = [t for t in standing.threads if t.sender != piece.sender]
            return msgspec.structs.replace(standing, threads=(*threads, piece))
        case Tag():
            return msgspec.structs.replace(standing, sms_tag=piece.sms)


def apply_pieces(standing: Standing, pieces: tuple[Piece, ...]) -> Standing:
    """Apply an entry's changed pieces in order."""
    for piece in pieces:
        standing = apply_piece(standing, piece)
    return standing
