"""Whether a wording names a number of ours, however people write numbers."""

import re
from typing import Final

_NORTH_AMERICAN_DIGITS: Final = 11
_WRITTEN_NUMBER: Final = re.compile(r"\+?[0-9(][0-9 ().\u00a0\u2011-]*")


def names_number(shown: str, number: str) -> bool:
    """Tell whether a wording names a sender, however it is written: +1 (415) 555-0142 too."""
    if not number.startswith("+"):
        return re.search(rf"(?<!\w){re.escape(number.casefold())}(?!\w)", shown) is not None
    digits = number.removeprefix("+")
    # People write a North American number with and without its country code.
    national = digits.removeprefix("1") if len(digits) == _NORTH_AMERICAN_DIGITS else digits
    runs = _WRITTEN_NUMBER.findall(shown)
    return any(national in "".join(filter(str.isdigit, run)) for run in runs)
