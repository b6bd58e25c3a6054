"""Telnyx: recorded events, signed by the library that its own uses, and sent texts.

Both addresses have the same reader (`test_telnyx.py`), so all are posted to one.
"""

from base64 import b64encode
from typing import Any

import msgspec
from carrier_table import NOW, CarrierTable, Posted, Sent, json_body
from nacl.signing import SigningKey

from consentry.carriers.telnyx.inbound import STATUSES, TelnyxWebhooks
from consentry.carriers.telnyx.settings import TELNYX
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

PROFILE = "740572b6-099c-44a1-89b9-6c92163bc68d"
KEY = SigningKey(b"a fictitious key of thirty-two b")
ACCOUNT = CarrierAccount(
    id="tx",
    kind="telnyx",
    account=PROFILE,
    secret=b64encode(bytes(KEY.verify_key)).decode(),
    key_secret="KEY0123",
    base_url="http://127.0.0.1:1",
)
ID = "84cca175-9755-4859-b67f-4730d7f58aa3"
PERSON = "+12125550142"
OURS = "+14155550100"
TEXT = OutboundText("msg_1", PERSON, OURS, "Hello")


def sign_by(
    key: SigningKey, request: WebhookRequest, timestamp: str | None = None
) -> WebhookRequest:
    """Sign as Telnyx does, at the time of the request unless told."""
    at = timestamp or str(int(request.received_at.timestamp()))
    signature = b64encode(key.sign(f"{at}|".encode() + request.body).signature).decode()
    signed = {"telnyx-signature-ed25519": signature, "telnyx-timestamp": at}
    return msgspec.structs.replace(request, headers={**request.headers, **signed})


def _sign(request: WebhookRequest) -> WebhookRequest:
    return sign_by(KEY, request)


def _forge(request: WebhookRequest) -> WebhookRequest:
    return sign_by(SigningKey(b"another fictitious key of 32 byt"), request)


class _Trusting(TelnyxWebhooks):
    """Believes every signature: to check one takes ten times as long as to read what it signs."""

    def _verify(self, request: WebhookRequest) -> None:
        assert request.headers


def event(event_type: str, **payload: Any) -> dict[str, Any]:
    """Write an event; `payload` are fields of the message."""
    return {
        "data": {
            "event_type": event_type,
            "id": "b301ed3f-1490-491f-995f-6e64e69674d4",
            "occurred_at": "2026-05-01T11:59:59.588+00:00",
            "payload": payload,
            "record_type": "event",
        },
        "meta": {"attempt": 1, "delivered_to": "https://texts.example.com/carriers/tx/inbound"},
    }


def inbound(text: str | None = "STOP", **changed: Any) -> dict[str, Any]:
    """Write the event of a text that came in."""
    payload = {
        "cc": [],
        "completed_at": None,
        "cost": {"amount": "0.0000", "currency": "USD"},
        "direction": "inbound",
        "encoding": "GSM-7",
        "errors": [],
        "from": {"carrier": "T-Mobile USA", "line_type": "Wireless", "phone_number": PERSON},
        "id": ID,
        "media": [],
        "messaging_profile_id": PROFILE,
        "organization_id": "47a530f8-4362-4526-829b-bcee17fd9f7a",
        "parts": 1,
        "received_at": "2026-05-01T11:59:58.503+00:00",
        "record_type": "message",
        "sent_at": None,
        "subject": "",
        "tags": [],
        "text": text,
        "to": [{"carrier": "Telnyx", "phone_number": OURS, "status": "webhook_delivered"}],
        "type": "SMS",
        "valid_until": None,
        "webhook_failover_url": None,
        "webhook_url": "https://texts.example.com/carriers/tx/inbound",
    }
    return event("message.received", **{**payload, **changed})


def report(status: str | None, *codes: str, kind: str = "message.finalized", **changed: Any) -> Any:
    """Write the event of a report, with errors of these codes."""
    payload = {
        "completed_at": "2026-05-01T11:59:59.148+00:00",
        "direction": "outbound",
        "errors": [{"code": code, "title": "No", "detail": f"No {PERSON}"} for code in codes],
        "from": {"carrier": "Telnyx", "line_type": "Wireless", "phone_number": OURS},
        "id": ID,
        "media": [],
        "messaging_profile_id": PROFILE,
        "record_type": "message",
        "text": "Hello",
        "to": [{"carrier": "T-MOBILE", "phone_number": PERSON, "status": status}],
        "type": "SMS",
    }
    return event(kind, **{**payload, **changed})


_AT = NOW.replace(hour=11, minute=59, second=58, microsecond=503000)
_OCCURRED = NOW.replace(hour=11, minute=59, second=59, microsecond=588000)


