"""What a carrier tells is taken: each event durable, in its order, and what it forbids at an end.

A text that opts somebody out is taken only when nothing for that person is with a carrier any
more: who tells the carrier "taken" before that would promise too much.
"""

import logging
from typing import assert_never

from consentry.actions.receive_message import ReceiveMessage
from consentry.actions.record_receipt import BURST_ADVICE, RecordReceipt
from consentry.ports import (
    UNMEASURED,
    Carrier,
    CarrierEvent,
    Clock,
    Delivery,
    Handshake,
    InboundText,
    Measuring,
    StatusReport,
    Store,
    Taken,
)

_log = logging.getLogger(__name__)


class EventIntake:
    """Implements `ports.Intake` for everything that carriers tell, by whatever door."""

    def __init__(
        self, store: Store, delivery: Delivery, clock: Clock, measuring: Measuring = UNMEASURED
    ) -> None:
        """Take into this store, and wait for this delivery."""
        self._store = store
        self._delivery = delivery
        self._clock = clock
        self._measuring = measuring

    async def take(self, carrier: Carrier, events: tuple[CarrierEvent, ...]) -> Taken:
        """Take events one after the other; a repeat of one that was taken changes nothing.

        Raises `StoreUnavailable`, `CarrierUnreachable`: all of them must be told again.
        """
        unknown: list[str] = []
        for event in events:
            match event:
                case InboundText():
                    if not await self._take_text(carrier, event):
                        unknown.append(event.sender)
                case StatusReport():
                    await self._take_report(carrier, event)
                case Handshake():
                    await carrier.confirm(event)
                case never:
                    assert_never(never)
        return Taken(tuple(unknown))

    async def _take_text(self, carrier: Carrier, text: InboundText) -> bool:
        """Take a person's text; return whether its sender is set up here."""
        began = self._clock.monotonic()
        command = ReceiveMessage(carrier.id, carrier.kind, text, self._clock.now())
        received = await self._store.submit(command)
        self._measuring.note_webhook("inbound", self._clock.monotonic() - began)
        if _log.isEnabledFor(logging.DEBUG):
            _log.debug("text_received", extra={"sender": text.sender, "recipient": text.recipient})
        if received.in_flight:
            await self._delivery.wait_quiet(received.in_flight)
        if received.answered:
            self._delivery.wake()
        return received.known_sender

    async def _take_report(self, carrier: Carrier, report: StatusReport) -> None:
        """Take a delivery report, in any order."""
        began = self._clock.monotonic()
        command = RecordReceipt(carrier.id, report, self._clock.now())
        recorded = await self._store.submit(command, is_patient=True)
        self._measuring.note_webhook("status", self._clock.monotonic() - began)
        self._measuring.note_receipt(report.status)
        if recorded.refusal_burst:
            _log.error("refusal_burst", extra={"sender": report.sender, "advice": BURST_ADVICE})
