"""The one question of a double opt-in: when it may go, what answers it, how it is worded."""

from datetime import timedelta

import msgspec
import pytest

from consent_world import DIRECTORY, LONG, NEWS, PERSON, PROMO, SECOND, ask, block, consent
from consentry.domain.directory import Brand
from consentry.domain.double_opt_in import (
    choose_sender,
    find_asked,
    find_held,
    is_back_since,
    level_for,
    note_sent,
    word_confirmation,
    word_request,
)
from consentry.domain.gate import Door, MessageKind, Request, Verdict
from consentry.domain.policy import OPT_IN_HOURS_MAX, OPT_IN_HOURS_MIN, Policy
from consentry.domain.reading import SenderKind
from consentry.domain.reasons import Reason
from consentry.domain.rules.rows import RulesProfile
from consentry.domain.standing import (
    Consent,
    ConsentLevel,
    ConsentState,
    OptInRequest,
    Piece,
    Standing,
    apply_pieces,
)
from consentry.wire.gsm7 import count_segments
from memory_store import START

pytestmark = pytest.mark.unit

UNTIL = START + timedelta(hours=48)
ASKED = OptInRequest(LONG.number, START, UNTIL, message="msg_1")
QUESTION = Request(
    PERSON,
    LONG.number,
    program=PROMO.id,
    door=Door.REPLY,
    kind=MessageKind.OPT_IN_REQUEST,
    body="Reply YES",
    segments=1,
    message="msg_1",
)


def waiting(
    request: OptInRequest | None = ASKED, state: ConsentState = ConsentState.PENDING
) -> Consent:
    """A consent that waits for the handset."""
    return msgspec.structs.replace(consent(PROMO.id, state), request=request)


def test_the_question_goes_without_any_consent_that_is_active() -> None:
    """The decision names the consent that waits."""
    decision = ask(QUESTION, waiting())
    assert decision.decision is Verdict.ALLOW
    assert (decision.rules, decision.consent) == ((f"request/{PROMO.id}",), waiting())


@pytest.mark.parametrize(
    ("pieces", "reason"),
    [
        ((), Reason.NO_CONSENT),
        ((waiting(state=ConsentState.ACTIVE),), Reason.NO_CONSENT),
        ((waiting(state=ConsentState.REVOKED),), Reason.NO_CONSENT),
        ((waiting(state=ConsentState.PENDING_CARRIER),), Reason.NO_CONSENT),
        ((waiting(None),), Reason.CONSENT_PENDING),
        ((waiting(msgspec.structs.replace(ASKED, message="msg_2")),), Reason.CONSENT_PENDING),
        ((waiting(msgspec.structs.replace(ASKED, message=None)),), Reason.CONSENT_PENDING),
        ((waiting(msgspec.structs.replace(ASKED, sender=SECOND.number)),), Reason.CONSENT_PENDING),
        ((waiting(msgspec.structs.replace(ASKED, answer_by=START)),), Reason.CONSENT_EXPIRED),
        ((waiting(), block()), Reason.OPTED_OUT),
    ],
)
def test_no_other_question_goes(pieces: tuple[Piece, ...], reason: Reason) -> None:
    """Only this text, over this sender, while its consent waits and nothing blocks."""
    assert ask(QUESTION, *pieces).reason is reason


def test_a_question_without_an_id_or_a_program_never_goes() -> None:
    """A consent that waits unasked has no text it waits for."""
    unasked = waiting(msgspec.structs.replace(ASKED, message=None))
    assert ask(msgspec.structs.replace(QUESTION, message=None), unasked).reason is not None
    no_program = msgspec.structs.replace(QUESTION, program=None)
    assert ask(no_program, waiting()).reason is Reason.NO_CONSENT


def test_a_consent_that_waits_carries_nothing_else() -> None:
    """Marketing is refused as pending, and as expired once the time to answer is over."""
    marketing = Request(PERSON, LONG.number, program=PROMO.id)
    assert ask(marketing, waiting()).reason is Reason.CONSENT_PENDING
    late = ask(marketing, waiting(), now=UNTIL)
    assert late.reason is Reason.CONSENT_EXPIRED


@pytest.mark.parametrize(
    ("piece", "hours", "state"),
    [
        (waiting(), 47, ConsentState.PENDING),
        (waiting(), 48, ConsentState.EXPIRED),
        (waiting(state=ConsentState.PENDING_CARRIER), 48, ConsentState.EXPIRED),
        (waiting(None), 1000, ConsentState.PENDING),
        (consent(expires_at=UNTIL), 47, ConsentState.ACTIVE),
        (consent(expires_at=UNTIL), 48, ConsentState.EXPIRED),
        (consent(state=ConsentState.REVOKED), 48, ConsentState.REVOKED),
    ],
)
def test_time_runs_out_by_itself(piece: Consent, hours: int, state: ConsentState) -> None:
    """Nobody need be there to end what was not answered."""
    assert piece.state_at(START + timedelta(hours=hours)) is state


