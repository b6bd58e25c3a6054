"""SignalWire: webhooks as its Compatibility API posts them, signed by Twilio's library.

SignalWire's own library signs with Twilio's, of an old version that cannot be installed beside the
present one; test_signalwire.py has signatures that it was published with.
"""

import json
from base64 import b64encode
from urllib.parse import parse_qsl

import msgspec
from carrier_table import FORM_TYPE, CarrierTable, Posted, Sent, form_body
from twilio.request_validator import RequestValidator

from consentry.carriers.shared.twilio_like_webhooks import TwilioLikeWebhooks
from consentry.carriers.signalwire.inbound import DIALECT
from consentry.carriers.signalwire.settings import SIGNALWIRE
from consentry.domain.messages import MessageStatus
from consentry.ports import (
    Accepted,
    CarrierAccount,
    CarrierRefusal,
    InboundText,
    OutboundText,
    StatusReport,
    Unanswered,
    WebhookRequest,
)

PROJECT = "446e9986-0848-4d46-a617-48793c5f5e07"
ACCOUNT = CarrierAccount(
    id="main",
    kind="signalwire",
    account=PROJECT,
    secret="PSK_fictitious",
    base_url="http://127.0.0.1:1",
    key_secret="PT_fictitious",
)
SENDER, PERSON = "+14155550100", "+12125550142"
SID = "0a059168-ead0-41af-9d1f-343dae832527"


def _sign(request: WebhookRequest, key: str = ACCOUNT.secret) -> WebhookRequest:
    form = dict(parse_qsl(request.body.decode("utf-8", "replace"), keep_blank_values=True))
    signature = RequestValidator(key).compute_signature(request.url, form)
    return msgspec.structs.replace(
        request, headers={**request.headers, "x-signalwire-signature": signature}
    )


class _Trusting(TwilioLikeWebhooks):
    """Believes every signature of a form: to check them takes as long as to read them."""

    def _check_form(self, request: WebhookRequest, pairs: tuple[tuple[str, str], ...]) -> None:
        assert request.headers
        del pairs


def _forge(request: WebhookRequest) -> WebhookRequest:
    return _sign(request, "another")


def _inbound(**changes: str) -> bytes:
    fields = {
        "MessageSid": SID,
        "SmsSid": SID,
        "AccountSid": PROJECT,
        "From": PERSON,
        "To": SENDER,
        "Body": "Stop",
        "NumMedia": "0",
        "NumSegments": "1",
    }
    return form_body([(name, value) for name, value in (fields | changes).items() if value])


def _report(status: str, **changes: str) -> bytes:
    fields = {
        "MessageSid": SID,
        "MessageStatus": status,
        "AccountSid": PROJECT,
        "From": SENDER,
        "To": PERSON,
        "Body": "Hello",
        "NumSegments": "1",
    }
    return form_body([(name, value) for name, value in (fields | changes).items() if value])


def _reported(name: str, status: MessageStatus, body: bytes, code: str | None = None) -> Posted:
    return Posted(
        name,
        body,
        events=(
            StatusReport(
                SID,
                PERSON,
                SENDER,
                status,
                error_code=code,
                opted_out=code == "21610",
                message="msg_1",
            ),
        ),
        to="status",
        media_type=FORM_TYPE,
        query="?message=msg_1&sender=%2B14155550100",
    )


_PICTURE = "https://files.example.com/a.jpg"
_POSTED = (
    Posted(
        "STOP",
        _inbound(),
        events=(InboundText(SID, PERSON, SENDER, "Stop"),),
        media_type=FORM_TYPE,
    ),
    Posted(
        "a picture",
        _inbound(Body="", NumMedia="1", MediaUrl0=_PICTURE, MediaContentType0="image/jpeg"),
        events=(
            InboundText(SID, PERSON, SENDER, "", media=(_PICTURE,), media_types=("image/jpeg",)),
        ),
        media_type=FORM_TYPE,
    ),
    Posted(
        "nobody wrote it",
        _inbound(From=""),
        reason="From:",
        media_type=FORM_TYPE,
    ),
    Posted(
        "another project",
        _inbound(AccountSid="other"),
        reason="AccountSid: is not the one of carrier account main",
        media_type=FORM_TYPE,
    ),
    _reported("queued", MessageStatus.SENDING, _report("queued")),
    _reported("sending", MessageStatus.SENDING, _report("sending")),
    _reported("sent", MessageStatus.SENT, _report("sent")),
    _reported("delivered", MessageStatus.DELIVERED, _report("delivered")),
    _reported(
        "undelivered", MessageStatus.UNDELIVERED, _report("undelivered", ErrorCode="30005"), "30005"
    ),
    _reported(
        "blocked or opted out",
        MessageStatus.UNDELIVERED,
        _report("undelivered", ErrorCode="30004"),
        "30004",
    ),
    _reported("opted out", MessageStatus.FAILED, _report("failed", ErrorCode="21610"), "21610"),
    Posted(
        "a status that there is not",
        _report("lost"),
        reason="MessageStatus: must be one of",
        to="status",
        media_type=FORM_TYPE,
    ),
    Posted(
        "an inbound text at the wrong address",
        _report("received"),
        reason="MessageStatus: a text that came in",
        to="status",
        media_type=FORM_TYPE,
    ),
)

_TEXT = OutboundText(
    "msg_1", PERSON, SENDER, "Hello \U0001f44b", media=("https://media.example.com/a",)
)
_FORM = [
    ("To", PERSON),
    ("From", SENDER),
    ("Body", "Hello \U0001f44b"),
    (
        "StatusCallback",
        "https://texts.example.com/carriers/main/status?message=msg_1&sender=%2B14155550100",
    ),
    ("MediaUrl", "https://media.example.com/a"),
]


def _refused(code: str | int, *, permanent: bool, opted_out: bool = False) -> Sent:
    return Sent(
        f"refused with {code!r}",
        _TEXT,
        400,
        json.dumps({"code": code, "message": "No", "status": 400}).encode(),
        CarrierRefusal(permanent, opted_out, str(code), f"SignalWire refused it ({code}): No"),
    )


TABLE = CarrierTable(
    kind=SIGNALWIRE,
    account=ACCOUNT,
    sign=_sign,
    forge=_forge,
    sign_fast=lambda request: request,
    trusting=_Trusting(ACCOUNT, DIALECT),
    posted=_POSTED,
    sent=(
        Sent(
            "taken",
            _TEXT,
            201,
            json.dumps({"sid": SID, "status": "queued", "num_segments": 1, "price": 0.1}).encode(),
            Accepted(SID, MessageStatus.SENDING),
            path=f"/api/laml/2010-04-01/Accounts/{PROJECT}/Messages.json",
            form=_FORM,
            headers={
                "authorization": f"Basic {b64encode(f'{PROJECT}:PT_fictitious'.encode()).decode()}"
            },
        ),
        _refused("21610", permanent=True, opted_out=True),
        _refused(21610, permanent=True, opted_out=True),
        _refused("30004", permanent=True),
        _refused("21611", permanent=False),
        _refused("99999", permanent=False),
        Sent(
            "too many at once",
            _TEXT,
            429,
            b"",
            CarrierRefusal(
                permanent=False,
                opted_out=False,
                code="http_429",
                text="SignalWire refused it (http_429): HTTP 429 without a reason",
                retry_after_seconds=3.0,
            ),
            answer_headers={"retry_after": "3"},
        ),
        Sent(
            "something broke there",
            _TEXT,
            502,
            b"<html>",
            Unanswered("SignalWire refused it (http_502): HTTP 502 without a reason"),
        ),
    ),
)
