"""Everybody who is told something, each in their own form."""

from consentry.domain.notices import EventNotice, Notice
from consentry.ports import Told, Untold
from consentry.telling.twilio_teller import TwilioTeller
from consentry.telling.webhook_teller import WebhookTeller


class Tellers:
    """Implements `ports.Teller`."""

    def __init__(self, programs: TwilioTeller, webhooks: WebhookTeller) -> None:
        self._programs = programs
        self.webhooks = webhooks

    async def tell(self, notice: Notice) -> Told | Untold:
        """Tell it once."""
        match notice:
            case EventNotice():
                return await self.webhooks.tell(notice)
            case _:
                return await self._programs.tell(notice)

    async def close(self) -> None:
        """Close connections."""
        await self._programs.close()
        await self.webhooks.close()
