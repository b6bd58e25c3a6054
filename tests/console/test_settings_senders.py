"""Settings, senders: what to paste at the carrier, who answers which word, and how they change."""

from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest
from accounts import ADMIN, FOREIGN, LONG_CODE
from settings_world import (
    ACME_ADMIN,
    AGENT,
    COMPLIANCE,
    NAME,
    SECOND_ADMIN,
    SHORT_CODE,
    TOLL_FREE,
    World,
    open_world,
)

from consentry.actions.administer import SaveSender
from consentry.domain.directory import Sender

pytestmark = pytest.mark.integration

LONG = f"/senders/{LONG_CODE.number}"
NEW = {
    "number": "(202) 555-0177",
    "kind": "long_code",
    "brand": "acme",
    "carrier": "fake",
    "messaging_service_sid": "MG1",
    "messages_per_second": "2.5",
    "inbound_url": "http://127.0.0.1:5000/sms#rc=1",
    "inbound_account": "AC1",
}


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    """A company with a sender of every kind."""
    async with open_world(tmp_path) as made:
        yield made


async def stored(world: World, number: str = LONG_CODE.number) -> Sender:
    return (await world.console.store.read_directory()).senders[number]


async def test_all_senders_are_listed_with_their_state(world: World) -> None:
    """Number, kind, brand, account, and whether it is on; a missing account is marked."""
    off = msgspec.structs.replace(TOLL_FREE, enabled=False, carrier="gone")
    await world.console.store.submit(SaveSender(off))
    shown = await (await world.desk()).open("/senders")
    for said in ("+1 202 555 0101", "Long code", "Toll-free", "55555", "Acme Shop", "Off"):
        assert said in shown.text
    assert "gone not set up" in shown.text
    assert "/console/settings/senders/Acme%20Shop" in shown.links


async def test_a_sender_is_added_as_it_is_written(world: World) -> None:
    """The number is read as people write it here; its page follows and says what was saved."""
    desk = await world.desk()
    after = await desk.follow(await desk.change("/new-sender", **NEW))
    assert "Saved. Sender +12025550177 added" in after.text
    made = await stored(world, "+12025550177")
    assert (made.messaging_service_sid, made.messages_per_second) == ("MG1", 2.5)
    assert (made.inbound_url, made.inbound_account) == (NEW["inbound_url"], "AC1")
    assert (await world.told())[0].startswith("sender +12025550177 added")


@pytest.mark.parametrize(
    ("changed", "wrong"),
    [
        ({"number": ""}, {"number"}),
        ({"number": "12"}, {"number"}),
        ({"kind": ""}, {"kind"}),
        ({"kind": "short_code", "number": "12345678901"}, {"number"}),
        ({"number": LONG_CODE.number}, {"number"}),
        ({"brand": "nobody", "carrier": "nothing"}, {"brand", "carrier"}),
        ({"messages_per_second": "nan"}, {"messages_per_second"}),
        ({"inbound_url": "127.0.0.1/sms"}, {"inbound_url"}),
        ({"messages_per_second": "many", "messaging_service_sid": "M G"},
         {"messages_per_second", "messaging_service_sid"}),
    ],
)  # fmt: skip
async def test_wrong_input_loses_nothing(
    world: World, changed: dict[str, str], wrong: set[str]
) -> None:
    """Every wrong field is told where it is; what was typed stays; nothing is saved."""
    before = (await world.console.store.read_directory()).senders
    shown = await (await world.desk()).change("/new-sender", **{**NEW, **changed})
    assert shown.status == 422
    assert shown.invalid == wrong
    for name in ("number", "messaging_service_sid", "messages_per_second"):
        assert shown.value(name) == {**NEW, **changed}[name]
    assert (await world.console.store.read_directory()).senders == before


async def test_a_change_keeps_number_kind_and_replies(world: World) -> None:
    """The form changes what it shows and nothing else."""
    desk = await world.desk()
    after = await desk.follow(await desk.change(LONG, messages_per_second="3"))
    assert "messages_per_second 1.0 → 3.0" in after.text
    assert await stored(world) == msgspec.structs.replace(LONG_CODE, messages_per_second=3.0)


async def test_a_program_is_given_and_taken_away(world: World) -> None:
    """Its address stays in the form; an empty field takes it away."""
    desk = await world.desk()
    after = await desk.follow(await desk.change(LONG, inbound_url="https://shop.example/sms"))
    assert after.value("inbound_url") == "https://shop.example/sms"
    assert (await stored(world)).inbound_url == "https://shop.example/sms"
    await desk.change(LONG, inbound_url="")
    assert await stored(world) == LONG_CODE


async def test_switching_off_says_what_it_means(world: World) -> None:
    """Off and on again, each told; a reader of the page knows before."""
    desk = await world.desk()
    page = await desk.open(LONG)
    assert "Switched off, it sends nothing" in page.text
    after = await desk.follow(await desk.send(page, f"{LONG}/switch", {"to": "off"}))
    assert "enabled yes → no" in after.text
    assert "Off: nothing is sent from it" in after.text
    assert not (await stored(world)).enabled
    await desk.send(after, f"{LONG}/switch", {"to": "on"})
    assert (await stored(world)).enabled


async def test_a_stale_form_is_told(world: World) -> None:
    """What another admin saved meanwhile stands beside the field until it was seen."""
    first, second = await world.desk(), await world.desk(SECOND_ADMIN)
    mine = await first.open(LONG)
    await second.change(LONG, messages_per_second="7")
    told = await first.send(mine, LONG, {"messages_per_second": "9"})
    assert "Stored now: 7" in told.text
    assert (await stored(world)).messages_per_second == 7
    await first.send(told, LONG, {})
    assert (await stored(world)).messages_per_second == 9


