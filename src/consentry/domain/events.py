"""What webhooks are told, and what it is about: made from changes of consent and of messages.

The shapes are a contract with programs: fields are added at the end, and none changes its meaning.
They name things by their ids and hold no words of a person; only the text of `message.received` is
put in when it is told, so that what was erased meanwhile is not told any more.
"""

from collections.abc import Iterator
from datetime import datetime
from enum import StrEnum
from typing import Final

import msgspec

from consentry.domain.directory import Directory, Purpose
from consentry.domain.drift import Drift, DriftKind, Severity
from consentry.domain.entries import ActorKind, Entry
from consentry.domain.messages import RANK, Direction, Message, MessageStatus
from consentry.domain.notices import EventNotice, find_told_status
from consentry.domain.reading import BlockLayer, CarrierWord, LegalMeaning
from consentry.domain.review import ReviewCase
from consentry.domain.standing import (
    EVERYTHING,
    Block,
    BlockState,
    Cause,
    Consent,
    ConsentLevel,
    ConsentState,
    Standing,
    Suppression,
)
from consentry.domain.webhooks import EventType, Webhook


class Obstacle(StrEnum):
    """What changed: the carrier's block, or our do-not-text for a brand or for everything."""

    BLOCK = "block"
    SUPPRESSION = "suppression"


class ConsentData(msgspec.Struct, frozen=True, gc=False):
    """A consent was given or withdrawn. `entry` is the row of the ledger that says how.

    `sender` is set where it came by a text. `actor` says who caused it.
    """

    entry: str
    recipient: str
    program: str
    brand: str | None
    purpose: Purpose | None
    sender: str | None
    state: ConsentState
    level: ConsentLevel
    actor: ActorKind


class BlockData(msgspec.Struct, frozen=True, gc=False):
    """A number may not be texted any more, or may be again.

    `scope` is what it covers: of a block a sender or a messaging service, of a suppression a brand,
    or `*` for everything. `sender` is the sender where the scope is one.
    """

    entry: str
    recipient: str
    kind: Obstacle
    scope: str
    layer: BlockLayer | None
    state: BlockState
    cause: Cause
    since: datetime
    sender: str | None
    brand: str | None


class MessageReceivedData(msgspec.Struct, frozen=True, gc=False):
    """A text came in. `text` is null where it has been erased since.

    `carrier_word` is what the carrier took it for, `legal_meaning` what it means by law; null where
    nobody read it.
    """

    message: str
    recipient: str
    sender: str
    brand: str | None
    received_at: datetime
    carrier_word: CarrierWord | None
    legal_meaning: LegalMeaning | None
    media: tuple[str, ...] = ()
    text: str | None = None


class MessageStatusData(msgspec.Struct, frozen=True, gc=False):
    """Where a text of ours is now. `error_code` is the carrier's, where it failed."""

    message: str
    recipient: str
    sender: str
    brand: str | None
    status: MessageStatus
    error_code: str | None
    error_text: str | None


class ReviewData(msgspec.Struct, frozen=True, gc=False):
    """A text came in that may be an opt-out: somebody has to read it."""

    review: str
    entry: str
    message: str
    recipient: str
    sender: str
    brand: str | None


class DriftData(msgspec.Struct, frozen=True, gc=False):
    """A carrier and the ledger differ about a number."""

    drift: str
    kind: DriftKind
    severity: Severity
    recipient: str
    sender: str
    brand: str | None
    carrier: str
    found_at: datetime


class TestData(msgspec.Struct, frozen=True, gc=False):
    """Somebody wanted to see whether this address takes events."""

    webhook: str


Data = (
    ConsentData
    | BlockData
    | MessageReceivedData
    | MessageStatusData
    | ReviewData
    | DriftData
    | TestData
)

DATA_OF: Final[dict[EventType, type[Data]]] = {
    EventType.CONSENT_GRANTED: ConsentData,
    EventType.CONSENT_REVOKED: ConsentData,
    EventType.BLOCK_CHANGED: BlockData,
    EventType.MESSAGE_RECEIVED: MessageReceivedData,
    EventType.MESSAGE_STATUS: MessageStatusData,
    EventType.REVIEW_NEEDED: ReviewData,
    EventType.DRIFT_FOUND: DriftData,
    EventType.TEST: TestData,
}


