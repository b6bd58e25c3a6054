"""Phone numbers: one E.164 form for everything a person or a carrier may write."""

import pytest

from consentry.domain.phone import (
    InvalidNumber,
    Phone,
    calling_code,
    calling_code_of,
    group_number,
    is_e164_shape,
    parse_phone,
    read_delivered,
)

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    ("phone", "region"),
    [
        (Phone("+14155550142", "+14155550142", "US", None), None),
        (Phone("+15558675310", "+15558675310", "US", None), None),  # fictitious, yet possible
        (Phone("+18005551212", "+18005551212", "US", None), None),
        (Phone("+14165550142", "+14165550142", "CA", None), None),
        (Phone("+442079460958", "+442079460958", "GB", None), None),
        (Phone("+80012345678", "+80012345678", "001", None), None),
        (Phone("+1 415 555 0142", "+14155550142", "US", None), "GB"),
        (Phone("(415) 555-0142 ext 5", "+14155550142", "US", "5"), "US"),
        (Phone("415.555.0142 x12", "+14155550142", "US", "12"), "us"),
        (Phone("1-800-FLOWERS", "+18003569377", "US", None), "US"),
        (Phone("\uff14\uff11\uff15\uff15\uff15\uff15 0142", "+14155550142", "US", None), "US"),
        (Phone("\u202a+1 (415) 555\u20110142\u202c", "+14155550142", "US", None), None),
        (Phone("tel:+1-415-555-0142", "+14155550142", "US", None), None),
        (Phone("  +1 415 555 0142\n", "+14155550142", "US", None), None),
        (Phone("020 7946 0958", "+442079460958", "GB", None), "GB"),
        (Phone("+39 06 1234 5678", "+390612345678", "IT", None), None),
    ],
)
def test_what_people_write_becomes_e164(phone: Phone, region: str | None) -> None:
    """A number is read with its extension and region, and the text itself is kept."""
    assert parse_phone(phone.original, region=region) == phone


@pytest.mark.parametrize(
    ("text", "region", "advice"),
    [
        ("", None, "Send one"),
        (" \t", None, "Send one"),
        ("hello", "US", "Send digits with the country code"),
        ("call me on 415-555-0142", "US", "Send digits with the country code"),
        ("+1415\x005550142", None, "Send digits with the country code"),
        ("\ud800", "US", "Send digits with the country code"),
        ("+", None, "Send digits with the country code"),
        ("415-555-0142", None, "has no country code"),
        ("+9995550142", None, "Send digits with the country code"),
        ("+1415555014", None, "Check the number"),
        ("+141555501423", None, "Check the number"),
        ("5550142", "US", "Check the number"),
        ("911", "US", "Check the number"),
        ("415-555-0142", "XX", "two letters"),
        ("9" * 65, "US", "Send one number"),
        ("9" * 1_000_000, "US", "Send one number"),
        ("415-555-0142/415-555-0143", "US", "Send digits with the country code"),
    ],
)
def test_what_cannot_be_a_number_is_refused_with_advice(
    text: str, region: str | None, advice: str
) -> None:
    """A refusal says what to do next and never repeats raw control characters."""
    with pytest.raises(InvalidNumber, match=advice) as refusal:
        parse_phone(text, region=region)
    assert str(refusal.value).isprintable()
    assert len(str(refusal.value)) < 250


def test_the_shape_of_e164_is_ascii_only() -> None:
    """Full-width digits, spaces, a leading zero or sixteen digits have not the shape."""
    assert is_e164_shape("+14155550142")
    assert is_e164_shape("+123456789012345")
    wrong = ["14155550142", "+04155550142", "+1 4155550142", "+", "", "+1234567890123456"]
    assert [text for text in wrong if is_e164_shape(text)] == []
    assert not is_e164_shape("+\uff114155550142")
    assert not is_e164_shape("+14155550142\n")


def test_a_retired_mexican_form_is_the_same_handset() -> None:
    """+52 1 and ten digits, as carriers still deliver it, is filed under the number of today."""
    old, new = parse_phone("+5215512345678"), parse_phone("+525512345678")
    assert old.normalized == new.normalized == "+525512345678"


def test_a_delivered_number_needs_the_shape_alone() -> None:
    """A text that came from a number no plan knows is filed under that number, never lost."""
    assert read_delivered("+99912345") == "+99912345"
    assert read_delivered("+14155550142") == "+14155550142"
    with pytest.raises(InvalidNumber):
        read_delivered("BANK")


def test_a_number_is_grouped_as_people_write_it() -> None:
    """North American ones in groups that stay on one line; others as they are."""
    assert group_number("+14155550142") == "+1\xa0415\xa0555\xa00142"
    assert [group_number(n) for n in ("55555", "ACME", "+442071838750")] == [
        "55555",
        "ACME",
        "+442071838750",
    ]


@pytest.mark.parametrize(
    ("number", "code"),
    [
        ("+14155550142", "+1"),
        ("+442071838750", "+44"),
        ("+77012345678", "+7"),
        ("+80012345678", "+800"),
    ],
)
def test_a_calling_code_is_told(number: str, code: str) -> None:
    """Of numbers, also of those that belong to no country, and of regions."""
    assert calling_code(number) == code
    assert [calling_code_of(region) for region in ("US", "MX")] == ["+1", "+52"]


def test_a_number_is_never_longer_than_an_international_one() -> None:
    """Where a country's plan has longer ones, they are refused: E.164 has fifteen digits."""
    with pytest.raises(InvalidNumber, match="more digits than the 15"):
        parse_phone("tel:+81-015555510420042001", region="US")
