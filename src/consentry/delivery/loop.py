"""The delivery loop: from the outbox to the carriers, at each sender's own pace.

It claims only what may go now: the sender has a token and a slot is free. So between the gate that
a claim asks and the request to the carrier there is no queue in which a text could grow old.
"""

import asyncio
import logging
from contextlib import suppress
from datetime import datetime
from typing import Final

import msgspec

from consentry.actions.deliver_job import ClaimJobs, RecordSubmission, RecoverJobs, Settled
from consentry.actions.record_receipt import BURST_ADVICE
from consentry.delivery.bucket import TokenBucket
from consentry.delivery.flights import Flights
from consentry.delivery.resolving import Resolver
from consentry.delivery.slots import share_slots
from consentry.delivery.submitting import submit_text, write_text
from consentry.domain.messages import Message, MessageStatus
from consentry.ports import (
    UNMEASURED,
    CarrierBook,
    Clock,
    Measuring,
    OutboundText,
    Store,
    StoreUnavailable,
    Submission,
    Work,
)
from consentry.ports.log_context import About, set_log_context

_RATE_UNKNOWN: Final = 1.0
"""For jobs of a sender that was deleted: the gate cancels them as they are claimed."""

_logger = logging.getLogger(__name__)


class Limits(msgspec.Struct, frozen=True):
    """Bounds of the loop.

    `submit_seconds` is a little more than a carrier gives itself, so that its own answer comes
    first. `quiet_seconds` is more than that, and less than the 15 s a carrier waits for the answer
    to a webhook. `stop_seconds` leaves room for the rest of a server's shutdown.
    """

    flights: int = 50
    submit_seconds: float = 10.5
    quiet_seconds: float = 12.0
    stop_seconds: float = 1.5
    idle_seconds: float = 1.0
    resolve_seconds_max: float = 10.0
    retry_seconds: float = 0.05
    retry_seconds_max: float = 2.0
    alarm_seconds: float = 60.0


_LIMITS: Final = Limits()


