"""A bar for work on very many rows, where somebody looks at a terminal."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def progress_shown(what: str, total: int | None) -> Iterator[Callable[[int], None]]:
    """Show a bar while the block runs, where somebody looks at a terminal; gives what moves it.

    `total` is about how many there are, None where nobody knows.
    """
    if not sys.stderr.isatty():
        yield _look_away
        return
    # Imported here: a command that shows no bar starts without it.
    from rich.console import Console  # noqa: PLC0415 - see above
    from rich.progress import (  # noqa: PLC0415 - see above
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
    )

    columns = (TextColumn(what), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("", total=total)
        yield lambda count: bar.advance(task, count)


def _look_away(_count: int) -> None:
    return None
