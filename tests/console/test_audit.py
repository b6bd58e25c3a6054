"""The audit page: who saw and did what, in words, and to whom it is told."""

import csv
import io
import re
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest
from lists_world import (
    ACME_ONLY,
    ADMIN,
    AGENT,
    AGENTS,
    ANN,
    BOB,
    COMPLIANCE,
    FOREIGN,
    LONG,
    NOW,
    OTHER_ONLY,
    World,
    Write,
    open_world,
    read_tables,
)

from consentry.actions.add_note import AddNote
from consentry.actions.administer import SaveCarrier, SaveKey
from consentry.actions.record_audit import RecordView
from consentry.actions.record_consent import (
    GrantConsent,
    LiftSuppression,
    RevokeConsent,
    Statement,
    SuppressRecipient,
    TagPhone,
)
from consentry.actions.set_place import SetPlace
from consentry.actions.sign_in import RefuseSignIn, Way
from consentry.console.audit_words import KINDS, Names, name_who, sees, tell
from consentry.console.key_names import read_key_names
from consentry.console.wording import show_number
from consentry.domain.agents import Agent
from consentry.domain.directory import Directory
from consentry.domain.entries import (
    AUDIT_KINDS,
    NOBODY,
    Actor,
    ActorKind,
    Entry,
    EntryKind,
    Evidence,
    Medium,
)
from consentry.ports import APIKey, CarrierAccount, Change

pytestmark = pytest.mark.integration


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    """Open the console on a new database."""
    async with open_world(tmp_path) as world:
        yield world


def by(agent: Agent) -> Actor:
    """Name an agent as the one who did it."""
    return Actor(ActorKind.AGENT, agent.id)


def statement(agent: Agent, recipient: str, *, by_person: bool = True) -> Statement:
    """Tell something about a person, by phone."""
    evidence = Evidence(Medium.PHONE)
    return Statement(recipient, by(agent), "asked to", evidence, by_person)


async def told(world: World, who: Agent = ADMIN, /, **query: str) -> list[str]:
    """Read the page: who, and what in words."""
    answer = await world.get("/console/audit", who, **query)
    assert answer.status_code == 200
    rows = [row for rows in read_tables(answer.text).values() for row in rows[1:]]
    return [f"{row[0]} {row[1]}" for row in rows]


async def exported(world: World, who: Agent = ADMIN, /, **query: str) -> list[dict[str, str]]:
    """Take the audit along."""
    answer = await world.get("/console/audit.csv", who, **query)
    assert answer.status_code == 200
    return list(csv.DictReader(io.StringIO(answer.text, newline="")))


async def test_each_entry_is_told_in_words(world: World) -> None:
    """Who did what to whom, told how, and why."""
    store = world.store
    customer = await world.customer("Ann", ANN)
    await store.submit(RecordView(customer.id, (ANN,), by(ADMIN)))
    await store.submit(AddNote(ANN, "Calls <b>back</b>", by(AGENT)))
    await store.submit(SuppressRecipient(statement(ADMIN, ANN, by_person=False), "acme"))
    await store.submit(LiftSuppression(statement(ADMIN, ANN, by_person=False), "acme"))
    await store.submit(RevokeConsent(statement(ADMIN, BOB), f"conversation:{LONG}"))
    await store.submit(GrantConsent(statement(ADMIN, ANN), "promo"))
    await store.submit(TagPhone(statement(ADMIN, ANN), sms=True))
    await store.submit(RefuseSignIn("eve@example.org", Way.PASSWORD, "192.0.2.9", "unknown"))
    assert (await told(world))[:8] == [
        "Somebody was not let in as eve@example.org by password from 192.0.2.9: unknown",
        "Ada set the SMS tag of +1 415 555 0142 told by phone: “asked to”",
        "Ada recorded a consent with Deals of +1 415 555 0142 told by phone: “asked to”",
        (
            "Ada recorded a withdrawal from the conversation with +1 202 555 0101"
            " of +1 415 555 0143 told by phone: “asked to”"
        ),
        "Ada lifted an opt-out (All of Acme) of +1 415 555 0142 told by phone: “asked to”",
        "Ada recorded an opt-out (All of Acme) of +1 415 555 0142 told by phone: “asked to”",
        "Eva wrote a note about +1 415 555 0142 Calls <b>back</b>",
        "Ada looked at +1 415 555 0142",
    ]
    page = (await world.get("/console/audit")).text
    assert f'href="/console/customers/{customer.id}"' in page
    assert "Calls &lt;b&gt;back" in page


