"""The question that a confirmation may ask: what an opt-out was meant to end."""

from datetime import datetime, timedelta

import msgspec
import pytest

from consent_world import (
    DIRECTORY,
    FOREIGN_PROMO,
    LONG,
    NEWS,
    PERSON,
    PROMO,
    SHORT,
    ask,
    block,
    consent,
    hear,
    minute,
    text,
)
from consentry.domain.consent import Move, SignalKind, read_signal
from consentry.domain.directory import Program, Purpose, Sender
from consentry.domain.gate import Request, Verdict
from consentry.domain.reading import BlockLayer
from consentry.domain.scope_question import SCOPE_ANSWER_WINDOW, list_choices, word_question
from consentry.domain.standing import (
    EVERYTHING,
    Cause,
    Consent,
    ConsentLevel,
    ConsentState,
    Piece,
    ScopeQuestion,
    SMSPreference,
    Standing,
    Suppression,
    apply_pieces,
)
from memory_store import START

pytestmark = pytest.mark.unit

WRITTEN = ConsentLevel.EXPRESS_WRITTEN
SENT_AT, ANSWERED_AT = minute(2), minute(3)
AGREED = (
    consent(PROMO.id, level=WRITTEN),
    consent(NEWS.id, level=ConsentLevel.EXPRESS),
    consent(FOREIGN_PROMO.id, level=WRITTEN),
    consent(SHORT.conversation),
)


def agreed(*pieces: Piece) -> Standing:
    """Somebody who agreed to both programs of the brand, to another brand's, and to talk."""
    return apply_pieces(Standing(), (*AGREED, *pieces))


def asked(*, sent_at: datetime | None = SENT_AT) -> Standing:
    """Somebody who texted STOP to the short code and was asked what to keep."""
    standing, _ = hear(agreed(), text("STOP", SHORT, at=minute(1)), SHORT, entry="stop")
    question = ScopeQuestion(minute(1), (PROMO.id, NEWS.id))
    thread = msgspec.structs.replace(
        standing.thread(SHORT.number), confirmation_at=sent_at, scope_question=question
    )
    return apply_pieces(standing, (thread,))


def answer(standing: Standing, body: str, at: datetime = ANSWERED_AT) -> Standing:
    """Let the person text the short code."""
    return hear(standing, text(body, SHORT, at=at), SHORT, entry="answer")[0]


def may_text(standing: Standing, program: Program, sender: Sender = SHORT) -> bool:
    """Ask the gate about a text of a program."""
    request = Request(PERSON, sender.number, purpose=program.purpose, program=program.id)
    pieces = (*standing.blocks, *standing.consents, *standing.suppressions, *standing.threads)
    return ask(request, *pieces, now=minute(4)).decision is Verdict.ALLOW


def choices(standing: Standing, sender: Sender = SHORT, cause: Cause = Cause.KEYWORD) -> list[str]:
    """Name what may be asked about."""
    found = list_choices(standing, sender, DIRECTORY, cause=cause, at=START)
    return [program.id for program in found]


# --- What is asked ----------------------------------------------------------------------------


def test_the_active_programs_of_the_brand_may_be_kept() -> None:
    """By name; another brand's are not asked about, nor is a conversation."""
    assert choices(agreed()) == [PROMO.id, NEWS.id]
    assert choices(agreed(), cause=Cause.FREE_TEXT) == [PROMO.id, NEWS.id]


@pytest.mark.parametrize(
    "piece",
    [
        consent(PROMO.id, ConsentState.REVOKED),
        consent(PROMO.id, ConsentState.PENDING),
        consent(PROMO.id, expires_at=START),
    ],
)
def test_with_one_active_program_nothing_is_asked(piece: Consent) -> None:
    """Where two programs were not both active, an opt-out can only mean all that is left."""
    assert choices(agreed(piece)) == []


def test_a_wrong_number_is_asked_nothing() -> None:
    """Who holds the number never agreed to anything that they could keep."""
    assert choices(agreed(), cause=Cause.WRONG_NUMBER) == []


