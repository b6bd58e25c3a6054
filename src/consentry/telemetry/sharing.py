"""What the processes of one server count, added up: whichever is asked tells of all.

Each writes its tallies into a folder that they share, once a second, and reads the others' when it
is asked. What a process counted before it ended stays in the folder, so that sums never fall.
"""

import asyncio
import logging
from collections.abc import Iterable
from pathlib import Path
from typing import Final

import msgspec

from consentry.ports import Store, Vitals
from consentry.telemetry.tallies import Distribution, Labels, Snapshot, Tallies

PUBLISH_SECONDS: Final = 1.0
_SUFFIX: Final = ".tallies"
_log = logging.getLogger(__name__)


class Counted(msgspec.Struct, frozen=True):
    """What one process counted, and how its writing goes."""

    snapshot: Snapshot
    vitals: Vitals


class Sharing:
    """This process's tallies and those of its siblings."""

    def __init__(
        self, tallies: Tallies, store: Store, folder: Path | None = None, name: str = ""
    ) -> None:
        """Share in this folder under a name that no other process has; None: there are none."""
        self._tallies = tallies
        self._store = store
        self._folder = folder
        self._file = None if folder is None else folder / f"{name}{_SUFFIX}"

    def add_up(self) -> Counted:
        """Tell of all: sums, and the longest lag."""
        return _add_up([self._count(), *self._read_siblings()])

    async def keep_publishing(self) -> None:
        """Publish once a second until it is cancelled, and then once more."""
        if self._file is None:
            return
        try:
            while True:
                self.publish()
                await asyncio.sleep(PUBLISH_SECONDS)
        finally:
            self.publish(at_rest=True)

    def publish(self, *, at_rest: bool = False) -> None:
        """Write the tallies whole or not at all; `at_rest`: nothing waits here any more."""
        if self._file is None:
            return
        counted = self._count()
        if at_rest:
            counted = Counted(counted.snapshot, Vitals(0, 0.0, counted.vitals.dropped))
        draft = self._file.with_suffix(".draft")
        try:
            draft.write_bytes(msgspec.json.encode(counted))
            draft.replace(self._file)
        except OSError as error:
            _log.warning("tallies_not_shared", extra={"why": str(error)})

    def _count(self) -> Counted:
        return Counted(self._tallies.snapshot(), self._store.vitals())

    def _read_siblings(self) -> list[Counted]:
        if self._folder is None:
            return []
        files = sorted(self._folder.glob(f"*{_SUFFIX}"))
        return [
            msgspec.json.decode(file.read_bytes(), type=Counted)
            for file in files
            if file != self._file
        ]


def _add_up(several: list[Counted]) -> Counted:
    counters: dict[str, dict[Labels, float]] = {}
    spread: dict[str, dict[Labels, Distribution]] = {}
    for counted in several:
        for name, values in counted.snapshot.counters.items():
            _sum(counters.setdefault(name, {}), values)
        for name, distributions in counted.snapshot.distributions.items():
            _join(spread.setdefault(name, {}), distributions)
    vitals = [counted.vitals for counted in several]
    return Counted(
        Snapshot(
            {name: list(sums.items()) for name, sums in counters.items()},
            {name: list(joined.items()) for name, joined in spread.items()},
        ),
        Vitals(
            sum(one.waiting for one in vitals),
            max(one.lag_seconds for one in vitals),
            sum(one.dropped for one in vitals),
        ),
    )


def _sum(sums: dict[Labels, float], values: Iterable[tuple[Labels, float]]) -> None:
    for labels, value in values:
        sums[labels] = sums.get(labels, 0) + value


def _join(
    joined: dict[Labels, Distribution], values: Iterable[tuple[Labels, Distribution]]
) -> None:
    for labels, new in values:
        known = joined.get(labels)
        if known is None:
            joined[labels] = new
            continue
        counts = [a + b for a, b in zip(known.counts, new.counts, strict=True)]
        joined[labels] = Distribution(counts, known.total + new.total)
