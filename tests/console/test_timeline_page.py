"""The Conversation Timeline: what is drawn of the ledger, in which order, for whom."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest
from customer_world import Person, find_person, hand_over, meet, report
from lists_world import (
    ACME_ONLY,
    ADMIN,
    AGENT,
    ANN,
    BOB,
    FOREIGN,
    LONG,
    NOW,
    TOLL_FREE,
    World,
    open_world,
)
from page_tree import Node, read_tree

from consentry.actions.administer import SaveKey
from consentry.actions.outgoing import Draft
from consentry.actions.receive_message import ReceiveMessage
from consentry.actions.record_consent import GrantConsent, LiftSuppression, Statement
from consentry.actions.record_consent import SuppressRecipient as Suppress
from consentry.actions.send_message import SendMessage
from consentry.domain.entries import Actor, ActorKind, Evidence, Medium
from consentry.domain.messages import MessageStatus
from consentry.domain.standing import ConsentLevel
from consentry.ports import APIKey, CarrierRefusal, InboundText, Scope, Unanswered

pytestmark = pytest.mark.integration
RIGHT_TO_LEFT = "مرحبا، أين طلبي؟"


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    """Open the console on a new database."""
    async with open_world(tmp_path) as world:
        yield world


def texts(page: Node) -> list[str]:
    """List the words of all bubbles, as they were typed."""
    return [node.raw for node in page.by_id("flow").all("p", "text")]


async def test_the_story_as_a_reader_sees_it(world: World) -> None:
    """Texts as bubbles, keywords across with the words quoted, the carrier's answer as its own."""
    person = await meet(world)
    await world.text("Hello")
    await hand_over(world)
    await world.send("It left today.", who=AGENT)
    await report(world, await hand_over(world), MessageStatus.DELIVERED)
    await world.text("Stop")
    await world.text("Are you there?")
    refused = await person.post("/messages", AGENT, way=f"{LONG} {ANN}", body="One more thing")
    assert refused.status_code == 403
    await world.text("START")
    items = await person.items()
    assert items[0] == "Profile made · Automatic · 12:00"
    assert items[1] == "Hello Ann · 12:00"
    assert items[2] == "Ann opted in to +1 202 555 0101 by this text · 12:00"
    assert items[3].startswith("Thanks for texting Acme!")
    assert items[3].endswith("Automatic · 12:00 · Sent")
    assert items[4] == "It left today. Eva · 12:00 · Delivered"
    assert items[5] == (
        "Ann opted out of +1 202 555 0101 Stop · 12:00 The carrier's own answer: You have "
        "successfully been unsubscribed. You will not receive any more messages from this "
        "number. Reply START to resubscribe."
    )
    assert items[6] == "Are you there? Ann · 12:00"
    assert items[7].startswith("Not sent: opted out · Eva · 12:00 One more thing why? The dest")
    assert items[8].startswith(
        "Ann opted in to +1 202 555 0101 START · 12:00 The carrier's own answer, if it had blocked"
    )
    assert len(items) == 9
    looks = [
        (item.classes - {"item"}).pop()
        for item in (await person.page()).by_id("tail").all("li", "item")
    ]
    assert looks == [
        "line",
        "theirs",
        "opted-in",
        "ours",
        "ours",
        "opted-out",
        "theirs",
        "refused",
        "opted-in",
    ]


async def test_a_refusal_unfolds_its_decision(world: World) -> None:
    """Reason, sentence, rule, the facts it rests on, and the version of the policy."""
    await world.text("STOP")
    person = await find_person(world)
    await world.send("Hi")
    why = (await person.page()).by_id("flow").one("details", "why")
    assert why.one("summary").words == "why?"
    assert "must text 'START' to this number to enable" in why.words
    facts = dict(
        zip((n.words for n in why.all("dt")), (n.words for n in why.all("dd")), strict=True)
    )
    assert facts["Rule"] == "block/provider"
    assert facts["Policy"].startswith("2026-")
    assert "block of +1 202 555 0101 in layer provider: keyword" in why.words
    assert "since 2026-05-20 12:00:00 UTC" in why.words


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("please stop texting me", "This person opted out of +1 202 555 0101"),
        ("wrong number", "This person opted out of +1 202 555 0101: wrong number"),
    ],
)
async def test_a_sentence_is_a_bubble_and_what_it_did(world: World, body: str, said: str) -> None:
    """Only a lone keyword takes the place of its text."""
    await world.text(body)
    items = await (await find_person(world)).items()
    assert items[0] == f"{body} This person · 12:00"
    assert items[1] == f"{said} · 12:00"


async def test_help_and_what_came_too_late_change_nothing_and_say_so(world: World) -> None:
    """HELP is told as asked for help; a STOP older than the START is marked."""
    await world.text("HELP")
    await world.text("START", sent_at=NOW)
    await world.text("STOP", sent_at=NOW - timedelta(minutes=1))
    items = await (await find_person(world)).items()
    assert items[0].startswith("This person asked +1 202 555 0101 for help HELP · 12:00 The carr")
    assert items[-1] == (
        "This person opted out of +1 202 555 0101 (older than their last word, so it changes "
        "nothing) STOP · 12:00"
    )


