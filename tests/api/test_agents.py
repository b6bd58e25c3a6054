"""Agents over HTTP: who may sign in at the console."""

import pytest
from api_world import World

from consentry.actions.keep_agents import SetPassword
from consentry.actions.sign_in import Opening, RedeemSignInLink, hash_sign_in_secret
from consentry.domain.agents import Role
from consentry.domain.entries import Actor, ActorKind
from consentry.ports import Page

pytestmark = pytest.mark.integration

ADA = {"email": "Ada@Example.org", "name": "Ada", "role": "admin"}
HASHED = "$argon2id$v=19$a hash"


async def test_an_agent_is_added_with_a_link_that_signs_in_once(world: World) -> None:
    """The link leads to this server; the list shows neither it nor a hash."""
    made = await world.call("POST", "/v1/agents", ADA)
    assert made.status == 201
    assert (made.json["email"], made.json["role"]) == ("ada@example.org", "admin")
    link = made.json["sign_in_link"]
    assert link.startswith("http://api.example/console/sign-in?token=")
    secret = link.partition("token=")[2]
    redeem = RedeemSignInLink(hash_sign_in_secret(secret), Opening("session", 60))
    session, agent = await world.store.submit(redeem)
    assert (session.agent, agent.id) == (made.json["id"], made.json["id"])
    await world.store.submit(SetPassword(agent.id, HASHED))
    listed = await world.call("GET", "/v1/agents")
    (shown,) = listed.json["items"]
    assert shown["has_password"] is True
    assert "sign_in_link" not in shown
    assert secret.encode() not in listed.body
    assert b"argon2" not in listed.body


async def test_an_agent_changes_and_the_audit_says_who_changed_them(world: World) -> None:
    """What is left out stays; null is no access; disabled ends every session."""
    await world.call("POST", "/v1/agents", ADA)
    made = await world.call(
        "POST", "/v1/agents", {**ADA, "email": "eva@x.example", "brands": ["brd_a"]}
    )
    path = f"/v1/agents/{made.json['id']}"
    changed = await world.call("PATCH", path, {"role": None, "brands": [], "name": "Eve"})
    assert (changed.json["role"], changed.json["brands"], changed.json["name"]) == (None, [], "Eve")
    assert changed.json["email"] == "eva@x.example"
    newest = (await world.store.read_audit(Page(limit=1)))[0]
    assert newest.actor == Actor(ActorKind.KEY, "key_admin")
    assert newest.text == (
        "agent eva@x.example changed: name Ada → Eve; role admin → none; brands brd_a → all"
    )
    off = await world.call("PATCH", path, {"disabled": True})
    assert off.json["disabled_at"] is not None
    (agent,) = [a for a in await world.store.read_agents() if a.id == made.json["id"]]
    assert (agent.role, agent.epoch) == (None, 1)
    on = await world.call("PATCH", path, {"disabled": False, "role": "agent"})
    assert (on.json["disabled_at"], on.json["role"]) == (None, Role.AGENT)
    assert (await world.call("PATCH", path, {})).json == on.json


@pytest.mark.parametrize(
    ("changes", "status", "code"),
    [
        ({"email": "ada"}, 422, "invalid_body"),
        ({"email": f"a@{'b' * 300}"}, 422, "invalid_body"),
        ({"email": "TAKEN@example.org"}, 409, "already_exists"),
        ({"name": " "}, 422, "invalid_body"),
        ({"role": "boss"}, 422, "invalid_body"),
        ({"brands": ["brd_x"]}, 422, "invalid_brands"),
        ({"password": "correct horse battery"}, 422, "invalid_body"),
        ({"password_hash": "x"}, 422, "invalid_body"),
    ],
)
async def test_an_agent_that_cannot_be(
    world: World, changes: dict[str, object], status: int, code: str
) -> None:
    """Each fault says what it is; passwords are no business of programs."""
    await world.call("POST", "/v1/agents", {**ADA, "email": "taken@example.org"})
    reply = await world.call("POST", "/v1/agents", {**ADA, **changes})
    assert (reply.status, reply.json["code"]) == (status, code)
    assert len((await world.call("GET", "/v1/agents")).json["items"]) == 1


async def test_the_last_admin_stays_and_only_admin_keys_may(world: World) -> None:
    """An admin is left who can let others in; a key without the scope sees nothing."""
    made = await world.call("POST", "/v1/agents", ADA)
    path = f"/v1/agents/{made.json['id']}"
    for change in ({"role": "agent"}, {"role": None}, {"disabled": True}):
        reply = await world.call("PATCH", path, change)
        assert (reply.status, reply.json["code"]) == (409, "last_admin")
    for method, where, body in (("GET", "/v1/agents", None), ("PATCH", path, {})):
        reply = await world.call(method, where, body, key="read")
        assert (reply.status, reply.json["code"]) == (403, "scope_missing")
    reply = await world.call("PATCH", "/v1/agents/agt_x", {})
    assert (reply.status, reply.json["code"]) == (404, "not_found")