def test_a_program_of_another_sender_or_that_is_gone_is_not_asked_about() -> None:
    """What could not be sent over this sender cannot be kept on it."""
    other = Program("long-only", "acme", Purpose.MARKETING, "A", sender=LONG.number)
    programs = {**DIRECTORY.programs, other.id: other}
    directory = msgspec.structs.replace(DIRECTORY, programs=programs)
    standing = agreed(consent(other.id, level=WRITTEN), consent("gone", level=WRITTEN))
    found = list_choices(standing, SHORT, directory, cause=Cause.KEYWORD, at=START)
    assert [program.id for program in found] == [PROMO.id, NEWS.id]


def test_more_than_nine_programs_are_not_asked_about() -> None:
    """An answer is one digit, and a tenth choice would fit in no text."""
    more = {
        f"p{at}": Program(f"p{at}", "acme", Purpose.INFORMATIONAL, f"News {at}") for at in range(8)
    }
    directory = msgspec.structs.replace(DIRECTORY, programs={**DIRECTORY.programs, **more})
    standing = agreed(*(consent(program) for program in more))
    assert list_choices(standing, SHORT, directory, cause=Cause.KEYWORD, at=START) == ()


def test_the_question_says_first_that_everything_has_ended() -> None:
    """The brand, that it is done, and a number for each program."""
    assert word_question(DIRECTORY.brands["acme"], (PROMO, NEWS)) == (
        "You're opted out of all texts from Acme. Reply 1 to keep Deals, 2 to keep Order news."
    )


# --- What an answer does ----------------------------------------------------------------------


@pytest.mark.parametrize(("body", "kept", "ended"), [("1", PROMO, NEWS), (" 2\n", NEWS, PROMO)])
def test_an_answer_gives_back_just_that_program(body: str, kept: Program, ended: Program) -> None:
    """At its earlier level; the other one, and the conversation, do not come back."""
    before = asked()
    assert not may_text(before, kept)
    standing = answer(before, body)
    assert may_text(standing, kept)
    assert not may_text(standing, ended)
    given = standing.consent(kept.id)
    assert given is not None
    assert (given.state, given.level, given.entry) == (
        ConsentState.ACTIVE,
        next(c.level for c in AGREED if c.program == kept.id),
        "answer",
    )
    assert given.withdrawn_at == minute(1)
    talk = standing.consent(SHORT.conversation)
    assert talk is not None
    assert talk.state is ConsentState.NONE
    assert not may_text(standing, Program("", "acme", Purpose.CONVERSATIONAL, ""))
    assert standing.sms_preference is SMSPreference.OFF
    assert not standing.sms_tag


@pytest.mark.parametrize(
    "body", ["0", "3", "1.", "one", "1 please", "keep 1", "\u0661", "11", "1 2"]
)
def test_anything_but_the_number_keeps_nothing(body: str) -> None:
    """Opting in is never widened: silence, and whatever else is said, means all."""
    standing = answer(asked(), body)
    assert not may_text(standing, PROMO)
    assert not may_text(standing, NEWS)
    assert standing.sms_preference is SMSPreference.FORBIDDEN


@pytest.mark.parametrize("word", ["YES", "START"])
def test_start_ends_the_question_and_keeps_no_program(word: str) -> None:
    """It opens the conversation, as ever; a number is then an ordinary text."""
    standing = answer(answer(asked(), word), "1", minute(4))
    assert not may_text(standing, PROMO)
    assert standing.thread(SHORT.number).scope_question is None


def test_it_is_answered_once() -> None:
    """A second number may answer something else that was said meanwhile."""
    standing = answer(answer(asked(), "1"), "2", minute(4))
    assert may_text(standing, PROMO)
    assert not may_text(standing, NEWS)


@pytest.mark.parametrize(
    ("at", "is_kept"),
    [
        (minute(2), True),
        (minute(2) + SCOPE_ANSWER_WINDOW, True),
        (minute(2) - timedelta(microseconds=1), False),
        (minute(2) + SCOPE_ANSWER_WINDOW + timedelta(microseconds=1), False),
    ],
)
def test_an_answer_comes_within_a_day_of_the_question(at: datetime, is_kept: bool) -> None:
    """Neither before it went out nor when nobody remembers it any more."""
    assert may_text(answer(asked(), "1", at), PROMO) is is_kept


