"""A host of two on one PostgreSQL dies under load: the other one finds out by itself."""

import asyncio
from contextlib import ExitStack
from random import Random

import pytest
from load_world import (
    Load,
    SharedSite,
    assert_stops_kept,
    count_ends,
    draw_people,
    new_session,
    read_acknowledged,
    wait_until_all_is_over,
)
from real_site import find_free_port
from real_world import fictional_phones

pytestmark = pytest.mark.e2e

SEED = 20_261_130


async def test_a_host_that_dies_is_found_out(site: SharedSite) -> None:
    """Nobody tells the other host, which watches it, looks its texts up, and lets STOPs wait."""
    site.carrier.fault("slow_answer", rate=1.0, seconds=0.4)
    dice, phones = Random(SEED), fictional_phones()
    port = find_free_port()
    with ExitStack() as servers:
        site.start(servers)
        dying = site.start(servers, port=port)
        people = draw_people(dice, phones)
        async with new_session() as session:
            load = Load(site, session)
            under_way = asyncio.create_task(load.run(people))
            await asyncio.sleep(0.7)
            dying.kill()
            await under_way
            await load.repeat_sends(people)
        site.carrier.clear_faults()
        wait_until_all_is_over(site)
        acknowledged = read_acknowledged(site)
        assert_stops_kept(site, people, acknowledged)
        ends = count_ends(site, people, acknowledged)
    assert ends["stops given up"] == 0
    assert ends["delivered"] >= 10
