"""Names to addresses by this machine's own resolver, and what of them may be posted to.

Nothing is posted to by a name: it is resolved here, each address is checked, and the connection is
made to one of these. So a name that changes what it stands for between the two changes nothing.
"""

import asyncio
import socket
from typing import Final
from urllib.parse import urlsplit

import msgspec

from consentry.ports import Resolver
from consentry.wire.public_address import (
    AddressRefused,
    PrivateNetworks,
    Target,
    check_address,
    check_all,
    read_target,
)

_PORTS: Final = {"http": 80, "https": 443}


class SystemResolver:
    """Implements `ports.Resolver`."""

    async def resolve(self, host: str, port: int) -> list[str]:
        """Ask the system."""
        loop = asyncio.get_running_loop()
        found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        return list(dict.fromkeys(str(address[0]) for *_, address in found))


class Refused(OSError):
    """A connection that is not made; str() says why, in one sentence."""


class Guard(msgspec.Struct, frozen=True):
    """What may be posted to, and who resolves names.

    `needs_allowed`: only the networks that the operator names. It is asked for every connection.
    """

    resolver: Resolver
    allowed: PrivateNetworks = PrivateNetworks()
    needs_allowed: bool = False

    async def resolve(self, host: str, port: int) -> list[str]:
        """List a name's addresses; raises `Refused` where one may not be posted to."""
        addresses = await self.resolver.resolve(host, port)
        try:
            check_all(addresses, port, self.allowed, needs_allowed=self.needs_allowed)
        except AddressRefused as error:
            raise Refused(f"{host}: {error}") from error
        return addresses

    def check(self, address: str, port: int) -> None:
        """Raise `Refused` for an address that no connection is made to."""
        try:
            check_address(address, port, self.allowed, needs_allowed=self.needs_allowed)
        except AddressRefused as error:
            raise Refused(str(error)) from error


class URLCheck:
    """Implements `ports.URLCheck`: what is set up is checked as each connection is later."""

    def __init__(self, resolver: Resolver, allowed: PrivateNetworks) -> None:
        self._resolver: Final = resolver
        self._allowed: Final = allowed

    async def check(self, url: str) -> None:
        """Raise `AddressRefused` for a URL that nothing would be posted to.

        A name that does not resolve now is taken: it is checked whenever it does.
        """
        target = read_target(url)
        addresses = [target.address] if target.address else await self._list(target)
        plain = target.scheme == "http"
        check_all(addresses, target.port, self._allowed, needs_allowed=plain)

    async def check_program(self, url: str) -> None:
        """Raise `AddressRefused` for a program's URL, which is read as loosely as Twilio does."""
        parts = urlsplit(url.strip().partition("#")[0])
        target = Target(parts.scheme, parts.hostname or "", parts.port or _PORTS[parts.scheme])
        addresses = await self._list(target)
        check_all(addresses, target.port, self._allowed, needs_allowed=False)

    async def _list(self, target: Target) -> list[str]:
        try:
            return await self._resolver.resolve(target.host, target.port)
        except OSError:
            return []