class DeliveryLoop:
    """Implements `ports.Delivery`. One for each process; all its methods belong to one event loop.

    `reconcile_grace_seconds`: how long a text without an answer waits for a receipt before the
    carrier's list is asked.
    """

    def __init__(
        self,
        store: Store,
        book: CarrierBook,
        clock: Clock,
        *,
        reconcile_grace_seconds: float = 60.0,
        limits: Limits = _LIMITS,
        measuring: Measuring = UNMEASURED,
    ) -> None:
        """Build it; nothing happens before `run`."""
        self._measuring = measuring
        self._store = store
        self._book = book
        self._clock = clock
        self._limits = limits
        self._flights = Flights(self.wake)
        self._buckets: dict[str, TokenBucket] = {}
        self._alarmed_at: dict[str, float] = {}
        self._woken = asyncio.Event()
        self._stopping = False
        self._running = False
        self._ended = asyncio.Event()
        # At the start, and whenever a claim or a note may have been lost, there may be claimed
        # jobs that nobody carries.
        self._unsure = True
        often = reconcile_grace_seconds / 4
        self._resolve_seconds = max(limits.retry_seconds, min(often, limits.resolve_seconds_max))
        self._resolver = Resolver(
            store, book, clock, grace_seconds=reconcile_grace_seconds, wake=self.wake
        )

    # --- What the doors ask -----------------------------------------------------------------

    def wake(self) -> None:
        """Say that a job may be due now."""
        self._woken.set()

    async def wait_quiet(self, messages: tuple[str, ...]) -> None:
        """Wait until none of these messages is with the carrier any more (bounded in time)."""
        if not messages:
            return
        try:
            async with asyncio.timeout(self._limits.quiet_seconds):
                await self._flights.wait_quiet(messages)
        except TimeoutError:
            # The trace of a timeout tells nothing.
            _logger.error("still_with_the_carrier", extra={"message_ids": messages})  # noqa: TRY400 - see above

    # --- Its life ---------------------------------------------------------------------------

    async def run(self) -> None:
        """Deliver until `stop` is called; then finish what is under way, for a bounded time."""
        self._running = True
        resolving = asyncio.create_task(self._resolve_now_and_then())
        try:
            while not self._stopping:
                self._woken.clear()
                await self._sleep(await self._deliver_or_wait())
        finally:
            resolving.cancel()
            await asyncio.gather(resolving, return_exceptions=True)
            await self._flights.finish(self._limits.stop_seconds if self._stopping else 0)
            self._ended.set()

    async def stop(self) -> None:
        """Claim nothing more, and return when what was under way is over or broken off."""
        self._stopping = True
        self.wake()
        if self._running:
            await self._ended.wait()

    async def _sleep(self, seconds: float) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._woken.wait()

    # --- Claiming ---------------------------------------------------------------------------

    async def _deliver_or_wait(self) -> float:
        """Make one round; return the seconds until the next, unless somebody wakes us."""
        try:
            return await self._deliver_due()
        except StoreUnavailable as error:
            # Nothing is delivered until it is back.
            _logger.warning("store_unavailable", extra={"why": str(error)})
        except Exception:
            # Whatever it is, the next round may work; to stop would silence every sender.
            _logger.exception("delivery_round_failed")
        self._unsure = True
        return self._limits.retry_seconds_max

    async def _deliver_due(self) -> float:
        if self._unsure:
            await self._recover()
        due = await self._store.next_due()
        plan = await self._plan(due)
        if not plan:
            return self._seconds_to_wait(due)
        directory = await self._store.read_directory()
        async with self._flights.claiming():
            works = await self._store.submit(ClaimJobs(plan))
            for work in works:
                self._start(work, write_text(work.message, directory))
        return 0.0 if works else self._limits.retry_seconds

    async def _recover(self) -> None:
        """Mark jobs that are claimed and that nobody here carries as indeterminate."""
        self._unsure = False
        count = await self._store.submit(RecoverJobs(self._flights.messages))
        if count:
            # Their carriers will be asked.
            _logger.warning("jobs_recovered", extra={"count": count})
        for _ in range(count):
            self._measuring.note_settled(MessageStatus.INDETERMINATE)

    async def _plan(self, due: tuple[tuple[str, datetime], ...]) -> tuple[tuple[str, int], ...]:
        """Say how many texts each sender may send now: by its tokens, and by the free slots."""
        now, seconds = self._clock.now(), self._clock.monotonic()
        senders = (await self._store.read_directory()).senders
        wanted: dict[str, int] = {}
        for number, due_at in sorted(due, key=lambda pair: pair[1]):
            known = senders.get(number)
            rate = _RATE_UNKNOWN if known is None else known.messages_per_second
            bucket = self._buckets.get(number) or TokenBucket.full(rate, seconds)
            self._buckets[number] = bucket = bucket.refill(rate, seconds)
            if due_at <= now and bucket.whole:
                wanted[number] = bucket.whole
        free = self._limits.flights - self._flights.count
        return share_slots(wanted, self._flights.count_by_sender(), free)

    def _seconds_to_wait(self, due: tuple[tuple[str, datetime], ...]) -> float:
        """Wait for the next due time or token; a slot that gets free wakes us."""
        now = self._clock.now()
        waits = [self._limits.idle_seconds]
        for number, due_at in due:
            until_due = (due_at - now).total_seconds()
            until_token = self._buckets[number].seconds_to_next
            if until_due > 0 or until_token > 0:
                waits.append(max(until_due, until_token))
        return min(waits)

    # --- Carrying ---------------------------------------------------------------------------

    def _start(self, work: Work, text: OutboundText) -> None:
        sender = work.message.sender
        self._buckets[sender] = self._buckets[sender].take(1)
        self._flights.start(work, self._carry(work, text))

    async def _carry(self, work: Work, text: OutboundText) -> None:
        message = work.message
        # A flight is a task of its own, so this lasts as long as the flight.
        set_log_context(About({"message_id": message.id, "carrier": message.carrier}))
        began = self._clock.monotonic()
        try:
            answer = await submit_text(
                text, message, self._book, seconds=self._limits.submit_seconds
            )
        finally:
            self._flights.land(message.id)
        self._measuring.note_submission(answer, self._clock.monotonic() - began)
        await self._record(work, answer)

    async def _record(self, work: Work, answer: Submission) -> None:
        """Write the answer down, however long the store is away: it must not be lost."""
        message = work.message
        command = RecordSubmission(
            message=message.id,
            recipient=message.recipient,
            sender=message.sender,
            carrier=message.carrier or "",
            submission=answer,
            attempt=work.job.attempts,
        )
        wait_seconds = self._limits.retry_seconds
        while True:
            try:
                settled = await self._store.submit(command)
            except StoreUnavailable as error:
                _logger.warning("answer_not_noted_yet", extra={"why": str(error)})
            except Exception:
                # The job stays claimed; the next round makes it indeterminate, never resent.
                _logger.exception("answer_not_noted", extra={"answer": type(answer).__name__})
                self._unsure = True
                return
            else:
                self._measuring.note_settled(settled.status)
                _log_settled(message, answer, settled)
                if settled.refusal_burst:
                    self._alarm(message.sender)
                return
            await asyncio.sleep(wait_seconds)
            wait_seconds = min(wait_seconds * 2, self._limits.retry_seconds_max)

    def _alarm(self, sender: str) -> None:
        """Tell of a burst of refusals, once in a while for each sender."""
        now = self._clock.monotonic()
        last = self._alarmed_at.get(sender)
        if last is not None and now - last < self._limits.alarm_seconds:
            return
        self._alarmed_at[sender] = now
        _logger.error("refusal_burst", extra={"sender": sender, "advice": BURST_ADVICE})

    # --- Without an answer ------------------------------------------------------------------

    async def _resolve_now_and_then(self) -> None:
        while True:
            await asyncio.sleep(self._resolve_seconds)
            try:
                await self._resolver.resolve_due()
            except Exception:
                _logger.exception("resolving_failed: it is tried again")


def _log_settled(message: Message, answer: Submission, settled: Settled) -> None:
    if _logger.isEnabledFor(logging.DEBUG):
        told = {"answer": type(answer).__name__, "status": settled.status}
        _logger.debug("text_settled", extra={"recipient": message.recipient, **told})
