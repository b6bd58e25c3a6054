"""TwiML: what an answer asks to be sent."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from twilio.twiml.messaging_response import MessagingResponse

from consentry.wire.twiml import (
    EMPTY_RESPONSE,
    AskedText,
    TwimlError,
    parse_asked_texts,
    parse_twiml,
    render_twiml,
)

pytestmark = pytest.mark.property

texts = st.text(
    st.characters(codec="utf-8", exclude_categories=["Cc", "Cs", "Cn"]), min_size=1, max_size=40
).filter(lambda text: text == text.strip())


@given(st.lists(texts, max_size=3))
def test_what_is_asked_is_read(wanted: list[str]) -> None:
    """Our own answers and those of the official builder are read alike."""
    assert parse_twiml(render_twiml(*wanted)) == tuple(wanted)
    official = MessagingResponse()
    for text in wanted:
        official.message(text)
    assert parse_twiml(str(official).encode()) == tuple(wanted)


@pytest.mark.parametrize(
    "body", [b"", b"  \n", b"<Response/>", EMPTY_RESPONSE, b"<Response><Message/></Response>"]
)
def test_an_empty_answer_asks_for_nothing(body: bytes) -> None:
    """Nothing is sent for an empty answer."""
    assert parse_twiml(body) == ()


def test_the_body_element_and_the_old_name() -> None:
    """A Message may hold a Body and pictures; Sms is its old name; other verbs ask for nothing."""
    body = (
        b"<Response>x<Message><Body>Hi &amp; bye</Body><Media>https://example.com/a</Media>"
        b"</Message><Sms>old</Sms><Redirect>https://example.com</Redirect></Response>"
    )
    assert parse_twiml(body) == ("Hi & bye", "old")


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"<html></html>", "must be Response, not html"),
        (b"<Response>", "not well-formed"),
        (b'{"ok": true}', "not well-formed"),
        (b"\xff", "not well-formed"),
        (b'<?xml version="1.0" encoding="none"?><Response/>', "unknown encoding: none"),
        (b'<?xml version="1.0" encoding="big5"?><Response/>', "not well-formed"),
        (b"<!DOCTYPE r [<!ENTITY a 'b'>]><Response/>", "document type declaration"),
        (b"<Response>" + b"<a>" * 9, "nested too deeply"),
    ],
)
def test_what_is_no_twiml_is_named(body: bytes, reason: str) -> None:
    """An answer that is not TwiML says why, and never expands an entity."""
    with pytest.raises(TwimlError, match=reason):
        parse_twiml(body)


def test_all_that_a_message_names_is_read() -> None:
    """Numbers, pictures, and where its status is wanted, as the official builder writes them."""
    official = MessagingResponse()
    message = official.message(to="+14155550142", from_="55555", status_callback="/done")
    message.body("Hi")
    message.media("https://a.example/a?x=1&y=2")
    message.media("b.png")
    official.message("plain", action="/old")
    official.message("")
    asked = parse_asked_texts(str(official).encode())
    media = ("https://a.example/a?x=1&y=2", "b.png")
    assert asked == (
        AskedText("Hi", media, "+14155550142", "55555", "/done"),
        AskedText("plain", callback_url="/old"),
    )


def test_a_picture_alone_is_a_text_without_words() -> None:
    """It is asked for, and has no words to be read."""
    body = b"<Response><Message><Media> a.png </Media><Media/></Message></Response>"
    assert parse_asked_texts(body) == (AskedText("", ("a.png",)),)
    assert parse_twiml(body) == ()
