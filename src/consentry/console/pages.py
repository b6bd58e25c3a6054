"""What a page of the console is: one row of the table that makes routes, guards and tests."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from consentry.console.rendering import Renderer
from consentry.console.services import ConsoleServices
from consentry.domain.agents import Agent, Permission
from consentry.domain.directory import Sender
from consentry.domain.entries import Actor, ActorKind
from consentry.ports import Session
from consentry.wire.forms import Form

NO_FORM: Final = Form(pairs=(), first={})


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """One request of an agent who is signed in and may see this page.

    `form` holds the fields of a POST, whose token was checked; it is empty for a GET. `waiting`:
    how many texts are to be reviewed, which stands on every whole page.
    """

    request: Request
    agent: Agent
    session: Session
    services: ConsoleServices
    renderer: Renderer
    form_token: str
    form: Form = NO_FORM
    waiting: int = 0

    @property
    def actor(self) -> Actor:
        """Who is to be written down as having done this."""
        return Actor(ActorKind.AGENT, self.agent.id)

    @property
    def is_fragment(self) -> bool:
        """Tell whether the page's script asks for a part of the page, to put it in its place."""
        return self.request.headers.get("hx-request") == "true"

    def path(self, name: str) -> str:
        """Read a parameter of the path; a NUL, which no name has, is left out."""
        return str(self.request.path_params[name]).replace("\0", "")

    def query(self, name: str) -> str:
        """Read a parameter of the query, without NUL and white space around it; else empty."""
        return self.request.query_params.get(name, "").replace("\0", "").strip()

    def field(self, name: str) -> str:
        """Read a field of the form; empty where missing."""
        return self.form.first.get(name, "")

    async def senders(self) -> tuple[Sender, ...]:
        """List the senders of the brands that this agent works for."""
        everyone = (await self.services.store.read_directory()).senders.values()
        return tuple(sender for sender in everyone if self.agent.sees(sender.brand))

    async def sender_scope(self) -> tuple[str, ...] | None:
        """Name the senders that lists are held to; None where the agent sees every brand."""
        if not self.agent.brands:
            return None
        return tuple(sender.number for sender in await self.senders())

    def render(self, template: str, *, status: int = 200, **values: object) -> Response:
        """Render a template with what every page shows: who is here and what they may do."""
        return self.renderer.render(
            template,
            status=status,
            agent=self.agent,
            form_token=self.form_token,
            path=self.request.url.path,
            now=self.services.clock.now(),
            waiting=self.waiting,
            **values,
        )

    def missing(self, what: str) -> Response:
        """Say that there is no such thing, or none that this agent may see."""
        return self.render("missing.html", status=404, what=what)

    def go(self, path: str) -> Response:
        """Lead to a page after a POST; the script follows without loading the page anew."""
        if self.is_fragment:
            return Response(status_code=204, headers={"HX-Redirect": path})
        return RedirectResponse(path, status_code=303)


View = Callable[[Visit], Awaitable[Response]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """One page: its path below `/console`, method, who may see it, and what answers.

    `permission` None: everybody who is signed in and has any access; with `needs_no_access` also
    who has none (to sign out). `example` fills the
    parameters of the path where tests and screenshots walk through all pages.
    """

    path: str
    view: View
    permission: Permission | None
    needs_no_access: bool = False
    method: str = "GET"
    example: dict[str, str] = field(default_factory=dict)
    form_bytes_max: int = 65_536


def pages_below(
    path: str, views: Mapping[str, View], *, permission: Permission, example: dict[str, str]
) -> tuple[Page, ...]:
    """Make the pages that forms about one thing are posted to, by what stands behind its path."""
    return tuple(
        Page(path=path + behind, view=view, permission=permission, method="POST", example=example)
        for behind, view in views.items()
    )
