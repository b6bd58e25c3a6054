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
    render_twilio_error,
)
from consentry.wire.twilio_form import MessageStatus
from consentry.wire.twilio_message import (
    Direction,
    MessagePage,
    MessageResource,
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
def test_each_value_stands_under_its_name(message: MessageResource) -> None:
    """Whatever it is, it is written as it is; dates to the second."""
    wire = json.loads(render_message(message))
    for name in ("date_created", "date_updated", "date_sent"):
        written = wire[name]
        assert (written and parse_rfc2822(written)) == getattr(message, name)
    told = {field: getattr(message, field) for field in TWILIO_FIELDS & set(dir(message))}
    told |= {"to": message.to_number, "from": message.from_number}
    told |= {name: str(told[name]) for name in ("num_media", "num_segments", "status", "direction")}
    told |= {name: wire[name] for name in told if name.startswith("date_")}
    assert wire == told | {name: wire[name] for name in ("api_version", "subresource_uris")}


@given(st.lists(messages, max_size=3).map(tuple), optional_texts)
def test_a_page_has_its_messages_and_where_the_next_is(
    found: tuple[MessageResource, ...], following: str | None
) -> None:
    """Each message as it stands alone, and nothing but Twilio's fields of a list beside them."""
    page = MessagePage(found, 0, 50, 0, len(found), "/a", "/b", following)
    assert json.loads(render_page(page)) == {
        "messages": [json.loads(render_message(message)) for message in found],
        "page": 0,
        "page_size": 50,
        "start": 0,
        "end": len(found),
        "uri": "/a",
        "first_page_uri": "/b",
        "next_page_uri": following,
        "previous_page_uri": None,
    }


def test_the_resource_has_exactly_twilios_fields() -> None:
    """Names, and strings where Twilio counts in strings."""
    wire = json.loads(render_message(EXAMPLE))
    assert set(wire) == TWILIO_FIELDS
    assert (wire["num_media"], wire["num_segments"]) == ("0", "1")
    assert wire["date_created"] == "Thu, 24 Aug 2023 05:01:45 +0000"
    assert wire["uri"] == f"/2010-04-01/Accounts/{ACCOUNT}/Messages/{SID}.json"
    assert wire["subresource_uris"]["media"].endswith(f"{SID}/Media.json")
    assert wire["date_sent"] is None


def test_an_error_is_written_as_twilio_writes_it() -> None:
    """Code, sentence and HTTP status, with Twilio's link."""
    error = build_twilio_error(21610)
    assert json.loads(render_twilio_error(error)) == {
        "code": 21610,
        "message": "Attempt to send to unsubscribed recipient",
        "more_info": "https://www.twilio.com/docs/errors/21610",
        "status": 400,
    }


def test_a_code_is_described_without_a_value() -> None:
    """Where no value was refused, the sentence has no gap; an unknown code says so."""
    assert describe_error(21610) == "Attempt to send to unsubscribed recipient"
    assert describe_error(21609) == "The 'StatusCallback' URL is not a valid URL."
    assert describe_error(99999) == "Unknown error"


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
