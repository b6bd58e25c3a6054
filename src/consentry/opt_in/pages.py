"""The routes of opt-in pages: the form, what it leads to, and what other pages embed."""

import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import Final
from urllib.parse import urlsplit

import msgspec
from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from consentry.actions.count_try import OPT_IN, CountTry, Wait
from consentry.actions.take_opt_in import FilledIn, TakeOptIn, codes_asked, find_level
from consentry.domain import call_to_action_embedding as embedding
from consentry.domain.call_to_action_embedding import opt_in_path
from consentry.domain.call_to_action_form import AGREE_FIELD, NAME_FIELD, PHONE_FIELD, field_id
from consentry.domain.calls_to_action import CallMedium, CallToAction
from consentry.domain.directory import Directory
from consentry.domain.phone import InvalidNumber, calling_code, normalize_phone
from consentry.opt_in import qr_code
from consentry.opt_in.reading import client_address, keep_printable, read_form
from consentry.opt_in.rendering import (
    Filled,
    page_words,
    read_style,
    render,
    show_again,
    tell,
    ways_back,
)
from consentry.opt_in.services import OptInServices
from consentry.ports import Rejected, StoreUnavailable
from consentry.wire.forms import Form

_NAME_CHARACTERS_MAX: Final = 200
_SESSION_CHARACTERS_MAX: Final = 64
_URL_CHARACTERS_MAX: Final = 2000
_AGENT_CHARACTERS_MAX: Final = 500
_EMBEDDED: Final = {
    "Access-Control-Allow-Origin": "*",
    "Cache-Control": "public, max-age=60",
    "Cross-Origin-Resource-Policy": "cross-origin",
    "X-Content-Type-Options": "nosniff",
}
_PICTURE_POLICY: Final = "default-src 'none'; style-src 'unsafe-inline'; sandbox"
_log = logging.getLogger(__name__)
View = Callable[[Request], Awaitable[Response]]


class _Shown(msgspec.Struct, frozen=True):
    """The call to action of a request, with the directory that it was found in."""

    call: CallToAction
    directory: Directory

    @property
    def brand(self) -> str:
        """The name of the seller, empty where the program is gone."""
        program = self.directory.program(self.call.program)
        return "" if program is None else self.directory.brands[program.brand].name


