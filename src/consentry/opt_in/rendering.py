"""Opt-in pages as people see them: nothing inline, nothing from elsewhere, nothing kept."""

from collections.abc import Mapping
from functools import cache
from html import escape
from pkgutil import get_data
from typing import Final

import jinja2
import msgspec
from starlette.responses import HTMLResponse, Response

from consentry.domain.call_to_action_form import (
    NAME_FIELD,
    PHONE_FIELD,
    field_id,
    find_asking,
)
from consentry.domain.call_to_action_words import language_of, words_of
from consentry.domain.calls_to_action import CallToAction
from consentry.domain.directory import Directory
from consentry.domain.phone import group_number
from consentry.domain.reading import SenderKind

_POLICY: Final = (
    "default-src 'none'; style-src 'self'; form-action 'self'; frame-ancestors 'none'; "
    "base-uri 'none'"
)
HEADERS: Final[Mapping[str, str]] = {
    "Content-Security-Policy": _POLICY,
    "Cache-Control": "no-store",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
}
"""A page that asks for consent stands in no frame: who ticks its box sees what they tick."""

DEFAULT_LANGUAGE: Final = "en"


class Filled(msgspec.Struct, frozen=True):
    """What was filled in before, to be shown again; the box is never ticked for anybody."""

    phone: str = ""
    name: str = ""


@cache
def read_page_words() -> dict[str, dict[str, str]]:
    """Read the words of the pages, by language."""
    found = get_data("consentry.opt_in", "page_words.json") or b""
    return msgspec.json.decode(found, type=dict[str, dict[str, str]])


@cache
def read_style() -> bytes:
    """Read the style of the pages."""
    return get_data("consentry.opt_in", "static/opt_in.css") or b""


@cache
def _build_templates() -> jinja2.Environment:
    return jinja2.Environment(
        loader=jinja2.PackageLoader("consentry.opt_in", "templates"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
        auto_reload=False,
    )


def render(template: str, locale: str, *, status: int = 200, **values: object) -> Response:
    """Render a page in a language, with the words of its language as `words`."""
    words = page_words(locale)
    page = _build_templates().get_template(template).render(locale=locale, words=words, **values)
    return HTMLResponse(page, status_code=status, headers=dict(HEADERS))


def tell(told: str, locale: str = DEFAULT_LANGUAGE, *, status: int, brand: str = "") -> Response:
    """Say in a page of its own what happened and what to do."""
    words = page_words(locale)
    title, text = words[f"{told}_title"], words[told].format(brand=brand)
    return render("told.html", locale, status=status, title=title, text=text)


def page_words(locale: str) -> dict[str, str]:
    """Find the words of a page in a language."""
    known = read_page_words()
    return known.get(language_of(locale), known[DEFAULT_LANGUAGE])


def show_again(call: CallToAction, filled: Filled, problems: Mapping[str, str]) -> str:
    """Put what was filled in, and what is wrong with it, into the HTML of a version.

    Nothing else of it changes, so that the person sees the version that they agree to.
    """
    html = call.html
    for name, value in ((PHONE_FIELD, filled.phone), (NAME_FIELD, filled.name)):
        if value:
            html = html.replace(f' name="{name}"', f' name="{name}" value="{escape(value)}"', 1)
    for name, problem in problems.items():
        element = f"{field_id(call.id)}-{name}"
        marked = f'<input id="{element}" aria-invalid="true" aria-describedby="{element}-problem"'
        told = f'<strong class="problem" id="{element}-problem">{escape(problem)}</strong> '
        html = html.replace(f'<input id="{element}"', told + marked, 1)
    return html


def ways_back(call: CallToAction, directory: Directory) -> list[str]:
    """Say for each number what a person who had opted out texts it; YES never works on toll-free.

    Everybody is told the same: the page does not tell who had opted out.
    """
    program, words = directory.program(call.program), words_of(call.locale)
    if program is None or words is None:
        return []
    shown = page_words(call.locale)
    ways = []
    for sender in find_asking(directory, program, words).senders:
        if sender.kind is SenderKind.ALPHANUMERIC:
            continue
        toll_free = sender.kind is SenderKind.TOLL_FREE
        said = f"START {shown['or']} UNSTOP" if toll_free else "START"
        ways.append(shown["word"].format(words=said, number=group_number(sender.number)))
    return ways
