"""The contact card: how each phone stands, what is done about it by hand, and for whom it is."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
from customer_world import Person, find_person, hand_over, meet, report
from lists_world import (
    ACME_ONLY,
    ADMIN,
    AGENT,
    ANN,
    BOB,
    COMPLIANCE,
    FOREIGN,
    LONG,
    NOBODY_YET,
    NOW,
    OTHER_AGENT,
    TOLL_FREE,
    World,
    open_world,
)
from page_tree import Node, read_tree

from consentry.actions.administer import SaveSender
from consentry.actions.record_consent import GrantConsent, Statement, SuppressRecipient
from consentry.domain.agents import Agent
from consentry.domain.customers import PhoneType
from consentry.domain.directory import Sender, conversation_program
from consentry.domain.entries import Actor, ActorKind, EntryKind, Evidence, Medium
from consentry.domain.messages import MessageStatus
from consentry.domain.reading import SenderKind
from consentry.domain.reasons import OPTED_OUT_SENTENCE
from consentry.domain.standing import Cause, SMSPreference

pytestmark = pytest.mark.integration
SHORT = "55555"
IMPORT = Actor(ActorKind.IMPORT, "imp_1")


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    """Open the console on a new database."""
    async with open_world(tmp_path) as world:
        yield world


def phone(card: Node, number: str = ANN) -> Node:
    """Find a phone on the card."""
    return card.by_id(f"phone-{number.lstrip('+')}")


async def ann(world: World, who: Agent = ADMIN) -> Node:
    """Look at Ann's phone on her card."""
    return phone(await (await find_person(world)).page(who))


async def test_a_subscribed_phone_shows_type_tags_and_since_when(world: World) -> None:
    """Mobile, Main, SMS, Subscribed by their text; the senders they never met are told apart."""
    await world.text("Hello")
    world.clock.advance(minutes=5)
    shown = await ann(world)
    assert "+1 415 555 0142" in shown.words
    assert shown.one("p", "tags").words == "MobileMainSMS"
    pair = shown.one("li", "pair")
    assert pair.words == "Subscribed +1 202 555 0101 Since 5m, by their text."
    assert not shown.all(name="forbidden")
    assert shown.one("p", "not-asked-row").words == ("Not asked +1 833 555 0102, +1 202 555 0199")


@pytest.mark.parametrize(
    ("sender", "words", "must_text"),
    [
        (LONG, "STOP", "START to +1 202 555 0101"),
        (LONG, "please stop texting me", "START to +1 202 555 0101"),
        (TOLL_FREE, "STOP", "START or UNSTOP to +1 833 555 0102"),
        (TOLL_FREE, "CANCEL", "START or UNSTOP to +1 833 555 0102"),
        (TOLL_FREE, "please stop texting me", "START or UNSTOP to +1 833 555 0102"),
        (SHORT, "please stop texting me", "START, UNSTOP or YES to 55555"),
        (SHORT, "STOP", "START, UNSTOP or YES to 55555"),
    ],
)
async def test_an_opted_out_phone_says_what_to_text_where(
    world: World, sender: str, words: str, must_text: str
) -> None:
    """Red, with an icon and words, no SMS tag, and the words that work for that kind of number."""
    await world.store.submit(SaveSender(Sender(SHORT, SenderKind.SHORT_CODE, "acme", "car_1")))
    await world.text("Hello", sender=sender)
    await world.text(words, sender=sender)
    shown = await ann(world)
    assert "forbidden" in shown.one("p", "phone-number").classes
    assert shown.one("p", "tags").words == "MobileMain"
    pair = shown.one("li", "pair")
    assert pair.one("span", "chip").words == "Opted out"
    assert pair.words.endswith(f"To be texted again they must text {must_text}.")
    # What the text beside it says, the chip itself tells on hover, and on focus by its description.
    chip = pair.one("span", "chip")
    assert " ".join(chip.attributes["title"].split()).endswith(f"must text {must_text}.")
    assert chip.attributes["tabindex"] == "0"
    assert pair.one("p", "small").attributes["id"] == chip.attributes["aria-describedby"]


