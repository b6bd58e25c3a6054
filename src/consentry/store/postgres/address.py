"""Where a PostgreSQL database is, as its URL says; shown without its password."""

from typing import Final
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

import msgspec

_OURS: Final = "prepared_statements"
_CHOICES: Final = {"on": True, "off": False}
_TARGET: Final = "target_session_attrs"


class AddressError(ValueError):
    """A URL that names no PostgreSQL database; the message says what is wrong with it."""


class Address(msgspec.Struct, frozen=True):
    """A database: the driver's URL, and whether statements may be prepared by name.

    They may not where a pooler gives each transaction another connection: then nothing is kept
    in a session, no settings either.
    """

    url: str
    prepared: bool = True

    def list_hosts(self) -> tuple[str, ...]:
        """Give a URL for each host that is named, in their order.

        Of several hosts only the one that takes writes will do, unless the URL says otherwise.
        """
        parts = urlsplit(self.url)
        query = dict(parse_qsl(parts.query))
        before, at, place = parts.netloc.rpartition("@")
        places, hosts = place.split(","), query.get("host", "").split(",")
        ports = query.get("port", "").split(",")
        count = max(len(places), len(hosts))
        if count == 1:
            return (self.url,)
        urls = []
        for number in range(count):
            own = {"host": _take(hosts, number), "port": _take(ports, number)}
            told = {_TARGET: "read-write"} | query | own
            written = urlencode({name: value for name, value in told.items() if value}, safe="/")
            netloc = before + at + _take(places, number)
            urls.append(urlunsplit(parts._replace(netloc=netloc, query=written)))
        return tuple(urls)

    # typing.override comes with Python 3.12.
    def __str__(self) -> str:  # type: ignore[explicit-override]
        """Show it without a password."""
        parts = urlsplit(self.url)
        before, at, place = parts.netloc.rpartition("@")
        user, colon, _ = before.partition(":")
        hidden = f"{user}:***" if colon else user
        query = [(k, "***" if k == "password" else v) for k, v in parse_qsl(parts.query)]
        return urlunsplit(
            parts._replace(netloc=f"{hidden}{at}{place}", query=urlencode(query, safe="/*"))
        )


def _take(values: list[str], number: int) -> str:
    """Take one of a list; a single value counts for all."""
    return values[number] if number < len(values) else values[0] if len(values) == 1 else ""


def read_address(url: str) -> Address:
    """Read a URL; `prepared_statements=off` in its query is ours, the rest is the driver's."""
    try:
        parts = urlsplit(url)
        query = parse_qsl(parts.query, strict_parsing=bool(parts.query))
    except ValueError as error:
        raise AddressError(f"it is no URL ({error})") from error
    if parts.scheme not in {"postgresql", "postgres"}:
        raise AddressError("it does not begin with postgresql://")
    if not parts.path.strip("/"):
        raise AddressError("it names no database: postgresql://USER@HOST/DATABASE")
    chosen = dict(query).get(_OURS, "on")
    if chosen not in _CHOICES:
        raise AddressError(f"{_OURS} is {chosen!r}; it may be on or off")
    rest = urlencode([(name, value) for name, value in query if name != _OURS], safe="/")
    return Address(urlunsplit(parts._replace(query=rest)), _CHOICES[chosen])
