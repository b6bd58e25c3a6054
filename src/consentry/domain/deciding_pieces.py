"""What of a standing decides whether a text may go: little, so that most people are alike in it.

A million standings are read for one question. Of their pieces the gate looks at a few fields;
when something began, which entry says so, and what was written, it leaves alone. So these values
read no more than that, and `fill` gives them back to the gate as the standing they stand for.
"""

from datetime import UTC, datetime
from typing import Final, Self

import msgspec

from consentry.domain.directory import Sender
from consentry.domain.reading import BlockLayer
from consentry.domain.standing import (
    EVERYTHING,
    Block,
    BlockState,
    Cause,
    Consent,
    ConsentLevel,
    ConsentState,
    OptInRequest,
    Place,
    Review,
    Solicitation,
    Solicited,
    Standing,
    Suppression,
    Thread,
)

_SOME_TIME: Final = datetime(1970, 1, 1, tzinfo=UTC)
_SOME_ENTRY: Final = ""


class DecidingBlock(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """A block: whom it covers, and whether it stands by the carrier's word alone."""

    scope: str
    layer: str
    state: str
    cause: str

    def fill(self) -> Block:
        """Give the block that it stands for."""
        return Block(
            self.scope,
            BlockLayer(self.layer),
            BlockState(self.state),
            Cause(self.cause),
            since=_SOME_TIME,
            changed_at=_SOME_TIME,
            entry=_SOME_ENTRY,
        )


class DecidingRequest(msgspec.Struct, frozen=True, gc=False):
    """By when a question had to be answered."""

    answer_by: datetime


class DecidingConsent(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """A consent: with what, how strong, and until when."""

    program: str
    state: str
    level: str
    by_person: bool = True
    expires_at: datetime | None = None
    request: DecidingRequest | None = None

    @property
    def is_timed(self) -> bool:
        """Tell whether it ends by itself."""
        return self.expires_at is not None or self.request is not None

    def at(self, now: datetime) -> Self:
        """Give it with no other time than this: what has run out by then runs out right then.

        The gate only asks whether a time has come.
        """
        if not self.is_timed:
            return self
        has_expired = self.expires_at is not None and now >= self.expires_at
        is_late = self.request is not None and now >= self.request.answer_by
        return msgspec.structs.replace(
            self,
            expires_at=now if has_expired else None,
            request=DecidingRequest(now) if is_late else None,
        )

    def fill(self) -> Consent:
        """Give the consent that it stands for."""
        request = self.request
        return Consent(
            self.program,
            ConsentState(self.state),
            ConsentLevel(self.level),
            since=_SOME_TIME,
            changed_at=_SOME_TIME,
            entry=_SOME_ENTRY,
            by_person=self.by_person,
            expires_at=self.expires_at,
            request=None
            if request is None
            else OptInRequest(_SOME_ENTRY, _SOME_TIME, request.answer_by),
        )


class DecidingSuppression(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """A do-not-text: for what, whether a new owner is behind it, and for whom it was lifted."""

    scope: str
    cause: str
    active: bool = True
    lifted_for: tuple[str, ...] = ()

    def seen_from(self, scopes: frozenset[str]) -> Self:
        """Leave out the senders for whom it was lifted but these."""
        if not self.lifted_for:
            return self
        kept = tuple(sender for sender in self.lifted_for if sender in scopes)
        return msgspec.structs.replace(self, lifted_for=kept)

    def fill(self) -> Suppression:
        """Give the suppression that it stands for."""
        return Suppression(
            self.scope,
            Cause(self.cause),
            since=_SOME_TIME,
            entry=_SOME_ENTRY,
            active=self.active,
            lifted_for=self.lifted_for,
        )


class DecidingReview(msgspec.Struct, frozen=True, gc=False):
    """That something is to be reviewed of a conversation with a sender."""

    sender: str


class DecidingThread(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """When the person last wrote to a sender."""

    sender: str
    last_inbound_at: datetime | None = None


class DecidingPlace(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """Where the person is, as somebody set it."""

    zone: str | None = None
    postal_code: str | None = None

    def fill(self) -> Place:
        """Give the place that it stands for."""
        return Place(self.zone, self.postal_code)


class DecidingText(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """A marketing text that was handed over; it is some message or other."""

    message: str
    at: datetime


class DecidingTexts(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """The newest marketing texts by a brand."""

    brand: str
    texts: tuple[DecidingText, ...] = ()


class Deciding(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """What decides about every question whose purpose is told and is not marketing."""

    blocks: tuple[DecidingBlock, ...] = ()
    consents: tuple[DecidingConsent, ...] = ()
    suppressions: tuple[DecidingSuppression, ...] = ()
    reviews: tuple[DecidingReview, ...] = ()

    def is_timeless(self) -> bool:
        """Tell whether no time is in it, so that many may have the very same."""
        return not any(consent.is_timed for consent in self.consents)

    def fill(self) -> Standing:
        """Give the standing that it stands for."""
        return Standing(
            tuple(block.fill() for block in self.blocks),
            tuple(consent.fill() for consent in self.consents),
            tuple(suppression.fill() for suppression in self.suppressions),
            reviews=tuple(Review(review.sender) for review in self.reviews),
        )


class DecidingInConversation(Deciding, frozen=True, gc=False, omit_defaults=True):
    """What decides where no purpose is told: whether the person wrote lately as well."""

    threads: tuple[DecidingThread, ...] = ()

    # typing.override comes with Python 3.12.
    def is_timeless(self) -> bool:  # type: ignore[explicit-override]
        """Tell whether no time is in it, so that many may have the very same."""
        return super().is_timeless() and not self.threads

    # typing.override comes with Python 3.12.
    def fill(self) -> Standing:  # type: ignore[explicit-override]
        """Give the standing that it stands for."""
        threads = (Thread(t.sender, last_inbound_at=t.last_inbound_at) for t in self.threads)
        return msgspec.structs.replace(super().fill(), threads=tuple(threads))


class DecidingOnMarketing(Deciding, frozen=True, gc=False, omit_defaults=True):
    """What decides about marketing: where the person is, and what went there, as well."""

    place: DecidingPlace | None = None
    solicited: tuple[DecidingTexts, ...] = ()

    # typing.override comes with Python 3.12.
    def is_timeless(self) -> bool:  # type: ignore[explicit-override]
        """Tell whether no time is in it, so that many may have the very same."""
        return super().is_timeless() and not self.solicited

    def list_texts(self, brand: str) -> list[datetime]:
        """List when the newest marketing texts by a brand went."""
        return [text.at for found in self.solicited if found.brand == brand for text in found.texts]

    def fill_with(self, texts: tuple[datetime, ...], brand: str) -> Standing:
        """Give the standing that it stands for, had only these marketing texts gone."""
        solicited = Solicited(brand, tuple(Solicitation("", at) for at in texts))
        return msgspec.structs.replace(
            super().fill(),
            place=None if self.place is None else self.place.fill(),
            solicited=(solicited,),
        )


class EverythingDeciding(Deciding, frozen=True, gc=False, omit_defaults=True):
    """All that decides about any question: what a snapshot keeps of a standing."""

    threads: tuple[DecidingThread, ...] = ()
    place: DecidingPlace | None = None
    solicited: tuple[DecidingTexts, ...] = ()


class Concern(msgspec.Struct, frozen=True):
    """What a question may be about: whose blocks, which programs' consents, whose do-not-texts."""

    scopes: frozenset[str]
    programs: frozenset[str]
    brands: frozenset[str]

    @classmethod
    def of(cls, sender: Sender, programs: frozenset[str]) -> Self:
        """Say what a text by a sender may hang on; `programs` are those that it may be for."""
        scopes = {sender.scope_of(layer) for layer in BlockLayer}
        return cls(
            frozenset(scopes),
            programs | {sender.conversation},
            frozenset({EVERYTHING, sender.brand}),
        )

    def pick(self, deciding: Deciding, now: datetime) -> Deciding:
        """Leave out what is about other senders, programs and brands, and the times but `now`."""
        return Deciding(
            tuple(block for block in deciding.blocks if block.scope in self.scopes),
            tuple(c.at(now) for c in deciding.consents if c.program in self.programs),
            tuple(
                suppression.seen_from(self.scopes)
                for suppression in deciding.suppressions
                if suppression.scope in self.brands
            ),
            deciding.reviews,
        )
