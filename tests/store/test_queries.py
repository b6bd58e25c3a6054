"""Named queries in files."""

import pytest

from consentry.store.changed import Table
from consentry.store.queries import parse_queries, read_queries

pytestmark = pytest.mark.unit


def test_a_file_is_split_by_names() -> None:
    """Each query keeps its comments; what stands before the first name is left out."""
    text = "-- About.\n\n-- name: one\nSELECT 1;\n\n-- name: two\n-- Why.\nSELECT 2;\n"
    assert parse_queries(text) == {"one": "SELECT 1;", "two": "-- Why.\nSELECT 2;"}


def test_a_name_is_given_once() -> None:
    """Two queries of one name are an error that names it."""
    with pytest.raises(ValueError, match="named twice: one"):
        parse_queries("-- name: one\nSELECT 1;\n-- name: one\nSELECT 2;\n")


def test_every_table_has_its_statement() -> None:
    """Whatever a change can hold can be written."""
    names = read_queries("sqlite", "write")
    assert {f"write_{table}" for table in Table} <= set(names)
