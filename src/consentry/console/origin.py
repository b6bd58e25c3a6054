"""Where a request comes from, and where an answer may lead: only ever this console."""

import re
from typing import Final
from urllib.parse import urlsplit

from starlette.requests import Request

_OWN_PATH: Final = re.compile(r"/console(?:[/?][\x21-\x5b\x5d-\x7e]*)?")
_SIGN_IN_PATHS: Final = ("/console/sign-in", "/console/sign-out")
_OWN_SITES: Final = ("same-origin", "none")


def is_from_here(request: Request, public_url: str | None) -> bool:
    """Tell whether a form was sent from a page of ours, as far as the browser says.

    Browsers tell by `Sec-Fetch-Site`, or, where the server is reached without TLS, by `Origin`.
    What sends neither is no browser, and carries nobody's cookies.
    """
    site = request.headers.get("sec-fetch-site")
    if site is not None:
        return site in _OWN_SITES
    origin = request.headers.get("origin")
    if origin is None:
        return True
    hosts = {request.headers.get("host", "").lower()}
    if public_url is not None:
        hosts.add(urlsplit(public_url).netloc.lower())
    try:
        asking = urlsplit(origin).netloc.lower()
    except ValueError:
        return False
    return asking in hosts - {""}


def is_own_doing(request: Request) -> bool:
    """Tell whether a person opened this address, rather than a preview or another site's page."""
    purpose = request.headers.get("sec-purpose") or request.headers.get("purpose") or ""
    if request.method != "GET" or "prefetch" in purpose.lower():
        return False
    return request.headers.get("sec-fetch-site", "none") in _OWN_SITES


def own_path(asked: str) -> str:
    """Take the page that was first asked for, if it is one of the console's, else the inbox."""
    if not _OWN_PATH.fullmatch(asked) or asked.startswith(_SIGN_IN_PATHS):
        return "/console"
    return asked
