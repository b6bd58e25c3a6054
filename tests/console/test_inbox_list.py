"""The inbox: who is listed, in which order, for whom, and what can be done with a row."""

from collections.abc import AsyncIterator
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import msgspec
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
    OTHER_AGENT,
    OTHER_ONLY,
    TOLL_FREE,
    World,
    open_world,
)

from consentry.actions.mark_conversation import MarkConversation
from consentry.console.wording import show_number
from consentry.domain.agents import Agent
from consentry.ports import Change, Facts, Needs

pytestmark = pytest.mark.integration

RIGHT_TO_LEFT = "مرحبا، أين طلبي؟"


class Rows(HTMLParser):
    """Reads the rows of the list: all words of each, its address, and the hidden fields in it."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.words: list[str] = []
        self.addresses: list[str] = []
        self.fields: list[dict[str, str]] = []
        self.back = ""
        self._is_inside = False
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Begin a row, or note what is within one."""
        named = {name: value or "" for name, value in attrs}
        if tag == "li" and "inbox-row" in named.get("class", ""):
            self._is_inside = True
            self.words.append("")
            self.fields.append({})
        elif self._is_inside and tag == "a":
            self.addresses.append(named["href"])
        elif self._is_inside and tag in {"input", "button"} and "name" in named:
            self.fields[-1][named["name"]] = named["value"]
        elif tag == "input" and named.get("name") == "back":
            self.back = named["value"]

    def handle_endtag(self, tag: str) -> None:
        """End a row."""
        if tag == "li":
            self._is_inside = False

    def handle_data(self, data: str) -> None:
        """Take the words of a row."""
        if self._is_inside:
            self.words[-1] = " ".join(f"{self.words[-1]} {data}".split())


class Forget(msgspec.Struct, frozen=True):
    """Take a profile away, so that its number is on none."""

    customer: str

    def needs(self) -> Needs:
        """Ask for nothing."""
        return Needs()

    def decide(self, facts: Facts) -> tuple[None, Change]:
        """Delete it."""
        del facts
        return None, Change(deleted_customers=(self.customer,))


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    """Open the console on a new database."""
    async with open_world(tmp_path) as world:
        yield world


async def rows(world: World, who: Agent = ADMIN, **query: str) -> Rows:
    """Read the list."""
    answer = await world.get("/console", who, **query)
    assert answer.status_code == 200
    return Rows(answer.text)


async def test_the_newest_text_is_first_with_all_that_is_to_be_known(world: World) -> None:
    """A row tells who, what, whether it is unread, the state if not Subscribed, and to whom."""
    await world.customer("Ann Example", ANN)
    await world.text("Where is\nmy order?", ANN)
    world.clock.advance(minutes=5)
    await world.text("Hello", BOB, TOLL_FREE)
    await world.text(" Stop ", BOB, TOLL_FREE)
    world.clock.advance(hours=2)
    assert (await rows(world)).words == [
        "+1 415 555 0143 2h Stop Unread Opted out texted +1 833 555 0102",
        "Ann Example 2h Where is my order? Unread texted +1 202 555 0101",
    ]
    page = (await world.get("/console")).text
    keyword = page.partition('class="newest keyword"')[2].partition("</span>")[0]
    assert "#icon-ban" in keyword
    await world.text("START", BOB, TOLL_FREE)
    page = (await world.get("/console")).text
    assert "#icon-circle-check" in page.partition('class="newest keyword"')[2]
    assert (await rows(world)).words[0].startswith("+1 415 555 0143 now START Unread texted")


async def test_a_text_that_is_no_lone_keyword_is_shown_as_a_text(world: World) -> None:
    """A phrase that opts out, a YES, a long text, a picture, and nothing at all."""
    for body in ("Please stop texting me", "Yes", "stop " * 40, "", "  "):
        await world.text(body, ANN)
        assert "keyword" not in (await world.get("/console")).text
    assert "An empty text" in (await rows(world)).words[0]


async def test_texts_are_shown_as_typed_and_break_nothing(world: World) -> None:
    """HTML is text, a long one is cut, every text has its own direction."""
    await world.text("<script>alert(1)</script>", ANN)
    await world.text(RIGHT_TO_LEFT, BOB)
    await world.text("x" * 1700, CAT)
    page = (await world.get("/console")).text
    assert "<script>alert" not in page
    assert page.count('class="newest" dir="auto"') == 3
    listed = (await rows(world)).words
    assert "x" * 160 + " Unread" in listed[0]
    assert RIGHT_TO_LEFT in listed[1]
    assert "<script>alert(1)</script>" in listed[2]


