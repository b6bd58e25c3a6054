"""Sinch by a project's access key: tokens, and the list of opt-outs of an app."""

import asyncio
import json
import warnings
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import msgspec
import pytest
from carrier_loopback import OPEN, Gate, Loopback, Reply, http, loopback
from carrier_table import BASE, NOW, json_body
from tables.sinch import ACCOUNT, ID, OURS, PERSON, REQUEST, TEXT

from consentry.carriers.shared.way_out import WayOut
from consentry.carriers.sinch.authorization import APIToken
from consentry.carriers.sinch.block_list import SinchBlockList
from consentry.carriers.sinch.questions import Questions
from consentry.carriers.sinch.settings import build_sinch
from consentry.domain.messages import MessageStatus
from consentry.ports import (
    Accepted,
    Carrier,
    CarrierBlock,
    CarrierRefusal,
    CarrierUnreachable,
    Unanswered,
)

with warnings.catch_warnings():
    # Its docstrings hold escapes that are none; the compiler says so the first time it reads them.
    warnings.simplefilter("ignore")
    from sinch import SinchClient

pytestmark = pytest.mark.integration

PROJECT = "/xms/v1/project-1"
CONSENTS = "/v1/projects/project-1/apps/app-1/consents/OPT_OUT_ALL"
TAKEN = http(201, json_body({**REQUEST, "id": ID}), content_type="application/json")
ACCEPTED = Accepted(ID, MessageStatus.SENDING)


def token(name: str = "t1", seconds: float = 3600) -> bytes:
    """Write the answer that gives a token."""
    granted = {"access_token": name, "expires_in": seconds, "scope": "", "token_type": "bearer"}
    return http(200, json_body(granted), content_type="application/json")


@asynccontextmanager
async def project(*replies: Reply, **changed: str) -> AsyncIterator[tuple[Carrier, Loopback]]:
    """Build the carrier of a project; all of Sinch's addresses are one server."""
    async with loopback(replies) as server:
        own = {"auth_url": server.url, "consents_url": server.url}
        more = {"access_key": "key-1", "app_id": "app-1"} | own | changed
        account = msgspec.structs.replace(
            ACCOUNT, account="project-1", key_secret="key-secret", base_url=server.url, more=more
        )
        carrier = build_sinch(account, BASE)
        try:
            yield carrier, server
        finally:
            await carrier.close()


def paths(server: Loopback) -> list[str]:
    """List what was asked."""
    return [seen.path for seen in server.seen]


# --- Tokens ------------------------------------------------------------------------------------


async def test_one_token_serves_many_requests() -> None:
    """It is asked for once, whoever comes first, and kept."""
    async with project(token(), TAKEN) as (carrier, server):
        answers = await asyncio.gather(*(carrier.submit(TEXT, OPEN) for _ in range(3)))
    assert answers == [ACCEPTED] * 3
    assert paths(server) == ["/oauth2/token"] + [f"{PROJECT}/batches"] * 3
    assert {seen.headers["authorization"] for seen in server.seen[1:]} == {"Bearer t1"}


async def test_a_token_is_not_used_up_to_its_last_minute() -> None:
    """One that holds for a minute only is asked for anew each time."""
    async with project(token(seconds=60), TAKEN, token("t2", 60), TAKEN) as (carrier, server):
        assert await carrier.submit(TEXT, OPEN) == ACCEPTED
        assert await carrier.submit(TEXT, OPEN) == ACCEPTED
    assert paths(server) == ["/oauth2/token", f"{PROJECT}/batches"] * 2
    assert server.seen[3].headers["authorization"] == "Bearer t2"


async def test_a_token_that_is_refused_is_asked_for_anew() -> None:
    """The text waits in line, and the next attempt has another token."""
    async with project(token(), http(401), token("t2"), TAKEN) as (carrier, server):
        refusal = await carrier.submit(TEXT, OPEN)
        assert isinstance(refusal, CarrierRefusal)
        assert (refusal.code, refusal.permanent) == ("http_401", False)
        assert await carrier.submit(TEXT, OPEN) == ACCEPTED
    assert server.seen[3].headers["authorization"] == "Bearer t2"
    async with project(token(), http(401), token("t2"), http(200, b"{}")) as (carrier, server):
        with pytest.raises(CarrierUnreachable):
            await carrier.find(TEXT, since=NOW)
        assert await carrier.find(TEXT, since=NOW) is None
    assert server.seen[3].headers["authorization"] == "Bearer t2"


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        (http(401), "Check the access key"),
        (http(200, b"<html>"), "cannot be read"),
        (http(200, b'{"expires_in": 1}'), "cannot be read"),
    ],
)
async def test_without_a_token_nothing_is_sent(reply: bytes, reason: str) -> None:
    """The fence is not even asked, and the text may be tried again."""
    gate = Gate()
    async with project(reply) as (carrier, server):
        refusal = await carrier.submit(TEXT, gate)
        assert isinstance(refusal, CarrierRefusal)
        assert (refusal.code, refusal.permanent, refusal.opted_out) == ("no_token", False, False)
        assert reason in refusal.text
        with pytest.raises(CarrierUnreachable, match=reason):
            await carrier.probe()
    assert gate.asked == 0
    assert set(paths(server)) == {"/oauth2/token"}


