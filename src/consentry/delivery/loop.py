"""The delivery loop: from the outbox to the carriers, at each sender's own pace.

It claims only what may go now: the sender has a token and a slot is free. So between the gate that
a claim asks and the request to the carrier there is no queue in which a text could grow old.
"""

import asyncio
import logging
from collections.abc import Coroutine
from contextlib import suppress
from datetime import datetime
from math import inf
from typing import Final

from consentry.actions.deliver_job import ClaimJobs, RecordSubmission, RecoverJobs, Settled
from consentry.actions.record_receipt import BURST_ADVICE
from consentry.delivery.fence import ClaimFence
from consentry.delivery.flights import Flights
from consentry.delivery.forgetting import Forgetter
from consentry.delivery.limits import LIMITS, Limits, Portion
from consentry.delivery.membership import Identity, Membership, Neighbours, Strangers
from consentry.delivery.pace import Pace
from consentry.delivery.quiet import wait_unclaimed
from consentry.delivery.resolving import Resolver
from consentry.delivery.slots import share_slots
from consentry.delivery.submitting import submit_text, write_text
from consentry.delivery.telling import Telling
from consentry.domain.directory import Directory
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
    Teller,
    Work,
)
from consentry.ports.log_context import About, set_log_context

_RATE_UNKNOWN: Final = 1.0
"""For jobs of a sender that was deleted: the gate cancels them as they are claimed."""

