"""Errors: one shape, one table of codes, and never a fault for bad input."""

import ast
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest
from api_world import World

from consentry.actions.check_readiness import NotReady
from consentry.api.app import build_api
from consentry.api.problems import PROBLEMS
from consentry.domain.reasons import REASONS, Reason

pytestmark = pytest.mark.integration

SOURCE = Path(__file__).parents[2] / "src" / "consentry"
ASK = {"sender": "+12025550101", "recipient": "+14155550142"}


def calls_of(name: str, folder: str) -> list[tuple[str, ast.Call]]:
    """Find every `name("code", ...)` below a folder of the source, with its place."""
    return [
        (f"{path.name}:{node.lineno}", node)
        for path in sorted((SOURCE / folder).rglob("*.py"))
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and ast.unparse(node.func) == name
    ]


def code_of(call: ast.Call) -> str | None:
    first = call.args[0] if call.args else None
    return first.value if isinstance(first, ast.Constant) else None


def test_every_reason_is_a_problem_of_its_status() -> None:
    """Each reason of the gate is in the table, with the status of the reasons' own table."""
    assert {r: PROBLEMS[r].status for r in Reason} == {r: REASONS[r].status for r in Reason}


def test_every_code_in_the_source_is_in_the_table() -> None:
    """Whatever an action rejects with, or the API itself, is a documented code and status."""
    rejected = calls_of("Rejected", "actions") + calls_of("Rejected", "store")
    assert len(rejected) > 10
    for place, call in rejected:
        code = code_of(call)
        assert code in PROBLEMS, f"{place}: {code}"
        status = [k.value.value for k in call.keywords if k.arg == "status"]
        assert (status or [409]) == [PROBLEMS[code].status], f"{place}: {code}"
    problems = calls_of("Problem", "api")
    assert len(problems) > 20
    for place, call in problems:
        code = code_of(call)
        assert code is None or code in PROBLEMS, f"{place}: {code}"


def test_every_code_is_used() -> None:
    """No code stands in the table that nothing answers with."""
    used = {code_of(c) for name in ("Rejected", "Problem") for _, c in calls_of(name, ".")}
    assert set(PROBLEMS) - used - set(Reason) - set(NotReady) == set()


@pytest.mark.parametrize("path", ["/v1", "/v1/", "/v1/nothing", "/v1/check/", "//", "/v1/checks/x"])
async def test_a_path_that_is_nothing(world: World, path: str) -> None:
    """An unknown path is a 404 problem, key or no key."""
    for key in (None, "admin"):
        reply = await world.call("GET", path, key=key)
        assert (reply.status, reply.json["code"]) == (404, "not_found")
        assert reply.headers["content-type"] == "application/problem+json"


async def test_a_method_that_is_not_there(world: World) -> None:
    """A wrong method is 405 with Allow; OPTIONS tells what is allowed; HEAD is GET without body."""
    reply = await world.call("GET", "/v1/check")
    assert (reply.status, reply.json["code"]) == (405, "method_not_allowed")
    assert reply.headers["allow"] == "POST"
    reply = await world.call("BREW", "/v1/customers/x")
    assert (reply.status, reply.headers["allow"]) == (405, "DELETE, GET, HEAD, PATCH")
    reply = await world.call("OPTIONS", "/v1/brands")
    assert (reply.status, reply.headers["allow"], reply.body) == (204, "GET, HEAD, POST", b"")
    full, head = [await world.call(m, "/v1/brands") for m in ("GET", "HEAD")]
    assert (head.status, head.body) == (200, b"")
    assert head.headers["content-length"] == full.headers["content-length"]


