"""Tells programs what happened, from the notices that wait in the store.

One process does so, the one that leads. What it tells is noted afterwards: after a crash between
the two it is told again, under the same token. Notices of one message go one after the other; each
server has so many at once and no more, and rests for a while when it is down, so that a slow one
holds up nobody else.
"""

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from typing import Final

from consentry.actions.deliver_event import NoteDelivered, NoteUndelivered
from consentry.actions.tell_program import NoteTold, NoteUntold, TakeAnswer
from consentry.delivery.limits import Limits
from consentry.domain.notices import EventNotice, Notice, ReceivedNotice, StatusNotice
from consentry.domain.webhooks import WebhookHealth
from consentry.ports import Clock, Measuring, Store, StoreUnavailable, Teller, Told, Untold
from consentry.wire.webhook_address import RetryCause

_REST_SECONDS: Final = 0.5
_REST_SECONDS_MAX: Final = 30.0
_DOUBLINGS_MAX: Final = 10
_ASKED_SECONDS_MAX: Final = 3600.0

_logger = logging.getLogger(__name__)


class Lane:
    """What is on its way to one server."""

    def __init__(self) -> None:
        self.flights: dict[str, asyncio.Task[None]] = {}
        self.turns: set[str] = set()
        self.landed: set[str] = set()
        """Whose turn ended since the last look began: what was found of them may be over."""
        self.failures = 0
        self.rests_until = 0.0

    def count_free(self, limit: int) -> int:
        """Say how many more may go; a server that was down is tried with one."""
        return (limit if not self.failures else 1) - len(self.flights)

    def note(self, *, is_down: bool, now: float, asked_seconds: float = 0.0) -> None:
        """Let a server that is down rest, twice as long each time, or as long as it asks."""
        self.failures = self.failures + 1 if is_down else 0
        doublings = min(self.failures - 1, _DOUBLINGS_MAX)
        rest = min(_REST_SECONDS * 2.0**doublings, _REST_SECONDS_MAX) if is_down else 0.0
        self.rests_until = now + max(rest, asked_seconds)


