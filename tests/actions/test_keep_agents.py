"""Agents: who may be one, what changes tell the audit, and that an admin remains."""

import msgspec
import pytest

from action_world import World
from consentry.actions.keep_agents import RenewPasswordHash, SaveAgent, SetPassword
from consentry.domain.agents import (
    PERMISSIONS,
    Agent,
    Permission,
    Role,
    find_password_fault,
    read_email,
)
from consentry.domain.entries import NOBODY, Actor, ActorKind, EntryKind
from consentry.ports import Command, Rejected
from memory_store import START

pytestmark = pytest.mark.unit

BOSS = Actor(ActorKind.AGENT, "agt_boss")


def new(
    email: str = "ada@example.org",
    name: str = "Ada",
    role: Role | None = Role.AGENT,
    *brands: str,
) -> Agent:
    """An agent who is not stored yet."""
    return Agent("", email, name, role, START, tuple(brands))


def add(world: World, agent: Agent) -> Agent:
    """Store an agent."""
    return world.store.run(SaveAgent(agent, BOSS))


def refused(world: World, command: Command[object]) -> tuple[str, int]:
    """Give code and status of a command that must be rejected and change nothing."""
    agents, entries = dict(world.store.agents), list(world.store.entries)
    with pytest.raises(Rejected) as rejected:
        world.store.run(command)
    assert (world.store.agents, world.store.entries) == (agents, entries)
    assert len(str(rejected.value)) > 15
    return rejected.value.code, rejected.value.status


def test_a_new_agent_gets_an_id_a_lower_case_email_and_an_entry() -> None:
    """Email and name are tidied, brands are each there once; the audit says who was let in."""
    world = World()
    made = add(world, new(" Ada@Example.ORG ", " Ada L ", Role.AGENT, "acme", "acme"))
    assert made.id.startswith("agt_")
    assert (made.email, made.name, made.brands) == ("ada@example.org", "Ada L", ("acme",))
    assert (made.created_at, made.epoch, made.password_hash) == (START, 0, None)
    entry = world.last_entry(EntryKind.SETTING_CHANGED)
    assert (entry.recipient, entry.actor) == (NOBODY, BOSS)
    assert entry.text == (
        "agent ada@example.org added: email ada@example.org; name Ada L; role agent; brands acme"
    )


def test_a_change_tells_before_and_after_and_keeps_how_they_sign_in() -> None:
    """A change of name, role or brands leaves password and subject; a non-change tells nothing."""
    world = World()
    made = add(world, new())
    kept = msgspec.structs.replace(made, password_hash="$argon2id$x", subject="https://idp 7")
    world.store.agents[made.id] = kept
    changed = add(world, msgspec.structs.replace(made, name="Eve", role=None, brands=("other",)))
    assert (changed.password_hash, changed.subject) == ("$argon2id$x", "https://idp 7")
    assert changed.epoch == 0
    entry = world.last_entry(EntryKind.SETTING_CHANGED)
    assert entry.text == (
        "agent ada@example.org changed: name Ada → Eve; role agent → none; brands all → other"
    )
    count = len(world.store.entries)
    assert add(world, changed) == changed
    assert len(world.store.entries) == count


def test_disabling_ends_all_sessions_once_and_enabling_brings_none_back() -> None:
    """The first time of being disabled stays; the epoch moves when it begins."""
    world = World()
    made = add(world, new())
    off = msgspec.structs.replace(made, disabled_at=START)
    world.clock.advance(hours=1)
    first = add(world, off)
    assert (first.disabled_at, first.epoch) == (world.clock.now(), 1)
    world.clock.advance(hours=1)
    again = add(world, msgspec.structs.replace(first, name="Ada L"))
    assert (again.disabled_at, again.epoch) == (first.disabled_at, 1)
    back = add(world, msgspec.structs.replace(again, disabled_at=None))
    assert (back.disabled_at, back.epoch) == (None, 1)
    born_disabled = add(world, msgspec.structs.replace(new("b@x.example"), disabled_at=START))
    assert born_disabled.disabled_at == world.clock.now()


@pytest.mark.parametrize(
    ("agent", "refusal"),
    [
        (new("ada"), ("invalid_email", 422)),
        (new("ada@"), ("invalid_email", 422)),
        (new("a b@example.org"), ("invalid_email", 422)),
        (new("a@b@c"), ("invalid_email", 422)),
        (new("x" * 250 + "@example.org"), ("invalid_email", 422)),
        (new("TAKEN@example.org"), ("already_exists", 409)),
        (new(name=" "), ("name_missing", 422)),
        (new(name="x" * 201), ("name_too_long", 422)),
        (new("ada@example.org", "Ada", Role.AGENT, "nobody"), ("invalid_brands", 422)),
        (msgspec.structs.replace(new(), id="agt_none"), ("not_found", 404)),
    ],
)
def test_an_agent_that_cannot_be_is_refused(agent: Agent, refusal: tuple[str, int]) -> None:
    """Nothing is stored and nothing told to the audit."""
    world = World()
    add(world, new("taken@example.org"))
    assert refused(world, SaveAgent(agent)) == refusal


