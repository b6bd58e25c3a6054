"""Signatures as the official library checks them, and how long a server wants to be left alone."""

from base64 import b64encode
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks import Webhook, WebhookVerificationError

from consentry.wire.standard_webhooks import read_retry_after, sign_event

NOW = datetime(2026, 11, 30, 10, 0, tzinfo=UTC)


@pytest.mark.unit
def test_the_example_of_the_specification_is_signed_as_it_says() -> None:
    """The secret, id, time and body are those of its documents."""
    secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
    signed = sign_event(
        (secret,), "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}'
    )
    assert signed == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


@pytest.mark.property
@given(st.binary(min_size=24, max_size=64), st.binary(max_size=64), st.text(max_size=100))
def test_the_official_library_believes_each_secret_in_use(
    key: bytes, other: bytes, text: str
) -> None:
    """And nothing that was changed, nor another's signature."""
    body = f'{{"text": "{text.encode().hex()}"}}'
    seconds = int(datetime.now(UTC).timestamp())
    secrets = tuple(f"whsec_{b64encode(one).decode()}" for one in (key, other + b"!"))
    headers = {
        "webhook-id": "evt_1",
        "webhook-timestamp": str(seconds),
        "webhook-signature": sign_event(secrets, "evt_1", seconds, body.encode()),
    }
    for secret in secrets:
        assert Webhook(secret).verify(body, headers) == {"text": text.encode().hex()}
    for changed in ({"webhook-id": "evt_2"}, {"webhook-timestamp": str(seconds - 1)}):
        with pytest.raises(WebhookVerificationError):
            Webhook(secrets[0]).verify(body, headers | changed)
    with pytest.raises(WebhookVerificationError):
        Webhook(secrets[0]).verify(f"{body} ", headers)


@pytest.mark.unit
def test_a_secret_that_is_none_signs_nothing() -> None:
    """It is a fault of ours, and said so."""
    with pytest.raises(ValueError, match="ASCII"):
        sign_event(("whsec_ä",), "evt_1", 1, b"{}")


@pytest.mark.unit
@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        (None, None),
        ("", None),
        ("soon", None),
        ("-1", None),
        ("1.5", None),
        ("²", None),
        ("0", 0),
        (" 120 ", 120),
        ("9" * 30, 10**9),
        ("Mon, 30 Nov 2026 10:01:30 GMT", 90),
        ("Mon, 30 Nov 2026 10:01:30", 90),
        ("Mon, 30 Nov 2020 10:01:30 GMT", 0),
        ("Mon, 30 Nov 99999 10:01:30 GMT", None),
    ],
)
def test_how_long_a_server_wants_to_be_left_alone(value: str | None, seconds: int | None) -> None:
    """In seconds or as a date; what is neither says nothing."""
    assert read_retry_after(value, NOW) == seconds
