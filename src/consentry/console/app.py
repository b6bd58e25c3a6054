"""The console's routes, made from the table of pages."""

from collections.abc import Awaitable, Callable
from typing import Final

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from consentry.console import (
    account,
    audit,
    consents_import,
    customer,
    drift,
    expiring,
    inbox,
    live,
    opt_out_told,
    opt_outs,
    opt_outs_import,
    reports,
    review,
    told_report,
)
from consentry.console.guard import Guard
from consentry.console.pages import Page
from consentry.console.rendering import Renderer
from consentry.console.services import ConsoleServices
from consentry.console.settings import table as settings
from consentry.console.sign_in import SignInPages
from consentry.console.sign_in_provider import ProviderPages
from consentry.console.static_files import read_static_files

PAGES: Final[tuple[Page, ...]] = (
    *inbox.PAGES,
    *customer.PAGES,
    *review.PAGES,
    *opt_outs.PAGES,
    *opt_outs_import.PAGES,
    *consents_import.PAGES,
    *opt_out_told.PAGES,
    *reports.PAGES,
    *drift.PAGES,
    *told_report.PAGES,
    *expiring.PAGES,
    *audit.PAGES,
    *settings.PAGES,
    *live.PAGES,
    *account.PAGES,
)
"""Every page behind the sign-in. Tests walk through this table: who may see what, axe, weight."""


def build_console(services: ConsoleServices) -> list[Route]:
    """Build the console's routes."""
    static = read_static_files()
    renderer = Renderer()
    guard = Guard(services, renderer)
    return [
        Route("/", _lead_home),
        *_sign_in_routes(services, renderer),
        Route("/console/static/{digest}/{name}", static.serve),
        *[
            Route(f"/console{page.path}", _guarded(guard, page), methods=[page.method])
            for page in PAGES
        ],
        Route("/console/{rest:path}", _missing(renderer)),
    ]


def _sign_in_routes(services: ConsoleServices, renderer: Renderer) -> list[Route]:
    pages = SignInPages(services, renderer)
    if services.provider is None:
        return pages.routes()
    return [*pages.routes(), *ProviderPages(services, renderer, pages, services.provider).routes()]


async def _lead_home(request: Request) -> Response:
    """Lead from the bare address to the console."""
    del request
    return RedirectResponse("/console")


Endpoint = Callable[[Request], Awaitable[Response]]


def _guarded(guard: Guard, page: Page) -> Endpoint:
    async def answer(request: Request) -> Response:
        return await guard.admit(page, request)

    return answer


def _missing(renderer: Renderer) -> Endpoint:
    async def answer(request: Request) -> Response:
        del request
        return renderer.render("missing.html", status=404, what="page")

    return answer
