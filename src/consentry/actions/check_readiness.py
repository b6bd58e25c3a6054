"""Can this server work now? Asked by balancers every few seconds, so an answer is kept a second.

Whether the store can write is found out by writing: one small row, over and over, through the same
queue as everything else. A disk that is full or a standby that was not promoted would pass any
other question.
"""

import asyncio
from enum import StrEnum
from typing import Final

import msgspec

from consentry.ports import (
    Change,
    Clock,
    Facts,
    IdempotencyRecord,
    LogDamaged,
    Needs,
    Outcome,
    Store,
    StoreUnavailable,
)

_NOBODY: Final = "+10000000000"
_OWNER: Final = "consentry/readiness"
"""No API key has this id, so no caller's Idempotency-Key meets the row."""


class NotReady(StrEnum):
    """Why a server should be sent nothing."""

    DRAINING = "draining"
    STORE_UNAVAILABLE = "store_unavailable"
    WRITER_STUCK = "writer_stuck"


ADVICE: Final = {
    NotReady.DRAINING: "This server is stopping. Ask another one.",
    NotReady.STORE_UNAVAILABLE: "The database does not answer or cannot write. Check that it runs, "
    "takes writes and has room; this server goes on by itself when it does.",
    NotReady.WRITER_STUCK: "Commands have been waiting too long to become durable. Check the "
    "database's load, locks and disk.",
}


class ReadinessLimits(msgspec.Struct, frozen=True):
    """Bounds: from which lag the writer counts as stuck, how long to ask, how long to believe."""

    lag_seconds: float = 10.0
    ask_seconds: float = 2.0
    fresh_seconds: float = 1.0


class Readiness(msgspec.Struct, frozen=True):
    """What was found. `writes` is null where the answer took longer than one may wait for it.

    `outbox_age_seconds`: how long the oldest job has been due; 0 where none is. `notices` wait to
    be told to programs. `ledger_held`: why the ledger's log does not go on here; empty where it
    does. That makes no server unfit: STOP is heard and the gate says no without it.
    """

    not_ready: NotReady | None
    reads: bool
    writes: bool | None
    waiting: int
    lag_seconds: float
    outbox_jobs: int | None = None
    outbox_age_seconds: float | None = None
    notices: int | None = None
    ledger_held: str = ""


class CheckWriting(msgspec.Struct, frozen=True):
    """Write one row in the place of the last one: durable, and about nobody."""

    def needs(self) -> Needs:
        """Ask for nothing."""
        return Needs()

    def decide(self, facts: Facts) -> tuple[type[Outcome], Change]:
        """Write the row."""
        row = IdempotencyRecord(_OWNER, "writing", "", 200, b"", facts.now)
        return Outcome, Change(records=(row,))


class ReadinessCheck:
    """Asks the store whether it can work; one question at a time, whoever asks and how often."""

    def __init__(self, store: Store, clock: Clock, limits: ReadinessLimits | None = None) -> None:
        """Ask this store."""
        self._store = store
        self._clock = clock
        self._limits = limits or ReadinessLimits()
        self._asking = asyncio.Lock()
        self._writing: asyncio.Task[type[Outcome]] | None = None
        self._found: Readiness | None = None
        self._found_at = 0.0
        self._is_draining = False

    def drain(self) -> None:
        """Say no from now on: the server is about to stop."""
        self._is_draining = True

    async def look(self) -> Readiness:
        """Tell whether this server can work; raises nothing."""
        async with self._asking:
            found = await self._find()
        if self._is_draining:
            return msgspec.structs.replace(found, not_ready=NotReady.DRAINING)
        return found

    async def _find(self) -> Readiness:
        """Return what was found a moment ago, or ask."""
        age = self._clock.monotonic() - self._found_at
        if self._found is None or age >= self._limits.fresh_seconds:
            self._found = await self._ask()
            self._found_at = self._clock.monotonic()
        return self._found

    async def _ask(self) -> Readiness:
        jobs, age_seconds, notices = await self._read()
        reads = jobs is not None
        writes = await self._write() if reads else False
        vitals = self._store.vitals()
        not_ready = None
        if not reads or writes is False:
            not_ready = NotReady.STORE_UNAVAILABLE
        elif vitals.lag_seconds > self._limits.lag_seconds:
            not_ready = NotReady.WRITER_STUCK
        return Readiness(
            not_ready=not_ready,
            reads=reads,
            writes=writes,
            waiting=vitals.waiting,
            lag_seconds=vitals.lag_seconds,
            outbox_jobs=jobs,
            outbox_age_seconds=age_seconds,
            notices=notices,
            ledger_held=await self._read_held() if reads else "",
        )

    async def _read(self) -> tuple[int | None, float | None, int | None]:
        """Read as the gate does, and how the outbox is; None where the store cannot be read."""
        try:
            async with asyncio.timeout(self._limits.ask_seconds):
                await self._store.read_facts(_NOBODY)
                jobs, age_seconds = await self._store.count_outbox(), await self._read_outbox_age()
                return jobs, age_seconds, await self._store.count_notices()
        except (StoreUnavailable, TimeoutError):
            return None, None, None

    async def _read_held(self) -> str:
        try:
            async with asyncio.timeout(self._limits.ask_seconds):
                return (await self._store.read_log_head()).held
        except LogDamaged as error:
            return str(error)
        except (StoreUnavailable, TimeoutError):
            return ""

    async def _read_outbox_age(self) -> float:
        now = self._clock.now()
        due = await self._store.next_due()
        return max((0.0, *((now - due_at).total_seconds() for _, due_at in due)))

    async def _write(self) -> bool | None:
        """Write; what takes too long is waited for again the next time, not begun once more."""
        if self._writing is None:
            self._writing = asyncio.ensure_future(self._store.submit(CheckWriting()))
        done, _ = await asyncio.wait({self._writing}, timeout=self._limits.ask_seconds)
        if not done:
            return None
        error, self._writing = self._writing.exception(), None
        return error is None
