"""Load the rows that the readers read, typed, from the files shipped with the package."""

from importlib.resources import files
from typing import TypeVar

import msgspec

T = TypeVar("T")


def read_rows(name: str, shape: type[T]) -> T:
    """Decode `data/NAME` into `shape`; a row that does not fit the shape stops the start."""
    content = files("consentry.domain.data").joinpath(name).read_bytes()
    return msgspec.json.decode(content, type=shape)
