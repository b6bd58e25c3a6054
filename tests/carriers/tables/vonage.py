"""Vonage: webhooks as forms with a `sig` and as JSON with a token, and sent texts.

The payloads have the shape of Vonage's own examples. Forms are signed by its library; the tokens
are checked by it in `test_vonage.py`, which also has it write the request.
"""

import hashlib
import hmac
from base64 import b64encode
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl

import jwt
import msgspec
from carrier_table import FORM_TYPE, NOW, CarrierTable, Posted, Sent, form_body, json_body
from jwt.utils import base64url_encode
from vonage_http_client.auth import Auth

from consentry.carriers.vonage.settings import VONAGE
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
    id="von",
    kind="vonage",
    account="abcd1234",
    secret="a-fictitious-signature-secret-of-32",
    base_url="http://127.0.0.1:1",
    key_secret="api-secret",
    more={"signature_method": "sha256"},
)
ID = "0A0000000123ABCD1"
PERSON = "+12125550142"
OURS = "+14155550100"
AT = datetime(2026, 5, 1, 11, 59, 57, tzinfo=UTC)


def sign_form(request: WebhookRequest, secret: str = ACCOUNT.secret) -> WebhookRequest:
    """Add `sig` to a form, as Vonage's library computes it."""
    form = dict(parse_qsl(request.body.decode("utf-8", "replace"), keep_blank_values=True))
    auth = Auth(api_key="abcd1234", signature_secret=secret, signature_method="sha256")
    body = request.body + f"&sig={auth.sign_params(form)}".encode()
    return msgspec.structs.replace(request, body=body)


def sign_token(
    request: WebhookRequest, secret: str = ACCOUNT.secret, **changed: Any
) -> WebhookRequest:
    """Add a token to a request, as Vonage does; `changed` are claims."""
    claims = {
        "iat": int(NOW.timestamp()),
        "jti": "c5ba8f24-1a14-4c10-bfdf-3fbe8ce511b5",
        "iss": "Vonage",
        "payload_hash": hashlib.sha256(request.body).hexdigest(),
        "api_key": "abcd1234",
    }
    token = jwt.encode(claims | changed, secret, algorithm="HS256")
    headers = {**request.headers, "authorization": f"Bearer {token}"}
    return msgspec.structs.replace(request, headers=headers)


_HEAD = base64url_encode(b'{"alg":"HS256","typ":"JWT"}')
_KEY = hmac.new(ACCOUNT.secret.encode(), digestmod="sha256")


def _sign_fast(request: WebhookRequest) -> WebhookRequest:
    """Add such a token without what the library looks at besides."""
    hashed = hashlib.sha256(request.body).hexdigest()
    claims = b'{"iat":%d,"payload_hash":"%s"}' % (int(NOW.timestamp()), hashed.encode())
    signed = _HEAD + b"." + base64url_encode(claims)
    keyed = _KEY.copy()
    keyed.update(signed)
    token = (signed + b"." + base64url_encode(keyed.digest())).decode()
    headers = {**request.headers, "authorization": f"Bearer {token}"}
    return msgspec.structs.replace(request, headers=headers)


def _sign(request: WebhookRequest) -> WebhookRequest:
    is_form = request.headers["content-type"] == FORM_TYPE
    return sign_form(request) if is_form else sign_token(request)


def _forge(request: WebhookRequest) -> WebhookRequest:
    other = "another-fictitious-secret-of-32-or-so"
    is_form = request.headers["content-type"] == FORM_TYPE
    return sign_form(request, other) if is_form else sign_token(request, other)


def inbound(**changed: str | None) -> dict[str, str]:
    """Write the fields of a text that came in; a `None` takes one away. `_` stands for `-`."""
    fields: dict[str, str | None] = {
        "api-key": "abcd1234",
        "msisdn": "12125550142",
        "to": "14155550100",
        "messageId": ID,
        "text": "STOP",
        "type": "text",
        "keyword": "STOP",
        "message-timestamp": "2026-05-01 11:59:57",
        "timestamp": str(int(NOW.timestamp())),
        "nonce": "aaaaaaaa-bbbb-cccc-dddd-0123456789ab",
    }
    fields |= {name.replace("_", "-"): value for name, value in changed.items()}
    return {name: value for name, value in fields.items() if value is not None}


def receipt(**changed: str | None) -> dict[str, str]:
    """Write the fields of a receipt; a `None` takes one away. `_` stands for `-`."""
    fields: dict[str, str | None] = {
        "msisdn": "12125550142",
        "to": "14155550100",
        "network-code": "310260",
        "messageId": ID,
        "price": "0.00570000",
        "status": "delivered",
        "scts": "2605011159",
        "err-code": "0",
        "api-key": "abcd1234",
        "client-ref": "msg_1",
        "message-timestamp": "2026-05-01 11:59:59",
        "timestamp": str(int(NOW.timestamp())),
        "nonce": "ec11dd3e-1e7f-4db5-9467-82b02cd223b9",
    }
    fields |= {name.replace("_", "-"): value for name, value in changed.items()}
    return {name: value for name, value in fields.items() if value is not None}


