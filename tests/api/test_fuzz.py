"""Ten thousand bad requests: a clear answer to each, nothing lost, memory flat."""

import asyncio
import gc
import resource
from collections import Counter
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest
from api_world import FakeBook, Reply, World, build_world
from bad_input import ACCOUNT, BASE, TOKEN, Maker, Request

from consentry.api.app import build_api
from consentry.api.problems import PROBLEMS
from consentry.carriers.twilio.settings import build_twilio
from consentry.clock import SystemClock, SystemIds
from consentry.domain.consent import PairState, pair_state
from consentry.domain.policy import Policy
from consentry.ports import CarrierAccount
from databases import open_database

pytestmark = pytest.mark.property

REQUESTS = 10_000
AT_ONCE = 25
WARM_UP_BATCHES = 150
GROWTH_BYTES_MAX = 48 * 1024 * 1024


def resident_bytes() -> int:
    """Memory of this process as it is now, what is garbage not counted."""
    gc.collect()
    pages = Path("/proc/self/statm").read_text(encoding="ascii").split()[1]
    return int(pages) * resource.getpagesize()


async def twilio_world(folder: Path) -> World:
    world = await build_world(folder)
    account = CarrierAccount("fake", "twilio", ACCOUNT, TOKEN, "http://127.0.0.1:1")
    book = FakeBook({"fake": build_twilio(account, BASE)})
    world.api = build_api(replace(world.services, book=book, public_url=BASE))
    return world


async def send(world: World, request: Request) -> Reply:
    """Send one request; the world holds the answer to what the operation promises."""
    reply = await world.call(request.method, request.path, raw=request.raw, headers=request.headers)
    assert reply.status < 500, (request, reply)
    if reply.status >= 400:
        assert reply.headers["content-type"] == "application/problem+json"
        details = msgspec.json.decode(reply.body)
        assert details["code"] in PROBLEMS
        assert len(details["detail"]) > 10
    return reply


async def test_bad_input_is_answered_and_loses_nothing(tmp_path: Path) -> None:
    """No answer is a 5xx, each fits its operation, and every signed opt-out between is durable."""
    world, maker = await twilio_world(tmp_path), Maker(seed=20260501)
    statuses: Counter[int] = Counter()
    opted_out = []
    settled = 0
    for batch in range(REQUESTS // AT_ONCE):
        person = f"+1415{5560000 + batch}"
        requests = [maker.make() for _ in range(AT_ONCE - 1)]
        replies = await asyncio.gather(
            send(world, maker.opt_out(person)), *(send(world, request) for request in requests)
        )
        assert replies[0].status == 200
        opted_out.append(person)
        statuses.update(reply.status for reply in replies)
        if batch == WARM_UP_BATCHES:
            settled = resident_bytes()
    assert resident_bytes() - settled < GROWTH_BYTES_MAX
    assert {200, 201, 400, 403, 404, 413, 415, 422} <= statuses.keys()
    sender = next(iter((await world.store.read_directory()).senders.values()))
    await world.store.close()
    again = open_database(
        tmp_path / "api.db", clock=SystemClock(), ids=SystemIds(), policy=Policy()
    )
    standings = await again.read_standings(opted_out)
    assert {pair_state(standing, sender) for standing in standings} == {PairState.OPTED_OUT}
    await again.close()
