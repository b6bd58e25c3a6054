"""Texts as grams: the one, two and three characters that stand together in them.

Whatever contains a word contains the word's grams, so that an index of grams finds all texts that
may contain it. Digits also go by four: numbers are long and their threes are common.
"""

from typing import Final

_GRAMS_ASKED_FOR_MAX: Final = 6
"""More grams of one word tell little more, and each costs."""

_SINGLES: Final = {code: 0xE000 + code for code in range(128) if not chr(code).isalnum()}
"""The index takes ASCII signs and spaces for gaps, so each has a letter of its own here."""


def write_grams(text: str) -> str:
    """Write the grams of a text as the index takes them; a line is a text of its own."""
    lines = sorted(set(text.translate(_SINGLES).split(_NEWLINE)), key=len, reverse=True)
    kept: list[str] = []
    for line in lines:
        if not any(line in longer for longer in kept):
            kept.append(line)
    return " ".join(map(_grams_of, kept))


def _grams_of(line: str) -> str:
    places = range(len(line))
    grams = [line[i : i + n] for n in (1, 2, 3) for i in places[: len(line) - n + 1]]
    if any(map(str.isdigit, line)):
        grams += filter(_is_digits, (line[i : i + 4] for i in places[:-3]))
    return " ".join(grams)


def ask_for(words: str) -> str:
    """Write what SQLite's index is asked, to find every text that may contain the words."""
    return " AND ".join(f'"{gram}"' for gram in choose_grams(words))


def choose_grams(words: str) -> list[str]:
    """Choose grams that every text which contains the words has; no words have none."""
    grams = [gram for line in words.translate(_SINGLES).split(_NEWLINE) for gram in _longest(line)]
    unlike = list(dict.fromkeys(grams))
    if len(unlike) > _GRAMS_ASKED_FOR_MAX:
        step = (len(unlike) - 1) / (_GRAMS_ASKED_FOR_MAX - 1)
        unlike = [unlike[round(place * step)] for place in range(_GRAMS_ASKED_FOR_MAX)]
    return unlike


def _longest(line: str) -> list[str]:
    """Cut a line into the longest grams that every text which contains it has."""
    length = min(len(line), 4 if _is_digits(line) else 3)
    return [line[place : place + length] for place in range(len(line) - length + 1) if length]


def _is_digits(text: str) -> bool:
    return text.isascii() and text.isdigit()


_NEWLINE: Final = chr(_SINGLES[ord("\n")])