class Event(msgspec.Struct, frozen=True, gc=False):
    """One thing that happened. `id` is made from what it tells of, so it is made once.

    `brand` is the one it is about, None where none of ours is; `recipient` the person. A block of a
    messaging service is about all brands that text from it: `other_brands` are those but the first.
    """

    id: str
    type: EventType
    timestamp: datetime
    brand: str | None
    recipient: str
    data: Data
    other_brands: tuple[str, ...] = ()

    def told_to(self, webhook: Webhook) -> "Event | None":
        """Give it as a webhook is told it: of the first of its brands that it is for, if any is."""
        if webhook.wants(self.type, self.brand):
            return self
        for brand in self.other_brands:
            if webhook.wants(self.type, brand):
                data = msgspec.structs.replace(self.data, brand=brand)
                return msgspec.structs.replace(self, brand=brand, data=data)
        return None


def events_of_entry(entry: Entry, before: Standing, directory: Directory) -> Iterator[Event]:
    """Tell what an entry changed of a recipient's consents, blocks and suppressions."""
    for number, piece in enumerate(entry.pieces):
        match piece:
            case Consent():
                told = _tell_consent(entry, piece, before, directory)
            case Block():
                told = _tell_block(entry, piece, before, directory)
            case Suppression():
                told = _tell_suppression(entry, piece, before)
            case _:
                told = None
        if told is not None:
            kind, brands, data = told
            brand, *others = brands or (None,)
            event_id = f"evt_{entry.id}_{number:02}"
            at, recipient = entry.recorded_at, entry.recipient
            yield Event(event_id, kind, at, brand, recipient, data, tuple(others))


def event_of_message(
    before: Message | None, after: Message, read: Entry | None, directory: Directory
) -> Event | None:
    """Tell that a text came in, or where one of ours is now; None where that is nothing new.

    `read` is the entry of a text that came in, with what the readers made of it.
    """
    if after.direction is Direction.INBOUND:
        return _tell_text(after, read, directory) if before is None else None
    status = find_told_status(before, after)
    if status is None:
        return None
    brand = _brand_of(after.sender, directory)
    data = MessageStatusData(
        message=after.id,
        recipient=after.recipient,
        sender=after.sender,
        brand=brand,
        status=status,
        error_code=after.error_code,
        error_text=after.error_text,
    )
    event_id = f"evt_{after.id}_{RANK[status]}_{status}"
    kind = EventType.MESSAGE_STATUS
    return Event(event_id, kind, after.updated_at, brand, after.recipient, data)


def event_of_review(case: ReviewCase, opened_at: datetime, directory: Directory) -> Event:
    """Tell that a text is to be reviewed."""
    brand = _brand_of(case.sender, directory)
    unclear = case.unclear
    data = ReviewData(case.id, unclear.entry, unclear.message, case.recipient, case.sender, brand)
    kind = EventType.REVIEW_NEEDED
    return Event(f"evt_{case.id}", kind, opened_at, brand, case.recipient, data)


def event_of_drift(drift: Drift, directory: Directory) -> Event:
    """Tell that a carrier and the ledger differ."""
    brand = _brand_of(drift.sender, directory)
    data = DriftData(
        drift=drift.id,
        kind=drift.kind,
        severity=drift.severity,
        recipient=drift.recipient,
        sender=drift.sender,
        brand=brand,
        carrier=drift.carrier,
        found_at=drift.found_at,
    )
    kind = EventType.DRIFT_FOUND
    return Event(f"evt_{drift.id}", kind, drift.found_at, brand, drift.recipient, data)


