"""The Consent tab: what stands now, and how each word led to it, with the evidence."""

import html
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest
from customer_world import Person, find_person, meet
from lists_world import (
    ACME_ONLY,
    ADMIN,
    AGENT,
    ANN,
    BOB,
    COMPLIANCE,
    FOREIGN,
    LONG,
    NOW,
    OTHER_ONLY,
    TOLL_FREE,
    World,
    Write,
    open_world,
)
from page_tree import Node

from consentry.actions.record_consent import GrantConsent, Statement, SuppressRecipient
from consentry.domain.entries import Actor, ActorKind, Entry, EntryKind, Evidence, Medium
from consentry.domain.reasons import OPTED_OUT_SENTENCE
from consentry.domain.standing import ConsentLevel
from consentry.ports import Change

pytestmark = pytest.mark.integration
BY_KEY = Actor(ActorKind.KEY, "key_1")
BY_AGENT = Actor(ActorKind.AGENT, AGENT.id)


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    """Open the console on a new database."""
    async with open_world(tmp_path) as world:
        yield world


async def history(person: Person, /, **query: str) -> list[Node]:
    """List the entries of the history, as they stand on the page."""
    return (await person.page(ADMIN, "/consent", **query)).by_id("consent").all("li", "told")


def facts(told: Node) -> dict[str, str]:
    """Read the lines of an entry by their names."""
    names, values = told.all("dt"), told.all("dd")
    return dict(zip((n.words for n in names), (n.words for n in values), strict=True))


async def test_a_stop_is_told_with_both_readings_and_what_it_changed(world: World) -> None:
    """Verbatim text, carrier and legal reader with rule and version, blocks, consents, latency."""
    await world.text("Hello")
    world.clock.advance(minutes=1)
    await world.text("  Stop ", sent_at=NOW + timedelta(seconds=58), after=0.25)
    first, stop = (await history(await find_person(world)))[:2]
    assert first.one("p", "told-head").words == (
        "This person opted in to +1 202 555 0101 by writing first"
    )
    assert stop.one("p", "told-head").words == "This person opted out of +1 202 555 0101"
    assert stop.one("blockquote").raw == "  Stop "
    told = facts(stop)
    assert told["By"] == "This person"
    assert told["Received"] == "2026-05-20 12:01:00 UTC, in force after 250 ms"
    assert told["Carrier's time"] == "2026-05-20 12:00:58 UTC"
    assert told["Recorded"] == "2026-05-20 12:01:00 UTC"
    assert told["Carrier reader"].startswith("opt out, rule twilio/long_code/2025-05-14:STOP, ver")
    assert told["Legal reader"].startswith("opt out, tier keyword, rule ")
    assert "Block set for +1 202 555 0101, the provider's" in told["Changed"]
    assert "Consent with conversation with +1 202 555 0101: revoked, implied" in told["Changed"]
    assert "SMS tag removed" in told["Changed"]
    assert told["Entry"].startswith("ent_")


async def test_consent_told_by_a_program_shows_its_evidence(world: World) -> None:
    """What was shown, what was done, from where, and that it waits for the handset."""
    person = await meet(world)
    evidence = Evidence(
        Medium.WEB,
        at=NOW - timedelta(days=1),
        call_to_action="Acme may text me Deals",
        action="checkbox",
        page_url="https://acme.example/join",
        ip="192.0.2.1",
        name="Ann",
    )
    await world.store.submit(
        GrantConsent(Statement(ANN, BY_KEY, "form", evidence), "promo", ConsentLevel.EXPRESS)
    )
    (granted,) = await history(person)
    assert granted.one("p", "told-head").words.startswith("Consent recorded: Deals (marketing)")
    told = facts(granted)
    assert told["Happened"] == "2026-05-19 12:00:00 UTC"
    assert (told["Told"], told["Told by"]) == ("on a web page", "Ann")
    assert (told["Shown"], told["Done"]) == ("Acme may text me Deals", "checkbox")
    assert (told["Page"], told["From address"]) == ("https://acme.example/join", "192.0.2.1")
    assert told["Reason"] == "form"
    assert told["Changed"] == "Consent with Deals (marketing): pending, express"


