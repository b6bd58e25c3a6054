"""The API beside other pages, and what happens at its edges."""

from dataclasses import replace

import pytest
from api_world import LONG_CODE, World

from consentry.api.app import build_api
from consentry.ports import Scope, StoreUnavailable

pytestmark = pytest.mark.integration

ASK = {"sender": LONG_CODE, "recipient": "+14155550142"}


class Pages:
    """Other pages of the same server: notes what it is asked, answers with a word."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str | None]] = []

    async def __call__(self, scope: dict[str, object], _receive: object, send: object) -> None:
        self.asked.append((str(scope["type"]), scope.get("path")))
        if scope["type"] == "http":
            await send({"type": "http.response.start", "status": 200, "headers": []})
            await send({"type": "http.response.body", "body": b"pages"})


async def test_other_paths_belong_to_the_pages(world: World) -> None:
    """What is not the API's is answered by the pages; below /v1 and /carriers it never is."""
    pages = Pages()
    world.api = build_api(world.services, pages)
    assert (await world.exchange("GET", "/console", {}, [b""])).body == b"pages"
    for path in ("/v1/nothing", "/carriers/fake/nothing"):
        reply = await world.call("GET", path)
        assert (reply.status, reply.json["code"]) == (404, "not_found")
    assert (await world.call("POST", "/v1/check", ASK)).status == 200
    assert pages.asked == [("http", "/console")]
    await world.api({"type": "lifespan"}, None, None)
    assert pages.asked[-1] == ("lifespan", None)


async def test_alone_it_has_no_sockets(world: World) -> None:
    """A web socket is closed politely, and the server's start and end are followed."""
    sent: list[dict[str, object]] = []

    async def send(message: dict[str, object]) -> None:
        sent.append(message)

    await world.api({"type": "websocket", "path": "/v1/check"}, None, send)
    assert sent == [{"type": "websocket.close", "code": 1000}]
    steps = iter([{"type": "lifespan.startup"}, {"type": "lifespan.shutdown"}])

    async def receive() -> dict[str, object]:
        return next(steps)

    await world.api({"type": "lifespan"}, receive, send)
    assert [m["type"] for m in sent[1:]] == [
        "lifespan.startup.complete",
        "lifespan.shutdown.complete",
    ]


class NoWriter:
    """A store that makes nothing durable."""

    def __init__(self, world: World) -> None:
        self._store = world.store

    async def submit(self, _command: object) -> object:
        raise StoreUnavailable

    def directory(self) -> object:
        raise StoreUnavailable

    async def read_facts(self, _recipient: str) -> object:
        raise StoreUnavailable

    def __getattr__(self, name: str) -> object:
        return getattr(self._store, name)


async def test_a_revocation_that_failed_is_none(world: World) -> None:
    """Where a revocation could not be made durable, the answer says so and the key stays."""
    world.api = build_api(replace(world.services, store=NoWriter(world)))
    reply = await world.call("DELETE", "/v1/keys/key_read")
    assert (reply.status, reply.json["code"]) == (503, "store_unavailable")
    assert (await world.call("GET", "/v1/keywords", key=Scope.READ)).status == 200


async def test_a_directory_that_cannot_be_read(world: World) -> None:
    """Where even the senders cannot be read, the gate still answers: no."""
    world.api = build_api(replace(world.services, store=NoWriter(world)))
    reply = await world.call("POST", "/v1/check", {**ASK, "sender": "55555"})
    assert reply.json["reason"] == "store_unavailable"


async def test_a_stream_whose_caller_hangs_up(world: World) -> None:
    """A caller that goes away in the middle ends its stream, and nothing breaks."""
    messages = iter(
        [
            {"type": "http.request", "body": b'"x"\n"y"', "more_body": True},
            {"type": "http.disconnect"},
        ]
    )
    sent: list[dict[str, object]] = []
    scope = {
        "type": "http",
        "method": "POST",
        "scheme": "http",
        "path": "/v1/checks",
        "raw_path": b"/v1/checks",
        "query_string": b"sender=55555",
        "headers": [
            (b"authorization", f"Bearer {world.secrets[Scope.CHECK]}".encode()),
            (b"content-type", b"application/x-ndjson"),
        ],
    }

    async def receive() -> dict[str, object]:
        return next(messages)

    async def send(message: dict[str, object]) -> None:
        sent.append(message)

    await world.api(scope, receive, send)
    body = b"".join(m.get("body", b"") for m in sent)
    assert sent[0]["status"] == 200
    assert body.count(b"\n") == 1
