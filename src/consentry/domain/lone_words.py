"""The keyword tier: texts that are one word (or a set phrase written as one) and nothing else.

Punctuation, emoji, white space, hyphens, case and accents around and inside a keyword make no
difference, and STOP and UNSUBSCRIBE are known by their misspellings too. Set phrases that *may*
mean an opt-out ("no thanks", "who is this") are kept here as well, since they count only alone.
"""

from datetime import date

import msgspec

from consentry.domain.folding import clean, split_words
from consentry.domain.reading import LegalMeaning, LegalReading, Tier
from consentry.domain.reading_data import read_rows
from consentry.domain.slips import (
    is_nearly_unsubscribe,
    is_stretched,
    one_edit,
    stretched,
    without_long_runs,
)

# The longest row has fewer words (a Chinese character is a word).
_WORDS_MAX = 12
_WORD_LENGTH_MAX = 200


class WordGroup(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Words of one language, with where they come from and from when on they count."""

    language: str
    since: date | None
    checked_on: date
    source: str
    words: tuple[str, ...]


class Decorations(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Politeness that may stand around a set phrase without changing it."""

    before: tuple[str, ...]
    after: tuple[str, ...]


class Symbols(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Signs that say something without a word."""

    source: str
    checked_on: date
    signs: tuple[str, ...]


class Typos(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Words near STOP or UNSUBSCRIBE that are words of their own."""

    source: str
    checked_on: date
    words_of_their_own: tuple[str, ...]


class LoneWords(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """All rows of the keyword tier; `version` is the edition of all the legal reader's data."""

    version: str
    opt_out: tuple[WordGroup, ...]
    ambiguous: tuple[WordGroup, ...]
    decorations: Decorations
    symbols: Symbols
    typos: Typos


TABLE = read_rows("lone_words.json", LoneWords)
VERSION = TABLE.version

Words = tuple[str, ...]

_OWN = frozenset(TABLE.typos.words_of_their_own)


def _folded(phrase: str) -> Words:
    return tuple(split_words(clean(phrase)))


def _build_opt_outs(groups: tuple[WordGroup, ...]) -> dict[str, str]:
    """Map every keyword, written as one word, to its rule; the first group that has it wins."""
    rules: dict[str, str] = {}
    for group in groups:
        for phrase in group.words:
            rules.setdefault("".join(_folded(phrase)), f"keyword:{group.language}:{phrase}")
    return rules


def _build_unclear(groups: tuple[WordGroup, ...]) -> dict[Words, str]:
    """Map the words of every set phrase to its rule; the first group that has it wins."""
    rules: dict[Words, str] = {}
    for group in groups:
        for phrase in group.words:
            rules.setdefault(_folded(phrase), f"unclear:{group.language}:{phrase}")
    return rules


_OPT_OUT = _build_opt_outs(TABLE.opt_out)
_UNCLEAR = _build_unclear(TABLE.ambiguous)
_BEFORE = frozenset(_folded(phrase) for phrase in TABLE.decorations.before)
_AFTER = frozenset(_folded(phrase) for phrase in TABLE.decorations.after)
_EDGES = frozenset({phrase[0] for phrase in _BEFORE} | {phrase[-1] for phrase in _AFTER})
_DECORATION_WORDS_MAX = max(map(len, _BEFORE | _AFTER))
# Every slip that is not a word of its own (nor another keyword), and the word that was meant.
SLIPS = {
    slip: meant
    for meant, slips in (
        ("stop", one_edit("stop") | stretched("stop")),
        ("unsubscribe", one_edit("unsubscribe")),
    )
    for slip in slips - _OWN - _OPT_OUT.keys()
}


def read_lone_words(words: list[str]) -> LegalReading | None:
    """Read folded words as a keyword or a set phrase; None where they are neither."""
    if not 0 < len(words) <= _WORDS_MAX:
        return None
    rule = _OPT_OUT.get("".join(words))
    if rule is None and len(words) == 1:
        rule = _read_misspelt(words[0])
    if rule is not None:
        return LegalReading(LegalMeaning.OPT_OUT, Tier.KEYWORD, rule, VERSION)
    rule = _UNCLEAR.get(tuple(words)) or _read_decorated(tuple(words))
    if rule is None:
        return None
    return LegalReading(LegalMeaning.AMBIGUOUS, Tier.PHRASE, rule, VERSION)


def _read_decorated(words: Words) -> str | None:
    """Look a set phrase up without the politeness at its beginning and end."""
    if len(words) == 1 or (words[0] not in _EDGES and words[-1] not in _EDGES):
        return None
    while words[:1] in _BEFORE:
        words = words[1:]
    for length in range(_DECORATION_WORDS_MAX, 0, -1):
        if words[-length:] in _AFTER:
            words = words[:-length]
    return _UNCLEAR.get(words)


def read_signs(text: str) -> LegalReading | None:
    """Read a text without any word: a lone stop sign is unclear, the rest says nothing."""
    for sign in TABLE.symbols.signs:
        if sign in text:
            rule = f"sign:U+{ord(sign):X}"
            return LegalReading(LegalMeaning.AMBIGUOUS, Tier.PHRASE, rule, VERSION)
    return None


def _read_misspelt(word: str) -> str | None:
    if word in _OWN or len(word) > _WORD_LENGTH_MAX:
        return None
    if word in SLIPS:
        return f"typo:{SLIPS[word]}"
    for meant in ("stop", "unsubscribe"):
        if is_stretched(word, meant):
            return f"typo:{meant}"
    if is_nearly_unsubscribe(word):
        return "typo:unsubscribe"
    return _OPT_OUT.get(without_long_runs(word))
