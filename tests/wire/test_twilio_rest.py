"""Twilio's REST bodies as values: messages, lists, errors, requests to send, dates."""

import json
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from consentry.wire.forms import build_form
from consentry.wire.rfc2822 import parse_rfc2822, render_rfc2822
from consentry.wire.twilio_create import CreateMessage, build_create_pairs, parse_create_message
from consentry.wire.twilio_errors import (
    TwilioRefusedError,
    build_twilio_error,
    describe_error,
    parse_twilio_error,
    render_twilio_error,
)
from consentry.wire.twilio_form import MessageStatus
from consentry.wire.twilio_message import (
    Direction,
    MessagePage,
    MessageResource,
    MessageResourceError,
    parse_message,
    parse_page,
    render_message,
    render_page,
)

pytestmark = pytest.mark.property

SID = "SM" + "0" * 32
ACCOUNT = "AC" + "1" * 32
seconds = st.integers(0, 2_500_000_000).map(lambda at: datetime.fromtimestamp(at, UTC))
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
given_texts = texts.filter(bool)
optional_texts = st.none() | given_texts
messages = st.builds(
    MessageResource,
    sid=given_texts,
    account_sid=given_texts,
    status=st.sampled_from(MessageStatus),
    direction=st.sampled_from(Direction),
    to_number=texts,
    from_number=optional_texts,
    body=texts,
    date_created=seconds,
    date_updated=seconds,
    date_sent=st.none() | seconds,
    messaging_service_sid=optional_texts,
    num_segments=st.integers(0, 20),
    num_media=st.integers(0, 10),
    error_code=st.none() | st.integers(0, 99999),
    error_message=optional_texts,
    price=optional_texts,
    price_unit=optional_texts,
)
TWILIO_FIELDS = {
    "account_sid", "api_version", "body", "date_created", "date_sent", "date_updated",
    "direction", "error_code", "error_message", "from", "messaging_service_sid", "num_media",
    "num_segments", "price", "price_unit", "sid", "status", "subresource_uris", "to", "uri",
}  # fmt: skip
EXAMPLE = MessageResource(
    sid=SID,
    account_sid=ACCOUNT,
    status=MessageStatus.QUEUED,
    direction=Direction.OUTBOUND_API,
    to_number="+14155550142",
    from_number="+14155550100",
    body="Hello! 👍",
    date_created=datetime(2023, 8, 24, 5, 1, 45, tzinfo=UTC),
    date_updated=datetime(2023, 8, 24, 5, 1, 45, tzinfo=UTC),
)


@given(seconds)
def test_dates_survive(moment: datetime) -> None:
    """A date written is the date read, to the second."""
    assert parse_rfc2822(render_rfc2822(moment)) == moment


def test_dates_are_written_as_twilio_writes_them() -> None:
    """The documented example, from any zone; a date that names no zone is UTC."""
    east = timezone(timedelta(hours=2))
    moment = datetime(2019, 5, 24, 19, 44, 46, 999, tzinfo=east)
    assert render_rfc2822(moment) == "Fri, 24 May 2019 17:44:46 +0000"
    assert parse_rfc2822("Fri, 24 May 2019 17:44:46 -0000").tzinfo is UTC


@pytest.mark.parametrize("text", ["soon", "Fri, 24 May 99999999999 17:44:46 +0000"])
def test_what_is_no_date_is_a_value_error(text: str) -> None:
    """Also where a number in it is larger than any."""
    with pytest.raises(ValueError, match="date"):
        parse_rfc2822(text)


@given(messages)
@settings(max_examples=200)
def test_a_message_survives(message: MessageResource) -> None:
    """A message written is the message read."""
    assert parse_message(render_message(message)) == message


@given(st.lists(messages, max_size=3).map(tuple), optional_texts)
def test_a_page_survives(found: tuple[MessageResource, ...], following: str | None) -> None:
    """A list written is the list read."""
    page = MessagePage(found, 0, 50, 0, len(found), "/a", "/b", following)
    assert parse_page(render_page(page)) == page


def test_the_resource_has_exactly_twilios_fields() -> None:
    """Names, and strings where Twilio counts in strings."""
    wire = json.loads(render_message(EXAMPLE))
    assert set(wire) == TWILIO_FIELDS
    assert (wire["num_media"], wire["num_segments"]) == ("0", "1")
    assert wire["date_created"] == "Thu, 24 Aug 2023 05:01:45 +0000"
    assert wire["uri"] == f"/2010-04-01/Accounts/{ACCOUNT}/Messages/{SID}.json"
    assert wire["subresource_uris"]["media"].endswith(f"{SID}/Media.json")
    assert wire["date_sent"] is None


