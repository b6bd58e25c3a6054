"""PostgreSQL is killed under load: everything is refused meanwhile, and it comes back by itself."""

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


async def stay_away(load: Load, server: PostgresServer, how: str, seconds: float) -> None:
    """Take the database away for a while, and write down when it was."""
    await asyncio.to_thread(server.kill if how == "kill" else server.stop)
    since = time.time()
    await asyncio.sleep(seconds)
    # From when it is started it may answer at any moment.
    until = time.time()
    await asyncio.to_thread(server.start)
    load.outages.append(Outage(since, until))


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
