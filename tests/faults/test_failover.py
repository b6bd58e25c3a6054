"""The primary is lost under load and its standby takes over: no acknowledged opt-out is lost."""

import asyncio
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest
from fault_judge import Counts, judge
from fault_load import Outage, heard, under_load
from real_processes import Running
from real_site import Site, find_free_port

from postgres_server import PostgresServer, running_postgres

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("faults")]

MakeSite = Callable[..., tuple[Site, Running]]
Tell = Callable[[Counts], None]
Pair = tuple[PostgresServer, PostgresServer]
_ASK_STANDBY = "SELECT sync_state FROM pg_stat_replication WHERE application_name = 'standby'"
_COUNT_STOPS = "SELECT count(*) FROM entries WHERE value LIKE '%opted_out%'"
_STOP_WAITING = "SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE wait_event = 'SyncRep'"


@pytest.fixture
def pair() -> Iterator[Pair]:
    """Run a primary and the standby that it waits for."""
    with ExitStack() as until:
        primary = until.enter_context(running_postgres(port=find_free_port()))
        standby = until.enter_context(running_postgres(port=find_free_port(), primary=primary))
        primary.execute("ALTER SYSTEM SET synchronous_standby_names = 'ANY 1 (standby)'")
        primary.execute("SELECT pg_reload_conf()")
        deadline = time.monotonic() + 120
        while primary.execute(_ASK_STANDBY).strip() != "quorum":
            assert time.monotonic() < deadline, standby.log()
            time.sleep(0.05)
        yield primary, standby


def url_of(pair: Pair) -> str:
    """Name both hosts, and that it must be the one that takes writes."""
    first, second = (f"127.0.0.1:{server.port}" for server in pair)
    return f"postgresql://postgres@{first},{second}/postgres?target_session_attrs=read-write"


async def test_a_standby_takes_over_when_the_primary_is_killed(
    pair: Pair, make_site: MakeSite, tell: Tell
) -> None:
    """Killed under load; the standby is promoted, and the server finds it by itself."""
    primary, standby = pair
    site, _ = make_site(url_of(pair))
    async with under_load(site) as load:
        await load.wait_for_more(60)
        await asyncio.to_thread(primary.kill)
        since = time.time()
        await asyncio.sleep(1)
        until = time.time()
        await asyncio.to_thread(standby.promote)
        load.outages.append(Outage(since, until, time.time()))
        await load.wait_for_more(60)
    tell(await judge(site, load, "primary killed -9, standby promoted"))


async def test_what_only_the_primary_has_is_not_acknowledged(
    pair: Pair, make_site: MakeSite, tell: Tell
) -> None:
    """The standby is gone, and the waiting for it is broken off: no opt-out counts as taken.

    The carrier repeats what was not acknowledged, and the primary knows the repeat; that it does
    is not known to the standby that takes over.
    """
    primary, standby = pair
    site, _ = make_site(url_of(pair))
    async with under_load(site) as load:
        await asyncio.to_thread(standby.kill)
        await asyncio.sleep(0.5)
        since = time.time()
        stopped = await load.stop_some(20)
        rounds, known = 0, 0
        async with asyncio.timeout(120):
            # The primary has what it does not vouch for; and the carrier has repeated it.
            while rounds < 15 or known < len(stopped):
                await asyncio.sleep(0.2)
                await asyncio.to_thread(primary.execute, _STOP_WAITING)
                known = int(await asyncio.to_thread(primary.execute, _COUNT_STOPS))
                rounds += 1
        assert {p.words[-1][1] for p in stopped}.isdisjoint(heard(site))
        await asyncio.to_thread(primary.kill)
        until = time.time()
        await asyncio.to_thread(standby.start)
        await asyncio.to_thread(standby.promote)
        # The gate only reads, and may answer as long as the primary does.
        load.outages.append(Outage(since, until, time.time(), kinds=("send",)))
        await load.wait_for_more(60)
    tell(await judge(site, load, "standby lost, waiting broken off, then the primary killed"))
