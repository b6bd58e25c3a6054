"""PostgreSQL is killed or frozen under load: all is refused, and it comes back by itself."""

import asyncio
import time
from collections.abc import Callable

import pytest
from fault_judge import Counts, judge
from fault_load import Load, Outage, under_load
from real_processes import Running
from real_site import Site

from postgres_server import PostgresServer

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("faults")]

MakeSite = Callable[..., tuple[Site, Running]]
Tell = Callable[[Counts], None]

REFUSED_WITHIN_SECONDS = 2.0
"""The gate gives up after one; the rest is for a machine that is busy."""


async def stay_away(load: Load, server: PostgresServer, how: str, seconds: float) -> None:
    """Take the database away for a while, and write down when it was."""
    await asyncio.to_thread(server.kill if how == "kill" else server.stop)
    since = time.time()
    await asyncio.sleep(seconds)
    # From when it is started it may answer at any moment.
    until = time.time()
    await asyncio.to_thread(server.start)
    load.outages.append(Outage(since, until, time.time()))


async def test_a_database_that_is_killed_and_started_again(
    database: PostgresServer, make_site: MakeSite, tell: Tell
) -> None:
    """Killed twice and stopped once under load: nothing is lost, all refused while it is away."""
    site, _ = make_site(database.url())
    async with under_load(site) as load:
        for how, seconds in (("kill", 0.2), ("stop", 2.0), ("kill", 1.0)):
            await stay_away(load, database, how, seconds)
            await load.wait_for_more(40)
    tell(await judge(site, load, "PostgreSQL killed twice and stopped once"))


async def test_a_database_that_is_frozen_is_not_waited_for(
    database: PostgresServer, make_site: MakeSite, tell: Tell
) -> None:
    """Stopped in the middle it refuses nothing, and all the same every question has its no soon."""
    site, _ = make_site(database.url())
    async with under_load(site) as load:
        await asyncio.to_thread(database.freeze)
        since = time.time()
        await asyncio.sleep(6)
        until = time.time()
        await asyncio.to_thread(database.thaw)
        load.outages.append(Outage(since, until))
        await load.wait_for_more(40)
        counts = await judge(site, load, "PostgreSQL frozen for 6 s")
    tell(counts)
    took = [
        load.machine.seconds(answer.began, answer.ended)
        for answer in load.answers
        if since < answer.began < until - REFUSED_WITHIN_SECONDS
    ]
    assert len(took) > 5
    assert max(took) < REFUSED_WITHIN_SECONDS
