"""Questions to the gate as programs write them, and as the gate understands them."""

from datetime import datetime
from typing import Annotated

import msgspec
from msgspec import UNSET, UnsetType

from consentry.api.services import Services
from consentry.domain.directory import Purpose
from consentry.domain.gate import Request
from consentry.domain.phone import find_number, is_e164_shape
from consentry.ports import StoreUnavailable


class CheckRequest(msgspec.Struct, frozen=True, gc=False, forbid_unknown_fields=True):
    """May a text go from `sender` to `recipient`?

    `purpose`: conversational where the person wrote to the sender lately, else it must be named
    (or the `program` that has one). `at`: ask for a past time.
    """

    sender: str
    recipient: str
    purpose: Purpose | None = None
    program: str | None = None
    at: Annotated[datetime, msgspec.Meta(tz=True)] | None = None


class LineQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What lines leave out: used for each line of a stream that does not say it itself."""

    sender: str | UnsetType = UNSET
    purpose: Purpose | UnsetType = UNSET
    program: str | UnsetType = UNSET


class Question(msgspec.Struct, frozen=True):
    """A question with everything it needs."""

    sender: str
    recipient: str
    purpose: Purpose | None = None
    program: str | None = None


async def build_request(question: CheckRequest | Question, services: Services) -> Request:
    """Put a question to the gate; a recipient that is no phone number becomes None."""
    return Request(
        recipient=find_number(question.recipient, services.default_region),
        sender=await find_sender(question.sender, services),
        purpose=question.purpose,
        program=question.program,
    )


async def find_sender(text: str, services: Services) -> str:
    """Find a sender however its number is written; one that is not known stays as it is."""
    if is_e164_shape(text) or await _is_set_up(text, services):
        return text
    return find_number(text, services.default_region) or text


async def _is_set_up(number: str, services: Services) -> bool:
    try:
        return number in (await services.store.read_directory()).senders
    except StoreUnavailable:
        # The gate is asked next, and says the same in its own way.
        return False
