"""Webhooks whose key has to be fetched: nothing is believed before it is there."""

from dataclasses import replace

import pytest
from api_world import LONG_CODE, PERSON, SIGNED, FakeBook, FakeCarrier, Reply, World

from consentry.api.app import build_api
from consentry.ports import (
    CarrierEvent,
    CarrierUnreachable,
    InboundText,
    KeyMissing,
    WebhookRequest,
)

pytestmark = pytest.mark.integration


class Keyed(FakeCarrier):
    """Has no key at first; `reachable`: one can be had; `is_kept`: it stays."""

    def __init__(self, *, reachable: bool = True, is_kept: bool = True) -> None:
        super().__init__()
        self.reachable = reachable
        self.is_kept = is_kept
        self.fetched = 0

    def read_inbound(self, request: WebhookRequest) -> tuple[CarrierEvent, ...]:
        """Read a text, once the key is there."""
        if not self.fetched or not self.is_kept:
            raise KeyMissing(self._fetch)
        self._open(request)
        return (InboundText("M1", PERSON, LONG_CODE, "STOP"),)

    read_status = read_inbound

    async def _fetch(self) -> None:
        if not self.reachable:
            raise CarrierUnreachable("It is down.")
        self.fetched += 1


async def post(world: World, carrier: Keyed, path: str = "inbound", **headers: str) -> Reply:
    """Have the carrier post a webhook."""
    world.api = build_api(replace(world.services, book=FakeBook({"fake": carrier})))
    return await world.call(
        "POST", f"/carriers/fake/{path}", raw=b"x", key=None, headers=headers or SIGNED
    )


async def kinds(world: World) -> list[str]:
    """List what is known of the person."""
    reply = await world.call("GET", f"/v1/recipients/{PERSON}/entries")
    return [entry["kind"] for entry in reply.json["items"]]


@pytest.mark.parametrize("path", ["inbound", "status"])
async def test_the_key_is_fetched_and_the_text_taken(world: World, path: str) -> None:
    """One fetch serves: the STOP counts before the answer."""
    carrier = Keyed()
    assert (await post(world, carrier, path)).status == 200
    assert (await post(world, carrier, path)).status == 200
    assert carrier.fetched == 1
    assert "opted_out" in await kinds(world)


async def test_without_the_key_nothing_is_believed_and_the_carrier_comes_again(
    world: World,
) -> None:
    """It hears 503, for what it says may be a STOP; also where the key is gone at once."""
    for carrier in (Keyed(reachable=False), Keyed(is_kept=False)):
        reply = await post(world, carrier)
        assert (reply.status, reply.json["code"]) == (503, "carrier_unreachable")
    assert await kinds(world) == []


async def test_a_forgery_stays_one_after_the_key_was_fetched(world: World) -> None:
    """To have us fetch a key does not make anybody the carrier."""
    reply = await post(world, Keyed(), **{"x-fake-signature": "wrong"})
    assert (reply.status, reply.json["code"]) == (403, "forged_webhook")
    assert await kinds(world) == []
