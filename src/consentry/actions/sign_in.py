"""Signing in and out: links that work once, sessions, and what was refused."""

import hashlib
from datetime import timedelta
from enum import StrEnum
from typing import Final

import msgspec

from consentry.actions.keep_agents import find_agent
from consentry.actions.record_audit import SYSTEM, build_entry
from consentry.domain.agents import Agent
from consentry.domain.entries import Actor, ActorKind, EntryKind
from consentry.ports import Change, Facts, Needs, Outcome, Rejected, Session, SignInLink

_USER_AGENT_MAX: Final = 200
_ADDRESS_MAX: Final = 60


class Way(StrEnum):
    """How somebody signs in, as the audit words it."""

    PASSWORD = "password"  # noqa: S105 - a word of the audit, it opens nothing
    LINK = "link"
    PROVIDER = "identity provider"


def hash_sign_in_secret(secret: str) -> str:
    """Hash the secret of a session or a link, as it is kept.

    The secrets are 32 random bytes, so that a plain hash cannot be guessed back.
    """
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()


def sign_in_path(secret: str) -> str:
    """Where a sign-in link leads on this server."""
    return f"/console/sign-in?token={secret}"


class Opening(msgspec.Struct, frozen=True):
    """A session to open: the hash of its secret, for how long, and where it is."""

    id: str
    seconds: int
    address: str = ""
    user_agent: str = ""

    def build(self, agent: Agent, facts: Facts) -> Session:
        """Build the session of an agent, from now on."""
        return Session(
            id=self.id,
            agent=agent.id,
            created_at=facts.now,
            expires_at=facts.now + timedelta(seconds=self.seconds),
            address=self.address[:_ADDRESS_MAX],
            user_agent=self.user_agent[:_USER_AGENT_MAX],
            epoch=agent.epoch,
        )


def _open(
    agent: Agent, opening: Opening, way: Way, facts: Facts
) -> tuple[tuple[Session, Agent], Change]:
    session = opening.build(agent, facts)
    text = f"{agent.email} by {way}{_spell_place(session.address)}"
    actor = Actor(ActorKind.AGENT, agent.id)
    entry = build_entry(EntryKind.SIGNED_IN, facts, actor, text=text)
    return (session, agent), Change(entries=(entry,), records=(session,))


def _spell_place(address: str) -> str:
    return f" from {address}" if address else ""


def _find_welcome(agent_id: str, facts: Facts) -> Agent:
    agent = find_agent(agent_id, facts)
    if agent.disabled_at is not None:
        raise Rejected("agent_disabled", f"{agent.email} is disabled.", status=403)
    return agent


class OpenSession(msgspec.Struct, frozen=True):
    """Open a session for an agent who has shown who they are, by password or a provider.

    `proof` is the password hash that was checked, or the subject that the provider vouches for:
    it must still be the agent's. A subject is bound to the agent the first time.
    """

    agent: str
    way: Way
    proof: str
    opening: Opening

    def needs(self) -> Needs:
        """Ask for the agents."""
        return Needs(agents=True)

    def decide(self, facts: Facts) -> tuple[tuple[Session, Agent], Change]:
        """Decide; raises `Rejected` where the agent may not sign in in this way any more."""
        agent = _find_welcome(self.agent, facts)
        if self.way is not Way.PROVIDER:
            if agent.password_hash != self.proof:
                raise Rejected("sign_in_refused", "The password was changed meanwhile.", status=403)
            return _open(agent, self.opening, self.way, facts)
        if agent.subject == self.proof:
            return _open(agent, self.opening, self.way, facts)
        if agent.subject is not None:
            raise Rejected(
                "sign_in_refused",
                f"{agent.email} signs in as another account of the identity provider.",
                status=403,
            )
        return self._bind(agent, facts)

    def _bind(self, agent: Agent, facts: Facts) -> tuple[tuple[Session, Agent], Change]:
        bound = msgspec.structs.replace(agent, subject=self.proof)
        outcome, opened = _open(bound, self.opening, self.way, facts)
        text = f"agent {agent.email} changed: bound to {self.proof}"
        entry = build_entry(
            EntryKind.SETTING_CHANGED, facts, Actor(ActorKind.AGENT, agent.id), text=text
        )
        return outcome, Change(entries=(entry, *opened.entries), records=(bound, *opened.records))


class MakeSignInLink(msgspec.Struct, frozen=True):
    """Make a link that signs an agent in once. Only the hash of its secret is kept."""

    agent: str
    id: str
    seconds: int
    by: Actor = SYSTEM

    def needs(self) -> Needs:
        """Ask for the agents."""
        return Needs(agents=True)

    def decide(self, facts: Facts) -> tuple[SignInLink, Change]:
        """Decide; raises `Rejected` for an agent that is not there, or disabled."""
        agent = _find_welcome(self.agent, facts)
        link = SignInLink(
            id=self.id,
            agent=agent.id,
            created_at=facts.now,
            expires_at=facts.now + timedelta(seconds=self.seconds),
            epoch=agent.epoch,
        )
        text = f"agent {agent.email}: sign-in link made, good until {link.expires_at:%H:%M} UTC"
        entry = build_entry(EntryKind.SETTING_CHANGED, facts, self.by, text=text)
        return link, Change(entries=(entry,), records=(link,))