async def test_a_refusal_shows_the_decision(world: World) -> None:
    """Reason, sentence, rule, fact and policy; it changed nothing."""
    await world.text("STOP")
    await world.send("Hi", who=AGENT)
    refusal = (await history(await find_person(world)))[-1]
    told = facts(refusal)
    assert told["By"] == "Eva"
    assert told["Decision"].startswith("opted out: The destination number has disabled")
    assert "Rule block/provider, policy 2026-" in told["Decision"]
    assert told["Changed"] == "nothing"


async def test_what_a_person_chose_to_keep_is_told(world: World) -> None:
    """The digit stands in the timeline as they texted it, and both pages name the program."""
    person = await meet(world)
    kept = Entry(
        id="ent_kept",
        recipient=ANN,
        kind=EntryKind.OPTED_IN,
        at=NOW,
        recorded_at=NOW,
        actor=Actor(ActorKind.PERSON, ANN),
        sender=LONG,
        program="promo",
        text="1",
    )
    await world.store.submit(Write(Change(entries=(kept,))))
    told = (await history(person))[-1]
    assert told.one("p", "told-head").words.endswith("chose to keep Deals (marketing)")
    assert told.one("blockquote").raw == "1"
    assert "chose to keep Deals (marketing)" in (await person.page(ADMIN)).words


async def test_what_came_too_late_is_marked(world: World) -> None:
    """A STOP older than the START is kept, and marked as superseded."""
    await world.text("START", sent_at=NOW)
    await world.text("STOP", sent_at=NOW - timedelta(minutes=1))
    first, late = await history(await find_person(world))
    assert "superseded" not in first.classes
    assert "superseded" in late.classes
    assert "Superseded: older than their last word" in late.words


async def test_what_stands_now_is_above(world: World) -> None:
    """Per sender and program, and the do-not-text lists with what a START has lifted."""
    customer = await world.customer("Ann Example", ANN, BOB)
    person = Person(world, customer.id)
    await world.text("STOP", ANN, TOLL_FREE)
    await world.text("Hello", BOB)
    evidence = Evidence(Medium.WEB, call_to_action="x")
    await world.store.submit(
        GrantConsent(Statement(BOB, BY_KEY, "form", evidence), "promo", ConsentLevel.EXPRESS)
    )
    await world.store.submit(SuppressRecipient(Statement(BOB, BY_AGENT, "told"), "acme"))
    await world.text("START", BOB)
    page = (await person.page(ADMIN, "/consent")).by_id("consent")
    rows = [
        "|".join(cell.words for cell in row.all("td")) for row in page.all("tbody")[0].all("tr")
    ]
    checklist = rows.pop(4)
    assert checklist.startswith("9 of 12 items of written consent not shown ")
    assert "The wording names the seller, Acme should be in call_to_action" in checklist
    assert rows == [
        (
            "+1 415 555 0142|conversation with +1 833 555 0102|Opted out|now|By their text. To be "
            "texted again they must text START or UNSTOP to +1 833 555 0102"
        ),
        "+1 415 555 0143|conversation with +1 202 555 0101|Subscribed|now|By their text",
        (
            "+1 415 555 0143|conversation with +1 833 555 0102|Opted out|now|An agent or a program "
            "recorded it: on the do-not-text list of Acme. To be texted again they must text "
            "START or UNSTOP to +1 833 555 0102"
        ),
        "+1 415 555 0143|Deals (marketing)|revoked|now|Express",
        "+1 415 555 0143|do-not-text list of Acme|Opted out|now|Agent, not for +1 202 555 0101",
    ]


