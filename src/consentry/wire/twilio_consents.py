"""Twilio's bulk consents: what programs tell of people's consent, and the answer, as values.

Source: Twilio's Consent Management API (`POST /v1/Consents/Bulk`, repeated `Items=<json>`).
"""

import re
from datetime import UTC, datetime
from enum import StrEnum
from typing import Final, TypeVar

import msgspec

from consentry.wire.forms import Form, FormError

ITEMS_MAX: Final = 25
_CORRELATION: Final = re.compile(r"[0-9a-fA-F]{32}")
_TEXT_CHARACTERS_MAX: Final = 200
_Choice = TypeVar("_Choice", bound=StrEnum)


class ConsentStatus(StrEnum):
    """What the person wants."""

    OPT_IN = "opt-in"
    OPT_OUT = "opt-out"


class ConsentSource(StrEnum):
    """Where the person said so."""

    WEBSITE = "website"
    OFFLINE = "offline"
    OPT_IN_MESSAGE = "opt-in-message"
    OPT_OUT_MESSAGE = "opt-out-message"
    OTHERS = "others"


class ConsentItem(msgspec.Struct, frozen=True):
    """One consent as a program tells it; `at` is aware UTC, None where no date is given."""

    correlation_id: str
    contact_id: str
    sender_id: str
    status: ConsentStatus
    source: ConsentSource
    at: datetime | None = None


class ConsentOutcome(msgspec.Struct, frozen=True):
    """What came of an item; code 0 is none of Twilio's errors."""

    correlation_id: str
    error_code: int = 0
    error_messages: tuple[str, ...] = ()


class _WireItem(msgspec.Struct, frozen=True):
    contact_id: str = ""
    correlation_id: str = ""
    sender_id: str = ""
    status: str = ""
    source: str = ""
    date_of_consent: str | None = None


class _WireAnswer(msgspec.Struct, frozen=True):
    items: tuple[ConsentOutcome, ...]


_item_decoder = msgspec.json.Decoder(_WireItem)
_encoder = msgspec.json.Encoder()


def parse_consent_items(form: Form) -> tuple[ConsentItem | ConsentOutcome, ...]:
    """Read the items in order; one that cannot be used is its own outcome, with what is wrong.

    Raises FormError where there are none, too many, or one is no JSON object.
    """
    given = form.get_all("Items")
    if not 1 <= len(given) <= ITEMS_MAX:
        raise FormError("Items", f"is given {len(given)} times; 1 to {ITEMS_MAX} are taken")
    return tuple(_parse_item(text) for text in given)


def render_consent_outcomes(outcomes: tuple[ConsentOutcome, ...]) -> bytes:
    """Write the answer."""
    return _encoder.encode(_WireAnswer(outcomes))


def _parse_item(text: str) -> ConsentItem | ConsentOutcome:
    try:
        wire = _item_decoder.decode(text)
    except (msgspec.DecodeError, RecursionError) as error:
        raise FormError("Items", f"is not a JSON object of texts: {str(error)[:100]}") from None
    try:
        return _read_item(wire)
    except FormError as error:
        return ConsentOutcome(wire.correlation_id[:32], 20001, (str(error),))


def _read_item(wire: _WireItem) -> ConsentItem:
    if _CORRELATION.fullmatch(wire.correlation_id) is None:
        raise FormError("correlation_id", "must be 32 hexadecimal digits")
    for name, value in (("contact_id", wire.contact_id), ("sender_id", wire.sender_id)):
        if not 0 < len(value) <= _TEXT_CHARACTERS_MAX or "\0" in value:
            raise FormError(name, f"must have 1 to {_TEXT_CHARACTERS_MAX} characters")
    return ConsentItem(
        correlation_id=wire.correlation_id,
        contact_id=wire.contact_id,
        sender_id=wire.sender_id,
        status=_read_choice("status", wire.status, ConsentStatus),
        source=_read_choice("source", wire.source, ConsentSource),
        at=None if not wire.date_of_consent else _read_date(wire.date_of_consent),
    )


def _read_choice(name: str, value: str, choices: type[_Choice]) -> _Choice:
    try:
        return choices(value)
    except ValueError:
        raise FormError(name, f"must be one of {', '.join(choices)}") from None


def _read_date(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError):
        raise FormError("date_of_consent", "must be an ISO 8601 time") from None
