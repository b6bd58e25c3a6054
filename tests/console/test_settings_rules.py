"""Settings, rules: the rows of law as they are shown, and the box that tries them."""

from collections.abc import AsyncIterator
from datetime import date
from pathlib import Path
from urllib.parse import urlencode

import pytest
from settings_world import COMPLIANCE, World, open_world

from consentry.console.settings.rows import PROFILES, list_laws, list_regimes_shown, spell_window
from consentry.domain.rules.rows import RulesProfile, laws, read_rules

pytestmark = pytest.mark.integration


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    """A company; nothing of it matters here."""
    async with open_world(tmp_path) as made:
        yield made


async def tried(world: World, **asked: str) -> str:
    """Ask the box, and give what the page says."""
    return (await (await world.desk(COMPLIANCE)).open(f"/rules?{urlencode(asked)}")).text


async def test_every_law_is_shown_with_statute_source_and_day(world: World) -> None:
    """Each with its windows, holidays, cap, the day it was checked and from when it holds."""
    text = await tried(world)
    for law in laws():
        assert law.statute in text
        for row in law.rows:
            assert spell_window(row) in text
    for said in (
        "Mon-Fri 09:00-18:00 Sat 10:00-17:00",
        "Closed on federal and state holidays",
        "3 in 24h",
        "From 2026-01-01",
        f"checked on {read_rules().rows[0].checked_on}",
        "us-26-67 Not in force",
        PROFILES[RulesProfile.PER_STATE],
    ):
        assert said in text
    assert set(PROFILES) == set(RulesProfile)


async def test_the_box_explains_a_number_at_a_time(world: World) -> None:
    """Every law on its clock, and until when marketing waits; a postal code moves the person."""
    text = await tried(world, number="(401) 555-0142", at="2026-12-25T18:30")
    assert "Marketing waits until 2026-12-26 15:00" in text
    assert "Nothing: Christmas Day Closed" in text
    assert "Fri 2026-12-25 13:30 America/New_York 08:00-21:00 Open" in text
    moved = await tried(world, number="+14015550142", postal_code="33101", at="2026-12-25T18:30")
    assert "Marketing may go then." in moved
    assert "by the postal code: US, US-FL. At most 3 in 24 hours from one brand" in moved
    sunday = await tried(world, number="+14015550142", at="2026-12-13T18:30")
    assert "Nothing Closed" in sunday
    assert "every zone of the United States" in await tried(world, number="+18005550142")


async def test_what_cannot_be_tried_is_told(world: World) -> None:
    """A wrong number, postal code or time each say what to do."""
    assert "is not a phone number" in await tried(world, number="call me")
    assert "give the time zone" in await tried(world, number="+14155550142", postal_code="00000")
    assert "Write the time as" in await tried(world, number="+14155550142", at="noon")


async def test_while_one_types_only_the_box_is_sent(world: World) -> None:
    """The page's script asks for the part alone."""
    desk = await world.desk(COMPLIANCE)
    answer = await desk.browser.get(
        "/console/settings/rules?number=%2B14155550142", headers={"HX-Request": "true"}
    )
    assert answer.text.lstrip().startswith('<div id="tried"')


def test_the_amended_regime_shows_when_it_begins() -> None:
    """From the day that the operator set, and not before."""
    begins = date(2027, 4, 1)
    shown = {one.regime.id: one.is_in_force for one in list_regimes_shown(begins, begins)}
    assert shown == {"us-2024": True, "us-26-67": True}


def test_laws_that_are_over_are_shown_no_more() -> None:
    """All rows of today's edition are in force or still to come."""
    assert len(list_laws(date(2026, 11, 30))) == len(laws())
