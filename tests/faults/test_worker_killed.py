"""A worker of several is killed under load, again and again, and the database once with them."""

import asyncio
import json
import os
import signal
import time
from collections.abc import Callable
from random import Random

import pytest
from fault_judge import Counts, judge
from fault_load import Outage, under_load
from real_processes import Running, read_descendants
from real_site import Site
from real_world import eventually

from postgres_server import PostgresServer

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("faults")]

MakeSite = Callable[..., tuple[Site, Running]]
Tell = Callable[[Counts], None]


async def test_workers_that_are_killed_and_the_database_with_them(
    database: PostgresServer, make_site: MakeSite, tell: Tell
) -> None:
    """Five times a worker, the last time while the database is away as well: all comes back."""
    dice = Random(4)
    site, server = make_site(database.url(), "--workers", "2")
    async with under_load(site) as load:
        await asyncio.to_thread(site.carrier.fault, "slow_answer", rate=0.5, seconds=0.2)
        for _ in range(4):
            await load.wait_for_more(15)
            kill_one(server, dice)
        await load.wait_for_more(15)
        # One is left where the other is killed: that comes back with the database, and not first.
        await asyncio.to_thread(wait_for_both, database)
        await asyncio.to_thread(database.kill)
        since = time.time()
        kill_one(server, dice)
        await asyncio.sleep(1)
        until = time.time()
        await asyncio.to_thread(database.start)
        load.outages.append(Outage(since, until, time.time()))
        await asyncio.to_thread(site.carrier.clear_faults)
        await load.wait_for_more(60)
        tell(await judge(site, load, "a worker of two killed 5 times, once with PostgreSQL"))


def read_beats(database: PostgresServer) -> dict[str, int]:
    """Read how far each process that has a lease has come with renewing it."""
    told = database.execute("SELECT value FROM processes")
    processes = [json.loads(line) for line in told.splitlines() if line.strip()]
    return {process["id"]: process.get("beats", 0) for process in processes}


def wait_for_both(database: PostgresServer) -> None:
    """Wait until both workers are there and at work: the dead renew nothing."""
    before = read_beats(database)
    eventually(
        lambda: sum(b > before.get(p, 0) for p, b in read_beats(database).items()) == 2,
        "both workers are at work",
    )


def kill_one(server: Running, dice: Random) -> None:
    """Kill a worker as the system does when memory is short."""
    workers = sorted(read_descendants(server.process.pid))
    os.kill(dice.choice(workers), signal.SIGKILL)