async def test_what_the_carrier_said_is_not_taken_for_the_persons_word(world: World) -> None:
    """A refusal as opted out shows as blocked by the carrier, and says that the carrier said so."""
    await world.text("Hello")
    await hand_over(world)
    await world.send("Hi")
    message = await hand_over(world)
    await report(world, message, MessageStatus.FAILED, error_code="21610", opted_out=True)
    pair = (await ann(world)).one("li", "pair")
    assert pair.one("span", "chip").words == "Blocked by carrier"
    assert "the carrier said so when it refused a text" in pair.words
    assert "must text START to +1 202 555 0101" in pair.words


async def test_a_grant_that_waits_for_the_handset_shows_so(world: World) -> None:
    """Consent told on the web is waiting for reply, and nothing is forbidden."""
    person = await meet(world)
    evidence = Evidence(Medium.WEB, call_to_action="Text me")
    statement = Statement(ANN, Actor(ActorKind.KEY, "key_1"), "web form", evidence)
    await world.store.submit(GrantConsent(statement, conversation_program(LONG)))
    shown = phone(await person.page())
    assert shown.one("li", "pair").one("span", "chip").words == "Waiting for reply"
    assert not shown.all(name="forbidden")


@pytest.mark.parametrize(
    ("by_person", "actor", "back"),
    [
        (True, Actor(ActorKind.AGENT, AGENT.id), "must text START to +1 202 555 0101"),
        (False, IMPORT, "The company put it there and alone can take it off, on the Consent tab."),
    ],
)
async def test_a_do_not_text_list_says_who_put_them_there(
    world: World, by_person: bool, actor: Actor, back: str
) -> None:
    """The person's own word is undone by their text, the company's own is not."""
    person = await meet(world)
    statement = Statement(ANN, actor, "told", by_person=by_person)
    await world.store.submit(SuppressRecipient(statement, "acme"))
    shown = phone(await person.page(ACME_ONLY))
    assert "forbidden" in shown.one("p", "phone-number").classes
    pair = shown.all("li", "pair")[0]
    assert "on the do-not-text list of Acme" in pair.words
    assert back in pair.words


async def test_several_phones_stand_for_themselves(world: World) -> None:
    """The one that opted out is red, the other is not; the folded head shows the worst."""
    customer = await world.customer("Ann Example", ANN, BOB)
    await world.text("STOP", ANN)
    await world.text("Hello", BOB)
    page = await Person(world, customer.id).page()
    assert "forbidden" in phone(page, ANN).one("p", "phone-number").classes
    assert "forbidden" not in phone(page, BOB).one("p", "phone-number").classes
    assert page.one("a", "folded").words == "Opted out, show the contact card"


# --- Tag ------------------------------------------------------------------------------------


async def test_the_tag_is_set_and_removed_by_hand(world: World) -> None:
    """By the agent, with an entry that names them."""
    person = await meet(world)
    done = await person.post("/phones/tag", AGENT, phone=ANN, sms="on")
    assert (done.status_code, done.headers["location"]) == (303, f"{person.address}#card")
    assert phone(await person.page()).one("span", "sms").words == "SMS"
    await person.post("/phones/tag", AGENT, phone=ANN, sms="off")
    assert not phone(await person.page()).all("span", "sms")
    tags = [e for e in await person.entries() if e.kind is EntryKind.TAG_CHANGED]
    assert [entry.actor.id for entry in tags] == [AGENT.id, AGENT.id]


async def test_the_tag_is_refused_on_a_forbidden_number_with_the_reason(world: World) -> None:
    """It is not offered, and a form that asks for it all the same gets the exact sentence."""
    await world.text("STOP")
    person = await find_person(world)
    assert "SMS tag" not in await person.card()
    refused = await person.post("/phones/tag", AGENT, phone=ANN, sms="on")
    assert refused.status_code == 403
    shown = phone(read_tree(refused.text))
    assert shown.one("p", "error").words == OPTED_OUT_SENTENCE
    standing = await world.store.read_standing(ANN)
    assert standing.sms_preference is SMSPreference.FORBIDDEN
    assert not standing.sms_tag


