"""The server behind pgbouncer in transaction mode, which is killed under load and comes back."""

import asyncio
import time
from collections.abc import Callable

import pytest
from fault_judge import Counts, judge
from fault_load import Outage, under_load
from real_processes import Running
from real_site import Site

from needed import need
from pooler import Pooler, is_installed, running_pooler
from postgres_server import PostgresServer

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("faults")]

MakeSite = Callable[..., tuple[Site, Running]]
Tell = Callable[[Counts], None]


async def kill_for_a_while(load_outages: list[Outage], pooler: Pooler, seconds: float) -> None:
    """Take the pooler away, and write down when it was."""
    await asyncio.to_thread(pooler.kill)
    since = time.time()
    await asyncio.sleep(seconds)
    until = time.time()
    await asyncio.to_thread(pooler.start)
    load_outages.append(Outage(since, until, time.time()))


async def test_a_pooler_that_is_killed_and_started_again(
    database: PostgresServer, make_site: MakeSite, tell: Tell
) -> None:
    """Three connections for all: killed twice under load, nothing is lost and all comes back."""
    need(is_installed(), "pgbouncer")
    with running_pooler(database) as pooler:
        site, _ = make_site(pooler.url("postgres") + "&prepared_statements=off")
        async with under_load(site) as load:
            for seconds in (0.1, 1.5):
                await load.wait_for_more(40)
                await kill_for_a_while(load.outages, pooler, seconds)
            await load.wait_for_more(60)
            tell(await judge(site, load, "pgbouncer in transaction mode killed twice"))
