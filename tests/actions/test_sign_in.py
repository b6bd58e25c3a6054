"""Signing in: sessions are opened only for those who still may, links work once, all is told."""

from dataclasses import dataclass, field
from datetime import timedelta

import msgspec
import pytest

from action_world import World
from consentry.actions.keep_agents import SaveAgent, SetPassword
from consentry.actions.sign_in import (
    CloseSession,
    MakeSignInLink,
    Opening,
    OpenSession,
    RedeemSignInLink,
    RefuseSignIn,
    RevokeSession,
    RevokeSessionsOf,
    Way,
    hash_sign_in_secret,
    sign_in_path,
)
from consentry.domain.agents import Agent, Role
from consentry.domain.entries import NOBODY, Actor, ActorKind, EntryKind
from consentry.ports import Command, Rejected, Session
from memory_store import START

pytestmark = pytest.mark.unit

BOSS = Actor(ActorKind.AGENT, "agt_boss")
HASH = "$argon2id$hash"
HOUR = 3600


@dataclass
class Door:
    """A console with one agent, Ada, who has a password."""

    world: World = field(default_factory=World)
    ada: Agent = field(init=False)
    opened: int = 0

    def __post_init__(self) -> None:
        """Add Ada."""
        agent = Agent("", "ada@example.org", "Ada", Role.AGENT, START)
        made = self.world.store.run(SaveAgent(agent))
        self.ada = self.world.store.run(SetPassword(made.id, HASH))

    def opening(self) -> Opening:
        """A session that is not there yet, of twelve hours."""
        self.opened += 1
        return Opening(f"hash-{self.opened}", 12 * HOUR, "192.0.2.7", "Firefox")

    def sign_in(self, proof: str = HASH, way: Way = Way.PASSWORD) -> Session:
        """Let Ada in."""
        session, _ = self.world.store.run(OpenSession(self.ada.id, way, proof, self.opening()))
        return session

    def make_link(self) -> str:
        """Make a link for Ada, and give its id."""
        self.opened += 1
        link = MakeSignInLink(self.ada.id, f"link-{self.opened}", HOUR, BOSS)
        return self.world.store.run(link).id

    def redeem(self, link: str) -> Session:
        """Take a link."""
        session, _ = self.world.store.run(RedeemSignInLink(link, self.opening()))
        return session

    def lets_in(self, session: Session) -> bool:
        """Tell whether a session lets Ada in now."""
        stored = self.world.store.sessions[session.id]
        return stored.lets_in(self.world.store.agents[self.ada.id], self.world.clock.now())

    def refused(self, command: Command[object]) -> tuple[str, int]:
        """Give code and status of a command that must be rejected and change nothing."""
        store = self.world.store
        before = dict(store.agents), dict(store.sessions), dict(store.links), list(store.entries)
        with pytest.raises(Rejected) as rejected:
            store.run(command)
        after = dict(store.agents), dict(store.sessions), dict(store.links), list(store.entries)
        assert before == after
        return rejected.value.code, rejected.value.status


def test_a_password_opens_a_session_that_ends_by_itself() -> None:
    """It lets its agent in until its time is over, and the audit says who came, how, from where."""
    door = Door()
    session = door.sign_in()
    assert (session.agent, session.address, session.user_agent) == (
        door.ada.id,
        "192.0.2.7",
        "Firefox",
    )
    assert session.expires_at == START + timedelta(hours=12)
    entry = door.world.last_entry(EntryKind.SIGNED_IN)
    assert entry.text == "ada@example.org by password from 192.0.2.7"
    assert (entry.recipient, entry.actor) == (NOBODY, Actor(ActorKind.AGENT, door.ada.id))
    assert door.lets_in(session)
    other = Agent("agt_other", "o@x", "O", Role.AGENT, START, epoch=session.epoch)
    assert not session.lets_in(other, START)
    door.world.clock.advance(hours=12)
    assert not door.lets_in(session)


