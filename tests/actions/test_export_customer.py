"""What is held of somebody is given to them whole, and that it was is written down."""

import msgspec
import pytest

from action_world import AGENT, World
from consent_world import PERSON
from consentry.actions.export_customer import export_customer
from consentry.domain.entries import NOBODY, EntryKind
from consentry.domain.standing import SMSPreference
from consentry.ports import Rejected

pytestmark = pytest.mark.unit


async def test_all_rows_of_all_numbers_are_in_it() -> None:
    """Profile, standing, entries, texts as they are kept; the audit names the customer alone."""
    world = World()
    world.receive("Hello")
    world.receive("STOP")
    [profile] = world.store.customers.values()
    held = await export_customer(profile.id, AGENT, world.store, world.clock.now())
    assert held.customer == profile
    [number] = held.numbers
    assert (number.number, number.sms_preference) == (PERSON, SMSPreference.FORBIDDEN)
    entries = [msgspec.json.decode(row) for row in number.rows["entries"]]
    assert [entry["id"] for entry in entries] == [e.id for e in world.store.entries_of(PERSON)]
    assert {msgspec.json.decode(row)["body"] for row in number.rows["messages"]} >= {"Hello"}
    told = world.last_entry(EntryKind.EXPORTED)
    assert (told.recipient, told.actor) == (NOBODY, AGENT)
    assert told.text == f"everything held of a customer ({profile.id}): {held.count} rows"


async def test_nobody_is_told_so() -> None:
    """An id that there is not is a refusal, and nothing is written down."""
    world = World()
    with pytest.raises(Rejected, match="There is no customer"):
        await export_customer("cus_none", AGENT, world.store, world.clock.now())
    assert world.store.entries == []
