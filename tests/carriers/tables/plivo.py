"""Plivo: recorded forms, signed by its own library, and sent texts."""

from typing import Any
from urllib.parse import parse_qs

import msgspec
from carrier_table import FORM_TYPE, CarrierTable, Posted, Sent, form_body, json_body
from plivo.utils.signature_v3 import construct_post_url, get_signature_v3

from consentry.carriers.plivo.inbound import STATUSES, PlivoWebhooks
from consentry.carriers.plivo.settings import PLIVO
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
    id="pv",
    kind="plivo",
    account="MA00000000000000FAKE",
    secret="fictitious-token",
    base_url="http://127.0.0.1:1",
)
ID = "db3ce55a-7f1d-11e1-8ea7-1231380bc196"
PERSON = "+12125550142"
OURS = "+14155550100"
NONCE = "12345678901234567890"
TEXT = OutboundText("msg_1", PERSON, OURS, "Hello")


def signature(request: WebhookRequest, token: str = ACCOUNT.secret) -> str:
    """Sign as Plivo's own library does."""
    text = request.body.decode("utf-8", "replace")
    try:
        form = parse_qs(text, keep_blank_values=True, max_num_fields=1000)
    except ValueError:
        form = {}
    address = construct_post_url(request.url, form).decode("utf-8")
    return get_signature_v3(token, address, NONCE).decode("ascii")


def sign_by(
    request: WebhookRequest, token: str, header: str = "x-plivo-signature-ma-v3"
) -> WebhookRequest:
    """Put a signature into a header."""
    signed = {header: signature(request, token), "x-plivo-signature-v3-nonce": NONCE}
    return msgspec.structs.replace(request, headers={**request.headers, **signed})


def _sign(request: WebhookRequest) -> WebhookRequest:
    return sign_by(request, ACCOUNT.secret)


class _Trusting(PlivoWebhooks):
    """Believes every signature of a form: to check them takes as long as to read them."""

    def _verify(self, request: WebhookRequest, pairs: tuple[tuple[str, str], ...]) -> None:
        assert request.headers
        del pairs


def _forge(request: WebhookRequest) -> WebhookRequest:
    return sign_by(request, "another")


def inbound(**changed: str | None) -> bytes:
    """Write the form of a text that came in; None leaves a field away."""
    fields = {
        "From": "12125550142",
        "MessageIntent": "",
        "MessageUUID": ID,
        "PowerpackUUID": "",
        "Text": "STOP",
        "To": "14155550100",
        "TotalAmount": "0",
        "TotalRate": "0",
        "Type": "sms",
        "Units": "1",
    }
    written = {**fields, **changed}
    return form_body([(name, value) for name, value in written.items() if value is not None])


def report(status: str, **changed: str | None) -> bytes:
    """Write the form of a report; None leaves a field away."""
    fields = {
        "DeliveryReportTime": "2026-05-01 12:00:00.000000",
        "ErrorCode": "",
        "From": "14155550100",
        "MCC": "310",
        "MNC": "260",
        "MessageTime": "2026-05-01 11:59:58.000000",
        "MessageUUID": ID,
        "ParentMessageUUID": ID,
        "PartInfo": "1 of 1",
        "Sequence": "3",
        "Status": status,
        "To": "12125550142",
        "Type": "sms",
        "Units": "1",
    }
    written = {**fields, **changed}
    return form_body([(name, value) for name, value in written.items() if value is not None])


def _posted(name: str, body: bytes, *means: CarrierEvent, reason: str = "") -> Posted:
    return Posted(name, body, means, reason, media_type=FORM_TYPE)


def _text(body: str = "STOP", **changed: Any) -> InboundText:
    return msgspec.structs.replace(InboundText(ID, PERSON, OURS, body), **changed)


def _told(status: MessageStatus, code: str | None = None, **changed: Any) -> StatusReport:
    told = StatusReport(ID, PERSON, OURS, status, code, message="msg_1")
    return msgspec.structs.replace(told, **changed)


