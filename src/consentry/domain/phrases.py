"""The phrase tier: wishes said in a sentence, by a grammar of rows for each language.

Every row is tried on every text, because nobody tells us the language. A row of meaning `none`
names words that are *not* the person's wish (our own footer, a telephone's notice); what it
matches is cut out before the others are asked. An opt-out wins over everything else a text says.
"""

from collections.abc import Iterable
from functools import cache

from consentry.domain.lone_words import VERSION
from consentry.domain.phrase_grammar import Sentence, Words
from consentry.domain.phrase_rules import Rule, load_grammar
from consentry.domain.quotes import drop_quoted_lines, is_reaction
from consentry.domain.reading import LegalMeaning, LegalReading, Tier
from consentry.domain.rule_choice import RuleChoice
from consentry.domain.sentences import (
    JOINTS,
    PLAYFUL,
    STRONG,
    STRONG_COMPANY,
    read_sentences,
    words_present,
)

# Stands where a `none` row matched, so that the words on its two sides do not meet.
_CUT = "\N{MIDDLE DOT}"
_RANK = (LegalMeaning.OPT_OUT, LegalMeaning.WRONG_NUMBER, LegalMeaning.AMBIGUOUS)


def read_phrases(cleaned: str, words: list[str]) -> LegalReading | None:
    """Read a cleaned text, whose folded words are given; None where the grammar is silent."""
    grammar = load_grammar()
    if grammar.triggers.isdisjoint(words):
        return None
    present = words_present(words)
    rules = load_choice().choose(present)
    if not rules and STRONG.isdisjoint(present):
        return None
    if is_reaction(cleaned):
        return None
    sentences = _cut(read_sentences(drop_quoted_lines(cleaned)), rules)
    found = _match_rules(sentences, rules)
    if found.get(LegalMeaning.OPT_OUT) is None and not STRONG.isdisjoint(present):
        _add_strong(found, sentences, is_playful=not PLAYFUL.isdisjoint(present))
    for meaning in _RANK:
        if meaning in found:
            return LegalReading(meaning, Tier.PHRASE, found[meaning], VERSION)
    return None


@cache
def load_choice() -> RuleChoice:
    """Lay out the rules of all languages by what they need: once, as the grammar itself."""
    grammar = load_grammar()
    return RuleChoice(
        {rule.id: rule for rules in grammar.rules_by_key.values() for rule in rules}.values()
    )


def _cut(sentences: list[Sentence], rules: Iterable[Rule]) -> list[Sentence]:
    """Take out what the `none` rows match."""
    for rule in rules:
        if rule.meaning is LegalMeaning.NONE:
            sentences = [_cut_sentence(sentence, rule) for sentence in sentences]
    return sentences


def _cut_sentence(sentence: Sentence, rule: Rule) -> Sentence:
    spans = rule.spans(sentence)
    if not spans:
        return sentence
    cut = {place for start, end in spans for place in range(start, end)}
    words = tuple(_CUT if place in cut else word for place, word in enumerate(sentence.words))
    return Sentence(words, sentence.names - cut)


def _match_rules(sentences: list[Sentence], rules: Iterable[Rule]) -> dict[LegalMeaning, str]:
    """Give, for each meaning that is found, the first rule that found it."""
    found: dict[LegalMeaning, str] = {}
    for rule in rules:
        if rule.meaning is LegalMeaning.NONE or rule.meaning in found:
            continue
        if any(rule.spans(sentence) for sentence in sentences):
            found[rule.meaning] = rule.id
            if rule.meaning is LegalMeaning.OPT_OUT:
                break
    return found


def _add_strong(
    found: dict[LegalMeaning, str], sentences: list[Sentence], *, is_playful: bool
) -> None:
    """Read a strong word that is a sentence or a clause of its own ("stop. thank you").

    At the end of a sentence it stands for itself. Before a comma it may be an exclamation
    ("Stop, you are too kind"), unless the rest says something of the kind too.
    """
    clauses = [_clauses(sentence.words) for sentence in sentences]
    whole = [[word for word in sentence.words if word != ","] for sentence in sentences]
    closing = any(map(_is_strong, [*whole, *(parts[-1] for parts in clauses)]))
    if not closing and not any(_is_strong(parts[0]) for parts in clauses):
        return
    if (closing or found) and not is_playful:
        found[LegalMeaning.OPT_OUT] = "any.strong_word"
    else:
        found.setdefault(LegalMeaning.AMBIGUOUS, "any.strong_word_in_doubt")


def _clauses(words: Words) -> list[list[str]]:
    """Split a sentence at its commas; what is only politeness is no clause."""
    parts: list[list[str]] = [[]]
    for word in words:
        if word == ",":
            parts.append([])
        else:
            parts[-1].append(word)
    return [part for part in parts if not JOINTS.polite.issuperset(part)] or [[]]


def _is_strong(clause: list[str]) -> bool:
    return not STRONG.isdisjoint(clause) and STRONG_COMPANY.issuperset(clause)
