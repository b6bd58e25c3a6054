"""How far a copy is, on standard error: a bar of rows for people, a line a table for logs."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from consentry.ports import Clock

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID


class RowsShown:
    """Implements `Showing`."""

    def __init__(self, clock: Clock) -> None:
        """Show nothing yet."""
        self._clock = clock
        self._began = clock.monotonic()
        self._bar: Progress | None = None
        self._task: TaskID | None = None

    @contextmanager
    def shown(self) -> Iterator[None]:
        """Show a bar while the block runs, where somebody looks at a terminal."""
        # Imported only where rows are shown, so that other commands start without it.
        from rich.console import Console  # noqa: PLC0415 - see above
        from rich.progress import (  # noqa: PLC0415 - see above
            BarColumn,
            MofNCompleteColumn,
            Progress,
            TextColumn,
            TimeElapsedColumn,
        )

        console = Console(stderr=True)
        if not console.is_terminal:
            yield
            return
        columns = (
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
        )
        with Progress(*columns, console=console, transient=True) as bar:
            self._bar = bar
            yield
        self._bar = None

    def begin(self, what: str, total: int | None, done: int = 0) -> None:
        """Say what begins now, and of how many rows."""
        if self._bar is not None:
            if self._task is not None:
                self._bar.remove_task(self._task)
            self._task = self._bar.add_task(what, total=total, completed=done)
            return
        if total == 0:
            return
        seconds = self._clock.monotonic() - self._began
        counted = "" if total is None else f": {total:,}"
        gone_on = f", {done:,} of them before" if done else ""
        sys.stderr.write(f"[{seconds:6.1f} s] {what}{counted}{gone_on}\n")
        sys.stderr.flush()

    def advance(self, rows: int) -> None:
        """Say that so many more are done."""
        if self._bar is not None and self._task is not None:
            self._bar.advance(self._task, rows)