# --- Place ----------------------------------------------------------------------------------


async def test_the_place_of_a_phone_is_set_and_taken_back_by_hand(world: World) -> None:
    """The card shows it, the history has who set it, and the form has what stands."""
    person = await meet(world)
    done = await person.post(
        "/phones/place", AGENT, phone=ANN, time_zone="America/Denver", postal_code=""
    )
    assert (done.status_code, done.headers["location"]) == (303, f"{person.address}#card")
    assert "America/Denver" in phone(await person.page()).words
    form = (await person.page(AGENT, edit="place", phone=ANN)).by_id("card")
    assert (form.values("time_zone"), form.values("postal_code")) == (["America/Denver"], [""])
    assert "Place set: America/Denver" in (await person.page()).words
    await person.post("/phones/place", AGENT, phone=ANN, time_zone=" ", postal_code="")
    assert "America/Denver" not in phone(await person.page()).words
    placed = [e for e in await person.entries() if e.kind is EntryKind.PLACE_CHANGED]
    assert [entry.actor.id for entry in placed] == [AGENT.id, AGENT.id]


async def test_what_is_no_place_is_told_at_its_field(world: World) -> None:
    """What was typed stays; a phone that is gone is told on the card."""
    person = await meet(world)
    refused = await person.post(
        "/phones/place", AGENT, phone=ANN, time_zone="Mars", postal_code="00000"
    )
    shown = read_tree(refused.text)
    assert refused.status_code == 422
    assert "is not a time zone" in shown.by_id("wrong-time_zone").words
    assert "give the time zone" in shown.by_id("wrong-postal_code").words
    assert shown.by_id("card").values("time_zone") == ["Mars"]
    gone = await person.post("/phones/place", AGENT, phone=BOB, time_zone="", postal_code="")
    assert gone.status_code == 404


# --- Profile --------------------------------------------------------------------------------


async def test_name_emails_and_note_are_changed_in_place(world: World) -> None:
    """One form on the card; what is done is in the history with who did it."""
    person = await meet(world)
    form = (await person.page(AGENT, edit="name")).by_id("card")
    assert form.values("name") == ["Ann Example"]
    done = await person.post(
        "/profile",
        AGENT,
        name="  Ann   B. Example ",
        emails="Ann@Example.org\nb@example.org, ann@example.org",
        note="Prefers mornings\r\nVIP",
    )
    assert done.status_code == 303
    profile = await person.profile()
    assert (profile.name, profile.note) == ("Ann B. Example", "Prefers mornings\nVIP")
    assert profile.emails == ("ann@example.org", "b@example.org")
    (changed, made) = [e for e in await person.entries() if e.kind is EntryKind.CUSTOMER_CHANGED]
    assert (changed.actor.id, made.actor.kind) == (AGENT.id, ActorKind.SYSTEM)
    items = await person.items()
    assert items[-1].startswith("Name changed from “Ann Example” to “Ann B. Example”")
    assert "Eva" in items[-1]


@pytest.mark.parametrize(
    ("field", "typed", "error"),
    [
        ("name", "x" * 201, "The name has 201 characters; 200 fit."),
        ("emails", "no email", "“no” is no email address. Write it as name@example.org."),
        ("emails", " ".join(f"a{n}@x.example" for n in range(21)), "These are 21 emails; 20 fit."),
        ("note", "x" * 5001, "The note has 5,001 characters; 5,000 fit."),
    ],
)
async def test_what_does_not_fit_is_told_beside_its_field(
    world: World, field: str, typed: str, error: str
) -> None:
    """The form stays open with what was typed; nothing is changed."""
    person = await meet(world)
    before = await person.profile()
    refused = await person.post("/profile", **{"name": "", "emails": "", "note": "", field: typed})
    assert refused.status_code == 422
    card = read_tree(refused.text).by_id("card")
    assert card.by_id(f"wrong-{field}").words == error
    described = [n for n in card.walk() if n.attributes.get("aria-invalid") == "true"]
    assert [n.attributes["aria-describedby"] for n in described] == [f"wrong-{field}"]
    assert typed in (described[0].raw, described[0].attributes.get("value"))
    assert await person.profile() == before


