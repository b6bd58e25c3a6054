"""Who tells programs, at URLs of their own, what they want to be told."""

from typing import Protocol

import msgspec

from consentry.domain.notices import Notice
from consentry.wire.twiml import AskedText
from consentry.wire.webhook_address import RetryCause


class Told(msgspec.Struct, frozen=True):
    """The program has it. `texts` are what its answer asks to be sent to the person.

    `unread` says why an answer was no such thing, where it was none.
    """

    texts: tuple[AskedText, ...] = ()
    unread: str | None = None


class Untold(msgspec.Struct, frozen=True):
    """The program does not have it for sure. No `cause`: it will not help to try again.

    `is_server_down`: others told at the same server would fare no better now.
    """

    why: str
    cause: RetryCause | None
    is_server_down: bool = False


class Teller(Protocol):
    """Tells one notice, once, for a bounded time."""

    async def tell(self, notice: Notice) -> Told | Untold:
        """Tell it; whatever goes wrong is an `Untold`."""

    async def close(self) -> None:
        """Close connections."""