@pytest.mark.parametrize(
    ("status", "error_code", "receipt"),
    [
        (MessageStatus.SENT, None, "Sent"),
        (MessageStatus.DELIVERED, None, "Delivered"),
        (MessageStatus.READ, None, "Read"),
        (MessageStatus.UNDELIVERED, "30003", "Undelivered Error 30003"),
        (MessageStatus.FAILED, "30008", "Failed Error 30008"),
    ],
)
async def test_receipts_are_an_icon_and_a_word(
    world: World, status: MessageStatus, error_code: str | None, receipt: str
) -> None:
    """What the carrier reported, with its code where it failed."""
    await world.text("Hello")
    person = await find_person(world)
    assert (await person.items())[-1].endswith("Sending")
    await report(world, await hand_over(world), status, error_code=error_code)
    assert (await person.items())[-1].endswith(f"· {receipt}")
    shown = (await person.page()).by_id("flow").all("span", "receipt")[-1]
    assert len(shown.all("svg")) == 1


async def test_the_carriers_own_words_are_told(world: World) -> None:
    """A refusal has its text and its code once; no answer at all is unknown, not failed."""
    await world.text("Hello")
    person = await find_person(world)
    no = CarrierRefusal(permanent=True, opted_out=False, code="21211", text="No such number")
    await hand_over(world, no)
    assert (await person.items())[-1].endswith("Failed No such number (21211)")
    await world.send("Hi")
    await hand_over(world, msgspec.structs.replace(no, text="Refused (21211): no such number"))
    assert (await person.items())[-1].endswith("Failed Refused (21211): no such number")
    await world.send("Hi")
    await hand_over(world, Unanswered("timed out"))
    assert (await person.items())[-1].endswith("Unknown")


async def test_what_programs_and_agents_did_names_them(world: World) -> None:
    """A key by its name, notes with their writer, lists with who put the number there."""
    person = await meet(world)
    key = APIKey("key_1", "Shop", "ck_1", "hash", (Scope.SEND,), NOW)
    await world.store.submit(SaveKey(key))
    by_key = Actor(ActorKind.KEY, "key_1")
    await world.text("Hello")
    await world.store.submit(
        SendMessage(Draft(recipient=ANN, sender=LONG, body="Shipped", actor=by_key))
    )
    evidence = Evidence(Medium.WEB, call_to_action="Text me")
    told = Statement(ANN, by_key, "web form", evidence)
    await world.store.submit(GrantConsent(told, "promo", ConsentLevel.EXPRESS))
    company = Statement(ANN, Actor(ActorKind.AGENT, AGENT.id), "asked by legal", by_person=False)
    await world.store.submit(Suppress(company, "acme"))
    await world.store.submit(LiftSuppression(company, "acme"))
    await person.post("/notes", AGENT, body="Call <b>her</b> instead")
    items = (await person.items())[4:]
    assert items[0].startswith("Shipped Shop, by API · 12:00 · Not sent suppressed why? This numb")
    assert items[1] == (
        "Consent recorded: Deals (marketing), waiting for the handset · Shop, by API · 12:00 "
        "told on a web page; web form"
    )
    listed = [item for item in items if "list of Acme ·" in item]
    assert listed == [
        "Put on the do-not-text list of Acme · Eva · 12:00 asked by legal",
        "Taken off the do-not-text list of Acme · Eva · 12:00 asked by legal",
    ]
    assert items[-1] == "Call <b>her</b> instead Note by Eva · 12:00"


async def test_texts_are_shown_as_typed(world: World) -> None:
    """HTML, right to left, emoji, spaces and new lines, 2,000 characters, a name of 200."""
    bodies = [
        "<script>alert(1)</script> & <img src=x onerror=alert(1)>",
        RIGHT_TO_LEFT,
        "🎉👨\u200d👩\u200d👧  two  spaces\nand a line",
        "x" * 2000,
    ]
    person = await meet(world, ANN, f"<b>{'N' * 197}")
    for body in bodies:
        await world.text(body)
    page = await person.page()
    shown = texts(page)
    assert [text for text in shown if text in bodies] == bodies
    assert {n.attributes["dir"] for n in page.by_id("flow").all("p", "text")} == {"auto"}
    assert page.one("h1").words == f"<b>{'N' * 197}"


async def test_a_name_from_right_to_left_turns_no_sentence(world: World) -> None:
    """It is set apart from the words around it."""
    person = await meet(world, ANN, "ليلى")
    await world.text("STOP")
    assert (await person.items())[-1].startswith("\u2068ليلى\u2069 opted out of")


async def test_media_is_named_and_never_loaded(world: World) -> None:
    """A picture is a text with its address: nothing is fetched from elsewhere."""
    picture = "https://carrier.example/media/1.jpg"
    inbound = InboundText("SM-1", ANN, LONG, "", media=(picture,))
    await world.store.submit(ReceiveMessage("car_1", "twilio", inbound, world.clock.now()))
    page = await (await find_person(world)).page()
    assert page.by_id("flow").one("span", "media").words == f"Media: {picture}"
    sources = [n.attributes.get("src", n.attributes.get("href", "")) for n in page.walk()]
    assert not [source for source in sources if source.startswith("http")]


