"""Commands about agents: the people who sign in at the console."""

import sys
from enum import StrEnum
from getpass import getpass
from typing import Annotated

import msgspec
import typer

from consentry.actions.keep_agents import SaveAgent, SetPassword
from consentry.actions.sign_in import RevokeSessionsOf
from consentry.cli.database import with_store
from consentry.cli.output import JSONFlag, fail, print_json, print_table
from consentry.clock import SystemClock
from consentry.console.passwords import hash_password
from consentry.domain.agents import Agent, Role, find_password_fault, read_email
from consentry.opening import make_sign_in_link
from consentry.ports import Session, Store
from consentry.settings import Settings

agent_app = typer.Typer(help="The people who sign in at the console.", no_args_is_help=True)


class RoleChoice(StrEnum):
    """A role, or none: known, but without access."""

    AGENT = "agent"
    COMPLIANCE = "compliance"
    ADMIN = "admin"
    NONE = "none"


def register(app: typer.Typer) -> None:
    """Add these commands."""
    app.add_typer(agent_app, name="agent")


RoleOption = Annotated[
    RoleChoice, typer.Option(help="What they may do; none: known, but without access.")
]
BrandOption = Annotated[
    list[str] | None,
    typer.Option("--brand", help="A brand they work for; again for more. Default: every brand."),
]
PasswordFlag = Annotated[
    bool, typer.Option("--password-stdin", help="Read a password from standard input.")
]


def _read_role(choice: RoleChoice) -> Role | None:
    return None if choice is RoleChoice.NONE else Role(choice)


def _read_password(email: str, name: str) -> str:
    """Read a password from standard input, and hash it; one that cannot be ends with code 2."""
    if sys.stdin.isatty():
        password = getpass(f"Password for {email}: ")
    else:
        password = sys.stdin.readline().rstrip("\r\n")
    fault = find_password_fault(password, email=email, name=name)
    if fault is not None:
        fail(f"This password cannot be used. {fault}", code=2)
    return hash_password(password)


async def _find(store: Store, email: str) -> Agent:
    agents = {agent.email: agent for agent in await store.read_agents()}
    known = agents.get(read_email(email) or "")
    if known is None:
        fail(f"There is no agent {email!r}. See: consentry agent list", code=1)
    return known


def _show(agent: Agent) -> dict[str, object]:
    """Show an agent without what would let anybody in."""
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


@agent_app.command("add")
def add_agent(
    email: str,
    *,
    name: Annotated[str, typer.Option(help="Their name; colleagues see it.")],
    role: RoleOption = RoleChoice.AGENT,
    brand: BrandOption = None,
    password_stdin: PasswordFlag = False,
    as_json: JSONFlag = False,
) -> None:
    """Add somebody who may sign in, and print a link that signs them in once.

    Example: consentry agent add ada@example.org --name "Ada Example" --role admin
    """
    password_hash = _read_password(email, name) if password_stdin else None

    async def save(store: Store, settings: Settings) -> tuple[Agent, str]:
        now = SystemClock().now()
        new = Agent("", email, name, _read_role(role), now, tuple(brand or ()))
        agent = await store.submit(SaveAgent(new))
        if password_hash is not None:
            agent = await store.submit(SetPassword(agent.id, password_hash))
        return agent, await make_sign_in_link(store, agent, settings)

    agent, link = with_store(save)
    if as_json:
        print_json({**_show(agent), "sign_in_link": link})
        return
    sys.stdout.write(f"Agent {agent.email} is added. This link signs them in once:\n  {link}\n")


@agent_app.command("list")
def list_agents(*, as_json: JSONFlag = False) -> None:
    """List the agents.

    Example: consentry agent list
    """

    async def load(store: Store, _settings: Settings) -> list[Agent]:
        return await store.read_agents()

    agents = with_store(load)
    if as_json:
        print_json([_show(agent) for agent in agents])
        return
    rows = [
        (
            agent.email,
            agent.name,
            agent.role or "none",
            " ".join(agent.brands) or "every brand",
            "active" if agent.disabled_at is None else "disabled",
        )
        for agent in agents
    ]
    columns = ("email", "name", "role", "brands", "state")
    print_table(columns, rows, empty="No agent yet. Next: consentry agent add")


