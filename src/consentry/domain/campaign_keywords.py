"""Keyword campaigns: the word that people text to one of our numbers to ask for a program."""

from datetime import datetime
from typing import Final, Self

import msgspec

WORD_CHARACTERS_MAX: Final = 30
_WHITE_SPACE: Final = " \t\r\n\v\f"


class CampaignKeyword(msgspec.Struct, frozen=True, omit_defaults=True):
    """A word at a sender, and the program that who texts it is asked about.

    `word` is in capitals, as it is compared: the whole text, in any case. `call_to_action` is the
    id of what invites people to text it. One that was removed stays, marked by `removed_at`.
    """

    id: str
    word: str
    sender: str
    program: str
    call_to_action: str | None = None
    removed_at: datetime | None = None

    @classmethod
    def at(cls, sender: str, word: str, program: str, call_to_action: str | None = None) -> Self:
        """Make one: a word is there once at a sender."""
        return cls(keyword_id(sender, word), word, sender, program, call_to_action)


def keyword_id(sender: str, word: str) -> str:
    """Name a word at a sender."""
    return f"{sender} {word}"


def campaign_word(text: str) -> str:
    """Give a text as campaigns compare it: whole, in capitals; "" where it cannot be a word."""
    if len(text) > WORD_CHARACTERS_MAX * 2:
        return ""
    word = text.strip(_WHITE_SPACE)
    return word.upper() if word.isascii() and word.isalnum() else ""
