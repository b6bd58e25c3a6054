"""Getting in: credentials, accounts, scopes, paths, methods, bodies that are none."""

import base64
from pathlib import Path

import pytest
from door_world import (
    ACCOUNT,
    MESSAGES,
    OTHER_ACCOUNT,
    TOKEN,
    World,
    build_world,
    exchange,
)

from consentry.actions.administer import SaveKey, revoked
from consentry.ports import Scope
from consentry.twilio_door.exchange import BODY_BYTES_MAX

pytestmark = pytest.mark.integration


@pytest.mark.parametrize(
    "header",
    [
        "",
        "Basic",
        "Basic ",
        "Basic !!!",
        "Bearer csk_x",
        "Basic " + base64.b64encode(b"no colon").decode(),
        "Basic " + base64.b64encode(b"\xff:\xff").decode(),
        "Basic " + base64.b64encode(f"{ACCOUNT}:{TOKEN}x".encode()).decode(),
        "Basic " + base64.b64encode(f"{ACCOUNT}:".encode()).decode(),
        "Basic \u00e9",
    ],
)
async def test_whoever_is_not_known_is_20003(world: World, header: str) -> None:
    """Every path asks for credentials, with a challenge and Twilio's body."""
    for path in (MESSAGES, "/2010-04-01/x", "/v1/Consents/Bulk"):
        reply = await world.call("GET", path, auth=None, headers={"authorization": header})
        assert reply.refusal == (401, 20003)
        assert reply.headers["www-authenticate"].startswith("Basic ")
        assert reply.headers["cache-control"] == "no-store"


async def test_the_account_of_the_path_is_the_one_that_knocks(world: World) -> None:
    """Good credentials do not open another account."""
    path = MESSAGES.replace(ACCOUNT, OTHER_ACCOUNT)
    assert (await world.call("GET", path)).refusal == (401, 20003)
    assert (await world.call("GET", MESSAGES, headers={"Authorization": "Basic"})).status == 401
    assert (await world.call("GET", path, auth=(OTHER_ACCOUNT, TOKEN))).status == 200


async def test_a_key_may_do_what_its_scopes_say(world: World) -> None:
    """A key that only reads cannot send, change, delete or tell consents."""
    (key,) = await world.store.read_keys()
    reader = SaveKey(type(key)(**{**_fields(key), "scopes": (Scope.READ,)}))
    await world.store.submit(reader)
    auth = (world.key_sid, world.key_token)
    path = MESSAGES.replace(ACCOUNT, world.key_sid)
    one = path.replace(".json", "/SM" + "0" * 32 + ".json")
    assert (await world.call("GET", path, auth=auth)).status == 200
    for method, refused in (
        ("POST", path),
        ("POST", one),
        ("DELETE", one),
        ("POST", "/v1/Consents/Bulk"),
    ):
        assert (await world.call(method, refused, {"a": "b"}, auth=auth)).refusal == (401, 20003)
    await world.store.submit(SaveKey(type(key)(**{**_fields(key), "scopes": (Scope.SEND,)})))


async def test_a_revoked_key_is_refused(tmp_path: Path) -> None:
    """After its revocation the key opens nothing."""
    world = await build_world(tmp_path)
    (key,) = await world.store.read_keys()
    await world.store.submit(SaveKey(revoked(key, world.services.clock.now())))
    path = MESSAGES.replace(ACCOUNT, world.key_sid)
    reply = await world.call("GET", path, auth=(world.key_sid, world.key_token))
    assert reply.refusal == (401, 20003)
    await world.store.close()


@pytest.mark.parametrize(
    "rest",
    [
        "Messages",
        "messages.json",
        "Messages.JSON",
        "Messages.json/",
        "/Messages.json",
        "./Messages.json",
        "x/../Messages.json",
        "Messages.xml",
        "Messages/SM1/Media.json",
        "SMS/Messages.json",
        "Calls.json",
        "",
    ],
)
async def test_other_paths_are_not_there(world: World, rest: str) -> None:
    """What is neither the list nor a message is 20404, also where it looks alike."""
    for method in ("GET", "POST", "DELETE"):
        reply = await world.call(method, f"/2010-04-01/Accounts/{ACCOUNT}/{rest}", {"To": "x"})
        assert reply.refusal == (404, 20404)


async def test_methods(world: World) -> None:
    """HEAD is GET without a body; another method is 405 and says which there are."""
    head = await world.call("HEAD", MESSAGES)
    assert (head.status, head.body) == (200, b"")
    for method in ("PUT", "OPTIONS", "X" * 50):
        reply = await world.call(method, MESSAGES)
        assert reply.refusal == (405, 20004)
        assert reply.headers["allow"] == "POST, GET"


async def test_bodies_that_are_no_form(world: World) -> None:
    """Another media type, broken escapes, no UTF-8 and too much of it are 20001."""
    for raw, headers in (
        (b"{}", {"content-type": "application/json"}),
        (b"To=%zz", {}),
        (b"To=\xff", {}),
        (b"&".join([b"a=b"] * 1001), {}),
        (b"x" * (BODY_BYTES_MAX + 1), {}),
    ):
        reply = await world.call("POST", MESSAGES, raw=raw, headers=headers)
        assert reply.refusal == (400, 20001)


async def test_everything_else_goes_on(world: World) -> None:
    """What is not the door's is answered by what stands behind it."""
    for path in ("/", "/v1/messages", "/v1/Consents", "/2010-04-01", "/2010-04-02/x"):
        reply = await exchange(world.door, "GET", path, headers={}, body=b"")
        assert (reply.status, reply.body) == (418, path.encode())


async def test_a_store_that_is_gone_is_20503(world: World) -> None:
    """Without a store nothing is sent, and the program is told to come back."""
    await world.text("Hello")
    assert (await world.create()).status == 201
    await world.store.close()
    reply = await world.create(Body="x")
    assert reply.refusal == (503, 20503)
    assert reply.headers["retry-after"] == "2"


def _fields(key: object) -> dict[str, object]:
    return {name: getattr(key, name) for name in key.__struct_fields__}  # type: ignore[attr-defined]
