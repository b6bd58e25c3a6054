"""Who says what addresses a name has."""

from typing import Protocol


class Resolver(Protocol):
    """Resolves names, the way this machine does."""

    async def resolve(self, host: str, port: int) -> list[str]:
        """List the addresses of a name in the order to try; raises `OSError` where it has none."""


class URLCheck(Protocol):
    """Says whether a URL may be posted to."""

    async def check(self, url: str) -> None:
        """Raise `AddressRefused` (`wire/public_address.py`) for a URL that may not."""

    async def check_program(self, url: str) -> None:
        """Do so for a program at the Twilio-compatible door, which may be told in plain."""
