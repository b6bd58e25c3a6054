"""What the linter, the counter and the phone say about the four answers of a sender."""

from typing import Final

import msgspec

from consentry.actions.receive_message import word_answer
from consentry.console.settings.who_answers import (
    Desk,
    is_answered_by_carrier,
    is_ours_used,
    list_answers,
)
from consentry.domain.directory import Replies
from consentry.domain.gate import MessageKind
from consentry.domain.reading import CarrierWord
from consentry.domain.replies import fill_in
from consentry.domain.wording_lint import Finding, Level, Size, WordingKind, lint_wording, simplify
from consentry.wire.gsm7 import (
    GSM7_SINGLE_SEPTETS,
    UCS2_SINGLE_UNITS,
    Encoding,
    count_segments,
    outside_gsm7,
)


class Answer(msgspec.Struct, frozen=True):
    """One of the four answers: its field, how it is called, when it goes out."""

    field: str
    kind: MessageKind
    words: str
    when: str
    word: CarrierWord


ANSWERS: Final = (
    Answer(
        "initial",
        MessageKind.INITIAL_REPLY,
        "Initial reply",
        "Once, to the first text of each person.",
        CarrierWord.NONE,
    ),
    Answer(
        "opt_out",
        MessageKind.OPT_OUT_CONFIRMATION,
        "Opt-out",
        "Once, within five minutes, where the carrier does not answer.",
        CarrierWord.OPT_OUT,
    ),
    Answer(
        "opt_in",
        MessageKind.OPT_IN_CONFIRMATION,
        "Opt-in again",
        "When a person comes back, where the carrier does not answer.",
        CarrierWord.OPT_IN,
    ),
    Answer(
        "help",
        MessageKind.HELP_REPLY,
        "Help",
        "When a person asks for help, where the carrier does not answer.",
        CarrierWord.HELP,
    ),
)


class Judged(msgspec.Struct, frozen=True):
    """What is to say about one wording, with everything filled in."""

    answer: Answer
    own: bool
    filled: str
    size: str
    findings: tuple[Finding, ...]
    simpler: bool
    unused: str

    @property
    def has_errors(self) -> bool:
        """Tell whether it may not be saved."""
        return any(finding.level is Level.ERROR for finding in self.findings)


class Exchange(msgspec.Struct, frozen=True):
    """On the phone: what a person texts, what comes back, and from whom."""

    said: str
    answer: str | None
    by_carrier: bool


def put_replies(values: dict[str, str]) -> Replies:
    """Read the four wordings; an empty one takes the default."""
    return Replies(**{answer.field: values[answer.field] or None for answer in ANSWERS})


def judge(desk: Desk) -> tuple[Judged, ...]:
    """Judge the four wordings of the desk's sender, as they would be saved."""
    return tuple(_judge_one(answer, desk) for answer in ANSWERS)


def _judge_one(answer: Answer, desk: Desk) -> Judged:
    own = getattr(desk.sender.replies, answer.field) or ""
    filled = fill_in(own, desk.brand) if own else word_answer(answer.kind, desk.sender, desk.brand)
    outside = outside_gsm7(filled)
    counted = count_segments(filled)
    findings: tuple[Finding, ...] = ()
    if own:
        size = Size(counted.segments, outside)
        findings = lint_wording(
            WordingKind(answer.kind), own, desk.brand, size=size, today=desk.at.date()
        )
    return Judged(
        answer=answer,
        own=bool(own),
        filled=filled,
        size=spell_size(filled),
        findings=findings,
        simpler=simplify(own) != own,
        unused=_say_unused(answer, desk),
    )


def spell_size(text: str) -> str:
    """Write how large a text is: characters, alphabet, parts."""
    counted = count_segments(text)
    single = GSM7_SINGLE_SEPTETS if counted.encoding is Encoding.GSM7 else UCS2_SINGLE_UNITS
    parts = "1 part" if counted.segments == 1 else f"{counted.segments} parts"
    return f"{counted.characters} of {single} characters in {counted.encoding}, {parts}"


def _say_unused(answer: Answer, desk: Desk) -> str:
    """Say for which words the carrier answers, so that our wording does not go out."""
    texts = is_answered_by_carrier(desk, answer.word)
    if not texts:
        return ""
    named = ", ".join(texts)
    if is_ours_used(desk, answer.word):
        return f"Not used for {named}: {desk.carrier_name} answers those itself."
    return f"Not used on this sender: {desk.carrier_name} answers {named} itself."


def play_phone(desk: Desk) -> tuple[Exchange, ...]:
    """Play what a person sees: a first text, then every way in which they are answered."""
    first = word_answer(MessageKind.INITIAL_REPLY, desk.sender, desk.brand)
    talk = [Exchange("Hi, is my order on its way?", first, by_carrier=False)]
    for line in list_answers(desk):
        # Where the carrier takes the keywords, what is left to us is the plain words.
        in_words = line.widely and is_answered_by_carrier(desk, line.word)
        said = line.texts[-1] if in_words else line.texts[0]
        talk.append(Exchange(said, line.answer, line.by_carrier))
    return tuple(talk)
