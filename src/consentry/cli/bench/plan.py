"""How much is measured."""

from pathlib import Path

import msgspec


class Plan(msgspec.Struct, frozen=True):
    """How long each round is and how many there are; `people` fill the database.

    `folder` is empty and ours. `handwritten` is the service to compare with and `pg_bindir` where
    PostgreSQL's programs are; None looks in the usual places.
    """

    folder: Path
    seconds: float
    rounds: int
    starts: int
    people: int
    handwritten: Path
    pg_bindir: Path | None = None