# --- Phones ---------------------------------------------------------------------------------


async def test_a_phone_is_added_changed_made_main_and_removed(world: World) -> None:
    """Each by a form; numbers are read as people write them."""
    person = await meet(world)
    added = await person.post(
        "/phones", AGENT, replaces="", number="(415) 555-0143", type="office", extension="12"
    )
    assert added.status_code == 303
    (_, office) = (await person.profile()).phones
    assert (office.normalized, office.original) == (BOB, "(415) 555-0143")
    assert (office.type, office.extension, office.primary) == (PhoneType.OFFICE, "12", False)
    await person.post("/phones/main", AGENT, phone=BOB)
    assert [p.primary for p in (await person.profile()).phones] == [False, True]
    changed = await person.post(
        "/phones", AGENT, replaces=BOB, number=BOB, type="home", extension="", main="yes"
    )
    assert changed.status_code == 303
    home = (await person.profile()).phones[1]
    assert (home.type, home.extension, home.original) == (PhoneType.HOME, None, "(415) 555-0143")
    await person.post("/phones/remove", AGENT, phone=ANN)
    assert [p.normalized for p in (await person.profile()).phones] == [BOB]
    told = [e.text for e in await person.entries(BOB) if e.kind is EntryKind.CUSTOMER_CHANGED]
    assert told[0] == f"Ann Example: phone {ANN} removed"


async def test_a_new_number_starts_clean_and_the_old_stays_out(world: World) -> None:
    """Changing the number on the card lifts nothing."""
    person = await meet(world)
    await world.text("STOP")
    await person.post("/phones", replaces=ANN, number=BOB, type="mobile", main="yes")
    page = await person.page()
    assert "forbidden" not in phone(page, BOB).one("p", "phone-number").classes
    assert (await world.store.read_standing(ANN)).sms_preference is SMSPreference.FORBIDDEN


@pytest.mark.parametrize(
    ("typed", "field", "error"),
    [
        ({"number": "nonsense"}, "number", "is not a phone number"),
        ({"number": ""}, "number", "The phone number is empty"),
        ({"number": "+1415555"}, "number", "wrong number of digits"),
        ({"number": ANN}, "number", f"{ANN} is on this profile already"),
        ({"number": BOB, "extension": "a"}, "extension", "digits alone"),
        ({"number": BOB, "extension": "1" * 13}, "extension", "at most 12 digits"),
        ({"number": BOB, "type": "pager"}, "type", "Choose Mobile, Home, Office or Other."),
    ],
)
async def test_a_phone_that_is_none_is_told_beside_its_field(
    world: World, typed: dict[str, str], field: str, error: str
) -> None:
    """With what was typed, and nothing added."""
    person = await meet(world)
    form = {"replaces": "", "number": "", "extension": "", "type": "mobile", **typed}
    refused = await person.post("/phones", **form)
    assert refused.status_code == 422
    card = read_tree(refused.text).by_id("card")
    assert error in card.by_id(f"wrong-{field}").words
    assert card.values("number") == [form["number"]]
    assert len((await person.profile()).phones) == 1


