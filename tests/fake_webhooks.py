"""Ways to webhooks that lead nowhere: names have no addresses, and what is posted is kept."""

from consentry.actions.keep_webhooks import WebhookWays
from consentry.domain.notices import EventNotice
from consentry.domain.webhooks import Webhook
from consentry.ports import Told, Untold
from consentry.telling.resolving import URLCheck
from consentry.wire.public_address import PrivateNetworks


class Nowhere:
    """Implements `ports.Resolver`: no name has an address."""

    async def resolve(self, host: str, port: int) -> list[str]:
        raise OSError(f"{host}:{port} is not known here")


class FakePosting:
    """Implements `WebhookPosting`: keeps what was posted, and answers as it is told."""

    def __init__(self) -> None:
        self.posted: list[tuple[Webhook, EventNotice]] = []
        self.answer: Told | Untold = Told(status=204)

    async def post(self, webhook: Webhook, notice: EventNotice) -> Told | Untold:
        self.posted.append((webhook, notice))
        return self.answer


def fake_ways() -> WebhookWays:
    """Give ways on which only addresses that stand in a URL are judged."""
    return WebhookWays(URLCheck(Nowhere(), PrivateNetworks()), FakePosting())