async def test_settings_are_told_with_before_and_after(world: World) -> None:
    """What was set up is in the audit, done by the command line."""
    lines = await told(world, kind="setting_changed")
    assert any(line.startswith("The server sender +1202") for line in lines)


async def test_exports_are_in_the_audit_the_audits_own_too(world: World) -> None:
    """Taking the audit along leaves a line; its CSV says the same as the page."""
    await world.text("STOP")
    await world.get("/console/opt-outs.csv", COMPLIANCE, search="0142")
    rows = await exported(world, kind="exported")
    assert [(row["who"], row["words"]) for row in rows] == [
        ("Cem", "exported opt-outs (with “0142”): 1 row")
    ]
    assert rows[0]["at"] == "2026-05-20T12:00:00Z"
    assert await told(world, kind="exported") == [
        "Ada exported audit (exported): 1 row",
        "Cem exported opt-outs (with “0142”): 1 row",
    ]


async def test_filters_are_by_agent_and_kind(world: World) -> None:
    """One agent, one kind, or both; what is not there is said."""
    for agent in (ADMIN, AGENT, COMPLIANCE):
        await world.store.submit(AddNote(ANN, f"by {agent.name}", by(agent)))
        await world.store.submit(RecordView("cus_1", (BOB,), by(agent)))
    assert await told(world, who=AGENT.id) == [
        "Eva looked at +1 415 555 0143",
        "Eva wrote a note about +1 415 555 0142 by Eva",
    ]
    assert len(await told(world, kind="note_added")) == 3
    assert len(await told(world, kind="note_added", who=AGENT.id)) == 1
    assert "No entry fits" in (await world.get("/console/audit", kind="imported")).text
    for query in ({"kind": "boredom"}, {"who": "agt_nobody"}):
        answer = await world.get("/console/audit", **query)
        assert answer.status_code == 400
        assert "Choose one of the list" in answer.text
        assert (await world.get("/console/audit.csv", **query)).status_code == 400


async def test_pages_follow_each_other(world: World) -> None:
    """Every entry is on one page, newest first, whether the agent may read all of them or not."""
    for number in range(260):
        agent = ACME_ONLY if number % 2 else OTHER_ONLY
        await world.store.submit(AddNote(ANN, f"note {number}.", by(agent)))
    for who, expected in (
        (ADMIN, list(range(259, -1, -1))),
        (ACME_ONLY, list(range(259, 0, -2))),
    ):
        address: str | None = "/console/audit?kind=note_added"
        seen: list[int] = []
        while address is not None:
            page = (await world.get(address, who)).text
            seen += [int(number) for number in re.findall(r"note (\d+)\.", page)]
            older = re.search(r'href="([^"]+)">Older', page)
            address = older.group(1).replace("&amp;", "&") if older else None
        assert seen == expected


async def test_a_long_stretch_of_others_entries_is_looked_through_bit_by_bit(
    world: World,
) -> None:
    """A page looks at so many entries; the way further back is always there."""
    await world.store.submit(AddNote(ANN, "mine", by(ACME_ONLY)))
    entries = tuple(
        Entry(f"ent_{n:06}", NOBODY, EntryKind.SIGNED_IN, NOW, NOW, by(OTHER_ONLY), text="x")
        for n in range(1100)
    )
    await world.store.submit(Write(Change(entries=entries)))
    page = (await world.get("/console/audit", ACME_ONLY)).text
    assert "None among those looked through so far" in page
    further = re.search(r'href="([^"]+)">Look further back', page)
    assert further is not None
    page = (await world.get(further.group(1).replace("&amp;", "&"), ACME_ONLY)).text
    assert "mine" in page


async def test_an_agent_of_a_brand_reads_what_is_about_it(world: World) -> None:
    """Their own acts, and what is about their senders, programs and lists; in the CSV too."""
    store = world.store
    await store.submit(SuppressRecipient(statement(ADMIN, ANN), "acme"))
    await store.submit(SuppressRecipient(statement(ADMIN, ANN), "other"))
    await store.submit(RevokeConsent(statement(ADMIN, BOB), f"conversation:{FOREIGN}"))
    await store.submit(GrantConsent(statement(ADMIN, BOB), "promo"))
    await store.submit(AddNote(BOB, "on a call", by(ADMIN), LONG))
    await store.submit(RecordView("cus_1", (BOB,), by(OTHER_ONLY)))
    await store.submit(RecordView("cus_1", (BOB,), by(ACME_ONLY)))
    lines = await told(world, ACME_ONLY)
    assert [line.split(" of +1")[0].split(" about ")[0] for line in lines] == [
        "Amy looked at +1 415 555 0143",
        "Ada wrote a note",
        "Ada recorded a consent with Deals",
        "Ada recorded an opt-out (All of Acme)",
    ]
    assert len(await exported(world, ACME_ONLY)) == 4
    page = (await world.get("/console/audit", ACME_ONLY)).text
    assert "Oli" not in page
    assert (await world.get("/console/audit", ACME_ONLY, who=OTHER_ONLY.id)).status_code == 400
    lines = await told(world, OTHER_ONLY)
    assert len(lines) == 3


