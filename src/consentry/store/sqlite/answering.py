"""What every read shares: one way to run a query, and one error where the database fails."""

from collections.abc import Iterator
from contextlib import contextmanager

import apsw

from consentry.ports import StoreUnavailable

Binding = str | int | None

END = 2**63 - 1
"""Comes after every row's number: where a walk back begins."""


def unavailable(error: apsw.Error) -> StoreUnavailable:
    """Say that the database does not answer, and what to do."""
    return StoreUnavailable(f"The database does not answer ({error}). Check it and try again.")


@contextmanager
def answering() -> Iterator[None]:
    """Turn every error of the database into `StoreUnavailable`."""
    try:
        yield
    except apsw.Error as error:
        raise unavailable(error) from error


def read_text(connection: apsw.Connection, query: str, bindings: dict[str, Binding]) -> str:
    """Run a query that always answers with one row of one value."""
    try:
        (text,) = next(connection.execute(query, bindings))
    except apsw.Error as error:
        raise unavailable(error) from error
    return str(text)


def read_value(connection: apsw.Connection, query: str, *keys: Binding) -> str | None:
    """Run a query for one value of one row that may not be there."""
    try:
        row = connection.execute(query, keys).fetchone()
    except apsw.Error as error:
        raise unavailable(error) from error
    return None if row is None else str(row[0])
