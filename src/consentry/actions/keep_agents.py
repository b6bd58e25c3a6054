"""Agents: added and changed, their passwords, and never without an admin who can sign in."""

from typing import Final

import msgspec

from consentry.actions.record_audit import SYSTEM, audit_setting, build_entry
from consentry.domain.agents import Agent, Role, read_email
from consentry.domain.entries import Actor, EntryKind
from consentry.ports import Change, Facts, Needs, Rejected

NAME_CHARACTERS_MAX: Final = 200
_NOT_TOLD: Final = ("created_at", "password_hash", "subject", "epoch")


def find_agent(agent_id: str, facts: Facts) -> Agent:
    """Find an agent; raises `Rejected` where there is none."""
    for agent in facts.agents():
        if agent.id == agent_id:
            return agent
    raise Rejected("not_found", f"There is no agent {agent_id!r}.", status=404)


def _is_acting_admin(agent: Agent) -> bool:
    return agent.role is Role.ADMIN and agent.disabled_at is None


class SaveAgent(msgspec.Struct, frozen=True):
    """Add an agent, or change one: email, name, role, brands, disabled or not.

    How they sign in (password, provider) stays as it is. Disabling ends every session.
    """

    agent: Agent
    by: Actor = SYSTEM

    def needs(self) -> Needs:
        """Ask for all agents: an email belongs to one, and an admin must remain."""
        return Needs(agents=True)

    def decide(self, facts: Facts) -> tuple[Agent, Change]:
        """Decide; raises `Rejected` for what does not fit, and for the last admin's end."""
        known = find_agent(self.agent.id, facts) if self.agent.id else None
        email = self._read_email(facts)
        name = self._read_name()
        self._check_brands(facts)
        agent = Agent(
            id=facts.ids.new("agt") if known is None else known.id,
            email=email,
            name=name,
            role=self.agent.role,
            created_at=facts.now if known is None else known.created_at,
            brands=tuple(dict.fromkeys(self.agent.brands)),
        )
        if self.agent.disabled_at is not None:
            agent = msgspec.structs.replace(agent, disabled_at=facts.now)
        if known is not None:
            agent = _carry_over(known, agent)
            _check_admin_remains(agent, facts)
        entries = audit_setting(
            f"agent {email}", known, agent, facts=facts, by=self.by, hidden=_NOT_TOLD
        )
        return agent, Change(entries=entries, records=(agent,))

    def _read_email(self, facts: Facts) -> str:
        email = read_email(self.agent.email)
        if email is None:
            raise Rejected(
                "invalid_email",
                f"{self.agent.email[:80]!r} is no email address. Write it as name@example.org.",
                status=422,
            )
        if any(a.email == email and a.id != self.agent.id for a in facts.agents()):
            raise Rejected(
                "already_exists",
                f"{email} belongs to another agent. Change that one, or use another email.",
                status=409,
            )
        return email

    def _read_name(self) -> str:
        name = self.agent.name.strip()
        if not name:
            raise Rejected("name_missing", "An agent needs a name: colleagues see it.", status=422)
        if len(name) > NAME_CHARACTERS_MAX:
            raise Rejected(
                "name_too_long",
                f"The name has {len(name)} characters; at most {NAME_CHARACTERS_MAX} are allowed.",
                status=422,
            )
        return name

    def _check_brands(self, facts: Facts) -> None:
        for brand in self.agent.brands:
            if brand not in facts.directory.brands:
                raise Rejected(
                    "invalid_brands", f"There is no brand {brand!r}. Add it first.", status=422
                )


def _carry_over(known: Agent, agent: Agent) -> Agent:
    """Keep how they sign in and since when they are disabled; being disabled ends all sessions."""
    newly_disabled = agent.disabled_at is not None and known.disabled_at is None
    return msgspec.structs.replace(
        agent,
        password_hash=known.password_hash,
        subject=known.subject,
        disabled_at=agent.disabled_at and (known.disabled_at or agent.disabled_at),
        epoch=known.epoch + newly_disabled,
    )


def _check_admin_remains(agent: Agent, facts: Facts) -> None:
    """Refuse to leave nobody who could let others in again."""
    before = [a for a in facts.agents() if _is_acting_admin(a)]
    if not _is_acting_admin(agent) and [a.id for a in before] == [agent.id]:
        raise Rejected(
            "last_admin",
            f"{agent.email} is the only admin who can sign in. Make somebody else admin first.",
            status=409,
        )


class SetPassword(msgspec.Struct, frozen=True):
    """Give an agent a new password, as its hash, or none. Every session and link of theirs ends."""

    agent: str
    password_hash: str | None
    by: Actor = SYSTEM

    def needs(self) -> Needs:
        """Ask for the agents."""
        return Needs(agents=True)

    def decide(self, facts: Facts) -> tuple[Agent, Change]:
        """Decide; raises `Rejected` for an agent that is not there."""
        known = find_agent(self.agent, facts)
        agent = msgspec.structs.replace(
            known, password_hash=self.password_hash, epoch=known.epoch + 1
        )
        done = "removed" if self.password_hash is None else "changed"
        text = f"agent {known.email} changed: password {done}, all sessions ended"
        entry = build_entry(EntryKind.SETTING_CHANGED, facts, self.by, text=text)
        return agent, Change(entries=(entry,), records=(agent,))


class RenewPasswordHash(msgspec.Struct, frozen=True):
    """Keep the same password hashed with newer parameters, unless it was changed meanwhile."""

    agent: str
    old_hash: str
    new_hash: str

    def needs(self) -> Needs:
        """Ask for the agents."""
        return Needs(agents=True)

    def decide(self, facts: Facts) -> tuple[bool, Change]:
        """Replace the hash where it is still the old one."""
        agent = find_agent(self.agent, facts)
        if agent.password_hash != self.old_hash:
            return False, Change()
        renewed = msgspec.structs.replace(agent, password_hash=self.new_hash)
        return True, Change(records=(renewed,))
