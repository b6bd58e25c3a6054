"""The gate of a past time: by the ledger up to then, and by the rules that were in force then."""

import msgspec
import pytest

from action_world import World
from consent_world import DIRECTORY, LONG, PERSON, POLICY, minute
from consentry.actions.administer import SaveBrand, SaveProgram, SaveSender
from consentry.actions.read_ledger import read_all_entries
from consentry.actions.record_rules import RecordRules, record_rules
from consentry.actions.replay import Past, replay_decisions
from consentry.domain.directory import Brand, Directory, Program, Purpose
from consentry.domain.entries import EntryKind
from consentry.domain.gate import Door, Request, Verdict
from consentry.domain.policy import Policy
from consentry.domain.reasons import Reason

pytestmark = pytest.mark.unit

REPLY = Request(PERSON, LONG.number, door=Door.CONSOLE)
BY_PROGRAM = Request(PERSON, LONG.number)
NO_NUMBER = Request(None, LONG.number)
SHORT_WINDOW = Policy(conversation_window_hours=1)


async def test_a_past_time_is_answered_as_it_was_then() -> None:
    """Could we text them at T, and why: by the ledger up to T."""
    world = World()
    await record_rules(world.store)
    world.receive("Hello")
    world.clock.advance(minutes=10)
    world.receive("STOP")
    world.clock.advance(minutes=10)
    world.receive("START")
    past = Past(world.store, POLICY)
    answers = [await past.check(REPLY, minute(at)) for at in (-1, 5, 15, 25)]
    reasons = [answer.decision.reason for answer in answers]
    assert reasons == [Reason.NO_CONSENT, None, Reason.OPTED_OUT, None]
    assert [answer.by_recorded_rules for answer in answers] == [False, True, True, True]
    assert answers[2].decision.as_of == minute(15)
    invalid = await past.check(NO_NUMBER, minute(15))
    assert invalid.decision.reason is Reason.INVALID_NUMBER
    assert invalid.decision.as_of == minute(15)


async def test_what_was_set_up_then_counts() -> None:
    """A sender that was switched off later was on then; one that was added later was unknown."""
    world = World(directory=Directory(brands=DIRECTORY.brands))
    await record_rules(world.store)
    world.clock.advance(minutes=10)
    world.store.run(SaveSender(LONG))
    world.receive("Hello")
    world.clock.advance(minutes=10)
    world.store.run(SaveSender(msgspec.structs.replace(LONG, enabled=False)))
    past = Past(world.store, POLICY)
    reasons = [(await past.check(REPLY, minute(at))).decision.reason for at in (5, 15, 25)]
    assert reasons == [Reason.UNKNOWN_SENDER, None, Reason.SENDER_DISABLED]


async def test_the_policy_of_then_counts() -> None:
    """A window that was made shorter later was long then; the answer names that policy."""
    world = World()
    await record_rules(world.store)
    world.receive("Hello")
    world.clock.advance(minutes=180)
    world.store.policy = SHORT_WINDOW
    await record_rules(world.store)
    past = Past(world.store, SHORT_WINDOW)
    then = (await past.check(BY_PROGRAM, minute(120))).decision
    assert (then.decision, then.policy_version) == (Verdict.ALLOW, POLICY.version)
    now = (await past.check(BY_PROGRAM, minute(181))).decision
    assert (now.reason, now.policy_version) == (Reason.NO_CONSENT, SHORT_WINDOW.version)


async def test_the_rules_are_recorded_when_they_change() -> None:
    """One entry for each policy, with all that is set up; a start that changes nothing has none."""
    world = World()
    for _ in range(2):
        await record_rules(world.store)
    world.store.policy = SHORT_WINDOW
    await record_rules(world.store)
    kept = [e for e in world.store.entries if e.kind is EntryKind.RULES_RECORDED]
    assert [e.in_force and e.in_force.policy for e in kept] == [POLICY, SHORT_WINDOW]
    assert kept[0].in_force is not None
    assert set(kept[0].in_force.senders) == set(DIRECTORY.senders.values())
    assert world.store.run(RecordRules(SHORT_WINDOW)) is None


async def test_every_decision_comes_out_again() -> None:
    """Whatever was set up or said in between, by whichever policy: the same in every part (I5)."""
    world = World()
    await record_rules(world.store)
    world.receive("Hello")
    world.send()
    world.claim()
    world.store.run(SaveSender(msgspec.structs.replace(LONG, enabled=False)))
    world.send()
    world.store.run(SaveBrand(Brand("third", "Third")))
    world.store.run(SaveProgram(Program("more", "acme", Purpose.MARKETING, "More")))
    world.store.run(SaveSender(LONG))
    world.clock.advance(minutes=120)
    world.store.policy = SHORT_WINDOW
    await record_rules(world.store)
    world.send(door=Door.API)
    # A command line with settings of its own decides by the older policy meanwhile.
    world.store.policy = POLICY
    world.send(door=Door.API)
    world.receive("STOP")
    world.send()
    replayed = await replay_decisions(PERSON, world.store, SHORT_WINDOW)
    refused = [one.decided for one in replayed if one.kind is EntryKind.SEND_REFUSED]
    assert [decision.reason for decision in refused] == [
        Reason.SENDER_DISABLED,
        Reason.NO_CONSENT,
        Reason.OPTED_OUT,
    ]
    assert {one.decided.policy_version for one in replayed} == {
        POLICY.version,
        SHORT_WINDOW.version,
    }
    assert [one for one in replayed if not one.is_same] == []
    assert all(one.by_recorded_rules for one in replayed)


async def test_a_decision_by_an_unknown_policy_is_told_from_what_is_known() -> None:
    """A policy that was never written down cannot be guessed: the two decisions then differ."""
    world = World(SHORT_WINDOW)
    world.receive("Hello")
    world.clock.advance(minutes=120)
    world.send(door=Door.API)
    (_, last) = [
        one
        for one in await replay_decisions(PERSON, world.store, POLICY)
        if one.kind in (EntryKind.SEND_ACCEPTED, EntryKind.SEND_REFUSED)
    ]
    assert (last.is_same, last.by_recorded_rules) == (False, False)
    assert last.decided.reason is Reason.NO_CONSENT
    assert last.again.decision is Verdict.ALLOW


async def test_without_a_record_what_is_in_force_now_stands_in() -> None:
    """A ledger from before rules were recorded is answered all the same, and says so."""
    world = World()
    world.receive("Hello")
    assert not (await Past(world.store, POLICY).check(REPLY, minute(1))).by_recorded_rules
    world.store.run(SaveSender(msgspec.structs.replace(LONG, enabled=False)))
    # One change alone is not all that there was.
    answer = await Past(world.store, POLICY).check(REPLY, minute(1))
    assert (answer.decision.reason, answer.by_recorded_rules) == (Reason.SENDER_DISABLED, False)


async def test_an_outage_of_the_store_is_a_no() -> None:
    """A past time that cannot be looked up is denied like any other (I7)."""
    world = World()
    world.store.available = False
    answer = await Past(world.store, POLICY).check(REPLY, minute(1))
    assert answer.decision.reason is Reason.STORE_UNAVAILABLE


async def test_a_long_history_is_read_whole_and_oldest_first() -> None:
    """Page by page, none left out at the seam of two pages."""
    world = World()
    for count in range(501):
        world.receive(f"Hello {count}")
    entries = await read_all_entries(PERSON, world.store)
    assert entries == world.store.entries_of(PERSON)
    assert len(entries) > 500
    exactly = world.store.entries_of(PERSON)[:500]
    world.store.entries = exactly
    assert await read_all_entries(PERSON, world.store) == exactly
