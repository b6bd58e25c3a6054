"""Creating a message through the door: Twilio's checks and codes, and the gate's."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlencode

import pytest
from door_world import (
    ELSEWHERE,
    LONG_CODE,
    MEMBERS,
    MESSAGES,
    PERSON,
    SERVICE,
    SHORT_CODE,
    STRANGER,
    World,
    behind,
    build_world,
)

from consentry.actions.administer import SaveSender
from consentry.actions.record_audit import SYSTEM
from consentry.actions.record_consent import Statement, SuppressRecipient
from consentry.clock import SystemClock
from consentry.domain.directory import Purpose, Sender
from consentry.domain.entries import EntryKind
from consentry.domain.gate import Decision, Verdict
from consentry.domain.messages import Callback, MessageStatus
from consentry.domain.reading import SenderKind
from consentry.domain.reasons import REASONS, Reason
from consentry.ports import DeferredAnswer, RefusedAnswer
from consentry.twilio_door.app import TwilioDoor
from consentry.twilio_door.sending import goes_on, refuse_decision

pytestmark = pytest.mark.integration

FIELDS = {
    "sid", "account_sid", "api_version", "body", "date_created", "date_sent", "date_updated",
    "direction", "error_code", "error_message", "from", "messaging_service_sid", "num_media",
    "num_segments", "price", "price_unit", "status", "subresource_uris", "to", "uri",
}  # fmt: skip


async def test_a_text_is_queued_and_kept(world: World) -> None:
    """It has Twilio's fields and no other, waits in the outbox, and delivery is woken."""
    await world.text("Hello")
    reply = await world.create(StatusCallback="https://shop.example/status#rc=2")
    assert reply.status == 201
    assert set(reply.json) == FIELDS
    assert reply.json["date_created"].endswith(" +0000")
    newest = (await world.messages())[0]
    assert (newest.status, newest.body) == (MessageStatus.QUEUED, "Hello")
    assert newest.callback == Callback(
        "https://shop.example/status#rc=2", reply.json["account_sid"]
    )
    assert world.delivery.woken == 1
    assert world.counting.requests == [("/2010-04-01/Accounts/{account}/Messages.json", 201)]


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"To": ""}, 21604),
        ({"From": ""}, 21603),
        ({"Body": ""}, 21602),
        ({"Body": " \n"}, 21602),
        ({"Body": "x" * 1601}, 21617),
        ({"To": "+1555"}, 21211),
        ({"To": "whatsapp:+14155550142"}, 21211),
        ({"From": "+12025550999"}, 21606),
        ({"From": "!"}, 21212),
        ({"From": ELSEWHERE}, 21606),
        ({"From": "", "MessagingServiceSid": "MG1"}, 21701),
        ({"MessagingServiceSid": SERVICE}, 21606),
        ({"MediaUrl": "file:///etc/passwd"}, 21620),
        ({"MediaUrl": "https://a/\u00e9"}, 21620),
        ({"MediaUrl": "https://a/" + "x" * 2048}, 21620),
        ({"StatusCallback": "nowhere"}, 21609),
        ({"StatusCallback": "https://a:99999/"}, 21609),
        ({"ValidityPeriod": "0"}, 21624),
        ({"ValidityPeriod": "36001"}, 21624),
        ({"ValidityPeriod": "1e3"}, 21624),
        ({"ScheduleType": "fixed", "SendAt": "2030-01-01T00:00:00Z"}, 35118),
        ({"ContentSid": "HX1"}, 20001),
        ({"ConsentryPurpose": "fun"}, 20001),
        ({"Body": "a\0b"}, 20001),
        ({"ConsentryProgram": "x" * 201}, 20001),
        ({"StatusCallback": "https://a.example/" + "x" * 2048}, 21609),
    ],
)
async def test_what_is_wrong_has_twilios_code(
    world: World, changes: dict[str, str], code: int
) -> None:
    """Each mistake is a 400 with its code, and nothing is written."""
    await world.text("Hello")
    before = await world.entries()
    assert (await world.create(**changes)).refusal == (400, code)
    assert await world.entries() == before


