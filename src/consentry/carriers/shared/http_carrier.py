"""A carrier over HTTP, put together from what its folder has: webhooks in, requests out."""

from datetime import datetime
from typing import Final, Protocol

from consentry.ports import (
    Accepted,
    Acknowledgement,
    BlockList,
    CarrierEvent,
    CarrierLink,
    CarrierUnreachable,
    Fence,
    Handshake,
    InboundHistory,
    OutboundText,
    Submission,
    WebhookRequest,
)

NOTHING_TO_SAY: Final = Acknowledgement()


class Webhooks(Protocol):
    """A carrier's `inbound.py`: verifies and reads what it posts."""

    def read_inbound(self, request: WebhookRequest) -> tuple[CarrierEvent, ...]:
        """Read a webhook for texts; raises `Forged`, `Malformed`."""

    def read_status(self, request: WebhookRequest) -> tuple[CarrierEvent, ...]:
        """Read a webhook for reports; raises `Forged`, `Malformed`."""


class Requests(Protocol):
    """A carrier's `outbound.py`: hands texts over, and asks what became of them."""

    async def submit(self, text: OutboundText, fence: Fence) -> Submission:
        """Hand one text over, once."""

    async def find(
        self, text: OutboundText, *, since: datetime, known: frozenset[str] = frozenset()
    ) -> Accepted | None:
        """Look for a text in the carrier's list; raises `CarrierUnreachable`, `NoList`."""

    async def probe(self) -> None:
        """Ask something harmless; raises `CarrierUnreachable`, `NoList`."""

    async def close(self) -> None:
        """Close connections."""


class Confirming(Protocol):
    """What answers a carrier that asks whether an address is ours."""

    async def confirm(self, handshake: Handshake) -> None:
        """Say yes; raises `CarrierUnreachable`."""


class HTTPCarrier:
    """One account with a carrier that posts webhooks and takes requests; a `ports.Carrier`."""

    link: CarrierLink | None = None

    def __init__(
        self,
        account_id: str,
        kind: str,
        *,
        webhooks: Webhooks,
        requests: Requests,
        acknowledgement: Acknowledgement = NOTHING_TO_SAY,
        history: InboundHistory | None = None,
        block_list: BlockList | None = None,
        confirming: Confirming | None = None,
    ) -> None:
        """Put it together; no connection is made before the first request."""
        self.id = account_id
        self.kind = kind
        self.acknowledgement = acknowledgement
        self.history = history
        self.block_list = block_list
        self.read_inbound = webhooks.read_inbound
        self.read_status = webhooks.read_status
        self.submit = requests.submit
        self.find = requests.find
        self.probe = requests.probe
        self.close = requests.close
        self._confirming = confirming

    async def confirm(self, handshake: Handshake) -> None:
        """Answer the carrier's question; raises `CarrierUnreachable`."""
        if self._confirming is None:
            raise CarrierUnreachable(f"{self.kind} has no way to confirm {handshake.url}.")
        await self._confirming.confirm(handshake)