async def test_one_sender_is_shown_alone_at_an_address_of_its_own(world: World) -> None:
    """The address holds the list to it, and a row does not repeat it."""
    await world.text("to the long code", ANN)
    await world.text("to the toll-free number", ANN, TOLL_FREE)
    assert len((await rows(world)).words) == 2
    only = await rows(world, sender=TOLL_FREE)
    assert only.words == ["+1 415 555 0142 now to the toll-free number Unread"]
    (address,) = only.addresses
    assert parse_qs(urlsplit(address).query) == {"sender": [TOLL_FREE], "list": [TOLL_FREE]}


async def test_an_agent_sees_the_brands_they_work_for(world: World) -> None:
    """Neither texts nor people of another brand, not by its sender's address, not by search."""
    await world.customer("Ann Example", ANN)
    await world.customer("Cat Example", CAT)
    await world.text("for Acme", ANN)
    await world.text("for the other", BOB, FOREIGN)
    assert [row.split()[4] for row in (await rows(world, OTHER_ONLY)).words] == ["now"]
    assert "for the other" in (await rows(world, OTHER_ONLY)).words[0]
    assert (await rows(world, OTHER_ONLY, sender=LONG)).words == []
    assert LONG[-4:] not in (await world.get("/console", OTHER_ONLY)).text
    found = await rows(world, OTHER_ONLY, search="example")
    assert found.words == ["Cat Example +1 415 555 0144 Not asked"]
    assert len((await rows(world, ACME_ONLY, search="example")).words) == 2


async def test_a_search_finds_people_by_any_part_of_a_name_or_number(world: World) -> None:
    """Each with their numbers and how they stand; nobody is said to be nobody."""
    await world.customer("Ann Example", ANN, CAT)
    await world.text("STOP", ANN)
    expected = ["Ann Example +1 415 555 0142 Opted out +1 415 555 0144 Not asked"]
    for part in ("xAmp", "0142", "415 555 01", " ann ", show_number(ANN)):
        assert (await rows(world, search=part)).words == expected
    await world.text("Hello", BOB)
    assert (await rows(world, search="0143")).words == ["+1 415 555 0143 Subscribed"]
    await world.customer("", ANN, BOB)
    found = (await rows(world, search="0142")).words
    assert found[0] == "+1 415 555 0142 Opted out +1 415 555 0143 Subscribed"
    nobody = (await world.get("/console", search="<b>Zoe")).text
    assert "Nobody has “<bdi>&lt;b&gt;Zoe</bdi>” in their name or number." in nobody
    assert "/console/customers/new?search=%3Cb%3EZoe" in nobody
    assert "customers/new" not in (await world.get("/console", COMPLIANCE, search="Zoe")).text


async def test_what_is_done_leaves_the_list_until_the_person_writes_again(world: World) -> None:
    """It is still under All, can be reopened there, and a new text brings it back."""
    await world.text("one", ANN)
    await world.text("two", BOB)
    listed = await rows(world, AGENT)
    (talk,) = listed.fields[0].values()
    done = await world.post("/console/conversations/done", AGENT, talk=talk, back=listed.back)
    assert (done.status_code, done.headers["location"]) == (303, "/console")
    assert [row[:15] for row in (await rows(world)).words] == ["+1 415 555 0142"]
    everything = await rows(world, show="all")
    assert everything.words[0] == "+1 415 555 0143 now two Done texted +1 202 555 0101"
    assert everything.back == "/console?show=all"
    reopened = everything.fields[0]
    again = await world.post("/console/conversations/reopen", back=everything.back, **reopened)
    assert again.headers["location"] == "/console?show=all"
    assert "two texted" in (await rows(world)).words[0]
    await world.store.submit(MarkConversation(BOB, LONG, done=talk.split()[2]))
    world.clock.advance(seconds=1)
    await world.text("three", BOB)
    assert "three Unread" in (await rows(world)).words[0]


