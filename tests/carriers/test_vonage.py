"""Vonage: its hashes and tokens, judged by its own library, and what else its API tells."""

import hashlib
import hmac
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from io import BytesIO
from typing import Any
from urllib.parse import parse_qsl

import jwt
import msgspec
import pytest
import requests
from carrier_loopback import OPEN, Loopback, Reply, http, loopback
from carrier_table import FORM_TYPE, NOW, Posted, form_body, json_body
from jwt.utils import base64url_encode
from requests.adapters import BaseAdapter
from tables.vonage import ACCOUNT, FORM, TABLE, TEXT, inbound, sign_form, sign_token
from vonage_http_client.auth import Auth
from vonage_http_client.http_client import HttpClient
from vonage_jwt import verify_signature
from vonage_sms import Sms, SmsMessage

from consentry.carriers.vonage.settings import build_vonage
from consentry.carriers.vonage.signing import HMAC_METHODS, compute_signature
from consentry.domain.messages import REPEATED_FOR
from consentry.ports import (
    Carrier,
    CarrierAccount,
    CarrierRefusal,
    CarrierUnreachable,
    Forged,
    InboundText,
    NoList,
    WebhookRequest,
)

pytestmark = pytest.mark.integration

PAIRS = [("msisdn", "447700900001"), ("text", "a=b & c"), ("timestamp", "1777636800"), ("to", "1")]


def account(method: str | None) -> CarrierAccount:
    """Give the account with another method."""
    more = {} if method is None else {"signature_method": method}
    return msgspec.structs.replace(ACCOUNT, more=more)


def read(request: WebhookRequest, method: str | None = "sha256", **changed: Any) -> InboundText:
    """Read a webhook by an account with this method."""
    carrier = build_vonage(account(method), "https://texts.example.com")
    [text] = carrier.read_inbound(msgspec.structs.replace(request, **changed))
    assert isinstance(text, InboundText)
    return text


def posted(fields: dict[str, str], *, is_json: bool = False) -> WebhookRequest:
    """Write a webhook, not yet signed."""
    if is_json:
        return TABLE.request(Posted("", json_body(fields)))
    return TABLE.request(Posted("", form_body(list(fields.items())), media_type=FORM_TYPE))


def signed(fields: dict[str, str], method: str) -> dict[str, str]:
    """Add `sig` by a method."""
    sig = compute_signature(ACCOUNT.secret, method, fields.items())
    return {**fields, "sig": sig.upper()}


# --- The hash ----------------------------------------------------------------------------------


@pytest.mark.parametrize("method", HMAC_METHODS)
def test_our_hash_is_the_librarys(method: str) -> None:
    """Each of the four hashes with a key, over values with the signs that it does not see."""
    auth = Auth(api_key="abcd1234", signature_secret=ACCOUNT.secret, signature_method=method)
    assert compute_signature(ACCOUNT.secret, method, PAIRS) == auth.sign_params(dict(PAIRS))


def test_the_plain_hash_is_over_the_parameters_and_the_secret() -> None:
    """`md5hash`, the default, is MD5 over the text with the secret behind it."""
    text = "&msisdn=447700900001&text=a_b _ c&timestamp=1777636800&to=1secret"
    expected = hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()
    assert compute_signature("secret", "md5hash", PAIRS) == expected


@pytest.mark.parametrize("is_json", [True, False])
@pytest.mark.parametrize("method", ["md5hash", *HMAC_METHODS])
def test_a_hash_is_taken_by_the_accounts_method_alone(method: str, *, is_json: bool) -> None:
    """Upper case or lower, form or JSON; a hash by another method is none."""
    request = posted(signed(inbound(), method), is_json=is_json)
    assert read(request, method).body == "STOP"
    assert read(request, None if method == "md5hash" else method).body == "STOP"
    for other in {"md5hash", *HMAC_METHODS, "SHA3"} - {method}:
        with pytest.raises(Forged):
            read(request, other)


@pytest.mark.parametrize(
    ("written", "method"),
    [
        ("MD5 hash", "md5hash"),
        ("MD5HASH", "md5hash"),
        ("MD5 HMAC", "md5"),
        ("SHA1 HMAC", "sha1"),
        ("SHA-256 HMAC", "sha256"),
        ("HMAC-SHA512", "sha512"),
    ],
)
def test_a_method_may_be_written_as_the_dashboard_does(written: str, method: str) -> None:
    """Whoever copies it from there need not translate it."""
    assert read(posted(signed(inbound(), method)), written).body == "STOP"


