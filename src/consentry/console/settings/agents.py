"""Agents: who may sign in, for which brands, and what each role may do."""

import secrets
from typing import Final

import msgspec
from starlette.responses import Response

from consentry.actions.if_unchanged import IfUnchanged
from consentry.actions.keep_agents import SaveAgent
from consentry.actions.sign_in import (
    MakeSignInLink,
    RevokeSessionsOf,
    hash_sign_in_secret,
    sign_in_path,
)
from consentry.console.pages import Page, Visit, pages_below
from consentry.console.settings.filled import Filled, fill, join_several, read_form
from consentry.console.settings.sections import AGENTS, brands_of, check_all_brands, go_saved, show
from consentry.domain.agents import PERMISSIONS, Agent, Permission, Role
from consentry.ports import Rejected, Session

_LINK_BYTES: Final = 32
_NEW: Final = {"email": "", "name": "", "role": "agent", "brands": ""}
_NO_ACCESS: Final = ""
ROLES: Final = {
    Role.AGENT.value: "Agent: answers customers",
    Role.COMPLIANCE.value: "Compliance: reads everything, writes to nobody",
    Role.ADMIN.value: "Admin: may do everything",
    _NO_ACCESS: "No access",
}
PERMISSION_WORDS: Final = {
    Permission.READ_CONVERSATIONS: "Read conversations and profiles",
    Permission.SEND: "Send texts",
    Permission.EDIT_CUSTOMERS: "Change profiles",
    Permission.RECORD_CONSENT: "Record consent and opt-outs that people told",
    Permission.READ_OPT_OUTS: "See the list of opt-outs",
    Permission.IMPORT_OPT_OUTS: "Import opt-outs",
    Permission.EXPORT: "Take lists along as files",
    Permission.READ_REPORTS: "See the reports",
    Permission.READ_AUDIT: "See the audit",
    Permission.READ_SETTINGS: "Look at settings",
    Permission.CHANGE_SETTINGS: "Change settings",
    Permission.MANAGE_AGENTS: "Add and change agents",
    Permission.MANAGE_KEYS: "Make and revoke API keys",
    Permission.SETTLE_DRIFT: "Settle where a carrier and our records differ",
    Permission.ERASE: "Erase people, and take along what is held of them",
}
"""Each permission in words."""

_FIELDS: Final = {
    "invalid_email": "email",
    "already_exists": "email",
    "name_missing": "name",
    "name_too_long": "name",
    "unknown_brand": "brands",
    "last_admin": "role",
}


class AgentRow(msgspec.Struct, frozen=True):
    """An agent in the list, with the names of their brands and their newest session."""

    agent: Agent
    role: str
    brands: tuple[str, ...]
    last: Session | None


async def list_agents(visit: Visit) -> Response:
    """List the agents, those who may come in first, and what each role may do."""
    agents = await visit.services.store.read_agents()
    agents.sort(key=lambda agent: (agent.disabled_at is not None, agent.name.casefold()))
    return await show(
        visit,
        AGENTS,
        "agents.html",
        rows=[await _describe(visit, agent) for agent in agents],
        roles=list(Role),
        may=[
            (words, [permission in PERMISSIONS[role] for role in Role])
            for permission, words in PERMISSION_WORDS.items()
        ],
    )


async def new_agent(visit: Visit) -> Response:
    """Show the form for a new agent."""
    return await _show_form(visit, fill(_NEW), None)


async def add_agent(visit: Visit) -> Response:
    """Add an agent, and show the link with which they sign in the first time."""
    check_all_brands(visit)
    filled = await _check(visit, read_form(visit, _NEW, several=("brands",)))
    blank = Agent("", "", "", None, visit.services.clock.now())
    saved, filled = await _save(visit, filled, blank, None)
    if saved is None:
        return await _show_form(visit, filled, None)
    if saved.role is None:
        return go_saved(visit, AGENTS.path)
    return await _show_link(visit, saved, status=201)


async def show_agent(visit: Visit) -> Response:
    """Show an agent's form, and what else can be done."""
    agent = await _find(visit)
    if agent is None:
        return visit.missing("agent")
    return await _show_form(visit, fill(_stored(agent)), agent)


async def change_agent(visit: Visit) -> Response:
    """Change who an agent is here."""
    check_all_brands(visit)
    known = await _find(visit)
    if known is None:
        return visit.missing("agent")
    filled = await _check(visit, read_form(visit, _stored(known), several=("brands",)))
    saved, filled = await _save(visit, filled, known, known)
    if saved is None:
        return await _show_form(visit, filled, known)
    return go_saved(visit, _path(known), changed=saved != known)


async def make_link(visit: Visit) -> Response:
    """Make a new sign-in link and show it, this once."""
    check_all_brands(visit)
    agent = await _find(visit)
    if agent is None:
        return visit.missing("agent")
    return await _show_link(visit, agent)


async def end_sessions(visit: Visit) -> Response:
    """End all sessions of an agent, and the links that would open new ones."""
    check_all_brands(visit)
    agent = await _find(visit)
    if agent is None:
        return visit.missing("agent")
    await visit.services.store.submit(RevokeSessionsOf(agent.id, visit.actor))
    return visit.go(f"{_path(agent)}?ended=1")