def test_the_last_admin_stays() -> None:
    """While they are the only one, an admin can be neither disabled nor demoted."""
    world = World()
    boss = add(world, new("boss@example.org", "Boss", Role.ADMIN))
    gone = add(world, new("gone@example.org", "Gone", Role.ADMIN))
    add(world, msgspec.structs.replace(gone, disabled_at=START))
    add(world, new())
    for role, disabled_at in ((Role.AGENT, None), (None, None), (Role.ADMIN, START)):
        change = msgspec.structs.replace(boss, role=role, disabled_at=disabled_at)
        assert refused(world, SaveAgent(change)) == ("last_admin", 409)
    add(world, msgspec.structs.replace(boss, name="The boss"))
    add(world, new("second@example.org", "Second", Role.ADMIN))
    assert add(world, msgspec.structs.replace(boss, role=Role.AGENT)).role is Role.AGENT


def test_a_new_password_ends_every_session_and_is_nowhere_told() -> None:
    """The epoch moves on with each change; the audit says that it changed, not what to."""
    world = World()
    made = add(world, new())
    changed = world.store.run(SetPassword(made.id, "$argon2id$hash", BOSS))
    assert (changed.password_hash, changed.epoch) == ("$argon2id$hash", 1)
    entry = world.last_entry(EntryKind.SETTING_CHANGED)
    assert entry.text == "agent ada@example.org changed: password changed, all sessions ended"
    assert entry.actor == BOSS
    removed = world.store.run(SetPassword(made.id, None))
    assert (removed.password_hash, removed.epoch) == (None, 2)
    entry = world.last_entry(EntryKind.SETTING_CHANGED)
    assert entry.text is not None
    assert "password removed" in entry.text
    assert entry.actor.kind is ActorKind.SYSTEM
    assert all("argon2" not in (entry.text or "") for entry in world.store.entries)
    assert refused(world, SetPassword("agt_none", "x")) == ("not_found", 404)


def test_a_hash_is_renewed_only_where_it_is_still_the_old_one() -> None:
    """A password that was changed meanwhile is not turned back, and sessions go on."""
    world = World()
    made = add(world, new())
    world.store.run(SetPassword(made.id, "old"))
    count = len(world.store.entries)
    assert world.store.run(RenewPasswordHash(made.id, "old", "new"))
    assert not world.store.run(RenewPasswordHash(made.id, "old", "newer"))
    kept = world.store.agents[made.id]
    assert (kept.password_hash, kept.epoch) == ("new", 1)
    assert len(world.store.entries) == count


def test_who_may_do_what() -> None:
    """Without a role, or disabled, nothing; a compliance person writes to nobody."""
    agent = new()
    assert agent.may(Permission.SEND)
    assert not agent.may(Permission.EXPORT)
    assert not new(role=None).may(Permission.READ_CONVERSATIONS)
    assert not msgspec.structs.replace(agent, disabled_at=START).may(Permission.SEND)
    assert not new(role=Role.COMPLIANCE).may(Permission.SEND)
    assert all(new(role=Role.ADMIN).may(permission) for permission in Permission)
    assert set(PERMISSIONS) == set(Role)


def test_which_brands_an_agent_sees() -> None:
    """Those that are named, or, where none is, all."""
    assert new().sees("acme")
    assert new("a@x", "A", Role.AGENT, "acme").sees("acme")
    assert not new("a@x", "A", Role.AGENT, "acme").sees("other")


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("Ada@Example.ORG", "ada@example.org"),
        (" admin@localhost\n", "admin@localhost"),
        ("ADA@MU\u0308LLER.example", "ada@müller.example"),
        ("", None),
        ("@", None),
        ("a@b\x00c", None),
        ("a@b c", None),
    ],
)
def test_emails_are_read_alike(typed: str, kept: str | None) -> None:
    """In lower case and composed, so that one address is one agent's."""
    assert read_email(typed) == kept


@pytest.mark.parametrize(
    ("password", "fault"),
    [
        ("elevenchars", "at least 12"),
        ("x" * 1001, "at most 1000"),
        ("ADA.LOVELACE@example.org", "other than your name"),
        ("ada.lovelace", "other than your name"),
        (" ada lovelace byron", "other than your name"),
        ("correct horse battery", None),
        ("x" * 1000, None),
        ("тридцать три", None),
    ],
)
def test_what_makes_a_password(password: str, fault: str | None) -> None:
    """Long enough, not too long, and not the name or the email."""
    told = find_password_fault(
        password, email="ada.lovelace@example.org", name="Ada Lovelace Byron"
    )
    assert (told is None) if fault is None else (told is not None and fault in told)
