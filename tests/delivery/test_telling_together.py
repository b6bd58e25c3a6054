"""Several processes on one database: one tells programs, and another goes on when it is gone."""

import asyncio
from pathlib import Path

import pytest
from delivery_world import world
from test_several_processes import Together
from test_telling_programs import SHOP, ScriptedTeller, until_none_waits

from consentry.domain.messages import Callback, MessageStatus

pytestmark = pytest.mark.integration

TEXTS = 12


async def send_all(together: Together) -> list[str]:
    """Send texts whose program wants to be told, and wait until the carrier has them."""
    made = together.world
    sent = [await made.send(f"{n}", callback=Callback(SHOP, "AC1")) for n in range(TEXTS)]
    for message in sent:
        await made.until_status(message, MessageStatus.SENT)
    return sent


async def test_each_thing_is_told_by_one(tmp_path: Path) -> None:
    """Whichever process sent the text; the one that leads tells all, each once."""
    async with world(tmp_path, started=False) as made:
        made.teller = teller = ScriptedTeller()
        together = Together(made)
        for name in ("prc_1", "prc_2"):
            together.add(name)
        await together.until_known()
        sent = await send_all(together)
        await until_none_waits(made)
        assert sorted(notice.message.id for notice in teller.told) == sorted(sent)
        for process in together.processes.values():
            await process.stop()


async def test_when_the_one_that_tells_is_gone_another_goes_on(tmp_path: Path) -> None:
    """What was under way is told again, and nothing is left over."""
    async with world(tmp_path, started=False) as made:
        made.teller = teller = ScriptedTeller()
        together = Together(made)
        first, second = together.add("prc_1"), together.add("prc_2")
        await together.until_known()
        assert await together.leaders() == ["prc_1"]
        teller.held[SHOP] = asyncio.Event()
        sent = await send_all(together)
        await made.until_seen(lambda: bool(teller.told))
        await first.kill()
        before = len(teller.told)
        teller.held.clear()
        await together.let_pass(second, 15)
        await until_none_waits(made)
        again = [notice.message.id for notice in teller.told[before:]]
        assert sorted(again) == sorted(sent)
        await second.stop()