async def test_up_to_ten_pictures(world: World) -> None:
    """Pictures make it an MM; eleven are too many."""
    await world.text("Hello")
    pairs = [("To", PERSON), ("From", LONG_CODE)]
    pictures = [("MediaUrl", f"https://a.example/{number}") for number in range(11)]
    reply = await world.call("POST", MESSAGES, pairs + pictures[:10])
    assert reply.status == 201
    assert (reply.json["num_media"], reply.json["sid"][:2]) == ("10", "MM")
    assert (await world.call("POST", MESSAGES, pairs + pictures)).refusal == (400, 21623)
    shown = await world.call("GET", MESSAGES.replace(".json", f"/{reply.json['sid']}.json"))
    assert shown.json["num_media"] == "10"


async def test_unknown_parameters_pass(world: World) -> None:
    """Parameters that decide nothing here are taken, whatever they are."""
    await world.text("Hello")
    more = {"SmartEncoded": "true", "MaxPrice": "0.5", "Attempt": "1", "Tomorrow": "x"}
    assert (await world.create(**more)).status == 201


async def test_numbers_as_people_write_them(world: World) -> None:
    """Spaces, brackets and a missing country code are read as everywhere else."""
    await world.text("Hello")
    reply = await world.create(To="(415) 555-0142", From="202-555-0101")
    assert (reply.json["to"], reply.json["from"]) == (PERSON, LONG_CODE)


async def test_a_refusal_is_recorded(world: World) -> None:
    """An opt-out is 21610 with Twilio's sentence; the attempt is in the ledger with its text."""
    await world.text("Hello")
    await world.text("Please stop texting me")
    reply = await world.create(Body="One more thing")
    assert reply.refusal == (400, 21610)
    assert reply.json["message"] == "Attempt to send to unsubscribed recipient"
    # What was posted before it is written by now.
    await world.text("Hello again")
    refused = [e for e in await world.entries() if e.kind is EntryKind.SEND_REFUSED]
    assert [(e.text, e.reason) for e in refused] == [("One more thing", "opted_out")]


async def test_a_purpose_must_be_named_or_follow_from_the_conversation(world: World) -> None:
    """Nobody who never wrote is texted; a named purpose is asked for its own consent."""
    reply = await world.create(To=STRANGER)
    assert reply.refusal == (400, 30007)
    assert "There is no consent" in reply.json["message"]
    await world.text("Hello")
    assert (await world.create()).status == 201
    for named in (
        {"ConsentryPurpose": "informational"},
        {"ConsentryProgram": "news"},
        {"MessageIntent": "notifications"},
        {"MessageIntent": "Marketing"},
    ):
        assert (await world.create(**named)).refusal == (400, 30007)
    assert (await world.create(MessageIntent="customercare")).status == 201
    form = {"To": PERSON, "From": LONG_CODE, "Body": "Hello"}
    for header in ({"X-Consentry-Purpose": "marketing"}, {"X-Consentry-Program": "news"}):
        reply = await world.call("POST", MESSAGES, form, headers=header)
        assert reply.refusal == (400, 30007)
    newest = (await world.messages())[0]
    assert newest.purpose is Purpose.CONVERSATIONAL


async def test_a_service_sends_from_the_number_in_conversation(world: World) -> None:
    """The first of its numbers, that which the person wrote to last, or the one named."""
    by_service = {"From": "", "MessagingServiceSid": SERVICE}
    assert (await world.create(**by_service)).refusal == (400, 30007)
    await world.text("Hello", sender=MEMBERS[1])
    reply = await world.create(**by_service)
    assert (reply.json["status"], reply.json["from"]) == ("accepted", None)
    assert reply.json["num_segments"] == "0"
    newest = (await world.messages())[0]
    assert (newest.sender, newest.service) == (MEMBERS[1], SERVICE)
    await world.text("Hello again", sender=MEMBERS[0])
    named = await world.create(**by_service | {"From": MEMBERS[1]})
    assert (named.json["from"], named.json["num_segments"]) == (MEMBERS[1], "1")
    await world.create(**by_service)
    assert (await world.messages())[0].sender == MEMBERS[0]


