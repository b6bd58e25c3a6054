"""A small grammar over words: patterns that read like the phrases they match.

A pattern is a row of steps, separated by spaces:

    word            that word                       a|b        one of these words
    <name>          one phrase of a named class     <who>      a word that looks like a name
    <name>|a|<who>  any of these                    a|$        the word, or a clause ends here
    step?           it may be missing               step*      none to four of it
    ..3             up to three words of any kind
    ^               a clause starts here            $          a clause ends here

A clause starts and ends at punctuation, at words such as "and" or "because", and politeness
around it is skipped: `$` holds before "please", "now" or "thank you". Everything is folded
(lower case, no accents), so patterns are written that way too.
"""

from collections.abc import Iterable, Mapping
from enum import Enum
from typing import assert_never

import msgspec

_REPEATS_MAX = 4
_NAME = "<who>"
_END = "$"

Words = tuple[str, ...]


class Sentence(msgspec.Struct, frozen=True):
    """The folded words of one sentence ("," ends a clause) and the places that look like names."""

    words: Words
    names: frozenset[int]


class Joints(msgspec.Struct, frozen=True):
    """The words that join clauses and the polite ones that are skipped at their edges."""

    joining: frozenset[str]
    polite: frozenset[str]

    def starts_clause(self, words: Words, place: int) -> bool:
        """Say whether a clause starts at `place`."""
        while place > 0 and words[place - 1] in self.polite:
            place -= 1
        return place == 0 or words[place - 1] in self.joining

    def ends_clause(self, words: Words, place: int) -> bool:
        """Say whether a clause ends at `place`."""
        while place < len(words) and words[place] in self.polite:
            place += 1
        return place == len(words) or words[place] in self.joining


class Kind(Enum):
    """What a step looks at."""

    PHRASE = "phrase"
    NAME = "name"
    GAP = "gap"
    START = "start"
    END = "end"


class Step(msgspec.Struct, frozen=True):
    """One step of a pattern: between `least` and `most` times one of `phrases`.

    `or_name`: a word that looks like a name will do as well; `or_end`: so will a clause's end.
    """

    kind: Kind
    phrases: Mapping[str, tuple[Words, ...]] = {}  # grouped by first word
    least: int = 1
    most: int = 1
    or_name: bool = False
    or_end: bool = False

    @property
    def is_open(self) -> bool:
        """Whether it matches without any of its phrases."""
        return self.or_name or self.or_end

    def once(self, sentence: Sentence, place: int, joints: Joints) -> Iterable[int]:
        """Give the places after this step was taken once at `place`."""
        words = sentence.words
        match self.kind:
            case Kind.PHRASE:
                return self._after_phrase(sentence, place, joints)
            case Kind.NAME:
                return (place + 1,) if place in sentence.names else ()
            case Kind.GAP:
                return (place + 1,) if place < len(words) and words[place] != "," else ()
            case Kind.START:
                return (place,) if joints.starts_clause(words, place) else ()
            case Kind.END:
                return (place,) if joints.ends_clause(words, place) else ()
            case _:
                assert_never(self.kind)

    def _after_phrase(self, sentence: Sentence, place: int, joints: Joints) -> list[int]:
        words = sentence.words
        found = self.phrases.get(words[place], ()) if place < len(words) else ()
        ends = [place + len(p) for p in found if words[place : place + len(p)] == p]
        if self.or_name and place in sentence.names:
            ends.append(place + 1)
        if self.or_end and joints.ends_clause(words, place):
            ends.append(place)
        return ends

    def advance(self, sentence: Sentence, places: set[int], joints: Joints) -> set[int]:
        """Give every place this step leads to from any of `places`."""
        reached = set(places) if self.least == 0 else set()
        for _ in range(self.most):
            places = {end for place in places for end in self.once(sentence, place, joints)}
            if not places:
                break
            reached |= places
        return reached


class Pattern(msgspec.Struct, frozen=True):
    """A compiled pattern.

    `firsts`: the words it can begin with; empty means any place.
    """

    steps: tuple[Step, ...]
    firsts: frozenset[str]

    def required(self) -> Iterable[list[Words]]:
        """Yield the phrases of each step that a match cannot do without."""
        for step in self.steps:
            if step.kind is Kind.PHRASE and step.least and not step.is_open:
                yield [phrase for group in step.phrases.values() for phrase in group]

    def find(self, sentence: Sentence, joints: Joints) -> Iterable[tuple[int, int]]:
        """Yield the spans (start, end) of this pattern in a sentence."""
        for start, word in enumerate(sentence.words):
            if self.firsts and word not in self.firsts:
                continue
            places = {start}
            for step in self.steps:
                places = step.advance(sentence, places, joints)
                if not places:
                    break
            for end in sorted(places):
                yield start, end


# Phrases by their first word.
Phrases = Mapping[str, tuple[Words, ...]]


def group_phrases(phrases: Iterable[Words]) -> Phrases:
    """Group phrases by their first word, as a step looks them up."""
    grouped: dict[str, tuple[Words, ...]] = {}
    for phrase in phrases:
        grouped[phrase[0]] = (*grouped.get(phrase[0], ()), phrase)
    return grouped


def parse_pattern(
    text: str, classes: Mapping[str, Phrases], known: dict[str, Step] | None = None
) -> Pattern:
    """Compile a pattern; a class it does not know is a KeyError, which stops the start.

    `known`: the steps of the patterns before, which share them; new ones are added.
    """
    known = {} if known is None else known
    parts = text.split()
    for part in parts:
        if part not in known:
            known[part] = _parse_step(part, classes)
    steps = tuple([known[part] for part in parts])
    return Pattern(steps, _first_words(steps))


def _parse_step(part: str, classes: Mapping[str, Phrases]) -> Step:
    fixed = {"^": Kind.START, _END: Kind.END, _NAME: Kind.NAME}
    if part.rstrip("?") in fixed:
        return Step(fixed[part.rstrip("?")], least=0 if part[-1] == "?" else 1)
    if part.startswith(".."):
        return Step(Kind.GAP, least=0, most=int(part[2:]))
    least = 0 if part[-1] in "?*" else 1
    most = _REPEATS_MAX if part[-1] in "*+" else 1
    choices = part.rstrip("?*+").split("|")
    phrases = [phrase for choice in choices for phrase in _parse_choice(choice, classes)]
    return Step(Kind.PHRASE, group_phrases(phrases), least, most, _NAME in choices, _END in choices)


def _parse_choice(choice: str, classes: Mapping[str, Phrases]) -> Iterable[Words]:
    if choice in {_NAME, _END}:
        return ()
    if choice[0] != "<":
        return ((choice,),)
    return (phrase for group in classes[choice[1:-1]].values() for phrase in group)


def _first_words(steps: Iterable[Step]) -> frozenset[str]:
    """Give the words a match can begin with, or nothing where it can begin with any."""
    firsts: set[str] = set()
    for step in steps:
        if step.kind is Kind.START:
            continue
        if step.kind is not Kind.PHRASE or step.is_open:
            return frozenset()
        firsts.update(step.phrases)
        if step.least:
            break
    return frozenset(firsts)
