"""Bandwidth: events in arrays, under Basic authorization, and sent texts.

The payloads have the shape of Bandwidth's own examples; `test_bandwidth.py` has its library read
them and write the request.
"""

from base64 import b64encode
from datetime import UTC, datetime
from typing import Any

import msgspec
from carrier_table import CarrierTable, Posted, Sent, json_body

from consentry.carriers.bandwidth.settings import BANDWIDTH
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
    id="bw",
    kind="bandwidth",
    account="9900000",
    secret="callback-password",
    base_url="http://127.0.0.1:1",
    key_id="api-user",
    key_secret="api-password",
    more={
        "application_id": "93de2206-9669-4e07-948d-329f4b722ee2",
        "callback_user": "consentry",
    },
)
ID = "1661365814859loidf7mcwd4qacn7"
PERSON = "+12125550142"
OURS = "+14155550100"


def _authorize(request: WebhookRequest, password: str) -> WebhookRequest:
    token = b64encode(f"consentry:{password}".encode()).decode()
    headers = {**request.headers, "authorization": f"Basic {token}"}
    return msgspec.structs.replace(request, headers=headers)


def _sign(request: WebhookRequest) -> WebhookRequest:
    return _authorize(request, ACCOUNT.secret)


def _forge(request: WebhookRequest) -> WebhookRequest:
    return _authorize(request, "another")


def inbound(body: str = "STOP", **changed: Any) -> dict[str, Any]:
    """Write the event of a text that came in; `changed` are fields of its message."""
    return {
        "type": "message-received",
        "time": "2026-05-01T11:59:59.123Z",
        "description": "Incoming message received",
        "to": OURS,
        "message": {
            "id": ID,
            "owner": OURS,
            "applicationId": ACCOUNT.more["application_id"],
            "time": "2026-05-01T11:59:58.966Z",
            "segmentCount": 1,
            "direction": "in",
            "to": [OURS],
            "from": PERSON,
            "text": body,
            **changed,
        },
    }


def report(kind: str, **changed: Any) -> dict[str, Any]:
    """Write the event of a report; `changed` are fields of the event."""
    return {
        "type": kind,
        "time": "2026-05-01T12:00:00Z",
        "description": "ok",
        "to": PERSON,
        "message": {
            "id": ID,
            "owner": OURS,
            "applicationId": ACCOUNT.more["application_id"],
            "time": "2026-05-01T11:59:58.966Z",
            "segmentCount": 1,
            "direction": "out",
            "to": [PERSON],
            "from": OURS,
            "text": "",
            "tag": "msg_1",
        },
        **changed,
    }


_AT = datetime(2026, 5, 1, 11, 59, 58, 966000, tzinfo=UTC)


def _text(body: str = "STOP", **changed: Any) -> InboundText:
    text = InboundText(ID, PERSON, OURS, body, sent_at=_AT)
    return msgspec.structs.replace(text, **changed)


def _told(status: MessageStatus, code: str | None = None, **changed: Any) -> StatusReport:
    told = StatusReport(ID, PERSON, OURS, status, code, message="msg_1")
    return msgspec.structs.replace(told, **changed)


def _posted(name: str, events: Any, *means: CarrierEvent, reason: str = "") -> Posted:
    return Posted(name, json_body(events), means, reason)


def _failed(code: int, status: MessageStatus, *, opted_out: bool = False) -> Posted:
    event = report("message-failed", errorCode=code, description="no")
    told = _told(status, str(code), opted_out=opted_out)
    return Posted(f"failed with {code}", json_body([event]), (told,), to="status")


_PICTURE = "https://messaging.bandwidth.com/api/v2/users/9900000/media/cat.png"
_WITHOUT_TAG = report("message-delivered")
del _WITHOUT_TAG["message"]["tag"]
_WITHOUT_ID = inbound()
del _WITHOUT_ID["message"]["id"]

