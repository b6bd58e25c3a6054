"""The carriers' door: a person's text and delivery reports. Signature first, durable before 2xx.

A forged request stores nothing. Where the store cannot make a text durable the answer is 503, so
that the carrier tries again: an opt-out is never lost to a bad moment.
"""

from collections.abc import Callable
from typing import Final

from consentry.api.operations import Answer, Call, Operation, Tag
from consentry.api.problems import Problem
from consentry.ports import (
    Carrier,
    CarrierEvent,
    CarrierUnreachable,
    Forged,
    KeyMissing,
    Malformed,
    WebhookRequest,
)


def _request(call: Call[bytes, None]) -> WebhookRequest:
    """Give the request with the url as the carrier was given it, which is what it signed."""
    http = call.http
    url = call.base_url + http["raw_path"].decode("latin-1")
    query = http["query_string"]
    if query:
        url = f"{url}?{query.decode('latin-1')}"
    # Built backwards, so that the first of equal names stays.
    headers = {
        name.decode("latin-1"): value.decode("latin-1") for name, value in reversed(http["headers"])
    }
    return WebhookRequest(url, headers, call.body, received_at=call.services.clock.now())


async def _carrier(call: Call[bytes, None]) -> Carrier:
    carrier = await call.services.book.find(call.path["carrier"])
    if carrier is None:
        raise Problem(
            "unknown_carrier",
            f"There is no carrier account {call.path['carrier']!a} here. Set it up, or mend the "
            "webhook address at the carrier.",
        )
    return carrier


def _forged() -> Problem:
    return Problem(
        "forged_webhook",
        "The signature is not this carrier account's. Check its secret, and that the address at "
        "the carrier is the public URL of this server.",
    )


_Reader = Callable[[WebhookRequest], tuple[CarrierEvent, ...]]


async def _read(request: WebhookRequest, reader: _Reader) -> tuple[CarrierEvent, ...]:
    """Read a webhook, after its key was fetched where it was not here."""
    try:
        return _read_now(request, reader)
    except KeyMissing as missing:
        try:
            await missing.fetch()
            return _read_now(request, reader)
        except (CarrierUnreachable, KeyMissing) as error:
            raise Problem("carrier_unreachable", str(error)) from None


def _read_now(request: WebhookRequest, reader: _Reader) -> tuple[CarrierEvent, ...]:
    try:
        return reader(request)
    except Forged:
        raise _forged() from None
    except Malformed as error:
        raise Problem("malformed_webhook", f"The webhook cannot be read: {error}") from None


async def _take(
    call: Call[bytes, None], carrier: Carrier, events: tuple[CarrierEvent, ...]
) -> Answer:
    """Answer once everything is durable and nothing that it forbids is under way."""
    try:
        taken = await call.services.intake.take(carrier, events)
    except CarrierUnreachable as error:
        raise Problem("carrier_unreachable", str(error)) from None
    if taken.unknown_senders:
        raise Problem(
            "sender_not_set_up",
            f"The text is kept, but no sender {taken.unknown_senders[0]!a} is set up here, so "
            "nobody is answered. Add it under /v1/senders.",
        )
    told = carrier.acknowledgement
    return Answer(told.body, media_type=told.media_type)


async def receive_inbound(call: Call[bytes, None]) -> Answer:
    """Take a person's text, or whatever else the carrier posts to this address."""
    carrier = await _carrier(call)
    return await _take(call, carrier, await _read(_request(call), carrier.read_inbound))


async def receive_status(call: Call[bytes, None]) -> Answer:
    """Take a delivery report, or whatever else the carrier posts to this address."""
    carrier = await _carrier(call)
    return await _take(call, carrier, await _read(_request(call), carrier.read_status))


_ERRORS: Final = (
    "unknown_carrier",
    "forged_webhook",
    "malformed_webhook",
    "sender_not_set_up",
    "passed_on_to_itself",
    "carrier_unreachable",
    "store_unavailable",
)

OPERATIONS: Final = (
    Operation(
        method="POST",
        path="/carriers/{carrier}/inbound",
        tag=Tag.CARRIERS,
        summary="A person's text",
        description="For carriers, signed in their way. The answer asks for no reply: what is to "
        "be answered goes through the outbox.",
        handler=receive_inbound,
        body=bytes,
        answers={200: bytes},
        errors=_ERRORS,
    ),
    Operation(
        method="POST",
        path="/carriers/{carrier}/status",
        tag=Tag.CARRIERS,
        summary="A delivery report",
        description="For carriers, signed in their way; reports may come in any order.",
        handler=receive_status,
        body=bytes,
        answers={200: bytes},
        errors=_ERRORS,
    ),
)