class RedeemSignInLink(msgspec.Struct, frozen=True):
    """Take a sign-in link, once, and open a session with it."""

    link: str
    opening: Opening

    def needs(self) -> Needs:
        """Ask for the link and the agents."""
        return Needs(agents=True, links=(self.link,))

    def decide(self, facts: Facts) -> tuple[tuple[Session, Agent], Change]:
        """Decide; raises `Rejected` where the link is not good any more, saying why."""
        link = facts.sign_in_link(self.link)
        if link is None:
            raise Rejected("link_unusable", "This sign-in link is not known.", status=401)
        if link.used_at is not None:
            raise Rejected("link_unusable", "This sign-in link was used already.", status=401)
        agent = _find_welcome(link.agent, facts)
        if link.expires_at <= facts.now or link.epoch != agent.epoch:
            raise Rejected("link_unusable", "This sign-in link is too old.", status=401)
        outcome, opened = _open(agent, self.opening, Way.LINK, facts)
        used = msgspec.structs.replace(link, used_at=facts.now)
        return outcome, Change(entries=opened.entries, records=(*opened.records, used))


class RefuseSignIn(msgspec.Struct, frozen=True):
    """Record that somebody was not let in: as whom they tried, how, from where, and why not."""

    tried: str
    way: Way
    address: str
    why: str
    agent: str | None = None

    def needs(self) -> Needs:
        """Ask for nothing."""
        return Needs()

    def decide(self, facts: Facts) -> tuple[Outcome, Change]:
        """Append it, under the agent it was tried as."""
        actor = SYSTEM if self.agent is None else Actor(ActorKind.AGENT, self.agent)
        place = _spell_place(self.address[:_ADDRESS_MAX])
        entry = build_entry(
            EntryKind.SIGN_IN_REFUSED,
            facts,
            actor,
            text=f"{self.tried} by {self.way}{place}",
            reason=self.why,
        )
        return Outcome(), Change(entries=(entry,))


class CloseSession(msgspec.Struct, frozen=True):
    """Sign out: the session ends."""

    session: str

    def needs(self) -> Needs:
        """Ask for the session."""
        return Needs(sessions=(self.session,))

    def decide(self, facts: Facts) -> tuple[Outcome, Change]:
        """End it; one that has ended stays as it is."""
        session = facts.session(self.session)
        if session is None or not session.is_open(facts.now):
            return Outcome(), Change()
        actor = Actor(ActorKind.AGENT, session.agent)
        text = f"signed out{_spell_place(session.address)}"
        entry = build_entry(EntryKind.SIGNED_OUT, facts, actor, text=text)
        ended = msgspec.structs.replace(session, revoked_at=facts.now)
        return Outcome(), Change(entries=(entry,), records=(ended,))


class RevokeSession(msgspec.Struct, frozen=True):
    """End one session of an agent from elsewhere."""

    session: str
    agent: str
    by: Actor

    def needs(self) -> Needs:
        """Ask for the session and the agents."""
        return Needs(agents=True, sessions=(self.session,))

    def decide(self, facts: Facts) -> tuple[Outcome, Change]:
        """Decide; raises `Rejected` where the agent has no such session."""
        agent = find_agent(self.agent, facts)
        session = facts.session(self.session)
        if session is None or session.agent != agent.id:
            raise Rejected("not_found", f"{agent.email} has no such session.", status=404)
        if not session.is_open(facts.now):
            return Outcome(), Change()
        text = f"a session of {agent.email}{_spell_place(session.address)}"
        entry = build_entry(EntryKind.SESSION_REVOKED, facts, self.by, text=text)
        ended = msgspec.structs.replace(session, revoked_at=facts.now)
        return Outcome(), Change(entries=(entry,), records=(ended,))


class RevokeSessionsOf(msgspec.Struct, frozen=True):
    """End all sessions of an agent at once, and the links that would open new ones.

    `keep` is the session they are asking from, which goes on.
    """

    agent: str
    by: Actor = SYSTEM
    keep: str | None = None

    def needs(self) -> Needs:
        """Ask for the agents and the session to keep."""
        return Needs(agents=True, sessions=() if self.keep is None else (self.keep,))

    def decide(self, facts: Facts) -> tuple[Agent, Change]:
        """Decide; raises `Rejected` for an agent or a session that is not there."""
        known = find_agent(self.agent, facts)
        agent = msgspec.structs.replace(known, epoch=known.epoch + 1)
        kept = self._carry_over(known, agent.epoch, facts)
        text = f"all {'other ' if kept else ''}sessions of {agent.email}"
        entry = build_entry(EntryKind.SESSION_REVOKED, facts, self.by, text=text)
        return agent, Change(entries=(entry,), records=(agent, *kept))

    def _carry_over(self, known: Agent, epoch: int, facts: Facts) -> tuple[Session, ...]:
        if self.keep is None:
            return ()
        session = facts.session(self.keep)
        if session is None or not session.lets_in(known, facts.now):
            raise Rejected("not_found", f"{known.email} has no such open session.", status=404)
        return (msgspec.structs.replace(session, epoch=epoch),)