@agent_app.command("change")
def change_agent(
    email: str,
    *,
    name: Annotated[str | None, typer.Option(help="A new name.")] = None,
    role: Annotated[
        RoleChoice | None, typer.Option(help="A new role; none takes all access away.")
    ] = None,
    brand: Annotated[
        list[str] | None, typer.Option("--brand", help="The brands they work for from now on.")
    ] = None,
    every_brand: Annotated[bool, typer.Option(help="They work for every brand.")] = False,
    as_json: JSONFlag = False,
) -> None:
    """Change name, role or brands of an agent; it counts from their next click.

    Example: consentry agent change ada@example.org --role compliance --brand retale
    """
    if brand and every_brand:
        fail("Name brands with --brand, or all of them with --every-brand, not both.", code=2)

    async def save(store: Store, _settings: Settings) -> Agent:
        agent = await _find(store, email)
        if name is not None:
            agent = msgspec.structs.replace(agent, name=name)
        if role is not None:
            agent = msgspec.structs.replace(agent, role=_read_role(role))
        if brand or every_brand:
            agent = msgspec.structs.replace(agent, brands=tuple(brand or ()))
        return await store.submit(SaveAgent(agent))

    _tell(with_store(save), "is changed", as_json=as_json)


def _tell(agent: Agent, done: str, *, as_json: bool) -> None:
    if as_json:
        print_json(_show(agent))
    else:
        sys.stdout.write(f"Agent {agent.email} {done}.\n")


@agent_app.command("disable")
def disable_agent(email: str, *, as_json: JSONFlag = False) -> None:
    """Let somebody in no more: all their sessions and sign-in links end at once.

    Example: consentry agent disable ada@example.org
    """

    async def save(store: Store, _settings: Settings) -> Agent:
        agent = await _find(store, email)
        off = msgspec.structs.replace(agent, disabled_at=SystemClock().now())
        return await store.submit(SaveAgent(off))

    _tell(with_store(save), "is disabled, and signed out everywhere", as_json=as_json)


@agent_app.command("enable")
def enable_agent(email: str, *, as_json: JSONFlag = False) -> None:
    """Let somebody in again who was disabled.

    Example: consentry agent enable ada@example.org
    """

    async def save(store: Store, _settings: Settings) -> Agent:
        agent = msgspec.structs.replace(await _find(store, email), disabled_at=None)
        return await store.submit(SaveAgent(agent))

    _tell(with_store(save), "may sign in again", as_json=as_json)


@agent_app.command("link")
def make_link(email: str, *, as_json: JSONFlag = False) -> None:
    """Print a link that signs an agent in once.

    Example: consentry agent link ada@example.org
    """

    async def save(store: Store, settings: Settings) -> tuple[str, int]:
        agent = await _find(store, email)
        return await make_sign_in_link(store, agent, settings), settings.sign_in_link_minutes

    link, minutes = with_store(save)
    if as_json:
        print_json({"sign_in_link": link, "minutes": minutes})
    else:
        sys.stdout.write(f"{link}\nIt works once, within {minutes} minutes.\n")


@agent_app.command("password")
def set_password(
    email: str,
    *,
    remove: Annotated[bool, typer.Option(help="Take the password away instead.")] = False,
    as_json: JSONFlag = False,
) -> None:
    """Give an agent a new password, read from standard input; all their sessions end.

    Example: consentry agent password ada@example.org < password.txt
    """

    async def save(store: Store, _settings: Settings) -> Agent:
        agent = await _find(store, email)
        password_hash = None if remove else _read_password(agent.email, agent.name)
        return await store.submit(SetPassword(agent.id, password_hash))

    done = "has no password any more" if remove else "has a new password"
    _tell(with_store(save), f"{done}, and is signed out everywhere", as_json=as_json)


@agent_app.command("sessions")
def show_sessions(
    email: str,
    *,
    revoke: Annotated[bool, typer.Option(help="End them all.")] = False,
    as_json: JSONFlag = False,
) -> None:
    """List where an agent is signed in, or end all of these sessions.

    Example: consentry agent sessions ada@example.org --revoke
    """

    async def load(store: Store, _settings: Settings) -> list[Session]:
        agent, now = await _find(store, email), SystemClock().now()
        known = await store.read_sessions(agent.id)
        if revoke:
            await store.submit(RevokeSessionsOf(agent.id))
        return [session for session in known if session.lets_in(agent, now)]

    sessions = with_store(load)
    if as_json:
        shown = [
            {
                "created_at": session.created_at,
                "expires_at": session.expires_at,
                "address": session.address,
                "user_agent": session.user_agent,
            }
            for session in sessions
        ]
        print_json({"sessions": shown, "revoked": revoke})
        return
    rows = [
        (f"{s.created_at:%Y-%m-%d %H:%M}", s.address or "unknown", s.user_agent or "unknown")
        for s in sessions
    ]
    print_table(("since (UTC)", "address", "browser"), rows, empty="They are signed in nowhere.")
    if revoke:
        sys.stdout.write(f"All sessions and sign-in links of {email} have ended.\n")
