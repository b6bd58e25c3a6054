"""Settings, keywords: words of campaigns are added, listed and taken away."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from settings_world import ACME_ADMIN, COMPLIANCE, TOLL_FREE, World, open_world

from consentry.actions.administer import SaveProgram
from consentry.domain.directory import Program, Purpose

pytestmark = pytest.mark.integration

NEWS = Program("news", "acme", Purpose.INFORMATIONAL, "Order news")
WORD = {"word": "news", "sender": TOLL_FREE.number, "program": NEWS.id}


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    """A company with one informational program more."""
    async with open_world(tmp_path) as made:
        await made.console.store.submit(SaveProgram(NEWS))
        yield made


async def words(world: World) -> list[str]:
    """List the words that ask for something."""
    return [one.word for one in (await world.console.store.read_directory()).keywords.values()]


async def test_a_word_is_added_listed_and_removed(world: World) -> None:
    """Each is told in the audit; once it is gone, its row and its button are too."""
    desk = await world.desk()
    sent = await desk.change("/new-keyword", **WORD)
    shown = await desk.follow(sent)
    assert f"Saved. Keyword NEWS at {TOLL_FREE.number} added" in shown.text
    assert "Order news" in shown.text
    assert await words(world) == ["NEWS"]
    row = {"sender": TOLL_FREE.number, "word": "NEWS"}
    gone = await desk.send(shown, "/remove-keyword", row, of="word")
    assert f"Saved. Keyword NEWS at {TOLL_FREE.number} removed" in (await desk.follow(gone)).text
    assert await words(world) == []
    again = await desk.send(shown, "/remove-keyword", row, of="word")
    assert again.status == 404


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"word": "STOP"}, "word"),
        ({"sender": ""}, "sender"),
        ({"program": ""}, "program"),
        ({"program": "promo"}, "word"),
    ],
)
async def test_what_cannot_be_a_campaign_is_refused(
    world: World, changes: dict[str, str], field: str
) -> None:
    """What is wrong stands beside its field, and what was typed stays."""
    desk = await world.desk()
    refused = await desk.change("/new-keyword", **{**WORD, **changes})
    assert (refused.status, refused.invalid) == (422, {field})
    assert await words(world) == []


async def test_who_may_only_look_adds_nothing(world: World) -> None:
    """They see the list and no button; an admin of the brand adds words for it."""
    await (await world.desk(ACME_ADMIN)).change("/new-keyword", **WORD)
    looker = await world.desk(COMPLIANCE)
    page = await looker.open("/keywords")
    assert "NEWS" in page.text
    assert "/console/settings/new-keyword" not in page.links
    assert await words(world) == ["NEWS"]