@pytest.mark.parametrize(
    ("raw", "status", "code"),
    [
        (b"", 400, "malformed_json"),
        (b"{", 400, "malformed_json"),
        (b'{"sender":"x","recipient":"x"} {}', 400, "malformed_json"),
        (b'{"sender":"\xff"}', 400, "malformed_json"),
        (b'{"sender":"\\ud800","recipient":"x"}', 400, "malformed_json"),
        (b"\xef\xbb\xbf{}", 400, "malformed_json"),
        (b'{"sender":"\\u0000","recipient":"x"}', 422, "nul_character"),
        (b"null", 422, "invalid_body"),
        (b"[]", 422, "invalid_body"),
        (b"{}", 422, "invalid_body"),
        (b'{"sender":1,"recipient":"x"}', 422, "invalid_body"),
        (b'{"sender":"x","recipient":"x","at":0}', 422, "invalid_body"),
        (b'{"sender":"x","recipient":"x","at":"2026-05-01T12:00:00"}', 422, "invalid_body"),
        (b'{"sender":"x","recipient":"x","at":' + b"9" * 5000 + b"}", 422, "invalid_body"),
        (b'{"sender":"x","recipient":"x","typo":1}', 422, "invalid_body"),
        (b'{"sender":' + b"[" * 100_000, 422, "invalid_body"),
        (b'{"sender":"x","recipient":"x","purpose":"world domination"}', 422, "invalid_body"),
    ],
    ids=lambda value: repr(value)[:40],
)
async def test_bad_bodies_are_told(world: World, raw: bytes, status: int, code: str) -> None:
    """What is no JSON is 400, what does not fit is 422 and names the place."""
    reply = await world.call("POST", "/v1/check", {}, raw=raw)
    assert (reply.status, reply.json["code"]) == (status, code)
    assert reply.json["type"] == f"/docs#{code}"


async def test_a_backslash_is_no_nul(world: World) -> None:
    """A text that spells backslash u0000 is a text like any other."""
    raw = b'{"sender":"\\\\u0000","recipient":"x"}'
    assert (await world.call("POST", "/v1/check", {}, raw=raw)).status == 200


async def test_the_content_type_counts(world: World) -> None:
    """JSON with parameters or without a content type is taken; anything else is 415."""
    for given in ("application/json; charset=utf-8", "Application/JSON"):
        reply = await world.call("POST", "/v1/check", ASK, headers={"content-type": given})
        assert reply.status == 200
    raw = msgspec.json.encode(ASK)
    assert (await world.call("POST", "/v1/check", raw=raw)).status == 200
    for given in ("text/plain", "application/x-www-form-urlencoded", "", "application/x-ndjson"):
        reply = await world.call("POST", "/v1/check", ASK, headers={"content-type": given})
        assert (reply.status, reply.json["code"]) == (415, "unsupported_media_type")


async def test_too_much_is_refused_before_it_is_kept(world: World) -> None:
    """A body over 1 MiB is 413: announced, in one piece or in many."""
    announced = {"content-length": "9999999999"}
    reply = await world.call("POST", "/v1/check", raw=b"{}", headers=announced)
    assert (reply.status, reply.json["code"]) == (413, "body_too_large")
    for chunks in ([b" " * 1_048_577], [b" " * 65_536] * 17):
        reply = await world.call("POST", "/v1/check", chunks=chunks)
        assert (reply.status, reply.json["code"]) == (413, "body_too_large")
    reply = await world.call("POST", "/v1/check", chunks=[b" " * 65_536] * 15 + [b"{}"])
    assert reply.json["code"] == "invalid_body"


class Broken:
    """A clock that fails in a way nobody thought of."""

    def __init__(self, world: World) -> None:
        self._clock = world.clock

    def now(self) -> object:
        raise ZeroDivisionError("a secret of the inside")

    def monotonic(self) -> float:
        return self._clock.monotonic()


async def test_a_fault_of_ours_tells_nothing_but_its_id(world: World) -> None:
    """An unforeseen exception is 500 with a request id; what broke stays in the log."""
    world.api = build_api(replace(world.services, clock=Broken(world)))
    key = world.secrets
    reply = await world.call("POST", "/v1/read", {"text": "x"})
    assert (reply.status, reply.json["code"]) == (500, "internal_error")
    assert reply.json["request_id"].startswith("req_")
    assert reply.json["request_id"] in reply.json["detail"]
    assert b"secret of the inside" not in reply.body
    assert key


async def test_a_caller_that_hangs_up_is_no_error(world: World) -> None:
    """When the caller is gone before the body ends, nothing is answered and nothing breaks."""
    sent: list[object] = []
    messages = iter(
        [
            {"type": "http.request", "body": b"{", "more_body": True},
            {"type": "http.disconnect"},
        ]
    )
    key = world.secrets["check"]
    scope = {
        "type": "http",
        "method": "POST",
        "scheme": "http",
        "path": "/v1/check",
        "raw_path": b"/v1/check",
        "query_string": b"",
        "headers": [(b"authorization", f"Bearer {key}".encode())],
    }

    async def receive() -> dict[str, object]:
        return next(messages)

    async def send(message: object) -> None:
        sent.append(message)

    await world.api(scope, receive, send)
    assert sent == []