def _text(body: str = "STOP", **changed: Any) -> InboundText:
    return msgspec.structs.replace(InboundText(ID, PERSON, OURS, body, sent_at=_AT), **changed)


def _posted(name: str, value: Any, *means: CarrierEvent, reason: str = "") -> Posted:
    return Posted(name, json_body(value), means, reason)


def _told(status: MessageStatus, code: str | None = None, **changed: Any) -> StatusReport:
    told = StatusReport(ID, PERSON, OURS, status, code, message="msg_1")
    return msgspec.structs.replace(told, **changed)


def _reported(name: str, value: Any, means: StatusReport) -> Posted:
    query = "?message=msg_1&sender=%2B14155550100"
    return Posted(name, json_body(value), (means,), query=query)


_PICTURE = "https://media.telnyx.com/cat.png"
_WITHOUT_ID = inbound()
del _WITHOUT_ID["data"]["payload"]["id"]
_WITHOUT_TEXT = inbound()
del _WITHOUT_TEXT["data"]["payload"]["text"]

_POSTED = (
    _posted("a text", inbound(), _text()),
    _posted("a keyword", inbound(autoresponse_type="STOP"), _text(opt_out_type="STOP")),
    _posted(
        "a keyword of the profile's own",
        inbound("basta", autoresponse_type="stop"),
        _text("basta", opt_out_type="STOP"),
    ),
    _posted("no keyword", inbound("Hi", autoresponse_type=None), _text("Hi")),
    _posted(
        "a picture",
        inbound("", type="MMS", media=[{"url": _PICTURE, "content_type": "image/png", "size": 9}]),
        _text("", media=(_PICTURE,)),
    ),
    _posted("a picture without words", {**_WITHOUT_TEXT}, _text("")),
    _posted("to a short code", inbound(to=[{"phone_number": "12345"}]), _text(sender="12345")),
    _posted(
        "to two of ours",
        inbound(to=[{"phone_number": OURS}, {"phone_number": "+14155550101"}]),
        _text(),
    ),
    _posted("a NUL in it", inbound("STOP\0"), _text("STOP\ufffd")),
    _posted("of no profile", inbound(messaging_profile_id=None), _text()),
    _posted("without a time", inbound(received_at=None), _text(sent_at=_OCCURRED)),
    _posted("with a time that is none", inbound(received_at="soon"), _text(sent_at=_OCCURRED)),
    _posted(
        "a report at the same address",
        report("sent", kind="message.sent"),
        _told(MessageStatus.SENT, message=None),
    ),
    *(_reported(f"{status}", report(status), _told(means)) for status, means in STATUSES.items()),
    _reported(
        "blocked by a STOP",
        report("sending_failed", "40300"),
        _told(MessageStatus.FAILED, "40300", opted_out=True),
    ),
    _reported(
        "blocked by a STOP among others",
        report("delivery_failed", "40008", "40300"),
        _told(MessageStatus.UNDELIVERED, "40300", opted_out=True),
    ),
    _reported(
        "not routable",
        report("delivery_failed", "40001"),
        _told(MessageStatus.UNDELIVERED, "40001"),
    ),
    _reported(
        "a code that is new",
        report("sending_failed", "49999"),
        _told(MessageStatus.FAILED, "49999"),
    ),
    _reported(
        "delivered in spite of errors",
        report("delivered", "40300"),
        _told(MessageStatus.DELIVERED),
    ),
    _reported(
        "a code that is a number",
        report("sending_failed", errors=[{"code": 40300}]),
        _told(MessageStatus.FAILED, "40300", opted_out=True),
    ),
    _posted("of a type in small letters", inbound(type="sms"), _text()),
    _posted("of a kind that is new", event("message.translated", anything=[1])),
    _posted(
        "of a payload that is none",
        event("call.initiated") | {"data": {"event_type": "x", "payload": []}},
    ),
    _posted("between agents", inbound(type="RCS", to=[{"agent_id": "a"}], **{"from": {}})),
    _posted("no object", [], reason="body: Expected `object`"),
    Posted("no JSON", b'{"data', reason="body: Input data was truncated"),
    _posted("without an event", {}, reason="data: is missing"),
    _posted("without a kind", {"data": {"payload": {}}}, reason="data.event_type: is missing"),
    _posted("without an id", _WITHOUT_ID, reason="id: is missing"),
    _posted("with an empty id", inbound(id=""), reason="id: is empty"),
    _posted("a number that is a text", inbound(id=7), reason="id: Expected `str`"),
    _posted("from nobody", inbound(**{"from": {}}), reason="from.phone_number: "),
    _posted("from a name", inbound(**{"from": {"phone_number": "X"}}), reason="from.phone_number:"),
    _posted("to nobody", inbound(to=[]), reason="to: is empty"),
    _posted("of another profile", inbound(messaging_profile_id="x"), reason="messaging_profile_id"),
    _posted("of a status that is new", report("eaten"), reason="to.status: 'eaten' is not"),
    _posted("of no status", report(None), reason="to.status: None is not"),
)

