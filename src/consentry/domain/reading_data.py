"""Load the rows that the readers read, typed, from the files shipped with the package."""

# Not importlib.resources: it brings tempfile and zipfile along and doubles the time to start.
from pkgutil import get_data
from typing import TypeVar

import msgspec

T = TypeVar("T")


def read_rows(name: str, shape: type[T]) -> T:
    """Decode `data/NAME` into `shape`; a row that does not fit the shape stops the start."""
    return msgspec.json.decode(get_data("consentry.domain.data", name) or b"", type=shape)
