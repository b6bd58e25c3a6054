"""This process among those that share the database: its lease, its share, whether it leads.

No clock is compared with another host's. A process counts from when it began to renew its lease,
and those who watch it count from when they had learnt of its last renewal, which is later.
"""

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress
from math import inf
from typing import Final, Protocol

import msgspec

from consentry.actions.keep_lease import EndLease, Lease, RenewLease, name_of
from consentry.delivery.limits import Limits
from consentry.delivery.shares import Share, divide
from consentry.ports import Clock, ServerProcess, Store, StoreUnavailable

_LEAVE_SECONDS: Final = 2.0
_logger = logging.getLogger(__name__)


class Neighbours(Protocol):
    """What can be known of other processes on this host without waiting."""

    @property
    def home(self) -> str:
        """Where what is told is true: of processes with the same home. Empty: nowhere."""

    def is_gone(self, name: str) -> bool:
        """Tell whether a process of this home has surely ended: not one instruction of it runs."""


class Strangers:
    """Nobody can be known of: whoever says nothing is watched."""

    home = ""

    def is_gone(self, name: str) -> bool:
        """Tell that this is not known."""
        del name
        return False


class Identity(msgspec.Struct, frozen=True):
    """Who this process is: `id` must be new.

    `is_alone`: no other process can be alive on this database (SQLite's file is locked).
    """

    id: str
    is_alone: bool = True


class Membership:
    """Keeps the lease of this process. All its methods belong to one event loop."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        identity: Identity,
        *,
        limits: Limits,
        on_change: Callable[[], None],
        neighbours: Neighbours,
    ) -> None:
        """Build it; nothing happens before `keep`. `on_change` is told when the shares changed."""
        self._store = store
        self._clock = clock
        self._identity = identity
        self._limits = limits
        self._on_change = on_change
        self._neighbours = neighbours
        self._lives = 1
        self._lease: Lease | None = None
        self._renewed_at = -inf
        self._settled_at = -inf
        self._watched: dict[str, tuple[int, float]] = {}
        self._joined = asyncio.Event()

    # --- What it is asked -------------------------------------------------------------------

    @property
    def id(self) -> str:
        """Under which id this process claims now; another one after it was taken for dead."""
        return self._identity.id if self._lives == 1 else f"{self._identity.id}.{self._lives}"

    @property
    def is_alone(self) -> bool:
        """Tell whether there can be no other process."""
        return self._identity.is_alone

    @property
    def renewed_at(self) -> float:
        """When the last renewal began that is known to be kept; never over where it is alone."""
        return inf if self.is_alone and self._lease is not None else self._renewed_at

    @property
    def settled_at(self) -> float:
        """Since when the shares are as they are: for ever, where nobody can have sent before."""
        return self._settled_at

    @property
    def leads(self) -> bool:
        """Tell whether this process does what only one must do."""
        return self._lease is not None and self._lease.process.leads and self.holds(self.id)

    def holds(self, process: str) -> bool:
        """Tell whether this process still holds the lease that it had under this id."""
        age = self._clock.monotonic() - self.renewed_at
        return process == self.id and age < self._limits.hand_over_seconds

    def may_recover(self, process: str | None) -> bool:
        """Tell whether jobs that this one claimed, and nobody here carries, are ours to clear."""
        if process == self.id:
            return True
        others = () if self._lease is None else self._lease.others
        return self.leads and process not in {other.id for other in others}

    def share(self, sender: str, rate: float) -> Share | None:
        """Tell what part of a sender's rate is ours; None: nothing now.

        A newcomer has none until all others know of it, and have taken less for themselves.
        """
        lease = self._lease
        if lease is None or not lease.is_known or not self.holds(self.id):
            return None
        return divide(sender, rate, process=self.id, processes=_ids(lease))

    # --- Its life ---------------------------------------------------------------------------

    async def join(self) -> None:
        """Wait until this process has a lease."""
        await self._joined.wait()

    async def keep(self) -> None:
        """Take the lease and renew it until cancelled."""
        while self._lease is None or not self.is_alone:
            wait_seconds = await self._renew_or_wait()
            await asyncio.sleep(wait_seconds)

    async def leave(self) -> None:
        """Give the lease up: nothing is under way here any more. Best effort."""
        if self._lease is None:
            return
        with suppress(StoreUnavailable, TimeoutError):
            async with asyncio.timeout(_LEAVE_SECONDS):
                await self._store.submit(EndLease(self.id))

    async def _renew_or_wait(self) -> float:
        try:
            return await self._renew()
        except StoreUnavailable as error:
            _logger.warning("lease_not_renewed", extra={"why": str(error)})
        except Exception:
            # Whatever it is: without a lease nothing is sent, so it is tried again.
            _logger.exception("lease_not_renewed")
        return min(self._limits.beat_seconds, self._limits.retry_seconds_max)

    async def _renew(self) -> float:
        began, gone = self._clock.monotonic(), self._find_gone()
        for name in gone:
            _logger.warning("process_gone", extra={"server_process": name})
        command = RenewLease(
            self.id,
            is_new=self._lease is None,
            dead=self._find_dead(began),
            gone=gone,
            is_alone=self.is_alone,
            home=self._neighbours.home,
        )
        lease = await self._store.submit(command)
        if lease is None:
            # What is under way under the old id may not be handed over any more.
            _logger.error("taken_for_dead", extra={"server_process": self.id})
            self._lives += 1
            self._lease, self._renewed_at = None, -inf
            self._watched.clear()
            return 0.0
        self._watch(lease, began)
        return 0.0 if self._find_gone() else self._limits.beat_seconds

    def _find_gone(self) -> tuple[str, ...]:
        """Find who has ended at our own home: there is no need to watch them."""
        others = () if self._lease is None else self._lease.others
        home = self._neighbours.home
        near = [other.id for other in others if home and other.home == home]
        return tuple(name for name in near if self._neighbours.is_gone(name_of(name)))

    def _forget_if_away(self, now: float) -> None:
        """Begin to watch anew after a pause: who has not looked has watched nobody."""
        if now - self._renewed_at > self._limits.dead_seconds / 2:
            self._watched.clear()

    def _find_dead(self, now: float) -> tuple[tuple[str, int], ...]:
        self._forget_if_away(now)
        dead = [
            (process, beats)
            for process, (beats, since) in self._watched.items()
            if now - since > self._limits.dead_seconds
        ]
        for process, _ in dead:
            _logger.warning("process_taken_for_dead", extra={"server_process": process})
        return tuple(dead)

    def _watch(self, lease: Lease, began: float) -> None:
        """Take note of who lives."""
        now = self._clock.monotonic()
        self._forget_if_away(now)
        self._watched = {other.id: self._since(other, now) for other in lease.others}
        before, self._lease, self._renewed_at = self._lease, lease, began
        self._joined.set()
        if before is None or _ids(before) != _ids(lease) or before.is_known != lease.is_known:
            is_first = before is None and not lease.others
            self._settled_at = -inf if is_first else now
            self._on_change()

    def _since(self, other: ServerProcess, now: float) -> tuple[int, float]:
        known = self._watched.get(other.id)
        return known if known is not None and known[0] == other.beats else (other.beats, now)


def _ids(lease: Lease) -> tuple[str, ...]:
    return lease.process.id, *(other.id for other in lease.others)