def notice_of_event(event: Event, webhook: Webhook) -> EventNotice:
    """Make what one webhook is told of an event; one we switched off is told when replayed."""
    return EventNotice(
        id=f"{event.id}.{webhook.id}",
        made_at=event.timestamp,
        webhook=webhook.id,
        recipient=event.recipient,
        event=event.type,
        data=msgspec.Raw(msgspec.json.encode(event.data)),
        given_up=None if webhook.enabled else webhook.disabled_because,
    )


_Told = tuple[EventType, tuple[str, ...], Data]


def _tell_text(message: Message, read: Entry | None, directory: Directory) -> Event:
    brand = _brand_of(message.sender, directory)
    carrier = None if read is None else read.carrier_reading
    legal = None if read is None else read.legal_reading
    data = MessageReceivedData(
        message=message.id,
        recipient=message.recipient,
        sender=message.sender,
        brand=brand,
        received_at=message.created_at,
        carrier_word=None if carrier is None else carrier.word,
        legal_meaning=None if legal is None else legal.meaning,
        media=message.media,
    )
    event_id = f"evt_{message.id}_{RANK[message.status]}_received"
    kind = EventType.MESSAGE_RECEIVED
    return Event(event_id, kind, message.updated_at, brand, message.recipient, data)


def _tell_consent(
    entry: Entry, now: Consent, before: Standing, directory: Directory
) -> _Told | None:
    was = next((one for one in before.consents if one.program == now.program), None)
    if now.state is ConsentState.ACTIVE:
        active = was is not None and was.is_active(entry.recorded_at)
        if active and was is not None and was.level is now.level:
            return None
        kind = EventType.CONSENT_GRANTED
    elif now.is_withdrawn and (was is None or not was.is_withdrawn):
        kind = EventType.CONSENT_REVOKED
    else:
        return None
    program = directory.program(now.program)
    brand = None if program is None else program.brand
    data = ConsentData(
        entry=entry.id,
        recipient=entry.recipient,
        program=now.program,
        brand=brand,
        purpose=None if program is None else program.purpose,
        sender=entry.sender,
        state=now.state,
        level=now.level,
        actor=entry.actor.kind,
    )
    return kind, _list_known(brand), data


def _tell_block(entry: Entry, now: Block, before: Standing, directory: Directory) -> _Told | None:
    place = (now.scope, now.layer)
    was = next((one.state for one in before.blocks if (one.scope, one.layer) == place), None)
    if now.state is (was or BlockState.OPEN):
        return None
    brands = _brands_of_scope(now.scope, directory)
    data = BlockData(
        entry=entry.id,
        recipient=entry.recipient,
        kind=Obstacle.BLOCK,
        scope=now.scope,
        layer=now.layer,
        state=now.state,
        cause=now.cause,
        since=now.since,
        sender=now.scope if now.scope in directory.senders else None,
        brand=next(iter(brands), None),
    )
    return EventType.BLOCK_CHANGED, brands, data


def _tell_suppression(entry: Entry, now: Suppression, before: Standing) -> _Told | None:
    was = next((one for one in before.suppressions if one.scope == now.scope), None)
    if now.active == (was is not None and was.active):
        return None
    brand = None if now.scope == EVERYTHING else now.scope
    data = BlockData(
        entry=entry.id,
        recipient=entry.recipient,
        kind=Obstacle.SUPPRESSION,
        scope=now.scope,
        layer=None,
        state=BlockState.BLOCKED if now.active else BlockState.OPEN,
        cause=now.cause,
        since=now.since,
        sender=None,
        brand=brand,
    )
    return EventType.BLOCK_CHANGED, _list_known(brand), data


def _brand_of(sender: str, directory: Directory) -> str | None:
    known = directory.senders.get(sender)
    return None if known is None else known.brand


def _brands_of_scope(scope: str, directory: Directory) -> tuple[str, ...]:
    """List the brands of a block's scope: of a sender, or of all senders of a service."""
    known = directory.senders.get(scope)
    if known is not None:
        return _list_known(known.brand)
    of_service = (s.brand for s in directory.senders.values() if s.messaging_service_sid == scope)
    return tuple(dict.fromkeys(of_service))


def _list_known(brand: str | None) -> tuple[str, ...]:
    return () if brand is None else (brand,)
