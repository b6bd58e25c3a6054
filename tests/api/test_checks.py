"""POST /v1/check and /v1/checks: the gate answers every well-formed question."""

import pytest
from api_world import LONG_CODE, NOW, OTHER_PERSON, PERSON, TOLL_FREE, World

from consentry.domain.reasons import OPTED_OUT_SENTENCE

pytestmark = pytest.mark.integration

FIELDS = {"decision", "reason", "detail", "rules", "policy_version", "as_of"}


def question(**changes: object) -> dict[str, object]:
    return {"sender": LONG_CODE, "recipient": PERSON, **changes}


async def test_allowed_after_the_person_wrote(world: World) -> None:
    """A person who texted is allowed, with a null reason and the consent it rests on."""
    await world.text("Hello")
    reply = await world.call("POST", "/v1/check", question())
    assert reply.status == 200
    assert reply.json.keys() == FIELDS | {"consent"}
    assert reply.json["decision"] == "allow"
    assert reply.json["reason"] is None
    assert reply.json["consent"]["state"] == "active"
    assert reply.json["as_of"] == "2026-05-01T12:00:00Z"


async def test_denied_after_stop_with_the_exact_sentence(world: World) -> None:
    """After STOP the answer is deny, with the specification's sentence and the block."""
    await world.text("STOP")
    reply = await world.call("POST", "/v1/check", question())
    assert reply.json.keys() == FIELDS | {"block"}
    assert (reply.json["decision"], reply.json["reason"]) == ("deny", "opted_out")
    assert reply.json["detail"] == OPTED_OUT_SENTENCE
    assert reply.json["block"]["state"] == "blocked"


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({}, "no_consent"),
        ({"recipient": "no phone"}, "invalid_number"),
        ({"recipient": ""}, "invalid_number"),
        ({"sender": "+12025550999"}, "unknown_sender"),
        ({"sender": "🦆"}, "unknown_sender"),
        ({"purpose": "marketing"}, "no_consent"),
        ({"program": "prg_missing"}, "no_consent"),
    ],
)
async def test_every_well_formed_question_has_an_answer(
    world: World, changes: dict[str, object], reason: str
) -> None:
    """Unknown senders, recipients and programs are answered with 200 and a reason."""
    reply = await world.call("POST", "/v1/check", question(**changes))
    assert (reply.status, reply.json["decision"], reply.json["reason"]) == (200, "deny", reason)


async def test_numbers_may_be_written_as_people_write_them(world: World) -> None:
    """Recipient and sender are normalized with the default region."""
    await world.text("Hello")
    asked = question(sender="(202) 555-0101", recipient="415 555 0142")
    reply = await world.call("POST", "/v1/check", asked)
    assert reply.json["decision"] == "allow"


async def test_at_replays_the_ledger(world: World) -> None:
    """`at` gives the answer of that time: before the text, between, and after the STOP."""
    world.clock.advance(60)
    await world.text("Hello")
    world.clock.advance(60)
    await world.text("STOP")
    times = {"12:00:30": "no_consent", "12:01:30": None, "12:02:30": "opted_out"}
    for time, reason in times.items():
        at = f"2026-05-01T{time}+00:00"
        reply = await world.call("POST", "/v1/check", question(at=at))
        assert reply.json["reason"] == reason
        assert reply.json["as_of"] == f"2026-05-01T{time}Z"


@pytest.mark.parametrize("at", ["9999-12-31T23:59:59-05:00", "0001-01-01T00:00:00+05:00"])
async def test_the_ends_of_the_calendar(world: World, at: str) -> None:
    """A time that does not exist in UTC is a problem, in each of its doors."""
    reply = await world.call("POST", "/v1/check", question(at=at))
    assert (reply.status, reply.json["code"]) == (422, "invalid_time")
    many = {"sender": LONG_CODE, "recipients": [PERSON], "at": at}
    reply = await world.call("POST", "/v1/checks", many)
    assert (reply.status, reply.json["code"]) == (422, "invalid_time")


async def test_many_are_answered_in_the_same_order(world: World) -> None:
    """/v1/checks answers each recipient as /v1/check would, in the order asked."""
    await world.text("Hello")
    await world.text("STOP", recipient=OTHER_PERSON)
    asked = [OTHER_PERSON, PERSON, "nonsense", PERSON]
    reply = await world.call("POST", "/v1/checks", {"sender": LONG_CODE, "recipients": asked})
    items = reply.json["items"]
    assert reply.json["next"] is None
    assert [item.pop("recipient") for item in items] == asked
    for recipient, item in zip(asked, items, strict=True):
        alone = await world.call("POST", "/v1/check", question(recipient=recipient))
        assert item == alone.json


async def test_many_at_a_past_time(world: World) -> None:
    """/v1/checks takes `at` as /v1/check does."""
    await world.text("Hello")
    asked = {"sender": LONG_CODE, "recipients": [PERSON], "at": "2020-01-01T00:00:00Z"}
    reply = await world.call("POST", "/v1/checks", asked)
    assert reply.json["items"][0]["reason"] == "no_consent"


async def test_ten_thousand_and_not_one_more(world: World) -> None:
    """10,000 recipients are answered, 10,001 are refused."""
    recipients = [f"+1415555{number:04}" for number in range(10_000)]
    asked: dict[str, object] = {"sender": TOLL_FREE, "recipients": recipients}
    reply = await world.call("POST", "/v1/checks", asked)
    assert len(reply.json["items"]) == 10_000
    reply = await world.call("POST", "/v1/checks", {**asked, "recipients": [*recipients, PERSON]})
    assert (reply.status, reply.json["code"]) == (422, "invalid_body")


async def test_the_question_is_not_written_down(world: World) -> None:
    """Asking changes nothing: no ledger entry is made."""
    await world.call("POST", "/v1/check", question())
    reply = await world.call("GET", f"/v1/recipients/{PERSON}/entries")
    assert reply.json == {"items": [], "next": None}
    assert world.clock.now() == NOW
