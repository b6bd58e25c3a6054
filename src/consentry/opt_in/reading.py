"""What the pages that anybody may open read of a request."""

from typing import Final

from starlette.requests import Request

from consentry.wire.forms import Form, FormError, parse_form

FORM_BYTES_MAX: Final = 16_384


def client_address(request: Request) -> str:
    """Tell where a request comes from; the server has put a trusted proxy's word in its place."""
    return "" if request.client is None else request.client.host


def keep_printable(text: str | None, most: int) -> str | None:
    """Keep what prints of a text, at most so much of it; None where nothing is left."""
    return "".join(c for c in text or "" if c.isprintable()).strip()[:most] or None


async def read_form(request: Request) -> Form | None:
    """Read a form; None where it is too large or cannot be read."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > FORM_BYTES_MAX:
            return None
    try:
        return parse_form(bytes(body))
    except FormError:
        return None
