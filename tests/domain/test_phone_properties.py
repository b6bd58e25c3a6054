"""Phone numbers against the library that knows the world's number plans."""

from collections.abc import Callable

import phonenumbers
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from consentry.domain.phone import (
    NORTH_AMERICAN,
    InvalidNumber,
    Phone,
    is_e164_shape,
    normalize_phone,
    parse_phone,
)

pytestmark = pytest.mark.property

north_american = st.from_regex(NORTH_AMERICAN, fullmatch=True)
any_e164 = st.from_regex(r"\+[1-9][0-9]{1,14}", fullmatch=True)
any_text = st.text(st.characters(exclude_categories=()), max_size=80)


def e164(text: str) -> str | None:
    """Give the library's own normal form, or None where it calls the number impossible."""
    try:
        judged = phonenumbers.parse(text)
    except phonenumbers.NumberParseException:
        return None
    reason = phonenumbers.is_possible_number_with_reason(judged)
    if reason != phonenumbers.ValidationResult.IS_POSSIBLE:
        return None
    return phonenumbers.format_number(judged, phonenumbers.PhoneNumberFormat.E164)


@given(north_american)
@example("+18766060000")
@example("+13402100000")
def test_the_fast_path_agrees_with_the_library(number: str) -> None:
    """North American E.164 numbers get the verdict and region that phonenumbers itself gives."""
    judged = phonenumbers.parse(number)
    assert phonenumbers.is_possible_number(judged)
    region_code = phonenumbers.region_code_for_number(judged) or "US"
    assert parse_phone(number) == Phone(number, number, region_code, None)


@given(any_e164)
@example("+11155550142")
@example("+82088099569")
@example("+59300958031771")
def test_a_number_of_e164_shape_is_judged_as_the_library_judges_it(number: str) -> None:
    """It passes where phonenumbers calls it possible, in its form, if that form is settled."""
    expected = e164(number)
    if expected is None or e164(expected) != expected:
        with pytest.raises(InvalidNumber):
            parse_phone(number)
        return
    assert parse_phone(number).normalized == expected


@given(any_e164 | any_text, st.sampled_from([None, "US", "GB", "IT", "BR", "MX", "AR"]))
@example("+1 415-555-0142;ext=5", None)
def test_parsing_is_total_and_settles_at_once(text: str, region: str | None) -> None:
    """Any text gives a number or InvalidNumber; the normal form is E.164 and parses to itself."""
    try:
        phone = parse_phone(text, region=region)
    except InvalidNumber:
        return
    assert is_e164_shape(phone.normalized)
    assert phone.original == text
    assert parse_phone(phone.normalized).normalized == phone.normalized


@given(north_american | any_e164 | any_text, st.sampled_from([None, "US", "GB", "MX"]))
@example("+14155550142", None)
@example("+14155550142", "US")
@example("+5215512345678", None)
@example("415", None)
def test_normalizing_is_parsing_for_the_number_alone(text: str, region: str | None) -> None:
    """It gives the same E.164 form, and refuses what is no number with the same advice."""

    def outcome(read: Callable[[], str]) -> str:
        try:
            return read()
        except InvalidNumber as refused:
            return f"refused: {refused}"

    normalized = outcome(lambda: normalize_phone(text, region=region))
    assert normalized == outcome(lambda: parse_phone(text, region=region).normalized)