def test_a_yes_answers_what_went_out_before_it() -> None:
    """Not what is unsent; clocks may differ by a minute; the last moment is not in time."""
    sent = msgspec.structs.replace(ASKED, sent_at=START)
    standing = apply_pieces(Standing(), (waiting(sent),))
    assert find_asked(standing, LONG, START - timedelta(minutes=1)) is not None
    assert find_asked(standing, LONG, START - timedelta(minutes=2)) is None
    assert find_asked(standing, LONG, UNTIL) is None
    assert find_asked(standing, SECOND, START) is None
    assert find_asked(apply_pieces(Standing(), (waiting(),)), LONG, START) is None


def test_a_yes_answers_the_question_that_was_read_last() -> None:
    """One that waited for the morning comes after one that was asked for later."""
    waited = msgspec.structs.replace(ASKED, sent_at=START + timedelta(hours=9))
    at_once = msgspec.structs.replace(
        ASKED, asked_at=START + timedelta(hours=1), sent_at=START + timedelta(hours=1)
    )
    other = msgspec.structs.replace(waiting(at_once), program=NEWS.id)
    standing = apply_pieces(Standing(), (waiting(waited), other))
    found = find_asked(standing, LONG, START + timedelta(hours=10))
    assert found is not None
    assert found.program == PROMO.id


def test_what_was_never_asked_for_is_not_noted_as_sent() -> None:
    """A claim of it changes no consent."""
    assert note_sent(Standing(), PROMO.id, START, hours=48) == ()
    assert note_sent(Standing(), None, START, hours=48) == ()
    unasked = apply_pieces(Standing(), (waiting(None),))
    assert note_sent(unasked, PROMO.id, START, hours=48) == ()


def test_what_is_held_is_asked_only_where_it_can_be() -> None:
    """The program is there and on, and the sender is one of its own."""
    held = apply_pieces(Standing(), (waiting(msgspec.structs.replace(ASKED, message=None)),))
    assert find_held(held, LONG, DIRECTORY, START) is not None
    assert find_held(held, LONG, msgspec.structs.replace(DIRECTORY, programs={}), START) is None
    of_second = msgspec.structs.replace(PROMO, sender=SECOND.number)
    elsewhere = msgspec.structs.replace(DIRECTORY, programs={PROMO.id: of_second})
    assert find_held(held, LONG, elsewhere, START) is None


def test_a_name_without_a_number_cannot_hear_an_answer() -> None:
    """Nor can a sender that is switched off."""
    name = msgspec.structs.replace(LONG, kind=SenderKind.ALPHANUMERIC)
    off = msgspec.structs.replace(SECOND, enabled=False)
    senders = {name.number: name, off.number: off}
    directory = msgspec.structs.replace(DIRECTORY, senders=senders)
    assert choose_sender(Standing(), NEWS, directory) is None


def test_a_program_is_asked_for_with_what_its_texts_need() -> None:
    """Express is the least."""
    assert level_for(PROMO) is ConsentLevel.EXPRESS_WRITTEN
    assert level_for(NEWS) is ConsentLevel.EXPRESS
    talk = DIRECTORY.program(LONG.conversation)
    assert talk is not None
    assert level_for(talk) is ConsentLevel.EXPRESS


def test_the_wordings_are_one_segment_whatever_the_names() -> None:
    """Long names are cut; brand, program, rates, HELP and STOP are always said."""
    brand = Brand("b", "B" * 200)
    program = msgspec.structs.replace(PROMO, name="P" * 200)
    for text in (word_request(brand, program), word_confirmation(brand, program)):
        assert count_segments(text).segments == 1
        for said in ("BBBB", "PPPP", "Msg & data rates may apply", "HELP", "STOP"):
            assert said in text


@pytest.mark.parametrize("hours", [OPT_IN_HOURS_MIN - 1, OPT_IN_HOURS_MAX + 1])
def test_the_time_to_answer_is_one_to_three_days(hours: int) -> None:
    """No operator may choose another; a policy names what it chose."""
    with pytest.raises(ValueError, match="opt_in_hours"):
        Policy(opt_in_hours=hours)
    assert Policy().version != Policy(opt_in_hours=OPT_IN_HOURS_MAX).version


def test_a_question_that_comes_from_a_pile_waits_for_the_day() -> None:
    """Nobody is woken for it; whoever is there just now is asked at once."""
    at_night = msgspec.structs.replace(QUESTION, door=Door.API)
    night = START + timedelta(hours=12)
    decision = ask(at_night, waiting(), now=night)
    assert (decision.decision, decision.reason) == (Verdict.DEFER, Reason.QUIET_HOURS)
    assert decision.until is not None
    off = Policy(rules_profile=RulesProfile.OFF)
    assert ask(at_night, waiting(), policy=off, now=night).until == decision.until
    assert ask(at_night, waiting(), now=decision.until).decision is Verdict.ALLOW
    assert ask(QUESTION, waiting(), now=night).decision is Verdict.ALLOW


def test_who_came_back_has_answered_nothing_before_that() -> None:
    """By the carrier's time of their START to this sender; one without a time says nothing."""
    back = msgspec.structs.replace(block(LONG), opted_in_at=START)
    standing = Standing(blocks=(back, block(SECOND)))
    assert is_back_since(standing, LONG, START - timedelta(seconds=2))
    assert not is_back_since(standing, LONG, START)
    assert not is_back_since(standing, SECOND, START - timedelta(seconds=2))
