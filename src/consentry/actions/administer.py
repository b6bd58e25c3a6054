"""Setting up: brands, senders, programs, carrier accounts, API keys."""

import math
import re
from datetime import date, datetime
from typing import Final, assert_never
from urllib.parse import urlsplit

import msgspec

from consentry.actions.keep_templates import judge_wording
from consentry.actions.record_audit import SYSTEM, audit_setting, build_entry
from consentry.domain.directory import Brand, Program, Purpose, Sender
from consentry.domain.entries import Actor, EntryKind
from consentry.domain.gate import MessageKind
from consentry.domain.in_force import InForce
from consentry.domain.phone import InvalidNumber, normalize_phone
from consentry.domain.reading import SenderKind
from consentry.domain.replies import INITIAL_REPLY_CHARACTERS_MAX, fill_in, render_reply
from consentry.domain.wording_lint import WordingKind
from consentry.ports import APIKey, CarrierAccount, Change, Facts, Needs, Rejected
from consentry.wire.gsm7 import count_segments
from consentry.wire.webhook_address import (
    WebhookAddressError,
    inbound_path,
    parse_webhook_address,
    status_path,
)

_NO_MARKETING: Final = "no_marketing"
_ALPHANUMERIC = re.compile(r"(?=.*[A-Za-z])[A-Za-z0-9 ]{1,11}")


class SaveBrand(msgspec.Struct, frozen=True):
    """Set up a brand or change it."""

    brand: Brand
    by: Actor = SYSTEM

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
        known = facts.directory.brands.get(brand.id)
        entries = audit_setting(
            f"brand {brand.name}",
            known,
            brand,
            facts=facts,
            by=self.by,
            in_force=InForce(brands=(brand,)),
        )
        return brand, Change(entries=entries, records=(brand,))


class SaveSender(msgspec.Struct, frozen=True):
    """Set up a number of ours or change it."""

    sender: Sender
    by: Actor = SYSTEM

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
        if not 0 < sender.messages_per_second < math.inf:
            raise Rejected("rate_invalid", "messages_per_second must be more than 0.", status=422)
        _check_inbound_url(sender)
        _check_replies(sender, facts.directory.brands[sender.brand])
        known = facts.directory.senders.get(sender.number)
        brand, today = facts.directory.brands[sender.brand], facts.now.date()
        _check_sells_nothing(sender, known, brand, today)
        entries = audit_setting(
            f"sender {sender.number}",
            known,
            sender,
            facts=facts,
            by=self.by,
            in_force=InForce(senders=(sender,)),
        )
        return sender, Change(entries=entries, records=(sender,))


def _check_inbound_url(sender: Sender) -> None:
    """Raise `Rejected` for an address that cannot be called."""
    if sender.inbound_url is None:
        return
    try:
        address = parse_webhook_address(sender.inbound_url)
    except WebhookAddressError as error:
        raise Rejected(
            "invalid_inbound_url",
            f"The program's address cannot be called: {error}. Write it whole, for example "
            "https://example.com/sms.",
            status=422,
        ) from None
    path = urlsplit(address.url).path
    if path.endswith((inbound_path(sender.carrier, ""), status_path(sender.carrier, ""))):
        raise Rejected(
            "invalid_inbound_url",
            "That is where the carrier posts texts to this server. Give the address of your own "
            "program, for example https://example.com/sms.",
            status=422,
        )


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
            if _ALPHANUMERIC.fullmatch(number):
                return number
            hint = (
                "An alphanumeric sender is 1 to 11 letters, digits and spaces, at least one letter."
            )
        case SenderKind.LONG_CODE | SenderKind.TOLL_FREE:
            try:
                return normalize_phone(number)
            except InvalidNumber as error:
                hint = str(error)
        case never:
            assert_never(never)
    raise Rejected("invalid_sender", f"{number!r} is no {sender.kind}. {hint}", status=422)


def _check_replies(sender: Sender, brand: Brand) -> None:
    """Refuse wordings that could not go out, with the brand's name filled in."""
    initial = sender.replies.initial
    if initial is not None:
        characters = len(fill_in(initial, brand))
        if characters > INITIAL_REPLY_CHARACTERS_MAX:
            raise Rejected(
                "reply_too_long",
                f"The initial reply has {characters} characters; "
                f"at most {INITIAL_REPLY_CHARACTERS_MAX} are allowed.",
                status=422,
            )
    segments = count_segments(render_reply(MessageKind.OPT_OUT_CONFIRMATION, sender, brand))
    if sender.replies.opt_out is not None and segments.segments != 1:
        raise Rejected(
            "reply_too_long",
            f"The opt-out confirmation has {segments.segments} segments; it must be one: at most "
            "160 characters, or 70 where it has characters outside GSM-7.",
            status=422,
        )


def _check_sells_nothing(sender: Sender, known: Sender | None, brand: Brand, today: date) -> None:
    """Refuse marketing in the confirmation of an opt-out, whichever door words it (I2)."""
    wording = sender.replies.opt_out
    if wording is None or (known is not None and known.replies.opt_out == wording):
        return
    judged = judge_wording(WordingKind.OPT_OUT_CONFIRMATION, wording, brand, today=today)
    for finding in judged.errors:
        if finding.rule == _NO_MARKETING:
            raise Rejected(
                "wording_invalid", f"The opt-out confirmation: {finding.says}", status=422
            )


PROGRAM_TEXT_CHARACTERS_MAX: Final = {
    "name": 200,
    "description": 1000,
    "frequency": 100,
    "terms_url": 2000,
    "privacy_url": 2000,
}
"""How long the texts of a program may be."""


