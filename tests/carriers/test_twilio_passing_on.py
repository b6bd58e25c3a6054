"""Requests handed on to Twilio: in the account's own name, once, and bounded."""

from collections.abc import AsyncIterator

import msgspec
import pytest
from carrier_loopback import Loopback, Misbehaviour, http, loopback

from consentry.carriers.shared.way_out import WayOut, basic_authorization
from consentry.carriers.twilio.passing_on import TwilioPassingOn
from consentry.ports import CarrierAccount, CarrierUnreachable, PassedAnswer, PassedRequest

pytestmark = pytest.mark.integration


@pytest.fixture
async def twilio() -> AsyncIterator[Loopback]:
    """What stands for Twilio."""
    async with loopback() as served:
        yield served


@pytest.fixture
async def passing_on() -> AsyncIterator[TwilioPassingOn]:
    """What hands on."""
    made = TwilioPassingOn(WayOut(total_seconds=2.0))
    yield made
    await made.close()


def account(twilio: Loopback) -> CarrierAccount:
    """An account whose Twilio is on loopback."""
    return CarrierAccount("main", "twilio", "AC1", "token", f"{twilio.url}/")


async def test_a_request_is_made_as_it_was(twilio: Loopback, passing_on: TwilioPassingOn) -> None:
    """Method, path, query and form arrive with the account's credentials; the answer comes back."""
    twilio.answer(http(201, b"<a/>", content_type="application/xml", location="/elsewhere"))
    request = PassedRequest("POST", "/Calls.json?a=b", b"To=%2B1&Url=https%3A%2F%2Fa")
    answer = await passing_on.pass_on(account(twilio), request)
    assert answer == PassedAnswer(201, b"<a/>", "application/xml", "/elsewhere")
    (seen,) = twilio.seen
    assert (seen.method, seen.target) == ("POST", "/2010-04-01/Accounts/AC1/Calls.json?a=b")
    assert seen.form == [("To", "+1"), ("Url", "https://a")]
    assert seen.headers["content-type"] == "application/x-www-form-urlencoded"
    assert seen.headers["authorization"] == basic_authorization("AC1", "token")


async def test_the_key_pair_goes_before_the_token(
    twilio: Loopback, passing_on: TwilioPassingOn
) -> None:
    """Where the account has an API key, that is what authenticates; there is no form in a GET."""
    twilio.answer(http(200))
    keyed = msgspec.structs.replace(account(twilio), key_id="SK1", key_secret="secret")
    answer = await passing_on.pass_on(keyed, PassedRequest("GET", ".json"))
    assert answer == PassedAnswer(200, b"", "application/octet-stream")
    (seen,) = twilio.seen
    assert seen.target == "/2010-04-01/Accounts/AC1.json"
    assert seen.headers["authorization"] == basic_authorization("SK1", "secret")
    assert "content-type" not in seen.headers


@pytest.mark.parametrize("reply", [Misbehaviour.CLOSE, Misbehaviour.HANG, b"no HTTP\r\n\r\n"])
async def test_no_good_answer_is_unreachable(
    twilio: Loopback, passing_on: TwilioPassingOn, reply: bytes | Misbehaviour
) -> None:
    """Silence and nonsense end within the time allowed, and the request is not made again."""
    twilio.answer(reply)
    with pytest.raises(CarrierUnreachable):
        await passing_on.pass_on(account(twilio), PassedRequest("POST", "/Calls.json", b"a=b"))
    assert len(twilio.seen) == 1
