"""The table of a run: what each server did in each operation, with so many requests in flight."""

import statistics
from collections.abc import Iterable
from typing import Final

import msgspec

from consentry.cli.bench.load import Round

COLUMNS: Final = (
    "operation",
    "who",
    "store",
    "workers",
    "in flight",
    "per second",
    "p50",
    "p99",
    "CPU",
    "of the database",
    "MiB a worker",
    "note",
)


class Key(msgspec.Struct, frozen=True):
    """Whose figures: `store` is empty where there is none, `workers` 0 where that means nothing."""

    operation: str
    who: str
    store: str = ""
    workers: int = 0


class Sample(msgspec.Struct, frozen=True):
    """One round, and what the processes spent on it.

    `busy_seconds` and `database_seconds` of the processor, None where the system does not tell or
    there is no such process; `mebibytes` of the largest worker at the end of the round.
    """

    round: Round
    busy_seconds: float | None = None
    database_seconds: float | None = None
    mebibytes: float | None = None


class Cell(msgspec.Struct, frozen=True):
    """One row of the table: medians of the rounds. What was not measured is None, or told."""

    operation: str
    who: str
    store: str
    workers: int
    in_flight: int
    per_second: float | None = None
    p50_milliseconds: float | None = None
    p99_milliseconds: float | None = None
    processor_microseconds: float | None = None
    database_microseconds: float | None = None
    worker_mebibytes: float | None = None
    note: str = ""


class Sheet:
    """Collects samples by whose they are and how many requests were in flight."""

    def __init__(self) -> None:
        """Start empty."""
        self._samples: dict[tuple[Key, int], list[Sample]] = {}
        self._missing: dict[Key, str] = {}

    def add(self, key: Key, in_flight: int, sample: Sample) -> None:
        """Add one round."""
        self._samples.setdefault((key, in_flight), []).append(sample)

    def miss(self, key: Key, why: str) -> None:
        """Say why something was not measured."""
        self._missing[key] = why

    def has(self, key: Key) -> bool:
        """Tell whether anything was measured of it."""
        return any(known == key for known, _ in self._samples)

    def why_missing(self, key: Key) -> str:
        """Say why nothing was measured of it."""
        return self._missing.get(key, "it was not asked for")

    def rounds(self, key: Key, in_flight: int) -> list[Round]:
        """Give the rounds, none where there were none."""
        return [sample.round for sample in self._samples.get((key, in_flight), [])]

    def rates(self, key: Key, in_flight: int) -> list[float]:
        """Give the rate of each round."""
        return [one.per_second for one in self.rounds(key, in_flight)]

    def largest_worker(self, store: str) -> float | None:
        """Give the most memory that a worker of the product held on a store."""
        held = [
            sample.mebibytes
            for (key, _), samples in self._samples.items()
            if key.who == "product" and key.store == store
            for sample in samples
            if sample.mebibytes is not None
        ]
        return max(held, default=None)

    def cells(self) -> list[Cell]:
        """Give the rows, in the order in which they were measured."""
        measured = [
            _read_cell(key, in_flight, samples)
            for (key, in_flight), samples in self._samples.items()
        ]
        missing = [
            Cell(key.operation, key.who, key.store, key.workers, 0, note=f"not measured: {why}")
            for key, why in self._missing.items()
        ]
        return measured + missing


def _read_cell(key: Key, in_flight: int, samples: list[Sample]) -> Cell:
    rounds = [sample.round for sample in samples]
    return Cell(
        operation=key.operation,
        who=key.who,
        store=key.store,
        workers=key.workers,
        in_flight=in_flight,
        per_second=statistics.median(one.per_second for one in rounds),
        p50_milliseconds=median(one.percentile_milliseconds(0.5) for one in rounds),
        p99_milliseconds=median(one.percentile_milliseconds(0.99) for one in rounds),
        processor_microseconds=median(_each(s.busy_seconds, s.round) for s in samples),
        database_microseconds=median(_each(s.database_seconds, s.round) for s in samples),
        worker_mebibytes=max(
            (sample.mebibytes for sample in samples if sample.mebibytes is not None), default=None
        ),
    )


def _each(seconds: float | None, measured: Round) -> float | None:
    """Share the processor's time among what was answered, in microseconds."""
    if seconds is None or measured.total == 0:
        return None
    return seconds * 1_000_000 / measured.total


def median(values: Iterable[float | None]) -> float | None:
    """Take the median of what is known; None where nothing is."""
    known = [value for value in values if value is not None]
    return statistics.median(known) if known else None


def to_table(cells: Iterable[Cell]) -> list[tuple[str, ...]]:
    """Write cells as rows of text."""
    return [
        (
            cell.operation,
            cell.who,
            cell.store,
            str(cell.workers or ""),
            str(cell.in_flight or ""),
            _show(cell.per_second, "{:,.0f}"),
            _show(cell.p50_milliseconds, "{:.1f} ms"),
            _show(cell.p99_milliseconds, "{:.1f} ms"),
            _show(cell.processor_microseconds, "{:,.1f} us"),
            _show(cell.database_microseconds, "{:,.1f} us"),
            _show(cell.worker_mebibytes, "{:.0f}"),
            cell.note,
        )
        for cell in cells
    ]


def _show(value: float | None, form: str) -> str:
    return "" if value is None else form.format(value)