async def test_a_service_without_a_number(world: World) -> None:
    """Where every number of a service is switched off, there is none to send from."""
    for number in MEMBERS:
        await world.store.submit(
            SaveSender(
                Sender(
                    number, SenderKind.LONG_CODE, "acme", "main",
                    messaging_service_sid=SERVICE, enabled=False,
                )
            )
        )  # fmt: skip
    reply = await world.create(From="", MessagingServiceSid=SERVICE)
    assert reply.refusal == (400, 21703)


async def test_a_scheduled_text(world: World) -> None:
    """It waits for its time, at least five minutes and at most 35 days, then for its validity."""
    await world.text("Hello", sender=MEMBERS[0])
    now = world.services.clock.now()
    form = {"From": "", "MessagingServiceSid": SERVICE, "ScheduleType": "fixed"}
    for delta in (timedelta(minutes=4), timedelta(days=36)):
        reply = await world.create(**form, SendAt=(now + delta).isoformat())
        assert reply.refusal == (400, 35115)
    at = now + timedelta(hours=2)
    reply = await world.create(**form, SendAt=at.isoformat(), ValidityPeriod="60")
    assert reply.json["status"] == "scheduled"
    sid = reply.json["sid"]
    path = MESSAGES.replace(".json", f"/{sid}.json")
    assert (await world.call("GET", path)).json["status"] == "scheduled"
    assert (await world.call("POST", path, {"Status": "canceled"})).json["status"] == "canceled"


async def test_a_retry_gets_the_first_answer_again(world: World) -> None:
    """The same key and request send once and say so; another request needs another key."""
    await world.text("Hello")
    form = {"To": PERSON, "From": LONG_CODE, "Body": "Once"}
    for name in ("Idempotency-Key", "I-Twilio-Idempotency-Token"):
        headers = {name: f"{name}-1"}
        first = await world.call("POST", MESSAGES, form, headers=headers)
        again = await world.call("POST", MESSAGES, dict(reversed(form.items())), headers=headers)
        assert (first.status, again.status) == (201, 201)
        assert first.json == again.json
        assert "idempotent-replayed" not in first.headers
        assert again.headers["idempotent-replayed"] == "true"
        other = await world.call("POST", MESSAGES, form | {"Body": "Two"}, headers=headers)
        assert other.refusal == (400, 20001)
    sent = [m for m in await world.messages() if m.body == "Once"]
    assert len(sent) == 2
    for bad in ("", "x" * 256, "caf\u00e9"):
        reply = await world.call("POST", MESSAGES, form, headers={"Idempotency-Key": bad})
        assert reply.refusal == (400, 20001)


@dataclass
class LaterClock(SystemClock):
    """A clock that is put on."""

    later: timedelta = timedelta()

    def now(self) -> datetime:
        return super().now() + self.later


async def test_a_retry_that_comes_too_late_to_schedule_is_no_new_request(world: World) -> None:
    """Its text was taken, and leaves: the retry says so, or the program would send it again."""
    await world.text("Hello", sender=MEMBERS[1])
    clock = LaterClock()
    world.door = TwilioDoor(replace(world.services, clock=clock), behind)
    at = clock.now() + timedelta(minutes=5, seconds=30)
    form = {"To": PERSON, "MessagingServiceSid": SERVICE, "Body": "Once"}
    form |= {"ScheduleType": "fixed", "SendAt": at.isoformat()}
    key = {"Idempotency-Key": "late"}
    first = await world.call("POST", MESSAGES, form, headers=key)
    clock.later = timedelta(minutes=1)
    again = await world.call("POST", MESSAGES, form, headers=key)
    assert (first.status, again.status) == (201, 201)
    assert again.json == first.json
    assert again.headers["idempotent-replayed"] == "true"
    assert len([m for m in await world.messages() if m.body == "Once"]) == 1
    new = await world.call("POST", MESSAGES, form, headers={"Idempotency-Key": "new"})
    assert new.refusal == (400, 35115)
    assert (await world.call("POST", MESSAGES, form)).refusal == (400, 35115)
    other = await world.call("POST", MESSAGES, form | {"Body": "Two"}, headers=key)
    assert other.refusal == (400, 20001)


