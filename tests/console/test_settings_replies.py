"""Settings, replies: errors stand in the way, warnings do not, and a phone shows the real thing."""

from collections.abc import AsyncIterator, Mapping
from pathlib import Path

import msgspec
import pytest
from accounts import FOREIGN, LONG_CODE
from settings_world import (
    ACME_ADMIN,
    AGENT,
    COMPLIANCE,
    SECOND_ADMIN,
    SHORT_CODE,
    TOLL_FREE,
    Desk,
    Shown,
    World,
    open_world,
    read_page,
)

from consentry.actions.administer import SaveBrand, SaveCarrier
from consentry.domain.directory import Brand, Replies
from consentry.ports import CarrierAccount

pytestmark = pytest.mark.integration

LONG = f"/replies/{LONG_CODE.number}"
SHORT = f"/replies/{SHORT_CODE.number}"
GOOD = {
    "initial": "Hello from {brand}. Reply STOP to opt out. Msg & data rates may apply.",
    "opt_out": "{brand}: done, you get no further messages.",
    "opt_in": "{brand}: welcome back. Reply HELP for help, STOP to opt out.",
    "help": "{brand}: write to a@acme.example. Reply STOP to opt out. Msg & data rates may apply.",
}


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    """A company with a sender of every kind."""
    async with open_world(tmp_path) as made:
        yield made


async def replies(world: World, number: str = LONG_CODE.number) -> Replies:
    return (await world.console.store.read_directory()).senders[number].replies


async def look(desk: Desk, shown: Shown, path: str, form: Mapping[str, str]) -> Shown:
    """Let the script ask what is to be said about what is typed."""
    data = {**{name: values[0] for name, values in shown.form_with("seen").items()}, **form}
    answer = await desk.browser.post(
        f"/console/settings{path}/look", data=data, headers={"hx-request": "true"}
    )
    assert answer.status_code == 200
    assert "<html" not in answer.text
    return read_page(answer)


async def test_the_list_tells_own_from_default(world: World) -> None:
    """Each sender with its four answers."""
    desk = await world.desk()
    await desk.change(LONG, initial=GOOD["initial"])
    text = (await desk.open("/replies")).text
    assert "Initial reply: Your own" in text
    assert "Opt-out: Default" in text


async def test_good_wordings_are_saved_and_told(world: World) -> None:
    """All four; the page after says what was saved, and an emptied one is the default again."""
    desk = await world.desk()
    after = await desk.follow(await desk.change(SHORT, **GOOD))
    assert "Saved. Sender 55555 changed: replies.initial Hello from {brand}." in after.text
    assert await replies(world, SHORT_CODE.number) == Replies(**GOOD)
    after = await desk.follow(await desk.change(SHORT, initial="  "))
    assert "→ none" in after.text
    assert (await replies(world, SHORT_CODE.number)).initial is None


@pytest.mark.parametrize(
    ("field", "text", "said"),
    [
        ("initial", "Hello. Reply STOP to opt out.", "does not say who texts"),
        ("initial", "{brand} got your text.", "does not tell how to stop"),
        ("initial", "{brand}: STOP " + "x" * 300, "at most 300 are allowed"),
        ("opt_out", "{brand}: no more texts. 20% off!", "“% off” sells"),
        ("opt_out", "{brand}: bye.", "no further messages"),
        ("opt_out", "{brand}: no more texts. " + "x" * 160, "it must be one"),
        ("opt_in", "{brand}: hi {name}. STOP ends, HELP helps.", "{name} is not filled in"),
        ("help", "{brand}: reply STOP to opt out.", "has no contact"),
        ("help", "{brand}: {contact}Reply STOP to opt out.", "the brand has none"),
    ],
)
async def test_an_error_stands_in_the_way(world: World, field: str, text: str, said: str) -> None:
    """Nothing is saved, the field is marked, and everything typed is still there."""
    desk = await world.desk()
    shown = await desk.change(SHORT, **{**GOOD, field: text})
    assert shown.status == 422
    assert "Nothing was saved" in shown.text
    assert said in shown.text
    assert shown.invalid == {field}
    assert {name: shown.value(name) for name in GOOD} == {**GOOD, field: text}
    assert await replies(world, SHORT_CODE.number) == Replies()


async def test_a_warning_does_not(world: World) -> None:
    """Curly quotes and a shared shortener are told, and saved all the same."""
    desk = await world.desk()
    text = GOOD["initial"] + " It\u2019s at bit.ly/x"
    shown = await look(desk, await desk.open(SHORT), SHORT, {"initial": text})
    assert "Warning: bit.ly is a link shortener" in shown.text
    assert "\u2019 (write ')" in shown.text
    assert (await desk.change(SHORT, initial=text)).status == 303
    assert (await replies(world, SHORT_CODE.number)).initial == text


async def test_simpler_characters_are_offered_and_put_in(world: World) -> None:
    """The button writes them, keeps the other fields, and saves nothing by itself."""
    desk = await world.desk()
    typed = {**GOOD, "initial": GOOD["initial"] + " It\u2019s free \u2014 really"}
    shown = await look(desk, await desk.open(SHORT), SHORT, typed)
    assert [b["value"] for b in shown.buttons if b.get("name") == "simplify"] == ["initial"]
    page = await desk.open(SHORT)
    after = await desk.send(page, f"{SHORT}/look", {**typed, "simplify": "initial"})
    assert after.status == 200
    assert after.value("initial") == GOOD["initial"] + " It's free - really"
    assert after.value("help") == GOOD["help"]
    assert await replies(world, SHORT_CODE.number) == Replies()
    await desk.send(after, SHORT, {})
    assert (await replies(world, SHORT_CODE.number)).initial == GOOD[
        "initial"
    ] + " It's free - really"


