"""The list of opted-out numbers on any database: where a page begins, and how far it looks."""

from datetime import UTC, datetime
from typing import Final, NamedTuple

from consentry.domain.microseconds import to_microseconds
from consentry.ports import OptOutFilter, Page
from consentry.store.derived import mark_of

NUMBERS_LOOKED_AT_MAX: Final = 100_000
"""How many numbers one page compares with the digits that are searched for."""

MARKS_LOOKED_AT_MAX: Final = 20_000
"""How many numbers one page looks at for the scope and cause of their opt-outs."""

NAMES_LOOKED_AT_MAX: Final = 2000
"""How many numbers one page looks up the customers of: they lie all over the file."""

NAMED_MAX: Final = 1000
"""How many customers of a name are looked up one by one; more common words are met on a walk."""

_AFTER_EVERY_NUMBER: Final = "\U0010ffff"
BEGINNING_OF_TIME: Final = -(2**62)
_END_OF_TIME: Final = datetime(9999, 12, 31, tzinfo=UTC)


class Place(NamedTuple):
    """Where an opted-out number stands in the list."""

    at: int
    recipient: str


def write_cursor(place: Place) -> str:
    """Write a place as a cursor."""
    return f"{place.at}:{place.recipient}"


def read_cursor(cursor: str) -> Place | None:
    """Read a cursor; None where it is none of ours."""
    at, colon, recipient = cursor.partition(":")
    if not colon or not at.removeprefix("-").isascii() or not at.removeprefix("-").isdigit():
        return None
    return Place(int(at), recipient) if abs(int(at)) < 2**63 else None


def begin(wanted: OptOutFilter, page: Page) -> Place | None:
    """Say before which place a page begins; None where its cursor is none of ours."""
    if page.before is not None:
        return read_cursor(page.before)
    return Place(to_microseconds(wanted.until or _END_OF_TIME), _AFTER_EVERY_NUMBER)


def list_marks(wanted: OptOutFilter) -> list[str] | None:
    """List what the marks of a wanted number have, one of these; None where any will do."""
    if wanted.scopes is None:
        return None if wanted.cause is None else [mark_of(None, wanted.cause)]
    return [mark_of(scope, wanted.cause) for scope in wanted.scopes]
