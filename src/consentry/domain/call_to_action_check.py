"""What a call to action must show before anybody may be asked with it: a list of checks."""

import re
from collections.abc import Callable
from typing import Final

import msgspec

from consentry.domain.call_to_action_form import Asking, find_asking
from consentry.domain.call_to_action_words import TABLE, Says, words_of
from consentry.domain.calls_to_action import CallMedium, CallToAction
from consentry.domain.directory import Directory
from consentry.domain.named_number import names_number
from consentry.domain.standing import ConsentLevel

DISCLOSURE_CHARACTERS_MAX: Final = 1000
_TICKED: Final = re.compile(r"<input[^>]*\schecked", re.IGNORECASE)


class Check(msgspec.Struct, frozen=True):
    """One row of the checklist, judged; `is_needed` says whether this program must have it."""

    id: str
    says: str
    source: str
    is_met: bool
    is_needed: bool


class Shown(msgspec.Struct, frozen=True):
    """A call to action as the checks look at it."""

    medium: CallMedium
    text: str
    html: str


def check_shown(shown: Shown, asking: Asking) -> tuple[Check, ...]:
    """Judge what is shown by all rows.

    A marketing program needs every row, another what every call to action needs.
    """
    filled = {
        "brand": asking.brand.name,
        "program": asking.program.name,
        "numbers": asking.numbers or "none is set up yet",
    }
    return tuple(
        Check(
            row.id,
            row.says.format_map(filled),
            row.source,
            is_met=_CHECKS[row.id](shown, asking),
            is_needed=row.for_all or asking.is_marketing,
        )
        for row in TABLE.checks
    )


def missing_checks(checks: tuple[Check, ...]) -> tuple[Check, ...]:
    """List what is needed and not there: with any of it nobody may be asked."""
    return tuple(check for check in checks if check.is_needed and not check.is_met)


def good_for(checks: tuple[Check, ...]) -> ConsentLevel:
    """Say what consent it can give: express written only where every row is met."""
    whole = all(check.is_met for check in checks)
    return ConsentLevel.EXPRESS_WRITTEN if whole else ConsentLevel.EXPRESS


def check_call(call: CallToAction, directory: Directory) -> tuple[Check, ...]:
    """Judge a stored version by the brand, program and numbers as they are now.

    A version stays as it was shown while a brand gets another name or a number goes. Raises
    `LookupError` where the program is gone or the language has no words.
    """
    program, words = directory.program(call.program), words_of(call.locale)
    if program is None or words is None:
        raise LookupError(f"{call.version_id} has no program {call.program} or {call.locale}.")
    asking = find_asking(directory, program, words)
    return check_shown(Shown(call.medium, call.text, call.html), asking)


def _names(name: str, shown: Shown) -> bool:
    return name.casefold() in shown.text.casefold()


def _says(phrases: Callable[[Says], tuple[str, ...]]) -> Callable[[Shown, Asking], bool]:
    def judge(shown: Shown, asking: Asking) -> bool:
        text = shown.text.casefold()
        return any(phrase in text for phrase in phrases(asking.words.says))

    return judge


def _names_number(shown: Shown, asking: Asking) -> bool:
    text = shown.text.casefold()
    return any(names_number(text, sender.number) for sender in asking.senders)


def _stands_apart(shown: Shown, asking: Asking) -> bool:
    del asking
    return "\n" not in shown.text and 0 < len(shown.text) <= DISCLOSURE_CHARACTERS_MAX


_CHECKS: Final[dict[str, Callable[[Shown, Asking], bool]]] = {
    "names_seller": lambda shown, asking: _names(asking.brand.name, shown),
    "names_program": lambda shown, asking: _names(asking.program.name, shown),
    "names_number": _names_number,
    "says_marketing": _says(lambda says: says.marketing),
    "says_automated": _says(lambda says: says.automated),
    "says_no_condition": _says(lambda says: says.condition),
    "says_rates": _says(lambda says: says.rates),
    "tells_help": _says(lambda says: says.help),
    "tells_stop": _says(lambda says: says.stop),
    "in_writing": lambda shown, _: shown.medium is not CallMedium.VERBAL,
    "stands_apart": _stands_apart,
    "nothing_ticked": lambda shown, _: _TICKED.search(shown.html) is None,
}
