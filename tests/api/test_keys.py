"""API keys: kept as keyed hashes, bound to scopes, revoked at once."""

import msgspec
import pytest
from api_world import NOW, SECRET_KEY, World

from consentry.actions.administer import SaveKey, revoked
from consentry.actions.find_key import KeyRing, build_limits
from consentry.actions.make_key import derive_token
from consentry.api.app import build_api
from consentry.api.operations import Operation
from consentry.api.table import OPERATIONS
from consentry.ports import APIKey, Scope, Store, StoreUnavailable

pytestmark = pytest.mark.integration

ASK = {"sender": "+12025550101", "recipient": "+14155550142"}


GUARDED = [operation for operation in OPERATIONS if operation.scope is not None]


def name_of(operation: Operation[object, object]) -> str:
    return f"{operation.method} {operation.path}"


@pytest.mark.parametrize("operation", GUARDED, ids=name_of)
async def test_every_operation_asks_for_its_scope(
    world: World, operation: Operation[object, object]
) -> None:
    """A key gets through with the operation's scope or admin, and with no other."""
    path = operation.path.replace("{phone}", "+14155550142")
    path = path.replace("{id}", "missing").replace("{number}", "missing")
    for scope in Scope:
        reply = await world.call(operation.method, path, raw=b"{}", key=scope)
        if scope in (operation.scope, Scope.ADMIN):
            assert reply.status not in (401, 403)
        else:
            assert (reply.status, reply.json["code"]) == (403, "scope_missing")
            assert str(operation.scope) in reply.json["detail"]


@pytest.mark.parametrize("operation", GUARDED, ids=name_of)
async def test_every_operation_asks_for_a_key(
    world: World, operation: Operation[object, object]
) -> None:
    """Without a key, or with one that is not ours, every operation is 401 with a challenge."""
    path = operation.path.replace("{phone}", "+14155550142")
    for key in (None, "csk_unknown"):
        reply = await world.call(operation.method, path, raw=b"{}", key=key)
        assert (reply.status, reply.json["code"]) == (401, "unauthorized")
        assert reply.headers["www-authenticate"].startswith("Bearer")


@pytest.mark.parametrize(
    "header",
    ["", "Bearer", "Bearer ", "Basic abc", "bearer csk_\xff", "csk_x", "Bearer " + "x" * 9999],
)
async def test_a_header_that_is_no_key(world: World, header: str) -> None:
    """Whatever stands in the header, the answer is 401."""
    reply = await world.call("POST", "/v1/check", ASK, key=None, headers={"authorization": header})
    assert (reply.status, reply.json["code"]) == (401, "unauthorized")


async def test_the_word_bearer_in_any_case(world: World) -> None:
    """`bearer` and `BEARER` are the same scheme."""
    secret = world.secrets[Scope.CHECK]
    for word in ("bearer", "BEARER"):
        headers = {"authorization": f"{word} {secret}"}
        reply = await world.call("POST", "/v1/check", ASK, key=None, headers=headers)
        assert reply.status == 200


async def test_a_key_for_programs_that_speak_with_twilio(world: World) -> None:
    """It is an account sid with a token that is derived from it; a list shows the sid alone."""
    asked = {"name": "shop", "scopes": ["send"], "twilio": True}
    made = await world.call("POST", "/v1/keys", asked)
    assert made.status == 201
    account_sid, token = made.json["account_sid"], made.json["secret"]
    assert token == derive_token(SECRET_KEY, account_sid)
    (listed,) = [k for k in (await world.call("GET", "/v1/keys")).json["items"] if k["account_sid"]]
    assert (listed["account_sid"], listed["scopes"]) == (account_sid, ["send"])
    assert (await world.call("POST", "/v1/check", ASK, key=token)).status == 401


async def test_a_key_is_made_shown_once_used_and_revoked(world: World) -> None:
    """The secret is in the first answer only, works at once, and stops at once on DELETE."""
    made = await world.call("POST", "/v1/keys", {"name": "shop", "scopes": ["check", "check"]})
    assert made.status == 201
    secret = made.json["secret"]
    assert made.json["scopes"] == ["check"]
    assert secret.startswith(made.json["prefix"])
    assert (await world.call("POST", "/v1/check", ASK, key=secret)).status == 200
    listed = await world.call("GET", "/v1/keys")
    assert secret.encode() not in listed.body
    assert b"hash" not in listed.body
    reply = await world.call("DELETE", f"/v1/keys/{made.json['id']}")
    assert reply.status == 204
    reply = await world.call("POST", "/v1/check", ASK, key=secret)
    assert (reply.status, reply.json["code"]) == (401, "unauthorized")
    (kept,) = [
        k for k in (await world.call("GET", "/v1/keys")).json["items"] if k["name"] == "shop"
    ]
    assert kept["revoked_at"] == "2026-05-01T12:00:00Z"


