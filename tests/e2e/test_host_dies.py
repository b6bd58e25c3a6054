"""A server on PostgreSQL dies: others, and who comes after it, find out by themselves."""

import asyncio
from collections.abc import Iterator
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
from real_site import LONG_CODE, find_free_port
from real_world import eventually
from several_world import texts_to

pytestmark = pytest.mark.e2e

SEED = 20_261_130


async def test_a_host_that_dies_is_found_out(site: SharedSite, phones: Iterator[str]) -> None:
    """Nobody tells the other one, which finds it gone, looks its texts up, and lets STOPs wait."""
    site.carrier.fault("slow_answer", rate=1.0, seconds=0.4)
    dice = Random(SEED)
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


def test_a_server_that_is_killed_and_started_again_sends_soon(site: SharedSite, phone: str) -> None:
    """On the same host nobody has to watch the old one until it counts as dead."""
    with ExitStack() as servers:
        server = site.start(servers)
        site.carrier.type_heard(phone, LONG_CODE, "Hello")
        eventually(lambda: len(texts_to(site, phone)) == 1, "the initial reply")
        server.kill()
        server = site.start(servers)
        site.product.send(LONG_CODE, phone, "Hi")
        eventually(lambda: len(texts_to(site, phone)) == 2, "it is sent")
        told = server.log()
        # That it has ended is seen at once; whoever is watched counts as dead after 13 seconds.
        assert "process_gone" in told
        assert "process_taken_for_dead" not in told
        server.stop()
