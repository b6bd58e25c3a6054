"""The carrier answers late or never while people opt out: no STOP is acknowledged too early."""

import asyncio
from collections.abc import Callable

import pytest
from fault_judge import Counts, judge
from fault_load import under_load
from real_processes import Running
from real_site import Site

from postgres_server import PostgresServer

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("faults")]

MakeSite = Callable[..., tuple[Site, Running]]
Tell = Callable[[Counts], None]


async def test_a_carrier_that_answers_late(
    database: PostgresServer, make_site: MakeSite, tell: Tell
) -> None:
    """Half of its answers take a second and some are lost: the 2xx of a STOP waits for them."""
    site, _ = make_site(database.url())
    async with under_load(site) as load:
        await asyncio.to_thread(site.carrier.fault, "slow_answer", rate=0.5, seconds=1.0)
        await asyncio.to_thread(site.carrier.fault, "lost_answer", rate=0.1)
        await load.wait_for_more(150)
        # Their texts are with the carrier when they opt out.
        await load.stop_some(10)
        await asyncio.sleep(2)
        await asyncio.to_thread(site.carrier.clear_faults)
        await load.wait_for_more(20)
        counts = await judge(site, load, "carrier slow by 1 s, a tenth of its answers lost")
    tell(counts)
    waited = [
        attempt["milliseconds"]
        for hook in site.carrier.webhooks()
        if hook["kind"] == "inbound"
        for attempt in hook["attempts"]
    ]
    assert max(waited) > 300, "no STOP had to wait, so nothing was tried"
