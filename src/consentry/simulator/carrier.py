"""What every part of the simulated carrier works with, and the few things they all ask."""

import secrets
from datetime import datetime
from functools import lru_cache

from consentry.simulator.faults import Faults
from consentry.simulator.journal import Books
from consentry.simulator.state import SenderSet, ServiceSet, State
from consentry.simulator.values import Account, Sender, Service, SimulatorConfig
from consentry.simulator.webhooks import Clock, Webhooks
from consentry.wire.webhook_address import WebhookAddress, parse_webhook_address


class Carrier:
    """The books, the faults, the webhooks and the clock of one simulated carrier."""

    def __init__(
        self, config: SimulatorConfig, *, clock: Clock, books: Books, faults: Faults
    ) -> None:
        """Join the parts; the configured senders and services go into the books."""
        self.config = config
        self.clock = clock
        self.books = books
        self.faults = faults
        self.webhooks = Webhooks(clock, faults, books.state.next_order, config.webhook_concurrency)
        self.accounts = {account.sid: account for account in config.accounts}
        for service in config.services:
            books.record(ServiceSet(service))
        for sender in config.senders:
            books.record(SenderSet(sender))

    @property
    def state(self) -> State:
        """What the carrier knows."""
        return self.books.state

    def now(self) -> datetime:
        """Read the time."""
        return self.clock.now()

    def keywords_as_of(self) -> datetime:
        """Read the day whose keyword lists count."""
        return self.config.keywords_as_of or self.clock.now()

    def account_of(self, sender: Sender) -> Account:
        """Find whose number it is: the first account's where none is named."""
        named = self.accounts.get(sender.account_sid or "")
        return named or next(iter(self.accounts.values()))

    def service_of(self, sender: Sender) -> Service | None:
        """Find the messaging service a number is in."""
        return self.state.services.get(sender.messaging_service_sid or "")

    def senders_of(self, service_sid: str) -> list[Sender]:
        """List a messaging service's numbers, in the order they joined."""
        return [s for s in self.state.senders.values() if s.messaging_service_sid == service_sid]


def build_sid(prefix: str) -> str:
    """Make a sid that no other run of a simulator has made: SM, MM … and 32 hex digits."""
    return prefix + secrets.token_hex(16)


@lru_cache(maxsize=1024)
def read_address(url: str) -> WebhookAddress:
    """Read a webhook's address once for all the times it is called."""
    return parse_webhook_address(url)