async def test_earlier_texts_come_page_by_page_without_gaps(world: World) -> None:
    """Every text of both phones is shown once, in order; the way works without a script too."""
    customer = await world.customer("Ann Example", ANN, BOB)
    person = Person(world, customer.id)
    for number in range(70):
        await world.text(f"text {number}", ANN if number % 3 else BOB)
    seen: list[str] = []
    page, whole = await person.page(), await person.page()
    while True:
        seen = [text for text in texts(page) if text.startswith("text ")] + seen
        links = [a for a in page.by_id("flow").all("a") if a.words == "Earlier"]
        if not links:
            break
        earlier = links[0].attributes["href"].partition("earlier=")[2]
        part = await person.page(ADMIN, "/timeline", earlier=earlier)
        page = await person.page(ADMIN, earlier=earlier)
        assert texts_of(part) == texts(page)
        assert any(a.words == "Back to the newest" for a in page.by_id("flow").all("a"))
        assert not page.has_id("tail")
    assert seen == [f"text {number}" for number in range(70)]
    assert texts(whole)[-1] == "text 69"


def texts_of(part: Node) -> list[str]:
    """List the words of all bubbles of a part."""
    return [node.raw for node in part.all("p", "text")]


async def test_the_newest_end_grows_from_where_the_page_began(world: World) -> None:
    """What comes in is added and nothing falls out at the top, so that no gap opens."""
    for number in range(60):
        await world.text(f"text {number}")
    person = await find_person(world)
    tail = (await person.page()).by_id("tail")
    before, since = texts_of(tail), tail.attributes["hx-get"].partition("since=")[2]
    for number in range(60, 130):
        await world.text(f"text {number}")
    after = await person.page(ADMIN, "/timeline", since=since)
    assert texts_of(after)[: len(before)] == before
    assert texts_of(after)[-1] == "text 129"
    assert after.by_id("tail").attributes["hx-get"].endswith(since)


async def test_a_page_that_was_left_open_for_too_long_is_loaded_anew(world: World) -> None:
    """More than 400 entries later the script is told to start over."""
    await world.text("text")
    person = await find_person(world)
    since = (await person.page()).by_id("tail").attributes["hx-get"].partition("since=")[2]
    for _ in range(400):
        await world.text("text")
    answer = await world.get(f"{person.address}/timeline", since=since)
    assert (answer.status_code, answer.headers["hx-refresh"]) == (204, "true")


async def test_numbers_are_named_where_there_is_more_than_one(world: World) -> None:
    """Ours where they texted several, theirs where several phones talk."""
    customer = await world.customer("Ann Example", ANN, BOB)
    person = Person(world, customer.id)
    await world.text("one", ANN, LONG)
    assert "+1 202" not in (await person.items())[1]
    await world.text("two", ANN, TOLL_FREE)
    assert (await person.items())[1] == "one Ann · 12:00 · +1 202 555 0101"
    await world.text("three", BOB, LONG)
    items = await person.items()
    assert "three Ann · 12:00 · +1 202 555 0101 · +1 415 555 0143" in items


async def test_days_are_those_of_the_reader(world: World) -> None:
    """Today and yesterday in the zone that the page's script told in a cookie."""
    await world.text("late")
    world.clock.advance(hours=13)
    await world.text("early")
    person = await find_person(world)

    async def days(zone: str) -> list[str]:
        headers = {"cookie": f"who={ADMIN.id}; zone={zone}"}
        answer = await world.client.get(person.address, headers=headers)
        return [n.words for n in read_tree(answer.text).by_id("flow").all("p", "day-words")]

    assert await days("UTC") == ["Yesterday", "Today"]
    assert await days("America/Los_Angeles") == ["Today"]
    assert await days("No/Such..Zone") == ["Yesterday", "Today"]
    world.clock.advance(days=300)
    assert await days("UTC") == ["Wednesday, 20 May 2026", "Thursday, 21 May 2026"]


async def test_an_agent_of_one_brand_sees_only_its_part(world: World) -> None:
    """Neither texts with another brand's number, nor what was told about its lists or programs."""
    await world.text("to acme", sender=LONG)
    await world.text("to other", sender=FOREIGN)
    person = await find_person(world)
    by = Actor(ActorKind.AGENT, ADMIN.id)
    await world.store.submit(Suppress(Statement(ANN, by, "x", by_person=False), "other"))
    await person.post("/notes", ADMIN, body="For all")
    items = " ".join(await person.items(ACME_ONLY))
    assert "to acme" in items
    assert "For all" in items
    assert "to other" not in items
    assert "Other" not in items
    everything = " ".join(await person.items(ADMIN))
    assert "to other" in everything
    assert "list of Other" in everything


async def test_a_customer_without_texts_says_what_will_be_here(world: World) -> None:
    """An empty timeline says so."""
    person = Person(world, (await world.customer("Ann Example")).id)
    page = await person.page()
    assert "No texts yet" in page.by_id("flow").words
    assert "Texts with Ann will be here" in page.by_id("flow").words