REQUEST = {
    "from": OURS,
    "to": PERSON,
    "text": "Hello",
    "webhook_url": (
        "https://texts.example.com/carriers/tx/status?message=msg_1&sender=%2B14155550100"
    ),
}
_TAKEN = {
    "data": {
        "id": ID,
        "record_type": "message",
        "to": [{"phone_number": PERSON, "status": "queued"}],
        "errors": [],
    }
}


def _sent(name: str, status: int, answer: Any, means: Submission, **more: Any) -> Sent:
    return Sent(name, TEXT, status, json_body(answer), means, **more)


def _refused(code: str, status: int, *, permanent: bool, opted_out: bool = False) -> Sent:
    answer = {"errors": [{"code": code, "title": "No", "detail": f"Not to {PERSON}"}]}
    refusal = CarrierRefusal(permanent, opted_out, code, f"Telnyx refused it ({code}): No")
    return _sent(f"refused with {code}", status, answer, refusal)


_SENT = (
    _sent(
        "taken",
        200,
        _TAKEN,
        Accepted(ID, MessageStatus.SENDING),
        path="/v2/messages",
        body_json=REQUEST,
        headers={"authorization": "Bearer KEY0123", "content-type": "application/json"},
    ),
    _sent(
        "taken, and no more is said", 200, {"data": {"id": ID}}, Accepted(ID, MessageStatus.SENDING)
    ),
    Sent(
        "a picture alone",
        msgspec.structs.replace(TEXT, body="", media=(_PICTURE,)),
        200,
        json_body(_TAKEN),
        Accepted(ID, MessageStatus.SENDING),
        body_json={
            **{name: value for name, value in REQUEST.items() if name != "text"},
            "type": "MMS",
            "media_urls": [_PICTURE],
        },
    ),
    Sent(
        "from a name",
        msgspec.structs.replace(TEXT, sender="Acme"),
        200,
        json_body(_TAKEN),
        Accepted(ID, MessageStatus.SENDING),
        body_json={
            **REQUEST,
            "from": "Acme",
            "messaging_profile_id": PROFILE,
            "webhook_url": "https://texts.example.com/carriers/tx/status?message=msg_1&sender=Acme",
        },
    ),
    _refused("40300", 409, permanent=True, opted_out=True),
    _refused("40310", 400, permanent=True),
    _refused("10009", 401, permanent=True),
    _refused("40318", 400, permanent=False),
    _refused("49999", 400, permanent=False),
    _sent(
        "too fast",
        429,
        {"errors": [{"code": "10011", "title": "Too many requests"}]},
        CarrierRefusal(False, False, "10011", "Telnyx refused it (10011): Too many requests", 7.0),
        answer_headers={"retry_after": "7"},
    ),
    _sent(
        "without a title",
        400,
        {"errors": [{"code": 40310}]},
        CarrierRefusal(
            True, False, "40310", "Telnyx refused it (40310): the recipient is not a valid number"
        ),
    ),
    _sent(
        "without a reason",
        400,
        {"errors": []},
        CarrierRefusal(
            False, False, "http_400", "Telnyx refused it (http_400): HTTP 400 without a reason"
        ),
    ),
    Sent(
        "not there now",
        TEXT,
        503,
        b"<html>",
        CarrierRefusal(
            False, False, "http_503", "Telnyx refused it (http_503): HTTP 503 without a reason"
        ),
    ),
    _sent(
        "something unexpected",
        422,
        {"errors": [{"code": "10007", "title": "Unexpected error"}]},
        Unanswered("Telnyx refused it (10007): Unexpected error"),
    ),
    Sent(
        "too slow",
        TEXT,
        408,
        b"",
        Unanswered("Telnyx refused it (http_408): HTTP 408 without a reason"),
    ),
    Sent(
        "broke",
        TEXT,
        500,
        b"\xff",
        Unanswered("Telnyx refused it (http_500): HTTP 500 without a reason"),
    ),
    _sent(
        "taken, it seems",
        200,
        {},
        Unanswered("The answer, HTTP 200, does not say whether it was taken."),
    ),
    _sent(
        "taken, without an id",
        200,
        {"data": {"id": ""}},
        Unanswered("The answer, HTTP 200, does not say whether it was taken."),
    ),
)

TABLE = CarrierTable(
    kind=TELNYX,
    account=ACCOUNT,
    sign=_sign,
    forge=_forge,
    sign_fast=lambda request: request,
    trusting=_Trusting(ACCOUNT),
    posted=_POSTED,
    sent=_SENT,
)