def _reported(name: str, body: bytes, *means: StatusReport, reason: str = "") -> Posted:
    query = "?message=msg_1&sender=%2B14155550100"
    return Posted(name, body, means, reason, to="status", media_type=FORM_TYPE, query=query)


_PICTURES = {"Media0": "https://media.plivo.com/a.png", "Media1": "https://media.plivo.com/b.png"}

_POSTED = (
    _posted("a text", inbound(), _text()),
    _posted("a keyword", inbound(MessageIntent="optout"), _text(opt_out_type="optout")),
    _posted("a keyword in capitals", inbound(MessageIntent="OPTIN"), _text(opt_out_type="optin")),
    _posted("with plusses", inbound(From=PERSON, To=OURS), _text()),
    _posted("to a short code", inbound(To="12345"), _text(sender="12345")),
    _posted("of no type", inbound(Type=None), _text()),
    _posted("of a type in capitals", inbound(Type="SMS"), _text()),
    _posted(
        "words with a plus and more",
        inbound(Text="1+1=2 & ünïcode 🙂"),
        _text("1+1=2 & ünïcode 🙂"),
    ),
    _posted(
        "pictures",
        inbound(Text=None, Body="Look", Type="mms", MediaCount="2", **_PICTURES),
        _text("Look", media=tuple(_PICTURES.values())),
    ),
    _posted(
        "a picture without words",
        inbound(Text=None, Type="mms", MediaCount="1", Media1="https://media.plivo.com/a.png"),
        _text("", media=("https://media.plivo.com/a.png",)),
    ),
    _posted("a field twice", inbound() + b"&To=14155550199&Other=2&Other=1", _text()),
    _posted("between agents", inbound(Type="whatsapp")),
    *(_reported(f"{status}", report(status), _told(means)) for status, means in STATUSES.items()),
    _reported(
        "delivered, and says so",
        report("delivered", ErrorCode="000"),
        _told(MessageStatus.DELIVERED),
    ),
    _reported(
        "a part of a long text",
        report("sent", MessageUUID="another", PartInfo="2 of 2"),
        _told(MessageStatus.SENT),
    ),
    _reported("of no whole", report("sent", ParentMessageUUID=None), _told(MessageStatus.SENT)),
    _reported("of an agent's", report("read", Type="whatsapp")),
    _reported(
        "blocked by a STOP",
        report("failed", ErrorCode="200"),
        _told(MessageStatus.FAILED, "200", opted_out=True),
    ),
    _reported(
        "gone", report("undelivered", ErrorCode="70"), _told(MessageStatus.UNDELIVERED, "70")
    ),
    _reported(
        "a code that is new",
        report("failed", ErrorCode="2000"),
        _told(MessageStatus.FAILED, "2000"),
    ),
    Posted(
        "not sent from here",
        report("sent"),
        (_told(MessageStatus.SENT, message=None),),
        to="status",
        media_type=FORM_TYPE,
    ),
    _posted("without an id", inbound(MessageUUID=None), reason="MessageUUID: is missing"),
    _posted("with an empty id", inbound(MessageUUID=""), reason="MessageUUID: is empty"),
    _posted("from nobody", inbound(From=None), reason="From: is missing"),
    _posted("from a name", inbound(From="Anonymous"), reason="From: "),
    _posted("to nobody", inbound(To=None), reason="To: is missing"),
    _posted("a NUL in it", inbound(Text="STOP\0"), reason="Text: holds a NUL"),
    _posted("no form", b"%", reason="%: has a % that no two"),
    _posted("nothing", b"", reason="MessageUUID: is missing"),
    _reported("of no status", report("sent", Status=None), reason="Status: is missing"),
    _reported("of a status that is new", report("eaten"), reason="Status: 'eaten' is not"),
    _reported(
        "of no id",
        report("sent", MessageUUID=None, ParentMessageUUID=None),
        reason="MessageUUID: is missing",
    ),
    _reported("of nobody", report("sent", To=None), reason="To: is missing"),
    _reported("of no sender", report("sent", From=""), reason="From: is empty"),
)

