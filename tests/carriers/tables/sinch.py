"""Sinch: signed events, and sent texts.

The payloads have the shape of Sinch's own examples; `test_sinch.py` has its library check the
signature, read the events and write the request.
"""

import hmac
from base64 import b64encode
from datetime import UTC, datetime
from typing import Any

import msgspec
from carrier_table import NOW, CarrierTable, Posted, Sent, json_body

from consentry.carriers.sinch.settings import SINCH
from consentry.domain.messages import MessageStatus
from consentry.ports import (
    Accepted,
    CarrierAccount,
    CarrierEvent,
    CarrierRefusal,
    InboundText,
    OutboundText,
    StatusReport,
    Submission,
    Unanswered,
    WebhookRequest,
)

ACCOUNT = CarrierAccount(
    id="si",
    kind="sinch",
    account="0123456789abcdef0123456789abcdef",
    secret="webhook-secret",
    base_url="http://127.0.0.1:1",
    key_secret="api-token",
)
ID = "01FJA8B4A7BM43YGWSG9GBV068"
PERSON = "+12125550142"
OURS = "+14155550100"
NONCE = "01FJA8B4A7BM43YGWSG9GBV067"
QUERY = "?message=msg_1&sender=%2B14155550100"


def sign(request: WebhookRequest, secret: str = ACCOUNT.secret, **changed: str) -> WebhookRequest:
    """Sign a request as Sinch does; `changed` are headers by the end of their names."""
    parts = {"nonce": NONCE, "timestamp": str(int(NOW.timestamp())), "algorithm": "HmacSHA256"}
    parts |= changed
    signed = b".".join((request.body, parts["nonce"].encode(), parts["timestamp"].encode()))
    signature = b64encode(hmac.digest(secret.encode(), signed, "sha256")).decode()
    given = {f"x-sinch-webhook-signature-{name}": value for name, value in parts.items()}
    headers = {**request.headers, "x-sinch-webhook-signature": signature, **given}
    return msgspec.structs.replace(request, headers=headers)


def _forge(request: WebhookRequest) -> WebhookRequest:
    return sign(request, "another")


def inbound(body: Any = "STOP", **changed: Any) -> dict[str, Any]:
    """Write the event of a text that came in."""
    return {
        "body": body,
        "from": "12125550142",
        "id": ID,
        "operator_id": "310260",
        "received_at": "2026-05-01T11:59:59.123Z",
        "to": "14155550100",
        "type": "mo_text",
        **changed,
    }


def report(status: str, code: int = 0, **changed: Any) -> dict[str, Any]:
    """Write the report of one recipient."""
    return {
        "applied_originator": OURS,
        "at": "2026-05-01T12:00:00.000Z",
        "batch_id": ID,
        "client_reference": "msg_1",
        "code": code,
        "operator_status_at": "2026-05-01T12:00:00.000Z",
        "recipient": "12125550142",
        "status": status,
        "type": "recipient_delivery_report_sms",
        **changed,
    }


def batch_report(*statuses: dict[str, Any], **changed: Any) -> dict[str, Any]:
    """Write the report of a batch."""
    return {
        "batch_id": ID,
        "client_reference": "msg_1",
        "statuses": list(statuses),
        "total_message_count": 1,
        "type": "delivery_report_sms",
        **changed,
    }


def _without(event: dict[str, Any], name: str) -> dict[str, Any]:
    return {key: value for key, value in event.items() if key != name}


_AT = datetime(2026, 5, 1, 11, 59, 59, 123000, tzinfo=UTC)


def _text(body: str = "STOP", **changed: Any) -> InboundText:
    return msgspec.structs.replace(InboundText(ID, PERSON, OURS, body, sent_at=_AT), **changed)


def _told(status: MessageStatus, code: str | None = None, **changed: Any) -> StatusReport:
    told = StatusReport(ID, PERSON, OURS, status, code, message="msg_1")
    return msgspec.structs.replace(told, **changed)


def _posted(name: str, event: Any, *means: CarrierEvent, reason: str = "") -> Posted:
    return Posted(name, json_body(event), means, reason, query=QUERY)


