"""Liveness, readiness and metrics: what they say, to whom, and that they name nobody."""

import asyncio
from dataclasses import replace

import msgspec
import pytest
from api_world import LONG_CODE, PERSON, World

from consentry.actions.check_readiness import NotReady, ReadinessCheck, ReadinessLimits
from consentry.api.app import build_api
from consentry.ports import MetricsAccess, Scope

pytestmark = pytest.mark.integration


async def test_alive_asks_nobody(world: World) -> None:
    """Liveness says ok, also without a store: a restart would not bring one back."""
    await world.store.close()
    reply = await world.call("GET", "/healthz", key=None)
    assert (reply.status, reply.json) == (200, {"status": "ok"})


async def test_ready_tells_store_writer_and_outbox(world: World) -> None:
    """A real store: read, written, nothing waits; one text is due for as long as it is due."""
    await world.text("Hello")
    world.clock.advance(12.5)
    reply = await world.call("GET", "/readyz", key=None)
    assert reply.status == 200
    assert reply.json == {
        "status": "ready",
        "store": {"reads": True, "writes": True},
        "writer": {"waiting": 0, "lag_seconds": 0.0},
        "outbox": {"jobs": 1, "age_seconds": 12.5},
        "ledger": {"held": None},
    }
    assert reply.headers["cache-control"] == "no-store"


async def test_a_server_that_stops_says_so(world: World) -> None:
    """503 with the reason, what to do, and how things stand."""
    world.services.readiness.drain()
    reply = await world.call("GET", "/readyz", key=None)
    assert (reply.status, reply.json["code"]) == (503, "draining")
    assert "Ask another one" in reply.json["detail"]
    assert reply.json["readiness"]["status"] == "not_ready"
    assert reply.json["readiness"]["store"] == {"reads": True, "writes": True}
    assert "retry-after" in reply.headers


async def test_a_store_that_is_gone_is_not_ready(world: World) -> None:
    """A store that takes no more commands, whatever it still reads."""
    await world.store.close()
    reply = await world.call("GET", "/readyz", key=None)
    assert (reply.status, reply.json["code"]) == (503, NotReady.STORE_UNAVAILABLE)


async def test_nothing_of_a_person_is_in_readiness(world: World) -> None:
    """Whatever happened before, the answer has numbers of things, and no number of anybody."""
    await world.text("Hello")
    await world.call("GET", f"/v1/recipients/{PERSON}")
    for _ in range(2):
        reply = await world.call("GET", "/readyz", key=None)
        assert PERSON[1:] not in reply.body.decode()
        assert LONG_CODE[1:] not in reply.body.decode()
        world.services.readiness.drain()


async def test_asking_often_costs_one_look(world: World) -> None:
    """A thousand askers at once are one question to the store: one commit."""
    commits = []
    real_submit = world.store.submit

    class Counting:
        def __getattr__(self, name: str) -> object:
            return getattr(world.store, name)

        async def submit(self, command: object) -> object:
            commits.append(command)
            return await real_submit(command)  # type: ignore[arg-type]

    check = ReadinessCheck(Counting(), world.clock, ReadinessLimits(ask_seconds=60))  # type: ignore[arg-type]
    world.api = build_api(replace(world.services, readiness=check))
    replies = await asyncio.gather(*(world.call("GET", "/readyz", key=None) for _ in range(1000)))
    assert {reply.status for reply in replies} == {200}
    assert len(commits) == 1


async def test_metrics_need_a_key_with_the_scope(world: World) -> None:
    """No key is 401, another scope 403; the scope's own key and an admin's may read."""
    refused = await world.call("GET", "/metrics", key=None)
    assert (refused.status, refused.json["code"]) == (401, "unauthorized")
    lacking = await world.call("GET", "/metrics", key="read")
    assert (lacking.status, lacking.json["code"]) == (403, "scope_missing")
    for scope in (Scope.METRICS, Scope.ADMIN):
        headers = {"accept": "text/x"}
        reply = await world.call("GET", "/metrics", key=scope, headers=headers)
        assert (reply.status, reply.body) == (200, b"counted 1 text/x")
        assert reply.headers["content-type"] == "text/plain"