async def switch_agent(visit: Visit) -> Response:
    """Disable an agent, which ends every session, or let them in again."""
    check_all_brands(visit)
    known = await _find(visit)
    if known is None:
        return visit.missing("agent")
    filled = fill(_stored(known))
    disabled_at = visit.services.clock.now() if visit.field("to") == "off" else None
    if disabled_at is not None and known.id == visit.agent.id:
        filled = filled.refused("This is you. Another admin can disable you.")
        return await _show_form(visit, filled, known)
    agent = msgspec.structs.replace(known, disabled_at=disabled_at)
    saved, filled = await _submit(visit, filled, agent, known)
    if saved is None:
        return await _show_form(visit, filled, known)
    return go_saved(visit, _path(known), changed=saved != known)


async def _check(visit: Visit, filled: Filled) -> Filled:
    if filled.values["role"] not in ROLES:
        filled = filled.refused(role="Choose a role.")
    known = {brand.id for brand in await brands_of(visit)}
    if not set(filled.several("brands")) <= known:
        filled = filled.refused(brands="Choose among these.")
    return filled


async def _save(
    visit: Visit, filled: Filled, agent: Agent, known: Agent | None
) -> tuple[Agent | None, Filled]:
    """Save what a form says; give the agent, or the form with what is wrong."""
    if not filled.is_fine:
        return None, filled
    values = filled.values
    changed = msgspec.structs.replace(
        agent,
        email=values["email"],
        name=values["name"],
        role=Role(values["role"]) if values["role"] else None,
        brands=filled.several("brands"),
    )
    return await _submit(visit, filled, changed, known)


async def _submit(
    visit: Visit, filled: Filled, agent: Agent, known: Agent | None
) -> tuple[Agent | None, Filled]:
    save = IfUnchanged(SaveAgent(agent, visit.actor), known)
    try:
        saved = await visit.services.store.submit(save)
    except Rejected as error:
        return None, filled.rejected(error, _FIELDS)
    return (saved if isinstance(saved, Agent) else None), filled


async def _show_link(visit: Visit, agent: Agent, *, status: int = 200) -> Response:
    services = visit.services
    secret = secrets.token_urlsafe(_LINK_BYTES)
    made = await services.store.submit(
        MakeSignInLink(agent.id, hash_sign_in_secret(secret), services.link_seconds, by=visit.actor)
    )
    base = services.public_url or str(visit.request.base_url).rstrip("/")
    return await show(
        visit,
        AGENTS,
        "agent_link.html",
        status=status,
        who=agent,
        link=f"{base}{sign_in_path(secret)}",
        until=made.expires_at,
        back=_path(agent),
    )


async def _show_form(visit: Visit, filled: Filled, agent: Agent | None) -> Response:
    ended = agent is not None and visit.query("ended") == "1"
    return await show(
        visit,
        AGENTS,
        "agent.html",
        status=200 if filled.is_fine else 422,
        form=filled,
        row=None if agent is None else await _describe(visit, agent),
        here=None if agent is None else _path(agent),
        is_self=agent is not None and agent.id == visit.agent.id,
        open_sessions=0 if agent is None else await _count_open(visit, agent),
        ended=ended,
        roles=list(ROLES.items()),
        brands=[(brand.id, brand.name, "") for brand in await brands_of(visit)],
    )


async def _describe(visit: Visit, agent: Agent) -> AgentRow:
    brands = (await visit.services.store.read_directory()).brands
    names = tuple(brands[b].name if b in brands else b for b in agent.brands)
    sessions = await visit.services.store.read_sessions(agent.id)
    role = ROLES[agent.role.value if agent.role else _NO_ACCESS].partition(":")[0]
    return AgentRow(agent, role, names, sessions[0] if sessions else None)


async def _count_open(visit: Visit, agent: Agent) -> int:
    now = visit.services.clock.now()
    sessions = await visit.services.store.read_sessions(agent.id)
    return sum(session.lets_in(agent, now) for session in sessions)


async def _find(visit: Visit) -> Agent | None:
    agents = await visit.services.store.read_agents()
    return next((agent for agent in agents if agent.id == visit.path("id")), None)


def _path(agent: Agent) -> str:
    return f"{AGENTS.path}/{agent.id}"


def _stored(agent: Agent) -> dict[str, str]:
    return {
        "email": agent.email,
        "name": agent.name,
        "role": agent.role.value if agent.role else _NO_ACCESS,
        "brands": join_several(agent.brands),
    }


_MANAGE: Final = Permission.MANAGE_AGENTS
_EXAMPLE: Final = {"id": "agt_1"}
PAGES: Final = (
    Page(path="/settings/agents", view=list_agents, permission=Permission.READ_SETTINGS),
    Page(path="/settings/new-agent", view=new_agent, permission=_MANAGE),
    Page(path="/settings/new-agent", view=add_agent, permission=_MANAGE, method="POST"),
    Page(
        path="/settings/agents/{id}",
        view=show_agent,
        permission=Permission.READ_SETTINGS,
        example=_EXAMPLE,
    ),
    *pages_below(
        "/settings/agents/{id}",
        {
            "": change_agent,
            "/link": make_link,
            "/sessions": end_sessions,
            "/switch": switch_agent,
        },
        permission=_MANAGE,
        example=_EXAMPLE,
    ),
)