async def test_a_key_does_not_lock_itself_out(world: World) -> None:
    """The key of the call cannot be revoked with itself; an unknown one is 404."""
    reply = await world.call("DELETE", "/v1/keys/key_admin")
    assert (reply.status, reply.json["code"]) == (409, "own_key")
    reply = await world.call("DELETE", "/v1/keys/key_x")
    assert (reply.status, reply.json["code"]) == (404, "not_found")


@pytest.mark.parametrize(
    "body",
    [
        {"name": "x", "scopes": []},
        {"name": "x", "scopes": ["fly"]},
        {"name": " ", "scopes": ["check"]},
        {"scopes": ["check"]},
    ],
)
async def test_a_key_that_does_not_fit(world: World, body: object) -> None:
    """A key needs a name and at least one known scope."""
    reply = await world.call("POST", "/v1/keys", body)
    assert (reply.status, reply.json["code"]) == (422, "invalid_body")


async def find_key(world: World, key_id: str) -> APIKey:
    return {key.id: key for key in await world.store.read_keys()}[key_id]


async def test_another_process_revokes_a_key(world: World) -> None:
    """A revocation that another process wrote is seen within a second."""
    assert (await world.call("POST", "/v1/check", ASK, key="check")).status == 200
    await world.store.submit(SaveKey(revoked(await find_key(world, "key_check"), NOW)))
    world.clock.advance(1)
    assert (await world.call("POST", "/v1/check", ASK, key="check")).status == 401


async def test_noting_a_use_brings_no_key_back(world: World) -> None:
    """A use that was noted from an old copy of the key leaves a revocation standing."""
    known = await find_key(world, "key_check")
    await world.store.submit(SaveKey(revoked(known, NOW)))
    await world.store.submit(SaveKey(msgspec.structs.replace(known, last_used_at=NOW)))
    assert (await find_key(world, "key_check")).revoked_at == NOW


async def test_the_last_use_is_noted_once_a_minute(world: World) -> None:
    """`last_used_at` moves at most once a minute."""

    async def last_used() -> object:
        await world.call("POST", "/v1/check", ASK, key="check")
        listed = (await world.call("GET", "/v1/keys")).json["items"]
        await world.text("x")  # what was posted is durable once something after it is
        return (await find_key(world, "key_check")).last_used_at, len(listed)

    first = await last_used()
    assert first[0] == NOW
    world.clock.advance(59)
    assert (await last_used()) == first
    world.clock.advance(2)
    assert (await last_used())[0] == world.clock.now()


class Switch:
    """A store of keys that can be switched off."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.on = True

    async def read_keys(self) -> list[APIKey]:
        if not self.on:
            raise StoreUnavailable
        return await self._store.read_keys()

    def post(self, command: object) -> None:
        pass


async def test_known_keys_work_through_an_outage(world: World) -> None:
    """Keys that were read go on to work while the store is away; unread ones are an outage."""
    store = Switch(world.store)
    ring = KeyRing(store, world.clock, SECRET_KEY)
    secret = world.secrets[Scope.CHECK]
    assert await ring.find(secret) is not None
    store.on = False
    world.clock.advance(10)
    assert await ring.find(secret) is not None
    with pytest.raises(StoreUnavailable):
        await KeyRing(store, world.clock, SECRET_KEY).find(secret)


async def test_who_asks_too_often_is_told_how_long_to_wait(world: World) -> None:
    """429 with Retry-After for a key over its rate, and for an address with bad keys; the first
    good key from there is let in all the same.
    """
    limits = build_limits(requests_per_second=1, failures_per_minute=2)
    ring = KeyRing(world.store, world.clock, SECRET_KEY, limits)
    world.api = build_api(world.services, keys=ring)
    world.client = "192.0.2.7"
    statuses = [(await world.call("GET", "/v1/brands", key="read")).status for _ in range(3)]
    assert statuses == [200, 200, 429]
    bad = [await world.call("GET", "/v1/brands", key="csk_wrong") for _ in range(3)]
    assert [reply.status for reply in bad] == [401, 401, 429]
    assert bad[2].headers["retry-after"] == "30"
    assert bad[2].json["code"] == "too_many_requests"
    world.clock.advance(1)
    assert (await world.call("GET", "/v1/brands", key="read")).status == 200


async def test_a_carriers_webhook_is_never_held_up(world: World) -> None:
    """Not behind forgeries, nor behind bad keys, from the same address: it may be a STOP."""
    limits = build_limits(requests_per_second=1, failures_per_minute=1)
    world.api = build_api(
        world.services, keys=KeyRing(world.store, world.clock, SECRET_KEY, limits)
    )
    world.client = "192.0.2.7"
    for _ in range(20):
        assert (await world.call("GET", "/v1/brands", key="csk_wrong")).status in {401, 429}
        assert (await world.text("STOP", headers={})).status == 403
    assert [(await world.text("STOP")).status for _ in range(20)] == [200] * 20
