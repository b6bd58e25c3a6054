"""Where a phone number is its own normal form: by plan, so that millions need not be parsed.

`phone.parse_phone` asks the library about each number, some thousands a second. What the library
does to a number with a plus is little: it finds the country code, takes away a trunk prefix where
one was written, and asks whether the rest is as long as a number can be. So where no trunk prefix
can have been written, and the length is right, the digits are the normal form. These values say
for each country code when that is so; what they do not vouch for is parsed.
"""

from typing import Final

import msgspec

E164_DIGITS_MAX: Final = 15
"""With the country code; some plans have longer numbers, for use at home."""

_NORTH_AMERICA: Final = 1
_MEXICO: Final = 52
_RETIRED_MOBILE: Final = "1[0-9]{10}"
"""How Mexican numbers began before 2019: `phone.py` takes that 1 away."""

TEN_DIGITS_OF: Final = frozenset({"US", "CA"})
"""Where ten digits, or a 1 and ten digits, are a North American number."""


class NumberingPlan(msgspec.Struct, frozen=True):
    """A country code: how many digits may follow, and what is taken away in front of them.

    `trunk` is a regular expression that matches from the beginning; None takes nothing away.
    """

    code: int
    lengths: tuple[int, ...]
    trunk: str | None


def list_plans() -> tuple[NumberingPlan, ...]:
    """List the plans of all country codes, as the library knows them, but North America's."""
    # Imported here: the number plans of the world take 70 ms to load.
    import phonenumbers  # noqa: PLC0415 - see above

    plans = []
    for code, regions in sorted(phonenumbers.COUNTRY_CODE_TO_REGION_CODE.items()):
        metadata = phonenumbers.PhoneMetadata.metadata_for_region_or_calling_code(code, regions[0])
        general = None if metadata is None else metadata.general_desc
        if code == _NORTH_AMERICA or metadata is None or general is None:
            continue
        lengths, local = general.possible_length, general.possible_length_local_only
        longest = E164_DIGITS_MAX - len(str(code))
        possible = tuple(n for n in lengths if 0 < n <= longest and n not in local)
        trunk = metadata.national_prefix_for_parsing
        if code == _MEXICO:
            trunk = "|".join(filter(None, (trunk, _RETIRED_MOBILE)))
        plans.append(NumberingPlan(code, possible, trunk))
    return tuple(plans)
