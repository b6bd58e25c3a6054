"""The composer: the ways that are open, one sentence where none is, and a text that goes once."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest
from customer_world import Person, find_person, hand_over, meet, report
from lists_world import (
    ACME_AGENT,
    ADMIN,
    AGENT,
    ANN,
    BOB,
    FOREIGN,
    LONG,
    TOLL_FREE,
    World,
    open_world,
)
from page_tree import Node, read_tree

from consentry.actions.administer import SaveSender
from consentry.actions.record_consent import Statement, SuppressRecipient
from consentry.actions.set_place import SetPlace
from consentry.console.composer_hours import find_local_time
from consentry.domain.agents import Agent
from consentry.domain.directory import Sender
from consentry.domain.entries import Actor, ActorKind, EntryKind
from consentry.domain.messages import Direction, Message, MessageStatus
from consentry.domain.reading import SenderKind
from consentry.domain.reasons import OPTED_OUT_SENTENCE
from consentry.ports import MessageFilter, Page

pytestmark = pytest.mark.integration
WAY = f"{LONG} {ANN}"
BY_AGENT = Actor(ActorKind.AGENT, AGENT.id)


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    """Open the console on a new database."""
    async with open_world(tmp_path) as world:
        yield world


async def sent(world: World) -> list[Message]:
    """List what agents sent, oldest first."""
    messages = await world.store.read_messages(MessageFilter(), Page(limit=100))
    ours = [m for m in messages if m.direction is Direction.OUTBOUND]
    return [m for m in reversed(ours) if m.actor.kind is ActorKind.AGENT]


async def composer(person: Person, who: Agent = AGENT, /, **query: str) -> Node:
    """Look at the composer."""
    return (await person.page(who, **query)).by_id("composer")


def send_button(form: Node) -> Node:
    """Find Send."""
    return form.one("button", "send")


async def test_a_text_goes_out_in_the_name_of_the_agent(world: World) -> None:
    """The plain form leads back to the conversation, and the text is in the timeline."""
    await world.text("Hello")
    person = await find_person(world)
    form = await composer(person)
    assert form.values("way") == [WAY]
    assert "disabled" not in send_button(form).attributes
    (once,) = form.values("once")
    done = await person.post("/messages", AGENT, way=WAY, once=once, body="Line one\r\nline two")
    assert done.status_code == 303
    assert done.headers["location"] == f"{person.address}?sender=%2B12025550101"
    (message,) = await sent(world)
    assert (message.body, message.actor) == ("Line one\nline two", BY_AGENT)
    assert (await person.items())[-1].endswith("Eva · 12:00 · Sending")


async def test_a_form_that_is_posted_twice_sends_once(world: World) -> None:
    """A double click, a reload; another text from the same form is another text."""
    await world.text("Hello")
    person = await find_person(world)
    form = {"way": WAY, "once": (await composer(person)).values("once")[0]}
    for _ in range(3):
        assert (await person.post("/messages", AGENT, body="Hi", **form)).status_code == 303
    assert len(await sent(world)) == 1
    await person.post("/messages", AGENT, body="Another", **form)
    await person.post("/messages", ADMIN, body="Hi", **form)
    assert [(m.body, m.actor.id) for m in await sent(world)] == [
        ("Hi", AGENT.id),
        ("Another", AGENT.id),
        ("Hi", ADMIN.id),
    ]


async def test_each_composer_has_its_own_token(world: World) -> None:
    """So that the same words can be sent twice on purpose."""
    await world.text("Hello")
    person = await find_person(world)
    tokens = {(await composer(person)).values("once")[0] for _ in range(3)}
    assert len(tokens) == 3
    for once in tokens:
        await person.post("/messages", AGENT, body="Ping", way=WAY, once=once)
    assert len(await sent(world)) == 3


async def test_a_click_that_comes_too_late_gets_the_exact_sentence(world: World) -> None:
    """Status 403, beside the composer, with what was typed; the attempt is in the timeline."""
    await world.text("Hello")
    person = await find_person(world)
    once = (await composer(person)).values("once")[0]
    await world.text("STOP")
    typed = "\nJust <in> time?"
    refused = await person.post("/messages", AGENT, way=WAY, once=once, body=typed)
    assert refused.status_code == 403
    page = read_tree(refused.text)
    form = page.by_id("composer")
    assert form.one("p", "error").words == OPTED_OUT_SENTENCE
    assert form.one("p", "error").attributes["role"] == "alert"
    # A browser drops the first end of line of a field, so one more stands before it.
    assert form.one("textarea").raw == f"\n{typed}"
    assert "disabled" in send_button(form).attributes
    assert form.values("once") != [once]
    assert await sent(world) == []
    assert "Not sent: opted out" in page.by_id("flow").words


async def test_the_script_gets_the_composer_alone(world: World) -> None:
    """Taken: empty, and the rest of the page is told to look. Refused: 403 with what was typed."""
    await world.text("Hello")
    person = await find_person(world)
    once = (await composer(person)).values("once")[0]
    taken = await person.post_live("/messages", AGENT, way=WAY, once=once, body="Hi")
    assert taken.status_code == 200
    assert msgspec.json.decode(taken.headers["hx-trigger"]) == {"changed": None, "taken": None}
    form = read_tree(taken.text).by_id("composer")
    assert form.one("textarea").raw == ""
    assert not form.all("p", "error")
    await world.text("STOP")
    refused = await person.post_live("/messages", AGENT, way=WAY, once="2", body="Hi again")
    assert (refused.status_code, refused.headers["hx-trigger"]) == (403, "changed")
    form = read_tree(refused.text).by_id("composer")
    assert form.one("textarea").raw == "Hi again"
    assert form.one("p", "error").words == OPTED_OUT_SENTENCE


@pytest.mark.parametrize("body", ["", "   ", "x" * 1601])
async def test_a_text_that_cannot_go_is_told_so(world: World, body: str) -> None:
    """Empty or too long: the gate's own sentence, and nothing typed is cut."""
    await world.text("Hello")
    person = await find_person(world)
    refused = await person.post("/messages", AGENT, way=WAY, body=body)
    assert refused.status_code == 400
    form = read_tree(refused.text).by_id("composer")
    assert form.one("p", "error").words.startswith("The text is empty or longer than 1600")
    assert form.one("textarea").raw == body