def _text(body: str = "STOP", **changed: Any) -> InboundText:
    return msgspec.structs.replace(InboundText(ID, PERSON, OURS, body, sent_at=AT), **changed)


def _told(status: MessageStatus, code: str | None = None, **changed: Any) -> StatusReport:
    told = StatusReport(ID, PERSON, OURS, status, code, message="msg_1")
    return msgspec.structs.replace(told, **changed)


def _form(name: str, fields: dict[str, str], *means: CarrierEvent, reason: str = "") -> Posted:
    body = form_body(list(fields.items()))
    return Posted(name, body, means, reason, media_type=FORM_TYPE)


def _json(name: str, fields: Any, *means: CarrierEvent, reason: str = "") -> Posted:
    return Posted(f"{name} (JSON)", json_body(fields), means, reason)


def _part(part: int | None, body: str) -> Posted:
    """Write a part of three; not all networks number them."""
    number = None if part is None else str(part)
    fields = inbound(
        text="YES", concat="true", concat_ref="1", concat_total="3", concat_part=number
    )
    return _form(f"part {part} of three", fields, _text(body))


def _data(name: str, data: str, *means: CarrierEvent, reason: str = "") -> Posted:
    return _form(name, inbound(type="binary", text=None, data=data, udh="0"), *means, reason=reason)


def _status(told: str, status: MessageStatus) -> Posted:
    return _form(f"receipt: {told}", receipt(status=told), _told(status))


def _code(code: str, *, opted_out: bool = False) -> Posted:
    means = _told(MessageStatus.UNDELIVERED, code, opted_out=opted_out)
    return _form(f"failed with {code}", receipt(status="failed", err_code=code), means)


_POSTED = (
    _form("a text", inbound(), _text()),
    _form("with signs that the hash does not see", inbound(text="a&b=c"), _text("a&b=c")),
    _form("unicode", inbound(type="unicode", text="стоп 🛑"), _text("стоп 🛑")),
    _form("empty", inbound(text=""), _text("")),
    _form("to a short code", inbound(to="12345"), _text(sender="12345")),
    _form("of an older kind", inbound(api_key=None, keyword=None), _text()),
    _form("without a time", inbound(message_timestamp=None), _text(sent_at=None)),
    _part(1, "YES…"),
    _part(2, "…YES…"),
    _part(3, "…YES"),
    _part(None, "…YES…"),
    _form("a part that is all", inbound(text="YES", concat="true", concat_total="1"), _text("YES")),
    _form("no part", inbound(text="YES", concat="false"), _text("YES")),
    _data("bytes that are words", b"STOP".hex(), _text("STOP…")),
    _data("bytes of UTF-16", "стоп".encode("utf-16-be").hex(), _text("стоп…")),
    _data("bytes that are none", "00ff01"),
    _data("no bytes", "0g", reason="data: must be hex digits"),
    _status("delivered", MessageStatus.DELIVERED),
    _status("Delivered", MessageStatus.DELIVERED),
    _status("accepted", MessageStatus.SENT),
    _status("buffered", MessageStatus.SENT),
    _status("unknown", MessageStatus.SENT),
    _status("expired", MessageStatus.UNDELIVERED),
    _status("rejected", MessageStatus.FAILED),
    _code("9", opted_out=True),
    _code("4"),
    _code("98"),
    _form(
        "not sent from here", receipt(client_ref=None), _told(MessageStatus.DELIVERED, message=None)
    ),
    _form("from a name", receipt(to="AcmeInc"), _told(MessageStatus.DELIVERED, sender="AcmeInc")),
    _form("without a code", receipt(err_code=None), _told(MessageStatus.DELIVERED)),
    _form("of another account", inbound(api_key="other"), reason="api-key: is not the one"),
    _form("without words", inbound(text=None), reason="text: is missing"),
    _form("without a person", inbound(msisdn=None), reason="msisdn: is missing"),
    _form("from nobody", inbound(msisdn="Acme"), reason="msisdn: "),
    _form("without an id", inbound(messageId=None), reason="messageId: is missing"),
    _form("without a sender", inbound(to=None), reason="to: is missing"),
    _form(
        "a count that is none", inbound(concat="true", concat_total="x"), reason="concat-total: "
    ),
    _form("a status that is new", receipt(status="lost"), reason="status: 'lost' is not"),
    _form("a receipt of nobody", receipt(msisdn=None), reason="msisdn: is missing"),
    Posted(
        "a broken form",
        f"text=%zz&timestamp={int(NOW.timestamp())}".encode(),
        reason="text: has a %",
        media_type=FORM_TYPE,
    ),
    _json("a text", inbound(), _text()),
    _json("with a NUL", inbound(text="STOP\0"), _text("STOP\ufffd")),
    _json("with numbers", {**inbound(), "timestamp": 1, "concat": False}, _text()),
    _json("a receipt", receipt(), _told(MessageStatus.DELIVERED)),
    _json(
        "opted out",
        receipt(status="rejected", err_code="9"),
        _told(MessageStatus.FAILED, "9", opted_out=True),
    ),
    _json("no object", [inbound()], reason="body: Expected `object`"),
    _json("without an id", inbound(messageId=None), reason="messageId: is missing"),
    Posted("half of it (JSON)", b'{"text": "STOP"', reason="body: Input data was truncated"),
    Posted("no letter (JSON)", b'{"text": "\xff"}', reason="text: 'utf-8'"),
    Posted("no letter within (JSON)", b'{"a": {"b": "\xff"}}', reason="a: 'utf-8'"),
)

