"""Who tells programs, at URLs of their own, what they want to be told."""

from typing import Protocol

import msgspec

from consentry.domain.notices import Notice
from consentry.wire.twiml import AskedText
from consentry.wire.webhook_address import RetryCause


class Told(msgspec.Struct, frozen=True):
    """The program has it. `texts` are what its answer asks to be sent to the person.

    `unread` says why an answer was no such thing, where it was none. `status` is the HTTP status.
    """

    texts: tuple[AskedText, ...] = ()
    unread: str | None = None
    status: int = 200


class Untold(msgspec.Struct, frozen=True):
    """The program does not have it for sure. No `cause`: it will not help to try again.

    `is_server_down`: others told at the same server would fare no better now. `status` is the HTTP
    status, where there was an answer; with `retry_after_seconds` it asked to be left alone so long,
    and with `is_gone` for good.
    """

    why: str
    cause: RetryCause | None
    is_server_down: bool = False
    status: int | None = None
    retry_after_seconds: int | None = None
    is_gone: bool = False


class Teller(Protocol):
    """Tells one notice, once, for a bounded time."""

    async def tell(self, notice: Notice) -> Told | Untold:
        """Tell it; whatever goes wrong is an `Untold`."""

    async def close(self) -> None:
        """Close connections."""