async def test_two_agents_who_change_the_same_phone_are_told(world: World) -> None:
    """The later one is told that it is gone, or there already, and nothing is lost."""
    customer = await world.customer("Ann Example", ANN, BOB)
    person = Person(world, customer.id)
    form = {"replaces": ANN, "number": BOB, "type": "mobile"}
    refused = await person.post("/phones", **form)
    assert (refused.status_code, "on this profile already" in refused.text) == (409, True)
    await person.post("/phones/remove", phone=ANN)
    for part in ("/phones/remove", "/phones/main", "/phones/tag"):
        gone = await person.post(part, phone=ANN, sms="on")
        assert gone.status_code == 404
        told = read_tree(gone.text).by_id("card").one("p", "error").words
        assert told == "This phone is not on the profile any more."
    refused = await person.post("/phones", replaces=ANN, number="+14155550199", type="mobile")
    assert (refused.status_code, "not on the profile any more" in refused.text) == (404, True)


# --- An opt-out told to an agent ------------------------------------------------------------


async def test_an_opt_out_told_by_phone_is_recorded_with_its_evidence(world: World) -> None:
    """Channel, their words, when, and who told whom; from then on nothing leaves."""
    await world.text("Hello")
    person = await find_person(world)
    done = await person.post(
        "/opt-out",
        COMPLIANCE,
        zone="America/Los_Angeles",
        phone=ANN,
        scope="brand acme",
        medium="phone",
        words="Do not text me again",
        name="Her son",
        when="2026-05-20T04:30",
    )
    assert (done.status_code, done.headers["location"]) == (303, person.address)
    entry = next(e for e in await person.entries() if e.kind is EntryKind.SUPPRESSED)
    assert entry.actor.id == COMPLIANCE.id
    assert entry.evidence is not None
    assert (entry.evidence.medium, entry.evidence.verbatim) == (
        Medium.PHONE,
        "Do not text me again",
    )
    assert (entry.evidence.name, entry.at) == ("Her son", NOW - timedelta(minutes=30))
    (listed,) = (await world.store.read_standing(ANN)).suppressions
    assert (listed.by_person, listed.cause) == (True, Cause.AGENT)
    assert (await world.send("Hi")).message is None
    (line,) = [item for item in await person.items() if "list of Acme" in item]
    assert line.startswith("Put on the do-not-text list of Acme Do not text me again · Cem")
    assert "told by phone by Her son" in line


async def test_an_opt_out_of_one_number_leaves_the_others(world: World) -> None:
    """The conversation with that number is revoked, and its waiting texts are waited for."""
    await world.text("Hello", sender=LONG)
    await world.text("Hello", sender=TOLL_FREE)
    person = await find_person(world)
    form = {"phone": ANN, "medium": "in_person", "words": "Not from this one", "name": ""}
    await person.post("/opt-out", AGENT, scope=f"sender {LONG}", when="", **form)
    assert (await world.send("Hi", sender=LONG)).message is None
    assert (await world.send("Hi", sender=TOLL_FREE)).message is not None
    assert world.delivery.waited == [()]
    assert "an agent or a program recorded it" in await person.card()


@pytest.mark.parametrize(
    ("wrong", "error"),
    [
        ({"phone": BOB}, "Choose the phone"),
        ({"scope": "brand other"}, "Choose from what"),
        ({"scope": f"sender {FOREIGN}"}, "Choose from what"),
        ({"medium": "text"}, "Choose how"),
        ({"words": " "}, "Write what they said"),
        ({"words": "x" * 2001}, "At most 2,000"),
        ({"name": "x" * 201}, "At most 200"),
        ({"when": "yesterday"}, "Write the time as"),
        ({"when": "2026-05-20T12:02"}, "still to come"),
    ],
)
async def test_an_opt_out_without_its_evidence_is_not_taken(
    world: World, wrong: dict[str, str], error: str
) -> None:
    """Each fault is told beside its field, and what was typed stays."""
    await world.text("Hello")
    person = await find_person(world)
    form = {"phone": ANN, "scope": "brand acme", "medium": "mail", "words": "No", "name": "Ann"}
    refused = await person.post("/opt-out", ACME_ONLY, **{**form, "when": "", **wrong})
    assert refused.status_code == 422
    (field,) = wrong
    assert error in read_tree(refused.text).by_id(f"wrong-{field}").words
    assert (await world.store.read_standing(ANN)).sms_preference is SMSPreference.ON