def test_values_of_json_are_hashed_as_they_are_written() -> None:
    """A number keeps its digits, and true is `true`."""
    fields = {**inbound(), "price": "0.0330", "concat": "true", "concat-total": "1"}
    body = json_body(signed(fields, "sha256")).replace(b'"0.0330"', b"0.0330")
    body = body.replace(b'"true"', b"true")
    assert read(TABLE.request(Posted("", body))).body == "STOP"


def test_a_hash_does_not_fit_other_parameters() -> None:
    """A name may not hold the signs between parameters: two would become one."""
    fields = inbound(concat="true", concat_total="2", concat_part="1")
    merged = {**fields}
    del merged["concat"], merged["concat-part"], merged["concat-total"]
    part = "concat=true&concat-part=1&concat-total"
    merged = signed(merged | {part: "2"}, "sha256")
    assert merged["sig"] == signed(fields, "sha256")["sig"]
    with pytest.raises(Forged):
        read(posted(merged))


def test_a_hash_covers_every_parameter() -> None:
    """A text that was changed on the way is not theirs."""
    with pytest.raises(Forged):
        read(posted({**signed(inbound(), "sha256"), "text": "START"}))


@pytest.mark.parametrize("sign", [sign_form, sign_token])
@pytest.mark.parametrize("age", [REPEATED_FOR, -REPEATED_FOR])
def test_a_signature_is_good_as_long_as_vonage_repeats(sign: Any, age: timedelta) -> None:
    """A day and an hour, in both directions; not a second more."""
    request = sign(posted(inbound()))
    assert read(request, received_at=NOW + age).body == "STOP"
    with pytest.raises(Forged):
        read(request, received_at=NOW + age * (1 + 1e-4))


@pytest.mark.parametrize("timestamp", [None, "", "soon", "1.5", "-1", "9" * 40, "٣"])
def test_a_hash_without_a_time_is_not_taken(timestamp: str | None) -> None:
    """Nobody could say how old it is."""
    with pytest.raises(Forged):
        read(posted(signed(inbound(timestamp=timestamp), "sha256")))


# --- The token ---------------------------------------------------------------------------------


def test_our_tokens_are_what_the_library_takes() -> None:
    """The tokens of these tests are good ones, and it refuses the forged."""
    token = sign_token(posted(inbound())).headers["authorization"].removeprefix("Bearer ")
    assert verify_signature(token, ACCOUNT.secret)
    assert not verify_signature(token, "another-fictitious-secret-of-32-or-so")


def test_a_token_vouches_for_this_body_alone() -> None:
    """A form or JSON, whatever the method of the hash; another body under it is forged."""
    for is_json in (True, False):
        request = sign_token(posted(inbound(), is_json=is_json))
        assert read(request, "md5hash").body == "STOP"
        with pytest.raises(Forged):
            read(request, body=request.body.replace(b"STOP", b"START"))


@pytest.mark.parametrize(
    "changed",
    [
        {"secret": "another-fictitious-secret-of-32-or-so"},
        {"payload_hash": "0" * 64},
        {"payload_hash": None},
        {"api_key": "other"},
        {"iat": None},
        {"iat": "now"},
        {"exp": int(NOW.timestamp()) - 1},
    ],
    ids=str,
)
def test_a_token_that_does_not_fit_is_forged(changed: dict[str, Any]) -> None:
    """Secret, body, account and times must be right."""
    with pytest.raises(Forged):
        read(sign_token(posted(inbound()), **changed))


def test_what_a_token_may_leave_out_or_hold() -> None:
    """The account may be left out, and an end that is to come is none yet."""
    later = int(NOW.timestamp()) + 1
    assert read(sign_token(posted(inbound()), api_key=None, exp=later)).body == "STOP"


@pytest.mark.parametrize(
    "authorization",
    [
        "",
        "Bearer",
        "Bearer x",
        "Bearer ..",
        "Bearer a.b.c",
        "Bearer \u00e9.\u00e9.\u00e9",
        "Basic YWJjZDEyMzQ6cw==",
        f"Bearer {jwt.encode({}, ACCOUNT.secret, algorithm='HS256')}",
    ],
)
def test_what_is_no_token_is_forged(authorization: str) -> None:
    """Whatever the header holds, the answer is a clean no."""
    request = posted(inbound())
    with pytest.raises(Forged):
        read(request, headers={**request.headers, "authorization": authorization})


