"""The log of stories played at the API: ids and routes stand in it, never a person or a secret."""

import asyncio
import io
import json
import logging
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NoReturn
from urllib.parse import quote

import pytest
from api_world import LONG_CODE, SECRET_KEY, World, build_world
from hypothesis import given, settings
from hypothesis import strategies as st

from consentry.telemetry.logs import set_up_logging

NUMBERS = st.from_regex(
    r"\+(1[2-9][0-9]{2}[2-9][0-9]{6}|4915[0-9]{8}|4479[0-9]{8})", fullmatch=True
)
BODIES = st.sampled_from(["STOP", "Start", "hello, my private words", "please stop texting me"])
STEPS = st.lists(
    st.tuples(
        st.sampled_from(["text", "send", "look", "check", "get lost", "break", "forge", "report"]),
        NUMBERS,
        BODIES,
    ),
    min_size=1,
    max_size=12,
)


@contextmanager
def logged(level: str = "debug") -> Iterator[io.StringIO]:
    """Write the log into memory, at its most talkative, and put everything back."""
    root = logging.getLogger()
    before, level_before = list(root.handlers), root.level
    out = io.StringIO()
    set_up_logging(level, secrets=(SECRET_KEY,), stream=out)
    try:
        yield out
    finally:
        root.handlers[:] = before
        root.setLevel(level_before)


async def play(world: World, step: str, number: str, body: str) -> None:
    """Play one step of a story."""
    match step:
        case "text":
            await world.text(body, recipient=number)
        case "send":
            sent = {"sender": LONG_CODE, "recipient": number, "body": body}
            await world.call("POST", "/v1/messages", {**sent, "purpose": "conversational"})
        case "look":
            await world.call("GET", f"/v1/recipients/{quote(number)}/entries")
        case "check":
            await world.call("POST", "/v1/check", {"sender": number, "recipient": number})
        case "get lost":
            await world.call("GET", f"/v1/nothing/{number}")
        case "break":
            await break_down(world, number, body)
        case "forge":
            await world.text(body, recipient=number, headers={})
        case _:
            report = {"carrier_message_id": "SM1", "recipient": number, "sender": LONG_CODE}
            raw = json.dumps({**report, "status": "delivered"}).encode()
            signed = {"x-fake-signature": "right"}
            await world.call("POST", "/carriers/fake/status", raw=raw, key=None, headers=signed)


async def break_down(world: World, number: str, body: str) -> None:
    """Let something fail whose error tells all that may not be told."""

    class Broken:
        async def find(self, _carrier: str) -> NoReturn:
            text = f"no {number} {quote(number)} {SECRET_KEY} {world.secrets}"
            raise RuntimeError(text) from ValueError(number)

    book = world.services.book
    object.__setattr__(world.services, "book", Broken())
    try:
        reply = await world.text(body, recipient=number)
        assert reply.status == 500
        assert number not in reply.body.decode()
    finally:
        object.__setattr__(world.services, "book", book)


def read(out: io.StringIO) -> list[dict[str, Any]]:
    """Read every line as JSON."""
    return [json.loads(line) for line in out.getvalue().splitlines()]


@pytest.mark.property
@settings(max_examples=60)
@given(STEPS)
def test_no_line_of_a_played_story_tells_a_number_a_text_or_a_secret(
    steps: list[tuple[str, str, str]],
) -> None:
    """Whatever is asked, refused, forged or broken: no line has a number's digits in a row."""

    async def story() -> None:
        with tempfile.TemporaryDirectory() as folder:
            world = await build_world(Path(folder))
            for step, number, body in steps:
                await play(world, step, number, body)
            await world.store.close()
            secrets.extend(world.secrets.values())

    secrets = [SECRET_KEY]
    with logged() as out:
        asyncio.run(story())
    assert len(read(out)) >= len(steps)
    told = out.getvalue()
    for _, number, body in steps:
        assert number[1:] not in told
        assert number[2:] not in told
        assert len(body) < 8 or body not in told
    assert [secret for secret in secrets if secret in told] == []


@pytest.mark.integration
async def test_lines_of_a_request_carry_its_id_route_and_carrier(world: World) -> None:
    """The id that a failed caller is told is in the log, with the route and not the path."""
    with logged("info") as out:
        await break_down(world, "+14155550142", "hello")
    [line] = read(out)
    assert line["event"] == "request_failed"
    assert line["request_id"].startswith("req_")
    assert (line["method"], line["route"]) == ("POST", "/carriers/{carrier}/inbound")
    assert line["carrier"] == "fake"
    assert "RuntimeError" in line["exception"]


@pytest.mark.integration
async def test_a_failed_caller_is_told_the_id_of_the_line(world: World) -> None:
    """Who runs the server finds the line by what the caller was told."""

    class Broken:
        async def find(self, _carrier: str) -> NoReturn:
            raise RuntimeError

    object.__setattr__(world.services, "book", Broken())
    with logged("info") as out:
        reply = await world.text("hello")
    assert reply.json["request_id"] == read(out)[0]["request_id"]
