"""How far the bench is, on standard error: a bar for people, a line a step for logs."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from consentry.clock import SystemClock


class Steps:
    """Counts steps; `seconds` is the time since the first. None: nobody knows how many."""

    def __init__(self, total: int | None) -> None:
        self._clock = SystemClock()
        self._began = self._clock.monotonic()
        self._total = total
        self._bar: Progress | None = None

    @property
    def seconds(self) -> float:
        """Seconds since the bench began."""
        return self._clock.monotonic() - self._began

    @contextmanager
    def shown(self) -> Iterator[None]:
        """Show a bar while the block runs, where somebody looks at a terminal."""
        console = Console(stderr=True)
        if not console.is_terminal:
            yield
            return
        columns = (
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TextColumn("{task.description}"),
        )
        with Progress(*columns, console=console, transient=True) as bar:
            self._bar = bar
            self._task = bar.add_task("", total=self._total)
            yield
        self._bar = None

    def step(self, what: str) -> None:
        """Say what begins now."""
        if self._bar is not None:
            self._bar.update(self._task, description=what, advance=1)
        else:
            sys.stderr.write(f"[{self.seconds:5.1f} s] {what}\n")
            sys.stderr.flush()
