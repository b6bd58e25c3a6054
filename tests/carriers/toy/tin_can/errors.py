"""What a tin can says when it does not take a text."""

from datetime import date
from typing import Final

from consentry.carriers.shared.refusals import tabulate

TABLE: Final = tabulate(
    "Tin Can",
    source="the lid of the can",
    checked_on=date(2026, 11, 30),
    opted_out={"cut": "the person has cut the string"},
    passing={"tangled": "the string is tangled"},
    permanent={"no_string": "no string goes there"},
)
