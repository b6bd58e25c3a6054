"""The two readers of a text: what the carrier did with it, and what the person meant.

`read_carrier` predicts exactly and narrowly; `read_legal` is wide and only ever widens opting
out. Opting in is never widened: our own list is matched as exactly as a carrier matches its own.
"""

from datetime import datetime

from consentry.domain.carrier_profiles import match_profile, match_service, whole_word
from consentry.domain.folding import clean, split_words
from consentry.domain.lone_words import VERSION, read_lone_words, read_signs
from consentry.domain.phrases import read_phrases
from consentry.domain.quotes import drop_signature
from consentry.domain.reading import (
    CarrierReading,
    LegalMeaning,
    LegalReading,
    SenderKind,
    Tier,
)

_OUR_OPT_IN = frozenset({"START", "UNSTOP", "YES"})
_OUR_HELP = frozenset({"HELP", "INFO"})
NOTHING = LegalReading(LegalMeaning.NONE, Tier.NONE, None, VERSION)


def read_carrier(
    text: str, *, carrier: str, kind: SenderKind, at: datetime, opt_out_type: str | None = None
) -> CarrierReading:
    """Predict what a carrier did with a text that reached a sender of this kind at this time.

    `at`: when the carrier took the text (UTC where it names no zone); the profile in force then is
    used. `opt_out_type`: the carrier's own verdict from its webhook, which wins over the
    prediction. A carrier or kind without a profile gives no word and no answer.
    """
    by_text = match_profile(text, carrier, kind, at)
    if not opt_out_type:
        return by_text
    return match_service(opt_out_type, by_text, carrier, kind) or by_text


def is_our_opt_in(text: str) -> bool:
    """Say whether a text lifts a block that is ours alone: START, UNSTOP or YES and no more."""
    return whole_word(text) in _OUR_OPT_IN


def is_our_help(text: str) -> bool:
    """Say whether a text is HELP or INFO and no more: it changes no consent."""
    return whole_word(text) in _OUR_HELP


def read_legal(text: str) -> LegalReading:
    """Say what a person meant by a text. Total: any text gives a reading, never an error.

    The keyword tier is asked first, then the phrase tier; the first 4,096 characters are read.
    """
    cleaned = clean(text)
    if "\n" in cleaned or "ent from " in cleaned:
        written = drop_signature(cleaned)
        # Whoever signs with "-STOP" is not named so.
        signed = read_lone_words(split_words(cleaned.removeprefix(written)))
        if signed is not None and signed.meaning is LegalMeaning.OPT_OUT:
            return signed
        cleaned = written
    words = split_words(cleaned)
    if not words:
        return read_signs(text) or NOTHING
    return read_lone_words(words) or read_phrases(cleaned, words) or NOTHING