class SaveProgram(msgspec.Struct, frozen=True):
    """Set up a program: brand + purpose + name, and what people are told of it.

    There is no command that deletes one: what people consented to is evidence.
    """

    program: Program
    by: Actor = SYSTEM

    def needs(self) -> Needs:
        """Ask for nothing."""
        return Needs()

    def decide(self, facts: Facts) -> tuple[Program, Change]:
        """Decide; raises `Rejected` for a missing brand, a conversation, or a field that is off."""
        program = self.program
        if program.brand not in facts.directory.brands:
            raise Rejected(
                "unknown_brand", f"There is no brand {program.brand!r}. Add it first.", status=404
            )
        if program.purpose is Purpose.CONVERSATIONAL or program.is_conversation:
            raise Rejected(
                "conversation_is_built_in",
                "Every sender has its conversation already, named conversation:NUMBER. "
                "Add programs that are informational or marketing.",
                status=422,
            )
        self._check_unmoved(facts)
        if not program.name.strip():
            raise Rejected("name_missing", "A program needs a name.", status=422)
        _check_program_texts(program)
        self._check_sender(facts)
        if not program.id:
            program = msgspec.structs.replace(program, id=facts.ids.new("prg"))
        known = facts.directory.programs.get(program.id)
        entries = audit_setting(
            f"program {program.name}",
            known,
            program,
            facts=facts,
            by=self.by,
            in_force=InForce(programs=(program,)),
        )
        return program, Change(entries=entries, records=(program,))

    def _check_unmoved(self, facts: Facts) -> None:
        """Refuse to turn what people consented to into something else."""
        known = facts.directory.program(self.program.id)
        if known is None:
            return
        if (known.brand, known.purpose) != (self.program.brand, self.program.purpose):
            raise Rejected(
                "already_exists",
                f"Program {known.id} is {known.purpose} of brand {known.brand}, and people "
                "consented to that. Add a new program instead.",
                status=409,
            )

    def _check_sender(self, facts: Facts) -> None:
        """Refuse another sender than the one that people were told would text them."""
        number = self.program.sender
        known = facts.directory.program(self.program.id)
        if known is not None and known.sender not in (None, number):
            raise Rejected(
                "already_exists",
                f"Program {known.id} texts from {known.sender}, and people consented to that. "
                "Add a new program instead.",
                status=409,
            )
        if number is None:
            return
        sender = facts.directory.senders.get(number)
        if sender is None or sender.brand != self.program.brand:
            raise Rejected(
                "sender_not_set_up",
                f"Brand {self.program.brand} has no sender {number!a}. List the senders.",
                status=404,
            )


def _check_program_texts(program: Program) -> None:
    """Raise `Rejected` for a text that is too long, or an address that leads nowhere."""
    for name, longest in PROGRAM_TEXT_CHARACTERS_MAX.items():
        if len(getattr(program, name) or "") > longest:
            raise Rejected(
                "invalid_program", f"{name} may have {longest} characters at most.", status=422
            )
    for name in ("terms_url", "privacy_url"):
        url = getattr(program, name)
        if url is not None and not is_page_address(url):
            raise Rejected(
                "invalid_program",
                f"{name} is no address of a page. Write it whole, for example "
                "https://example.com/terms.",
                status=422,
            )


def is_page_address(url: str) -> bool:
    """Tell whether people can open an address in a browser."""
    try:
        parts = urlsplit(url)
        return parts.scheme in {"http", "https"} and bool(parts.hostname) and url.isprintable()
    except ValueError:
        return False


class SaveCarrier(msgspec.Struct, frozen=True):
    """Set up an account with a carrier or change it; `known` is the account as it was."""

    carrier: CarrierAccount
    by: Actor = SYSTEM
    known: CarrierAccount | None = None

    def needs(self) -> Needs:
        """Ask for nothing."""
        return Needs()

    def decide(self, facts: Facts) -> tuple[CarrierAccount, Change]:
        """Keep it, under a new id where it has none."""
        carrier = self.carrier
        if not carrier.id:
            carrier = msgspec.structs.replace(carrier, id=facts.ids.new("car"))
        entries = audit_setting(
            f"carrier account {carrier.id}",
            self.known,
            carrier,
            facts=facts,
            by=self.by,
            secret=("secret", "key_secret"),
        )
        return carrier, Change(entries=entries, records=(carrier,))


class SaveKey(msgspec.Struct, frozen=True):
    """Keep an API key: new, revoked, or with the time it was last used.

    The audit tells of new keys and revoked ones; their use is in what they did.
    """

    key: APIKey
    by: Actor = SYSTEM

    def needs(self) -> Needs:
        """Ask for nothing."""
        return Needs()

    def decide(self, facts: Facts) -> tuple[APIKey, Change]:
        """Keep it, under a new id where it has none; raises `Rejected` for an unknown brand."""
        key = self.key
        if not key.id:
            for brand in key.brands:
                if brand not in facts.directory.brands:
                    raise Rejected(
                        "unknown_brand", f"There is no brand {brand!r}. Add it first.", status=404
                    )
            key = msgspec.structs.replace(key, id=facts.ids.new("key"), created_at=facts.now)
            done = f"added: {key.prefix}…, may {', '.join(key.scopes)}"
            if key.brands:
                done += f", for {', '.join(key.brands)} alone"
        elif key.revoked_at is not None:
            done = f"revoked: {key.prefix}…"
        else:
            return key, Change(records=(key,))
        text = f"API key {key.name} {done}"
        entry = build_entry(EntryKind.SETTING_CHANGED, facts, self.by, text=text)
        return key, Change(entries=(entry,), records=(key,))


def revoked(key: APIKey, now: datetime) -> APIKey:
    """Mark a key as revoked; the first time stays."""
    return msgspec.structs.replace(key, revoked_at=key.revoked_at or now)