TEXT = OutboundText("msg_1", PERSON, OURS, "Hello")
FORM = [
    ("from", "14155550100"),
    ("to", "12125550142"),
    ("text", "Hello"),
    ("type", "text"),
    ("client-ref", "msg_1"),
    ("callback", "https://texts.example.com/carriers/von/status"),
]
_BASIC = f"Basic {b64encode(b'abcd1234:api-secret').decode()}"
_TAKEN = {"to": "12125550142", "message-id": ID, "status": "0", "remaining-balance": "3.1"}
_UNSAID = Unanswered("The answer, HTTP 200, does not say whether it was taken.")


def _sent(name: str, lines: Any, means: Submission, **more: Any) -> Sent:
    answer = json_body({"message-count": str(len(lines)), "messages": lines})
    return Sent(name, TEXT, 200, answer, means, **more)


def _refused(
    code: str, text: str, *, permanent: bool, seconds: float | None = None
) -> CarrierRefusal:
    return CarrierRefusal(permanent, False, code, f"Vonage refused it ({code}): {text}", seconds)


def _no(status: str, text: str, *, permanent: bool) -> Sent:
    line = {"status": status, "error-text": text}
    return _sent(
        f"status {status}", [line], _refused(f"status_{status}", text, permanent=permanent)
    )


_SENT = (
    _sent(
        "taken",
        [_TAKEN],
        Accepted(ID, MessageStatus.SENDING),
        path="/sms/json",
        form=FORM,
        headers={"authorization": _BASIC, "content-type": "application/x-www-form-urlencoded"},
    ),
    Sent(
        "taken in unicode",
        OutboundText("msg_2", PERSON, "Acme", "Привет"),
        200,
        json_body({"message-count": "1", "messages": [_TAKEN]}),
        Accepted(ID, MessageStatus.SENDING),
        form=[
            ("from", "Acme"),
            ("to", "12125550142"),
            ("text", "Привет"),
            ("type", "unicode"),
            ("client-ref", "msg_2"),
            FORM[-1],
        ],
    ),
    _sent(
        "taken in two parts",
        [_TAKEN, {**_TAKEN, "message-id": "0B"}],
        Accepted(ID, MessageStatus.SENDING),
    ),
    _sent(
        "taken but for one part",
        [{"status": "1", "error-text": "Throttled"}, {**_TAKEN, "message-id": "0B"}],
        Accepted("0B", MessageStatus.SENDING),
    ),
    _no("1", "Throttled", permanent=False),
    _no("2", "Missing to param", permanent=True),
    _no("7", "Number barred", permanent=True),
    _no("9", "No credit", permanent=False),
    _no("77", "Something new", permanent=False),
    _sent("an error inside", [{"status": "5", "error-text": "Internal Error"}], _UNSAID),
    _sent("taken without an id", [{"status": "0"}], _UNSAID),
    _sent("one part unsaid", [{"status": "1"}, {"status": "5"}], _UNSAID),
    _sent("no line at all", [], _UNSAID),
    Sent("not JSON", TEXT, 200, b"<html>", _UNSAID),
    Sent(
        "a wrong secret",
        TEXT,
        401,
        b"",
        _refused("http_401", "the API key and secret do not fit", permanent=True),
    ),
    Sent(
        "too fast",
        TEXT,
        429,
        b"",
        _refused("http_429", "no reason is given", permanent=False, seconds=3.0),
        answer_headers={"retry_after": "3"},
    ),
    Sent(
        "not there now", TEXT, 503, b"", _refused("http_503", "no reason is given", permanent=False)
    ),
    Sent("broke", TEXT, 502, b"", Unanswered("Vonage refused it (http_502): no reason is given")),
)

TABLE = CarrierTable(
    kind=VONAGE,
    account=ACCOUNT,
    sign=_sign,
    forge=_forge,
    posted=_POSTED,
    sent=_SENT,
    sign_fast=_sign_fast,
)