async def test_who_may_read_the_audit(world: World) -> None:
    """Compliance and admins; an agent and a stranger neither read nor take it along."""
    for path in ("/console/audit", "/console/audit.csv"):
        assert (await world.get(path, ADMIN)).status_code == 200
        assert (await world.get(path, COMPLIANCE)).status_code == 200
        assert (await world.get(path, AGENT)).status_code == 403
        assert (await world.get(path, None)).status_code == 303


@pytest.mark.unit
def test_every_kind_of_the_audit_has_words() -> None:
    """One can choose each of them."""
    assert set(KINDS) == set(AUDIT_KINDS)


@pytest.mark.unit
@pytest.mark.parametrize(
    ("actor", "name"),
    [
        (Actor(ActorKind.AGENT, "agt_admin"), "Ada"),
        (Actor(ActorKind.AGENT, "agt_gone"), "agt_gone"),
        (Actor(ActorKind.KEY, "key_1"), "shop, by API"),
        (Actor(ActorKind.KEY, "key_2"), "A removed key, by API"),
        (Actor(ActorKind.IMPORT, "imp_1"), "An import"),
        (Actor(ActorKind.SYSTEM), "The server"),
        (Actor(ActorKind.PERSON, ANN), "The person"),
        (Actor(ActorKind.CARRIER, "car_1"), "The carrier"),
    ],
)
def test_whoever_did_it_has_a_name(actor: Actor, name: str) -> None:
    """Agents and keys by their names, also when they are gone."""
    names = Names({agent.id: agent.name for agent in AGENTS}, {"key_1": "shop"})
    entry = Entry("ent_1", ANN, EntryKind.TAG_CHANGED, NOW, NOW, actor)
    assert name_who(entry, names) == name
    assert tell(entry, Directory()).sentence == f"took away the SMS tag of {show_number(ANN)}"
    assert sees(ADMIN, entry, Directory())
    assert not sees(ACME_ONLY, entry, Directory())


async def test_a_place_that_was_set_is_told(world: World) -> None:
    """Which place, of whom, and why."""
    by = Actor(ActorKind.AGENT, ADMIN.id)
    await world.store.submit(SetPlace(ANN, by, "America/Denver", None, "moved"))
    assert (await told(world))[0] == (
        "Ada set the place of +1 415 555 0142 America/Denver: “moved”"
    )


async def test_programs_are_named_by_their_keys(world: World) -> None:
    """What came in by the API is told with the name of its key."""
    key = APIKey("key_1", "shop", "csk_1", "hash", (), NOW)
    await world.store.submit(SaveKey(key))
    told_by_key = msgspec.structs.replace(
        statement(ADMIN, ANN), actor=Actor(ActorKind.KEY, "key_1")
    )
    await world.store.submit(SuppressRecipient(told_by_key))
    assert (await told(world))[0].startswith("shop, by API recorded an opt-out (Every brand) of")


async def test_programs_without_a_key_are_named_by_their_carrier_account(world: World) -> None:
    """Who came in with the sid and token of a carrier account is told with its name."""
    account = CarrierAccount("main", "twilio", "AC1", "token", "http://127.0.0.1:1")
    await world.store.submit(SaveCarrier(account))
    told_by = msgspec.structs.replace(statement(ADMIN, ANN), actor=Actor(ActorKind.KEY, "AC1"))
    await world.store.submit(SuppressRecipient(told_by))
    newest = (await told(world))[0]
    assert newest.startswith("Carrier account main, by API recorded an opt-out")


async def test_programs_that_answer_are_named_by_what_signs_what_they_are_told(
    world: World,
) -> None:
    """That is the account sid of a key, a carrier account's, or, where none is set, its id."""
    account = CarrierAccount("main", "twilio", "AC1", "token", "http://127.0.0.1:1")
    await world.store.submit(SaveCarrier(account))
    await world.store.submit(SaveKey(APIKey("key_1", "shop", "AC2", "hash", (), NOW)))
    names = await read_key_names(world.store)
    assert [names[sid] for sid in ("AC1", "main", "AC2", "key_1")] == [
        *["Carrier account main"] * 2,
        *["shop"] * 2,
    ]