@pytest.mark.parametrize(
    "way", ["", LONG, f"{LONG} {BOB}", f"{FOREIGN} {ANN}", f"+19995550100 {ANN}"]
)
async def test_a_way_that_is_not_the_agents_sends_nothing(world: World, way: str) -> None:
    """Another person's number, another brand's number, no number at all."""
    await world.text("Hello")
    await world.text("Hello", sender=FOREIGN)
    person = await find_person(world)
    refused = await person.post("/messages", ACME_AGENT, way=way, body="Hi")
    assert refused.status_code == 400
    assert "Choose the number to send from and to." in refused.text
    assert await sent(world) == []


async def test_only_open_ways_are_offered(world: World) -> None:
    """The conversation of the address first, else the newest; one that is shut is left out."""
    await world.text("one", sender=LONG)
    world.clock.advance(minutes=1)
    await world.text("two", sender=TOLL_FREE)
    person = await find_person(world)

    def ways(form: Node) -> list[str]:
        return [n.attributes["value"] for n in form.all("option")]

    form = await composer(person)
    assert ways(form) == [f"{TOLL_FREE} {ANN}", WAY]
    chosen = [n for n in form.all("option") if "selected" in n.attributes]
    assert chosen[0].attributes["value"] == f"{TOLL_FREE} {ANN}"
    form = await composer(person, sender=LONG)
    chosen = [n for n in form.all("option") if "selected" in n.attributes]
    assert chosen[0].attributes["value"] == WAY
    await world.text("STOP", sender=TOLL_FREE)
    form = await composer(person)
    assert (ways(form), form.values("way")) == ([], [WAY])
    assert "From +1 202 555 0101" in form.words
    assert not form.has_id("why-not")


