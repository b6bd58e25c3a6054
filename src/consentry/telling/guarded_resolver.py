"""The guard as aiohttp asks for it; imported with aiohttp, at the first request."""

import socket
from ipaddress import ip_address

from aiohttp.abc import AbstractResolver, ResolveResult

from consentry.telling.resolving import Guard


class GuardedResolver(AbstractResolver):
    """Resolves names by the guard, so that a connection has no address that was not checked."""

    def __init__(self, guard: Guard) -> None:
        self._guard = guard

    # typing.override comes with Python 3.12.
    async def resolve(  # type: ignore[explicit-override]
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        """List a name's addresses of a family; raises `OSError`."""
        addresses = await self._guard.resolve(host, port)
        results = [_write_result(host, port, address) for address in addresses]
        return [one for one in results if family in (socket.AF_UNSPEC, one["family"])]

    async def close(self) -> None:  # type: ignore[explicit-override]
        """Let go of nothing."""


def _write_result(host: str, port: int, address: str) -> ResolveResult:
    version = ip_address(address.partition("%")[0]).version
    return ResolveResult(
        hostname=host,
        host=address,
        port=port,
        family=socket.AF_INET6 if version == 6 else socket.AF_INET,
        proto=0,
        flags=socket.AI_NUMERICHOST,
    )
