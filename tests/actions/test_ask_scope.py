"""The confirmation asks what to keep, goes out once, and its answer is an entry."""

import msgspec
import pytest

from action_world import World, statement
from consent_world import DIRECTORY, LONG, NEWS, PROMO, SHORT, TOLL_FREE
from consentry.actions.record_consent import GrantConsent
from consentry.domain.directory import Directory, Purpose, Sender
from consentry.domain.entries import EntryKind, Evidence, Medium, fold
from consentry.domain.gate import MessageKind
from consentry.domain.messages import MessageStatus
from consentry.domain.policy import Policy
from consentry.domain.reasons import Reason
from consentry.domain.standing import ConsentLevel, ConsentState, SMSPreference

pytestmark = pytest.mark.unit

QUESTION = "You're opted out of all texts from Acme. Reply 1 to keep Deals, 2 to keep Order news."
ON = Policy(scope_question=True)


def agreed(policy: Policy = ON, directory: Directory = DIRECTORY) -> World:
    """A person who texted the short code and agreed to both programs from the handset."""
    world = World(policy, directory)
    world.receive("Hello", SHORT)
    for program in (PROMO, NEWS):
        evidence = Evidence(
            medium=Medium.TEXT,
            verbatim="JOIN",
            action="texted JOIN",
            call_to_action="Text JOIN to 55555 to get Acme Deals and Order news. Msg frequency "
            "varies. Consent is not a condition of purchase. Automated texts.",
        )
        level = ConsentLevel.EXPRESS
        world.store.run(GrantConsent(statement(evidence), program.id, level))
    for work in world.claim():
        world.answer(work)
    return world


def confirmation(world: World) -> str:
    """Give the wording of the confirmation that waits."""
    (work,) = world.claim()
    assert work.message.kind is MessageKind.OPT_OUT_CONFIRMATION
    world.answer(work)
    return work.message.body


def test_the_confirmation_asks_and_the_answer_is_kept_word_for_word() -> None:
    """One text asks; "1" gives that program back, and the ledger tells all of it."""
    world = agreed()
    world.receive("STOP", SHORT)
    assert confirmation(world) == QUESTION
    assert world.send("News", SHORT, purpose=Purpose.INFORMATIONAL).message is None
    received = world.receive("2", SHORT)
    assert received.kind is EntryKind.OPTED_IN
    entry = world.last_entry(EntryKind.OPTED_IN)
    assert (entry.text, entry.program, entry.sender) == ("2", NEWS.id, SHORT.number)
    assert world.queued() == []
    assert world.send("News", SHORT, purpose=Purpose.INFORMATIONAL, program=NEWS.id).message
    assert world.send("Deals", SHORT, purpose=Purpose.MARKETING).message is None
    assert fold(world.store.entries) == world.standing()


@pytest.mark.parametrize(
    ("policy", "sender", "body", "wording"),
    [
        (Policy(), SHORT, "STOP", "Acme: you are opted out and will get no further messages."),
        (ON, LONG, "STOP", None),
        (ON, TOLL_FREE, "STOP", None),
        (ON, LONG, "please stop texting me", QUESTION),
    ],
)
def test_it_is_asked_where_our_own_confirmation_goes_out(
    policy: Policy, sender: Sender, body: str, wording: str | None
) -> None:
    """Not where the setting is off, and never beside a carrier's answer."""
    world = agreed(policy)
    world.receive(body, sender)
    if wording is None:
        assert world.queued() == []
        assert world.standing().thread(sender.number).scope_question is None
    else:
        assert confirmation(world) == wording


def test_a_question_that_does_not_fit_in_one_segment_is_not_asked() -> None:
    """The plain confirmation goes out then, and a number answers nothing."""
    long_name = msgspec.structs.replace(DIRECTORY.brands["acme"], name="Acme" * 25)
    brands = {**DIRECTORY.brands, "acme": long_name}
    world = agreed(directory=msgspec.structs.replace(DIRECTORY, brands=brands))
    world.receive("STOP", SHORT)
    assert "Reply 1" not in confirmation(world)
    assert world.receive("1", SHORT).kind is EntryKind.MESSAGE_RECEIVED
    assert world.standing().sms_preference is SMSPreference.FORBIDDEN


def test_one_program_is_nothing_to_ask_about() -> None:
    """Where one program was active, the plain confirmation goes out."""
    world = agreed()
    world.receive("STOP", SHORT)
    confirmation(world)
    world.receive("1", SHORT)
    world.clock.advance(seconds=60)
    world.receive("STOP", SHORT)
    assert "Reply 1" not in confirmation(world)


def test_a_repeated_stop_ends_the_question() -> None:
    """Whoever says it again means all; there is no second confirmation."""
    world = agreed()
    world.receive("STOP", SHORT)
    confirmation(world)
    world.receive("STOP", SHORT)
    assert world.queued() == []
    world.receive("1", SHORT)
    given = world.standing().consent(PROMO.id)
    assert given is not None
    assert given.state is ConsentState.REVOKED


def test_a_question_that_was_too_late_was_never_asked() -> None:
    """After five minutes it is not sent, which is on record, and a number changes nothing."""
    world = agreed()
    world.receive("STOP", SHORT)
    world.clock.advance(seconds=301)
    assert world.claim() == ()
    entry = world.last_entry(EntryKind.JOB_CANCELED)
    assert entry.reason == Reason.OPTED_OUT
    assert entry.decision is not None
    assert entry.decision.rules == ("confirmation/deadline_missed",)
    assert world.message(entry.message).status is MessageStatus.CANCELED
    assert world.receive("1", SHORT).kind is EntryKind.MESSAGE_RECEIVED
    assert world.standing().sms_preference is SMSPreference.FORBIDDEN


def test_a_number_that_is_not_set_up_asks_nothing() -> None:
    """A text to a number of no brand has nobody to ask for."""
    world = agreed()
    stranger = msgspec.structs.replace(SHORT, number="77777")
    world.receive("STOP", stranger)
    assert world.queued() == []
    assert world.standing().thread("77777").scope_question is None
