"""Opt-outs that were told to an agent and consents that run out: the form and the two reports."""

from collections.abc import AsyncIterator
from datetime import timedelta
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
    LONG,
    NOW,
    OTHER_ONLY,
    World,
    open_world,
)
from page_tree import read_tree

from consentry.actions.record_consent import GrantConsent, Statement
from consentry.console.clock_words import spell_clock, spell_latency
from consentry.domain.entries import Actor, ActorKind, Evidence, Medium
from consentry.domain.legal_clock import start_clock
from consentry.domain.standing import ConsentLevel

pytestmark = pytest.mark.integration

FORM = "/console/opt-outs/told"
REPORT = "/console/reports/told"
EXPIRING = "/console/reports/expiring"
TOLD = {"scope": "brand acme", "medium": "mail", "words": "Never again", "name": "", "when": ""}
BY_KEY = Actor(ActorKind.KEY, "key_1")


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    """A console with two brands."""
    async with open_world(tmp_path) as made:
        yield made


async def report(world: World, who: object = COMPLIANCE, **query: str) -> list[list[str]]:
    """Give the rows of the report as words."""
    page = read_tree((await world.get(REPORT, who, **query)).text)
    return [[cell.words for cell in row.all("td")] for row in page.all("tr")[1:]]


async def test_a_number_that_no_customer_has_is_opted_out(world: World) -> None:
    """By a form from the list of opt-outs; the report shows what was said and its clock."""
    assert FORM in (await world.get("/console/opt-outs")).text
    sent = await world.post(FORM, COMPLIANCE, phone="(415) 555-0142", **TOLD)
    assert sent.status_code == 303
    assert sent.headers["location"].startswith(f"{REPORT}#ent_")
    assert (await world.send("Hi")).decision.reason is not None
    ((number, told, of, clock),) = await report(world)
    assert number == "+1 415 555 0142"
    assert told == "By mail Never again recorded by Cem"
    assert of == "All of Acme"
    assert clock == "Received now · in force at once Due by 4 June 2026"


async def test_an_agent_without_reports_goes_to_the_list(world: World) -> None:
    """Where the number then is."""
    sent = await world.post(FORM, AGENT, phone=ANN, **TOLD)
    page = await world.get(sent.headers["location"], AGENT)
    assert "+1 415 555 0142" in read_tree(page.text).words


async def test_late_ones_are_marked_and_can_be_shown_alone(world: World) -> None:
    """An opt-out by letter that lay for a month is in force now, and told to be too late."""
    await world.customer("Ann Example", ANN)
    received = (NOW - timedelta(days=31)).isoformat()
    await world.post(FORM, phone=ANN, **{**TOLD, "when": received})
    await world.post(FORM, phone=BOB, **{**TOLD, "scope": f"sender {LONG}"})
    rows = await report(world)
    assert [row[0] for row in rows] == ["+1 415 555 0143", "+1 415 555 0142 Ann Example"]
    assert rows[1][3].endswith("in force after 31 days Due by 1 May 2026 Too late")
    assert [row[0] for row in await report(world, late="true")] == ["+1 415 555 0142 Ann Example"]
    assert [len(await report(world, who)) for who in (ACME_ONLY, OTHER_ONLY)] == [2, 0]


@pytest.mark.parametrize(
    ("wrong", "field"),
    [({"phone": "call me"}, "phone"), ({"scope": "brand x"}, "scope"), ({"words": ""}, "words")],
)
async def test_what_is_wrong_is_told_at_its_field(
    world: World, wrong: dict[str, str], field: str
) -> None:
    """Nothing is recorded, and what was typed stays."""
    refused = await world.post(FORM, **{"phone": ANN, **TOLD, **wrong})
    assert refused.status_code == 422
    assert read_tree(refused.text).by_id(f"wrong-{field}").words
    assert await report(world) == []


async def test_consents_that_run_out_are_listed(world: World) -> None:
    """Within thirty days or more, by who may see the brand; the Consent tab says until when."""
    ann = await world.customer("Ann Example", ANN)
    for recipient, days in ((ANN, 12), (BOB, 60)):
        evidence = Evidence(Medium.TEXT, verbatim="JOIN")
        told = Statement(recipient, BY_KEY, "texted JOIN", evidence)
        ends = NOW + timedelta(days=days)
        await world.store.submit(GrantConsent(told, "promo", ConsentLevel.EXPRESS, ends))
    page = (await world.get(EXPIRING, COMPLIANCE)).text
    assert "1 consent expires within 30 days" in page
    assert "Ann Example" in page
    assert "1 June 2026" in page
    wider = read_tree((await world.get(EXPIRING, within="90")).text)
    assert [row.all("td")[1].words for row in wider.all("tr")[1:]] == [
        "+1 415 555 0142",
        "+1 415 555 0143",
    ]
    assert "Nothing runs out within 30 days" in (await world.get(EXPIRING, OTHER_ONLY)).text
    consent = read_tree((await world.get(f"/console/customers/{ann.id}/consent")).text)
    assert "Express, expires 2026-06-01 12:00:00 UTC" in consent.words
    assert "items of written consent not shown" in consent.words
    assert "The wording names the seller, Acme" in consent.words


async def test_the_card_says_when_a_conversation_runs_out(world: World) -> None:
    """Beside its state, as people write a day."""
    cat = await world.customer("Cat Example", CAT)
    evidence = Evidence(Medium.TEXT, verbatim="Hello")
    told = Statement(CAT, BY_KEY, "asked", evidence)
    ends = NOW + timedelta(days=40)
    await world.store.submit(GrantConsent(told, f"conversation:{LONG}", expires_at=ends))
    page = (await world.get(f"/console/customers/{cat.id}")).text
    assert "expires 29 June 2026" in page


async def test_the_history_of_a_person_has_the_clock(world: World) -> None:
    """On the timeline and on the Consent tab: in force after how long, due by when."""
    ann = await world.customer("Ann Example", ANN)
    received = (NOW - timedelta(days=31)).isoformat()
    await world.post(FORM, ADMIN, phone=ANN, **{**TOLD, "when": received})
    timeline = read_tree((await world.get(f"/console/customers/{ann.id}")).text).words
    assert "in force after 31 days, due by 1 May 2026, so it was too late" in timeline
    consent = read_tree((await world.get(f"/console/customers/{ann.id}/consent")).text).words
    assert "In force after 31 days; the law asks for it by 1 May 2026" in consent
    assert "Too late." in consent


@pytest.mark.parametrize(
    ("before", "words"),
    [
        ({"seconds": 59}, "at once"),
        ({"minutes": 1}, "after 1 minute"),
        ({"hours": 2}, "after 2 hours"),
        ({"days": 3}, "after 3 days"),
    ],
)
def test_latency_is_told_in_the_largest_unit(before: dict[str, float], words: str) -> None:
    """And the line of the timeline says by when it was due."""
    clock = start_clock(NOW - timedelta(**before), NOW)
    assert spell_latency(clock) == words
    assert spell_clock(clock).startswith(f"in force {words}, due by ")
