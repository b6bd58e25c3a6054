"""What was measured: figures with their goals, and how they are shown."""

import os
import platform
import statistics
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final

import apsw
import msgspec

_SYMBOLS: Final = {True: "met", False: "MISSED", None: ""}


class Figure(msgspec.Struct, frozen=True):
    """One figure. `value` is None where it was not measured, and `note` then says why.

    `at_least` and `at_most` are the goal, where there is one; `met` whether it was reached.
    """

    name: str
    title: str
    value: float | None
    unit: str
    at_least: float | None = None
    at_most: float | None = None
    note: str = ""

    @property
    def met(self) -> bool | None:
        """Tell whether the goal was reached; None where there is none, or nothing measured."""
        if self.value is None:
            return None
        if self.at_least is not None:
            return self.value >= self.at_least
        if self.at_most is not None:
            return self.value <= self.at_most
        return None


def ratio_of_rounds(
    name: str,
    title: str,
    above: Sequence[float],
    below: Sequence[float],
    *,
    at_least: float | None = None,
    at_most: float | None = None,
) -> Figure:
    """Take the median over rounds of the ratios of what was measured one after the other.

    A round in which the second was never done (it was too short for a busy machine) tells
    nothing and is left out; where that was so in every round, nothing was measured.
    """
    ratios = [a / b for a, b in zip(above, below, strict=True) if b > 0]
    if not ratios:
        return not_measured(name, title, "ratio", "no round was long enough")
    value = statistics.median(ratios)
    return Figure(name, title, value, "ratio", at_least=at_least, at_most=at_most)


def not_measured(name: str, title: str, unit: str, why: str) -> Figure:
    """Say that something could not be measured here."""
    return Figure(name, title, None, unit, note=f"not measured: {why}")


def describe_machine() -> dict[str, str | int]:
    """Say on what it was measured."""
    return {
        "cores": os.cpu_count() or 0,
        "processor": _read_processor(),
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "sqlite": apsw.sqlite_lib_version(),
    }


def _read_processor() -> str:
    known = Path("/proc/cpuinfo")
    if known.is_file():
        for line in known.read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def to_json(
    figures: Iterable[Figure], seconds: float, table: Iterable[msgspec.Struct] = ()
) -> dict[str, object]:
    """Put everything into one JSON object."""
    shown = [{**msgspec.structs.asdict(figure), "met": figure.met} for figure in figures]
    return {
        "machine": describe_machine(),
        "seconds": round(seconds, 1),
        "figures": shown,
        "table": [msgspec.structs.asdict(row) for row in table],
    }


def to_rows(figures: Iterable[Figure]) -> list[tuple[str, str, str, str]]:
    """Write figures as rows: what, value, goal, note."""
    return [
        (figure.title, _show_value(figure), _show_goal(figure), figure.note) for figure in figures
    ]


_FORMATS: Final = {
    "ratio": "{:.2f} x",
    "per_second": "{:,.0f} /s",
    "milliseconds": "{:.1f} ms",
    "mebibytes": "{:.0f} MiB",
    "kilobytes": "{:.0f} kB",
    "seconds": "{:.2f} s",
    "count": "{:,.0f}",
}


def _show_value(figure: Figure) -> str:
    return "-" if figure.value is None else _FORMATS[figure.unit].format(figure.value)


def _show_goal(figure: Figure) -> str:
    goal = ""
    if figure.at_least is not None:
        goal = f">= {figure.at_least:g}"
    elif figure.at_most is not None:
        goal = f"<= {figure.at_most:g}"
    return f"{goal} {_SYMBOLS[figure.met]}".strip()