_logger = logging.getLogger(__name__)


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
        identity: Identity,
        reconcile_grace_seconds: float = 60.0,
        limits: Limits = LIMITS,
        measuring: Measuring = UNMEASURED,
        neighbours: Neighbours | None = None,
        teller: Teller | None = None,
    ) -> None:
        """Build it; nothing happens before `run`. Without a teller programs are told nothing."""
        self._teller = teller
        self._measuring = measuring
        self._store = store
        self._book = book
        self._clock = clock
        self._limits = limits
        self._membership = Membership(
            store,
            clock,
            identity,
            limits=limits,
            on_change=self.wake,
            neighbours=neighbours or Strangers(),
        )
        self._pace = Pace(self._membership, clock)
        self._flights = Flights(self.wake)
        self._alarmed_at: dict[str, float] = {}
        self._woken = asyncio.Event()
        self._stopping = False
        self._running = False
        self._ended = asyncio.Event()
        # When claimed jobs are looked for that nobody carries: at the start, now and then where
        # there are other processes, and at once where a claim or a note may have been lost.
        self._sweep_at = -inf
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
        with suppress(TimeoutError):
            async with asyncio.timeout(self._limits.quiet_seconds):
                await self._flights.wait_quiet(messages)
                if await self._wait_for_others(messages):
                    return
        # Whatever was claimed before may not be handed over any more by now, and its carrier has
        # had its time (see `Limits`).
        _logger.error("still_with_the_carrier", extra={"message_ids": messages})

    async def _wait_for_others(self, messages: tuple[str, ...]) -> bool:
        if self._membership.is_alone:
            return True
        ours = self._flights.messages
        others = [message for message in messages if message not in ours]
        return await wait_unclaimed(self._store, others, seconds=self._limits.quiet_seconds)

    @property
    def leads(self) -> bool:
        """Tell whether this process does what one must do, and is not about to end."""
        return self._membership.leads and not self._stopping

    # --- Its life ---------------------------------------------------------------------------

    async def run(self) -> None:
        """Deliver until `stop` is called; then finish what is under way, for a bounded time."""
        self._running = True
        beside = [asyncio.create_task(work) for work in self._list_work_beside()]
        try:
            while not self._stopping:
                self._woken.clear()
                await self._sleep(await self._deliver_or_wait())
        finally:
            # The lease is kept meanwhile: what is not handed over yet needs it.
            await self._flights.finish(self._limits.stop_seconds if self._stopping else 0)
            for task in beside:
                task.cancel()
            await asyncio.gather(*beside, return_exceptions=True)
            if self._stopping:
                await self._membership.leave()
            self._ended.set()

    def _list_work_beside(self) -> list[Coroutine[None, None, None]]:
        forgetter = Forgetter(self._store, self._clock, self._limits)
        work = [
            self._membership.keep(),
            self._resolve_now_and_then(),
            forgetter.run(lambda: self._membership.leads),
        ]
        if self._teller is not None:
            telling = Telling(
                self._store,
                self._clock,
                self._teller,
                limits=self._limits,
                measuring=self._measuring,
                wake_delivery=self.wake,
            )
            work.append(telling.run(lambda: self.leads))
        return work if self._membership.is_alone else [*work, self._listen()]

    def begin_stop(self) -> None:
        """Claim nothing more from now on."""
        self._stopping = True
        self.wake()

    async def stop(self) -> None:
        """Claim nothing more, and return when what was under way is over or broken off."""
        self.begin_stop()
        if self._running:
            await self._ended.wait()

    async def _listen(self) -> None:
        """Have a look whenever something changed: another process may have filed a text."""
        watch = self._store.watch()
        try:
            while True:
                await watch.next()
                self.wake()
                await asyncio.sleep(self._limits.listen_seconds)
        finally:
            watch.close()

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
        self._sweep_at = -inf
        return self._limits.retry_seconds_max

    async def _deliver_due(self) -> float:
        if not await self._has_joined():
            return 0.0
        if self._clock.monotonic() >= self._sweep_at:
            await self._recover()
        due = await self._store.next_due()
        if not due:
            return self._seconds_to_wait(due)
        directory = await self._store.read_directory()
        is_pressed = self._store.pressed_ago() < self._limits.pressed_seconds
        portion = self._limits.small if is_pressed else self._limits.large
        plan = self._plan(due, directory, portion)
        if not plan:
            return self._seconds_to_wait(due)
        async with self._flights.claiming():
            if self._stopping:
                return 0.0
            fence = ClaimFence(self._membership, self._clock, self._limits)
            works = await self._store.submit(ClaimJobs(plan, fence.process), is_patient=True)
            for started, work in enumerate(works, start=1):
                self._start(work, write_text(work.message, directory), fence)
                if started % portion.starts == 0:
                    await asyncio.sleep(0)
        return 0.0 if works else self._limits.retry_seconds

    async def _has_joined(self) -> bool:
        """Wait for the lease, for a while."""
        with suppress(TimeoutError):
            async with asyncio.timeout(self._limits.idle_seconds):
                await self._membership.join()
                return True
        return False

    async def _recover(self) -> None:
        """Mark claimed jobs that nobody carries as indeterminate: ours, and those of the dead.

        No claim is made here meanwhile, so what is ours and not known here has no carrier.
        """
        every = inf if self._membership.is_alone else self._limits.sweep_seconds
        self._sweep_at = self._clock.monotonic() + every
        async with self._flights.claiming():
            claimed = await self._store.read_claimed()
            carried, is_ours = self._flights.messages, self._membership.may_recover
            left = [j for j in claimed if j.message not in carried and is_ours(j.process)]
            if not left:
                return
            count = await self._store.submit(RecoverJobs(self._membership.id, tuple(left)))
        if count:
            # Their carriers will be asked.
            _logger.warning("jobs_recovered", extra={"count": count})
        for _ in range(count):
            self._measuring.note_settled(MessageStatus.INDETERMINATE)

    def _plan(
        self, due: tuple[tuple[str, datetime], ...], directory: Directory, portion: Portion
    ) -> tuple[tuple[str, int], ...]:
        """Say how many texts each sender may send now: by its tokens, and by the free slots."""
        now = self._clock.now()
        wanted: dict[str, int] = {}
        for number, due_at in sorted(due, key=lambda pair: pair[1]):
            known = directory.senders.get(number)
            rate = _RATE_UNKNOWN if known is None else known.messages_per_second
            count = self._pace.count_free(number, rate)
            if due_at <= now and count:
                wanted[number] = count
        free = min(self._limits.flights - self._flights.count, portion.claims)
        return share_slots(wanted, self._flights.count_by_sender(), free)

    def _seconds_to_wait(self, due: tuple[tuple[str, datetime], ...]) -> float:
        """Wait for the next due time or token; a slot that gets free wakes us."""
        now = self._clock.now()
        waits = [self._limits.idle_seconds]
        for number, due_at in due:
            until_due = (due_at - now).total_seconds()
            until_token = self._pace.seconds_to_next(number)
            if until_token is not None and (until_due > 0 or until_token > 0):
                waits.append(max(until_due, until_token))
        return min(waits)

    # --- Carrying ---------------------------------------------------------------------------

    def _start(self, work: Work, text: OutboundText, fence: ClaimFence) -> None:
        self._pace.take(work.message.sender)
        self._flights.start(work, self._carry(work, text, fence))

    async def _carry(self, work: Work, text: OutboundText, fence: ClaimFence) -> None:
        message = work.message
        # A flight is a task of its own, so this lasts as long as the flight.
        set_log_context(About({"message_id": message.id, "carrier": message.carrier}))
        began = self._clock.monotonic()
        try:
            answer = await submit_text(text, message, self._book, fence)
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
                settled = await self._store.submit(command, is_patient=True)
            except StoreUnavailable as error:
                _logger.warning("answer_not_noted_yet", extra={"why": str(error)})
            except Exception:
                # The job stays claimed; the next round makes it indeterminate, never resent.
                _logger.exception("answer_not_noted", extra={"answer": type(answer).__name__})
                self._sweep_at = -inf
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
            if not self._membership.leads:
                continue
            try:
                await self._resolver.resolve_due()
            except Exception:
                _logger.exception("resolving_failed: it is tried again")


def _log_settled(message: Message, answer: Submission, settled: Settled) -> None:
    if _logger.isEnabledFor(logging.DEBUG):
        told = {"answer": type(answer).__name__, "status": settled.status}
        _logger.debug("text_settled", extra={"recipient": message.recipient, **told})
