"""The engine that joins: DuckDB, held to a little memory, and to this machine."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import duckdb

MEMORY_MEGABYTES: Final = 192
"""What the engine may take; beyond it writes to the folder it is given."""

_GLOB_SIGNS: Final = "\\*?["


class ListError(ValueError):
    """A list that cannot be read, answered or written; the message says why."""


@contextmanager
def failing(what: str) -> Iterator[None]:
    """Turn the engine's errors into ListError; `what` says what could not be done."""
    import duckdb  # noqa: PLC0415 - see below

    try:
        yield
    except duckdb.Error as error:
        raise ListError(f"{what}: {tell_briefly(str(error))}.") from error


def tell_briefly(message: str) -> str:
    """Take what is wrong out of an engine's message: not the row itself, nor the engine's options.

    A row has numbers of people in it, and messages end up in logs.
    """
    said = []
    for line in message.splitlines():
        if not line.strip() or line.startswith("Possible"):
            break
        if not line.startswith("Original Line"):
            said.append(line.strip().rstrip("."))
    return ". ".join(said)


def open_engine(folder: Path, *, threads: int) -> "duckdb.DuckDBPyConnection":
    """Open an empty database in memory, which moves into a folder where it grows too large.

    Nothing is downloaded: what is not built in is not there.
    """
    # Imported here: it takes longer to load than most commands run.
    import duckdb  # noqa: PLC0415 - see above

    engine = duckdb.connect(
        ":memory:",
        config={
            "threads": threads,
            "memory_limit": f"{MEMORY_MEGABYTES}MB",
            "temp_directory": str(folder),
            "autoinstall_known_extensions": False,
            "autoload_known_extensions": False,
            "allow_community_extensions": False,
            "preserve_insertion_order": True,
        },
    )
    engine.execute("SET enable_progress_bar = false")
    return engine


def quote(text: str) -> str:
    """Write a text as SQL does."""
    return "'" + text.replace("'", "''") + "'"


def quote_name(text: str) -> str:
    """Write a column's name as SQL does."""
    return '"' + text.replace('"', '""') + '"'


def quote_path(path: Path) -> str:
    """Write the path of one file, whose name may have signs that stand for several."""
    return quote("".join(f"[{sign}]" if sign in _GLOB_SIGNS else sign for sign in str(path)))
