"""The list of opt-outs that were told to somebody."""

from datetime import timedelta

import msgspec
import pytest

from action_world import AGENT, World, statement
from consent_world import OTHER_PERSON, PERSON, PROMO
from consentry.actions.list_told import list_told
from consentry.actions.record_consent import LiftSuppression, RevokeConsent, SuppressRecipient
from consentry.domain.entries import Entry, EntryKind, Evidence, Medium
from consentry.ports import Page
from memory_store import START

pytestmark = pytest.mark.unit


def by(medium: Medium, days_ago: int = 0) -> Evidence:
    """Tell over what it came, and when it was received."""
    return Evidence(medium, at=START - timedelta(days=days_ago), verbatim="stop")


async def told(world: World, page: Page | None = None, *, late: bool = False) -> list[str]:
    """List who told something."""
    found = await list_told(world.store, page or Page(), only_late=late)
    return [item.entry.recipient for item in found.items]


async def test_what_was_told_is_listed_with_its_clock() -> None:
    """Newest first; what was recorded too late is marked and can be asked for alone."""
    world = World()
    world.receive("STOP")
    world.store.run(SuppressRecipient(statement(by(Medium.MAIL, 30)), "acme"))
    told_by_phone = statement(by(Medium.PHONE), recipient=OTHER_PERSON)
    world.store.run(RevokeConsent(told_by_phone, PROMO.id))
    world.store.run(SuppressRecipient(statement(by_person=False, recipient="+14155550144")))
    world.store.run(LiftSuppression(statement(by_person=False, recipient="+14155550144")))
    assert await told(world) == [OTHER_PERSON, PERSON]
    assert await told(world, late=True) == [PERSON]
    first = await list_told(world.store, Page(limit=1))
    assert [item.clock.is_late for item in first.items] == [False]
    assert await told(world, Page(before=first.next)) == [PERSON]


async def test_a_look_costs_at_most_so_much() -> None:
    """Behind thousands of acts of the company a page may be empty, and the list goes on."""
    world = World()
    world.store.run(SuppressRecipient(statement(by(Medium.PHONE))))
    ours = Entry("e", PERSON, EntryKind.SUPPRESSED, START, START, AGENT)
    world.store.entries += [msgspec.structs.replace(ours, id=f"e{n:05}") for n in range(2100)]
    first = await list_told(world.store, Page())
    assert first.items == []
    assert await told(world, Page(before=first.next)) == [PERSON]
