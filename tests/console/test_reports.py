"""The reports page: right on the edges of days, held to the agent's brands, and taken along."""

import csv
import io
import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
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
    NOW,
    OTHER_ONLY,
    TOLL_FREE,
    World,
    open_world,
    read_tables,
)

from consentry.actions.record_consent import RevokeConsent, Statement, SuppressRecipient
from consentry.console.wording import show_number
from consentry.domain.agents import Agent
from consentry.domain.entries import Actor, ActorKind, EntryKind

pytestmark = pytest.mark.integration

PAGE = "/console/reports"
SHEETS = ("days", "refusals", "causes", "last-texts", "effect", "carrier")


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    """Open the console on a new database."""
    async with open_world(tmp_path) as world:
        yield world


async def tables(world: World, who: Agent = ADMIN, **query: str) -> dict[str, list[list[str]]]:
    """Read the tables of the page, without their heads."""
    answer = await world.get(PAGE, who, **query)
    assert answer.status_code == 200
    return {name: rows[1:] for name, rows in read_tables(answer.text).items()}


async def sheet(world: World, name: str, who: Agent = ADMIN, **query: str) -> list[dict[str, str]]:
    """Take the numbers of one report along."""
    answer = await world.get(f"{PAGE}/{name}.csv", who, **query)
    assert answer.status_code == 200
    return list(csv.DictReader(io.StringIO(answer.text, newline="")))


async def suppress(world: World, recipient: str) -> None:
    """Put a number on the do-not-text list of a brand, as told to an agent."""
    statement = Statement(recipient, Actor(ActorKind.AGENT, ADMIN.id), "as told")
    await world.store.submit(SuppressRecipient(statement, "acme"))


async def test_a_period_without_anything_has_zeros(world: World) -> None:
    """Thirty days where nothing else is asked for, each with a row."""
    found = await tables(world)
    assert len(found["days"]) == 31
    assert found["days"][0] == ["2026-05-20", "0", "0"]
    assert found["days"][29] == ["2026-04-21", "0", "0"]
    assert found["days"][30] == ["Together", "0", "0"]
    page = (await world.get(PAGE)).text
    assert "Nobody opted out in this time" in page
    assert "No text was refused in this time" in page


async def test_days_begin_at_midnight_utc(world: World) -> None:
    """The last moment of a day belongs to it, the next one to the day after."""
    midnight = datetime(2026, 5, 18, tzinfo=UTC)
    for person, at in (
        (ANN, midnight - timedelta(microseconds=1)),
        (BOB, midnight),
        (CAT, midnight + timedelta(days=1)),
    ):
        world.clock.time = at
        await world.text("STOP", person)
    world.clock.time = NOW
    days = {row[0]: row[2] for row in (await tables(world, days="7"))["days"]}
    assert [days[f"2026-05-{day}"] for day in (16, 17, 18, 19, 20)] == ["0", "1", "1", "1", "0"]
    found = await tables(world, since="2026-05-18", until="2026-05-18")
    assert found["days"] == [["2026-05-18", "0", "1"], ["Together", "0", "1"]]
    assert found["effect"][0][1] == "1"
    assert [row[-1] for row in found["last-texts"]] == ["+1 415 555 0143"]


async def test_a_report_tells_what_happened(world: World) -> None:
    """Opt-ins, opt-outs by cause, refusals by reason, in words and with their codes."""
    await world.text("hello", ANN)
    await world.text("STOP", ANN)
    await world.text("STOP", ANN)
    await world.text("please stop texting me", BOB)
    await world.send("Are you there?", ANN)
    await suppress(world, CAT)
    statement = Statement(BOB, Actor(ActorKind.AGENT, ADMIN.id), "as told")
    await world.store.submit(RevokeConsent(statement, "promo"))
    found = await tables(world, days="7")
    assert found["days"][0] == ["2026-05-20", "1", "5"]
    assert found["causes"] == [
        ["Texted a keyword", "2"],
        ["Told to an agent or a program", "1"],
        ["Said so in their own words", "1"],
        ["Withdrawn from one program", "1"],
    ]
    assert found["refusals"] == [["Opted out", "opted_out 21610", "1"]]


async def test_time_to_effect_is_measured_from_the_webhook(world: World) -> None:
    """Median, 95th, the slowest, and how many after more than a second."""
    for place, after in enumerate((0.005, 0.02, 3.0)):
        await world.text("STOP", f"+1212555000{place}", after=after)
    page = (await world.get(PAGE)).text
    told = dict(re.findall(r"<dt>([^<]+)</dt><dd>([^<]+)</dd>", page))
    assert told["Half of them within"] == "20 ms"
    assert told["The slowest"] == "3.0 s"
    assert told["After more than 1 s"] == "1"
    rows = await sheet(world, "effect")
    assert [row["milliseconds"] for row in rows] == ["3000.000", "20.000", "5.000"]
    assert rows[0]["sender"] == LONG


async def test_the_last_text_before_an_opt_out_is_shown_as_typed(world: World) -> None:
    """Markup and all; with a link to an example."""
    customer = await world.customer("Ann", ANN)
    await world.text("STOP", ANN)
    answer = await world.get(PAGE)
    assert "They had no text from this number" in answer.text
    assert f'<a href="/console/customers/{customer.id}">{show_number(ANN)}</a>' in answer.text


