"""What stands between us and one recipient: blocks, consents, suppressions, threads.

A standing is the fold of the recipient's ledger entries: each entry carries the pieces it
changed *as they are afterwards*, so replaying the ledger needs no rule of the time (I5).
"""

from datetime import datetime
from enum import StrEnum
from typing import Final, assert_never, final

import msgspec

from consentry.domain.directory import Purpose, is_conversation
from consentry.domain.reading import BlockLayer, LegalReading

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
    CARRIER_LIST = "carrier_list"
    DRIFT = "drift"
    AGENT = "agent"
    IMPORT = "import"
    WRONG_NUMBER = "wrong_number"
    REASSIGNED = "reassigned"
    LEGAL = "legal"


CARRIER_CAUSES: Final = frozenset({Cause.CARRIER_REFUSAL, Cause.CARRIER_LIST})
"""What we have from the carrier alone: it says that it blocks, and not whose word that was."""


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

    __hash__ = str.__hash__
    """An enum's own is slow, and every consent is looked up by it."""


class SMSPreference(StrEnum):
    """How a customer's phone shows: the SMS tag, none, or red."""

    ON = "on"
    OFF = "off"
    FORBIDDEN = "forbidden"


@final
class Block(
    msgspec.Struct, frozen=True, gc=False, tag="block", tag_field="piece", omit_defaults=True
):
    """A refusal for (recipient, scope, layer); `scope` is a sender or a messaging service.

    `since` is when this state was first reached. `changed_at` is the time of the word or the
    evidence that holds it, which orders it against others. `opted_in_at` is the carrier's time of
    the person's newest opt-in that reached this block, kept whatever came after, so that an older
    opt-out which arrives late is known to be older. `entry` is the ledger entry that is the
    evidence.
    """

    scope: str
    layer: BlockLayer
    state: BlockState
    cause: Cause
    since: datetime
    changed_at: datetime
    entry: str
    by_person: bool = True
    opted_in_at: datetime | None = None

    @property
    def is_paused(self) -> bool:
        """Tell what we hold back ourselves, until somebody has settled a drift."""
        return self.state is BlockState.UNKNOWN and self.cause is Cause.DRIFT