async def test_a_text_whose_answer_is_lost_is_in_doubt_as_ever() -> None:
    """A token makes no difference to that."""
    async with project(token(), http(500)) as (carrier, _):
        assert isinstance(await carrier.submit(TEXT, OPEN), Unanswered)


# --- The list ----------------------------------------------------------------------------------


def page(*identities: str, following: str | None = None) -> bytes:
    """Write a page of an app's list."""
    found = [{"identity": identity} for identity in identities]
    return http(200, json_body({"identities": found, "next_page_token": following}))


async def read(carrier: Carrier) -> list[CarrierBlock]:
    """Read the whole list."""
    assert carrier.block_list is not None
    return [block async for block in carrier.block_list.read((OURS,))]


async def test_the_list_of_an_app_is_read_page_by_page() -> None:
    """Numbers with or without their plus; identities of other channels are passed over."""
    pages = (page("12125550142", "user@example.com", following="p2"), page("+447700900001"))
    async with project(token(), *pages) as (carrier, server):
        blocks = await read(carrier)
    assert blocks == [
        CarrierBlock(PERSON, None, None, "OPT_OUT_ALL of Sinch's app app-1"),
        CarrierBlock("+447700900001", None, None, "OPT_OUT_ALL of Sinch's app app-1"),
    ]
    assert paths(server) == ["/oauth2/token", CONSENTS, CONSENTS]
    assert server.seen[1].query == {"page_size": ["50"]}
    assert server.seen[2].query == {"page_size": ["50"], "page_token": ["p2"]}
    assert server.seen[2].headers["authorization"] == "Bearer t1"


@pytest.mark.parametrize(
    ("reply", "reason"),
    [(http(403), "http_403"), (http(200, b"[]"), "cannot be read"), (http(503), "HTTP 503")],
)
async def test_a_list_that_cannot_be_had_is_no_answer(reply: bytes, reason: str) -> None:
    """An empty list would say that nobody has opted out."""
    async with project(token(), reply) as (carrier, _):
        with pytest.raises(CarrierUnreachable, match=reason):
            await read(carrier)


async def test_a_list_without_an_end_is_given_up() -> None:
    """The pages are bounded."""
    way_out = WayOut()
    async with loopback((page(PERSON, following="again"),)) as server:
        questions = Questions(APIToken("t1"), way_out)
        block_list = SinchBlockList(
            server.url, project="project-1", app="app-1", questions=questions, pages_max=3
        )
        with pytest.raises(CarrierUnreachable, match="did not end after 3 pages"):
            [block async for block in block_list.read((OURS,))]
        await way_out.close()
    assert len(server.seen) == 3


@pytest.mark.parametrize("missing", ["app_id", "access_key"])
def test_without_an_app_and_a_key_there_is_no_list(missing: str) -> None:
    """A plan's own token does not open it."""
    more = {"app_id": "app-1", "access_key": "key-1"}
    del more[missing]
    assert build_sinch(msgspec.structs.replace(ACCOUNT, more=more), BASE).block_list is None


# --- Judged by Sinch's own library -------------------------------------------------------------


def library(server: Loopback) -> SinchClient:
    """Have Sinch's library ask a server on loopback in the name of the project."""
    client = SinchClient(project_id="project-1", key_id="key-1", key_secret="key-secret")
    client.configuration.auth_origin = server.url
    client.configuration.sms_origin = server.url
    return client


async def test_our_requests_are_those_its_library_makes() -> None:
    """Both ask for a token in the same way, and send under it to the same address."""
    asked: dict[str, Any] = {"to": [PERSON], "from_": OURS, "body": "Hello"}
    asked |= {"delivery_report": "per_recipient", "client_reference": "msg_1"}
    asked |= {"event_destination_target": REQUEST["callback_url"]}
    async with project(token(), TAKEN, token(), TAKEN) as (carrier, server):
        assert await carrier.submit(TEXT, OPEN) == ACCEPTED
        await asyncio.to_thread(library(server).sms.batches.send_sms, **asked)
    our_token, ours, its_token, its = server.seen
    assert (our_token.target, our_token.form) == (its_token.target, its_token.form)
    assert our_token.headers["authorization"] == its_token.headers["authorization"]
    assert (ours.method, ours.target) == (its.method, its.target)
    assert ours.headers["authorization"] == its.headers["authorization"]
    assert json.loads(ours.body) == json.loads(its.body)
