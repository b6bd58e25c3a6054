"""May this text go, now? A question, to which an outage is a no."""

import pytest

from action_world import World
from consent_world import LONG, PERSON, POLICY
from consentry.actions.check import check, check_many, check_same
from consentry.domain.gate import Door, Request, Verdict
from consentry.domain.reasons import Reason
from memory_store import START

pytestmark = pytest.mark.unit

REPLY = Request(PERSON, LONG.number, door=Door.CONSOLE)
NO_NUMBER = Request(None, LONG.number)


async def test_a_check_asks_and_writes_nothing() -> None:
    """The same answer as a send would get, and no trace of the question."""
    world = World()
    world.receive("Hello")
    entries = list(world.store.entries)
    assert (await check(REPLY, world.store, POLICY, START)).decision is Verdict.ALLOW
    world.receive("STOP")
    entries = list(world.store.entries)
    assert (await check(REPLY, world.store, POLICY, START)).reason is Reason.OPTED_OUT
    assert (await check(NO_NUMBER, world.store, POLICY, START)).reason is Reason.INVALID_NUMBER
    assert world.store.entries == entries


async def test_many_are_answered_in_order() -> None:
    """One answer for each question, in the same order, unknown numbers and no numbers too."""
    world = World()
    world.receive("Hello")
    stranger = Request("+14155550177", LONG.number, door=Door.CONSOLE)
    asked = [stranger, REPLY, NO_NUMBER]
    answers = await check_many(asked, world.store, POLICY, START)
    assert [answer.reason for answer in answers] == [
        Reason.NO_CONSENT,
        None,
        Reason.INVALID_NUMBER,
    ]
    assert await check_many([], world.store, POLICY, START) == []


async def test_the_same_question_about_many_is_answered_in_order() -> None:
    """Each recipient gets the answer it would get alone, an outage is a no to all of them."""
    world = World()
    world.receive("Hello")
    asked = ["+14155550177", PERSON, None]
    alone = [
        await check(Request(one, LONG.number, door=Door.CONSOLE), world.store, POLICY, START)
        for one in asked
    ]
    same = await check_same(REPLY, asked, world.store, POLICY, now=START)
    assert [ruled.decision for ruled in same] == alone
    assert await check_same(REPLY, [], world.store, POLICY, now=START) == []
    world.store.available = False
    answers = await check_same(REPLY, asked, world.store, POLICY, now=START)
    assert {answer.decision.reason for answer in answers} == {Reason.STORE_UNAVAILABLE}
    assert len(answers) == 3


async def test_an_outage_of_the_store_is_a_no() -> None:
    """Every kind of check denies while the store cannot answer (I7)."""
    world = World()
    world.receive("Hello")
    world.store.available = False
    answers = [
        await check(REPLY, world.store, POLICY, START),
        await check(NO_NUMBER, world.store, POLICY, START),
        *await check_many([REPLY, NO_NUMBER], world.store, POLICY, START),
    ]
    assert {answer.reason for answer in answers} == {Reason.STORE_UNAVAILABLE}
    assert {answer.decision for answer in answers} == {Verdict.DENY}
