"""Which words a campaign may have: none that a carrier, the law or we ourselves read otherwise."""

from typing import Final

from consentry.domain.campaign_keywords import WORD_CHARACTERS_MAX, campaign_word
from consentry.domain.carrier_profiles import TABLE, Match, Profile
from consentry.domain.keywords import read_legal
from consentry.domain.reading import LegalMeaning

_OURS: Final = frozenset({"START", "UNSTOP", "YES", "HELP", "INFO"})
# The word that campaigns have had for as long as there are any. Vonage takes it for an opt-in too,
# and the campaign asks there as everywhere.
_FREE: Final = frozenset({"JOIN"})
_CHARACTERS_MIN: Final = 2


def find_fault(word: str) -> str | None:
    """Say why a word, as campaigns compare it, cannot be a campaign's; None where it can."""
    if not _CHARACTERS_MIN <= len(word) <= WORD_CHARACTERS_MAX or campaign_word(word) != word:
        return (
            f"a word is {_CHARACTERS_MIN} to {WORD_CHARACTERS_MAX} letters A to Z and digits, "
            "without spaces"
        )
    if word.isdigit():
        return "a number by itself answers questions; take a word"
    if word in _OURS:
        return "it says yes, start or help to us"
    if read_legal(word).meaning is not LegalMeaning.NONE:
        return "it reads as an opt-out, or as unclear"
    for profile in () if word in _FREE else TABLE.profiles:
        taken = _find_taken(word, profile)
        if taken is not None:
            return f"the carrier {profile.carrier} reads it as {taken}"
    return None


def _find_taken(word: str, profile: Profile) -> str | None:
    for row in profile.rows:
        for text in row.texts:
            begins = profile.match is Match.BEGINS_WITH and word.startswith(text)
            if begins or word == text.replace(" ", ""):
                return text
    return None
