"""Connections to the database are cut and stalled under load: nothing hangs, nothing is lost."""

import asyncio
import time
from collections.abc import Callable

import pytest
from fault_judge import Counts, judge
from fault_load import Load, Outage, under_load
from real_processes import Running
from real_site import Site
from stalling_proxy import StallingProxy

from postgres_server import PostgresServer

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("faults")]

MakeSite = Callable[..., tuple[Site, Running]]
Tell = Callable[[Counts], None]
_CUT_ALL = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()"

ANSWERED_WITHIN_SECONDS = 15.0
"""However long the database says nothing: a carrier waits no longer for an answer."""


async def test_connections_that_are_cut_again_and_again(
    database: PostgresServer, make_site: MakeSite, tell: Tell
) -> None:
    """By the server and on the way, twenty times: nobody has to do anything."""
    proxy = StallingProxy(database.port)
    with proxy.running():
        site, _ = make_site(f"postgresql://postgres@127.0.0.1:{proxy.port}/postgres")
        async with under_load(site) as load:
            for _ in range(10):
                await load.wait_for_more(8)
                await asyncio.to_thread(database.execute, _CUT_ALL)
                await load.wait_for_more(8)
                proxy.cut()
            await load.wait_for_more(20)
            tell(await judge(site, load, "connections cut 10 times by the server, 10 on the way"))


async def test_a_database_that_says_nothing(
    database: PostgresServer, make_site: MakeSite, tell: Tell
) -> None:
    """Connections stay open and stall: requests are refused in time, then it all works again."""
    proxy = StallingProxy(database.port)
    with proxy.running():
        site, _ = make_site(f"postgresql://postgres@127.0.0.1:{proxy.port}/postgres")
        async with under_load(site) as load:
            outage = await stall(proxy, load, 18.0)
            await load.wait_for_more(40)
            counts = await judge(site, load, "connections to PostgreSQL stalled for 18 s")
    tell(counts)
    assert counts.refused_while_away > 0
    assert counts.slowest_answer_seconds < ANSWERED_WITHIN_SECONDS, outage


async def stall(proxy: StallingProxy, load: Load, seconds: float) -> Outage:
    """Let nothing through for a while, and write down when it was."""
    await asyncio.to_thread(proxy.stall)
    since = time.time()
    await asyncio.sleep(seconds)
    outage = Outage(since, time.time())
    proxy.flow()
    load.outages.append(outage)
    return outage