async def test_a_metrics_key_opens_nothing_else(world: World) -> None:
    """The scope is for /metrics alone."""
    for path in ("/v1/messages", f"/v1/recipients/{PERSON}", "/v1/keys"):
        assert (await world.call("GET", path, key=Scope.METRICS)).status == 403


@pytest.mark.parametrize(
    ("access", "client", "headers", "status"),
    [
        (MetricsAccess.KEY, "127.0.0.1", {}, 401),
        (MetricsAccess.LOOPBACK, "127.0.0.1", {}, 200),
        (MetricsAccess.LOOPBACK, "::1", {}, 200),
        (MetricsAccess.LOOPBACK, "10.0.0.7", {}, 401),
        (MetricsAccess.LOOPBACK, "", {}, 401),
        (MetricsAccess.LOOPBACK, None, {}, 401),
        (MetricsAccess.LOOPBACK, "127.0.0.1", {"x-forwarded-for": "203.0.113.9"}, 401),
        (MetricsAccess.LOOPBACK, "127.0.0.1", {"via": "1.1 proxy"}, 401),
        (MetricsAccess.OPEN, "203.0.113.9", {}, 200),
    ],
)
async def test_a_setting_lets_others_read_metrics(
    world: World,
    *,
    access: MetricsAccess,
    client: str | None,
    headers: dict[str, str],
    status: int,
) -> None:
    """This machine where that is set, and not what a proxy on it passes on; or everybody."""
    world.api = build_api(replace(world.services, metrics_access=access))
    world.client = client
    assert (await world.call("GET", "/metrics", key=None, headers=headers)).status == status
    assert (await world.call("GET", "/v1/messages", key=None, headers=headers)).status == 401
    # A key that is sent is looked at, whoever else may read.
    assert (await world.call("GET", "/metrics", key="csk_wrong")).status == 401


async def test_answers_decisions_and_webhooks_are_counted(world: World) -> None:
    """Each request under its route's pattern, each decision, each webhook with its time."""
    told: list[tuple[object, ...]] = []

    class Noting:
        def __getattr__(self, name: str) -> object:
            return lambda *values: told.append((name, *values))

    world.api = build_api(replace(world.services, measuring=Noting()))  # type: ignore[arg-type]
    await world.text("Hello")
    await world.call("GET", f"/v1/recipients/{PERSON}")
    await world.call("GET", f"/v1/nothing/{PERSON}")
    asked = {"sender": LONG_CODE, "recipients": [PERSON, PERSON]}
    await world.call("POST", "/v1/checks", asked)
    await world.call("POST", "/v1/check", {"sender": LONG_CODE, "recipient": PERSON})
    past = {"sender": LONG_CODE, "recipient": PERSON, "at": "2026-01-01T00:00:00Z"}
    await world.call("POST", "/v1/check", past)
    lines = msgspec.json.encode(asked["recipients"][0])
    stream = {"content-type": "application/x-ndjson"}
    await world.call("POST", f"/v1/checks?sender=%2B{LONG_CODE[1:]}", raw=lines, headers=stream)
    routes = [values for name, *values in told if name == "note_request"]
    assert routes[:3] == [
        ["/carriers/{carrier}/inbound", 200],
        ["/v1/recipients/{phone}", 200],
        ["unknown", 404],
    ]
    assert not [route for route, _ in routes if PERSON[1:] in str(route)]
    decisions = [len(values[0]) for name, *values in told if name == "note_decisions"]  # type: ignore[arg-type]
    assert decisions == [2, 1, 1]
    assert [values[0] for name, *values in told if name == "note_webhook"] == ["inbound"]
