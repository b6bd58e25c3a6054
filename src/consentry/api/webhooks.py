"""The carriers' door: a person's text and delivery reports. Signature first, durable before 2xx.

A forged request stores nothing. Where the store cannot make a text durable the answer is 503, so
that the carrier tries again: an opt-out is never lost to a bad moment.
"""

import logging
from typing import Final

from consentry.actions.receive_message import ReceiveMessage
from consentry.actions.record_receipt import BURST_ADVICE, RecordReceipt
from consentry.api.operations import Answer, Call, Operation, Tag
from consentry.api.problems import Problem
from consentry.ports import Carrier, Forged, Malformed, WebhookRequest
from consentry.wire.twiml import EMPTY_RESPONSE

_log = logging.getLogger(__name__)

# An empty answer sends nothing: what is ours to say goes through the outbox and its gate.
_TAKEN: Final = Answer(EMPTY_RESPONSE, media_type=b"text/xml")


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
    return WebhookRequest(url=url, headers=headers, body=call.body)


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


async def receive_inbound(call: Call[bytes, None]) -> Answer:
    """Take a person's text; answered once it is durable and nothing it forbids is under way."""
    services = call.services
    began = services.clock.monotonic()
    carrier = await _carrier(call)
    try:
        text = carrier.read_inbound(_request(call))
    except Forged:
        raise _forged() from None
    except Malformed as error:
        raise Problem("malformed_webhook", f"The webhook cannot be read: {error}") from None
    now = services.clock.now()
    received = await services.store.submit(ReceiveMessage(carrier.id, carrier.kind, text, now))
    services.measuring.note_webhook("inbound", services.clock.monotonic() - began)
    if _log.isEnabledFor(logging.DEBUG):
        _log.debug("text_received", extra={"sender": text.sender, "recipient": text.recipient})
    if received.in_flight:
        await services.delivery.wait_quiet(received.in_flight)
    if received.answered:
        services.delivery.wake()
    if not received.known_sender:
        raise Problem(
            "sender_not_set_up",
            f"The text is kept, but no sender {text.sender!a} is set up here, so nobody is "
            "answered. Add it under /v1/senders.",
        )
    return _TAKEN


async def receive_status(call: Call[bytes, None]) -> Answer:
    """Take a delivery report, in any order."""
    services = call.services
    began = services.clock.monotonic()
    carrier = await _carrier(call)
    try:
        report = carrier.read_status(_request(call))
    except Forged:
        raise _forged() from None
    except Malformed as error:
        raise Problem("malformed_webhook", f"The webhook cannot be read: {error}") from None
    receipt = RecordReceipt(carrier.id, report, services.clock.now())
    recorded = await services.store.submit(receipt, is_patient=True)
    services.measuring.note_webhook("status", services.clock.monotonic() - began)
    services.measuring.note_receipt(report.status)
    if recorded.refusal_burst:
        _log.error("refusal_burst", extra={"sender": report.sender, "advice": BURST_ADVICE})
    return _TAKEN


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
        errors=(
            "unknown_carrier",
            "forged_webhook",
            "malformed_webhook",
            "sender_not_set_up",
            "store_unavailable",
        ),
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
        errors=("unknown_carrier", "forged_webhook", "malformed_webhook", "store_unavailable"),
    ),
)