class OptInRequest(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """The one question by which a consent waits for the handset's own word (double opt-in).

    It is asked and answered over `sender`; an answer from `answer_by` on counts for nothing.
    `message` is the text that asks, None while none may go; `sent_at` is when that was last given
    to the carrier: what the person wrote before is no answer to it.
    """

    sender: str
    asked_at: datetime
    answer_by: datetime
    message: str | None = None
    sent_at: datetime | None = None


@final
class Consent(
    msgspec.Struct, frozen=True, gc=False, tag="consent", tag_field="piece", omit_defaults=True
):
    """The standing of the recipient with one program.

    `not_subscriber`: who gave it does not have the number (any more), so it is withdrawn for good.
    On a consent that is revoked, or pending for the carrier, `by_person` says that the person's
    own withdrawal stands behind it; `changed_at` is then the time of that withdrawal.
    `withdrawn_at` is the newest withdrawal, kept when consent is given again: a grant that is
    older than it counts for nothing, whenever we hear of it. `call_to_action` is the version that
    was shown. `request` is the question that the handset was asked, until it says yes, and
    `asked_at` when one was last put, kept whatever came of it.
    """

    program: str
    state: ConsentState
    level: ConsentLevel
    since: datetime
    changed_at: datetime
    entry: str
    by_person: bool = True
    expires_at: datetime | None = None
    withdrawn_at: datetime | None = None
    not_subscriber: bool = False
    call_to_action: str | None = None
    request: OptInRequest | None = None
    asked_at: datetime | None = None

    @property
    def is_withdrawn(self) -> bool:
        """Tell whether a withdrawal stands: a grant that waits for the carrier does not end it."""
        if self.state is ConsentState.PENDING_CARRIER:
            return self.by_person
        return self.state is ConsentState.REVOKED

    def is_active(self, at: datetime) -> bool:
        """Tell whether the consent is given and has not run out at a time."""
        if self.state is not ConsentState.ACTIVE:
            return False
        return self.expires_at is None or at < self.expires_at

    @property
    def is_asked(self) -> bool:
        """Tell whether it waits for an answer to a question that was put, in time or not."""
        asked = self.request is not None and self.request.message is not None
        return asked and self.state is ConsentState.PENDING

    def state_at(self, at: datetime) -> ConsentState:
        """Tell where it stands at a time: what has run out, or was not answered, has expired."""
        if self.state is ConsentState.ACTIVE:
            return self.state if self.is_active(at) else ConsentState.EXPIRED
        waits = self.state in (ConsentState.PENDING, ConsentState.PENDING_CARRIER)
        if waits and self.request is not None and at >= self.request.answer_by:
            return ConsentState.EXPIRED
        return self.state


@final
class Suppression(
    msgspec.Struct, frozen=True, gc=False, tag="suppression", tag_field="piece", omit_defaults=True
):
    """A do-not-text for a brand or for everything.

    Where the person's own word is behind it, the person may come back to one sender by texting
    it: that sender is then in `lifted_for`, and the rest of the suppression stands. `changed_at`
    is when it was last told, where that was after `since`.
    """

    scope: str
    cause: Cause
    since: datetime
    entry: str
    by_person: bool = True
    active: bool = True
    lifted_for: tuple[str, ...] = ()
    changed_at: datetime | None = None

    @property
    def told_at(self) -> datetime:
        """When it was last told: a word of the person that is older lifts nothing of it."""
        return self.changed_at or self.since


class ScopeQuestion(msgspec.Struct, frozen=True, gc=False):
    """What a confirmation asked: which of these programs an opt-out was not meant to end.

    `since` is the time of that opt-out, as it shows. The answer is a number, 1 for the first.
    """

    since: datetime
    programs: tuple[str, ...]


@final
class Thread(
    msgspec.Struct, frozen=True, gc=False, tag="thread", tag_field="piece", omit_defaults=True
):
    """When we and the recipient last texted over one sender.

    `last_outbound_purpose` is that of the last text somebody wrote: our own answers have none.
    `opted_out_at` is the person's newest opt-out of this sender, kept when they come back: a
    grant that is older than it counts for nothing, whenever we hear of it. `scope_question`: what
    the confirmation of that opt-out asks, until it is answered or the person says stop again.
    """

    sender: str
    last_inbound_at: datetime | None = None
    last_outbound_at: datetime | None = None
    last_outbound_purpose: Purpose | None = None
    initial_reply_at: datetime | None = None
    confirmation_at: datetime | None = None
    opted_out_at: datetime | None = None
    scope_question: ScopeQuestion | None = None


@final
class Tag(msgspec.Struct, frozen=True, gc=False, tag="tag", tag_field="piece"):
    """The SMS tag; it belongs to the number, so every profile that holds it shows the same."""

    sms: bool


@final
class Place(
    msgspec.Struct, frozen=True, gc=False, tag="place", tag_field="piece", omit_defaults=True
):
    """Where the recipient is, as somebody set it: an IANA zone, a postal code, or both.

    Both None: what was set is taken back, and the number tells again. `since` and `entry`: when,
    and the ledger entry that says by whom and why.
    """

    zone: str | None = None
    postal_code: str | None = None
    since: datetime | None = None
    entry: str | None = None


class Unclear(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """A text of the person that may be an opt-out, until somebody has said what it is.

    `message` and `entry` hold it verbatim; `at` is when it was sent. `after` is the purpose of
    our last text before it, None where there was none.
    """

    id: str
    message: str
    entry: str
    at: datetime
    reading: LegalReading
    after: Purpose | None = None


@final
class Review(
    msgspec.Struct, frozen=True, gc=False, tag="review", tag_field="piece", omit_defaults=True
):
    """What is to be reviewed of a conversation with one sender, oldest first.

    While there is anything, only direct replies pass. An empty one takes the review away.
    """

    sender: str
    texts: tuple[Unclear, ...] = ()


class Solicitation(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """One marketing text that was handed over, and when: `message` is its id."""

    message: str
    at: datetime


@final
class Solicited(
    msgspec.Struct, frozen=True, gc=False, tag="solicited", tag_field="piece", omit_defaults=True
):
    """The newest solicitations of the recipient by one brand, oldest first.

    Only so many are kept as a rule can count. A text that is handed over again, because its
    carrier would not have it, is one text.
    """

    brand: str
    texts: tuple[Solicitation, ...] = ()


Piece = Block | Consent | Suppression | Thread | Tag | Place | Review | Solicited


class Standing(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """Everything about one recipient that the gate asks."""

    blocks: tuple[Block, ...] = ()
    consents: tuple[Consent, ...] = ()
    suppressions: tuple[Suppression, ...] = ()
    threads: tuple[Thread, ...] = ()
    sms_tag: bool = False
    place: Place | None = None
    reviews: tuple[Review, ...] = ()
    solicited: tuple[Solicited, ...] = ()

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

    def review(self, sender: str) -> Review | None:
        """Find what is to be reviewed of the conversation with a sender."""
        for review in self.reviews:
            if review.sender == sender:
                return review
        return None

    def solicitations(self, brand: str) -> tuple[Solicitation, ...]:
        """List the newest solicitations by a brand, oldest first."""
        for solicited in self.solicited:
            if solicited.brand == brand:
                return solicited.texts
        return ()

    @property
    def sms_preference(self) -> SMSPreference:
        """Forbidden while any opt-out stands, else the tag says.

        A withdrawn conversation is an opt-out even where no block is left: a START to another
        number of a messaging service opens the service's block and nothing else.
        """
        blocked = any(block.state is BlockState.BLOCKED for block in self.blocks)
        suppressed = any(suppression.active for suppression in self.suppressions)
        withdrawn = any(c.is_withdrawn and is_conversation(c.program) for c in self.consents)
        if blocked or suppressed or withdrawn:
            return SMSPreference.FORBIDDEN
        return SMSPreference.ON if self.sms_tag else SMSPreference.OFF


def apply_pieces(standing: Standing, pieces: tuple[Piece, ...]) -> Standing:
    """Apply an entry's changed pieces in order, each in the place of the one it replaces."""
    blocks, consents, sms_tag = standing.blocks, standing.consents, standing.sms_tag
    suppressions, threads = standing.suppressions, standing.threads
    rare: list[Place | Review | Solicited] = []
    for piece in pieces:
        # By the class itself: to ask each class whether it fits takes longer than all the rest.
        if type(piece) is Block:
            scope, layer = piece.scope, piece.layer
            blocks = (*[b for b in blocks if b.scope != scope or b.layer is not layer], piece)
        elif type(piece) is Consent:
            program = piece.program
            consents = (*[c for c in consents if c.program != program], piece)
        elif type(piece) is Suppression:
            held = piece.scope
            suppressions = (*[s for s in suppressions if s.scope != held], piece)
        elif type(piece) is Thread:
            sender = piece.sender
            threads = (*[t for t in threads if t.sender != sender], piece)
        elif type(piece) is Tag:
            sms_tag = piece.sms
        else:
            rare.append(piece)
    parts = _put_rare(standing, rare)
    return Standing(blocks, consents, suppressions, threads, sms_tag, *parts)


def _put_rare(
    standing: Standing, pieces: list[Place | Review | Solicited]
) -> tuple[Place | None, tuple[Review, ...], tuple[Solicited, ...]]:
    """Put those pieces that few entries have in their places, in order."""
    place, reviews, solicited = standing.place, standing.reviews, standing.solicited
    for piece in pieces:
        match piece:
            case Place():
                place = piece if piece.zone or piece.postal_code else None
            case Review():
                reviews = _put_review(reviews, piece)
            case Solicited():
                solicited = _put_solicited(solicited, piece)
            case _:
                assert_never(piece)
    return place, reviews, solicited


def _put_review(reviews: tuple[Review, ...], piece: Review) -> tuple[Review, ...]:
    left = tuple(review for review in reviews if review.sender != piece.sender)
    return (*left, piece) if piece.texts else left


def _put_solicited(solicited: tuple[Solicited, ...], piece: Solicited) -> tuple[Solicited, ...]:
    return (*(known for known in solicited if known.brand != piece.brand), piece)
