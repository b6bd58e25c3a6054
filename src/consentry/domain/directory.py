"""Who texts, in whose name, and for what: the company's side of consent, as frozen values."""

from enum import StrEnum
from typing import Final

import msgspec

from consentry.domain.calls_to_action import CallToAction
from consentry.domain.campaign_keywords import CampaignKeyword
from consentry.domain.reading import BlockLayer, SenderKind
from consentry.domain.webhooks import Webhook


class Purpose(StrEnum):
    """Why a text is sent; the law asks more of each than of the one before (`3-rules.md`)."""

    CONVERSATIONAL = "conversational"
    INFORMATIONAL = "informational"
    MARKETING = "marketing"


class Replies(msgspec.Struct, frozen=True, omit_defaults=True):
    """The company's own wording; None takes the compliant default of `domain.replies`."""

    initial: str | None = None
    opt_out: str | None = None
    opt_in: str | None = None
    help: str | None = None


class Brand(msgspec.Struct, frozen=True):
    """The seller in whose name we text."""

    id: str
    name: str
    contact: str | None = None


class Sender(msgspec.Struct, frozen=True):
    """A number of ours: E.164, a short code, or an alphanumeric name.

    `messaging_service_sid` is set where the carrier blocks for a whole service, not one number.
    `inbound_url`: where a program is told of each text that comes in, and `inbound_account` the
    account whose token signs it.
    """

    number: str
    kind: SenderKind
    brand: str
    carrier: str
    messaging_service_sid: str | None = None
    enabled: bool = True
    messages_per_second: float = 1.0
    replies: Replies = Replies()
    inbound_url: str | None = None
    inbound_account: str | None = None

    def scope_of(self, layer: BlockLayer) -> str:
        """Say whom a block in this layer covers: the provider blocks the service where one is."""
        if layer is BlockLayer.PROVIDER and self.messaging_service_sid is not None:
            return self.messaging_service_sid
        return self.number

    @property
    def conversation(self) -> str:
        """The id of the program "a conversation with this sender", which each sender has."""
        return conversation_program(self.number)


class Program(msgspec.Struct, frozen=True):
    """What one consents to: brand + purpose + name.

    A conversation with a sender is a program too (`sender` is set), so that consent is always
    the standing of one recipient with one program. `frequency` is as people read it, "up to 4
    msgs/month". `recurring`: texts come again and again, not once for each question of a person.
    One that is not `enabled` texts nobody, and the consents with it stay.
    """

    id: str
    brand: str
    purpose: Purpose
    name: str
    sender: str | None = None
    description: str | None = None
    frequency: str | None = None
    terms_url: str | None = None
    privacy_url: str | None = None
    recurring: bool = True
    enabled: bool = True

    @property
    def is_conversation(self) -> bool:
        """Tell the conversation that every sender has from the programs that people set up."""
        return is_conversation(self.id)


CONVERSATION_PREFIX: Final = "conversation:"
"""How the id of every conversational program begins, and no other."""


def conversation_program(number: str) -> str:
    """Name the conversational program of a sender."""
    return f"{CONVERSATION_PREFIX}{number}"


def is_conversation(program_id: str) -> bool:
    """Tell a conversation with a sender from every other program, by its id."""
    return program_id.startswith(CONVERSATION_PREFIX)


class Directory(msgspec.Struct, frozen=True):
    """All brands, senders and programs at one moment, and the calls to action shown now.

    `keywords` are those of campaigns and `webhooks` programs that are told of events, by their
    ids: what was removed is not among them.
    `erased_keys`: by whose hashes erased numbers are kept; none where nobody was erased.
    """

    brands: dict[str, Brand] = {}
    senders: dict[str, Sender] = {}
    programs: dict[str, Program] = {}
    calls_to_action: dict[str, CallToAction] = {}
    keywords: dict[str, CampaignKeyword] = {}
    webhooks: dict[str, Webhook] = {}
    erased_keys: tuple[str, ...] = ()

    def brand_of(self, sender: Sender) -> Brand:
        """Return the sender's brand; a sender is never stored without one."""
        return self.brands[sender.brand]

    def program(self, program_id: str) -> Program | None:
        """Find a program: a stored one, or the conversation that every sender has."""
        if not is_conversation(program_id):
            return self.programs.get(program_id)
        sender = self.senders.get(program_id.removeprefix(CONVERSATION_PREFIX))
        if sender is None:
            return None
        return Program(
            id=program_id,
            brand=sender.brand,
            purpose=Purpose.CONVERSATIONAL,
            name=f"Conversation with {sender.number}",
            sender=sender.number,
        )

    def senders_of(self, program: Program) -> tuple[Sender, ...]:
        """List the senders over which a program texts: its own, or all of its brand."""
        if program.sender is not None:
            return tuple(s for s in self.senders.values() if s.number == program.sender)
        return tuple(s for s in self.senders.values() if s.brand == program.brand)
