"""Nothing in a log names a person or opens a door: numbers are masked, secrets are taken out.

A number is masked wherever it stands, however it is written: with a plus or its percent code, with
spaces, dots, dashes or brackets, or as plain digits. In doubt it is one: of `2025550142 bytes`
the digits are masked too. What is surely none stays: a date, a time, an address, a decimal, and
digits within a word, such as a carrier's id.
"""

import re
from typing import Final

_PLUS: Final = r"(?:[+\uff0b]|%2[Bb]|\b00)"
_DASHES: Final = r"\u2010-\u2015-"
_GAP: Final = rf"(?:[ .()/\u00a0{_DASHES}]|%20|%28|%29){{0,3}}"
_BREAK: Final = rf"[ .\u00a0{_DASHES}]"
_NUMBER: Final = re.compile(
    # With its country code, in one piece or in any grouping.
    rf"{_PLUS}(?:\d{{6,15}}(?!\d)|{_GAP}\d(?:{_GAP}\d){{5,14}})"
    # As North America writes it: 415-555-0100, (415) 555-0100, 1.415.555.0100.
    rf"|(?<![\w.])(?:1{_GAP})?\(?\d{{3}}\)?{_BREAK}{{1,2}}\d{{3}}{_BREAK}\d{{4}}(?!\w)"
    # Digits alone, but no decimal and no piece of an id.
    r"|(?<![0-9A-Za-z.])\d{9,15}(?![0-9A-Za-z]|\.\d)"
)
_CODE: Final = re.compile(r"%[0-9A-Fa-f]{2}")
_DIGIT: Final = re.compile(r"\d")
_HIDDEN_DIGITS_MIN: Final = 5
"""Fewer could be guessed: three digits leave a thousand people."""

_SHOWN_FIRST_MAX: Final = 2
_SHOWN_LAST_MAX: Final = 4

HIDDEN: Final = "[hidden]"
_SECRET: Final = re.compile(
    r"\bc[ste]k_[\w-]+"
    r"|\bwhsec_[\w+/=-]+"
    r"|-----BEGIN [A-Z ]*PRIVATE KEY-----(?s:.+?)(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)"
    r"|\b(?:[Bb]earer|[Bb]asic)[ =:]+[\w~+/.=-]{6,}"
    r"|(?:(?<=[?&]token=)|(?<=[?&]secret=)|(?<=[?&]api_secret=)|(?<=[?&]password=))[^\s&\"']+"
    r"|(?<=consentry_session=)[^\s;,\"']+"
    # A password in the address of a database.
    r"|(?<=://)[^\s/@:]*:[^\s/@]+(?=@)"
    # PostgreSQL tells the values of a row that it refuses, the words of a text among them.
    r"|(?<=DETAIL:  )(?s:.+?)(?=\n[ |]*HINT:|\n[ |]*\n|\Z)"
)


def mask_numbers(text: str) -> str:
    """Mask every phone number in a text: `+14155550100` becomes `+14***0100`."""
    # Most lines hold nothing to mask, and looking for a digit is the cheapest way to know.
    return _NUMBER.sub(_mask, text) if _DIGIT.search(text) else text


def _mask(found: re.Match[str]) -> str:
    written = found.group()
    prefix = "+" if written[0] in "+\uff0b%" else ""
    digits = _DIGIT.findall(_CODE.sub("", written))
    shown = max(0, len(digits) - _HIDDEN_DIGITS_MIN)
    first = min(_SHOWN_FIRST_MAX, shown // 3)
    last = min(_SHOWN_LAST_MAX, shown - first)
    return f"{prefix}{''.join(digits[:first])}***{''.join(digits[len(digits) - last :])}"


def hide_secrets(text: str, secrets: tuple[str, ...] = ()) -> str:
    """Take out what opens a door: keys, tokens, passwords, and these secrets wherever they are."""
    for secret in secrets:
        text = text.replace(secret, HIDDEN)
    return _SECRET.sub(HIDDEN, text)