REQUEST = {
    "src": OURS,
    "dst": PERSON,
    "text": "Hello",
    "type": "sms",
    "url": "https://texts.example.com/carriers/pv/status?message=msg_1&sender=%2B14155550100",
    "method": "POST",
}


def _sent(name: str, status: int, answer: Any, means: Submission, **more: Any) -> Sent:
    return Sent(name, TEXT, status, json_body(answer), means, **more)


def _refused(status: int, *, permanent: bool, **more: Any) -> Sent:
    code = f"http_{status}"
    refusal = CarrierRefusal(permanent, False, code, f"Plivo refused it ({code}): No")
    return _sent(f"refused with {status}", status, {"api_id": "1", "error": "No"}, refusal, **more)


_SENT = (
    _sent(
        "taken",
        202,
        {"message": "message(s) queued", "message_uuid": [ID], "api_id": "1"},
        Accepted(ID, MessageStatus.SENDING),
        path="/v1/Account/MA00000000000000FAKE/Message/",
        body_json=REQUEST,
        headers={
            "authorization": "Basic TUEwMDAwMDAwMDAwMDAwMEZBS0U6ZmljdGl0aW91cy10b2tlbg==",
            "content-type": "application/json",
        },
    ),
    _sent("taken, under one id", 202, {"message_uuid": ID}, Accepted(ID, MessageStatus.SENDING)),
    Sent(
        "a picture alone",
        msgspec.structs.replace(TEXT, body="", media=("https://m.example.com/a.png",)),
        202,
        json_body({"message_uuid": [ID]}),
        Accepted(ID, MessageStatus.SENDING),
        body_json={
            **{name: value for name, value in REQUEST.items() if name != "text"},
            "type": "mms",
            "media_urls": ["https://m.example.com/a.png"],
        },
    ),
    _sent(
        "no number",
        202,
        {"message": "message(s) queued", "message_uuid": [], "invalid_number": ["12125550142"]},
        CarrierRefusal(
            True,
            False,
            "invalid_number",
            "Plivo refused it (invalid_number): the recipient is not a valid number",
        ),
    ),
    _refused(400, permanent=True),
    _refused(401, permanent=True),
    _refused(418, permanent=False),
    _sent(
        "too fast",
        429,
        {"error": "Slower"},
        CarrierRefusal(False, False, "http_429", "Plivo refused it (http_429): Slower", 7.0),
        answer_headers={"retry_after": "7"},
    ),
    Sent(
        "not there now",
        TEXT,
        503,
        b"<html>",
        CarrierRefusal(
            False, False, "http_503", "Plivo refused it (http_503): HTTP 503 without a reason"
        ),
    ),
    Sent(
        "too slow",
        TEXT,
        408,
        b"",
        Unanswered("Plivo refused it (http_408): HTTP 408 without a reason"),
    ),
    Sent(
        "broke",
        TEXT,
        500,
        b"\xff",
        Unanswered("Plivo refused it (http_500): HTTP 500 without a reason"),
    ),
    Sent(
        "taken, it seems",
        TEXT,
        202,
        b"[]",
        Unanswered("The answer, HTTP 202, does not say whether it was taken."),
    ),
    _sent(
        "taken, without an id",
        202,
        {"message_uuid": [""]},
        Unanswered("The answer, HTTP 202, does not say whether it was taken."),
    ),
)

TABLE = CarrierTable(
    kind=PLIVO,
    account=ACCOUNT,
    sign=_sign,
    forge=_forge,
    sign_fast=lambda request: request,
    trusting=_Trusting(ACCOUNT),
    posted=_POSTED,
    sent=_SENT,
)
