"""Slips of the finger: what STOP and UNSUBSCRIBE become on a small keyboard."""

import re
from itertools import product
from string import ascii_lowercase, digits

_RUN = re.compile(r"(.)\1+")
_LONG_RUN = re.compile(r"(.)\1{2,}")
_UNSUBSCRIBE = "unsubscribe"
_UNSUBSCRIBE_LENGTHS = range(9, 14)


def one_edit(word: str) -> set[str]:
    """Give every text one slip away: a letter lost, added, replaced, or two swapped.

    A digit stands for a letter as well: the row of digits is next to the upper one.
    """
    splits = [(word[:i], word[i:]) for i in range(len(word) + 1)]
    lost = {a + b[1:] for a, b in splits if b}
    swapped = {a + b[1] + b[0] + b[2:] for a, b in splits if len(b) > 1}
    replaced = {a + c + b[1:] for a, b in splits if b for c in ascii_lowercase + digits}
    added = {a + c + b for a, b in splits for c in ascii_lowercase}
    return (lost | swapped | replaced | added) - {word}


def stretched(word: str) -> set[str]:
    """Give the word with its letters held down for up to four times each."""
    runs = [[letter * times for times in range(1, 5)] for letter in word]
    return {"".join(parts) for parts in product(*runs)} - {word}


def is_stretched(word: str, meant: str) -> bool:
    """Say whether a word is another with letters held down, however long."""
    return word[0] == meant[0] and len(word) > len(meant) and _RUN.sub(r"\1", word) == meant


def without_long_runs(word: str) -> str:
    """Shorten letters held down for three or more to one: no language writes them."""
    return _LONG_RUN.sub(r"\1", word)


def is_nearly_unsubscribe(word: str) -> bool:
    """Say whether a word is at most two slips from UNSUBSCRIBE: people misspell it freely.

    It has to begin as an undoing does, so that SUBSCRIBE and RESUBSCRIBE stay what they are.
    """
    if len(word) not in _UNSUBSCRIBE_LENGTHS or not word.startswith("un"):
        return False
    return _edits(word, _UNSUBSCRIBE) <= 2


def _edits(left: str, right: str) -> int:
    """Count the slips between two short words (Damerau-Levenshtein, adjacent swaps)."""
    before_last: list[int] = []
    last = list(range(len(right) + 1))
    for i, a in enumerate(left, start=1):
        row = [i]
        for j, b in enumerate(right, start=1):
            cost = min(last[j] + 1, row[j - 1] + 1, last[j - 1] + (a != b))
            if i > 1 and j > 1 and a == right[j - 2] and left[i - 2] == b:
                cost = min(cost, before_last[j - 2] + 1)
            row.append(cost)
        before_last, last = last, row
    return last[-1]