async def test_the_counter_counts_what_goes_out(world: World) -> None:
    """With the brand filled in: septets or units, the alphabet, the parts."""
    desk = await world.desk()
    page = await desk.open(SHORT)
    plain = await look(desk, page, SHORT, {"initial": "{brand}" + "x" * 156})
    assert "160 of 160 characters in GSM-7, 1 part." in plain.text
    longer = await look(desk, page, SHORT, {"initial": "{brand}" + "x" * 157})
    assert "161 of 160 characters in GSM-7, 2 parts." in longer.text
    euro = await look(desk, page, SHORT, {"initial": "{brand}€"})
    assert "6 of 160 characters in GSM-7" in euro.text
    emoji = await look(desk, page, SHORT, {"initial": "{brand}🎈"})
    assert "6 of 70 characters in UCS-2" in emoji.text


async def test_the_phone_shows_the_real_thing(world: World) -> None:
    """What a person gets: the typed text filled in, the default elsewhere, HTML as text."""
    desk = await world.desk()
    page = await desk.open(SHORT)
    assert "Thanks for texting Acme!" in page.text
    typed = "<b>{brand}</b> & שלום 🎈. Reply STOP to opt out. rates may apply"
    shown = await look(desk, page, SHORT, {"initial": typed})
    assert "The answer: <b>Acme</b> & שלום 🎈. Reply STOP" in shown.text
    assert "The person texts: STOP The answer: Acme: you are opted out" in shown.text
    assert "not you" not in shown.text


async def test_where_the_carrier_answers_ours_is_not_used_and_its_own_is_shown(
    world: World,
) -> None:
    """On a long code: for STOP not, for plain words yes; START and HELP never."""
    text = (await (await world.desk()).open(LONG)).text
    assert "Not used for STOP, STOPALL" in text
    assert "Not used on this sender: Twilio answers START, YES, UNSTOP itself." in text
    assert "Not used on this sender: Twilio answers HELP, INFO itself." in text
    assert "STOP The answer: You have successfully been unsubscribed." in text
    assert "Twilio answers, not you" in text
    assert "Please stop The answer: Acme: you are opted out" in text
    toll_free = (await (await world.desk()).open(f"/replies/{TOLL_FREE.number}")).text
    assert "Not used for START, UNSTOP: Twilio answers those itself." in toll_free
    assert "Not used" not in (await (await world.desk()).open(SHORT)).text


async def test_a_carrier_whose_words_are_not_known(world: World) -> None:
    """Its answers are told to be set there."""
    store = world.console.store
    await store.submit(SaveCarrier(CarrierAccount("fake", "telnyx", "A", "s", "https://x.example")))
    text = (await (await world.desk()).open(LONG)).text
    assert "In words that are set at the carrier." in text
    assert "Telnyx answers, not you" in text


async def test_a_name_of_a_brand_is_filled_in_wherever_it_changes(world: World) -> None:
    """A new name that makes a wording too long is an error at the next look."""
    desk = await world.desk()
    await desk.change(SHORT, initial=GOOD["initial"] + "x" * 200)
    await world.console.store.submit(SaveBrand(Brand("acme", "A very long name " * 10)))
    assert "at most 300 are allowed" in (await desk.open(SHORT)).text


async def test_a_stale_form_is_told(world: World) -> None:
    """Another admin's wording stands beside the field until it was seen."""
    first, second = await world.desk(), await world.desk(SECOND_ADMIN)
    mine = await first.open(SHORT)
    await second.change(SHORT, help=GOOD["help"])
    told = await first.send(mine, SHORT, {"initial": GOOD["initial"]})
    assert told.status == 422
    assert f"Stored now: {GOOD['help']}" in told.text
    assert await replies(world, SHORT_CODE.number) == Replies(help=GOOD["help"])


async def test_who_may_look_and_who_may_change(world: World) -> None:
    """Compliance looks; an agent does not; an admin of one brand stays within it."""
    form = await (await world.desk()).open(LONG)
    looking = await (await world.desk(COMPLIANCE)).open(LONG)
    assert looking.disabled == {"initial", "opt_out", "opt_in", "help"}
    for email in (COMPLIANCE, AGENT):
        desk = await world.desk(email)
        assert (await desk.send(form, LONG, GOOD)).status == 403
    held = await world.desk(ACME_ADMIN)
    foreign = f"/replies/{FOREIGN.number}"
    assert "+1 202 555 0199" not in (await held.open("/replies")).text
    assert (await held.open(foreign)).status == 404
    assert (await held.send(form, foreign, GOOD)).status == 404
    assert (await held.send(form, f"{foreign}/look", GOOD)).status == 404
    assert await replies(world) == await replies(world, FOREIGN.number) == Replies()
    assert (
        msgspec.structs.replace(LONG_CODE)
        == (await world.console.store.read_directory()).senders[LONG_CODE.number]
    )
