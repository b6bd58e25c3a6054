"""Cut out what the person did not write: signatures, reactions, and copies of older texts.

A reaction arrives as a text that quotes ours (`Liked "… Reply STOP to end"`); a quoted line
starts with ">". Neither says anything about consent.
"""

import re
from datetime import date

import msgspec

from consentry.domain.folding import fold
from consentry.domain.reading_data import read_rows

_DASHED_NAME_WORDS_MAX = 3


class Openers(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How lines begin that somebody's phone wrote."""

    source: str
    checked_on: date
    signatures: tuple[str, ...]
    reactions: tuple[str, ...]


_OPENERS = read_rows("quotes.json", Openers)
_SIGNATURES = tuple(fold(opener) for opener in _OPENERS.signatures)
_QUOTE = re.compile('["\u201c\u201e\u00ab\u300c]')
_REACTION = re.compile(
    r"\s*(?:(?:{})(?=\W)|[^\w\s\"]+ (?:to|a|auf|su)\b)[^\"\u201c\u201e\u00ab\u300c]*"
    r"[\"\u201c\u201e\u00ab\u300c].*[\"\u201d\u201c\u00bb\u300d\u2026.]\s*".format(
        "|".join(re.escape(fold(opener)) for opener in _OPENERS.reactions)
    ),
    re.DOTALL,
)


def drop_signature(text: str) -> str:
    """Cut a text where a line begins that is a signature ("Sent from my iPhone", "-- ").

    A signature stands below what was written: "-STOP" below nothing is what was written.
    """
    lines = text.splitlines(keepends=True)
    is_below = False
    for number, line in enumerate(lines):
        folded = fold(line).strip()
        if is_below and _is_signature(folded):
            return "".join(lines[:number])
        is_below = is_below or any(map(str.isalnum, folded))
        place = folded.find(" sent from my ")
        if place > 0:
            return "".join([*lines[:number], folded[:place]])
    return text


def _is_signature(folded: str) -> bool:
    if folded.startswith(_SIGNATURES):
        return True
    return folded.startswith("-") and len(folded.split()) <= _DASHED_NAME_WORDS_MAX


def is_reaction(text: str) -> bool:
    """Say whether a text is a reaction that quotes an earlier one."""
    return _QUOTE.search(text) is not None and _REACTION.fullmatch(fold(text)) is not None


def drop_quoted_lines(text: str) -> str:
    """Drop the lines of an older text that a mail-like answer repeats."""
    if ">" not in text:
        return text
    return "\n".join(line for line in text.split("\n") if not line.lstrip().startswith(">"))
