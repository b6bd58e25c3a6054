"""Settings, keywords: the box says what the readers say, and nothing is stored by it."""

from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import quote

import pytest
from accounts import FOREIGN, LONG_CODE, NO_ACCESS
from settings_world import (
    ACME_ADMIN,
    AGENT,
    COMPLIANCE,
    SHORT_CODE,
    TOLL_FREE,
    Desk,
    World,
    open_world,
    read_page,
)

from consentry.console.settings.tryout import EXAMPLES
from consentry.domain.carrier_profiles import TABLE, Profile
from consentry.domain.keywords import read_legal
from consentry.domain.reading import BlockLayer

pytestmark = pytest.mark.integration


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    """A company with a sender of every kind."""
    async with open_world(tmp_path) as made:
        yield made


async def try_text(desk: Desk, text: str, on: str = f"sender:{LONG_CODE.number}") -> str:
    """Try a text as the script does, which gets the box alone."""
    path = f"/console/settings/keywords?text={quote(text)}&as={quote(on)}"
    answer = await desk.browser.get(path, headers={"hx-request": "true"})
    assert answer.status_code == 200
    assert "<html" not in answer.text
    return read_page(answer).text


async def test_both_readers_and_why(world: World) -> None:
    """A keyword with its full stop is no keyword to the carrier, and an opt-out by law."""
    text = await try_text(await world.desk(), "Stop.")
    assert "Twilio sees Nothing." in text
    assert "The law hears The person opts out. A lone word." in text
    assert f"Rule keyword:any:stop , edition {read_legal('stop').version}" in text
    assert f"edition {TABLE.version}" in text
    assert "Subscribed Opt-out Then: Opted out You" in text
    assert "Acme: you are opted out and will get no further messages." in text


async def test_a_keyword_is_the_carriers_to_answer(world: World) -> None:
    """STOP on a long code: the carrier acts, answers, and we do not."""
    text = await try_text(await world.desk(), " stop ")
    assert "Twilio sees An opt-out keyword. Twilio acts on it by itself." in text
    assert "Rule twilio/long_code/2025-05-14:STOP" in text
    assert "Twilio You have successfully been unsubscribed." in text
    assert "Acme: you are opted out" not in text


async def test_yes_means_what_the_kind_of_number_makes_of_it(world: World) -> None:
    """On a long code it brings back; on a toll-free number only where we alone know."""
    desk = await world.desk()
    long = await try_text(desk, "YES")
    assert "Opted out by STOP Opt-in Then: Subscribed Twilio" in long
    toll_free = await try_text(desk, "YES", f"sender:{TOLL_FREE.number}")
    assert "Opted out by STOP Ordinary text Then: Opted out as before Nobody" in toll_free
    assert "Opted out in plain words Opt-in Then: Subscribed You" in toll_free


async def test_help_is_not_answered_while_opted_out(world: World) -> None:
    """The carrier answers HELP, but nobody who opted out."""
    text = await try_text(await world.desk(), "HELP")
    assert "Subscribed Request for help Then: Subscribed as before Twilio Reply STOP" in text
    assert "Opted out by STOP Request for help Then: Opted out as before Nobody" in text


async def test_on_a_short_code_everything_is_ours(world: World) -> None:
    """No carrier acts, so there is no opt-out that we alone would know of."""
    text = await try_text(await world.desk(), "START", f"sender:{SHORT_CODE.number}")
    assert "On short codes it may leave everything to you." in text
    assert "Opted out by STOP Opt-in Then: Subscribed You" in text
    assert "in plain words" not in text.partition("If the person is")[2]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("no", "Unclear. Where no conversation runs, it waits to be reviewed."),
        ("no", "To be reviewed Then: Held for review"),
        ("wrong number", "The number is not theirs: the whole brand lets it alone."),
        ("stop by the shop tomorrow", "No opt-out: an ordinary text."),
        ("take me off your list", "A phrase in plain words."),
    ],
)
async def test_each_meaning_is_told(world: World, text: str, said: str) -> None:
    """Unclear, wrong number, ordinary, and plain words."""
    assert said in await try_text(await world.desk(), text)


@pytest.mark.parametrize("profile", TABLE.profiles, ids=lambda p: f"{p.carrier}-{p.since}")
async def test_every_carrier_and_kind_can_be_tried(world: World, profile: Profile) -> None:
    """Without a sender too; where it answers in words that are not known, that is said."""
    desk = await world.desk()
    for kind in profile.kinds:
        text = await try_text(desk, "STOP", f"kind:{profile.carrier}/{kind}")
        assert "Subscribed Opt-out Then: Opted out" in text
        [row] = [row for row in profile.rows if "STOP" in row.texts] or [None]
        is_unknown = row is not None and row.answer is None
        assert ("In words that are set there." in text) is is_unknown


async def test_without_a_script_it_is_a_page(world: World) -> None:
    """The form and every example lead to a page that keeps what was typed."""
    desk = await world.desk()
    page = await desk.open(f"/keywords?text={quote('<b>stop</b>')}&as=kind:twilio/toll_free")
    assert page.value("text") == "<b>stop</b>"
    assert page.value("as") == "kind:twilio/toll_free"
    assert "The law hears" in page.text
    examples = [link for link in page.links if "text=" in link]
    assert len(examples) == len(EXAMPLES)
    assert "as=kind%3Atwilio/toll_free" in examples[0]
    assert "The law hears" in read_page(await desk.browser.get(examples[0])).text


@pytest.mark.parametrize("text", ["", "   ", "\x00", "x" * 5000, "\ud83d\ude00", "שלום STOP"])
async def test_any_text_can_be_tried(world: World, text: str) -> None:
    """Nothing, too much, emoji and right-to-left letters break nothing."""
    await try_text(await world.desk(), text.encode("utf-16", "surrogatepass").decode("utf-16"))


async def test_nothing_is_stored(world: World) -> None:
    """Trying a text leaves no trace."""
    before = len(await world.console.audit())
    desk = await world.desk()
    signed_in = len(await world.console.audit())
    await try_text(desk, "STOP")
    assert len(await world.console.audit()) == signed_in > before


async def test_the_tables_say_from_when_and_where_they_count(world: World) -> None:
    """The rules of before stand last, and say since when they are gone; some are the network's."""
    text = (await (await world.desk(COMPLIANCE)).open("/keywords")).text
    assert "From 2025-05-14." in text
    assert "No longer in force since 2025-05-14." in text
    assert text.index("No longer in force") > text.index("Plivo, long code")
    assert "A text that begins with the word." in text
    rows = [row for profile in TABLE.profiles for row in profile.rows]
    at_the_network = [row for row in rows if BlockLayer.NETWORK in row.layers]
    assert text.count("at the phone network") == len(at_the_network) > 2
    assert "Consentry does." in text


async def test_who_may_look(world: World) -> None:
    """Who may read settings; each only with the senders of their brands."""
    assert (await (await world.desk(COMPLIANCE)).open("/keywords")).status == 200
    for email in (AGENT, NO_ACCESS):
        assert (await (await world.desk(email)).open("/keywords")).status == 403
    held = await (await world.desk(ACME_ADMIN)).open(f"/keywords?as=sender:{FOREIGN.number}")
    assert "+1 202 555 0199" not in held.text
    assert held.value("as") == f"sender:{LONG_CODE.number}"