class OptInPages:
    """Pages that anybody may open, and a form that any page may post."""

    def __init__(self, services: OptInServices) -> None:
        """Answer with these."""
        self._services = services

    def routes(self) -> list[Route]:
        """List the routes; an id has no dot, so the script and the style are none."""
        return [
            Route("/opt-in/opt-in.css", self._shielded(self._serve_style)),
            Route("/opt-in/{id}.js", self._shielded(self._serve_script)),
            Route("/opt-in/{id}/qr.svg", self._shielded(self._draw_code)),
            Route("/opt-in/{id}/qr.png", self._shielded(self._draw_code)),
            Route("/opt-in/{id}/sent", self._shielded(self._show_sent)),
            Route("/opt-in/{id}", self._shielded(self._show), methods=["GET"]),
            Route("/opt-in/{id}", self._shielded(self._take), methods=["POST"]),
        ]

    def _shielded(self, view: View) -> View:
        async def answer(request: Request) -> Response:
            try:
                response = await view(request)
            except StoreUnavailable:
                _log.exception("an opt-in page cannot be served")
                response = tell("down", status=503)
            self._services.measuring.note_request("/opt-in", response.status_code)
            return response

        return answer

    async def _find(self, request: Request) -> _Shown | None:
        directory = await self._services.store.read_directory()
        call = directory.calls_to_action.get(request.path_params["id"])
        return None if call is None else _Shown(call, directory)

    async def _serve_style(self, request: Request) -> Response:
        del request
        headers = {"Cache-Control": "public, max-age=3600", "X-Content-Type-Options": "nosniff"}
        return Response(read_style(), media_type="text/css", headers=headers)

    async def _serve_script(self, request: Request) -> Response:
        shown = await self._find(request)
        if shown is None or shown.call.medium is not CallMedium.WEB:
            return _no_such()
        script = embedding.write_script(shown.call)
        return Response(script, media_type="text/javascript", headers=_EMBEDDED)

    async def _draw_code(self, request: Request) -> Response:
        shown = await self._find(request)
        if shown is None:
            return _no_such()
        address = f"{self._base_url(request)}{opt_in_path(shown.call.id)}"
        target = qr_code.find_target(shown.call, shown.directory, address)
        headers = {**_EMBEDDED, "Content-Security-Policy": _PICTURE_POLICY}
        if request.scope["path"].endswith(".png"):
            return Response(qr_code.draw_png(target), media_type="image/png", headers=headers)
        return Response(qr_code.draw_svg(target), media_type="image/svg+xml", headers=headers)

    async def _show_sent(self, request: Request) -> Response:
        """Say what happens next: to everybody the same, whatever is known of the number."""
        shown = await self._find(request)
        if shown is None:
            return tell("missing", status=404)
        return render(
            "sent.html",
            shown.call.locale,
            brand=shown.brand,
            ways=ways_back(shown.call, shown.directory),
            again=opt_in_path(shown.call.id),
        )

    async def _show(self, request: Request) -> Response:
        shown = await self._find(request)
        if shown is None:
            return tell("missing", status=404)
        return self._show_form(shown)

    def _show_form(
        self,
        shown: _Shown,
        filled: Filled | None = None,
        problems: Mapping[str, str] | None = None,
        *,
        status: int = 200,
    ) -> Response:
        """Show the form; `problems` are names of words by field, "" for the form as a whole."""
        call, found = shown.call, problems or {}
        is_form = call.medium is CallMedium.WEB
        if is_form and find_level(call, shown.directory) is None:
            return tell("closed", call.locale, status=503, brand=shown.brand)
        fields = {name: text for name, text in found.items() if name}
        # What is marked safe was escaped when the version was made, or just now.
        html = Markup(show_again(call, filled or Filled(), fields))  # noqa: S704 - see above
        session = self._services.ids.new("ovw")
        hidden = Markup(embedding.write_hidden(call, session=session))  # noqa: S704 - see above
        return render(
            "form.html",
            call.locale,
            status=status,
            call=call,
            brand=shown.brand,
            shown=html,
            hidden=hidden,
            action=opt_in_path(call.id) if is_form else "",
            problems=[
                {"text": text, "link": f"#{field_id(call.id)}-{name}" if name else ""}
                for name, text in found.items()
            ],
        )

    async def _take(self, request: Request) -> Response:
        """Take a form: what can be mended is shown again, and nothing of it is kept."""
        shown = await self._find(request)
        if shown is None or shown.call.medium is not CallMedium.WEB:
            return tell("missing", status=404)
        form = await read_form(request)
        if form is None:
            return tell("unreadable", shown.call.locale, status=400)
        if form.get(embedding.TRAP_FIELD):
            return _go_on(shown.call)
        phone, problems = self._check(form, shown)
        filled = Filled(
            phone=(form.get(PHONE_FIELD) or "")[:_SESSION_CHARACTERS_MAX],
            name=keep_printable(form.get(NAME_FIELD), _NAME_CHARACTERS_MAX) or "",
        )
        if problems:
            return self._show_form(shown, filled, problems, status=422)
        wait = await self._count(request, phone)
        if wait is not None:
            return self._turn_away(shown, filled, wait)
        return await self._record(request, form, shown, phone)

    def _check(self, form: Form, shown: _Shown) -> tuple[str, dict[str, str]]:
        """Read the number, and name what is missing; a form of another version is shown anew."""
        call = shown.call
        words = page_words(call.locale)
        problems: dict[str, str] = {}
        phone, typed = "", form.get(PHONE_FIELD) or ""
        try:
            phone = normalize_phone(typed, region=self._services.default_region)
        except InvalidNumber:
            problems[PHONE_FIELD] = words["phone_wrong" if typed.strip() else "phone_missing"]
        codes = self._codes(shown)
        if phone and codes and calling_code(phone) not in codes:
            told = words["phone_elsewhere"].format(codes=", ".join(sorted(codes)))
            problems[PHONE_FIELD] = told
        if form.get(embedding.VERSION_FIELD) != str(call.version):
            problems[AGREE_FIELD] = words["outdated"]
        elif not form.get(AGREE_FIELD):
            problems[AGREE_FIELD] = words["agree_missing"]
        return phone, problems

    def _codes(self, shown: _Shown) -> frozenset[str]:
        program = shown.directory.program(shown.call.program)
        if program is None:
            return frozenset()
        return codes_asked(program, shown.directory, self._services.default_region)

    async def _count(self, request: Request, phone: str) -> Wait | None:
        limits = self._services.limits
        command = CountTry(client_address(request), phone, limits, OPT_IN)
        return await self._services.store.submit(command)

    def _turn_away(self, shown: _Shown, filled: Filled, wait: Wait) -> Response:
        minutes = -(-wait.seconds // 60)
        told = page_words(shown.call.locale)["too_many"].format(minutes=minutes)
        response = self._show_form(shown, filled, {"": told}, status=429)
        response.headers["Retry-After"] = str(wait.seconds)
        return response

    async def _record(self, request: Request, form: Form, shown: _Shown, phone: str) -> Response:
        filled = FilledIn(
            phone=phone,
            name=keep_printable(form.get(NAME_FIELD), _NAME_CHARACTERS_MAX),
            page_url=self._page_url(request, form),
            ip=client_address(request) or None,
            user_agent=keep_printable(request.headers.get("user-agent"), _AGENT_CHARACTERS_MAX),
            session=keep_printable(form.get(embedding.SESSION_FIELD), _SESSION_CHARACTERS_MAX),
        )
        try:
            await self._services.store.submit(TakeOptIn(shown.call, filled))
        except Rejected as error:
            if error.code in {"call_to_action_outdated", "call_to_action_closed"}:
                return await self._show_now(request)
            # Nobody is left waiting for a text that does not come. It is never about the number:
            # what that leads to is no refusal, but an entry in the ledger.
            _log.exception("an opt-in form cannot be taken: %s", error.code)
            return tell("closed", shown.call.locale, status=503, brand=shown.brand)
        self._services.delivery.wake()
        return _go_on(shown.call)

    async def _show_now(self, request: Request) -> Response:
        """Show the form as it is by now: it was changed while this one was on its way."""
        shown = await self._find(request)
        if shown is None:
            return tell("missing", status=404)
        outdated = page_words(shown.call.locale)["outdated"]
        return self._show_form(shown, problems={AGREE_FIELD: outdated}, status=422)

    def _page_url(self, request: Request, form: Form) -> str:
        """Say on which page the form stood.

        The browser tells it, of another site perhaps only the site; then the script's word for the
        whole address is taken where it is of that site.
        """
        told = keep_printable(request.headers.get("referer"), _URL_CHARACTERS_MAX)
        told = told or keep_printable(request.headers.get("origin"), _URL_CHARACTERS_MAX)
        claimed = keep_printable(form.get(embedding.PAGE_FIELD), _URL_CHARACTERS_MAX)
        if claimed and told and _site_of(claimed) == _site_of(told):
            return claimed
        return told or f"{self._base_url(request)}{request.scope['path']}"

    def _base_url(self, request: Request) -> str:
        if self._services.public_url is not None:
            return self._services.public_url
        # A Host header may be anything, so nothing is read out of it.
        return (
            f"{request.scope['scheme']}://{keep_printable(request.headers.get('host'), 255) or ''}"
        )


def _go_on(call: CallToAction) -> Response:
    """Lead to the page that says what happens next, so that loading it again sends nothing."""
    headers = {"Cache-Control": "no-store"}
    return RedirectResponse(f"{opt_in_path(call.id)}/sent", status_code=303, headers=headers)


def _no_such() -> Response:
    return Response("There is no such form.\n", status_code=404, media_type="text/plain")


def _site_of(url: str) -> tuple[str, str] | None:
    try:
        parts = urlsplit(url)
    except ValueError:
        return None
    is_page = parts.scheme in {"http", "https"} and bool(parts.netloc)
    return (parts.scheme, parts.netloc.lower()) if is_page else None
