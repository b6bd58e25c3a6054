"""Numbers as lists have them: seeded, of all countries, in many spellings, and what is none."""

import random
from collections.abc import Iterator

import phonenumbers

_NATIONAL = ("4155550142", "2125550199", "8005550100", "3051234567", "9025550123", "1234567890")
_SEPARATORS = (" ", "-", ".", "  ", " - ", "")
_CODES = (*phonenumbers.COUNTRY_CODE_TO_REGION_CODE, *((52, 44, 49, 55) * 5))
_ODD = (
    "",
    " ",
    "nobody",
    "+",
    "0",
    "12",
    "+1",
    "+10",
    "+1 415 555 0142 ext. 5",
    "+1-415-555-0142x12",
    "tel:+14155550142",
    "1-800-FLOWERS",
    "(415) 555-0142 (home)",
    "+1 (415) 555 0142;ext=4",
    "415/555-0142",
    "4155550142 / 4155550143",
    "\u200e+14155550142",
    "\uff0b1 415 555 0142",
    "\u0664\u0661\u0665\u0665\u0665\u0665\u0660\u0661\u0664\u0662",
    "+1\u00a0415\u00a0555\u00a00142",
    "'+14155550142",
    "''+14155550142",
    "'415 555 0142",
    "' 415 555 0142",
    "+14155550142\t",
    "+14155550142\n",
    "00442079460958",
    "011 44 20 7946 0958",
    "+44 (0)20 7946 0958",
    "+4402079460958",
    "+52 1 55 1234 5678",
    "+52 55 1234 5678",
    "+39 06 1234 5678",
    "+39 612345678",
    "+54 9 11 1234 5678",
    "+54 11 15 1234 5678",
    "+55 0 15 11 91234 5678",
    "+7 8 912 345 67 89",
    "+(1) 415 555 0142",
    "(+1) 415 555 0142",
    "+ 1 415 555 0142",
    "+-14155550142",
    "++14155550142",
    "1 1 415 555 0142",
    "415-555-0142-",
    "(415-555-0142",
    "415) 555-0142",
    "(1) 415 555-0142",
    "-4155550142",
    ".4155550142",
    "*4155550142",
    "4155550142#",
    "+999123456789",
    "+800 1234 5678",
    "+8834567890123",
    "1" * 64,
    "+" + "1" * 64,
    " " * 60 + "4155550142",
    "+1" + " " * 50 + "4155550142",
    "+1" + " " * 53 + "4155550142",
    "4,155,550,142",
    "4.155550142E9",
)


def list_messy(count: int, seed: int) -> list[str]:
    """List the odd ones, then so many made-up ones."""
    dice = random.Random(seed)
    return [*_ODD, *(_make(dice) for _ in range(count))]


def _make(dice: random.Random) -> str:
    kind = dice.random()
    if kind < 0.35:
        return "".join(_spell_american(dice))
    digits = "".join(_make_foreign(dice))
    text = "".join(
        digit + (dice.choice(_SEPARATORS) if dice.random() < 0.3 else "") for digit in digits
    )
    if kind < 0.85:
        return f"+{text}"
    return dice.choice(("", "+ ", "00", "(", " +", "+(", "'+")) + text + dice.choice(("", " ", ")"))


def _spell_american(dice: random.Random) -> Iterator[str]:
    number = dice.choice(_NATIONAL) if dice.random() < 0.3 else str(dice.randrange(10**9, 10**10))
    left, right = dice.choice((("(", ")"), ("", ""), ("", ""), ("(", ""), ("[", "]")))
    yield dice.choice(("", "", "+1", "1", "+1 ", "1-", "+1-", " ", "+1."))
    yield left + number[:3] + right
    yield dice.choice(_SEPARATORS) + number[3:6]
    yield dice.choice(_SEPARATORS) + number[6:]
    yield dice.choice(("", "", "", " ", "x1", "1"))


def _make_foreign(dice: random.Random) -> Iterator[str]:
    code = dice.choice(_CODES)
    yield str(code)
    metadata = phonenumbers.PhoneMetadata.metadata_for_region_or_calling_code(
        code, phonenumbers.COUNTRY_CODE_TO_REGION_CODE[code][0]
    )
    if dice.random() < 0.5:
        yield dice.choice(("0", "00", "8", "1", "9", "15", metadata.national_prefix or ""))
    length = max(
        1, dice.choice(metadata.general_desc.possible_length) + dice.choice((0, 0, 0, -1, 1))
    )
    yield "".join(dice.choice("0123456789") for _ in range(length))