@pytest.mark.parametrize(
    ("head", "good"),
    [({"alg": "HS256"}, True), ({"alg": "none"}, False), ({"alg": "HS512"}, False), ({}, False)],
    ids=str,
)
def test_a_token_must_name_what_was_checked(head: dict[str, str], *, good: bool) -> None:
    """The same signature under the name of another algorithm is forged."""
    request = sign_token(posted(inbound()))
    claims = request.headers["authorization"].split(".")[1].encode()
    signed = base64url_encode(json_body(head)) + b"." + claims
    signature = hmac.digest(ACCOUNT.secret.encode(), signed, "sha256")
    token = (signed + b"." + base64url_encode(signature)).decode()
    changed = {**request.headers, "authorization": f"bearer {token}"}
    if good:
        assert read(request, headers=changed).body == "STOP"
        return
    with pytest.raises(Forged):
        read(request, headers=changed)


# --- Sending -----------------------------------------------------------------------------------


@asynccontextmanager
async def vonage(
    *replies: Reply, base: str = "https://t.example"
) -> AsyncIterator[tuple[Carrier, Loopback]]:
    """Build the carrier of an account whose API answers by a script."""
    async with loopback(replies) as server:
        carrier = build_vonage(msgspec.structs.replace(ACCOUNT, base_url=server.url), base)
        try:
            yield carrier, server
        finally:
            await carrier.close()


TAKEN = json_body({"message-count": "1", "messages": [{"status": "0", "message-id": "0A"}]})


async def test_a_long_address_for_receipts_is_left_out() -> None:
    """Vonage refuses more than 100 characters; then the one that is set there must do."""
    for length, given in ((100, True), (101, False)):
        base = f"https://{'x' * (length - len('https:///carriers/von/status'))}"
        async with vonage(http(200, TAKEN), base=base) as (carrier, server):
            await carrier.submit(TEXT, OPEN)
        assert (dict(server.seen[0].form).get("callback") is not None) is given


async def test_pictures_are_refused_without_a_request() -> None:
    """The SMS API has no field for them, and a text without its picture is another text."""
    async with vonage(http(200, TAKEN)) as (carrier, server):
        pictured = msgspec.structs.replace(TEXT, media=("https://m.example.com/a.png",))
        refusal = await carrier.submit(pictured, OPEN)
    assert isinstance(refusal, CarrierRefusal)
    assert (refusal.code, refusal.permanent, refusal.opted_out) == ("no_media", True, False)
    assert server.seen == []


async def test_there_is_no_list_to_look_in() -> None:
    """What became of a text without an answer, only a receipt can tell."""
    async with vonage(http(200)) as (carrier, server):
        with pytest.raises(NoList):
            await carrier.find(TEXT, since=NOW)
    assert server.seen == []


async def test_an_account_is_tried_by_its_balance() -> None:
    """The probe asks for the balance, with key and secret."""
    async with vonage(http(200, b'{"value": 3.14}')) as (carrier, server):
        await carrier.probe()
    assert server.seen[0].target == "/account/get-balance"
    assert server.seen[0].headers["authorization"].startswith("Basic ")
    async with vonage(http(401)) as (carrier, _):
        with pytest.raises(CarrierUnreachable, match="do not fit"):
            await carrier.probe()


class Recorder(BaseAdapter):
    """Takes what the library would send, and answers that it was taken."""

    def send(self, request: requests.PreparedRequest, **_settings: Any) -> requests.Response:
        """Keep the request."""
        self.request = request
        answer = requests.Response()
        answer.status_code, answer.raw, answer.url = 200, BytesIO(TAKEN), str(request.url)
        return answer

    def close(self) -> None:
        """Nothing is open."""


async def test_our_request_is_the_one_its_library_makes() -> None:
    """Path, authorization and fields are the same; its library speaks TLS only, so it is kept."""
    client = HttpClient(Auth(api_key=ACCOUNT.account, api_secret=ACCOUNT.key_secret))
    recorder = Recorder()
    # It gives no other way to where it sends.
    client._session.mount("https://rest.nexmo.com", recorder)  # noqa: SLF001
    fields = dict(FORM)
    Sms(client).send(
        SmsMessage(
            to=fields["to"],
            from_=fields["from"],
            text=fields["text"],
            type="text",
            client_ref=fields["client-ref"],
            callback=fields["callback"],
        )
    )
    its = recorder.request
    async with vonage(http(200, TAKEN), base="https://texts.example.com") as (carrier, server):
        await carrier.submit(TEXT, OPEN)
    [ours] = server.seen
    assert (ours.method, ours.target) == (its.method, its.path_url)
    assert ours.headers["authorization"] == its.headers["Authorization"]
    assert ours.headers["content-type"] == its.headers["Content-Type"]
    assert sorted(ours.form) == sorted(parse_qsl(str(its.body)))
