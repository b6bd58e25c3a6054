"""The list of opted-out numbers: what it shows, to whom, and what is taken along."""

import asyncio
import csv
import gc
import io
import re
from collections.abc import AsyncIterator, MutableMapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from lists_world import (
    ACME_ONLY,
    ADMIN,
    AGENT,
    ANN,
    BOB,
    CAT,
    COMPLIANCE,
    FOREIGN,
    LONG,
    NOBODY_YET,
    OTHER_ONLY,
    TOLL_FREE,
    World,
    open_world,
    read_tables,
)
from starlette.requests import ClientDisconnect

from consentry.actions.record_consent import Statement, SuppressRecipient
from consentry.domain.entries import Actor, ActorKind, EntryKind
from consentry.wire.written_rows import harmless, write_csv

pytestmark = pytest.mark.integration


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    """Open the console on a new database."""
    async with open_world(tmp_path) as world:
        yield world


async def listed(world: World, who: object = ADMIN, **query: str) -> list[list[str]]:
    """Read the rows of the list."""
    answer = await world.get("/console/opt-outs", who, **query)  # type: ignore[arg-type]
    assert answer.status_code == 200
    return [row for rows in read_tables(answer.text).values() for row in rows[1:]]


async def numbers(world: World, who: object = ADMIN, **query: str) -> list[str]:
    """Read the numbers of the list, written without spaces."""
    return [
        re.sub(r" ", "", row[0]).removesuffix("Optedout").removesuffix("Blockedbycarrier")
        for row in await listed(world, who, **query)
    ]


async def exported(world: World, who: object = ADMIN, **query: str) -> list[dict[str, str]]:
    """Take the list along."""
    answer = await world.get("/console/opt-outs.csv", who, **query)  # type: ignore[arg-type]
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    return list(csv.DictReader(io.StringIO(answer.text, newline="")))


async def suppress(
    world: World, recipient: str, brand: str | None, *, by_person: bool = True
) -> None:
    """Put a number on the do-not-text list, as told to an agent."""
    actor = Actor(ActorKind.AGENT, ADMIN.id)
    statement = Statement(recipient, actor, "as told", by_person=by_person)
    await world.store.submit(SuppressRecipient(statement, brand))


async def test_a_list_without_opt_outs_says_what_will_be_here(world: World) -> None:
    """The empty page names the one thing to do next, to those who may do it."""
    page = (await world.get("/console/opt-outs")).text
    assert "Nobody has opted out" in page
    assert "/console/opt-outs/import" in page
    assert "/console/opt-outs/import" not in (await world.get("/console/opt-outs", AGENT)).text


async def test_a_number_shows_who_why_and_who_may_undo_it(world: World) -> None:
    """Number, name, words for the sender and the cause, and what the person must text."""
    customer = await world.customer("Ann <b>Example</b>", ANN)
    await world.text("STOP", ANN, TOLL_FREE)
    answer = await world.get("/console/opt-outs")
    ((number, name, _, holds),) = await listed(world)
    assert number == "+1 415 555 0142 Opted out"
    assert name == "Ann <b>Example</b>"
    assert f'href="/console/customers/{customer.id}"' in answer.text
    assert "+1 833 555 0102 (Acme) · Texted a keyword" in holds
    assert "Only they can lift it: START or UNSTOP to +1 833 555 0102." in holds
    assert "<b>Example" not in answer.text


async def test_what_the_company_decided_a_colleague_may_lift(world: World) -> None:
    """Without the person's word the list says so; for every brand it says that too."""
    await suppress(world, ANN, None, by_person=False)
    ((_, _, _, holds),) = await listed(world)
    assert "Every brand · Decided by the company" in holds
    assert "A colleague may lift it, with a reason." in holds


async def test_the_newest_opt_out_comes_first(world: World) -> None:
    """The list is in the order of the opt-outs, and one that is lifted is gone."""
    for person in (ANN, BOB, CAT):
        await world.text("STOP", person)
        world.clock.advance(minutes=1)
    assert await numbers(world) == [CAT, BOB, ANN]
    await world.text("START", BOB)
    assert await numbers(world) == [CAT, ANN]


async def test_search_finds_any_part_of_a_number_or_a_name(world: World) -> None:
    """However it is written, and nothing is found where nothing fits."""
    await world.customer("Ann Lovelace", ANN)
    await world.text("STOP", ANN)
    await world.text("STOP", BOB)
    assert await numbers(world, search="0142") == [ANN]
    assert await numbers(world, search="(415) 555-0143") == [BOB]
    assert await numbers(world, search="lovel") == [ANN]
    page = (await world.get("/console/opt-outs", search="nobody")).text
    assert "No opted-out number fits" in page