class Telling:
    """One loop over all servers that wait for notices."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        teller: Teller,
        *,
        limits: Limits,
        measuring: Measuring,
        wake_delivery: Callable[[], None],
    ) -> None:
        """Build it; nothing happens before `run`."""
        self._store = store
        self._clock = clock
        self._teller = teller
        self._limits = limits
        self._measuring = measuring
        self._wake_delivery = wake_delivery
        self._lanes: dict[str, Lane] = {}
        self._health: dict[str, WebhookHealth] = {}
        self._landed = asyncio.Event()

    async def run(self, leads: Callable[[], bool]) -> None:
        """Tell, while this process is the one that does so, until cancelled."""
        try:
            while True:
                self._landed.clear()
                if leads():
                    seconds = await self._round()
                else:
                    self._health, seconds = {}, self._limits.tell_seconds
                with suppress(TimeoutError):
                    async with asyncio.timeout(seconds):
                        await self._landed.wait()
        finally:
            await self._break_off()

    async def _round(self) -> float:
        """Begin all that may go now; return the seconds until the next look."""
        try:
            now = self._clock.now()
            for host, due_at in await self._store.next_notices():
                if due_at <= now:
                    await self._begin(host, now)
        except StoreUnavailable as error:
            _logger.warning("store_unavailable", extra={"why": str(error)})
            return self._limits.retry_seconds_max
        except Exception:
            _logger.exception("telling_failed: it is tried again")
            return self._limits.retry_seconds_max
        self._lanes = {
            host: lane for host, lane in self._lanes.items() if lane.flights or lane.failures
        }
        return self._limits.tell_seconds

    async def _begin(self, host: str, now: datetime) -> None:
        lane = self._lanes.setdefault(host, Lane())
        free = min(lane.count_free(self._limits.tells_per_server), self._count_free())
        if free <= 0 or self._clock.monotonic() < lane.rests_until:
            return
        # Those on their way are found too, until it is noted what became of them.
        lane.landed.clear()
        found = await self._store.read_notices(host, now, free + len(lane.flights))
        for notice in found:
            turn = _turn_of(notice)
            if free <= 0 or turn in lane.turns or turn in lane.landed:
                continue
            free -= 1
            lane.turns.add(turn)
            lane.flights[notice.id] = asyncio.create_task(self._tell(notice, lane, host))

    def _count_free(self) -> int:
        return self._limits.tells - sum(len(lane.flights) for lane in self._lanes.values())

    async def _tell(self, notice: Notice, lane: Lane, host: str) -> None:
        try:
            answer = await self._ask(notice)
            is_down = isinstance(answer, Untold) and answer.is_server_down
            asked = answer.retry_after_seconds or 0 if isinstance(answer, Untold) else 0
            asked_seconds = min(asked, _ASKED_SECONDS_MAX)
            lane.note(is_down=is_down, now=self._clock.monotonic(), asked_seconds=asked_seconds)
            outcome = await self._note(notice, answer)
            self._measuring.note_told(str(notice.kind), outcome)
            _log(notice, answer, outcome, host)
        except Exception:
            # It stays where it is and is told again; others go on meanwhile.
            _logger.exception("answer_not_noted", extra={"notice": notice.id})
            await asyncio.sleep(self._limits.retry_seconds_max)
        finally:
            lane.flights.pop(notice.id, None)
            lane.turns.discard(_turn_of(notice))
            lane.landed.add(_turn_of(notice))
            self._landed.set()

    async def _ask(self, notice: Notice) -> Told | Untold:
        """Tell it; a fault of ours is like a program's: tried again, and given up in the end."""
        try:
            return await self._teller.tell(notice)
        except Exception as error:
            _logger.exception("telling_failed", extra={"notice": notice.id})
            return Untold(f"{type(error).__name__}: {error}", RetryCause.CLIENT_ERROR)

    async def _note(self, notice: Notice, answer: Told | Untold) -> str:
        """Write down what became of it, however long the store is away; name the outcome."""
        wait_seconds = self._limits.retry_seconds
        while True:
            try:
                return await self._note_once(notice, answer)
            except StoreUnavailable as error:
                _logger.warning("notice_not_noted_yet", extra={"why": str(error)})
            await asyncio.sleep(wait_seconds)
            wait_seconds = min(wait_seconds * 2, self._limits.retry_seconds_max)

    async def _note_once(self, notice: Notice, answer: Told | Untold) -> str:
        match notice, answer:
            case EventNotice(), _:
                return await self._note_event(notice, answer)
            case StatusNotice() | ReceivedNotice(), Untold():
                is_due = await self._store.submit(NoteUntold(notice, answer), is_patient=True)
                return "postponed" if is_due else "given_up"
            case ReceivedNotice(), Told(texts=(_, *_)):
                taken = await self._store.submit(TakeAnswer(notice, answer.texts))
                if taken.queued:
                    self._wake_delivery()
            case _:
                await self._store.submit(NoteTold(notice.id), is_patient=True)
        return "told"

    async def _note_event(self, notice: EventNotice, answer: Told | Untold) -> str:
        health = await self._find_health(notice.webhook)
        if isinstance(answer, Told):
            noted = NoteDelivered(notice, answer, health)
            self._health[notice.webhook] = await self._store.submit(noted, is_patient=True)
            return "told"
        untold = NoteUndelivered(notice, answer, health)
        after = await self._store.submit(untold, is_patient=True)
        self._health[notice.webhook] = after.health
        if after.is_disabled:
            _logger.error("webhook_switched_off", extra={"webhook": notice.webhook})
        return "postponed" if after.is_due else "given_up"

    async def _find_health(self, webhook: str) -> WebhookHealth:
        """Find how a webhook goes: read once, as nobody else writes it while this process leads."""
        if not self._health:
            self._health = {one.id: one for one in await self._store.read_webhook_health()}
        return self._health.get(webhook) or WebhookHealth(webhook)

    async def _break_off(self) -> None:
        flights = [task for lane in self._lanes.values() for task in lane.flights.values()]
        for task in flights:
            task.cancel()
        await asyncio.gather(*flights, return_exceptions=True)


def _turn_of(notice: Notice) -> str:
    """Name whose turn a notice is: what shares it is told one after the other."""
    return notice.recipient if isinstance(notice, EventNotice) else notice.id


def _log(notice: Notice, answer: Told | Untold, outcome: str, host: str) -> None:
    about = {"notice": notice.id, "server": host}
    match answer:
        case Untold():
            level = logging.ERROR if outcome == "given_up" else logging.WARNING
            about |= {"why": answer.why, "outcome": outcome}
            _logger.log(level, "program_not_told", extra=about)
        case Told(unread=str(unread)):
            _logger.warning("answer_not_read", extra={**about, "why": unread})
        case Told():
            _logger.debug("program_told", extra=about)
