"""The try-it box: what the two readers say about a text, and what would come of it.

Everything is asked of the functions that decide about real texts; nothing is stored.
"""

from typing import Final

import msgspec

from consentry.actions.receive_message import word_answer
from consentry.console.card import find_state
from consentry.console.settings.who_answers import Desk
from consentry.domain.consent import (
    PairState,
    SignalKind,
    Text,
    decide_move,
    pair_state,
    read_signal,
)
from consentry.domain.directory import Directory
from consentry.domain.gate import MessageKind
from consentry.domain.keywords import read_carrier, read_legal
from consentry.domain.policy import Policy
from consentry.domain.reading import (
    CarrierReading,
    CarrierWord,
    LegalMeaning,
    LegalReading,
    SenderKind,
    Tier,
)
from consentry.domain.standing import Standing, apply_pieces

TEXT_CHARACTERS_MAX: Final = 1600
EXAMPLES: Final = (
    "STOP",
    "Stop.",
    "please stop texting me",
    "stpo",
    "START",
    "YES",
    "HELP",
    "no",
    "wrong number",
    "stop by the shop tomorrow",
    "please cancel my order",
    "ALTO",
)
_CARRIER_SAYS: Final = {
    CarrierWord.OPT_OUT: "An opt-out keyword.",
    CarrierWord.OPT_IN: "An opt-in keyword.",
    CarrierWord.HELP: "A request for help.",
    CarrierWord.NONE: "Nothing. It passes the text on and does no more.",
}
_MEANS: Final = {
    LegalMeaning.OPT_OUT: "The person opts out.",
    LegalMeaning.WRONG_NUMBER: "The number is not theirs: the whole brand lets it alone.",
    LegalMeaning.AMBIGUOUS: "Unclear. Where no conversation runs, it waits to be reviewed.",
    LegalMeaning.NONE: "No opt-out: an ordinary text.",
}
_TIERS: Final = {
    Tier.KEYWORD: "A lone word.",
    Tier.PHRASE: "A phrase in plain words.",
    Tier.NONE: "",
}
_SIGNALS: Final = {
    SignalKind.OPT_OUT: "Opt-out",
    SignalKind.OPT_IN: "Opt-in",
    SignalKind.HELP: "Request for help",
    SignalKind.PLAIN_TEXT: "Ordinary text",
    SignalKind.UNCLEAR: "To be reviewed",
    SignalKind.SCOPE_ANSWER: "Answer to our question",
}


class Told(msgspec.Struct, frozen=True):
    """What a reader says: in words, and by which rule of which edition."""

    says: str
    why: str
    rule: str | None
    version: str


class Outcome(msgspec.Struct, frozen=True):
    """What would come of the text for a person who stands with the sender in some way.

    `how` tells how they came to stand so, where it makes a difference.
    """

    before: PairState
    how: str
    after: PairState
    counts_as: str
    answered_by: str
    answer: str | None
    by_carrier: bool


class Tryout(msgspec.Struct, frozen=True):
    """Everything the box shows about a text."""

    carrier: Told
    legal: Told
    outcomes: tuple[Outcome, ...]


def try_text(body: str, desk: Desk, directory: Directory, policy: Policy) -> Tryout:
    """Read a text as if a person had texted it to the sender now."""
    text = _read(body, desk)
    return Tryout(
        carrier=_tell_carrier(text.carrier, desk),
        legal=_tell_legal(text.legal),
        outcomes=tuple(
            _play(text, one, desk, (directory, policy))
            for one in _standings(desk, directory, policy)
        ),
    )


def _read(body: str, desk: Desk) -> Text:
    kind = desk.sender.kind
    carrier = read_carrier(body, carrier=desk.carrier, kind=kind, at=desk.at)
    return Text(body=body, at=desk.at, carrier=carrier, legal=read_legal(body))


def _standings(
    desk: Desk, directory: Directory, policy: Policy
) -> tuple[tuple[str, Standing], ...]:
    """Give people to try it on: nobody known, one who wrote before, and who opted out.

    An opt-out in plain words is known to us alone where the carrier sees keywords.
    """
    world, unknown = (directory, policy), Standing()
    known = _after(_read("Hi", desk), unknown, desk, world)
    by_word, in_words = _read("STOP", desk), _read("Please stop texting me", desk)
    standings = [("", unknown), ("", known), ("by STOP", _after(by_word, known, desk, world))]
    if by_word.carrier.word is not CarrierWord.NONE:
        standings.append(("in plain words", _after(in_words, known, desk, world)))
    return tuple(standings)


def _after(text: Text, standing: Standing, desk: Desk, world: tuple[Directory, Policy]) -> Standing:
    directory, policy = world
    signal = read_signal(text, standing, desk.sender)
    moved = decide_move(signal, standing, desk.sender, directory=directory, policy=policy, entry="")
    return apply_pieces(standing, moved.pieces)


def _play(
    text: Text, who: tuple[str, Standing], desk: Desk, world: tuple[Directory, Policy]
) -> Outcome:
    how, standing = who
    directory, policy = world
    signal = read_signal(text, standing, desk.sender)
    moved = decide_move(signal, standing, desk.sender, directory=directory, policy=policy, entry="")
    before = pair_state(standing, desk.sender)
    by, answer = _answer(text, desk, before, moved.reply)
    return Outcome(
        before=before,
        how=how,
        after=find_state(apply_pieces(standing, moved.pieces), desk.sender),
        counts_as=_SIGNALS[signal.kind],
        answered_by=by,
        answer=answer,
        by_carrier=by == desk.carrier_name,
    )


def _answer(
    text: Text, desk: Desk, before: PairState, reply: MessageKind | None
) -> tuple[str, str | None]:
    """Say who answers and with what. An opted-out person gets no answer to HELP."""
    if text.carrier.answers:
        silent = text.carrier.word is CarrierWord.HELP and before is PairState.OPTED_OUT
        return ("Nobody", None) if silent else (desk.carrier_name, text.carrier.answer)
    if reply is None:
        return "Nobody", None
    return "You", word_answer(reply, desk.sender, desk.brand)


def _tell_carrier(reading: CarrierReading, desk: Desk) -> Told:
    why = "It compares the whole text with its list, and drops only white space around it."
    if reading.word is not CarrierWord.NONE:
        why = f"{desk.carrier_name} acts on it by itself."
    elif desk.sender.kind is SenderKind.SHORT_CODE:
        why = "On short codes it may leave everything to you."
    return Told(_CARRIER_SAYS[reading.word], why, reading.rule, reading.version)


def _tell_legal(reading: LegalReading) -> Told:
    why = _TIERS[reading.tier]
    if reading.meaning is LegalMeaning.AMBIGUOUS:
        why = "It could be an opt-out or an ordinary answer."
    return Told(_MEANS[reading.meaning], why, reading.rule, reading.version)
