"""Sentences as the phrase grammar reads them: folded, contracted, slips mended, names marked."""

from datetime import date
from functools import lru_cache

import msgspec

from consentry.domain.folding import fold, split_sentences
from consentry.domain.lone_words import SLIPS
from consentry.domain.phrase_grammar import Joints, Sentence, Words
from consentry.domain.reading_data import read_rows
from consentry.domain.slips import one_edit, without_long_runs

# Shorter slips are words somewhere (STO is a hundred in Polish, STP is please in French).
_SLIP_LENGTH_MIN = 4
_LOCAL_DIGITS = 7
_NATIONAL_DIGITS_MIN = 10
_SPELLED = frozenset("stop")
_WORDS_KNOWN_MAX = 1 << 15
THIS_NUMBER = ("this", "number")


class Misspelt(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Words that are known one slip away too, and what people write for others on purpose.

    `meant`: the words. `words_of_their_own`: slips of them that are words of some language.
    `short`: what is written for what.
    """

    meant: tuple[str, ...]
    words_of_their_own: tuple[str, ...]
    short: dict[str, str]


class SharedWords(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Words that the grammars of all languages share.

    `joining`: end a clause, as punctuation does. `polite`: skipped at the edges of a clause.
    `strong`: mean an opt-out as a sentence of their own; `beside_strong` may stand with them.
    `playful`: make a strong word doubtful. `merged`: two words that are read as one.
    `common`: the commonest words of all languages, the most common first.
    `names`: first names known in lower case; `no_names`: words that no capital makes a name.
    `misspelt`: words that are read for what they are nearly.
    """

    source: str
    checked_on: date
    joining: tuple[str, ...]
    polite: tuple[str, ...]
    strong: tuple[str, ...]
    beside_strong: tuple[str, ...]
    playful: tuple[str, ...]
    merged: dict[str, str]
    common: tuple[str, ...]
    names: tuple[str, ...]
    no_names: tuple[str, ...]
    misspelt: Misspelt


SHARED = read_rows("phrases_shared.json", SharedWords)
JOINTS = Joints(frozenset(map(fold, SHARED.joining)), frozenset(map(fold, SHARED.polite)))
STRONG = frozenset(map(fold, SHARED.strong))
PLAYFUL = frozenset(map(fold, SHARED.playful))
# What a clause around a strong word may hold without becoming more than that word.
STRONG_COMPANY = STRONG | JOINTS.polite | PLAYFUL | frozenset(map(fold, SHARED.beside_strong))
_OWN = frozenset(SHARED.misspelt.words_of_their_own) | set(SHARED.misspelt.meant)
MENDED = {
    **{slip: meant for meant in SHARED.misspelt.meant for slip in one_edit(meant) - _OWN},
    **{slip: meant for slip, meant in SLIPS.items() if len(slip) >= _SLIP_LENGTH_MIN},
    **SHARED.misspelt.short,
}
_NAMES = frozenset(SHARED.names)
_NO_NAMES = frozenset(map(fold, (*SHARED.no_names, *SHARED.common)))
_MERGED = {tuple(pair.split()): whole for pair, whole in SHARED.merged.items()}
# By the longer, which is the rarer, of the two words.
_MERGED_BY_WORD: dict[str, list[tuple[Words, str]]] = {}
for _pair, _whole in _MERGED.items():
    _MERGED_BY_WORD.setdefault(max(_pair, key=len), []).append((_pair, _whole))


def read_sentences(cleaned: str) -> list[Sentence]:
    """Split a cleaned text into sentences."""
    return [_read_sentence(written) for written in split_sentences(cleaned)]


def merge(words: Words) -> Words:
    """Read two words as the one they are short for ("do not", "opt out")."""
    return tuple(word for word, _ in _merge([(word, False) for word in words]))


def mend(word: str) -> str:
    """Give the word that was meant where a slip of the finger is plain, or a letter held down."""
    if word in MENDED:
        return MENDED[word]
    return word if len(word) < _SLIP_LENGTH_MIN else without_long_runs(word)


def is_number(word: str) -> bool:
    """Say whether a word is a phone number (8 digits are a date); it is read as "this number"."""
    return word.isdigit() and (len(word) == _LOCAL_DIGITS or len(word) >= _NATIONAL_DIGITS_MIN)


def words_present(words: list[str]) -> set[str]:
    """Give every word that the sentences of a text may hold once they are read.

    More is allowed (words merge in any order here), fewer never: rules are chosen by it.
    """
    present = set(words)
    for word in words:
        present.update(_list_readings(word))
    if present >= _SPELLED:
        present.add("stop")
    for word in _MERGED_BY_WORD.keys() & present:
        pairs = _MERGED_BY_WORD[word]
        present.update(
            [part for pair, whole in pairs if present.issuperset(pair) for part in whole.split()]
        )
    return present


@lru_cache(_WORDS_KNOWN_MAX)
def _list_readings(word: str) -> Words:
    """Give what else a word may be read as: people use few words, so each is looked at once."""
    if is_number(word):
        return THIS_NUMBER
    mended = mend(word)
    return () if mended == word else (mended,)


def merge_triggers(keys: frozenset[str]) -> frozenset[str]:
    """Give, for every merged word among `keys`, the rarer of the words it is made of."""
    return frozenset(
        word for word, pairs in _MERGED_BY_WORD.items() if any(whole in keys for _, whole in pairs)
    )


def _read_sentence(written: list[str]) -> Sentence:
    marked: list[tuple[str, bool]] = []
    for word in written:
        marked.extend(_read_word(word))
    marked = _merge(marked)
    names = frozenset([place for place, (_, is_name) in enumerate(marked) if is_name])
    return Sentence(tuple([word for word, _ in marked]), names)


@lru_cache(_WORDS_KNOWN_MAX)
def _read_word(written: str) -> tuple[tuple[str, bool], ...]:
    """Read a word as it was written: what it is in the grammar, and whether it may be a name."""
    if is_number(written):
        return tuple((part, False) for part in THIS_NUMBER)
    return ((mend(fold(written)), _is_name(written)),)


def _merge(marked: list[tuple[str, bool]]) -> list[tuple[str, bool]]:
    merged: list[tuple[str, bool]] = []
    for word, is_name in marked:
        whole = _MERGED.get((merged[-1][0], word)) if merged else None
        if whole is None:
            merged.append((word, is_name))
        else:
            merged[-1:] = [(part, False) for part in whole.split()]
    return merged


def _is_name(written: str) -> bool:
    """Say whether a word looks like a person's name: a known one, or a capitalised stranger."""
    folded = fold(written)
    if folded in _NO_NAMES:
        return False
    capitalised = len(written) > 1 and written[0].isupper() and written[1:].islower()
    return capitalised or folded in _NAMES or (folded[-1:] == "s" and folded[:-1] in _NAMES)
