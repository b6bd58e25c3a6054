"""Phone numbers: what a person typed, and the one E.164 form that consent is filed under.

A number is refused only when it *cannot* be one (wrong length, no country, letters that are not a
vanity number). Numbers that merely are not assigned pass: consent must be filed for whatever
number a carrier delivers, number plans change faster than any table, and the fictitious 555
numbers of examples and tests have to work.
"""

import re
import unicodedata
from functools import lru_cache

import msgspec

_E164 = re.compile(r"\+[1-9][0-9]{1,14}")
NORTH_AMERICAN = r"\+1[2-9][0-9]{2}[2-9][0-9]{6}"
"""The pattern of a North American number in E.164: whatever has it is its own normal form."""

_NORTH_AMERICAN = re.compile(NORTH_AMERICAN)
# A number starts with a digit, a plus or a bracket; "call me on 415…" is a sentence, not a number.
_NUMBER_START = re.compile(r"(?:tel:)?\s*[(\[]?\s*[+\uff0b]?\s*[(\[]?\s*\d", re.IGNORECASE)
_TEXT_LENGTH_MAX = 64
# Mexico dropped the 1 before mobile numbers on 2019-08-03 (Instituto Federal de Telecomunicaciones,
# plan of numbering; checked 2026-11-23). Carriers still deliver the old form of the same handset,
# and an opt-out must be filed where the next text is asked about.
_MEXICO = 52
_RETIRED_MOBILE = re.compile(r"1[0-9]{10}")
_CACHE_ENTRIES = 65_536
_NORTH_AMERICAN_LENGTH = 12
_NO_BREAK = "\N{NO-BREAK SPACE}"


class InvalidNumber(ValueError):
    """A text that cannot be a phone number; the message says what to do."""


class Phone(msgspec.Struct, frozen=True):
    """A phone number.

    `original`: the text as it was given. `normalized`: E.164 without the extension.
    `region_code`: ISO 3166 two letters of the number's region ("001" where it has none); for a
    number outside every known range, the main region of its country code.
    `extension`: digits to dial after the call is answered, or None.
    """

    original: str
    normalized: str
    region_code: str
    extension: str | None


def is_e164_shape(text: str) -> bool:
    """Say whether a text has the shape of E.164: a plus and 2 to 15 digits, no leading zero."""
    return _E164.fullmatch(text) is not None


def parse_phone(text: str, *, region: str | None = None) -> Phone:
    """Read a phone number as a person or a program writes it.

    `region`: ISO 3166 two letters, used where the text has no country code.
    Raises InvalidNumber, whose message says what to do.
    """
    if region is None and _NORTH_AMERICAN.fullmatch(text) is not None:
        return Phone(text, text, _north_american_region(text[:8]), None)
    return _parse_cached(text, region)


def normalize_phone(text: str, *, region: str | None = None) -> str:
    """Give the one E.164 form of a number, as `parse_phone` reads it; raises InvalidNumber.

    Nearly every number that a carrier or a program writes is in it already.
    """
    if region is None and _NORTH_AMERICAN.fullmatch(text) is not None:
        return text
    return _parse_cached(text, region).normalized


def find_number(text: str, region: str | None) -> str | None:
    """Give the normal form of a number that somebody asks about; None where it is none.

    `region` is for those without a country code.
    """
    try:
        return normalize_phone(text, region=None if text.startswith("+") else region)
    except InvalidNumber:
        return None


def read_delivered(text: str) -> str:
    """Read the number a carrier delivered a text from.

    A handset was there, so the shape of E.164 is enough: where the number plans have no such
    number, the plans are behind, and an opt-out from it must not be lost. Raises InvalidNumber.
    """
    try:
        return normalize_phone(text)
    except InvalidNumber:
        if is_e164_shape(text):
            return text
        raise


@lru_cache(maxsize=_CACHE_ENTRIES)
def _north_american_region(prefix: str) -> str:
    """Give the region of a +1 number from its area code and exchange (`+1` and 6 digits).

    The North American plan assigns regions by area code and exchange, so one look-up serves the
    10,000 numbers behind a prefix; the tests compare this with the library's own answer.
    """
    return _parse_cached(f"{prefix}0000", None).region_code