async def test_a_way_that_closes_while_it_is_chosen_must_be_chosen_anew(world: World) -> None:
    """No text leaves over a number that the agent did not mean."""
    await world.text("one", sender=LONG)
    await world.text("two", sender=TOLL_FREE)
    await world.text("STOP", sender=LONG)
    person = await find_person(world)
    ways = (await person.page(AGENT, "/ways", way=WAY)).by_id("ways")
    options = ways.all("option")
    assert [n.attributes["value"] for n in options] == ["", f"{TOLL_FREE} {ANN}"]
    assert "selected" in options[0].attributes
    assert "required" in ways.one("select").attributes
    assert "opted out of +1 202 555 0101" in ways.by_id("why-not").words
    kept = (await person.page(AGENT, "/ways", way=f"{TOLL_FREE} {ANN}")).by_id("ways")
    assert kept.values("way") == [f"{TOLL_FREE} {ANN}"]


@pytest.mark.parametrize(
    ("kind", "sender", "word", "sentence"),
    [
        (
            SenderKind.LONG_CODE,
            LONG,
            "STOP",
            (
                "Ann opted out of +1 202 555 0101: to be texted again they must text START to "
                "+1 202 555 0101."
            ),
        ),
        (
            SenderKind.TOLL_FREE,
            TOLL_FREE,
            "STOP",
            (
                "Ann opted out of +1 833 555 0102: to be texted again they must text START or "
                "UNSTOP to +1 833 555 0102."
            ),
        ),
        (
            SenderKind.SHORT_CODE,
            "55555",
            "leave me alone, no more texts",
            (
                "Ann opted out of 55555: to be texted again they must text START, UNSTOP or YES to "
                "55555."
            ),
        ),
    ],
)
async def test_dead_with_one_sentence_and_no_way_around(
    world: World, *, kind: SenderKind, sender: str, word: str, sentence: str
) -> None:
    """Send is dead, SMS is gone from the menu, and a sentence says what to text to which number."""
    await world.store.submit(SaveSender(Sender(sender, kind, "acme", "car_1")))
    person = await meet(world)
    await world.text(word, sender=sender)
    form = await composer(person)
    assert form.by_id("why-not").words == sentence
    button = send_button(form)
    assert "disabled" in button.attributes
    assert button.attributes["title"] == OPTED_OUT_SENTENCE
    assert button.attributes["aria-describedby"] == "why-not"
    assert form.one("details", "plus").one("div", "menu").words == "Note"
    assert form.values("way") == []


async def test_other_reasons_have_their_own_sentence(world: World) -> None:
    """Never texted, on the company's list, refused by the carrier, switched off, no phone."""
    person = await meet(world)

    async def why() -> str:
        return (await composer(person)).by_id("why-not").words

    assert await why() == (
        "Ann has not texted you yet: once they text one of your numbers, you can answer."
    )
    statement = Statement(ANN, BY_AGENT, "legal", by_person=False)
    await world.store.submit(SuppressRecipient(statement))
    assert await why() == (
        "+1 415 555 0142 is on a do-not-text list that covers Acme, and the company put it there: "
        "nobody may text it until it is taken off."
    )
    second = await meet(world, BOB, "Bob")
    person = second
    await world.text("Hello", BOB)
    await hand_over(world)
    await world.send("Hi", BOB)
    failed = await hand_over(world)
    await report(world, failed, MessageStatus.FAILED, error_code="21610", opted_out=True)
    assert await why() == (
        "The carrier blocks texts from +1 202 555 0101 to Bob: to be texted again they must text "
        "START to +1 202 555 0101."
    )
    person = Person(world, (await world.customer("Cat")).id)
    assert await why() == "There is no phone on this profile yet: add one on the card."


async def test_the_persons_own_do_not_text_is_undone_by_their_text(world: World) -> None:
    """Told to an agent: the sentence names the number and the word, and the word works."""
    person = await meet(world)
    await world.store.submit(SuppressRecipient(Statement(ANN, BY_AGENT, "told"), "acme"))
    form = await composer(person, ACME_AGENT)
    assert form.by_id("why-not").words == (
        "Ann asked for no texts from Acme: to be texted again they must text START to "
        "+1 202 555 0101."
    )
    await world.text("START")
    assert (await composer(person)).values("way") == [WAY]


async def test_a_switched_off_number_offers_nothing(world: World) -> None:
    """The gate's own sentence, where the person is not the reason."""
    await world.text("Hello")
    sender = Sender(LONG, SenderKind.LONG_CODE, "acme", "car_1", enabled=False)
    await world.store.submit(SaveSender(sender))
    await world.store.submit(
        SaveSender(Sender(TOLL_FREE, SenderKind.TOLL_FREE, "acme", "car_1", enabled=False))
    )
    form = await composer(await find_person(world), ACME_AGENT)
    assert form.by_id("why-not").words.startswith("The sender")


