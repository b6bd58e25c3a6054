"""Twilio's webhooks against recorded payloads; its own validator makes the signatures."""

import hashlib
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote_plus

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from twilio.request_validator import HMAC_SHA256, RequestValidator

from consentry.carriers.shared.twilio_like import STATUSES
from consentry.carriers.twilio.settings import build_twilio
from consentry.domain.messages import MessageStatus
from consentry.ports import (
    CarrierAccount,
    Forged,
    InboundText,
    Malformed,
    StatusReport,
    WebhookRequest,
)
from consentry.wire.twilio_form import MessageStatus as TwilioStatus

pytestmark = pytest.mark.unit

TOKEN = "fictitious-token"
ACCOUNT = CarrierAccount(
    id="twilio",
    kind="twilio",
    account="AC0123456789abcdef0123456789abcdef",
    secret=TOKEN,
    base_url="http://127.0.0.1:1",
)
BASE = "https://texts.example.com"
INBOUND = f"{BASE}/carriers/twilio/inbound"
STATUS = f"{BASE}/carriers/twilio/status"
FORM_TYPE = "application/x-www-form-urlencoded; charset=utf-8"
PAYLOADS = json.loads(Path(__file__).with_name("twilio_payloads.json").read_text(encoding="utf-8"))
CARRIER = build_twilio(ACCOUNT, BASE)

Pairs = list[tuple[str, str]]


def rows(table: str) -> list[Any]:
    """Give one table as parameters, each with its name."""
    return [pytest.param(row, id=row["name"]) for row in PAYLOADS[table]]


def posted(url: str, headers: dict[str, str], body: bytes) -> WebhookRequest:
    """Make a request as it comes."""
    return WebhookRequest(url, headers, body, received_at=datetime(2026, 5, 1, tzinfo=UTC))


def signed(url: str, pairs: Pairs, *, token: str = TOKEN, **headers: str) -> WebhookRequest:
    """Make the request that Twilio would, signed by its own library."""
    signature = RequestValidator(token).compute_signature(url, dict(pairs))
    body = "&".join(f"{quote_plus(name)}={quote_plus(value)}" for name, value in pairs)
    return posted(
        url, {"content-type": FORM_TYPE, "x-twilio-signature": signature, **headers}, body.encode()
    )


@pytest.mark.parametrize("row", rows("inbound"))
def test_a_text_is_read(row: dict[str, Any]) -> None:
    """Each recorded inbound webhook gives exactly these values."""
    assert CARRIER.read_inbound(signed(INBOUND, row["form"])) == (
        msgspec.convert(row["expected"], InboundText),
    )


@pytest.mark.parametrize("row", rows("status"))
def test_a_report_is_read(row: dict[str, Any]) -> None:
    """Each recorded status callback gives exactly these values."""
    request = signed(STATUS + row["query"], row["form"])
    assert CARRIER.read_status(request) == (msgspec.convert(row["expected"], StatusReport),)


@pytest.mark.parametrize("row", rows("inbound_malformed"))
def test_a_text_that_cannot_be_read_says_why(row: dict[str, Any]) -> None:
    """A signed webhook that cannot be read is malformed, and the reason names the field."""
    with pytest.raises(Malformed) as told:
        CARRIER.read_inbound(signed(INBOUND, row["form"]))
    assert str(told.value).startswith(row["reason"])


@pytest.mark.parametrize("row", rows("status_malformed"))
def test_a_report_that_cannot_be_read_says_why(row: dict[str, Any]) -> None:
    """A signed callback that cannot be read is malformed, and the reason names the field."""
    with pytest.raises(Malformed) as told:
        CARRIER.read_status(signed(STATUS, row["form"]))
    assert str(told.value).startswith(row["reason"])


@pytest.mark.parametrize("row", [*rows("inbound"), *rows("inbound_malformed")])
def test_the_signature_comes_first(row: dict[str, Any]) -> None:
    """Signed with another token it is forged, whether it could be read or not."""
    with pytest.raises(Forged):
        CARRIER.read_inbound(signed(INBOUND, row["form"], token="another"))


FIRST: Pairs = [tuple(pair) for pair in PAYLOADS["inbound"][0]["form"]]


def with_header(request: WebhookRequest, name: str, value: str) -> WebhookRequest:
    """Change one header."""
    return msgspec.structs.replace(request, headers={**request.headers, name.lower(): value})


@pytest.mark.parametrize(
    "request_",
    [
        msgspec.structs.replace(signed(INBOUND, FIRST), url=INBOUND + "?a=b"),
        msgspec.structs.replace(signed(INBOUND, FIRST), url=STATUS),
        msgspec.structs.replace(signed(INBOUND, FIRST), body=b"Body=STOP"),
        msgspec.structs.replace(signed(INBOUND, FIRST), headers={}),
        with_header(signed(INBOUND, FIRST), "X-Twilio-Signature", ""),
        with_header(signed(INBOUND, FIRST), "X-Twilio-Signature", "\udcff"),
        with_header(signed(INBOUND, FIRST), "Content-Type", "application/json"),
        with_header(
            signed(INBOUND, FIRST),
            "X-Twilio-Webhooks-Signature-Settings",
            "key=webhooks_1,algorithm=ROT13",
        ),
    ],
)
def test_what_is_not_signed_as_it_is_is_forged(request_: WebhookRequest) -> None:
    """Another address, another body, no signature, another way to read: nothing is believed."""
    with pytest.raises(Forged, match="carrier account twilio"):
        CARRIER.read_inbound(request_)