async def test_filters_narrow_the_list(world: World) -> None:
    """By sender, brand, what holds for every brand, cause and day; each is a real address."""
    await world.text("STOP", ANN, LONG)
    world.clock.advance(days=1)
    await world.text("please stop texting me", BOB, TOLL_FREE)
    world.clock.advance(days=1)
    await suppress(world, CAT, None)
    await world.text("STOP", CAT, FOREIGN)
    assert await numbers(world, of=f"sender:{LONG}") == [ANN]
    assert sorted(await numbers(world, of="brand:acme")) == [ANN, BOB]
    assert await numbers(world, of="brand:other") == [CAT]
    assert await numbers(world, of="everything") == [CAT]
    assert await numbers(world, cause="free_text") == [BOB]
    assert await numbers(world, since="2026-05-21", until="2026-05-21") == [BOB]
    assert await numbers(world, until="2026-05-20") == [ANN]
    assert await numbers(world, search="0142", cause="free_text") == []


@pytest.mark.parametrize(
    ("query", "told"),
    [
        ({"of": "sender:+19"}, "no such number or brand"),
        ({"cause": "boredom"}, "no such reason"),
        ({"since": "yesterday"}, "no day"),
        ({"since": "2026-05-02", "until": "2026-05-01"}, "before the first"),
        ({"search": "x" * 201}, "at most 200 characters"),
    ],
)
async def test_a_filter_that_cannot_be_is_told(
    world: World, query: dict[str, str], told: str
) -> None:
    """The page says what is wrong and lists nothing; nothing is taken along either."""
    await world.text("STOP")
    answer = await world.get("/console/opt-outs", **query)
    assert answer.status_code == 400
    assert told in answer.text
    assert ANN[-4:] not in answer.text
    answer = await world.get("/console/opt-outs.csv", **query)
    assert answer.status_code == 400
    assert EntryKind.EXPORTED not in {entry.kind for entry in await world.audit()}


async def test_pages_follow_each_other(world: World) -> None:
    """Every number is on one page, in order, however many there are."""
    people = [f"+1212555{number:04}" for number in range(120)]
    for person in people:
        await world.text("STOP", person)
        world.clock.advance(seconds=1)
    address: str | None = "/console/opt-outs?of=brand%3Aacme"
    seen: list[str] = []
    while address is not None:
        page = (await world.get(address)).text
        rows = next(iter(read_tables(page).values()))[1:]
        seen += [row[0].removesuffix(" Opted out").replace(" ", "") for row in rows]
        older = re.search(r'href="([^"]+)">Older', page)
        address = older.group(1).replace("&amp;", "&") if older else None
    assert seen == people[::-1]


async def test_an_agent_of_a_brand_sees_what_holds_for_it(world: World) -> None:
    """Opt-outs of another brand, and the names of its customers, stay with it."""
    await world.text("STOP", ANN, LONG)
    await world.customer("Bob of Other", BOB)
    await world.text("hello", BOB, FOREIGN)
    await world.text("STOP", BOB, FOREIGN)
    await suppress(world, BOB, None)
    await world.text("STOP", CAT, FOREIGN)
    assert sorted(await numbers(world)) == [ANN, BOB, CAT]
    assert sorted(await numbers(world, ACME_ONLY)) == [ANN, BOB]
    row = next(row for row in await listed(world, ACME_ONLY) if "0143" in row[0])
    assert row[1] == "No profile"
    assert "Every brand" in row[3]
    assert FOREIGN[-4:] not in row[3]
    assert sorted(await numbers(world, OTHER_ONLY)) == [BOB, CAT]
    page = (await world.get("/console/opt-outs", ACME_ONLY)).text
    assert "brand:other" not in page
    assert (await world.get("/console/opt-outs", ACME_ONLY, of="brand:other")).status_code == 400


async def test_who_may_see_and_take_along(world: World) -> None:
    """Agents see the list and export nothing; without a role or a session nobody sees it."""
    for path, allowed in (
        ("/console/opt-outs", {ADMIN, COMPLIANCE, AGENT}),
        ("/console/opt-outs.csv", {ADMIN, COMPLIANCE}),
    ):
        for who in (ADMIN, COMPLIANCE, AGENT, NOBODY_YET):
            answer = await world.get(path, who)
            assert answer.status_code == (200 if who in allowed else 403), (path, who.name)
        answer = await world.get(path, None)
        assert answer.status_code == 303
        assert answer.headers["location"].startswith("/console/sign-in")
    page = (await world.get("/console/opt-outs", AGENT)).text
    assert "opt-outs.csv" not in page


