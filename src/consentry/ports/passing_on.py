"""Requests that are none of this product's business, handed on to the carrier as they are."""

from typing import Protocol

import msgspec

from consentry.ports.records import CarrierAccount


class PassedRequest(msgspec.Struct, frozen=True):
    """A request below an account: `rest` is the path behind it, with its query."""

    method: str
    rest: str
    form: bytes = b""


class PassedAnswer(msgspec.Struct, frozen=True):
    """What the carrier answered, read to its end."""

    status: int
    body: bytes
    media_type: str
    location: str | None = None


class PassingOn(Protocol):
    """Hands requests on under an account's own credentials."""

    async def pass_on(self, carrier: CarrierAccount, request: PassedRequest) -> PassedAnswer:
        """Make the request once; raises `CarrierUnreachable`."""