def test_the_message_of_a_report_is_believed_only_signed() -> None:
    """Our message id stands in the signed address; changing it breaks the signature."""
    row = PAYLOADS["status"][0]
    request = signed(STATUS + row["query"], row["form"])
    with pytest.raises(Forged):
        CARRIER.read_status(msgspec.structs.replace(request, url=f"{STATUS}?message=msg_999"))


def test_the_newer_signature_is_read() -> None:
    """HMAC-SHA256 counts where its header names it."""
    signature = RequestValidator(TOKEN).compute_signature(INBOUND, dict(FIRST), HMAC_SHA256)
    request = with_header(signed(INBOUND, FIRST), "X-Twilio-Signature", signature)
    with pytest.raises(Forged):
        CARRIER.read_inbound(request)
    named = with_header(
        request, "x-twilio-webhooks-signature-settings", "key=webhooks_1,algorithm=HMAC_SHA256"
    )
    assert CARRIER.read_inbound(named)[0].recipient == "+12125550142"


def test_the_idempotency_token_is_kept_in_any_spelling_of_the_header() -> None:
    """All attempts of one webhook carry the same token."""
    request = with_header(signed(INBOUND, FIRST), "i-twilio-idempotency-token", "t-1")
    assert CARRIER.read_inbound(request)[0].token == "t-1"
    assert CARRIER.read_inbound(signed(INBOUND, FIRST))[0].token is None


def signed_json(body: bytes) -> WebhookRequest:
    """Make a JSON webhook: the address carries the body's hash, the signature the address."""
    url = f"{INBOUND}?bodySHA256={hashlib.sha256(body).hexdigest()}"
    signature = RequestValidator(TOKEN).compute_signature(url, {})
    return posted(url, {"content-type": "application/json", "x-twilio-signature": signature}, body)


def test_a_json_webhook_is_read() -> None:
    """The same fields as JSON give the same text; null is as good as missing."""
    body = json.dumps({**dict(FIRST), "NumMedia": 0, "OptOutType": None}).encode()
    as_form = CARRIER.read_inbound(signed(INBOUND, FIRST))
    assert CARRIER.read_inbound(signed_json(body)) == as_form


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b'"STOP"',
        b"{",
        b'{"From": {"a": 1}}',
        b'{"From": "\\u0000"}',
        b'{"a": "\xff"}',
        b'{"a":' * 5000,
    ],
)
def test_a_json_webhook_that_is_no_object_of_texts_says_so(body: bytes) -> None:
    """Whatever JSON can hold and a form cannot is malformed, not a fault of ours."""
    with pytest.raises(Malformed):
        CARRIER.read_inbound(signed_json(body))


def test_a_json_body_that_was_changed_is_forged() -> None:
    """The hash in the signed address must be that of the body."""
    request = signed_json(json.dumps(dict(FIRST)).encode())
    with pytest.raises(Forged):
        CARRIER.read_inbound(msgspec.structs.replace(request, body=request.body + b" "))


def test_every_status_of_twilio_has_one_of_ours() -> None:
    """The table is total, and none of Twilio's statuses claims more than it says."""
    assert set(STATUSES) == set(TwilioStatus)
    waiting = {status for status, ours in STATUSES.items() if ours is MessageStatus.SENDING}
    assert waiting == {"accepted", "scheduled", "queued", "sending"}


@settings(max_examples=300, deadline=None)
@given(
    st.binary(max_size=200) | st.from_regex(rb"(Body|From|To)=[%+&=\x00-\xff]{0,40}"),
    st.dictionaries(st.sampled_from(["content-type", "x-twilio-signature"]), st.text(max_size=40)),
)
def test_no_bytes_are_more_than_forged(body: bytes, headers: dict[str, str]) -> None:
    """Unsigned bytes of any kind are refused in the one way, never with another error."""
    with pytest.raises(Forged):
        CARRIER.read_inbound(posted(INBOUND, headers, body))
    with pytest.raises(Forged):
        CARRIER.read_status(posted(STATUS, headers, body))


words = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)


@settings(max_examples=300, deadline=None)
@given(st.dictionaries(st.sampled_from([name for name, _ in FIRST]), words))
def test_a_signed_form_is_read_or_malformed(changed: dict[str, str]) -> None:
    """Whatever stands in the fields of a signed webhook, it is a text or a reason."""
    pairs = list({**dict(FIRST), **changed}.items())
    try:
        [text] = CARRIER.read_inbound(signed(INBOUND, pairs))
    except Malformed:
        return
    assert text.body == dict(pairs)["Body"]
    assert text.recipient.startswith("+")


def test_a_form_with_thousands_of_fields_is_not_read_leniently() -> None:
    """Work for an unsigned request is bounded."""
    with pytest.raises(Forged):
        CARRIER.read_inbound(posted(INBOUND, {}, b"a=1&" * 5000))
