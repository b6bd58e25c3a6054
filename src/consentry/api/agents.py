"""Agents: the people who sign in at the console, with what they may do there."""

import secrets
from datetime import datetime
from typing import Annotated, Final

import msgspec
from msgspec import UNSET, UnsetType

from consentry.actions.keep_agents import SaveAgent
from consentry.actions.sign_in import MakeSignInLink, hash_sign_in_secret, sign_in_path
from consentry.api.listing import Listing, whole
from consentry.api.operations import Answer, Call, Operation, Tag
from consentry.api.parameters import NOT_BLANK
from consentry.api.problems import Problem
from consentry.domain.agents import Agent, Role
from consentry.ports import Scope

Email = Annotated[
    str,
    msgspec.Meta(
        min_length=3,
        max_length=254,
        pattern=r"^[^@\s\x00-\x1f\x7f]+@[^@\s\x00-\x1f\x7f]+$",
        description="How they sign in; kept in lower case, and one agent's alone.",
    ),
]
Name = Annotated[str, msgspec.Meta(min_length=1, max_length=200, pattern=NOT_BLANK)]
AgentRole = Annotated[
    Role | None,
    msgspec.Meta(description="What they may do; null: known, but without access."),
]
Brands = Annotated[
    tuple[Annotated[str, msgspec.Meta(min_length=1, max_length=200)], ...],
    msgspec.Meta(max_length=100, description="The brands they work for; none: every brand."),
]


class NewAgent(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Somebody who may sign in."""

    email: Email
    name: Name
    role: AgentRole
    brands: Brands = ()


class AgentChange(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What to change of an agent; what is left out stays. `disabled` ends every session."""

    email: Email | UnsetType = UNSET
    name: Name | UnsetType = UNSET
    role: AgentRole | UnsetType = UNSET
    brands: Brands | UnsetType = UNSET
    disabled: bool | UnsetType = UNSET


class AgentView(msgspec.Struct, frozen=True):
    """An agent without what lets them in; `has_password` and `is_bound` say what there is."""

    id: str
    email: str
    name: str
    role: Role | None
    brands: tuple[str, ...]
    created_at: datetime
    disabled_at: datetime | None
    has_password: bool
    is_bound: bool


class NewAgentAnswer(AgentView, frozen=True):
    """A new agent with a link that signs them in once; it is shown this once."""

    sign_in_link: str


def _fields(agent: Agent) -> dict[str, object]:
    return {
        "id": agent.id,
        "email": agent.email,
        "name": agent.name,
        "role": agent.role,
        "brands": agent.brands,
        "created_at": agent.created_at,
        "disabled_at": agent.disabled_at,
        "has_password": agent.password_hash is not None,
        "is_bound": agent.subject is not None,
    }


def _view(agent: Agent) -> AgentView:
    return msgspec.convert(_fields(agent), AgentView)


async def list_agents(call: Call[None, None]) -> Answer:
    """List the agents, disabled ones too."""
    return Answer(whole([_view(agent) for agent in await call.services.store.read_agents()]))


async def create_agent(call: Call[NewAgent, None]) -> Answer:
    """Add an agent, and make a link that signs them in."""
    services, asked = call.services, call.body
    new = Agent("", asked.email, asked.name, asked.role, services.clock.now(), asked.brands)
    agent = await services.store.submit(SaveAgent(new, call.actor))
    secret = secrets.token_urlsafe(32)
    link_id = hash_sign_in_secret(secret)
    await services.store.submit(
        MakeSignInLink(agent.id, link_id, services.link_seconds, call.actor)
    )
    link = f"{call.base_url}{sign_in_path(secret)}"
    shown = msgspec.convert({**_fields(agent), "sign_in_link": link}, NewAgentAnswer)
    return Answer(shown, status=201)


async def change_agent(call: Call[AgentChange, None]) -> Answer:
    """Change an agent; it counts from their next click."""
    known, asked = await _agent_in_path(call), call.body
    disabled_at = known.disabled_at
    if asked.disabled is not UNSET:
        disabled_at = call.services.clock.now() if asked.disabled else None
    agent = msgspec.structs.replace(
        known,
        email=known.email if asked.email is UNSET else asked.email,
        name=known.name if asked.name is UNSET else asked.name,
        role=known.role if asked.role is UNSET else asked.role,
        brands=known.brands if asked.brands is UNSET else asked.brands,
        disabled_at=disabled_at,
    )
    return Answer(_view(await call.services.store.submit(SaveAgent(agent, call.actor))))


async def _agent_in_path(call: Call[AgentChange, None]) -> Agent:
    for agent in await call.services.store.read_agents():
        if agent.id == call.path["id"]:
            return agent
    raise Problem("not_found", f"There is no agent {call.path['id']!a}. List the agents.")


_AGENT: Final = {
    "id": "agt_01KAPZ5V0Q3M9X8ZC4T2N6R7HD",
    "email": "ada@example.org",
    "name": "Ada Example",
    "role": "agent",
    "brands": ["brd_01KAPZ5V0Q3M9X8ZC4T2N6R7HD"],
    "created_at": "2026-05-01T12:00:00Z",
    "disabled_at": None,
    "has_password": False,
    "is_bound": False,
}
_REFUSALS: Final = ("invalid_brands", "already_exists", "invalid_email", "name_missing")

OPERATIONS: Final = (
    Operation(
        method="GET",
        path="/v1/agents",
        tag=Tag.SETTING_UP,
        summary="Agents",
        handler=list_agents,
        scope=Scope.ADMIN,
        answers={200: Listing[AgentView]},
        answer_example={"items": [_AGENT], "next": None},
    ),
    Operation(
        method="POST",
        path="/v1/agents",
        tag=Tag.SETTING_UP,
        summary="Add an agent",
        description="The answer holds a link that signs them in once, and nobody sees it again.",
        handler=create_agent,
        scope=Scope.ADMIN,
        body=NewAgent,
        answers={201: NewAgentAnswer},
        errors=_REFUSALS,
        example={"email": "ada@example.org", "name": "Ada Example", "role": "agent"},
        answer_example={
            **_AGENT,
            "brands": [],
            "sign_in_link": "https://sms.example.org/console/sign-in?token=…",
        },
    ),
    Operation(
        method="PATCH",
        path="/v1/agents/{id}",
        tag=Tag.SETTING_UP,
        summary="Change an agent",
        description="Role and brands count from their next click. `disabled` ends every session "
        "and sign-in link of theirs. The last admin can be neither disabled nor demoted.",
        handler=change_agent,
        scope=Scope.ADMIN,
        body=AgentChange,
        answers={200: AgentView},
        errors=("not_found", "last_admin", *_REFUSALS),
        example={"role": "compliance"},
    ),
)