async def test_a_note_is_kept_for_colleagues(world: World) -> None:
    """From the plus menu, also when they opted out; no customer sees it."""
    await world.text("STOP")
    person = await find_person(world)
    form = await composer(person, compose="note")
    assert form.attributes["action"].endswith("/notes")
    assert form.one("label").words == "Note for colleagues; no customer sees it"
    assert not form.all("p", "why-not")
    done = await person.post("/notes", AGENT, body="Be kind\r\nplease")
    assert done.headers["location"] == f"{person.address}?compose=note"
    note = next(e for e in await person.entries() if e.kind is EntryKind.NOTE_ADDED)
    assert (note.text, note.actor) == ("Be kind\nplease", BY_AGENT)
    live = await person.post_live("/notes", AGENT, body="Second")
    assert live.status_code == 200
    assert read_tree(live.text).by_id("composer").attributes["action"].endswith("/notes")
    assert await sent(world) == []


@pytest.mark.parametrize(
    ("body", "error"), [(" ", "Write something first."), ("x" * 5001, "at most 5,000 fit")]
)
async def test_a_note_that_does_not_fit_is_told_so(world: World, body: str, error: str) -> None:
    """What was typed stays."""
    await world.text("Hello")
    person = await find_person(world)
    refused = await person.post("/notes", AGENT, body=body)
    form = read_tree(refused.text).by_id("composer")
    assert refused.status_code == 422
    assert error in form.one("p", "error").words
    assert form.one("textarea").raw == body


async def test_a_note_needs_a_phone_to_be_kept_with(world: World) -> None:
    """A profile without one says so."""
    person = Person(world, (await world.customer("Cat")).id)
    refused = await person.post("/notes", AGENT, body="Hello")
    assert (refused.status_code, "Add a phone first" in refused.text) == (422, True)


# --- The time where they are ----------------------------------------------------------------


async def test_the_time_there_is_told_at_night(world: World) -> None:
    """Noon UTC is 5 in San Francisco; by 16 it is day there. Where a place is set it counts."""
    await world.text("Hello")
    person = await find_person(world)
    told = (await composer(person)).by_id("local-time")
    assert told.words == "It is 05:00 where This person is."
    world.clock.advance(hours=4)
    assert not (await composer(person)).has_id("local-time")
    await world.store.submit(SetPlace(ANN, BY_AGENT, "Asia/Tokyo"))
    told = (await composer(person)).by_id("local-time")
    assert told.words == "It is 01:00 where This person is."


@pytest.mark.parametrize(
    ("number", "at", "words", "is_quiet"),
    [
        ("+14155550142", datetime(2026, 5, 20, 15, 0, tzinfo=UTC), "08:00", False),
        ("+14155550142", datetime(2026, 5, 20, 14, 59, tzinfo=UTC), "07:59", True),
        ("+14155550142", datetime(2026, 5, 21, 3, 59, tzinfo=UTC), "20:59", False),
        ("+14155550142", datetime(2026, 5, 21, 4, 0, tzinfo=UTC), "21:00", True),
        # An area code in two zones: it is quiet when it is in either.
        (
            "+12085550100",
            datetime(2026, 5, 20, 14, 30, tzinfo=UTC),
            "between 07:30 and 08:30",
            True,
        ),
        (
            "+12085550100",
            datetime(2026, 5, 20, 15, 30, tzinfo=UTC),
            "between 08:30 and 09:30",
            False,
        ),
    ],
)
def test_quiet_is_outside_8_to_21_anywhere_they_may_be(
    number: str, at: datetime, words: str, is_quiet: bool
) -> None:
    """The strictest zone of a number counts."""
    found = find_local_time(number, None, at)
    assert found is not None
    assert (found.words, found.is_quiet) == (words, is_quiet)


def test_a_number_that_tells_no_zone_says_nothing() -> None:
    """Short codes, unknown plans."""
    now = datetime(2026, 5, 20, tzinfo=UTC)
    assert find_local_time("55555", None, now) is None
    assert find_local_time("+15555550100", None, now) is None