async def test_what_the_company_listed_it_can_take_off_with_a_reason(world: World) -> None:
    """By a form that names why; the conversation is as it was before."""
    await world.text("Hello")
    person = await find_person(world)
    company = Statement(ANN, BY_AGENT, "legal", by_person=False)
    await world.store.submit(SuppressRecipient(company, "acme"))
    form = (await person.page(COMPLIANCE, "/consent")).one("details", "lift")
    assert form.values("phone") == [ANN]
    (scope,) = form.values("scope")
    refused = await person.post("/lift", COMPLIANCE, phone=ANN, scope=scope, reason=" ")
    assert (refused.status_code, "Say why" in refused.text) == (422, True)
    done = await person.post("/lift", COMPLIANCE, phone=ANN, scope=scope, reason="A mistake")
    assert done.headers["location"] == f"{person.address}/consent"
    assert (await world.send("Hi")).message is not None
    lifted = (await person.entries())[1]
    assert (lifted.kind, lifted.reason) == (EntryKind.SUPPRESSED, "A mistake")
    again = await person.post("/lift", COMPLIANCE, phone=ANN, scope=scope, reason="Again")
    assert (again.status_code, "not on this do-not-text list" in again.text) == (404, True)


async def test_what_the_person_said_no_agent_takes_off(world: World) -> None:
    """It is not offered, and refused with the sentence; nor is what is another brand's business."""
    person = await meet(world)
    await world.store.submit(SuppressRecipient(Statement(ANN, BY_AGENT, "told"), "acme"))
    await world.store.submit(SuppressRecipient(Statement(ANN, BY_AGENT, "law", by_person=False)))
    page = await person.page(ACME_ONLY, "/consent")
    assert not page.all("details", "lift")
    refused = await person.post("/lift", COMPLIANCE, phone=ANN, scope="acme", reason="x")
    assert (refused.status_code, OPTED_OUT_SENTENCE in html.unescape(refused.text)) == (403, True)
    for scope in ("*", "other"):
        foreign = await person.post("/lift", ACME_ONLY, phone=ANN, scope=scope, reason="x")
        assert foreign.status_code == 404
    stranger = await person.post("/lift", COMPLIANCE, phone=BOB, scope="acme", reason="x")
    assert stranger.status_code == 404


async def test_nothing_yet_says_so(world: World) -> None:
    """A profile that nobody texted with says what will be here."""
    page = (await (await meet(world)).page(ADMIN, "/consent")).by_id("consent")
    assert "Nothing yet: nobody was asked, and nobody opted out." in page.words
    assert "Every opt-in, opt-out and refusal will be here" in page.words


async def test_the_history_is_paged_old_to_new(world: World) -> None:
    """Each page reads from old to new, and none is shown twice or left out."""
    for number in range(60):
        await world.text("STOP" if number % 2 else "START")
    person = await find_person(world)
    page = (await person.page(ADMIN, "/consent")).by_id("consent")
    newest = [told.attributes["id"] for told in page.all("li", "told")]
    earlier = [a for a in page.all("a") if a.words == "Earlier"]
    before = earlier[0].attributes["href"].partition("earlier=")[2]
    older = [told.attributes["id"] for told in await history(person, earlier=before)]
    assert len(newest) == 50
    assert (*older, *newest) == tuple(sorted({*older, *newest}))
    assert {e.id for e in await person.entries() if "opted" in e.kind} <= {*older, *newest}


async def test_the_whole_history_can_be_taken_along(world: World) -> None:
    """All pages as JSON lines that decode to the entries; the audit says who took them."""
    for number in range(60):
        await world.text("STOP" if number % 2 else "START")
    person = await find_person(world)
    link = (await person.page(COMPLIANCE, "/consent")).one("a", "download").attributes["href"]
    answer = await world.get(link, COMPLIANCE)
    assert answer.headers["content-type"] == "application/x-ndjson"
    assert answer.headers["content-disposition"].endswith('.jsonl"')
    taken = [msgspec.json.decode(line, type=Entry) for line in answer.content.splitlines()]
    kept = [
        e for e in await person.entries() if e.kind in (EntryKind.OPTED_IN, EntryKind.OPTED_OUT)
    ]
    assert [e for e in taken if e.text in ("START", "STOP")] == kept
    exported = (await world.audit())[0]
    assert (exported.kind, exported.actor.id) == (EntryKind.EXPORTED, COMPLIANCE.id)
    assert exported.text == f"consent history of customer {person.id} ({ANN}): {len(taken)} rows"


