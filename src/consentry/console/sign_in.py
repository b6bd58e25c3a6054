"""The sign-in page, and the way in by a one-time link."""

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from consentry.console.rendering import Renderer
from consentry.console.services import ConsoleServices
from consentry.console.sessions import SESSION_COOKIE


class SignInPages:
    """Pages for people who are not signed in."""

    def __init__(self, services: ConsoleServices, renderer: Renderer) -> None:
        self._services = services
        self._renderer = renderer

    def routes(self) -> list[Route]:
        """List the routes."""
        return [Route("/console/sign-in", self.sign_in)]

    async def sign_in(self, request: Request) -> Response:
        """Take a one-time link and open a session."""
        token = request.query_params.get("token", "")
        session = self._services.sessions.redeem(token)
        if session is None:
            return self._renderer.render("sign_in.html", status=401, used=bool(token))
        response = RedirectResponse("/console", status_code=303)
        response.set_cookie(
            SESSION_COOKIE,
            session,
            httponly=True,
            samesite="lax",
            secure=request.url.scheme == "https",
        )
        return response