async def test_marking_is_for_those_who_answer(world: World) -> None:
    """Compliance has no such button; another brand's agent is told that there is none."""
    await world.text("one", ANN)
    assert "Mark the conversation" not in (await world.get("/console", COMPLIANCE)).text
    for path in ("done", "reopen", "file"):
        address = f"/console/conversations/{path}"
        form = {"recipient": ANN, "sender": LONG, "talk": f"{ANN} {LONG} msg_1"}
        assert (await world.post(address, COMPLIANCE, **form)).status_code == 403
        assert (await world.post(address, OTHER_AGENT, **form)).status_code == 404


async def test_a_form_leads_back_to_the_console_and_nowhere_else(world: World) -> None:
    """Whatever the field says, nobody is led to another site; a script is led nowhere."""
    await world.text("one", ANN)
    form = {"talk": f"{ANN} {LONG} msg_1"}
    others = (
        "https://evil.example/console",
        "//evil.example/console",
        "//[",
        "/v1/keys",
        "",
        "x:y",
    )
    for back in others:
        led = await world.post("/console/conversations/done", back=back, **form)
        assert led.headers["location"] == "/console"
    kept = "/console/customers/cus_1?sender=%2B12025550101"
    led = await world.post("/console/conversations/done", back=kept, **form)
    assert led.headers["location"] == kept
    by_script = await world.client.post(
        "/console/conversations/done",
        data={"form_token": "a form's token", **form},
        headers={"cookie": f"who={ADMIN.id}", "hx-request": "true"},
    )
    assert (by_script.status_code, by_script.text) == (204, "")


async def test_older_conversations_are_on_further_pages(world: World) -> None:
    """Page by page nobody is twice or missing; each page leads back to the newest."""
    phones = [f"+1415556{number:04}" for number in range(90)]
    for phone in phones:
        await world.text(phone, phone)
    listed: list[str] = []
    query: dict[str, str] = {}
    for size in (40, 40, 10):
        answer = await world.get("/console", **query)
        page = Rows(answer.text)
        assert len(page.words) == size
        listed += [row.split()[5] for row in page.words]
        assert ("Newest" in answer.text) is bool(query)
        links = [
            part.split('"')[0] for part in answer.text.split('<p class="inbox-more"><a href="')
        ]
        query = {k: v[0] for k, v in parse_qs(urlsplit(links[-1]).query).items()}
    assert listed == phones[::-1]


async def test_a_search_has_further_pages_too(world: World) -> None:
    """Forty people a page."""
    for number in range(50):
        await world.customer(f"Person {number}", f"+1415556{number:04}")
    first = await world.get("/console", search="person")
    assert len(Rows(first.text).words) == 40
    link = first.text.partition('<p class="inbox-more"><a href="')[2].partition('"')[0]
    query = {k: v[0] for k, v in parse_qs(urlsplit(link.replace("&amp;", "&")).query).items()}
    assert query["search"] == "person"
    second = await rows(world, **query)
    assert len(second.words) == 10


async def test_the_rows_alone_are_what_the_page_shows(world: World) -> None:
    """The script fetches the same rows, but not those that it has; the open one is marked."""
    await world.text("one", ANN)
    await world.text("two", BOB)
    page = await world.get("/console")
    alone = await world.get("/console/inbox")
    assert Rows(alone.text).words == Rows(page.text).words
    assert "<html" not in alone.text
    part = alone.text.partition('hx-get="')[2].partition('"')[0].replace("&amp;", "&")
    assert part.startswith("/console/inbox?tag=")
    same = await world.get(part)
    assert (same.status_code, same.text) == (204, "")
    customer = urlsplit(Rows(page.text).addresses[0]).path.rpartition("/")[2]
    beside = await world.get("/console/inbox", open=customer, **{"from": LONG})
    assert beside.text.count('data-item aria-current="true"') == 1
    elsewhere = await world.get("/console/inbox", open=customer, **{"from": TOLL_FREE})
    assert "aria-current" not in elsewhere.text


async def test_a_new_installation_says_what_to_do_first(world: World) -> None:
    """Which numbers to text, and what to tell the carrier; not once somebody has written."""
    page = (await world.get("/console")).text
    assert "Nobody has texted you yet" in page
    assert "http://console.test/carriers/car_1/inbound#rc=5&amp;rp=ct,rt,5xx" in page
    assert show_number("+18335550102") in page
    assert "/carriers/" not in (await world.get("/console", AGENT)).text
    await world.text("Hello", ANN)
    page = (await world.get("/console")).text
    assert "Choose a conversation" in page
    assert "Nobody has texted" not in page
    assert "Nobody has texted" in (await world.get("/console", OTHER_ONLY)).text