# --- Merge and delete -----------------------------------------------------------------------


async def test_two_profiles_are_merged_after_a_look(world: World) -> None:
    """Search, see what will be, the most restrictive shown, then merge; the other leads here."""
    person = await meet(world, ANN, "Ann Example")
    other = await meet(world, BOB, "A. Example")
    await world.text("Hello", ANN)
    await world.text("STOP", BOB)
    found = await person.page(AGENT, "/merge", find="a. ex")
    assert [a.words for a in found.by_id("beside").one("ul", "found").all("a")] == [
        "A. Example+1 415 555 0143"
    ]
    preview = (await person.page(AGENT, "/merge", **{"with": other.id})).one("div", "merged")
    assert preview.words.startswith("Ann ExampleOpted out")
    assert "+1 415 555 0143MobileOpted out" in preview.words
    done = await person.post("/merge", AGENT, other=other.id)
    assert done.status_code == 303
    assert [p.normalized for p in (await person.profile()).phones] == [ANN, BOB]
    assert (await world.send("Hi", BOB)).message is None
    led = await world.get(other.address)
    assert (led.status_code, led.headers["location"]) == (303, person.address)
    assert (await person.items())[-2].startswith("Merged with A. Example")


@pytest.mark.parametrize("other", ["self", "cus_none", "merged"])
async def test_who_cannot_be_merged_is_told_so(world: World, other: str) -> None:
    """Neither with itself, nor with one that is gone or was merged before."""
    person, second = await meet(world), await meet(world, BOB, "Bob")
    third = await meet(world, "+14155550177", "Third")
    await second.post("/merge", other=third.id)
    wanted = {"self": person.id, "merged": third.id}.get(other, other)
    refused = await person.post("/merge", other=wanted)
    assert refused.status_code == 422
    assert "There is no such customer to merge." in refused.text


async def test_a_profile_is_deleted_and_the_opt_out_stays(world: World) -> None:
    """The page says so before it asks; the number stays forbidden for the next profile."""
    await world.text("STOP")
    person = await find_person(world)
    asked = await person.page(AGENT, "/delete")
    assert "What stands for the number stays" in asked.by_id("beside").words
    done = await person.post("/delete", AGENT)
    assert (done.status_code, done.headers["location"]) == (303, "/console")
    assert (await world.get(person.address)).status_code == 404
    again = await meet(world, ANN, "Ann again")
    assert "forbidden" in phone(await again.page()).one("p", "phone-number").classes
    deleted = next(e for e in await again.entries() if "deleted" in (e.text or ""))
    assert deleted.actor.id == AGENT.id


# --- Who may --------------------------------------------------------------------------------

FORMS = {
    "/profile": {"name": "X", "emails": "", "note": ""},
    "/phones": {"replaces": "", "number": BOB, "type": "mobile"},
    "/phones/main": {"phone": ANN},
    "/phones/remove": {"phone": ANN},
    "/phones/tag": {"phone": ANN, "sms": "on"},
    "/opt-out": {"phone": ANN, "scope": "brand acme", "medium": "mail", "words": "No"},
    "/lift": {"phone": ANN, "scope": "acme", "reason": "x"},
    "/merge": {"other": "cus_none"},
    "/delete": {},
    "/messages": {"way": f"{LONG} {ANN}", "body": "Hi"},
    "/notes": {"body": "A note"},
}
FOR_COMPLIANCE = {"/phones/tag", "/opt-out", "/lift"}
PARTS = ("", "/card", "/timeline", "/ways", "/composer", "/consent")