@lru_cache(maxsize=_CACHE_ENTRIES)
def _parse_cached(text: str, region: str | None) -> Phone:
    # Imported here: the number plans of the world take 70 ms to load, and most processes that
    # start (a command's --help) never need them.
    import phonenumbers  # noqa: PLC0415 - see above

    cleaned = _clean(text)
    known_region = _check_region(region, phonenumbers.SUPPORTED_REGIONS)
    try:
        number = phonenumbers.parse(cleaned, known_region)
    except phonenumbers.NumberParseException as error:
        raise _refusal(text, region, error.error_type) from error
    if number.country_code == _MEXICO and _RETIRED_MOBILE.fullmatch(str(number.national_number)):
        number.national_number = int(str(number.national_number)[1:])
    verdict = phonenumbers.is_possible_number_with_reason(number)
    if verdict != phonenumbers.ValidationResult.IS_POSSIBLE:
        raise InvalidNumber(
            f"{_shown(text)} has the wrong number of digits for +{number.country_code}. "
            "Check the number against its source."
        )
    normalized = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
    if not is_e164_shape(normalized):
        # Some countries' plans have numbers for use at home that nobody abroad can be reached by.
        raise InvalidNumber(
            f"{_shown(text)} has more digits than the 15 of an international number. "
            "Check the number against its source."
        )
    if normalized != text and _parse_cached(normalized, None).normalized != normalized:
        # Two dialling prefixes in a row: each reading strips one, and consent needs one form.
        raise _refusal(text, region, phonenumbers.NumberParseException.NOT_A_NUMBER)
    country_code = number.country_code or 0
    found = phonenumbers.region_code_for_number(number)
    return Phone(
        original=text,
        normalized=normalized,
        region_code=found or phonenumbers.region_code_for_country_code(country_code),
        extension=number.extension or None,
    )


def _clean(text: str) -> str:
    """Drop invisible formatting (contacts are copied with it); refuse what is no number at all."""
    if len(text) > _TEXT_LENGTH_MAX:
        raise InvalidNumber(
            f"A text of {len(text)} characters is no phone number. Send one number, such as "
            "+14155550142."
        )
    cleaned = "".join(c for c in text if unicodedata.category(c) != "Cf").strip()
    if not cleaned:
        raise InvalidNumber("The phone number is empty. Send one, such as +14155550142.")
    if not cleaned.isprintable() or not _looks_like_a_number(cleaned):
        raise InvalidNumber(
            f"{_shown(text)} is not a phone number. Send digits with the country code, such as "
            "+14155550142."
        )
    return cleaned


def _looks_like_a_number(text: str) -> bool:
    """Ask for the beginning and end of a number; the library would drop what follows the end."""
    ended = text[-1].isalnum() or text[-1] in ")]#"
    return ended and "*" not in text and _NUMBER_START.match(text) is not None


def _check_region(region: str | None, supported: frozenset[str] | set[str]) -> str | None:
    if region is None:
        return None
    if region.upper() not in supported:
        raise InvalidNumber(
            f"{_shown(region)} is not a region. Name it by its two letters, such as US."
        )
    return region.upper()


def _refusal(text: str, region: str | None, error_type: int) -> InvalidNumber:
    no_country = error_type == 0 and region is None
    if no_country and not text.strip().startswith(("+", "\uff0b")):
        return InvalidNumber(
            f"{_shown(text)} has no country code. Start it with + and the country code, such as "
            "+1, or set a default region."
        )
    return InvalidNumber(
        f"{_shown(text)} is not a phone number. Send digits with the country code, such as "
        "+14155550142."
    )


def _shown(text: str) -> str:
    return ascii(text)


def group_number(number: str) -> str:
    """Group a number as people write it, on one line; short codes and names stay as they are."""
    if len(number) == _NORTH_AMERICAN_LENGTH and number.startswith("+1"):
        return _NO_BREAK.join((number[:2], number[2:5], number[5:8], number[8:]))
    return number


def calling_code(number: str) -> str:
    """Tell the country calling code of a number that `normalize_phone` gave, with its plus."""
    if _NORTH_AMERICAN.fullmatch(number) is not None:
        return "+1"
    import phonenumbers  # noqa: PLC0415 - see _parse_cached

    return f"+{phonenumbers.parse(number).country_code}"


def calling_code_of(region: str) -> str:
    """Tell the country calling code of a region of two letters, with its plus."""
    import phonenumbers  # noqa: PLC0415 - see _parse_cached

    return f"+{phonenumbers.country_code_for_region(region)}"
