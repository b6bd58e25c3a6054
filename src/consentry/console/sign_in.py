"""Signing in: by password, or by a link that works once."""

import logging
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Final

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from consentry.actions.count_try import CountTry, ForgetTries, Wait
from consentry.actions.keep_agents import RenewPasswordHash
from consentry.actions.sign_in import (
    CloseSession,
    OpenSession,
    RedeemSignInLink,
    RefuseSignIn,
    Way,
    hash_sign_in_secret,
)
from consentry.console.guard import SIGN_IN, read_form, shield
from consentry.console.origin import is_from_here, is_own_doing, own_path
from consentry.console.rendering import Renderer
from consentry.console.services import ConsoleServices
from consentry.console.sessions import client_address
from consentry.domain.agents import Agent, read_email
from consentry.ports import Command, Rejected, Session
from consentry.wire.forms import Form

_FORM_BYTES_MAX: Final = 16_384
_TOKEN_CHARACTERS_MAX: Final = 100
_NO_EMAIL: Final = "something that is no email address"
_WRONG: Final = "Email and password do not belong together."

Opened = Command[tuple[Session, Agent]]
_log = logging.getLogger(__name__)


class SignInPages:
    """Pages for people who are not signed in."""

    def __init__(self, services: ConsoleServices, renderer: Renderer) -> None:
        self._services = services
        self._renderer = renderer

    def routes(self) -> list[Route]:
        """List the routes."""
        return [
            Route(SIGN_IN, self._shielded(self._show), methods=["GET"]),
            Route(SIGN_IN, self._shielded(self._take), methods=["POST"]),
        ]

    def _shielded(
        self, page: Callable[[Request], Awaitable[Response]]
    ) -> Callable[[Request], Awaitable[Response]]:
        async def answer(request: Request) -> Response:
            return await shield(self._renderer, page(request))

        return answer

    async def _show(self, request: Request) -> Response:
        """Show the form; with a link's token, sign in at once.

        A preview, a HEAD or another site's page gets a button to press instead: a link works
        once, and nobody shall be signed in as somebody else by a page they merely look at.
        """
        token = request.query_params.get("token", "")
        asked = own_path(request.query_params.get("next", ""))
        known = await self._services.sessions.find(request)
        if token:
            if known is None and is_own_doing(request):
                return await self._redeem(request, token, asked)
            return self._renderer.render(
                "sign_in_link.html", token=token, next=asked, known=known and known[1]
            )
        if known is not None:
            return RedirectResponse(asked, status_code=303)
        return self.show_form(next_path=asked)

    def show_form(
        self, *, error: str = "", email: str = "", next_path: str = "/console", status: int = 200
    ) -> Response:
        """Show the sign-in form, with what went wrong."""
        return self._renderer.render(
            "sign_in.html",
            status=status,
            error=error,
            email=email,
            next=next_path,
            provider=self._services.provider,
        )

    async def _take(self, request: Request) -> Response:
        """Take the form: a link's token, or email and password."""
        form = await read_form(request, _FORM_BYTES_MAX)
        asked = own_path(form.get("next") or "")
        if not is_from_here(request, self._services.public_url):
            return self.show_form(
                error="This form was sent from another site. Sign in here.",
                next_path=asked,
                status=403,
            )
        token = form.get("token")
        if token is not None:
            return await self._redeem(request, token, asked)
        return await self._check_password(request, form, asked)

    async def _redeem(self, request: Request, token: str, asked: str) -> Response:
        wait = await self.begin_try(request, None)
        if wait is not None:
            return await self.turn_away(request, "somebody", Way.LINK, wait)
        secret, opening = self._services.sessions.prepare(request)
        command = RedeemSignInLink(hash_sign_in_secret(token[:_TOKEN_CHARACTERS_MAX]), opening)
        try:
            return await self.open(request, command, secret, asked)
        except Rejected as rejected:
            await self.record_refusal(request, "somebody", Way.LINK, str(rejected))
            return self.show_form(
                error=f"{rejected} Ask for a new one, or sign in with your password.",
                status=rejected.status,
            )

    async def _check_password(self, request: Request, form: Form, asked: str) -> Response:
        typed = form.get("email") or ""
        email = read_email(typed)
        tried = email or _NO_EMAIL
        wait = await self.begin_try(request, email)
        if wait is not None:
            return await self.turn_away(request, tried, Way.PASSWORD, wait, email=typed)
        agent = await self._find(email)
        stored = None if agent is None else agent.password_hash
        password = form.first.get("password", "")
        verdict = await self._services.passwords.verify(password, stored)
        if agent is None or stored is None or not verdict.is_right:
            why = _say_why_not(agent)
            await self.record_refusal(request, tried, Way.PASSWORD, why, agent=agent)
            return self.show_form(error=_WRONG, email=typed, next_path=asked, status=401)
        secret, opening = self._services.sessions.prepare(request)
        command = OpenSession(agent.id, Way.PASSWORD, stored, opening)
        try:
            response = await self.open(request, command, secret, asked)
        except Rejected as rejected:
            await self.record_refusal(request, tried, Way.PASSWORD, str(rejected), agent=agent)
            error = f"{rejected} Ask an admin to let you in again."
            return self.show_form(error=error, email=typed, status=rejected.status)
        await self._services.store.submit(ForgetTries(agent.email))
        if verdict.renewed is not None:
            self._services.store.post(RenewPasswordHash(agent.id, stored, verdict.renewed))
        return response

    async def _find(self, email: str | None) -> Agent | None:
        agents = await self._services.store.read_agents()
        return next((agent for agent in agents if agent.email == email), None)

    async def open(self, request: Request, command: Opened, secret: str, asked: str) -> Response:
        """Open the session and lead on; raises `Rejected`. One that was open in its place ends."""
        before = await self._services.sessions.find(request)
        await self._services.store.submit(command)
        if before is not None:
            await self._services.store.submit(CloseSession(before[0].id))
        response = RedirectResponse(asked, status_code=303, headers={"Cache-Control": "no-store"})
        self._services.sessions.hand_out(response, request, secret)
        return response

    async def begin_try(self, request: Request, account: str | None) -> Wait | None:
        """Count a try, or tell how long to wait."""
        services = self._services
        command = CountTry(client_address(request), account, services.try_limits)
        return await services.store.submit(command)

    async def turn_away(
        self, request: Request, tried: str, way: Way, wait: Wait, *, email: str = ""
    ) -> Response:
        """Say that there were too many tries, and when to try again."""
        if wait.is_news:
            await self.record_refusal(request, tried, way, "too many tries")
        again_at = self._services.clock.now() + timedelta(seconds=wait.seconds)
        minutes = -(-wait.seconds // 60)
        error = (
            f"There were too many tries. Try again in {minutes} "
            f"{'minute' if minutes == 1 else 'minutes'}, at {again_at:%H:%M:%S} UTC."
        )
        response = self.show_form(error=error, email=email, status=429)
        response.headers["Retry-After"] = str(wait.seconds)
        return response

    async def record_refusal(
        self, request: Request, tried: str, way: Way, why: str, *, agent: Agent | None = None
    ) -> None:
        """Tell the audit that somebody was not let in."""
        known = None if agent is None else agent.id
        address = client_address(request)
        await self._services.store.submit(RefuseSignIn(tried, way, address, why, known))
        _log.info("sign-in by %s refused: %s", way, why)


def _say_why_not(agent: Agent | None) -> str:
    """Say it to the audit, not to who tried."""
    if agent is None:
        return "no agent has this email"
    return "the agent has no password" if agent.password_hash is None else "wrong password"
