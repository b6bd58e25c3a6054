"""One message at the door: whose it is, what may be changed, and what stays of it."""

import pytest
from door_world import (
    ACCOUNT,
    ELSEWHERE,
    LONG_CODE,
    MESSAGES,
    OTHER_ACCOUNT,
    PERSON,
    TOKEN,
    World,
)

from consentry.actions.deliver_job import ClaimJobs
from consentry.domain.entries import EntryKind

pytestmark = pytest.mark.integration


def path_of(sid: str, account: str = ACCOUNT) -> str:
    """The path of a message."""
    return f"/2010-04-01/Accounts/{account}/Messages/{sid}.json"


async def test_a_sid_that_is_not_ours_is_not_there(world: World) -> None:
    """Sids of another shape, of nothing, of the wrong kind and of another account are 20404."""
    await world.text("Hello")
    await world.text("Hello", sender=ELSEWHERE)
    sid = (await world.create()).json["sid"]
    elsewhere = await world.call(
        "GET", path_of("", OTHER_ACCOUNT).replace("/.json", ".json"), auth=(OTHER_ACCOUNT, TOKEN)
    )
    (foreign,) = [m["sid"] for m in elsewhere.json["messages"] if m["direction"] == "inbound"]
    for other in (
        "SM" + "0" * 32,
        "SM" + "f" * 32,
        sid.replace("SM", "MM"),
        sid.replace("SM", "sm"),
        sid.upper(),
        sid + "0",
        "x",
        "",
        "\u0663",
        foreign,
    ):
        for method in ("GET", "POST", "DELETE"):
            form = {"Status": "canceled"} if method == "POST" else None
            reply = await world.call(method, path_of(other), form)
            assert reply.refusal == (404, 20404), (method, other)
    assert (await world.call("GET", path_of(sid))).status == 200


@pytest.mark.parametrize(
    "form",
    [{}, {"Status": "sent"}, {"Body": "other words"}, {"Body": "", "Status": "canceled"}],
)
async def test_an_update_is_one_of_two_things(world: World, form: dict[str, str]) -> None:
    """Only an empty body and `canceled` are taken, one at a time."""
    await world.text("Hello")
    sid = (await world.create()).json["sid"]
    assert (await world.call("POST", path_of(sid), form)).refusal == (400, 30400)


async def test_what_left_cannot_be_canceled(world: World) -> None:
    """A text that is with the carrier is neither canceled nor hidden."""
    await world.text("Hello")
    sid = (await world.create()).json["sid"]
    await world.store.submit(ClaimJobs(((LONG_CODE, 10),), "prc_1"))
    assert (await world.call("GET", path_of(sid))).json["status"] == "sending"
    canceled = await world.call("POST", path_of(sid), {"Status": "canceled"})
    assert canceled.refusal == (409, 30409)
    assert (await world.call("DELETE", path_of(sid))).refusal == (409, 20009)


async def test_hiding_keeps_the_proof(world: World) -> None:
    """A redacted text has no words and a deleted one is gone, here; the product keeps both."""
    await world.text("The words of the person")
    (inbound,) = [m for m in await world.messages() if m.body == "The words of the person"]
    listed = (await world.call("GET", f"{MESSAGES}?From=%2B14155550142")).json["messages"]
    sid = listed[0]["sid"]
    redacted = await world.call("POST", path_of(sid), {"Body": ""})
    assert (redacted.status, redacted.json["body"]) == (200, "")
    assert (await world.call("DELETE", path_of(sid))).status == 204
    assert (await world.call("GET", path_of(sid))).refusal == (404, 20404)
    assert (await world.call("GET", f"{MESSAGES}?From=%2B14155550142")).json["messages"] == []
    kept = await world.store.read_message(inbound.id)
    assert kept is not None
    assert kept.body == "The words of the person"
    entries = await world.entries(PERSON)
    notes = [e for e in entries if e.kind is EntryKind.NOTE_ADDED]
    assert [note.message for note in notes] == [inbound.id] * 2
    assert [e.text for e in entries if e.kind is EntryKind.OPTED_IN]


async def test_scopes_of_a_key(world: World) -> None:
    """A key of ours sees every sender's messages; its sid is the account of what it shows."""
    await world.text("Hello", sender=ELSEWHERE)
    auth = (world.key_sid, world.key_token)
    root = f"/2010-04-01/Accounts/{world.key_sid}"
    listed = await world.call("GET", f"{root}/Messages.json", auth=auth)
    assert {m["account_sid"] for m in listed.json["messages"]} == {world.key_sid}
    assert {m["direction"] for m in listed.json["messages"]} == {"inbound", "outbound-reply"}
