"""How fields of webhooks are read: strictly where an opt-out is filed, kindly beside its words."""

from datetime import UTC, datetime, timedelta

import pytest

from consentry.carriers.shared.callbacks import address_of, read_parameter, status_address
from consentry.carriers.shared.fields import (
    PART_MARK,
    is_fresh,
    read_binary,
    read_body,
    read_media,
    read_msisdn,
    read_name,
    read_reference,
    read_sender,
    read_time,
)
from consentry.domain.keywords import is_our_opt_in, read_carrier, read_legal
from consentry.domain.reading import CarrierWord, LegalMeaning, SenderKind
from consentry.ports import Malformed, OutboundText

pytestmark = pytest.mark.unit

NOW = datetime(2026, 5, 1, 12, 0, tzinfo=UTC)
PIECES = [f"{{}}{PART_MARK}", f"{PART_MARK}{{}}", f"{PART_MARK}{{}}{PART_MARK}"]


@pytest.mark.parametrize("piece", PIECES)
@pytest.mark.parametrize("word", ["STOP", "Cancel", "unsubscribe", "please stop texting me"])
def test_a_piece_of_a_text_can_opt_out(piece: str, word: str) -> None:
    """The mark is punctuation to the legal reader."""
    assert read_legal(piece.format(word)).meaning is LegalMeaning.OPT_OUT


@pytest.mark.parametrize("piece", PIECES)
@pytest.mark.parametrize("word", ["START", "UNSTOP", "YES", "JOIN"])
def test_a_piece_of_a_text_never_opts_in(piece: str, word: str) -> None:
    """A word that opts in must be the whole text, for every carrier and for us."""
    text = piece.format(word)
    assert not is_our_opt_in(text)
    for carrier in ("vonage", "twilio", "sinch"):
        for kind in SenderKind:
            reading = read_carrier(text, carrier=carrier, kind=kind, at=NOW)
            assert reading.word is CarrierWord.NONE


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"STOP", "STOP…"),
        ("стоп".encode("utf-16-be"), "стоп…"),
        ("🛑".encode(), "🛑…"),
        (b" STOP\r\n", "STOP…"),
        (b"", None),
        (b"  ", None),
        (b"\x00\x01", None),
        (b"\xff", None),
        (b"\xd8\x00", None),
    ],
)
def test_bytes_are_read_where_they_hold_words(data: bytes, words: str | None) -> None:
    """UTF-8, else UTF-16; what does not print is no text of anybody."""
    assert read_binary(data) == words


@pytest.mark.parametrize(
    ("text", "sender"),
    [
        ("+14155550100", "+14155550100"),
        ("14155550100", "+14155550100"),
        (" 12345 ", "12345"),
        ("12345678", "12345678"),
        ("442071234567", "+442071234567"),
        ("AcmeInc", "AcmeInc"),
        ("0123456789", "0123456789"),
        ("999999999999999999", "999999999999999999"),
        ("٣٣٣٣٣٣٣٣٣", "٣٣٣٣٣٣٣٣٣"),
    ],
)
def test_a_sender_is_a_number_a_short_code_or_a_name(text: str, sender: str) -> None:
    """A number gets its plus; what has at most eight digits is a short code.

    Digits that are no number stay as they are: a STOP to them is kept, and not turned away.
    """
    assert read_sender("to", text) == sender


@pytest.mark.parametrize("text", ["", "  ", "a\0", "+", "+1", "x" * 256])
def test_a_sender_that_is_none_says_so(text: str) -> None:
    """The reason begins with the field."""
    with pytest.raises(Malformed, match=r"^to: "):
        read_sender("to", text)


def test_a_person_has_a_number_with_or_without_its_plus() -> None:
    """Both are filed under the same E.164 number."""
    assert read_msisdn("from", "12125550142") == read_msisdn("from", "+12125550142")
    for text in ("", "Acme", "0", "+"):
        with pytest.raises(Malformed, match=r"^from: "):
            read_msisdn("from", text)


def test_ids_print_and_are_short() -> None:
    """What no database keeps, or is no id, is refused; an id of ours that is none is left away."""
    assert read_name("id", "a b/c") == "a b/c"
    assert read_reference("msg_1") == "msg_1"
    for text in ("", "\0", "a\nb", "x" * 256):
        assert read_reference(text) is None
        with pytest.raises(Malformed, match=r"^id: "):
            read_name("id", text)
    assert read_reference(None) is None


def test_words_are_kept_whatever_stands_beside_them() -> None:
    """A NUL becomes visible, an address that is none is left away, a missing text is empty."""
    assert read_body("STOP\0") == "STOP\ufffd"
    assert read_body(None) == ""
    assert read_media(["https://a", "", None, "b\0"]) == ("https://a",)
    assert read_media(None) == ()


@pytest.mark.parametrize(
    ("text", "time"),
    [
        ("2026-05-01T12:00:00Z", NOW),
        ("2026-05-01T14:00:00+02:00", NOW),
        ("2026-05-01 12:00:00", NOW),
        ("0001-01-01T00:00:00+14:00", None),
        ("9999-12-31T23:59:59-14:00", None),
        ("soon", None),
        ("", None),
        (None, None),
    ],
)
def test_a_time_that_cannot_be_read_is_none(text: str | None, time: datetime | None) -> None:
    """UTC where it names no zone; the time of arrival counts where there is none."""
    assert read_time(text) == time


def test_a_signed_time_is_near_ours_or_not() -> None:
    """Both bounds are within; what is no number of seconds is never near."""
    seconds, hour = int(NOW.timestamp()), timedelta(hours=1)
    assert is_fresh(str(seconds - 3600), now=NOW, tolerance=hour)
    assert is_fresh(str(seconds + 3600), now=NOW, tolerance=hour)
    assert not is_fresh(str(seconds - 3601), now=NOW, tolerance=hour)
    assert not is_fresh(str(seconds + 3601), now=NOW, tolerance=hour)
    for text in ("", "x", "²", "1" * 13, "-1", "1.0"):
        assert not is_fresh(text, now=NOW, tolerance=hour)


def test_the_address_of_a_text_says_whose_report_it_is() -> None:
    """Message and sender come back out of it; an address without them, or none, says nothing."""
    text = OutboundText("msg_1", "+12125550142", "+14155550100", "Hi")
    address = address_of(text, status_address("https://t.example.com/", "a/b"))
    assert address == (
        "https://t.example.com/carriers/a%2Fb/status?message=msg_1&sender=%2B14155550100"
    )
    assert read_parameter(address, "sender") == "+14155550100"
    assert read_parameter("https://t.example.com/", "sender") is None
    assert read_parameter("https://[::1/?sender=1", "sender") is None