async def test_a_retry_through_a_service_without_numbers_by_now(world: World) -> None:
    """What was refused under its key stays refused as it was, whatever became of the numbers."""
    form = {"To": PERSON, "MessagingServiceSid": SERVICE, "Body": "Once"}
    key = {"Idempotency-Key": "refused"}
    first = await world.call("POST", MESSAGES, form, headers=key)
    for number in MEMBERS:
        off = Sender(
            number, SenderKind.LONG_CODE, "acme", "main",
            messaging_service_sid=SERVICE, enabled=False,
        )  # fmt: skip
        await world.store.submit(SaveSender(off))
    again = await world.call("POST", MESSAGES, form, headers=key)
    assert first.refusal == again.refusal == (400, 30007)


async def test_a_retry_of_a_refused_text_is_refused_again(world: World) -> None:
    """What was refused stays refused under its key, also when the person has come back."""
    await world.text("Hello")
    await world.text("STOP")
    form = urlencode({"To": PERSON, "From": LONG_CODE, "Body": "Hi"}).encode()
    for replayed in (None, "true"):
        reply = await world.call("POST", MESSAGES, raw=form, headers={"Idempotency-Key": "k"})
        assert reply.refusal == (400, 21610)
        assert reply.headers.get("idempotent-replayed") == replayed
        await world.text("START")


async def test_a_refusal_by_callback(tmp_path: Path) -> None:
    """Where it is set so, a service's text is accepted and then failed; a number's is refused."""
    world = await build_world(tmp_path, refused=RefusedAnswer.BY_CALLBACK)
    await world.text("Hello", sender=MEMBERS[0])
    await world.text("STOP", sender=MEMBERS[0])
    reply = await world.create(From="", MessagingServiceSid=SERVICE)
    assert (reply.status, reply.json["status"]) == (201, "accepted")
    path = MESSAGES.replace(".json", f"/{reply.json['sid']}.json")
    shown = (await world.call("GET", path)).json
    assert (shown["status"], shown["error_code"]) == ("failed", 21610)
    await world.text("Hello")
    await world.text("STOP")
    assert (await world.create()).refusal == (400, 21610)
    await world.store.close()


async def test_a_short_code_and_a_suppressed_person(world: World) -> None:
    """A short code is named as it is; a person on the do-not-text list is 21610 too."""
    await world.text("Hello", sender=SHORT_CODE)
    assert (await world.create(From=SHORT_CODE)).json["from"] == SHORT_CODE
    await world.store.submit(SuppressRecipient(Statement(PERSON, SYSTEM, "asked by mail"), "acme"))
    assert (await world.create(From=SHORT_CODE)).refusal == (400, 21610)


def decision(reason: Reason, verdict: Verdict) -> Decision:
    """A decision of the gate for this reason."""
    return Decision(
        decision=verdict,
        reason=reason,
        detail=REASONS[reason].detail,
        policy_version="1",
        as_of=datetime(2026, 5, 1, tzinfo=UTC),
    )


@pytest.mark.parametrize("reason", list(Reason))
def test_every_reason_has_twilios_body(reason: Reason) -> None:
    """Each no of the gate is one of Twilio's codes, and says what to do where Twilio does not."""
    error = refuse_decision(decision(reason, Verdict.DENY)).error
    assert (error.code, error.status) == (REASONS[reason].twilio_code, 400)
    if error.code == 30007:
        assert REASONS[reason].detail in error.message


def test_outside_the_hours_a_text_waits_or_is_refused() -> None:
    """A text that the gate defers goes on to wait, or is 30610, as it is set; a no stays a no."""
    deferred = decision(Reason.QUIET_HOURS, Verdict.DEFER)
    assert goes_on(deferred, DeferredAnswer.SCHEDULE)
    assert not goes_on(deferred, DeferredAnswer.REFUSE)
    assert refuse_decision(deferred).error.code == 30610
    for answer in DeferredAnswer:
        assert not goes_on(decision(Reason.OPTED_OUT, Verdict.DENY), answer)
