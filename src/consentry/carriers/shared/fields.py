"""What the fields of a webhook hold: what cannot be read is `Malformed`, and the reason names it.

A text that came in is kept even where something beside its words is odd: an unreadable time or
picture is left away, because the words may be a STOP.
"""

from collections.abc import Iterable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Final, TypeVar

import msgspec

from consentry.domain.phone import InvalidNumber, read_delivered
from consentry.ports import Malformed

NAME_LENGTH_MAX: Final = 255
SHORT_CODE_DIGITS_MAX: Final = 8
"""Short codes have 3 to 8 digits; a number with its country code has more."""
PART_MARK: Final = "…"
"""Stands where a text goes on that we have only a piece of.

A keyword that opts in must be the whole text, so with this beside it a piece never is one; for
opting out, punctuation is not looked at.
"""
_UNIX_DIGITS_MAX: Final = 12
_T = TypeVar("_T")


def decode(decoder: "msgspec.json.Decoder[_T]", body: bytes, *, under: str = "") -> _T:
    """Read JSON as the decoder's type; `Malformed` says which field is wrong.

    `under`: the field in which this JSON stands.
    """
    try:
        return decoder.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Malformed(_explain(error, under)) from None


def _explain(error: Exception, under: str) -> str:
    """Put the field in front: msgspec names it at the end of its sentence."""
    what, _, where = str(error).partition(" - at `$")
    path = f"{under}{where.rstrip('`')}".lstrip(".")
    missing = what.removeprefix("Object missing required field `")
    if missing != what:
        name = missing.rstrip("`")
        return f"{path}.{name}: is missing" if path else f"{name}: is missing"
    return f"{path or 'body'}: {what}"


def read_phone(field: str, text: str) -> str:
    """Read a number in E.164, as a carrier delivered it."""
    try:
        return read_delivered(text)
    except InvalidNumber as error:
        raise Malformed(f"{field}: {error}") from None


def read_msisdn(field: str, text: str) -> str:
    """Read a number that may come without its plus."""
    return read_phone(field, text if text.startswith("+") else f"+{text}")


def read_sender(field: str, text: str) -> str:
    """Read a number of ours: E.164 with or without its plus, else a short code or a name.

    Digits that are no number in E.164 stay as they are: a text to them is kept.
    """
    name = text.strip()
    if name.startswith("+"):
        return read_phone(field, name)
    if name.isascii() and name.isdecimal() and len(name) > SHORT_CODE_DIGITS_MAX:
        with suppress(InvalidNumber):
            return read_delivered(f"+{name}")
    return read_name(field, name)


def read_name(field: str, text: str) -> str:
    """Read an id, or another short text that must be there and print."""
    if not text:
        raise Malformed(f"{field}: is empty")
    if len(text) > NAME_LENGTH_MAX:
        raise Malformed(f"{field}: is longer than {NAME_LENGTH_MAX} characters")
    if not text.isprintable():
        raise Malformed(f"{field}: holds a character that does not print")
    return text


def read_reference(text: str | None) -> str | None:
    """Read an id of ours that a carrier echoes; None where it cannot be one of ours."""
    return text if text and len(text) <= NAME_LENGTH_MAX and text.isprintable() else None


def read_body(text: str | None) -> str:
    """Read a person's words. A NUL, which no database keeps, is shown as the sign for it."""
    return (text or "").replace("\0", "\ufffd")


def read_media(urls: Iterable[str | None] | None) -> tuple[str, ...]:
    """Read addresses of pictures; one that cannot be an address is left away."""
    return tuple(url for url in urls or () if url and url.isprintable())


def read_time(text: str | None) -> datetime | None:
    """Read an ISO 8601 time, UTC where it names no zone; None where it is not one."""
    try:
        time = datetime.fromisoformat(text or "")
        return time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def is_fresh(unix_seconds: str, *, now: datetime, tolerance: timedelta) -> bool:
    """Tell whether a signed time, in seconds since 1970, is near enough to ours."""
    if not (unix_seconds.isascii() and unix_seconds.isdecimal()):
        return False
    if len(unix_seconds) > _UNIX_DIGITS_MAX:
        return False
    return abs(now.timestamp() - int(unix_seconds)) <= tolerance.total_seconds()


def read_binary(data: bytes) -> str | None:
    """Read the words of a message that came as bytes; None where it holds none.

    Such a message is UTF-8 or, as phones write it, UTF-16. It is marked as a piece: the carrier
    saw no keyword in it.
    """
    if not data.strip():
        return None
    for encoding in ("utf-8", "utf-16-be"):
        try:
            text = data.decode(encoding).strip()
        except UnicodeDecodeError:
            continue
        if text.isprintable() and text:
            return text + PART_MARK
    return None