async def test_a_report_of_a_sender_counts_that_sender_alone(world: World) -> None:
    """By sender or by brand; each is a real address."""
    await world.text("STOP", ANN, LONG)
    await world.text("STOP", BOB, TOLL_FREE)
    await world.text("STOP", CAT, FOREIGN)
    await suppress(world, ANN)
    for of, count in (
        ("", "4"),
        (f"sender:{LONG}", "1"),
        ("brand:acme", "2"),
        ("brand:other", "1"),
    ):
        found = await tables(world, of=of)
        assert found["days"][-1] == ["Together", "0", count], of


async def test_an_agent_of_a_brand_sees_its_numbers_alone(world: World) -> None:
    """What is about another brand, or about no sender, is not counted; in the CSV neither."""
    await world.text("STOP", ANN, LONG)
    await world.text("STOP", CAT, FOREIGN)
    await suppress(world, BOB)
    assert (await tables(world, ACME_ONLY))["days"][-1] == ["Together", "0", "1"]
    assert (await tables(world, OTHER_ONLY))["days"][-1] == ["Together", "0", "1"]
    assert (await tables(world))["days"][-1] == ["Together", "0", "3"]
    assert [row["number"] for row in await sheet(world, "effect", ACME_ONLY)] == [ANN]
    page = (await world.get(PAGE, ACME_ONLY)).text
    assert "brand:other" not in page
    assert CAT[-4:] not in page
    for address in (PAGE, f"{PAGE}/days.csv"):
        answer = await world.get(address, ACME_ONLY, of="brand:other")
        assert answer.status_code == 400


@pytest.mark.parametrize(
    ("query", "told"),
    [
        ({"since": "then"}, "This is no day"),
        ({"since": "2026-05-19", "until": "2026-05-18"}, "before the first"),
        ({"since": "2026-06-01"}, "still to come"),
        ({"since": "2025-05-19"}, "at most 366 days"),
        ({"of": "sender:+1"}, "no such number or brand"),
    ],
)
async def test_a_period_that_cannot_be_is_told(
    world: World, query: dict[str, str], told: str
) -> None:
    """The page says what is wrong; nothing is taken along."""
    answer = await world.get(PAGE, **query)
    assert answer.status_code == 400
    assert told in answer.text
    assert (await world.get(f"{PAGE}/days.csv", **query)).status_code == 400
    assert EntryKind.EXPORTED not in {entry.kind for entry in await world.audit()}


async def test_one_end_of_a_period_is_enough(world: World) -> None:
    """From a day until now; until a day, thirty days; a number of days nobody offers is thirty."""
    found = (await tables(world, since="2026-05-15"))["days"]
    assert (found[0][0], found[-2][0]) == ("2026-05-20", "2026-05-15")
    found = (await tables(world, until="2026-05-15"))["days"]
    assert (found[0][0], found[-2][0]) == ("2026-05-15", "2026-04-16")
    found = (await tables(world, until="2027-01-01"))["days"]
    assert found[0][0] == "2026-05-20"
    assert len((await tables(world, days="8000"))["days"]) == 31
    assert len((await tables(world, days="90"))["days"]) == 91
    found = (await tables(world, until="0001-01-02"))["days"]
    assert len(found) == 3


async def test_every_report_can_be_taken_along(world: World) -> None:
    """The CSV has the page's numbers, and the audit says what and which part of it."""
    await world.text("STOP", ANN)
    await world.send("Are you there?", ANN)
    assert (await sheet(world, "days", days="7"))[0] == {
        "day": "2026-05-20",
        "opt_ins": "0",
        "opt_outs": "1",
    }
    newest = (await world.audit())[0]
    assert newest.text == ("report: opt-ins and opt-outs by day (2026-05-14 to 2026-05-20): 7 rows")
    (refusal,) = await sheet(world, "refusals")
    assert (refusal["reason"], refusal["twilio_code"], refusal["count"]) == (
        "opted_out",
        "21610",
        "1",
    )
    assert [row["count"] for row in await sheet(world, "carrier")] == ["0", "0"]
    (text,) = await sheet(world, "last-texts", of="brand:acme")
    assert (text["text"], text["example_number"]) == ("", ANN)
    assert "brand" not in str((await world.audit())[0].text)
    assert "Acme, all of it" in str((await world.audit())[0].text)
    (cause,) = await sheet(world, "causes", COMPLIANCE)
    assert cause["cause"] == "keyword"
    assert (await world.get(f"{PAGE}/dreams.csv")).status_code == 404


async def test_who_may_see_reports(world: World) -> None:
    """Compliance and admins; an agent and a stranger neither see nor take along."""
    for path in (PAGE, *(f"{PAGE}/{name}.csv" for name in SHEETS)):
        assert (await world.get(path, ADMIN)).status_code == 200
        assert (await world.get(path, COMPLIANCE)).status_code == 200
        assert (await world.get(path, AGENT)).status_code == 403
        assert (await world.get(path, None)).status_code == 303
