"""Words that somebody vouches for as a person's consent, and that are none."""

from enum import StrEnum
from typing import Final

from consentry.domain.keywords import is_our_help, read_legal
from consentry.domain.reading import LegalMeaning


class NoConsent(StrEnum):
    """Why words that are vouched for are no consent."""

    OPT_OUT = "opt_out"
    UNCLEAR = "unclear"
    HELP = "help"


WHY: Final = {
    NoConsent.OPT_OUT: "an opt-out",
    NoConsent.UNCLEAR: "perhaps an opt-out",
    NoConsent.HELP: "a call for help",
}
"""What such words are instead, for a sentence that says so."""

_BY_MEANING: Final = {
    LegalMeaning.OPT_OUT: NoConsent.OPT_OUT,
    LegalMeaning.WRONG_NUMBER: NoConsent.OPT_OUT,
    LegalMeaning.AMBIGUOUS: NoConsent.UNCLEAR,
}


def find_no_consent(words: str | None) -> NoConsent | None:
    """Say why a person's words are no consent; None where they may be one, or none are known.

    They are read as a text that comes in: whoever vouches for a STOP has taken it for something
    else, and HELP changes nothing (CTIA 5.1.3). No conversation is known around them, so what is
    unclear counts against them.
    """
    if not words:
        return None
    if is_our_help(words):
        return NoConsent.HELP
    return _BY_MEANING.get(read_legal(words).meaning)
