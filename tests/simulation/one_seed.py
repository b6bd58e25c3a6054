"""One seed from its disk to its verdict."""

import gc
import logging
from typing import Final

import apsw
import msgspec
from past import SIZES, Past, live_past
from simulated_company import PROGRAMS
from simulated_world import Failure, World

from consentry.domain.entries import ActorKind
from consentry.ports import StoreUnavailable

_SWEPT_AFTER: Final = 500_000
"""So many objects are made before garbage is looked for: more than most worlds make."""


class Told(msgspec.Struct):
    """What became of a seed."""

    seed: int
    digest: str
    counts: dict[str, int]
    failure: Failure | None = None


class _Log(logging.Handler):
    """Reads the log: an error that nobody foresaw is a failure of the seed."""

    def __init__(self, world: World) -> None:
        super().__init__()
        self._world = world

    def emit(self, record: logging.LogRecord) -> None:
        error = None if record.exc_info is None else record.exc_info[1]
        self._world.counts[f"log: {record.msg}"] += 1
        if error is not None and not isinstance(error, (StoreUnavailable, apsw.Error)):
            self._world.fail(error)


def run_seed(seed: int, *, steps: int, verbose: bool = False) -> Told:
    """Run one world from its seed to its end, or to the first violation."""
    past = live_past(SIZES[seed % len(SIZES)])
    if past.world.failure is not None:
        return Told(seed, "", {}, msgspec.structs.replace(past.world.failure, seed=seed))
    gc.set_threshold(_SWEPT_AFTER)
    told = _run(seed, past, steps=steps, verbose=verbose)
    # The world is thrown away as a whole, and what is left is never looked through again.
    gc.collect()
    gc.freeze()
    return told


def _run(seed: int, past: Past, *, steps: int, verbose: bool) -> Told:
    world = World(seed, verbose=verbose)
    world.go_on_from(past.world, past.image)
    log = logging.getLogger()
    log.handlers = [_Log(world)]
    try:
        assert world.boot()
        world.loop.run_until_complete(_live(world, steps))
    except Exception as error:  # noqa: BLE001 - whatever it is, the seed has failed
        world.fail(error)
    world.counts["decision replayed"] = world.witness.decisions
    _count_population(world, len(past.world.witness.mirror.entries))
    world.counts["operation of the disk"] = world.disk.operations
    try:
        world.close()
    except Exception as error:  # noqa: BLE001 - whatever it is, the seed has failed
        world.fail(error)
    log.handlers = []
    return Told(seed, world.digest(), dict(world.counts), world.failure)


def _count_population(world: World, past: int) -> None:
    """Count who was in it: on file at the end, and of whom something was written in its time."""
    entries = world.witness.mirror.entries
    counts, lived = world.counts, entries[past:]
    counts["entry"] = len(lived)
    counts["recipient"] = len({entry.recipient for entry in entries})
    counts["recipient of whom something was written"] = len({e.recipient for e in lived})
    actors = {entry.actor for entry in entries}
    counts["agent"] = sum(actor.kind is ActorKind.AGENT for actor in actors)
    counts["program with a key"] = sum(actor.kind is ActorKind.KEY for actor in actors)
    counts["import"] = sum(actor.kind is ActorKind.IMPORT for actor in actors)
    counts["program consented to"] = len({entry.program for entry in entries} & set(PROGRAMS))


async def _live(world: World, steps: int) -> None:
    await world.live(steps)
