"""How we name ourselves to Sinch: by a plan's token, or by a project's access key.

A token is put into each request as it is. With an access key a token is asked for that holds for
about an hour; it is kept until shortly before that, and asked for anew when Sinch refuses it.
"""

import asyncio
from collections.abc import Mapping
from typing import Final, Protocol

import msgspec

from consentry.carriers.shared.answers import read_list
from consentry.carriers.shared.way_out import WayOut, basic_authorization
from consentry.ports import CarrierUnreachable

_EARLY_SECONDS: Final = 60.0
_GRANT: Final = b"grant_type=client_credentials"


class _Granted(msgspec.Struct, frozen=True):
    access_token: str
    expires_in: float = 3600.0


_decoder = msgspec.json.Decoder(_Granted)


class Authorization(Protocol):
    """What gives the header that lets us in."""

    async def write_headers(self) -> Mapping[str, str]:
        """Write it; raises `CarrierUnreachable` where it has to be asked for and cannot be had."""

    def forget(self) -> None:
        """Sinch has refused it: ask anew next time."""


class APIToken:
    """A token that stays as it is."""

    def __init__(self, token: str) -> None:
        """Keep it."""
        self._headers = {"Authorization": f"Bearer {token}"}

    async def write_headers(self) -> Mapping[str, str]:
        """Write the header."""
        return self._headers

    def forget(self) -> None:
        """There is no other one."""


class AccessKey:
    """A key pair, for which Sinch gives tokens (OAuth 2, client credentials)."""

    def __init__(self, key_id: str, key_secret: str, *, url: str, way_out: WayOut) -> None:
        """Ask at `url`, the address of Sinch's authorization server."""
        self._url = f"{url.rstrip('/')}/oauth2/token"
        self._basic = {
            "Authorization": basic_authorization(key_id, key_secret),
            "Content-Type": "application/x-www-form-urlencoded",
        }
        self._way_out = way_out
        self._headers: Mapping[str, str] | None = None
        self._good_until = 0.0
        self._asking = asyncio.Lock()

    async def write_headers(self) -> Mapping[str, str]:
        """Write the header; of many who need a token at once, one asks."""
        async with self._asking:
            now = asyncio.get_running_loop().time()
            if self._headers is None or now >= self._good_until:
                granted = await self._ask()
                self._headers = {"Authorization": f"Bearer {granted.access_token}"}
                self._good_until = now + granted.expires_in - _EARLY_SECONDS
            return self._headers

    def forget(self) -> None:
        """Ask for another token next time."""
        self._headers = None

    async def _ask(self) -> _Granted:
        answer = await self._way_out.ask(self._url, headers=self._basic, body=_GRANT)
        if answer.status != 200:
            raise CarrierUnreachable(
                f"Sinch gives no token (HTTP {answer.status}). Check the access key and its secret."
            )
        return read_list(_decoder, answer.body, what="Sinch's token")
