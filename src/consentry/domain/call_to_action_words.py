"""The words of calls to action in each language there is, and what every wording must tell."""

from datetime import date
from typing import Final

import msgspec

from consentry.domain.calls_to_action import CallMedium
from consentry.domain.reading_data import read_rows


class Says(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a wording of this language says where it tells a thing; one of each list is enough."""

    automated: tuple[str, ...]
    condition: tuple[str, ...]
    rates: tuple[str, ...]
    help: tuple[str, ...]
    stop: tuple[str, ...]
    marketing: tuple[str, ...]


class Words(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The words of one language, with `{brand}`, `{program}`, `{numbers}` and such to fill in."""

    language: str
    checked_on: date
    source: str
    openings: dict[CallMedium, str]
    marketing: str
    informational: str
    to: dict[CallMedium, str]
    recurring: str
    frequency: str
    rights: str
    or_: str = msgspec.field(name="or")
    terms: str
    privacy: str
    phone: str
    name: str
    button: str
    signature: str
    date: str
    next: str
    says: Says


class CheckRow(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One thing a wording must show; those not `for_all` only express written consent needs."""

    id: str
    says: str
    for_all: bool
    source: str
    checked_on: date


class WordTable(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """All languages of one edition, and the rows of the checklist."""

    version: str
    languages: tuple[Words, ...]
    checks: tuple[CheckRow, ...]


TABLE: Final = read_rows("call_to_action_words.json", WordTable)
LANGUAGES: Final = tuple(words.language for words in TABLE.languages)


def language_of(locale: str) -> str:
    """Take the language out of a locale: `es-MX` is Spanish."""
    return locale.partition("-")[0].lower()


def words_of(locale: str) -> Words | None:
    """Find the words of a locale's language; None where there are none."""
    language = language_of(locale)
    return next((words for words in TABLE.languages if words.language == language), None)
