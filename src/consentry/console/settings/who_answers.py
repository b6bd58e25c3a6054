"""Who answers a keyword on a sender, who then blocks, and what people see: told from the rules.

Everything here is asked of the readers that decide, so that it cannot say anything else.
"""

from datetime import datetime
from typing import Final

import msgspec

from consentry.actions.receive_message import word_answer
from consentry.console.pages import Visit
from consentry.console.settings.carriers import name_carriers
from consentry.domain.carrier_profiles import Profile, WordRow, find_profile
from consentry.domain.directory import Brand, Sender
from consentry.domain.gate import MessageKind
from consentry.domain.keywords import read_carrier
from consentry.domain.reading import BlockLayer, CarrierWord, SenderKind

WORDS: Final = {
    CarrierWord.OPT_OUT: "Opt out",
    CarrierWord.OPT_IN: "Opt in again",
    CarrierWord.HELP: "Help",
}
_ANSWERS: Final = {
    CarrierWord.OPT_OUT: MessageKind.OPT_OUT_CONFIRMATION,
    CarrierWord.OPT_IN: MessageKind.OPT_IN_CONFIRMATION,
    CarrierWord.HELP: MessageKind.HELP_REPLY,
}
_OUR_WORDS: Final = {
    CarrierWord.OPT_OUT: ("STOP", "QUIT", "END", "REVOKE", "OPT OUT", "CANCEL", "UNSUBSCRIBE"),
    CarrierWord.OPT_IN: ("START", "UNSTOP", "YES"),
    CarrierWord.HELP: ("HELP", "INFO"),
}


class Answered(msgspec.Struct, frozen=True):
    """One line: which texts, who blocks or unblocks, who answers, with which words.

    `by_carrier` says that the carrier answers; its `answer` is then None where its own words are
    set at the carrier. `widely` says that these are examples of many.
    """

    word: CarrierWord
    texts: tuple[str, ...]
    blocks: str
    by_carrier: bool
    answer: str | None
    widely: bool = False
    note: str = ""


class Desk(msgspec.Struct, frozen=True):
    """A sender with all that answers depend on."""

    sender: Sender
    brand: Brand
    carrier: str
    carrier_name: str
    at: datetime

    def reads(self, text: str) -> CarrierWord:
        """Ask what the carrier makes of a text."""
        kind = self.sender.kind
        return read_carrier(text, carrier=self.carrier, kind=kind, at=self.at).word

    def our_answer(self, word: CarrierWord) -> str:
        """Give our own answer, with everything filled in."""
        return word_answer(_ANSWERS[word], self.sender, self.brand)


def sit_at(visit: Visit, sender: Sender, brand: Brand, carrier: str) -> Desk:
    """Put together what answers depend on now; the carrier is empty where none is set up."""
    name = name_carriers(visit).get(carrier, carrier or "The carrier")
    return Desk(sender, brand, carrier, name, visit.services.clock.now())


def list_answers(desk: Desk) -> tuple[Answered, ...]:
    """List who answers what on a sender; nothing where nobody can text it."""
    if desk.sender.kind is SenderKind.ALPHANUMERIC:
        return ()
    profile = find_profile(desk.carrier, desk.sender.kind, desk.at)
    lines: list[Answered | None] = []
    for word in WORDS:
        theirs = [] if profile is None else _carrier_lines(desk, profile, word)
        lines += [*theirs, _our_line(desk, word, alone=not theirs)]
    return tuple(line for line in lines if line is not None)


def _carrier_lines(desk: Desk, profile: Profile, word: CarrierWord) -> list[Answered]:
    rows = (row for row in profile.rows if row.word is word)
    return [_carrier_line(desk, row, by_carrier=profile.answers) for row in rows]


def _carrier_line(desk: Desk, row: WordRow, *, by_carrier: bool) -> Answered:
    answer = row.answer and row.answer.replace("{word}", row.texts[0].lower())
    note = "Nothing while the person is opted out." if row.word is CarrierWord.HELP else ""
    if not by_carrier:
        answer, note = desk.our_answer(row.word), ""
    blocks = "" if row.word is CarrierWord.HELP else _who(desk, row.layers)
    return Answered(row.word, row.texts, blocks, by_carrier, answer, note=note)


def _our_line(desk: Desk, word: CarrierWord, *, alone: bool) -> Answered | None:
    """Tell what is left to us: all of it where the carrier does nothing, else what it misses."""
    unseen = tuple(text for text in _OUR_WORDS[word] if desk.reads(text) is CarrierWord.NONE)
    blocks = "" if word is CarrierWord.HELP else _who(desk, ())
    widely, note = word is CarrierWord.OPT_OUT, ""
    if widely:
        unseen = (*unseen, "Stop.", "Please stop")
        note = "And whatever else means it: other spellings, plain words, many languages."
    elif word is CarrierWord.OPT_IN and not alone:
        note = "Only where the opt-out was seen by Consentry alone."
    if not unseen:
        return None
    return Answered(word, unseen, blocks, False, desk.our_answer(word), widely=widely, note=note)


def _who(desk: Desk, layers: tuple[BlockLayer, ...]) -> str:
    """Name who blocks, and how far it reaches."""
    named = {
        BlockLayer.NETWORK: "The phone network",
        BlockLayer.PROVIDER: desk.carrier_name,
        BlockLayer.OURS: "Consentry",
    }
    reach: dict[str, list[str]] = {}
    for layer in layers or (BlockLayer.OURS,):
        scope = desk.sender.scope_of(layer)
        reach.setdefault(scope, []).append(named[layer])
    return "; ".join(
        f"{' and '.join(names)}, for this person and "
        + ("this number" if scope == desk.sender.number else f"the whole service {scope}")
        for scope, names in reach.items()
    )


def is_answered_by_carrier(desk: Desk, word: CarrierWord) -> tuple[str, ...]:
    """List the texts of a word that the carrier answers itself."""
    lines = [line for line in list_answers(desk) if line.word is word and line.by_carrier]
    return tuple(text for line in lines for text in line.texts)


def is_ours_used(desk: Desk, word: CarrierWord) -> bool:
    """Tell whether our own answer to a word ever goes out on this sender."""
    return any(line.word is word and not line.by_carrier for line in list_answers(desk))
