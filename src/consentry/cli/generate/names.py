"""Made-up names, addresses and numbers in several scripts and countries."""

from importlib.resources import files
from random import Random  # noqa: TID251 - seeded, and handed on
from typing import Final

import msgspec

from consentry.domain.customers import CustomerPhone, PhoneType

_OTHER_SCRIPTS_SHARE: Final = 0.15
_MADE_UP_FAMILY_SHARE: Final = 0.6
_NUMBERS_OF_AN_AREA: Final = 8_000_000
_FIRST_OF_AN_AREA: Final = 2_000_000
_SCATTER: Final = 179_424_673
_ABROAD: Final = (
    ("+4477", "GB", 8),
    ("+49151", "DE", 8),
    ("+380501", "UA", 6),
    ("+86138", "CN", 8),
)
_ABROAD_EVERY: Final = 12


class Pool(msgspec.Struct, frozen=True):
    """First and family names of one script."""

    first: tuple[str, ...]
    family: tuple[str, ...]
    family_first: bool = False

    def draw(self, random: Random) -> str:
        """Put a name together in the order that its script has."""
        first, family = random.choice(self.first), random.choice(self.family)
        if self.family_first:
            return f"{family} {first}" if family.isascii() else f"{family}{first}"
        return f"{first} {family}"


class Names(msgspec.Struct, frozen=True):
    """What names and numbers are made of."""

    latin: Pool
    others: tuple[Pool, ...]
    beginnings: tuple[str, ...]
    endings: tuple[str, ...]
    area_codes: tuple[str, ...]


_NAMES: Final = msgspec.json.decode(
    (files("consentry.cli.generate") / "data" / "names.json").read_bytes(), type=Names
)


def draw_name(random: Random) -> str:
    """Draw a name: most are Latin, and most family names are rare, as they are."""
    if random.random() < _OTHER_SCRIPTS_SHARE:
        return random.choice(_NAMES.others).draw(random)
    if random.random() < _MADE_UP_FAMILY_SHARE:
        family = random.choice(_NAMES.beginnings) + random.choice(_NAMES.endings)
        return f"{random.choice(_NAMES.latin.first)} {family}"
    return _NAMES.latin.draw(random)


def draw_email(name: str, random: Random) -> str:
    """Make an address of a name."""
    letters = "".join(c for c in name.lower() if c.isascii() and (c.isalnum() or c == " "))
    local = letters.strip().replace(" ", ".") or "customer"
    return f"{local}{random.randrange(10_000)}@example.{random.choice(('com', 'org', 'net'))}"


def number_of(place: int) -> tuple[str, str]:
    """Give a number that is nobody else's, with its region; neighbours lie far apart."""
    if place % _ABROAD_EVERY == _ABROAD_EVERY - 1:
        prefix, region, digits = _ABROAD[place // _ABROAD_EVERY % len(_ABROAD)]
        rest = place // _ABROAD_EVERY // len(_ABROAD) * 7919 % 10**digits
        return f"{prefix}{rest:0{digits}}", region
    scattered = place * _SCATTER % (_NUMBERS_OF_AN_AREA * len(_NAMES.area_codes))
    area, rest = divmod(scattered, _NUMBERS_OF_AN_AREA)
    return f"+1{_NAMES.area_codes[area]}{_FIRST_OF_AN_AREA + rest}", "US"


def write_phone(number: str, region: str, random: Random) -> CustomerPhone:
    """Put a number on a profile, written as people write it."""
    original = number
    if region == "US":
        original = f"({number[2:5]}) {number[5:8]}-{number[8:]}"
    kind = PhoneType.MOBILE if random.random() < 0.9 else random.choice(tuple(PhoneType))
    return CustomerPhone(original, number, region, type=kind, primary=True)