_POSTED = (
    _posted("a text", [inbound()], _text()),
    _posted(
        "two texts", [inbound("Hi"), inbound(id="2")], _text("Hi"), _text(carrier_message_id="2")
    ),
    _posted("a picture", [inbound("", media=[_PICTURE])], _text("", media=(_PICTURE,))),
    _posted(
        "a picture without words",
        [inbound(text=None, media=[_PICTURE])],
        _text("", media=(_PICTURE,)),
    ),
    _posted("to a short code", [{**inbound(), "to": "12345"}], _text(sender="12345")),
    _posted("named by its owner alone", [{**inbound(), "to": None}], _text()),
    _posted("a NUL in it", [inbound("STOP\0")], _text("STOP\ufffd")),
    _posted("without a time", [inbound(time=None)], _text(sent_at=None)),
    _posted("with a time that is none", [inbound(time="soon")], _text(sent_at=None)),
    _posted(
        "a report at the same address", [report("message-sending")], _told(MessageStatus.SENDING)
    ),
    _posted("left Bandwidth", [report("message-sent")], _told(MessageStatus.SENT)),
    _posted("delivered", [report("message-delivered")], _told(MessageStatus.DELIVERED)),
    _posted("read", [report("message-read")], _told(MessageStatus.READ)),
    _posted("not sent from here", [_WITHOUT_TAG], _told(MessageStatus.DELIVERED, message=None)),
    _posted("failed without a code", [report("message-failed")], _told(MessageStatus.FAILED)),
    _failed(4775, MessageStatus.UNDELIVERED, opted_out=True),
    _failed(4772, MessageStatus.UNDELIVERED, opted_out=True),
    _failed(4482, MessageStatus.FAILED, opted_out=True),
    _failed(4470, MessageStatus.FAILED),
    _failed(5600, MessageStatus.UNDELIVERED),
    _failed(9999, MessageStatus.UNDELIVERED),
    _failed(9902, MessageStatus.SENT),
    _failed(4999, MessageStatus.FAILED),
    _posted("of a kind that is new", [{"type": "suggestion-response"}]),
    _posted("nothing", []),
    _posted(
        "a text beside what cannot be read",
        [{"type": "message-received"}, inbound()],
        _text(),
    ),
    _posted("a text beside what is no event", [{"type": "other", "to": 7}, inbound()], _text()),
    _posted("no array", inbound(), reason="body: Expected `array`"),
    Posted("no JSON", b"[{", reason="body: Input data was truncated"),
    _posted("without a type", [{}], reason="[0].type: is missing"),
    _posted(
        "without a message", [{"type": "message-received"}], reason="[0].message.id: is missing"
    ),
    _posted("without an id", [_WITHOUT_ID], reason="[0].message.id: is missing"),
    _posted("with an empty id", [inbound(id="")], reason="[0].message.id: is empty"),
    _posted("a number that is a text", [inbound(id=7)], reason="[0].message.id: Expected `str`"),
    _posted("from nobody", [inbound(**{"from": "Anonymous"})], reason="[0].message.from: "),
    _posted("to nobody", [{**inbound(owner=None), "to": None}], reason="[0].to: is empty"),
    _posted("a report of nobody", [report("message-sent", to=None)], reason="[0].to: "),
)

TEXT = OutboundText("msg_1", PERSON, OURS, "Hello")
REQUEST = {
    "applicationId": ACCOUNT.more["application_id"],
    "to": [PERSON],
    "from": OURS,
    "text": "Hello",
    "tag": "msg_1",
}
_BASIC = f"Basic {b64encode(b'api-user:api-password').decode()}"


def _sent(name: str, status: int, answer: Any, means: Submission, **more: Any) -> Sent:
    return Sent(name, TEXT, status, json_body(answer), means, **more)


def _refused(
    code: str, text: str, *, permanent: bool, seconds: float | None = None
) -> CarrierRefusal:
    return CarrierRefusal(permanent, False, code, f"Bandwidth refused it ({code}): {text}", seconds)


_SENT = (
    _sent(
        "taken",
        202,
        {"id": ID, "owner": OURS, "time": "2026-05-01T12:00:00Z", **REQUEST},
        Accepted(ID, MessageStatus.SENDING),
        path="/api/v2/users/9900000/messages",
        body_json=REQUEST,
        headers={"authorization": _BASIC, "content-type": "application/json; charset=utf-8"},
    ),
    Sent(
        "with pictures",
        msgspec.structs.replace(TEXT, media=("https://m.example.com/a.png",)),
        202,
        json_body({"id": ID}),
        Accepted(ID, MessageStatus.SENDING),
        body_json={**REQUEST, "media": ["https://m.example.com/a.png"]},
    ),
    _sent(
        "not valid",
        400,
        {
            "type": "request-validation",
            "description": "Your request could not be accepted.",
            "fieldErrors": [{"fieldName": "from", "description": "'+1 is not a number"}],
        },
        _refused(
            "request-validation",
            "Your request could not be accepted. from: '+1 is not a number",
            permanent=True,
        ),
    ),
    _sent(
        "a wrong password",
        401,
        {"type": "unauthorized", "description": "Authentication Failed"},
        _refused("unauthorized", "Authentication Failed", permanent=True),
    ),
    _sent(
        "no such account",
        404,
        {"timestamp": "2026-05-01T12:00:00Z", "status": 404, "error": "Not Found"},
        _refused("http_404", "there is no such account", permanent=True),
    ),
    _sent(
        "too fast",
        429,
        {"type": "max-message-queue-size-exceeded", "description": "Slower"},
        _refused("max-message-queue-size-exceeded", "Slower", permanent=False, seconds=7.0),
        answer_headers={"retry_after": "7"},
    ),
    _sent(
        "a code that is new",
        403,
        {"type": "brand-new", "description": "Hm"},
        _refused("brand-new", "Hm", permanent=False),
    ),
    Sent(
        "not there now",
        TEXT,
        503,
        b"<html>",
        _refused("http_503", "no reason is given", permanent=False),
    ),
    Sent(
        "broke",
        TEXT,
        500,
        b"\xff",
        Unanswered("Bandwidth refused it (http_500): no reason is given"),
    ),
    Sent(
        "taken, it seems",
        TEXT,
        202,
        b"{}",
        Unanswered("The answer, HTTP 202, does not say whether it was taken."),
    ),
)

TABLE = CarrierTable(
    kind=BANDWIDTH,
    account=ACCOUNT,
    sign=_sign,
    forge=_forge,
    posted=_POSTED,
    sent=_SENT,
)
