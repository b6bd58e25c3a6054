"""Who comes in: every page passes here, once, before its own code runs."""

import gzip
import logging
from collections.abc import Awaitable
from dataclasses import replace
from typing import Final
from urllib.parse import quote

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from consentry.console.origin import is_from_here
from consentry.console.pages import NO_FORM, Page, Visit
from consentry.console.rendering import Renderer
from consentry.console.services import ConsoleServices
from consentry.domain.agents import Agent, Permission
from consentry.ports import LogDamaged, Rejected, StoreUnavailable, TextSealed
from consentry.wire.forms import Form, FormError, parse_form

SIGN_IN: Final = "/console/sign-in"
FORM_TOKEN: Final = "form_token"  # noqa: S105 - the name of a field, not a secret

_COMPRESSION: Final = 4
"""Little effort: most of what it gains, in a millisecond a page."""

_log = logging.getLogger(__name__)


class FormRefused(Exception):
    """A form that is not taken: `status` is the HTTP status, the message is for people."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


async def shield(renderer: Renderer, answer: Awaitable[Response]) -> Response:
    """Answer, whatever goes wrong: what people can mend is told to them as a page."""

    def tell(status: int, title: str, message: str) -> Response:
        return renderer.render("told.html", status=status, title=title, message=message)

    try:
        return await answer
    except FormRefused as error:
        return tell(error.status, "This form was not taken", str(error))
    except Rejected as error:
        return tell(error.status, "That is not possible", str(error))
    except LogDamaged as error:
        _log.error("ledger_damaged", extra={"why": str(error)})
        return tell(503, "The ledger's log is damaged", str(error))
    except TextSealed as error:
        _log.error("text_sealed", extra={"why": str(error)})
        return tell(503, "A text cannot be opened", str(error))
    except StoreUnavailable:
        _log.exception("the console cannot be served")
        return tell(
            503,
            "The database does not answer",
            "Nothing was changed. Try again in a few seconds; if it stays so, tell the people "
            "who run this server.",
        )


def compress(request: Request, response: HTMLResponse) -> None:
    """Compress a page for who takes it so: lists are many times smaller on the wire."""
    response.headers["Vary"] = "Accept-Encoding"
    if "gzip" not in request.headers.get("accept-encoding", ""):
        return
    response.body = gzip.compress(bytes(response.body), _COMPRESSION, mtime=0)
    response.headers["Content-Encoding"] = "gzip"
    response.headers["Content-Length"] = str(len(response.body))


class Guard:
    """Lets agents in to the pages that they may see; everybody else is told what to do."""

    def __init__(self, services: ConsoleServices, renderer: Renderer) -> None:
        self._services = services
        self._renderer = renderer

    async def admit(self, page: Page, request: Request) -> Response:
        """Answer a request for a page, whatever goes wrong in it."""
        response = await shield(self._renderer, self._admit(page, request))
        response.headers.setdefault("Cache-Control", "no-store")
        self._services.measuring.note_request(f"/console{page.path}", response.status_code)
        if isinstance(response, HTMLResponse):
            compress(request, response)
        return response

    async def _admit(self, page: Page, request: Request) -> Response:
        known = await self._services.sessions.find(request)
        if known is None:
            return _to_sign_in(request)
        session, agent = known
        form_token = self._services.sessions.form_token(session.id)
        if not _may_see(agent, page):
            return self._renderer.render(
                "no_access.html", status=403, agent=agent, form_token=form_token
            )
        form = NO_FORM
        if page.method != "GET":
            form = await read_form(request, page.form_bytes_max)
            self._check_token(session.id, form)
            if not is_from_here(request, self._services.public_url):
                raise FormRefused(403, "This form was sent from another site. Nothing was done.")
        visit = Visit(
            request=request,
            agent=agent,
            session=session,
            services=self._services,
            renderer=self._renderer,
            form_token=form_token,
            form=form,
        )
        return await page.view(await _count_waiting(visit))

    def _check_token(self, session_id: str, form: Form) -> None:
        token = form.get(FORM_TOKEN) or ""
        if not self._services.sessions.is_form_token(session_id, token):
            raise FormRefused(403, "This page is too old to send from. Load it again, then send.")


async def _count_waiting(visit: Visit) -> Visit:
    """Count what is to be reviewed, for who may see it; a part of a page does not tell it."""
    if visit.is_fragment or not visit.agent.may(Permission.READ_CONVERSATIONS):
        return visit
    waiting = await visit.services.store.count_reviews(await visit.sender_scope())
    return replace(visit, waiting=waiting)


def _may_see(agent: Agent, page: Page) -> bool:
    if agent.role is None:
        return page.needs_no_access
    return page.permission is None or agent.may(page.permission)


def _to_sign_in(request: Request) -> Response:
    """Lead to the sign-in page, and from there back; a script is told to go there too."""
    asked = request.url.path if request.method == "GET" else "/console"
    if request.method == "GET" and request.url.query:
        asked = f"{asked}?{request.url.query}"
    if request.headers.get("hx-request") == "true":
        return Response(status_code=401, headers={"HX-Redirect": SIGN_IN})
    return RedirectResponse(f"{SIGN_IN}?next={quote(asked, safe='')}", status_code=303)


async def read_form(request: Request, bytes_max: int) -> Form:
    """Read a form; raises `FormRefused` where it is too large or cannot be read."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > bytes_max:
            raise FormRefused(413, f"The form is larger than {bytes_max} bytes. Send less at once.")
    try:
        # A large form (an import) is read beside the loop, so that nobody else waits for it.
        if len(body) > 65_536:
            return await run_in_threadpool(parse_form, bytes(body))
        return parse_form(bytes(body))
    except FormError as error:
        raise FormRefused(400, f"The form cannot be read: {error}.") from error