def test_a_sparse_message_is_read() -> None:
    """Fields that a compatible carrier leaves out have a value here."""
    sparse = {
        "sid": SID,
        "account_sid": ACCOUNT,
        "status": "sent",
        "direction": "inbound",
        "to": None,
        "from": None,
        "date_created": "Fri, 24 May 2019 17:44:46 +0000",
        "brand_new": True,
    }
    message = parse_message(json.dumps(sparse).encode())
    assert message.date_updated == message.date_created
    assert (message.to_number, message.body, message.num_segments) == ("", "", 0)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>",
        b"[]",
        b"{}",
        b"\xff",
        b'{"a":' * 5000,
        render_message(EXAMPLE).replace(b"queued", b"odd"),
    ],
)
def test_what_is_no_message_is_named(body: bytes) -> None:
    """Another program's answer becomes one clear error, for a message and for a list."""
    with pytest.raises(MessageResourceError, match="not a message resource"):
        parse_message(body)
    with pytest.raises(MessageResourceError, match="not a list of messages"):
        parse_page(b'{"messages":[1,' + body + b"]}")


def test_errors_survive() -> None:
    """An error written is the error read, with Twilio's link."""
    error = build_twilio_error(21610)
    assert json.loads(render_twilio_error(error)) == {
        "code": 21610,
        "message": "Attempt to send to unsubscribed recipient",
        "more_info": "https://www.twilio.com/docs/errors/21610",
        "status": 400,
    }
    assert parse_twilio_error(render_twilio_error(error), 400) == error


def test_a_code_is_described_without_a_value() -> None:
    """Where no value was refused, the sentence has no gap; an unknown code says so."""
    assert describe_error(21610) == "Attempt to send to unsubscribed recipient"
    assert describe_error(21609) == "The 'StatusCallback' URL is not a valid URL."
    assert describe_error(99999) == "Unknown error"


def test_a_bare_foreign_error_is_read() -> None:
    """A code alone is enough; the HTTP status fills the rest."""
    error = parse_twilio_error(b'{"code":30004}', 400)
    assert error is not None
    assert (error.code, error.status, error.message) == (30004, 400, "")
    assert error.more_info.endswith("/30004")


@pytest.mark.parametrize(
    "body", [b"", b"<html>", b'{"code":"x"}', b'{"code":1,"message":"\xff"}', b'{"a":' * 5000]
)
def test_what_is_no_error_body_is_none(body: bytes) -> None:
    """A proxy's page is not taken for a refusal."""
    assert parse_twilio_error(body, 502) is None


creates = st.builds(
    CreateMessage,
    to_number=given_texts,
    from_number=given_texts,
    messaging_service_sid=optional_texts,
    body=given_texts,
    media_urls=st.lists(st.just("https://example.com/a.png"), max_size=10).map(tuple),
    content_sid=optional_texts,
    status_callback=st.none() | st.just("http://127.0.0.1:1/status"),
    send_at=st.none() | seconds,
    other=st.just((("ShortenUrls", "true"),)),
)


@given(creates)
@settings(max_examples=200)
def test_a_request_to_send_survives(message: CreateMessage) -> None:
    """What is asked is what is read, unknown parameters included."""
    assert parse_create_message(build_form(build_create_pairs(message))) == message


PARTIES = [("To", "+14155550142"), ("From", "+14155550100")]


@pytest.mark.parametrize(
    ("pairs", "code"),
    [
        ([], 21604),
        ([("To", ""), ("From", "1"), ("Body", "a")], 21604),
        ([("To", "1"), ("Body", "a")], 21603),
        (PARTIES, 21602),
        ([*PARTIES, ("Body", "a" * 1601)], 21617),
        ([*PARTIES, *[("MediaUrl", "https://example.com/a")] * 11], 21623),
        ([*PARTIES, ("MediaUrl", "file:///etc/passwd")], 21620),
        ([*PARTIES, ("Body", "a"), ("StatusCallback", "https:///x")], 21609),
        ([*PARTIES, ("Body", "a"), ("StatusCallback", "nowhere")], 21609),
        ([*PARTIES, ("Body", "a"), ("SendAt", "2030-01-01T00:00:00Z")], 35112),
        ([*PARTIES, ("Body", "a"), ("ScheduleType", "fixed")], 35111),
        ([*PARTIES, ("Body", "a"), ("ScheduleType", "later"), ("SendAt", "x")], 35126),
        ([*PARTIES, ("Body", "a"), ("ScheduleType", "fixed"), ("SendAt", "x")], 35115),
        (
            [
                *PARTIES,
                ("Body", "a"),
                ("ScheduleType", "fixed"),
                ("SendAt", "0001-01-01T00:00:00+14:00"),
            ],
            35115,
        ),
    ],
)
def test_a_wrong_request_gets_twilios_code(pairs: list[tuple[str, str]], code: int) -> None:
    """Each fault of the form has the code that Twilio gives it."""
    with pytest.raises(TwilioRefusedError) as caught:
        parse_create_message(build_form(pairs))
    assert caught.value.error.code == code
    assert str(caught.value) == caught.value.error.message


def test_a_time_without_a_zone_is_utc() -> None:
    """SendAt that names no zone is taken as Twilio takes it."""
    pairs = [*PARTIES, ("Body", "a"), ("ScheduleType", "fixed"), ("SendAt", "2030-01-01T00:00:00")]
    message = parse_create_message(build_form(pairs))
    assert message.send_at == datetime(2030, 1, 1, tzinfo=UTC)


def test_a_body_of_1600_characters_is_accepted() -> None:
    """The limit itself is allowed."""
    pairs = [*PARTIES, ("Body", "a" * 1600)]
    assert len(parse_create_message(build_form(pairs)).body) == 1600
