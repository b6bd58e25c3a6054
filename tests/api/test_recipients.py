"""GET /v1/recipients/{phone}: how a number stands, and its history."""

import pytest
from api_world import LONG_CODE, PERSON, TOLL_FREE, World

from consentry.actions.record_rules import record_rules

pytestmark = pytest.mark.integration


async def standing(world: World, phone: str = PERSON) -> dict[str, object]:
    reply = await world.call("GET", f"/v1/recipients/{phone}", key="read")
    assert reply.status == 200
    shown = reply.json
    shown["senders"] = {sender["sender"]: sender for sender in shown["senders"]}
    return dict(shown)


async def test_a_number_never_seen(world: World) -> None:
    """A number never seen has an empty standing, and no sender asked it."""
    shown = await standing(world)
    assert shown["phone"] == PERSON
    assert shown["region"] == "US"
    assert shown["sms_preference"] == "off"
    assert {s["state"] for s in shown["senders"].values()} == {"not_asked"}
    assert shown["entries"] == shown["consents"] == shown["suppressions"] == []
    assert shown["customers"] == []


async def test_the_story_of_one_person(world: World) -> None:
    """Hello opts in, STOP turns red with what the person must do, START brings all back."""
    await world.text("Hello")
    shown = await standing(world)
    pair = shown["senders"][LONG_CODE]
    assert (shown["sms_preference"], pair["state"]) == ("on", "opted_in")
    assert pair["consent"]["level"] == "implied"
    assert pair["instruction"] is None
    assert len(shown["customers"]) == 1
    await world.text("STOP")
    shown = await standing(world)
    pair = shown["senders"][LONG_CODE]
    assert (shown["sms_preference"], pair["state"]) == ("forbidden", "opted_out")
    assert [block["cause"] for block in pair["blocks"]] == ["keyword"]
    assert f"must text START to {LONG_CODE}" in pair["instruction"]
    (stop,) = [entry for entry in shown["entries"] if entry["kind"] == "opted_out"]
    assert stop["text"] == "STOP"
    await world.text("START")
    shown = await standing(world)
    assert (shown["sms_preference"], shown["senders"][LONG_CODE]["state"]) == ("on", "opted_in")


async def test_toll_free_asks_for_start_or_unstop(world: World) -> None:
    """For a toll-free number the instruction never says YES, and both blocks are shown."""
    await world.text("STOP", sender=TOLL_FREE)
    pair = (await standing(world))["senders"][TOLL_FREE]
    assert {block["layer"] for block in pair["blocks"]} == {"network", "provider"}
    assert "START or UNSTOP" in pair["instruction"]
    assert "YES" not in pair["instruction"]


@pytest.mark.parametrize("written", ["%2B14155550142", "+14155550142", "(415)%20555-0142"])
async def test_the_number_may_be_written_as_people_do(world: World, written: str) -> None:
    """A number in the path is read encoded or not, and with the default region."""
    reply = await world.call(
        "GET", f"/v1/recipients/{written.replace('%2B', '+').replace('%20', ' ')}"
    )
    assert reply.json["phone"] == PERSON


@pytest.mark.parametrize("path", ["", "/entries"])
@pytest.mark.parametrize("phone", ["nobody", "12", "\x00", "+" + "9" * 100, "🦆"])
async def test_what_is_no_number(world: World, phone: str, path: str) -> None:
    """A path that is no phone number is 400 and says what to do."""
    reply = await world.call("GET", f"/v1/recipients/{phone}{path}")
    assert (reply.status, reply.json["code"]) == (400, "invalid_number")


async def test_entries_page_by_page(world: World) -> None:
    """Entries go newest first, page by page, and `at` shows those recorded until then."""
    texts = ["Hello", "STOP", "START", "Thanks", "stop"]
    for text in texts:
        world.clock.advance(60)
        await world.text(text)
    path = f"/v1/recipients/{PERSON}/entries?limit=2"
    seen: list[str] = []
    cursor = ""
    while True:
        page = (await world.call("GET", path + cursor, key="read")).json
        seen += [e["text"] for e in page["items"] if "text" in e]
        if page["next"] is None:
            break
        cursor = f"&cursor={page['next']}"
    assert seen == texts[::-1]
    until = await world.call("GET", f"{path.partition('?')[0]}?at=2026-05-01T12:02:30Z")
    assert [e["text"] for e in until.json["items"] if "text" in e] == ["STOP", "Hello"]


@pytest.mark.parametrize("at", ["yesterday", "2026-05-01", "2026-05-01T12:00:00", "0", ""])
async def test_a_time_that_is_none(world: World, at: str) -> None:
    """`at` must be a time with its zone."""
    reply = await world.call("GET", f"/v1/recipients/{PERSON}/entries?at={at}")
    assert (reply.status, reply.json["code"]) == (422, "invalid_time")


async def test_decisions_are_decided_again(world: World) -> None:
    """Newest first, a page at a time, each with what comes out of the ledger now."""
    await record_rules(world.store)
    await world.text("Hello")
    await world.text("STOP")
    body = {"sender": LONG_CODE, "recipient": PERSON, "body": "And now?"}
    assert (await world.call("POST", "/v1/messages", body, key="send")).status == 403
    # A refused attempt is written down without waiting: the next command comes after it.
    await world.text("Hello?")
    path = f"/v1/recipients/{PERSON}/decisions"
    first = (await world.call("GET", f"{path}?limit=1", key="read")).json
    (refused,) = first["items"]
    assert (refused["kind"], refused["same"]) == ("send_refused", True)
    assert refused["decided"]["reason"] == refused["again"]["reason"] == "opted_out"
    assert refused["by_recorded_rules"] is True
    rest = (await world.call("GET", f"{path}?cursor={first['next']}", key="read")).json
    assert [item["same"] for item in rest["items"]] == [True] * len(rest["items"])
    assert rest["items"]
    assert rest["next"] is None
    check = {"sender": LONG_CODE, "recipient": PERSON, "at": "2020-01-01T00:00:00Z"}
    past = (await world.call("POST", "/v1/check", check, key="check")).json
    assert (past["decision"], past["by_recorded_rules"]) == ("deny", False)
    many = {"sender": LONG_CODE, "recipients": [PERSON, "+14155550199"], "at": check["at"]}
    each = (await world.call("POST", "/v1/checks", many, key="check")).json["items"]
    assert [one["by_recorded_rules"] for one in each] == [False, False]