async def test_an_empty_list_says_why(world: World) -> None:
    """All done is not the same as nothing there."""
    await world.text("one", ANN)
    form = {"talk": f"{ANN} {LONG} msg_zzz"}
    await world.post("/console/conversations/done", **form)
    assert "Every conversation is done." in (await world.get("/console")).text
    nothing = (await world.get("/console", show="all", sender=TOLL_FREE)).text
    assert "Nothing here." in nothing


async def test_a_number_on_no_profile_is_filed_on_its_way_to_the_page(world: World) -> None:
    """Its row is a button; pressed twice it leads to the same profile, the list as it was."""
    await world.text("Hello", ANN)
    (profile,) = await world.store.read_profiles(ANN)
    await world.store.submit(Forget(profile.id))
    listed = await rows(world, sender=LONG)
    assert listed.addresses == []
    assert "+1 415 555 0142 now Hello" in listed.words[0]
    address = f"/console/conversations/file?sender=%2B{LONG[1:]}"
    assert f'action="{address}"' in (await world.get("/console", sender=LONG)).text
    form = {"recipient": ANN, "sender": LONG}
    led = [(await world.post(address, **form)).headers["location"] for _ in range(2)]
    (made,) = await world.store.read_profiles(ANN)
    expected = f"/console/customers/{made.id}?sender=%2B{LONG[1:]}&list=%2B{LONG[1:]}"
    assert led == [expected, expected]
    stranger = await world.post(address, recipient=CAT, sender=LONG)
    assert stranger.status_code == 404
    assert await world.store.read_profiles(CAT) == []


async def test_a_new_customer_is_made_with_a_name_or_a_number(world: World) -> None:
    """The number is read as people write it; the page of the new profile is next."""
    asked = (await world.get("/console/customers/new", AGENT, search="415 555 0142")).text
    assert 'value="415 555 0142"' in asked.partition('name="phone"')[2]
    made = await world.post("/console/customers", AGENT, name=" Ann ", phone="(415) 555-0142")
    assert made.status_code == 303
    customer = await world.store.read_customer(made.headers["location"].rpartition("/")[2])
    assert customer is not None
    assert (customer.name, customer.phones[0].normalized) == ("Ann", ANN)
    assert customer.phones[0].primary
    nameless = await world.post("/console/customers", phone=BOB)
    assert nameless.status_code == 303
    without = await world.post("/console/customers", name="Cat")
    assert without.status_code == 303
    assert (await world.get("/console/customers/new", COMPLIANCE)).status_code == 403


@pytest.mark.parametrize(
    ("form", "field", "words"),
    [
        ({}, "name", "Write the name, the phone number, or both."),
        ({"name": "x" * 201}, "name", "The name has 201 characters. Shorten it to 200."),
        ({"name": "Zoe", "phone": "12"}, "phone", "wrong number of digits"),
        ({"name": "Zoe", "phone": "call me"}, "phone", "is not a phone number"),
        ({"name": "Zoe", "phone": ANN}, "phone", "This number is on a profile already."),
    ],
)
async def test_what_is_wrong_is_said_beside_the_field(
    world: World, form: dict[str, str], field: str, words: str
) -> None:
    """What was typed stays, nothing is made, and a number in use leads to who has it."""
    ann = await world.customer("Ann Example", ANN)
    answer = await world.post("/console/customers", **form)
    assert answer.status_code == 422
    assert words in answer.text.partition(f'id="{field}-error"')[2]
    assert (
        f'aria-describedby="{field}-error"' in answer.text
        or "phone-hint phone-error" in answer.text
    )
    for typed in form.values():
        assert f'value="{typed}"' in answer.text
    assert (f"/console/customers/{ann.id}" in answer.text) is (form.get("phone") == ANN)
    assert len(await world.store.read_profiles(ANN)) == 1


async def test_a_number_of_another_brand_makes_no_profile_that_nobody_could_open(
    world: World,
) -> None:
    """The agent is told whom to ask, and learns nothing of the profile."""
    ann = await world.customer("Ann Example", ANN)
    await world.text("Hello", ANN)
    answer = await world.post("/console/customers", OTHER_AGENT, phone=ANN)
    assert answer.status_code == 422
    assert "belongs to a brand that you do not work for. Ask an admin." in answer.text
    assert ann.id not in answer.text
