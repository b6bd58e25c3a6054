"""The rows of all languages, compiled: which rule to try on which words."""

from collections.abc import Iterable, Mapping
from datetime import date
from functools import cache

import msgspec

from consentry.domain.folding import fold
from consentry.domain.phrase_grammar import (
    Pattern,
    Sentence,
    Step,
    Words,
    group_phrases,
    parse_pattern,
)
from consentry.domain.reading import LegalMeaning
from consentry.domain.reading_data import read_rows
from consentry.domain.sentences import JOINTS, MENDED, SHARED, STRONG, merge, merge_triggers

LANGUAGES = (
    "en",
    "en_person",
    "es",
    "fr",
    "de",
    "pt",
    "it",
    "nl",
    "sv",
    "pl",
    "vi",
    "zh",
    "ko",
    "tl",
    "ht",
    "ru",
    "ar",
)
_NEAR_WORDS = 3
# Common words, the most common first: their share of texts falls about as their rank.
_COMMONNESS: dict[str, float] = {}
for _rank, _word in enumerate(SHARED.common):
    _COMMONNESS.setdefault(fold(_word), 1 / (_rank + 10))
_RARE = 0.0002
# A letter that seldom stands alone: it may be the last of "s t o p texting me".
SPELLED_TRIGGER = frozenset({"p"})


class GuardRow(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Phrases that undo a match: directly before it, directly after it, or near before it.

    `unless_near` words lift the `near` ones ("he" and "you": they speak to us again).
    """

    before: str | None = None
    after: str | None = None
    near: str | None = None
    unless_near: str | None = None


class RuleRow(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A pattern and what it means; `none` takes what it matches out of the text.

    `beside`: words of which the text has one too, in any of its sentences.
    """

    id: str
    meaning: LegalMeaning
    pattern: str
    guard: str | None = None
    beside: str | None = None


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
    """A compiled rule; `id` names its language and row.

    `needs`: a text that matches has a word of each of these sets, the most telling set first.
    `beside`: one of them, which any sentence of the text may meet; empty where there is none.
    """

    id: str
    meaning: LegalMeaning
    pattern: Pattern
    guard: Guard | None
    needs: tuple[frozenset[str], ...]
    beside: frozenset[str]

    def spans(self, sentence: Sentence) -> list[tuple[int, int]]:
        """Give the matches in a sentence that stand."""
        if self.pattern.firsts and self.pattern.firsts.isdisjoint(sentence.words):
            return []
        # Of the matches from one place the longest counts: what comes after it is judged.
        longest = dict(self.pattern.find(sentence, JOINTS))
        if self.guard is None:
            return list(longest.items())
        return [span for span in longest.items() if self.guard.allows(sentence.words, *span)]


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
    classes = {key: group_phrases(_phrases(text)) for key, text in rows.classes.items()}
    guards = {key: _compile_guard(row) for key, row in rows.guards.items()}
    steps: dict[str, Step] = {}
    rules = []
    for row in rows.rules:
        pattern = parse_pattern(fold(row.pattern), classes, steps)
        guard = None if row.guard is None else guards[row.guard]
        name = f"{rows.language}.{row.id}"
        beside = _singles(_phrases(row.beside))
        needs = _needs(pattern, beside)
        rules.append(Rule(name, row.meaning, pattern, guard, needs, beside))
    return rules


def _needs(pattern: Pattern, beside: frozenset[str]) -> tuple[frozenset[str], ...]:
    """Reduce each required step to the rarest word of each of its phrases, rarest step first.

    What has to stand `beside` is one need more.
    """
    needs = [beside] if beside else []
    needs += [
        frozenset(min(phrase, key=_commonness) for phrase in phrases)
        for phrases in pattern.required()
        if (",",) not in phrases  # the words of a text come without its commas
    ]
    return tuple(sorted(needs, key=lambda words: sum(map(_commonness, words))))


def _commonness(word: str) -> float:
    """Estimate the share of texts that hold a word; a comma tells nothing."""
    return 1 if word == "," else _COMMONNESS.get(word, _RARE)


class Grammar(msgspec.Struct, frozen=True):
    """The rules of all languages, by each word that can make them worth a try."""

    rules_by_key: Mapping[str, tuple[Rule, ...]]
    triggers: frozenset[str]


@cache
def load_grammar() -> Grammar:
    """Compile the rows of all languages: 130 ms once, at the first text that is no keyword."""
    rules_by_key: dict[str, tuple[Rule, ...]] = {}
    for name in LANGUAGES:
        for rule in _compile_file(name):
            for key in rule.needs[0]:
                rules_by_key[key] = (*rules_by_key.get(key, ()), rule)
    keys = frozenset(rules_by_key)
    read = keys | merge_triggers(keys) | STRONG
    slips = frozenset(slip for slip, meant in MENDED.items() if meant in read)
    return Grammar(rules_by_key, read | slips | SPELLED_TRIGGER)
