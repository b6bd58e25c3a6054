"""Setting up: brands, senders, programs, carrier accounts, API keys."""

from datetime import datetime

import msgspec

from consentry.domain.directory import Brand, Program, Purpose, Replies, Sender
from consentry.domain.phone import InvalidNumber, parse_phone
from consentry.domain.reading import SenderKind
from consentry.domain.replies import INITIAL_REPLY_CHARACTERS_MAX
from consentry.ports import APIKey, CarrierAccount, Change, Facts, Needs, Rejected


class SaveBrand(msgspec.Struct, frozen=True):
    """Set up a brand or change it."""

    brand: Brand

    def needs(self) -> Needs:
        """Ask for nothing: the directory is always there."""
        return Needs()

    def decide(self, facts: Facts) -> tuple[Brand, Change]:
        """Decide; raises `Rejected` for a brand without a name."""
        if not self.brand.name.strip():
            raise Rejected(
                "name_missing", "A brand needs a name: it stands in replies.", status=422
            )
        brand = self.brand
        if not brand.id:
            brand = msgspec.structs.replace(brand, id=facts.ids.new("brd"))
        return brand, Change(records=(brand,))


class SaveSender(msgspec.Struct, frozen=True):
    """Set up a number of ours or change it."""

    sender: Sender

    def needs(self) -> Needs:
        """Ask for nothing."""
        return Needs()

    def decide(self, facts: Facts) -> tuple[Sender, Change]:
        """Decide; raises `Rejected` for a number that does not fit its kind or a missing brand."""
        sender = msgspec.structs.replace(self.sender, number=_sender_number(self.sender))
        if sender.brand not in facts.directory.brands:
            raise Rejected(
                "unknown_brand", f"There is no brand {sender.brand!r}. Add it first.", status=404
            )
        if sender.messages_per_second <= 0:
            raise Rejected("rate_invalid", "messages_per_second must be more than 0.", status=422)
        _check_replies(sender.replies)
        return sender, Change(records=(sender,))


def _sender_number(sender: Sender) -> str:
    """Normalize our own number after its kind; raises `Rejected` where it does not fit."""
    number = sender.number.strip()
    hint = ""
    match sender.kind:
        case SenderKind.SHORT_CODE:
            if number.isascii() and number.isdigit() and 3 <= len(number) <= 8:
                return number
            hint = "A short code is 3 to 8 digits, for example 55555."
        case SenderKind.ALPHANUMERIC:
            if 1 <= len(number) <= 11 and number.isascii() and any(c.isalpha() for c in number):
                return number
            hint = "An alphanumeric sender is 1 to 11 letters and digits, at least one letter."
        case SenderKind.LONG_CODE | SenderKind.TOLL_FREE:
            try:
                return parse_phone(number).normalized
            except InvalidNumber as error:
                hint = str(error)
    raise Rejected("invalid_sender", f"{number!r} is no {sender.kind}. {hint}", status=422)


def _check_replies(replies: Replies) -> None:
    if replies.initial is not None and len(replies.initial) > INITIAL_REPLY_CHARACTERS_MAX:
        raise Rejected(
            "reply_too_long",
            f"The initial reply has {len(replies.initial)} characters; "
            f"at most {INITIAL_REPLY_CHARACTERS_MAX} are allowed.",
            status=422,
        )


class SaveProgram(msgspec.Struct, frozen=True):
    """Set up a program: brand + purpose + name."""

    program: Program

    def needs(self) -> Needs:
        """Ask for nothing."""
        return Needs()

    def decide(self, facts: Facts) -> tuple[Program, Change]:
        """Decide; raises `Rejected` for a missing brand or a conversational program."""
        program = self.program
        if program.brand not in facts.directory.brands:
            raise Rejected(
                "unknown_brand", f"There is no brand {program.brand!r}. Add it first.", status=404
            )
        if program.purpose is Purpose.CONVERSATIONAL:
            raise Rejected(
                "conversation_is_built_in",
                "Every sender has its conversation already, named conversation:NUMBER. "
                "Add programs that are informational or marketing.",
                status=422,
            )
        if not program.name.strip():
            raise Rejected("name_missing", "A program needs a name.", status=422)
        if not program.id:
            program = msgspec.structs.replace(program, id=facts.ids.new("prg"))
        return program, Change(records=(program,))


class SaveCarrier(msgspec.Struct, frozen=True):
    """Set up an account with a carrier or change it."""

    carrier: CarrierAccount

    def needs(self) -> Needs:
        """Ask for nothing."""
        return Needs()

    def decide(self, facts: Facts) -> tuple[CarrierAccount, Change]:
        """Keep it, under a new id where it has none."""
        carrier = self.carrier
        if not carrier.id:
            carrier = msgspec.structs.replace(carrier, id=facts.ids.new("car"))
        return carrier, Change(records=(carrier,))


class SaveKey(msgspec.Struct, frozen=True):
    """Keep an API key: new, revoked, or with the time it was last used."""

    key: APIKey

    def needs(self) -> Needs:
        """Ask for nothing."""
        return Needs()

    def decide(self, facts: Facts) -> tuple[APIKey, Change]:
        """Keep it, under a new id where it has none."""
        key = self.key
        if not key.id:
            key = msgspec.structs.replace(key, id=facts.ids.new("key"), created_at=facts.now)
        return key, Change(records=(key,))


def revoked(key: APIKey, now: datetime) -> APIKey:
    """Mark a key as revoked; the first time stays."""
    return msgspec.structs.replace(key, revoked_at=key.revoked_at or now)
