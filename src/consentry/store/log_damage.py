"""The ledger's log where its rows are not as they were written: somebody changed them."""

import struct
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from consentry.ports import LogDamaged

_UNREADABLE: Final = (ValueError, LookupError, TypeError, OverflowError, struct.error)


def check_size(size: int) -> int:
    """Give the size of a log; raises `ValueError` for one that no log can have."""
    if size < 0:
        raise ValueError(f"A log cannot have {size} entries.")
    return size


@contextmanager
def reading_log(table: str) -> Iterator[None]:
    """Turn what rows of the log cannot be read as into `LogDamaged`; `table` is where they are."""
    try:
        yield
    except _UNREADABLE as error:
        raise LogDamaged(
            f"The ledger's log is damaged: what is in {table} is not what was written there. Run "
            "`consentry ledger verify`: it names what was changed, and what to restore."
        ) from error