async def test_another_brands_consent_is_not_shown(world: World) -> None:
    """Neither its words, nor its lists, nor in what is taken along."""
    await world.text("STOP", sender=LONG)
    await world.text("STOP", sender=FOREIGN)
    await world.store.submit(SuppressRecipient(Statement(ANN, BY_AGENT, "told"), "other"))
    person = await find_person(world)
    page = (await person.page(ACME_ONLY, "/consent")).by_id("consent")
    assert "+1 202 555 0199" not in page.words
    assert "Other" not in page.words
    taken = (await world.get(f"{person.address}/consent.jsonl", ACME_ONLY)).text
    assert FOREIGN not in taken
    assert '"other"' not in taken
    theirs = (await person.page(OTHER_ONLY, "/consent")).by_id("consent")
    assert "do-not-text list of Other" in theirs.words


async def test_evidence_of_some_days_is_taken_by_the_console_too(world: World) -> None:
    """Whole days in UTC; a last day that is not over ends now; what is no period is said."""
    await world.text("Hello")
    person = await find_person(world)
    form = (await person.page(ADMIN, "/consent")).one("form", "period")
    address = f"{person.address}/evidence.zip"
    assert form.attributes["action"] == address
    today = world.clock.now().date()
    for since, until, begins, ends in (
        ("2026-01-02", "2026-01-31", "2026-01-02 00:00:00", "2026-01-31 23:59:59.999999"),
        ("", str(today), None, None),
        ("2026-01-02", "", "2026-01-02 00:00:00", None),
    ):
        taken = await world.get(address, ADMIN, since=since, until=until)
        assert taken.status_code == 200
        wanted, _ = world.evidence.asked[-1]
        told = [at and str(at).removesuffix("+00:00") for at in (wanted.since, wanted.until)]
        assert told == [begins, ends]
    for since, until in (("soon", ""), ("2026-02-01", "2026-01-31"), ("2999-01-01", "")):
        refused = await world.get(address, ADMIN, since=since, until=until)
        assert refused.status_code == 422
    assert len(world.evidence.asked) == 3


async def test_each_entry_leads_to_its_proof(world: World) -> None:
    """To who may see the settings, and not to who works for one brand."""
    await world.text("STOP")
    person = await find_person(world)
    (entry,) = [e for e in await person.entries() if e.kind is EntryKind.OPTED_OUT]
    page = await person.page(ADMIN, "/consent")
    link = f"/console/settings/ledger?entry={entry.id}#prove"
    assert link in [a.attributes["href"] for a in page.all("a")]
    for who in (AGENT, ACME_ONLY):
        assert "Prove this entry" not in (await person.page(who, "/consent")).words


async def test_evidence_is_taken_by_who_may_export_and_sees_every_brand(world: World) -> None:
    """A link for each phone, to who may; who works for one brand is told whom to ask."""
    await world.text("Hello")
    person = await find_person(world)
    for who, offered in ((ADMIN, True), (COMPLIANCE, True), (AGENT, False), (ACME_ONLY, False)):
        page = await person.page(who, "/consent")
        links = page.all("a", "evidence")
        assert bool(links) is offered
    address = f"{person.address}/evidence.zip"
    taken = await world.get(address, COMPLIANCE, phone=ANN)
    assert (taken.status_code, taken.content) == (200, b"PK")
    assert taken.headers["content-disposition"] == 'attachment; filename="evidence.zip"'
    # Never of another number than was asked for.
    assert (await world.get(address, COMPLIANCE, phone="+12025550199")).status_code == 404
    assert len(world.evidence.asked) == 1
    assert (await world.get(address, AGENT)).status_code == 403
    refused = await world.get(address, ACME_ONLY)
    assert refused.status_code == 403
    assert "every brand" in refused.text