@pytest.mark.parametrize("sent_at", [None, minute(0)])
def test_a_question_that_did_not_go_out_has_no_answer(sent_at: datetime | None) -> None:
    """Where the confirmation was too late, or the last one was of another opt-out."""
    assert not may_text(answer(asked(sent_at=sent_at), "1"), PROMO)


def test_a_number_to_another_sender_is_no_answer() -> None:
    """Only the sender that asked is answered."""
    standing, moved = hear(asked(), text("1", LONG, at=minute(3)), LONG)
    assert moved.move is Move.CONVERSE
    assert not may_text(standing, PROMO)


@pytest.mark.parametrize(
    "piece",
    [
        block(SHORT, BlockLayer.NETWORK, cause=Cause.CARRIER_REFUSAL),
        block(SHORT, BlockLayer.PROVIDER),
        Suppression(EVERYTHING, Cause.LEGAL, START, "legal", by_person=False),
    ],
)
def test_what_is_not_ours_to_open_stays_shut(piece: Piece) -> None:
    """Where the carrier blocks too, or a suppression stands, a number changes nothing."""
    standing = answer(apply_pieces(asked(), (piece,)), "1")
    given = standing.consent(PROMO.id)
    assert given is not None
    assert given.state is ConsentState.REVOKED


def test_a_later_stop_ends_what_was_kept() -> None:
    """The program and the sender are shut again, and an older question has no answer."""
    standing = answer(answer(asked(), "1"), "STOP", minute(4))
    assert not may_text(standing, PROMO)
    assert standing.sms_preference is SMSPreference.FORBIDDEN
    repeated = answer(answer(asked(), "Stop."), "1", minute(4))
    assert not may_text(repeated, PROMO)


def test_a_late_stop_that_is_older_than_the_answer_takes_nothing_back() -> None:
    """The carrier's times tell that the answer was the person's last word."""
    standing = asked()
    read = text("1", SHORT, at=minute(3), sent_at=minute(3))
    standing, _ = hear(standing, read, SHORT, entry="answer")
    late = text("STOP", SHORT, at=minute(4), sent_at=minute(2))
    standing, moved = hear(standing, late, SHORT, entry="late")
    assert moved.superseded
    assert may_text(standing, PROMO)


def test_an_answer_that_is_older_than_the_stop_keeps_nothing() -> None:
    """By the carrier's own times the opt-out is the newer word."""
    read = text("STOP", SHORT, at=minute(1), sent_at=minute(1))
    standing, _ = hear(agreed(), read, SHORT, entry="stop")
    thread = msgspec.structs.replace(
        standing.thread(SHORT.number),
        confirmation_at=minute(2),
        scope_question=ScopeQuestion(minute(1), (PROMO.id, NEWS.id)),
    )
    standing = apply_pieces(standing, (thread,))
    older = text("1", SHORT, at=minute(3), sent_at=minute(0))
    standing, moved = hear(standing, older, SHORT, entry="answer")
    assert moved.superseded
    assert not may_text(standing, PROMO)


def test_a_program_that_was_withdrawn_again_is_not_kept() -> None:
    """A withdrawal that came after the question weighs more than a number."""
    withdrawn = Consent(
        PROMO.id,
        ConsentState.REVOKED,
        WRITTEN,
        minute(1),
        minute(2),
        "phone",
        withdrawn_at=minute(2),
    )
    assert not may_text(answer(apply_pieces(asked(), (withdrawn,)), "1"), PROMO)


def test_a_number_with_nothing_asked_is_an_ordinary_text() -> None:
    """Most people who text "1" answer something else."""
    assert read_signal(text("1", SHORT), Standing(), SHORT).kind is SignalKind.PLAIN_TEXT
    signal = read_signal(text("1", SHORT, at=minute(3)), asked(), SHORT)
    assert (signal.kind, signal.program) == (SignalKind.SCOPE_ANSWER, PROMO.id)
