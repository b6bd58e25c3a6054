"""The page where anybody stops the texts of a brand to a number: at once, without a question."""

import logging
from collections.abc import Awaitable, Callable
from typing import Final
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from consentry.actions.count_try import OPT_OUT, CountTry
from consentry.actions.record_consent import Statement, SuppressRecipient
from consentry.domain.call_to_action_form import PHONE_FIELD
from consentry.domain.directory import Brand
from consentry.domain.entries import Actor, ActorKind, Evidence, Medium
from consentry.domain.phone import InvalidNumber, normalize_phone
from consentry.opt_in.reading import client_address, keep_printable, read_form
from consentry.opt_in.rendering import DEFAULT_LANGUAGE, page_words, read_page_words, render, tell
from consentry.opt_in.services import OptInServices
from consentry.ports import StoreUnavailable

_PHONE_CHARACTERS_MAX: Final = 64
_AGENT_CHARACTERS_MAX: Final = 500
_log = logging.getLogger(__name__)
View = Callable[[Request], Awaitable[Response]]


class OptOutPages:
    """A form for each brand. It tells nobody what is known of a number."""

    def __init__(self, services: OptInServices) -> None:
        """Answer with these."""
        self._services = services

    def routes(self) -> list[Route]:
        """List the routes."""
        return [
            Route("/opt-out/{brand}/done", self._shielded(self._show_done)),
            Route("/opt-out/{brand}", self._shielded(self._show), methods=["GET"]),
            Route("/opt-out/{brand}", self._shielded(self._take), methods=["POST"]),
        ]

    def _shielded(self, view: View) -> View:
        async def answer(request: Request) -> Response:
            try:
                response = await view(request)
            except StoreUnavailable:
                _log.exception("an opt-out page cannot be served")
                response = tell("out_down", _language(request), status=503)
            self._services.measuring.note_request("/opt-out", response.status_code)
            return response

        return answer

    async def _find(self, request: Request) -> Brand | None:
        directory = await self._services.store.read_directory()
        return directory.brands.get(request.path_params["brand"])

    async def _show(self, request: Request) -> Response:
        brand = await self._find(request)
        if brand is None:
            return tell("out_missing", _language(request), status=404)
        return _show_form(brand, _language(request))

    async def _show_done(self, request: Request) -> Response:
        """Say that it is done: to everybody the same."""
        brand = await self._find(request)
        if brand is None:
            return tell("out_missing", _language(request), status=404)
        return tell("out_done", _language(request), status=200, brand=brand.name)

    async def _take(self, request: Request) -> Response:
        """Record the opt-out, and answer when nothing is under way to that number any more."""
        brand, language = await self._find(request), _language(request)
        if brand is None:
            return tell("out_missing", language, status=404)
        form, words = await read_form(request), page_words(language)
        typed = keep_printable(form.get(PHONE_FIELD), _PHONE_CHARACTERS_MAX) if form else None
        try:
            phone = normalize_phone(typed or "", region=self._services.default_region)
        except InvalidNumber:
            problem = words["phone_wrong" if typed else "phone_missing"]
            return _show_form(brand, language, typed or "", problem, status=422)
        limits = self._services.limits
        counted = CountTry(client_address(request), phone, limits, OPT_OUT)
        wait = await self._services.store.submit(counted)
        if wait is not None:
            problem = words["out_busy"].format(minutes=-(-wait.seconds // 60))
            response = _show_form(brand, language, typed or "", problem, status=429)
            response.headers["Retry-After"] = str(wait.seconds)
            return response
        await self._record(request, brand, phone, typed or "")
        return RedirectResponse(f"/opt-out/{quote(brand.id)}/done", status_code=303)

    async def _record(self, request: Request, brand: Brand, phone: str, typed: str) -> None:
        evidence = Evidence(
            medium=Medium.WEB,
            action=f"wrote {typed} and sent the form",
            page_url=str(request.url.path),
            ip=client_address(request) or None,
            user_agent=keep_printable(request.headers.get("user-agent"), _AGENT_CHARACTERS_MAX),
        )
        statement = Statement(
            recipient=phone,
            actor=Actor(ActorKind.PERSON, phone),
            reason="filled in the opt-out page",
            evidence=evidence,
        )
        recorded = await self._services.store.submit(SuppressRecipient(statement, brand.id))
        await self._services.delivery.wait_quiet(recorded.in_flight)


def _language(request: Request) -> str:
    """Take the first language that the browser asks for, where there are words in it."""
    asked = request.headers.get("accept-language", "")[:2].lower()
    return asked if asked in read_page_words() else DEFAULT_LANGUAGE


def _show_form(
    brand: Brand, language: str, typed: str = "", problem: str = "", *, status: int = 200
) -> Response:
    return render(
        "opt_out.html", language, status=status, brand=brand, typed=typed, problem=problem
    )
