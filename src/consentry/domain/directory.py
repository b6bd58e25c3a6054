"""Who texts, in whose name, and for what: the company's side of consent, as frozen values."""

from enum import StrEnum

import msgspec

from consentry.domain.reading import BlockLayer, SenderKind


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
    """

    number: str
    kind: SenderKind
    brand: str
    carrier: str
    messaging_service_sid: str | None = None
    enabled: bool = True
    messages_per_second: float = 1.0
    replies: Replies = Replies()

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
    the standing of one recipient with one program.
    """

    id: str
    brand: str
    purpose: Purpose
    name: str
    sender: str | None = None


def conversation_program(number: str) -> str:
    """Name the conversational program of a sender."""
    return f"conversation:{number}"


class Directory(msgspec.Struct, frozen=True):
    """All brands, senders and programs at one moment."""

    brands: dict[str, Brand] = {}
    senders: dict[str, Sender] = {}
    programs: dict[str, Program] = {}

    def brand_of(self, sender: Sender) -> Brand:
        """Return the sender's brand; a sender is never stored without one."""
        return self.brands[sender.brand]

    def program(self, program_id: str) -> Program | None:
        """Find a program: a stored one, or the conversation that every sender has."""
        found = self.programs.get(program_id)
        if found is not None:
            return found
        sender = self.senders.get(program_id.removeprefix("conversation:"))
        if sender is None or program_id != sender.conversation:
            return None
        return Program(
            id=program_id,
            brand=sender.brand,
            purpose=Purpose.CONVERSATIONAL,
            name=f"Conversation with {sender.number}",
            sender=sender.number,
        )
