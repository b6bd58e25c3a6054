"""Rows as they leave: for programs, and for spreadsheets that run formulas."""

import msgspec
import pytest

from consentry.wire.written_rows import harmless, write_csv, write_json_lines

pytestmark = pytest.mark.unit


def test_a_number_stays_a_number_and_a_formula_becomes_text() -> None:
    """A spreadsheet must run nothing; a program must find its numbers as they are."""
    assert harmless("+14155550142") == "+14155550142"
    assert harmless("+1+cmd") == "'+1+cmd"
    assert harmless("=1+1") == "'=1+1"
    assert harmless("plain") == "plain"


def test_rows_are_written_as_csv() -> None:
    """What is not there is an empty cell, and JSON is its text."""
    rows = [("a", None, True, False, 3), ("=1", msgspec.Raw(b'{"x":1}'), "é", 'say "hi"', "b")]
    assert write_csv(rows).decode() == ('a,,true,false,3\r\n\'=1,"{""x"":1}",é,"say ""hi""",b\r\n')


def test_rows_are_written_as_lines_of_json() -> None:
    """An object each, with JSON as it is."""
    rows = [("=1", None), (True, msgspec.Raw(b"[1]"))]
    assert write_json_lines(("a", "b"), rows) == (b'{"a":"=1","b":null}\n{"a":true,"b":[1]}\n')
