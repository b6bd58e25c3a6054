"""What every part of the simulated carrier works with, and the few things they all ask."""

import secrets
from datetime import datetime
from uuid import UUID

import msgspec

from consentry.simulator.dialect import Dialect
from consentry.simulator.faults import Faults
from consentry.simulator.journal import Books
from consentry.simulator.state import SenderSet, ServiceSet, State
from consentry.simulator.values import Account, Sender, Service, SimulatorConfig
from consentry.simulator.webhooks import Clock, Webhooks


class Carrier:
    """The books, the faults, the webhooks and the clock of one simulated carrier."""

    def __init__(
        self,
        config: SimulatorConfig,
        dialect: Dialect,
        *,
        clock: Clock,
        books: Books,
        faults: Faults,
    ) -> None:
        """Join the parts; the configured senders and services go into the books."""
        self.config = config
        self.dialect = dialect
        self.clock = clock
        self.books = books
        self.faults = faults
        self.webhooks = Webhooks(
            clock,
            faults,
            dialect,
            next_order=books.state.next_order,
            concurrency=config.webhook_concurrency,
        )
        self.accounts = {account.sid: account for account in config.accounts}
        groups = [dialect.find_group(account) for account in config.accounts]
        for service in [*config.services, *(group for group in groups if group is not None)]:
            books.record(ServiceSet(service))
        for sender in config.senders:
            self.place(sender)

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

    def place(self, sender: Sender) -> Sender:
        """Configure a number, in what its account's numbers share their blocks in."""
        group = self.dialect.find_group(self.account_of(sender))
        if group is not None and sender.messaging_service_sid is None:
            sender = msgspec.structs.replace(sender, messaging_service_sid=group.sid)
        self.books.record(SenderSet(sender))
        return sender

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


def build_uuid() -> str:
    """Make an id that no other run of a simulator has made, as a UUID."""
    return str(UUID(bytes=secrets.token_bytes(16), version=4))


def build_sid(prefix: str) -> str:
    """Make a sid that no other run of a simulator has made: SM, MM … and 32 hex digits."""
    return prefix + secrets.token_hex(16)