@pytest.mark.parametrize("part", FORMS)
async def test_each_form_is_for_those_who_may(world: World, part: str) -> None:
    """Compliance records consent and changes nothing else; without access there is nothing."""
    await world.text("Hello")
    person = await find_person(world)
    before = len(await person.entries()), await person.profile()
    assert (await person.post(part, NOBODY_YET, **FORMS[part])).status_code == 403
    foreign = await person.post(part, OTHER_AGENT, **FORMS[part])
    assert foreign.status_code == 404
    if part not in FOR_COMPLIANCE:
        assert (await person.post(part, COMPLIANCE, **FORMS[part])).status_code == 403
    assert (len(await person.entries()), await person.profile()) == before
    token = await world.post(f"{person.address}{part}", AGENT, token="another", **FORMS[part])
    assert (token.status_code, len(await person.entries())) == (403, before[0])


@pytest.mark.parametrize("part", PARTS)
async def test_a_customer_of_another_brand_is_not_there(world: World, part: str) -> None:
    """Neither the page nor a part of it; one who never texted anybody is everybody's."""
    await world.text("Hello")
    person = await find_person(world)
    assert (await world.get(f"{person.address}{part}", OTHER_AGENT)).status_code == 404
    assert (await world.get(f"{person.address}{part}", ACME_ONLY)).status_code == 200
    assert (await world.get(f"{person.address}{part}", NOBODY_YET)).status_code == 403
    stranger = await meet(world, BOB, "Bob")
    assert (await world.get(f"{stranger.address}{part}", OTHER_AGENT)).status_code == 200


async def test_an_agent_of_one_brand_sees_only_its_numbers(world: World) -> None:
    """An opt-out from another brand is neither shown nor hinted at."""
    await world.text("Hello", sender=LONG)
    await world.text("STOP", sender=FOREIGN)
    person = await find_person(world)
    acme = phone(await person.page(ACME_ONLY))
    assert "+1 202 555 0199" not in acme.words
    assert not acme.all(name="forbidden")
    everything = phone(await person.page(ADMIN))
    assert "forbidden" in everything.one("p", "phone-number").classes


async def test_what_an_agent_may_not_do_is_not_offered(world: World) -> None:
    """Compliance has no pencil, no plus and no composer; an agent has no export."""
    await world.text("Hello")
    person = await find_person(world)
    page = await person.page(COMPLIANCE)
    assert not page.by_id("card").all("a", "edit")
    assert "Record an opt-out" in page.by_id("card").words
    assert page.by_id("composer").words == "Your role reads conversations and writes to nobody."
    consent = await person.page(AGENT, "/consent")
    assert not consent.all("a", "download")
    assert (await world.get(f"{person.address}/consent.jsonl", AGENT)).status_code == 403


async def test_looking_is_recorded_once_in_ten_minutes(world: World) -> None:
    """Under the agent who looked; parts that are fetched anew are no look of their own."""
    await world.text("Hello")
    person = await find_person(world)

    async def views() -> list[str | None]:
        kinds = [e for e in await world.audit() if e.kind is EntryKind.CUSTOMER_VIEWED]
        return [entry.actor.id for entry in kinds]

    for text in ("Still here", "And there"):
        await person.page(AGENT)
        await person.page(AGENT, "/card")
        await world.text(text)
    assert await views() == [AGENT.id]
    await person.page(ADMIN)
    world.clock.advance(minutes=10)
    await person.page(AGENT)
    await world.text("And here")
    assert await views() == [AGENT.id, ADMIN.id, AGENT.id]


async def test_what_is_shown_counts_as_read_by_those_who_answer(world: World) -> None:
    """Compliance may look without the inbox forgetting that nobody answered."""
    received = await world.text("Hello")
    person = await find_person(world)
    await person.page(COMPLIANCE)
    await world.text("Second")
    assert await world.store.read_mark(ANN, LONG) is None
    await person.page(AGENT)
    third = await world.text("Third")
    mark = await world.store.read_mark(ANN, LONG)
    assert mark is not None
    assert mark.read is not None
    assert received.message < mark.read < third.message
    await person.page(AGENT, "/timeline")
    await world.text("Fourth")
    again = await world.store.read_mark(ANN, LONG)
    assert again is not None
    assert again.read == third.message
