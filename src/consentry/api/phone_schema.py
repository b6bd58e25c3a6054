"""The shape of an E.164 number as a regular expression, from the world's number plans.

Whatever it matches can be parsed. Numbers written in other ways are taken as well, but no
expression could say which, so the documentation promises this one.
"""

import re
from collections import defaultdict
from functools import cache
from typing import Final

E164_DIGITS_MAX: Final = 15
# A zero at the start is taken for a trunk prefix where there is one; two zeros are everywhere, and
# so is the 8 of Belarus.
_START: Final = "(?:[1-9][0-9]|0[1-9])"
_START_AFTER_TRUNK: Final = "[1-9][0-9]"
_STARTS: Final = {375: "[1-7][0-9]"}


@cache
def phone_pattern() -> str:
    """Build the expression: each country code with the lengths its numbers may have."""
    # Imported here: the number plans take 70 ms to load, and only the documentation asks.
    import phonenumbers  # noqa: PLC0415 - see above

    codes: dict[tuple[str, tuple[int, ...]], list[str]] = defaultdict(list)
    for code, regions in phonenumbers.COUNTRY_CODE_TO_REGION_CODE.items():
        plan = phonenumbers.PhoneMetadata.metadata_for_region_or_calling_code(code, regions[0])
        if plan is not None and plan.general_desc is not None:
            lengths = plan.general_desc.possible_length
            most = E164_DIGITS_MAX - len(str(code))
            rest = tuple(n - 2 for n in lengths if 2 <= n <= most)
            start = _start_of(code, plan.national_prefix_for_parsing)
            codes[start, rest].append(str(code))
    choices = [
        f"(?:{'|'.join(sorted(of))}){start}{_digits(lengths)}"
        for (start, lengths), of in codes.items()
    ]
    return rf"^\+(?:{'|'.join(sorted(choices))})$"


def _start_of(code: int, trunk: str | None) -> str:
    """Say which two digits come first, where this expression says what is cut off before."""
    is_cut_off = trunk is not None and re.match(trunk, "0")
    return _STARTS.get(code, _START_AFTER_TRUNK if is_cut_off else _START)


def _digits(lengths: tuple[int, ...]) -> str:
    """Write "this many digits" for a set of lengths."""
    least, most = min(lengths), max(lengths)
    if least == most:
        return f"[0-9]{{{least}}}"
    if len(lengths) == most - least + 1:
        return f"[0-9]{{{least},{most}}}"
    return f"(?:{'|'.join(f'[0-9]{{{n}}}' for n in sorted(lengths))})"
