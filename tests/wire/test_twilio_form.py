"""Twilio's webhooks as values, there and back."""

from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from consentry.wire.twilio_form import (
    FormError,
    InboundMessage,
    Media,
    MessageStatus,
    OptOutType,
    StatusCallback,
    build_form,
    build_inbound_pairs,
    build_status_pairs,
    encode_form,
    parse_form,
    parse_inbound_message,
    parse_status_callback,
)

pytestmark = pytest.mark.property

SID = "SM" + "0" * 32
ACCOUNT = "AC" + "1" * 32
texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=30)
given_texts = texts.filter(bool)
optional_texts = st.none() | given_texts

inbound_messages = st.builds(
    InboundMessage,
    message_sid=given_texts,
    account_sid=given_texts,
    from_number=given_texts,
    to_number=given_texts,
    body=texts,
    messaging_service_sid=optional_texts,
    num_segments=st.integers(1, 10),
    media=st.lists(st.builds(Media, given_texts, texts), max_size=10).map(tuple),
    opt_out_type=st.none() | st.sampled_from(OptOutType),
    from_country=optional_texts,
    to_country=optional_texts,
)
minutes = st.integers(0, 40_000_000).map(lambda at: datetime.fromtimestamp(at * 60, UTC))
status_callbacks = st.builds(
    StatusCallback,
    message_sid=given_texts,
    status=st.sampled_from(MessageStatus),
    to_number=given_texts,
    from_number=optional_texts,
    account_sid=optional_texts,
    messaging_service_sid=optional_texts,
    error_code=st.none() | st.integers(0, 99999),
    error_message=optional_texts,
    raw_dlr_done_at=st.none() | minutes,
)


@given(inbound_messages)
@settings(max_examples=200)
def test_an_inbound_message_survives_the_wire(message: InboundMessage) -> None:
    """What the simulator posts is what the reader sees."""
    body = encode_form(build_inbound_pairs(message))
    assert parse_inbound_message(parse_form(body)) == message


@given(status_callbacks)
@settings(max_examples=200)
def test_a_status_callback_survives_the_wire(callback: StatusCallback) -> None:
    """What the simulator reports is what the reader sees."""
    body = encode_form(build_status_pairs(callback))
    assert parse_status_callback(parse_form(body)) == callback


def test_unknown_parameters_are_passed_over() -> None:
    """A parameter that appears without notice changes nothing."""
    message = InboundMessage(SID, ACCOUNT, "+14155550142", "+14155550100", "STOP")
    pairs = [*build_inbound_pairs(message), ("ChannelPrefix", "sms"), ("New", "1")]
    assert parse_inbound_message(build_form(pairs)) == message


@pytest.mark.parametrize("missing", ["AccountSid", "From", "To"])
def test_an_inbound_message_needs_its_fields(missing: str) -> None:
    """Without a party or an account the error names the field."""
    message = InboundMessage(SID, ACCOUNT, "+14155550142", "+14155550100", "STOP")
    pairs = [pair for pair in build_inbound_pairs(message) if pair[0] != missing]
    with pytest.raises(FormError, match=f"{missing}: is missing"):
        parse_inbound_message(build_form(pairs))


def test_the_older_sid_names_do() -> None:
    """SmsSid stands in for MessageSid; with neither the error names MessageSid."""
    pairs = [("AccountSid", ACCOUNT), ("From", "a"), ("To", "b")]
    assert parse_inbound_message(build_form([*pairs, ("SmsSid", SID)])).message_sid == SID
    with pytest.raises(FormError, match="MessageSid: is missing"):
        parse_inbound_message(build_form(pairs))


def test_pictures_are_listed_as_far_as_they_are_there() -> None:
    """A count that promises more pictures than were sent loses no text."""
    pairs = [
        ("MessageSid", SID),
        ("AccountSid", ACCOUNT),
        ("From", "a"),
        ("To", "b"),
        ("NumMedia", "999999999"),
        ("MediaUrl0", "https://example.com/a"),
        ("MediaUrl2", "https://example.com/c"),
        ("MediaContentType2", "image/png"),
    ]
    message = parse_inbound_message(build_form(pairs))
    assert message.media == (
        Media("https://example.com/a", ""),
        Media("https://example.com/c", "image/png"),
    )
    assert message.body == ""


@pytest.mark.parametrize(
    ("value", "expected"), [("stop", OptOutType.STOP), ("PAUSE", None), ("", None)]
)
def test_an_opt_out_type(value: str, expected: OptOutType | None) -> None:
    """A type Twilio has not documented leaves the words to decide."""
    message = InboundMessage(SID, ACCOUNT, "a", "b", "STOP")
    form = build_form([*build_inbound_pairs(message), ("OptOutType", value)])
    assert parse_inbound_message(form).opt_out_type == expected


def test_a_refusal_in_the_callback_needs_only_what_twilio_sends() -> None:
    """The documented body of an asynchronous 21610 is read."""
    body = f"ErrorCode=21610&MessageSid={SID}&MessageStatus=failed&To=%2B14155550142"
    callback = parse_status_callback(parse_form(body.encode()))
    assert callback.error_code == 21610
    assert callback.status is MessageStatus.FAILED
    assert callback.account_sid is None


@pytest.mark.parametrize(
    ("status", "message"),
    [
        ([("MessageStatus", "teleported")], "MessageStatus: must be one of accepted"),
        ([("SmsStatus", "gone")], "SmsStatus: must be one of accepted"),
        ([], "MessageStatus: is missing"),
    ],
)
def test_a_status_must_be_known(status: list[tuple[str, str]], message: str) -> None:
    """An unknown or missing status is an error that lists what is known."""
    with pytest.raises(FormError, match=message):
        parse_status_callback(build_form([("MessageSid", SID), ("To", "a"), *status]))


def test_the_older_status_name_does() -> None:
    """SmsStatus alone is enough."""
    pairs = [("SmsSid", SID), ("SmsStatus", "sent"), ("To", "a")]
    assert parse_status_callback(build_form(pairs)).status is MessageStatus.SENT


@pytest.mark.parametrize("raw", ["", "2501", "25010112ab", "9999999999", "²³²³²³²³²³"])
def test_an_odd_delivery_date_loses_no_report(raw: str) -> None:
    """Where the far carrier writes something else, the report still counts."""
    pairs = [("MessageSid", SID), ("MessageStatus", "delivered"), ("To", "a")]
    form = build_form([*pairs, ("RawDlrDoneDate", raw)])
    assert parse_status_callback(form).raw_dlr_done_at is None
