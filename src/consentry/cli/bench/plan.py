"""How much is measured."""

from enum import StrEnum
from pathlib import Path
from typing import Final

import msgspec

MAIN: Final = 32
"""The goals are set with so many requests in flight."""

IN_FLIGHT: Final = (1, 8, 32, 128)


class StoreKind(StrEnum):
    """A kind of database the product keeps everything in."""

    SQLITE = "sqlite"
    POSTGRESQL = "postgresql"


TITLES: Final = {StoreKind.SQLITE: "SQLite", StoreKind.POSTGRESQL: "PostgreSQL"}
"""The names by which people know the stores."""


class Operation(StrEnum):
    """What can be measured alone."""

    REST = "rest"
    SCRUB = "scrub"
    IMPORT = "import"
    GATE = "gate"
    BULK = "bulk"
    REFUSED = "refused"
    STOP = "stop"
    ACCEPTED = "accepted"
    DELIVERY = "delivery"
    MIXED = "mixed"
    CAMPAIGN = "campaign"


class Plan(msgspec.Struct, frozen=True):
    """How long each round is and how many there are; `people` fill the databases.

    `folder` is empty and ours. Where it `grows`, the gate alone is measured on ever more people.
    `texts` are how many a campaign sends. `handwritten` is the service
    to compare with and `pg_bindir` where PostgreSQL's programs are; None looks in the usual places.
    """

    seconds: float
    rounds: int
    starts: int
    people: int
    handwritten: Path
    folder: Path = Path()
    texts: int = 100_000
    pg_bindir: Path | None = None
    stores: tuple[StoreKind, ...] = tuple(StoreKind)
    workers: tuple[int, ...] = (1, 2)
    in_flight: tuple[int, ...] = IN_FLIGHT
    only: tuple[Operation, ...] = tuple(Operation)
    grows: bool = False

    def wants(self, *operations: Operation) -> bool:
        """Tell whether any of these is measured."""
        return any(operation in self.only for operation in operations)

    def workers_on(self, store: StoreKind) -> tuple[int, ...]:
        """Say with how many processes a store is measured; SQLite serves one."""
        return (1,) if store is StoreKind.SQLITE else self.workers


_QUICK_SECONDS: Final = 0.2
_QUICK_PEOPLE: Final = 2_000
_QUICK_GROWN: Final = 20_000
_QUICK_TEXTS: Final = 600


def shorten(plan: Plan) -> Plan:
    """Cut a plan down to about half a minute."""
    people_max = _QUICK_GROWN if plan.grows else _QUICK_PEOPLE
    return msgspec.structs.replace(
        plan,
        seconds=min(plan.seconds, _QUICK_SECONDS),
        rounds=1,
        starts=1,
        people=min(plan.people, people_max),
        texts=min(plan.texts, _QUICK_TEXTS),
        in_flight=(MAIN,),
    )
