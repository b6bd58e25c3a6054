"""application/x-www-form-urlencoded, read strictly and fast, and written back.

The standard library's reader lets malformed bytes through; a consent must not rest on a guess, so
here every fault is a FormError that names the field and says what is wrong with it.
"""

from collections.abc import Iterable
from typing import NoReturn
from urllib.parse import quote_plus

import msgspec

FIELDS_MAX = 1000
FIELD_NAME_SHOWN_MAX = 60
INTEGER_DIGITS_MAX = 9

_HEX = "0123456789abcdefABCDEF"
_BYTE_OF_ESCAPE = {a + b: bytes.fromhex(a + b) for a in _HEX for b in _HEX}


class FormError(ValueError):
    """A form that cannot be read: `field` says where, `reason` what is wrong.

    `field` is shortened and safe to show; the sentence of str() names both.
    """

    def __init__(self, field: str, reason: str) -> None:
        """Keep the two parts apart for programs and join them for people."""
        self.field = field[:FIELD_NAME_SHOWN_MAX]
        self.reason = reason
        super().__init__(f"{self.field}: {reason}")


class Form(msgspec.Struct, frozen=True, gc=False):
    """Parameters in the order they came; a name may repeat, as Twilio's MediaUrl does."""

    pairs: tuple[tuple[str, str], ...]
    first: dict[str, str]

    def get(self, name: str) -> str | None:
        """Read the first value of `name`; None where it is missing or empty."""
        return self.first.get(name) or None

    def require(self, name: str) -> str:
        """Read the first value of `name`, which must be there and not empty."""
        value = self.first.get(name)
        if value is None:
            raise FormError(name, "is missing")
        if not value:
            raise FormError(name, "is empty")
        return value

    def get_all(self, name: str) -> tuple[str, ...]:
        """Read every value of `name` in order."""
        return tuple(value for key, value in self.pairs if key == name)

    def get_integer(self, name: str) -> int | None:
        """Read `name` as a number of at most nine digits; None where it is missing or empty."""
        value = self.get(name)
        if value is None:
            return None
        if not (value.isascii() and value.isdecimal() and len(value) <= INTEGER_DIGITS_MAX):
            raise FormError(name, "must be a whole number of at most nine digits")
        return int(value)


def build_form(pairs: Iterable[tuple[str, str]]) -> Form:
    """Build a form from pairs that are already text."""
    kept = tuple(pairs)
    return Form(kept, dict(reversed(kept)))


def parse_form(body: bytes) -> Form:
    """Parse a form's bytes; raises FormError on bad escapes, UTF-8, NUL or too many fields."""
    try:
        text = body.decode()
    except UnicodeDecodeError as error:
        raise FormError(_field_at(body, error.start), "is not valid UTF-8") from None
    # This is on the path of every webhook. A number's plus is the one escape that nearly all have.
    text = text.replace("+", " ").replace("%2B", "+")
    tokens = text.split("&")
    if len(tokens) > FIELDS_MAX:
        raise FormError("form", f"has {len(tokens)} fields; at most {FIELDS_MAX} are read")
    parts = [token.partition("=") for token in tokens if token]
    pairs = [(name, value) for name, _, value in parts]
    if "%" in text:
        pairs = [(_unescape(name, name), _unescape(value, name)) for name, value in pairs]
    if "\0" in text or "%00" in text:
        _refuse_nul(pairs)
    # Built backwards, so that the first of equal names stays.
    return Form(tuple(pairs), dict(reversed(pairs)))


def encode_form(pairs: Iterable[tuple[str, str]]) -> bytes:
    """Write pairs as the body of a form."""
    encoded = [f"{_escape(name)}={_escape(value)}" for name, value in pairs]
    return "&".join(encoded).encode("ascii")


def _escape(text: str) -> str:
    # Sids, counts and parameter names need no escape, and are most of a webhook.
    return text if text.isascii() and text.isalnum() else quote_plus(text)


def _unescape(text: str, name: str) -> str:
    if "%" not in text:
        return text
    head, *parts = text.split("%")
    decoded = [head.encode()]
    try:
        for part in parts:
            decoded += (_BYTE_OF_ESCAPE[part[:2]], part[2:].encode())
    except KeyError:
        raise FormError(_shown(name), "has a % that no two hex digits follow") from None
    try:
        return b"".join(decoded).decode()
    except UnicodeDecodeError:
        raise FormError(_shown(name), "is not valid UTF-8") from None


def _refuse_nul(pairs: list[tuple[str, str]]) -> NoReturn:
    broken = [name for name, value in pairs if "\0" in name or "\0" in value]
    raise FormError(_shown(broken.pop(0)), "holds a NUL character")


def _field_at(body: bytes, position: int) -> str:
    token = body[body.rfind(b"&", 0, position) + 1 :].partition(b"&")[0]
    return _shown(token.partition(b"=")[0].decode("utf-8", "surrogateescape"))


def _shown(name: str) -> str:
    """Show a name that may itself be broken: short, and nothing that does not print."""
    kept = name[:FIELD_NAME_SHOWN_MAX]
    return "".join(c if c.isprintable() else "?" for c in kept) or "(no name)"
