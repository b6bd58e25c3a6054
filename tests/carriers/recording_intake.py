"""Who takes what a carrier tells, in memory."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from consentry.ports import Carrier, CarrierEvent, InboundText, StoreUnavailable, Taken


@dataclass
class RecordingIntake:
    """Implements `ports.Intake`: keeps what it takes, or cannot, as it is set.

    `before` is awaited before an event is kept, as an opt-out waits for what it forbids.
    """

    events: list[CarrierEvent] = field(default_factory=list)
    is_away: bool = False
    before: Callable[[CarrierEvent], Awaitable[None]] | None = None
    changed: asyncio.Event = field(default_factory=asyncio.Event)

    async def take(self, carrier: Carrier, events: tuple[CarrierEvent, ...]) -> Taken:
        """Keep events."""
        assert carrier.kind == "smpp"
        if self.before is not None:
            await self.before(events[0])
        if self.is_away:
            raise StoreUnavailable("away")
        self.events.extend(events)
        self.changed.set()
        return Taken()

    async def until(self, count: int) -> list[CarrierEvent]:
        """Wait until so many were taken."""
        async with asyncio.timeout(60):
            while len(self.events) < count:
                self.changed.clear()
                await self.changed.wait()
        return self.events

    @property
    def bodies(self) -> list[str]:
        """What people wrote."""
        return [event.body for event in self.events if isinstance(event, InboundText)]