async def test_an_export_has_a_row_for_everything_that_holds_a_number(world: World) -> None:
    """All pages of it, by the same filters, and the audit says who took how much of what."""
    await world.customer("=cmd|' /C calc'!A0", ANN)
    await world.text("STOP", ANN, TOLL_FREE)
    for number in range(250):
        await world.text("STOP", f"+1212555{number:04}")
    await suppress(world, BOB, "acme", by_person=False)
    rows = await exported(world)
    assert len(rows) == 253
    ann = [row for row in rows if row["number"] == ANN]
    assert {(row["scope"], row["layer"]) for row in ann} == {
        (TOLL_FREE, "provider"),
        (TOLL_FREE, "network"),
    }
    assert ann[0]["since"] == "2026-05-20T12:00:00Z"
    assert ann[0]["customer_name"] == "'=cmd|' /C calc'!A0"
    (bob,) = [row for row in rows if row["number"] == BOB]
    assert (bob["cause"], bob["scope"], bob["layer"], bob["by_person"]) == (
        "agent",
        "acme",
        "",
        "false",
    )
    entries = {entry.id for entry in await world.audit()}
    assert bob["entry"] in entries
    newest = (await world.audit())[0]
    assert newest.kind is EntryKind.EXPORTED
    assert newest.text == "opt-outs: 253 rows"
    assert newest.actor == Actor(ActorKind.AGENT, ADMIN.id)
    assert len(await exported(world, COMPLIANCE, search="415 555")) == 3
    assert (await world.audit())[0].text == "opt-outs (with “415 555”): 3 rows"


async def test_an_export_of_nothing_has_its_columns(world: World) -> None:
    """And is in the audit all the same."""
    answer = await world.get("/console/opt-outs.csv")
    assert answer.text == ("number,since,cause,scope,layer,by_person,customer_name,entry\r\n")
    assert (await world.audit())[0].text == "opt-outs: 0 rows"


async def test_an_export_is_held_to_the_agents_brands(world: World) -> None:
    """What another brand knows of the same number is not in it."""
    await world.text("STOP", ANN, LONG)
    await world.text("STOP", ANN, FOREIGN)
    await world.text("STOP", BOB, FOREIGN)
    assert {(row["number"], row["scope"]) for row in await exported(world, ACME_ONLY)} == {
        (ANN, LONG)
    }


async def test_an_export_that_is_broken_off_is_in_the_audit(world: World) -> None:
    """Who closes the window in the middle has taken what was sent until then."""
    for number in range(450):
        await world.text("STOP", f"+1212555{number:04}")
    scope = {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.4"},
        "method": "GET",
        "scheme": "http",
        "path": "/console/opt-outs.csv",
        "query_string": b"",
        "headers": [(b"cookie", f"who={ADMIN.id}".encode())],
    }
    bodies: list[bytes] = []

    async def receive() -> dict[str, object]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: MutableMapping[str, Any]) -> None:
        if message["type"] == "http.response.body":
            bodies.append(message["body"])
            if len(bodies) == 3:
                raise OSError

    with pytest.raises(ClientDisconnect):
        await world.app(scope, receive, send)
    # What was broken off is tidied up by the event loop, which tells nobody when.
    gc.collect()
    assert bodies[0].startswith(b"number,since")
    async with asyncio.timeout(60):
        while "broken off" not in (await world.audit())[0].text:  # noqa: ASYNC110 - as above
            await asyncio.sleep(0)
    newest = (await world.audit())[0]
    assert newest.text == "opt-outs (broken off): 400 rows"


@pytest.mark.property
@given(st.lists(st.lists(st.text(max_size=20), min_size=1, max_size=5), max_size=5))
@example([["=1+1", "+14155550142", "+1 (415)", "@SUM(A1)", "-2", "\t=1", "a\r\nb", '"', ""]])
@example([["\0", "'", "＝1"]])  # noqa: RUF001 - the wide sign that spreadsheets take too
def test_any_text_survives_and_none_is_a_formula(rows: list[list[str]]) -> None:
    """Python's own reader gives back every cell; only numbers in E.164 begin like a formula."""
    written = write_csv(rows).decode()
    read = list(csv.reader(io.StringIO(written, newline="")))
    clean = [[cell.encode("utf-8", "replace").decode() for cell in row] for row in rows]
    assert read == [[harmless(cell) for cell in row] for row in clean]
    for row, original in zip(read, clean, strict=True):
        for cell, text in zip(row, original, strict=True):
            assert cell in (text, f"'{text}")
            begins_like_one = cell != "" and cell[0] in "=+-@\t\r\n"
            assert not begins_like_one or re.fullmatch(r"\+[1-9][0-9]{1,14}", cell)