def _status(told: str, means: MessageStatus, code: int = 0, *, opted_out: bool = False) -> Posted:
    failed = means in (MessageStatus.UNDELIVERED, MessageStatus.FAILED, MessageStatus.CANCELED)
    kept = str(code) if failed else None
    event = _told(means, kept, opted_out=opted_out)
    return _posted(f"{told} with {code}", report(told, code), event)


def _binary(name: str, body: str, *means: CarrierEvent, reason: str = "") -> Posted:
    event = inbound(body, type="mo_binary", udh="010203")
    return _posted(name, event, *means, reason=reason)


_PICTURE = "https://media.example.com/cat.png"


def _pictures(*urls: str | None) -> list[dict[str, Any]]:
    more = {"content_type": "image/png", "status": "Uploaded", "code": 0}
    return [{"url": url, **more} for url in urls]


_WITH_PICTURE = {"message": "Look", "media": _pictures(_PICTURE, None)}
_LINE = {"code": 257, "count": 1, "recipients": ["12125550142"], "status": "Failed"}

_POSTED = (
    _posted("a text", inbound(), _text()),
    _posted("a text with pluses", inbound(**{"from": PERSON, "to": OURS}), _text()),
    _posted("to a short code", inbound(to="12345"), _text(sender="12345")),
    _posted("without a time", _without(inbound(), "received_at"), _text(sent_at=None)),
    _posted("empty", inbound(""), _text("")),
    _posted("without words", _without(inbound(), "body"), _text("")),
    _posted("with a NUL", inbound("STOP\0"), _text("STOP\ufffd")),
    _posted("of a kind that is new", inbound(type="mo_rich"), _text()),
    _posted("a picture", inbound(_WITH_PICTURE, type="mo_media"), _text("Look", media=(_PICTURE,))),
    _posted("a subject", inbound({"subject": "STOP"}, type="mo_media"), _text()),
    _posted("two words", inbound({"subject": "A", "message": "B"}, type="mo_media"), _text("A\nB")),
    _binary("bytes that are words", b64encode(b"STOP").decode(), _text("STOP…")),
    _binary("bytes that are none", b64encode(b"\0\1").decode()),
    _binary("no bytes", "!", reason="body: must be base64"),
    _binary("no bytes at all", "é", reason="body: must be base64"),
    _status("Queued", MessageStatus.SENDING, 400),
    _status("Dispatched", MessageStatus.SENT, 401),
    _status("Unknown", MessageStatus.SENT),
    _status("Delivered", MessageStatus.DELIVERED),
    _status("DELIVERED", MessageStatus.DELIVERED),
    _status("Cancelled", MessageStatus.CANCELED, 407),
    _status("Aborted", MessageStatus.FAILED, 403),
    _status("Rejected", MessageStatus.FAILED, 408),
    _status("Deleted", MessageStatus.UNDELIVERED, 321),
    _status("Failed", MessageStatus.UNDELIVERED, 404),
    _status("Expired", MessageStatus.UNDELIVERED, 406),
    _status("Failed", MessageStatus.UNDELIVERED, 257, opted_out=True),
    _status("Failed", MessageStatus.UNDELIVERED, 999),
    _posted(
        "of a picture",
        report("Delivered", type="recipient_delivery_report_mms"),
        _told(MessageStatus.DELIVERED),
    ),
    _posted(
        "named by the address alone",
        _without(report("Delivered"), "client_reference"),
        _told(MessageStatus.DELIVERED),
    ),
    Posted(
        "named by the originator alone",
        json_body(report("Delivered")),
        (_told(MessageStatus.DELIVERED),),
    ),
    Posted("of nobody's number", json_body(_without(report("Delivered"), "applied_originator"))),
    _posted(
        "of a batch", batch_report(_LINE), _told(MessageStatus.UNDELIVERED, "257", opted_out=True)
    ),
    _posted("a summary, which names nobody", batch_report(_without(_LINE, "recipients"))),
    _posted("a batch of nothing", batch_report(type="delivery_report_mms")),
    _posted("of another kind", {"type": "number_order"}),
    _posted("without a kind", {}, reason="type: is missing"),
    _posted("no object", [], reason="body: Expected `object`"),
    Posted("half of it", b'{"type": "mo_text"', reason="body: Input data was truncated"),
    _posted("without an id", _without(inbound(), "id"), reason="id: is missing"),
    _posted("with an empty id", inbound(id=""), reason="id: is empty"),
    _posted("without a person", _without(inbound(), "from"), reason="from: is missing"),
    _posted("from a name", inbound(**{"from": "Acme"}), reason="from: "),
    _posted("without a sender", _without(inbound(), "to"), reason="to: is missing"),
    _posted("words that are none", inbound(7), reason="body: Expected "),
    _posted("media that are none", inbound({"media": [7]}), reason="body.media[0]: Expected "),
    _posted("a status that is new", report("Lost"), reason="status: 'Lost' is not"),
    _posted(
        "a report without an id", _without(report("Failed"), "batch_id"), reason="batch_id: is"
    ),
    _posted("a report of nobody", report("Failed", recipient=""), reason="recipient: "),
)

