"""What the two readers say about a text: plain values, no rules.

The *carrier reader* predicts what the carrier did with a text; the *legal reader* says what the
person meant. They are kept apart because they disagree on purpose: the first must be exact, the
second may only ever widen an opt-out.
"""

from enum import StrEnum

import msgspec


class CarrierWord(StrEnum):
    """The keyword a carrier sees in a text, or none."""

    OPT_OUT = "opt_out"
    OPT_IN = "opt_in"
    HELP = "help"
    NONE = "none"


class LegalMeaning(StrEnum):
    """What a text means for consent.

    `AMBIGUOUS` is said of the text alone; whether it counts depends on the conversation and is
    decided where the conversation is known.
    """

    OPT_OUT = "opt_out"
    WRONG_NUMBER = "wrong_number"
    AMBIGUOUS = "ambiguous"
    NONE = "none"


class Tier(StrEnum):
    """Which part of the legal reader spoke: a lone keyword, a phrase, or neither."""

    KEYWORD = "keyword"
    PHRASE = "phrase"
    NONE = "none"


class SenderKind(StrEnum):
    """The kind of number (or name) we text from."""

    LONG_CODE = "long_code"
    TOLL_FREE = "toll_free"
    SHORT_CODE = "short_code"
    ALPHANUMERIC = "alphanumeric"


class BlockLayer(StrEnum):
    """Who refuses: we ourselves, the provider, or the phone network behind the provider."""

    OURS = "ours"
    PROVIDER = "provider"
    NETWORK = "network"

    __hash__ = str.__hash__
    """An enum's own is slow, and every block is looked up by it."""


class CarrierReading(msgspec.Struct, frozen=True, gc=False):
    """What the carrier did with a text, as far as its published rules tell.

    `layers`: the block layers it sets (opt-out) or lifts (opt-in), else empty.
    `answers`: the carrier itself answers this text, so we must not.
    `answer`: its exact words where they are known; an answer to HELP is not sent while a block
    stands, which this reader cannot know.
    `rule`: profile row and word, for the ledger; None where nothing matched.
    `version`: the edition of the data that was read.
    """

    word: CarrierWord
    layers: tuple[BlockLayer, ...]
    answers: bool
    answer: str | None
    rule: str | None
    version: str


class LegalReading(msgspec.Struct, frozen=True, gc=False):
    """What a person meant by a text.

    `rule`: the row or phrase that matched, for the ledger; None where nothing matched.
    `version`: the edition of the reader and its data.
    """

    meaning: LegalMeaning
    tier: Tier
    rule: str | None
    version: str