def test_what_a_browser_says_of_itself_is_kept_short() -> None:
    """Address and browser are others' words: they are cut."""
    door = Door()
    opening = Opening("s", HOUR, "a" * 500, "b" * 5000)
    session, _ = door.world.store.run(OpenSession(door.ada.id, Way.PASSWORD, HASH, opening))
    assert (len(session.address), len(session.user_agent)) == (60, 200)
    quiet = Opening("t", HOUR)
    door.world.store.run(OpenSession(door.ada.id, Way.PASSWORD, HASH, quiet))
    assert door.world.last_entry(EntryKind.SIGNED_IN).text == "ada@example.org by password"


def test_a_password_that_was_changed_meanwhile_opens_nothing() -> None:
    """The hash that was checked must still be the agent's when the session is written."""
    door = Door()
    door.world.store.run(SetPassword(door.ada.id, "newer"))
    command = OpenSession(door.ada.id, Way.PASSWORD, HASH, door.opening())
    assert door.refused(command) == ("sign_in_refused", 403)


def test_who_is_disabled_or_unknown_gets_no_session() -> None:
    """Neither by password nor by a link that was made before, and no new link is made."""
    door = Door()
    link = door.make_link()
    door.world.store.run(SaveAgent(msgspec.structs.replace(door.ada, disabled_at=START)))
    for command in (
        OpenSession(door.ada.id, Way.PASSWORD, HASH, door.opening()),
        MakeSignInLink(door.ada.id, "link", HOUR),
        RedeemSignInLink(link, door.opening()),
    ):
        assert door.refused(command) == ("agent_disabled", 403)
    unknown = OpenSession("agt_none", Way.PASSWORD, HASH, door.opening())
    assert door.refused(unknown) == ("not_found", 404)


def test_a_subject_is_bound_the_first_time_and_must_match_then() -> None:
    """Another account of the provider with the same email does not come in."""
    door = Door()
    door.sign_in("https://idp 7", Way.PROVIDER)
    assert door.world.store.agents[door.ada.id].subject == "https://idp 7"
    bound = door.world.last_entry(EntryKind.SETTING_CHANGED)
    assert bound.text == "agent ada@example.org changed: bound to https://idp 7"
    count = len(door.world.store.entries)
    door.sign_in("https://idp 7", Way.PROVIDER)
    assert len(door.world.store.entries) == count + 1
    other = OpenSession(door.ada.id, Way.PROVIDER, "https://idp 8", door.opening())
    assert door.refused(other) == ("sign_in_refused", 403)


def test_a_link_signs_in_once() -> None:
    """The second time it is refused, and so is one that nobody made."""
    door = Door()
    link = door.make_link()
    told = door.world.last_entry(EntryKind.SETTING_CHANGED)
    assert told.text == "agent ada@example.org: sign-in link made, good until 13:00 UTC"
    assert told.actor == BOSS
    session = door.redeem(link)
    assert door.lets_in(session)
    assert door.world.last_entry(EntryKind.SIGNED_IN).text == (
        "ada@example.org by link from 192.0.2.7"
    )
    assert door.refused(RedeemSignInLink(link, door.opening())) == ("link_unusable", 401)
    assert door.refused(RedeemSignInLink("nobody's", door.opening())) == ("link_unusable", 401)
    assert door.refused(MakeSignInLink("agt_none", "link", HOUR)) == ("not_found", 404)


def test_a_link_grows_old_and_ends_with_the_sessions() -> None:
    """After its hour, and after everything of the agent's was ended, it opens nothing."""
    door = Door()
    link = door.make_link()
    door.world.store.run(RevokeSessionsOf(door.ada.id))
    assert door.refused(RedeemSignInLink(link, door.opening())) == ("link_unusable", 401)
    link = door.make_link()
    door.world.clock.advance(seconds=HOUR)
    assert door.refused(RedeemSignInLink(link, door.opening())) == ("link_unusable", 401)


def test_a_refusal_is_told_with_who_how_where_and_why() -> None:
    """Under the agent it was tried as, or, where there is none, under the program itself."""
    door = Door()
    tried = RefuseSignIn("ada@example.org", Way.PASSWORD, "192.0.2.9", "wrong password", "agt_1")
    door.world.store.run(tried)
    entry = door.world.last_entry(EntryKind.SIGN_IN_REFUSED)
    assert (entry.text, entry.reason) == (
        "ada@example.org by password from 192.0.2.9",
        "wrong password",
    )
    assert (entry.recipient, entry.actor) == (NOBODY, Actor(ActorKind.AGENT, "agt_1"))
    door.world.store.run(RefuseSignIn("somebody", Way.PROVIDER, "", "nobody has this email"))
    entry = door.world.last_entry(EntryKind.SIGN_IN_REFUSED)
    assert entry.text == "somebody by identity provider"
    assert entry.actor == Actor(ActorKind.SYSTEM)