TEXT = OutboundText("msg_1", PERSON, OURS, "Hello")
REQUEST = {
    "type": "mt_text",
    "from": OURS,
    "to": [PERSON],
    "body": "Hello",
    "delivery_report": "per_recipient",
    "callback_url": f"https://texts.example.com/carriers/si/status{QUERY}",
    "client_reference": "msg_1",
}


def _sent(name: str, status: int, answer: Any, means: Submission, **more: Any) -> Sent:
    return Sent(name, TEXT, status, json_body(answer), means, **more)


def _refused(
    code: str, text: str, *, permanent: bool, seconds: float | None = None
) -> CarrierRefusal:
    return CarrierRefusal(permanent, False, code, f"Sinch refused it ({code}): {text}", seconds)


_TAKEN = {"id": ID, "canceled": False, "created_at": "2026-05-01T12:00:00.000Z", **REQUEST}

_SENT = (
    _sent(
        "taken",
        201,
        _TAKEN,
        Accepted(ID, MessageStatus.SENDING),
        path="/xms/v1/0123456789abcdef0123456789abcdef/batches",
        body_json=REQUEST,
        headers={"authorization": "Bearer api-token", "content-type": "application/json"},
    ),
    Sent(
        "with a picture",
        msgspec.structs.replace(TEXT, media=(_PICTURE,)),
        201,
        json_body(_TAKEN),
        Accepted(ID, MessageStatus.SENDING),
        body_json={**REQUEST, "type": "mt_media", "body": {"url": _PICTURE, "message": "Hello"}},
    ),
    Sent(
        "a picture alone",
        msgspec.structs.replace(TEXT, body="", media=(_PICTURE,)),
        201,
        json_body(_TAKEN),
        Accepted(ID, MessageStatus.SENDING),
        body_json={**REQUEST, "type": "mt_media", "body": {"url": _PICTURE}},
    ),
    _sent(
        "not valid",
        400,
        {"code": "syntax_invalid_parameter_format", "text": "The format of to is wrong"},
        _refused("syntax_invalid_parameter_format", "The format of to is wrong", permanent=True),
    ),
    _sent(
        "a code that is new",
        403,
        {"code": "brand_new", "text": None},
        _refused("brand_new", "no reason is given", permanent=False),
    ),
    Sent(
        "a wrong token",
        TEXT,
        401,
        b"",
        _refused(
            "http_401",
            "the token does not fit the plan and the region, or has expired",
            permanent=False,
        ),
    ),
    Sent(
        "too fast",
        TEXT,
        429,
        b"",
        _refused("http_429", "no reason is given", permanent=False, seconds=5.0),
        answer_headers={"retry_after": "5"},
    ),
    Sent(
        "not there now",
        TEXT,
        503,
        b"<html>",
        _refused("http_503", "no reason is given", permanent=False),
    ),
    Sent("broke", TEXT, 500, b"", Unanswered("Sinch refused it (http_500): no reason is given")),
    Sent(
        "taken, it seems",
        TEXT,
        201,
        b"{}",
        Unanswered("The answer, HTTP 201, does not say whether it was taken."),
    ),
)

TABLE = CarrierTable(
    kind=SINCH,
    account=ACCOUNT,
    sign=sign,
    forge=_forge,
    posted=_POSTED,
    sent=_SENT,
)