async def test_without_a_public_address_the_page_says_how_to_set_it(world: World) -> None:
    """No address is offered for copying that no carrier could reach."""
    shown = await (await world.desk()).open(LONG)
    assert "CONSENTRY_PUBLIC_URL" in shown.text
    assert "https://YOUR-PUBLIC-HOST/carriers/fake/inbound#rc=5&rp=ct,rt,5xx" in shown.text
    assert shown.copies == []


async def test_the_address_is_copied_whole(tmp_path: Path) -> None:
    """With the retry fragment, and told where to paste it: at the number, or at its service."""
    async with open_world(tmp_path, public_url="http://sms.example.org") as world:
        desk = await world.desk()
        shown = await desk.open(LONG)
        address = "http://sms.example.org/carriers/fake/inbound#rc=5&rp=ct,rt,5xx"
        assert shown.copies == [address]
        assert "CONSENTRY_PUBLIC_URL" not in shown.text
        assert "A message comes in" in shown.text
        await desk.change(LONG, messaging_service_sid="MG77")
        assert "Messaging, Services, MG77, Integration" in (await desk.open(LONG)).text


async def test_who_answers_on_a_long_code(world: World) -> None:
    """Twilio answers and blocks; plain words are left to us; HELP changes nothing."""
    text = (await (await world.desk()).open(LONG)).text
    assert "STOP STOPALL UNSUBSCRIBE CANCEL END QUIT REVOKE OPTOUT Twilio, for this person" in text
    assert "You have successfully been unsubscribed." in text
    assert "START YES UNSTOP Twilio" in text
    assert "Nobody: it changes nothing." in text
    assert "Acme: you are opted out and will get no further messages." in text
    assert "opted in again" not in text


async def test_who_answers_on_a_toll_free_number(world: World) -> None:
    """STOP is the network's too, the other words are not; YES brings nobody back."""
    text = (await (await world.desk()).open(f"/senders/{TOLL_FREE.number}")).text
    assert "The phone network and Twilio, for this person and this number" in text
    assert 'NETWORK MSG: You replied with the word "stop"' in text
    assert "YES does not bring people back here" in text
    assert "Only where the opt-out was seen by Consentry alone." in text


async def test_who_answers_on_a_short_code(world: World) -> None:
    """Nobody but us: blocks and answers are ours, with our wording."""
    text = (await (await world.desk()).open(f"/senders/{SHORT_CODE.number}")).text
    assert "Twilio does nothing by itself here" in text
    assert "START UNSTOP YES Consentry, for this person and this number" in text
    assert "and it cannot be changed" not in text


async def test_a_name_cannot_be_texted(world: World) -> None:
    """There is no address to paste and nobody to answer."""
    shown = await (await world.desk()).open("/senders/Acme Shop")
    assert await stored(world, NAME.number) == NAME
    assert "Nobody can answer a name" in shown.text
    assert "At the carrier" not in shown.text


async def test_a_service_reaches_further(world: World) -> None:
    """In a service, the provider's block is the service's; a sibling without one is pointed out."""
    desk = await world.desk()
    await desk.change(LONG, messaging_service_sid="MG77")
    text = (await desk.open(LONG)).text
    assert "Twilio, for this person and the whole service MG77" in text
    assert "Advanced Opt-Out" in text
    other = (await desk.open(f"/senders/{TOLL_FREE.number}")).text
    assert "Other senders of this account are in a messaging service" in other


async def test_an_account_that_is_gone_is_a_warning_and_stays_chosen(world: World) -> None:
    """Saving something else does not move the sender to another account unawares."""
    gone = msgspec.structs.replace(LONG_CODE, carrier="gone")
    await world.console.store.submit(SaveSender(gone))
    desk = await world.desk()
    shown = await desk.open(LONG)
    assert "There is no carrier account gone" in shown.text
    assert shown.value("carrier") == "gone"
    await desk.change(LONG, messages_per_second="4")
    assert (await stored(world)).carrier == "gone"


async def test_who_may_look_and_who_may_change(world: World) -> None:
    """Compliance looks; an agent does not; an admin of one brand stays within it."""
    form = await (await world.desk(ADMIN)).open(LONG)
    looking = await world.desk(COMPLIANCE)
    shown = await looking.open(LONG)
    assert shown.disabled >= {"brand", "carrier", "messages_per_second"}
    assert "Switch off" not in shown.text
    for email in (COMPLIANCE, AGENT):
        desk = await world.desk(email)
        assert (await desk.send(form, LONG, {})).status == 403
        assert (await desk.send(form, f"{LONG}/switch", {"to": "off"})).status == 403
    assert (await (await world.desk(AGENT)).open("/senders")).status == 403
    desk = await world.desk(ACME_ADMIN)
    assert "+1 202 555 0199" not in (await desk.open("/senders")).text
    foreign = f"/senders/{FOREIGN.number}"
    assert (await desk.open(foreign)).status == 404
    assert (await desk.send(form, foreign, {})).status == 404
    assert (await desk.send(form, f"{foreign}/switch", {"to": "off"})).status == 404
    given_away = await desk.send(form, LONG, {"brand": "other"})
    assert given_away.invalid == {"brand"}
    assert await stored(world) == LONG_CODE
