"""One seed from its disk to its verdict."""

import logging
from functools import lru_cache

import apsw
import msgspec
from simulated_carrier import CARRIER
from simulated_disk import SimulatedDisk
from simulated_world import COMPANY, Failure, World, simulated_vfs

from consentry.ports import CarrierAccount, Change, Facts, Needs, StoreUnavailable


class Told(msgspec.Struct):
    """What became of a seed."""

    seed: int
    digest: str
    counts: dict[str, int]
    failure: Failure | None = None


class SetUp(msgspec.Struct, frozen=True):
    """The company as it is set up before its first day."""

    def needs(self) -> Needs:
        """Ask for nothing."""
        return Needs()

    def decide(self, facts: Facts) -> tuple[None, Change]:
        """Write its brands, senders and programs."""
        del facts
        account = CarrierAccount(CARRIER, "twilio", "AC1", "secret", "http://carrier.example")
        company = COMPANY
        records = (
            *company.brands.values(),
            account,
            *company.senders.values(),
            *company.programs.values(),
        )
        return None, Change(records=records)


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


@lru_cache(maxsize=1)
def _template() -> dict[str, bytes]:
    """Make the disk of a company that has just been set up; each world begins with a copy."""
    world = World(0)
    simulated_vfs()
    assert world.boot()
    server = world.server
    assert server is not None

    async def set_up() -> None:
        world.server = None
        await server.store.submit(SetUp())

    world.loop.run_until_complete(set_up())
    server.die()
    image = world.disk.image()
    world.close()
    return image


def run_seed(seed: int, *, steps: int, verbose: bool = False) -> Told:
    """Run one world from its seed to its end, or to the first violation."""
    image = _template()
    world = World(seed, verbose=verbose)
    world.disk = SimulatedDisk(image, world.faults)
    log = logging.getLogger()
    log.handlers = [_Log(world)]
    try:
        assert world.boot()
        world.loop.run_until_complete(_live(world, steps))
    except Exception as error:  # noqa: BLE001 - whatever it is, the seed has failed
        world.fail(error)
    world.counts["decision replayed"] = world.witness.decisions
    world.counts["entry"] = len(world.witness.mirror.entries)
    world.counts["recipient"] = len({e.recipient for e in world.witness.mirror.entries})
    world.counts["operation of the disk"] = world.disk.operations
    told = Told(seed, world.trace.hexdigest(), dict(world.counts), world.failure)
    world.close()
    return told


async def _live(world: World, steps: int) -> None:
    await world.live(steps)
