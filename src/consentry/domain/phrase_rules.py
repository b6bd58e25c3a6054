"""The rows of all languages, compiled: which rule to try on which words."""

from collections.abc import Iterable
from datetime import date

import msgspec

from consentry.domain.folding import fold
from consentry.domain.phrase_grammar import (
    Classes,
    Pattern,
    Sentence,
    Words,
    parse_classes,
    parse_pattern,
)
from consentry.domain.reading import LegalMeaning
from consentry.domain.reading_data import read_rows
from consentry.domain.sentences import JOINTS, merge

LANGUAGES = ("en", "en_person")
_NEAR_WORDS = 3


class GuardRow(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Phrases that undo a match: directly before it, directly after it, or near before it.

    `unless_near` words lift the `near` ones ("he" and "you": they speak to us again).
    """

    before: str | None = None
    after: str | None = None
    near: str | None = None
    unless_near: str | None = None


class RuleRow(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A pattern and what it means; `none` takes what it matches out of the text."""

    id: str
    meaning: LegalMeaning
    pattern: str
    guard: str | None = None


class PhraseFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The grammar of one language, with where it comes from and from when on it counts."""

    language: str
    since: date | None
    checked_on: date
    source: str
    classes: dict[str, str]
    guards: dict[str, GuardRow]
    rules: tuple[RuleRow, ...]


class Guard(msgspec.Struct, frozen=True):
    """A compiled guard."""

    before: frozenset[Words]
    after: frozenset[Words]
    near: frozenset[str]
    unless_near: frozenset[str]
    reach: int

    def allows(self, words: Words, start: int, end: int) -> bool:
        """Say whether a match from `start` to `end` stands."""
        for length in range(1, self.reach + 1):
            if words[max(0, start - length) : start] in self.before:
                return False
            if words[end : end + length] in self.after:
                return False
        near = words[max(0, start - _NEAR_WORDS) : start]
        return self.near.isdisjoint(near) or not self.unless_near.isdisjoint(near)


class Rule(msgspec.Struct, frozen=True):
    """A compiled rule; `id` names its language and row."""

    id: str
    meaning: LegalMeaning
    pattern: Pattern
    guard: Guard | None

    def spans(self, sentence: Sentence) -> list[tuple[int, int]]:
        """Give the matches in a sentence that stand."""
        found = self.pattern.find(sentence, JOINTS)
        if self.guard is None:
            return list(found)
        return [span for span in found if self.guard.allows(sentence.words, *span)]


def _compile_guard(row: GuardRow) -> Guard:
    before, after, near, unless_near = (
        frozenset(_phrases(text)) for text in (row.before, row.after, row.near, row.unless_near)
    )
    reach = max((len(phrase) for phrase in before | after), default=0)
    return Guard(before, after, _singles(near), _singles(unless_near), reach)


def _phrases(text: str | None) -> list[Words]:
    if text is None:
        return []
    return [merge(tuple(fold(phrase).split())) for phrase in text.split("|")]


def _singles(phrases: Iterable[Words]) -> frozenset[str]:
    return frozenset(word for phrase in phrases for word in phrase)


def _compile_file(name: str) -> list[Rule]:
    rows = read_rows(f"phrases_{name}.json", PhraseFile)
    classes: Classes = {
        key: tuple(merge(phrase) for phrase in phrases)
        for key, phrases in parse_classes({k: fold(v) for k, v in rows.classes.items()}).items()
    }
    guards = {key: _compile_guard(row) for key, row in rows.guards.items()}
    return [
        Rule(
            f"{rows.language}.{row.id}",
            row.meaning,
            parse_pattern(fold(row.pattern), classes),
            None if row.guard is None else guards[row.guard],
        )
        for row in rows.rules
    ]


RULES = tuple(rule for name in LANGUAGES for rule in _compile_file(name))
RULES_BY_KEY: dict[str, list[Rule]] = {}
for _rule in RULES:
    for _key in _rule.pattern.keys:
        RULES_BY_KEY.setdefault(_key, []).append(_rule)
