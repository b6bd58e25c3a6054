"""Templates to responses, with the headers that keep pages private and free of foreign code."""

from collections.abc import Mapping
from datetime import datetime
from functools import cache
from typing import Final

import jinja2
from starlette.responses import HTMLResponse, Response

from consentry.console.static_files import read_static_files
from consentry.console.wording import STATES, show_number, since, spell_time
from consentry.domain.agents import Permission

_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
    "connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)
PRIVATE: Final[Mapping[str, str]] = {
    "Content-Security-Policy": _POLICY,
    "Cache-Control": "no-store",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
}
"""Headers of every page: nothing inline, nothing from elsewhere, nothing kept."""


@cache
def _build_templates() -> jinja2.Environment:
    """Build the templates once a process: to compile one takes longer than to answer a page."""
    templates = jinja2.Environment(
        loader=jinja2.PackageLoader("consentry.console", "templates"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
        auto_reload=False,
    )
    templates.filters["number"] = show_number
    templates.filters["since"] = since
    templates.filters["time"] = spell_time
    # The files' addresses are made of their content, so they are the same for all who render.
    templates.globals.update(
        static=read_static_files().address,
        states=STATES,
        Permission=Permission,
        agent=None,
        path="",
    )
    return templates


class Renderer:
    """Renders templates; values are always escaped."""

    def __init__(self) -> None:
        """Take the templates."""
        self._templates = _build_templates()

    def render(self, template: str, *, status: int = 200, **values: object) -> Response:
        """Render a whole page or a part of one."""
        page = self._templates.get_template(template).render(**values)
        return HTMLResponse(page, status_code=status, headers=dict(PRIVATE))

    def render_text(self, template: str, **values: object) -> str:
        """Render to text, for what is sent in another form."""
        return self._templates.get_template(template).render(**values)


def rfc3339(at: datetime) -> str:
    """Write a time as RFC 3339 in UTC."""
    return at.isoformat().replace("+00:00", "Z")