def test_signing_out_ends_the_session_once() -> None:
    """A second sign-out, or one of a session that is not there, tells nothing more."""
    door = Door()
    session = door.sign_in()
    door.world.store.run(CloseSession(session.id))
    assert not door.lets_in(session)
    assert door.world.last_entry(EntryKind.SIGNED_OUT).text == "signed out from 192.0.2.7"
    count = len(door.world.store.entries)
    door.world.store.run(CloseSession(session.id))
    door.world.store.run(CloseSession("none"))
    assert len(door.world.store.entries) == count


def test_a_session_is_revoked_from_elsewhere() -> None:
    """It must be the agent's; one that is over stays as it is."""
    door = Door()
    first, second = door.sign_in(), door.sign_in()
    door.world.store.run(RevokeSession(first.id, door.ada.id, BOSS))
    assert (door.lets_in(first), door.lets_in(second)) == (False, True)
    entry = door.world.last_entry(EntryKind.SESSION_REVOKED)
    assert entry.text == "a session of ada@example.org from 192.0.2.7"
    assert entry.actor == BOSS
    count = len(door.world.store.entries)
    door.world.store.run(RevokeSession(first.id, door.ada.id, BOSS))
    assert len(door.world.store.entries) == count
    missing = RevokeSession("none", door.ada.id, BOSS)
    assert door.refused(missing) == ("not_found", 404)
    other = door.world.store.run(SaveAgent(Agent("", "o@x", "O", Role.ADMIN, START)))
    foreign = RevokeSession(second.id, other.id, BOSS)
    assert door.refused(foreign) == ("not_found", 404)


def test_all_sessions_end_at_once_and_new_ones_begin() -> None:
    """Ended by an admin, by a new password or by being disabled: none of before lets in again."""
    door = Door()
    store = door.world.store
    before = [door.sign_in() for _ in range(3)]
    store.run(RevokeSessionsOf(door.ada.id, BOSS))
    assert [door.lets_in(session) for session in before] == [False] * 3
    assert door.world.last_entry(EntryKind.SESSION_REVOKED).text == (
        "all sessions of ada@example.org"
    )
    after = door.sign_in()
    assert door.lets_in(after)
    store.run(SetPassword(door.ada.id, "newer"))
    assert not door.lets_in(after)
    last = door.sign_in("newer")
    store.run(SaveAgent(msgspec.structs.replace(store.agents[door.ada.id], disabled_at=START)))
    assert not door.lets_in(last)
    store.run(SaveAgent(msgspec.structs.replace(store.agents[door.ada.id], disabled_at=None)))
    assert not door.lets_in(last)
    assert door.refused(RevokeSessionsOf("agt_none")) == ("not_found", 404)


def test_all_other_sessions_end_and_this_one_goes_on() -> None:
    """The one that asks is carried over; it must be the agent's own, and open."""
    door = Door()
    store = door.world.store
    other, mine = door.sign_in(), door.sign_in()
    by = Actor(ActorKind.AGENT, door.ada.id)
    store.run(RevokeSessionsOf(door.ada.id, by, keep=mine.id))
    assert (door.lets_in(other), door.lets_in(mine)) == (False, True)
    assert door.world.last_entry(EntryKind.SESSION_REVOKED).text == (
        "all other sessions of ada@example.org"
    )
    for gone in (other.id, "none"):
        assert door.refused(RevokeSessionsOf(door.ada.id, by, keep=gone)) == ("not_found", 404)


def test_secrets_are_kept_as_hashes_only() -> None:
    """SHA-256 in hexadecimal; what is no text at all has a hash too."""
    assert (
        hash_sign_in_secret("abc")
        == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    )
    assert len(hash_sign_in_secret("\ud800")) == 64
    assert sign_in_path("abc") == "/console/sign-in?token=abc"
