"""Signing in through the company's identity provider: there, and back with its word."""

import base64
import hmac
import secrets
from typing import Final

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from consentry.actions.keep_agents import NAME_CHARACTERS_MAX, SaveAgent
from consentry.actions.sign_in import OpenSession, Way
from consentry.console.guard import SIGN_IN, shield
from consentry.console.identity import Flow, Identity, IdentityProvider, ProviderFault
from consentry.console.origin import own_path
from consentry.console.rendering import Renderer
from consentry.console.services import ConsoleServices
from consentry.console.sign_in import SignInPages
from consentry.domain.agents import Agent, read_email
from consentry.ports import Rejected

BEGIN: Final = f"{SIGN_IN}/provider"
RETURN: Final = f"{SIGN_IN}/provider/return"
_COOKIE: Final = "consentry_provider"
_SECONDS_MAX: Final = 600
_SOMEBODY: Final = "somebody"


class ProviderPages:
    """The way to the provider, and the way back."""

    def __init__(
        self,
        services: ConsoleServices,
        renderer: Renderer,
        pages: SignInPages,
        provider: IdentityProvider,
    ) -> None:
        self._services = services
        self._renderer = renderer
        self._pages = pages
        self._provider = provider
        self._key = services.sessions.derive_key("identity provider")

    def routes(self) -> list[Route]:
        """List the routes."""
        return [Route(BEGIN, self._begin), Route(RETURN, self._return)]

    async def _begin(self, request: Request) -> Response:
        return await shield(self._renderer, self._lead_there(request))

    async def _lead_there(self, request: Request) -> Response:
        """Lead to the provider; the browser keeps what the answer must fit to."""
        issued = int(self._services.clock.now().timestamp())
        asked = own_path(request.query_params.get("next", ""))
        shown = base64.urlsafe_b64encode(asked.encode("ascii")).decode("ascii")
        kept = f"{secrets.token_urlsafe(32)}.{issued}.{shown}"
        try:
            address = await self._provider.begin(Flow.derive(self._key, kept), self._url(request))
        except ProviderFault as fault:
            return await self._refuse(request, _SOMEBODY, fault)
        response = RedirectResponse(address, status_code=303, headers={"Cache-Control": "no-store"})
        self._services.sessions.set_cookie(response, request, _COOKIE, kept, seconds=_SECONDS_MAX)
        return response

    async def _return(self, request: Request) -> Response:
        response = await shield(self._renderer, self._finish(request))
        self._services.sessions.set_cookie(response, request, _COOKIE, "", seconds=0)
        return response

    async def _finish(self, request: Request) -> Response:
        """Take the provider's answer, and let in whom it vouches for."""
        wait = await self._pages.begin_try(request, None)
        if wait is not None:
            return await self._pages.turn_away(request, _SOMEBODY, Way.PROVIDER, wait)
        tried = _SOMEBODY
        try:
            flow, asked = self._find_flow(request)
            answer = dict(request.query_params)
            identity = await self._provider.finish(flow, self._url(request), answer)
            tried = read_email(identity.email) or tried
            agent = await self._admit(identity)
            secret, opening = self._services.sessions.prepare(request)
            command = OpenSession(agent.id, Way.PROVIDER, identity.known_as, opening)
            return await self._pages.open(request, command, secret, asked)
        except ProviderFault as fault:
            return await self._refuse(request, tried, fault)
        except Rejected as rejected:
            message = f"{rejected} Ask an admin to let you in."
            return await self._refuse(request, tried, ProviderFault(message, str(rejected)))

    def _find_flow(self, request: Request) -> tuple[Flow, str]:
        """Find the sign-in that this answer is to, and the page that was first asked for."""
        name = self._services.sessions.cookie_name(request, _COOKIE)
        kept = request.cookies.get(name, "")
        flow = Flow.derive(self._key, kept)
        state = request.query_params.get("state", "").encode("utf-8", "surrogatepass")
        # The state was derived from the cookie with our key: one that fits was made by us.
        fits = bool(kept) and hmac.compare_digest(flow.state.encode(), state)
        _, issued, asked = kept.split(".") if fits else ("", "0", "")
        age_seconds = int(self._services.clock.now().timestamp()) - int(issued)
        if not 0 <= age_seconds <= _SECONDS_MAX:
            raise ProviderFault(
                "This sign-in was not begun in this browser, or too long ago. Begin again.",
                "the answer fits to no sign-in begun in this browser (state)",
            )
        return flow, own_path(base64.urlsafe_b64decode(asked).decode("ascii"))

    async def _admit(self, identity: Identity) -> Agent:
        """Find the agent whom the provider vouches for; raises `ProviderFault`, `Rejected`."""
        email = read_email(identity.email)
        if email is None or not identity.is_email_verified:
            raise ProviderFault(
                f"{self._provider.label} has not verified your email address. Verify it there, "
                "then sign in again.",
                "the provider has not verified the email",
            )
        agents = await self._services.store.read_agents()
        bound = [agent for agent in agents if agent.subject == identity.known_as]
        known = bound or [agent for agent in agents if agent.email == email]
        if known:
            return known[0]
        if not self._provider.takes_in:
            raise ProviderFault(
                f"Nobody has added {email} as an agent. Ask an admin to add you.",
                "no agent has this email",
            )
        name = identity.name.strip()[:NAME_CHARACTERS_MAX] or email
        new = Agent("", email, name, None, self._services.clock.now())
        return await self._services.store.submit(SaveAgent(new))

    async def _refuse(self, request: Request, tried: str, fault: ProviderFault) -> Response:
        await self._pages.record_refusal(request, tried, Way.PROVIDER, fault.why)
        return self._pages.show_form(error=str(fault), status=403)

    def _url(self, request: Request) -> str:
        """The address that the provider leads back to, which must be registered there."""
        base = self._services.public_url or f"{request.url.scheme}://{request.url.netloc}"
        return f"{base}{RETURN}"
