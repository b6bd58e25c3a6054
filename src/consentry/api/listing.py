"""Lists as the API gives them: a page of items and the cursor of the next one."""

from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

import msgspec

from consentry.api.parameters import PageQuery

T = TypeVar("T")


class Listing(msgspec.Struct, Generic[T], frozen=True):
    """One page; `next` is the cursor of the page after it, null on the last."""

    items: list[T]
    next: str | None = None


def whole(items: list[T]) -> Listing[T]:
    """Make a list that fits on one page."""
    return Listing(items)


def next_cursor(found: Sequence[T], query: PageQuery, key: Callable[[T], str]) -> str | None:
    """Tell the cursor of the next page, where one item more was found than wanted."""
    return key(found[query.limit - 1]) if len(found) > query.limit else None
