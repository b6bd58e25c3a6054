"""Twilio: recorded webhooks, signed by its own library, and sent texts."""

import json
from hashlib import sha256
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import msgspec
from carrier_table import FORM_TYPE, JSON_TYPE, CarrierTable, Posted, Sent, form_body, json_body
from twilio.request_validator import RequestValidator

from consentry.carriers.shared.twilio_like_webhooks import TwilioLikeWebhooks
from consentry.carriers.twilio.inbound import DIALECT
from consentry.carriers.twilio.settings import TWILIO
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

ACCOUNT = CarrierAccount(
    id="main",
    kind="twilio",
    account="AC0123456789abcdef0123456789abcdef",
    secret="fictitious-token",
    base_url="http://127.0.0.1:1",
)
_FILE = Path(__file__).parents[1] / "twilio_payloads.json"
_ROWS: dict[str, list[dict[str, Any]]] = json.loads(_FILE.read_text(encoding="utf-8"))


def _sign(request: WebhookRequest, token: str = ACCOUNT.secret) -> WebhookRequest:
    if request.headers["content-type"] == JSON_TYPE:
        return _sign_json(request, token)
    form = dict(parse_qsl(request.body.decode("utf-8", "replace"), keep_blank_values=True))
    signature = RequestValidator(token).compute_signature(request.url, form)
    return msgspec.structs.replace(
        request, headers={**request.headers, "x-twilio-signature": signature}
    )


def _sign_json(request: WebhookRequest, token: str) -> WebhookRequest:
    # The address carries the hash of the body, and the signature is over the address.
    url = f"{request.url}?bodySHA256={sha256(request.body).hexdigest()}"
    signature = RequestValidator(token).compute_signature(url, {})
    headers = {**request.headers, "x-twilio-signature": signature}
    return msgspec.structs.replace(request, url=url, headers=headers)


def _sign_fast(request: WebhookRequest) -> WebhookRequest:
    is_json = request.headers["content-type"] == JSON_TYPE
    return _sign_json(request, ACCOUNT.secret) if is_json else request


class _Trusting(TwilioLikeWebhooks):
    """Believes every signature of a form: to check them takes as long as to read them."""

    def _check_form(self, request: WebhookRequest, pairs: tuple[tuple[str, str], ...]) -> None:
        assert request.headers
        del pairs


def _forge(request: WebhookRequest) -> WebhookRequest:
    return _sign(request, "another")


def _read(row: dict[str, Any], to: str) -> Posted:
    kind = InboundText if to == "inbound" else StatusReport
    expected = row.get("expected")
    return Posted(
        name=row["name"],
        body=form_body([(name, value) for name, value in row["form"]]),
        events=() if expected is None else (msgspec.convert(expected, kind),),
        reason=row.get("reason", ""),
        to="inbound" if to == "inbound" else "status",
        media_type=FORM_TYPE,
        query=row.get("query", ""),
    )


_TEXT = OutboundText("msg_1", "+12125550142", "+14155550100", "Hello")
_CALLBACK = (
    "https://texts.example.com/carriers/main/status"
    "?message=msg_1&sender=%2B14155550100#rc=5&rp=ct,rt,5xx"
)
_FORM = [
    ("To", "+12125550142"),
    ("From", "+14155550100"),
    ("Body", "Hello"),
    ("StatusCallback", _CALLBACK),
]


def _refused(code: int, status: int, *, permanent: bool, opted_out: bool = False) -> Sent:
    refusal = CarrierRefusal(permanent, opted_out, str(code), f"Twilio refused it ({code}): No")
    return Sent(
        f"refused with {code}",
        _TEXT,
        status,
        json.dumps({"code": code, "message": "No", "status": status}).encode(),
        refusal,
    )


TABLE = CarrierTable(
    kind=TWILIO,
    account=ACCOUNT,
    sign=_sign,
    forge=_forge,
    sign_fast=_sign_fast,
    trusting=_Trusting(ACCOUNT, DIALECT),
    posted=(
        *(_read(row, "inbound") for row in _ROWS["inbound"] + _ROWS["inbound_malformed"]),
        *(_read(row, "status") for row in _ROWS["status"] + _ROWS["status_malformed"]),
        Posted(
            "a text as JSON",
            json_body(
                {
                    "MessageSid": "SM00000000000000000000000000000001",
                    "AccountSid": ACCOUNT.account,
                    "From": "+12125550142",
                    "To": "+14155550100",
                    "Body": "Hi 👋",
                    "NumMedia": 0,
                    "OptOutType": None,
                }
            ),
            (
                InboundText(
                    "SM00000000000000000000000000000001", "+12125550142", "+14155550100", "Hi 👋"
                ),
            ),
        ),
    ),
    sent=(
        Sent(
            "taken",
            _TEXT,
            201,
            b'{"sid": "SM1", "status": "queued"}',
            Accepted("SM1", MessageStatus.SENDING),
            path="/2010-04-01/Accounts/AC0123456789abcdef0123456789abcdef/Messages.json",
            form=_FORM,
        ),
        _refused(21610, 400, permanent=True, opted_out=True),
        _refused(20429, 429, permanent=False),
        _refused(39999, 400, permanent=False),
        Sent(
            "something broke there",
            _TEXT,
            500,
            b"",
            Unanswered("Twilio refused it (http_500): HTTP 500 without a reason"),
        ),
    ),
)
