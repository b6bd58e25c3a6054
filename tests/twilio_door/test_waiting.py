"""Marketing outside the hours through the Twilio-compatible door, in each of its two ways."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from door_world import LONG_CODE, MEMBERS, MESSAGES, PERSON, SERVICE, World, build_world

from action_world import Put
from consent_world import consent
from consentry.actions.administer import SaveProgram
from consentry.domain.directory import Program, Purpose
from consentry.domain.entries import EntryKind
from consentry.domain.messages import MessageStatus
from consentry.domain.standing import ConsentLevel, Place
from consentry.ports import DeferredAnswer, RefusedAnswer
from zones_now import zone_where_it_is

pytestmark = pytest.mark.integration

OFFER = {"ConsentryProgram": "promo", "Body": "Half off"}
BY_SERVICE = OFFER | {"From": "", "MessagingServiceSid": SERVICE}


async def build_night(folder: Path, **changes: object) -> World:
    """Build the door, with a person who agreed to offers and for whom it is night now."""
    world = await build_world(folder, **changes)
    await world.store.submit(SaveProgram(Program("promo", "acme", Purpose.MARKETING, "Deals")))
    written = consent("promo", level=ConsentLevel.EXPRESS_WRITTEN)
    await world.store.submit(Put(PERSON, (written, Place(zone=zone_where_it_is(2)))))
    return world


async def test_a_text_is_scheduled(tmp_path: Path) -> None:
    """201 and `scheduled`, as Twilio says of a text that waits; it can be taken back."""
    world = await build_night(tmp_path)
    reply = await world.create(**OFFER)
    assert (reply.status, reply.json["status"]) == (201, "scheduled")
    (kept, *_) = await world.messages()
    assert kept.status is MessageStatus.SCHEDULED
    (due,) = [at for number, at in await world.store.next_due() if number == LONG_CODE]
    assert due > datetime.now(UTC)
    path = MESSAGES.replace(".json", f"/{reply.json['sid']}.json")
    taken = await world.call("POST", path, {"Status": "canceled"})
    assert (taken.status, taken.json["status"]) == (200, "canceled")
    await world.store.close()


async def test_a_text_that_would_not_live_so_long_is_refused(tmp_path: Path) -> None:
    """`ValidityPeriod` ends before the hours open: 30610, that says why."""
    world = await build_night(tmp_path)
    reply = await world.create(**OFFER, ValidityPeriod="600")
    assert reply.refusal == (400, 30610)
    assert "time to live" in reply.json["message"]
    await world.store.close()


async def test_a_text_is_refused_where_the_operator_says_so(tmp_path: Path) -> None:
    """400 with 30610 and nothing waits, also with a key for retries; the attempt is kept."""
    world = await build_night(tmp_path, deferred=DeferredAnswer.REFUSE)
    form = {"To": PERSON, "From": LONG_CODE, **OFFER}
    for headers in ({}, {"Idempotency-Key": "k1"}, {"Idempotency-Key": "k1"}):
        reply = await world.call("POST", MESSAGES, form, headers=headers)
        assert reply.refusal == (400, 30610)
    assert await world.messages() == []
    newest = (await world.entries())[0]
    assert (newest.kind, newest.reason) == (EntryKind.SEND_REFUSED, "quiet_hours")
    await world.store.close()


async def test_a_services_text_fails_by_callback(tmp_path: Path) -> None:
    """Where refusals are told later, so is this one: accepted, then failed with 30610."""
    world = await build_night(
        tmp_path, deferred=DeferredAnswer.REFUSE, refused=RefusedAnswer.BY_CALLBACK
    )
    await world.text("Hello", sender=MEMBERS[0])
    reply = await world.create(**BY_SERVICE)
    assert (reply.status, reply.json["status"]) == (201, "accepted")
    path = MESSAGES.replace(".json", f"/{reply.json['sid']}.json")
    shown = (await world.call("GET", path)).json
    assert (shown["status"], shown["error_code"]) == ("failed", 30610)
    await world.store.close()
