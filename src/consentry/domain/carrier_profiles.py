"""The keyword profiles of carriers: rows with effective dates, and the exact match they do.

A profile is found by carrier, kind of sender and time. Matching is as narrow as the carriers'
own: ASCII letters only. A letter that merely folds to S is not an S to a carrier, and a
prediction that guesses wide would report blocks that do not exist.
"""

from datetime import UTC, date, datetime
from enum import StrEnum

import msgspec

from consentry.domain.reading import BlockLayer, CarrierReading, CarrierWord, SenderKind
from consentry.domain.reading_data import read_rows

# Only these are dropped around a keyword; a no-break space is a character like any other.
_WHITE_SPACE = " \t\r\n\v\f"


class Match(StrEnum):
    """How a carrier compares a text with its words."""

    WHOLE = "whole"
    BEGINS_WITH = "begins_with"


class WordRow(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Texts that mean one word, the layers they touch, and the carrier's answer if known."""

    word: CarrierWord
    texts: tuple[str, ...]
    layers: tuple[BlockLayer, ...]
    answer: str | None


class Profile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What one carrier does for some kinds of sender from `since` (included) to `until` (not).

    Both dates are days in UTC; None is open.
    """

    carrier: str
    kinds: tuple[SenderKind, ...]
    since: date | None
    until: date | None
    match: Match
    answers: bool
    source: str
    checked_on: date
    rows: tuple[WordRow, ...]

    def covers(self, day: date) -> bool:
        """Say whether this profile is in force on a day."""
        return (self.since is None or self.since <= day) and (
            self.until is None or day < self.until
        )


class ServiceWords(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a carrier's own verdict in the webhook (`OptOutType`) stands for."""

    carrier: str
    source: str
    checked_on: date
    words: dict[str, CarrierWord]


class CarrierTable(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """All profiles of one edition."""

    version: str
    profiles: tuple[Profile, ...]
    service_words: tuple[ServiceWords, ...]


TABLE = read_rows("carriers.json", CarrierTable)
_NOTHING = CarrierReading(CarrierWord.NONE, (), False, None, None, TABLE.version)
_SERVICE = {(s.carrier, text): word for s in TABLE.service_words for text, word in s.words.items()}
_Compiled = tuple[Profile, dict[str, CarrierReading]]


def _compile(profile: Profile, kind: SenderKind) -> _Compiled:
    """Make the readings of a profile once: a text then costs one look-up."""
    since = profile.since or "always"
    readings = {
        text: CarrierReading(
            row.word,
            row.layers,
            profile.answers,
            row.answer and row.answer.replace("{word}", text.lower()),
            f"{profile.carrier}/{kind}/{since}:{text}",
            TABLE.version,
        )
        for row in profile.rows
        for text in row.texts
    }
    return profile, readings


def _by_sender(profiles: tuple[Profile, ...]) -> dict[tuple[str, SenderKind], list[_Compiled]]:
    found: dict[tuple[str, SenderKind], list[_Compiled]] = {}
    for profile in profiles:
        for kind in profile.kinds:
            found.setdefault((profile.carrier, kind), []).append(_compile(profile, kind))
    return found


_PROFILES = _by_sender(TABLE.profiles)
_TEXT_LENGTH_MAX = max(len(text) for p in TABLE.profiles for row in p.rows for text in row.texts)


def find_profile(carrier: str, kind: SenderKind, at: datetime) -> Profile | None:
    """Find the profile in force at a time (UTC where it names no zone)."""
    day = _day(at)
    return next((p for p, _ in _PROFILES.get((carrier, kind), ()) if p.covers(day)), None)


def match_profile(text: str, carrier: str, kind: SenderKind, at: datetime) -> CarrierReading:
    """Read a text by the profile in force at a time (UTC where it names no zone)."""
    day = _day(at)
    for profile, readings in _PROFILES.get((carrier, kind), ()):
        if profile.covers(day):
            return readings.get(_keyword(text, profile.match, readings), _NOTHING)
    return _NOTHING


def _day(at: datetime) -> date:
    return (at if at.tzinfo is None else at.astimezone(UTC)).date()


def match_service(
    opt_out_type: str, by_text: CarrierReading, carrier: str, kind: SenderKind
) -> CarrierReading | None:
    """Read a carrier's own verdict, or None where it says nothing we know.

    A network behind the provider knows nothing of the service's word list: where it acted on the
    same text (toll-free STOP), its layer and its answer stand beside the service's.
    """
    word = _SERVICE.get((carrier, opt_out_type))
    if word is None:
        return None
    rule = f"{carrier}/{kind}/service:{opt_out_type}"
    if word is by_text.word and BlockLayer.NETWORK in by_text.layers:
        return CarrierReading(word, by_text.layers, True, by_text.answer, rule, TABLE.version)
    layers = () if word is CarrierWord.HELP else (BlockLayer.PROVIDER,)
    return CarrierReading(word, layers, True, None, rule, TABLE.version)


def whole_word(text: str) -> str:
    """Give the text as a carrier compares it, or "" where it cannot be a keyword at all."""
    word = text.strip(_WHITE_SPACE)
    return word.upper() if len(word) <= _TEXT_LENGTH_MAX and word.isascii() else ""


def _keyword(text: str, match: Match, readings: dict[str, CarrierReading]) -> str:
    if match is Match.WHOLE:
        return whole_word(text)
    return _first_keyword(text.lstrip(_WHITE_SPACE)[: _TEXT_LENGTH_MAX + 1], readings)


def _first_keyword(start: str, readings: dict[str, CarrierReading]) -> str:
    """Find the keyword a text begins with: the word itself, not the beginning of another."""
    for word in readings:
        head, rest = start[: len(word)], start[len(word) : len(word) + 1]
        if head.isascii() and head.upper() == word and not rest.isalnum():
            return word
    return ""
