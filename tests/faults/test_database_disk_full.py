"""PostgreSQL's disk is full under load: opt-outs are repeated by the carrier, none is lost."""

import asyncio
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from fault_judge import Counts, judge
from fault_load import Load, Outage, under_load
from real_processes import Running
from real_site import Site, find_free_port

from postgres_server import PostgresServer, find_programs
from small_disk import fill, small_disk

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("faults")]

MakeSite = Callable[..., tuple[Site, Running]]
Tell = Callable[[Counts], None]


@pytest.fixture
def small_database() -> Iterator[PostgresServer]:
    """Run a PostgreSQL on a disk of its own."""
    with small_disk() as folder:
        server = PostgresServer(find_programs(), folder, port=find_free_port())
        server.start()
        try:
            yield server
        finally:
            if server.is_running():
                server.stop()


async def test_a_disk_that_is_full_and_has_room_again(
    small_database: PostgresServer, make_site: MakeSite, tell: Tell
) -> None:
    """What cannot be kept is refused, and all of it works again when there is room."""
    ballast = small_database.folder / "ballast"
    site, _ = make_site(small_database.url())
    async with under_load(site) as load:
        since = time.time()
        await asyncio.to_thread(fill, ballast)
        await wait_until_refused(load)
        await load.stop_some(10)
        await asyncio.sleep(1.5)
        await make_room(small_database, ballast)
        # Until then it may have kept what found a place.
        returned = time.time()
        load.outages.append(Outage(since, returned, kinds=()))
        await load.wait_for_more(60)
        counts = await judge(site, load, "PostgreSQL's disk full")
    tell(counts)
    assert counts.refused_while_away > 0


async def wait_until_refused(load: Load) -> None:
    """Wait until a text could not be kept."""
    async with asyncio.timeout(60):
        while not load.count("503"):  # noqa: ASYNC110 - the tasks tell nobody
            await asyncio.sleep(0.01)


async def make_room(server: PostgresServer, ballast: Path) -> None:
    """Remove what fills the disk; start the server where it could not go on without room."""
    await asyncio.to_thread(ballast.unlink)
    await asyncio.sleep(0.2)
    if not server.is_running():
        await asyncio.to_thread(server.start)
