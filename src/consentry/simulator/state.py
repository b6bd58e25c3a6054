"""Everything the carrier remembers, as the sum of what happened: events in, state out.

An event is applied when it happens and again when a journal is replayed, so a simulator that is
started again knows the same blocks, threads and messages.
"""

from collections import defaultdict
from datetime import datetime
from typing import assert_never

import msgspec

from consentry.simulator.values import (
    Block,
    BlockLayer,
    Message,
    Refusal,
    Sender,
    Service,
    Text,
)


class SenderSet(msgspec.Struct, frozen=True, tag=True):
    """A number was configured, or configured anew."""

    sender: Sender


class ServiceSet(msgspec.Struct, frozen=True, tag=True):
    """A messaging service was configured."""

    service: Service


class PhoneAdded(msgspec.Struct, frozen=True, tag=True):
    """A handset was put on the table."""

    phone: str


class TextKept(msgspec.Struct, frozen=True, tag=True):
    """A handset shows a text."""

    text: Text


class RefusalKept(msgspec.Struct, frozen=True, tag=True):
    """A message was refused on its way to a handset."""

    refusal: Refusal


class MessageKept(msgspec.Struct, frozen=True, tag=True):
    """A message appeared, or changed."""

    message: Message


class MessageDropped(msgspec.Struct, frozen=True, tag=True):
    """A message was deleted from the account's log."""

    sid: str


class BlockSet(msgspec.Struct, frozen=True, tag=True):
    """A block stands."""

    block: Block


class BlockLifted(msgspec.Struct, frozen=True, tag=True):
    """A block is gone; `taken_off_at` is when the account itself took it off its list."""

    scope: str
    recipient: str
    layer: BlockLayer
    taken_off_at: datetime | None = None


Event = (
    SenderSet
    | ServiceSet
    | PhoneAdded
    | TextKept
    | RefusalKept
    | MessageKept
    | MessageDropped
    | BlockSet
    | BlockLifted
)
Pair = tuple[str, str]


class State:
    """What the carrier knows. Change it only through `apply`."""

    def __init__(self) -> None:
        """Start knowing nothing."""
        self.senders: dict[str, Sender] = {}
        self.services: dict[str, Service] = {}
        self.phones: dict[str, None] = {}
        self.texts: defaultdict[str, list[Text]] = defaultdict(list)
        self.refusals: defaultdict[str, list[Refusal]] = defaultdict(list)
        self.messages: dict[str, Message] = {}
        self.sids_by_number: defaultdict[str, list[str]] = defaultdict(list)
        self.blocks: dict[tuple[str, str, BlockLayer], Block] = {}
        self.taken_off: dict[str, datetime] = {}
        # The last sender of a service that a phone heard from keeps talking to it.
        self.sticky_senders: dict[Pair, str] = {}
        self.revision = 0
        self.order = 0

    def apply(self, event: Event) -> None:
        """Take an event in."""
        self.revision += 1
        match event:
            case SenderSet(sender):
                self.senders[sender.number] = sender
            case ServiceSet(service):
                self.services[service.sid] = service
            case PhoneAdded(phone):
                self.phones[phone] = None
            case TextKept(text):
                self._keep_text(text)
            case RefusalKept(refusal):
                self.phones[refusal.phone] = None
                self.refusals[refusal.phone].append(refusal)
                self.order = max(self.order, refusal.order)
            case MessageKept(message):
                self._keep_message(message)
            case MessageDropped(sid):
                self.messages.pop(sid, None)
            case BlockSet(block):
                self.blocks[block.scope, block.recipient, block.layer] = block
            case BlockLifted():
                self._lift(event)
            case _:
                assert_never(event)

    def next_order(self) -> int:
        """Count one more thing that happened."""
        self.order += 1
        return self.order

    def _lift(self, event: BlockLifted) -> None:
        self.blocks.pop((event.scope, event.recipient, event.layer), None)
        if event.taken_off_at is not None:
            self.taken_off[event.recipient] = event.taken_off_at

    def _keep_text(self, text: Text) -> None:
        self.phones[text.phone] = None
        self.texts[text.phone].append(text)
        self.order = max(self.order, text.order)
        sender = self.senders.get(text.number)
        if sender is not None and sender.messaging_service_sid is not None:
            self.sticky_senders[sender.messaging_service_sid, text.phone] = text.number

    def _keep_message(self, message: Message) -> None:
        resource = message.resource
        earlier = self.messages.get(resource.sid)
        self.messages[resource.sid] = message
        self.order = max(self.order, message.accepted_order)
        if earlier is None:
            self.sids_by_number[resource.to_number].append(resource.sid)
        if resource.from_number and (earlier is None or not earlier.resource.from_number):
            self.sids_by_number[resource.from_number].append(resource.sid)
