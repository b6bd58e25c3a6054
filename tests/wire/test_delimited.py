"""Lists as people export them: encodings, delimiters, quotes, lines of JSON."""

import codecs
import csv
import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from consentry.wire.delimited import (
    EncodingFinder,
    find_delimiter,
    read_records,
    split_line,
)
from consentry.wire.json_rows import read_json_records

pytestmark = pytest.mark.unit


def encoding_of(content: bytes, piece: int = 3) -> str:
    """Feed a text piece by piece."""
    finder = EncodingFinder()
    for start in range(0, len(content), piece):
        finder.feed(content[start : start + piece])
    return finder.found()


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"", "utf-8"),
        (b"number\n+14155550142", "utf-8"),
        ("Zoë\n".encode() * 3, "utf-8"),
        ("Zoë\n".encode("cp1252"), "cp1252"),
        ("Zoë".encode()[:-1], "cp1252"),
        (codecs.BOM_UTF8 + "Zoë".encode(), "utf-8-sig"),
        ("Zoë".encode("utf-16"), "utf-16"),
        (codecs.BOM_UTF16_BE + "Zoë".encode("utf-16-be"), "utf-16"),
    ],
)
def test_the_encoding_is_told_from_the_bytes(content: bytes, expected: str) -> None:
    """By its mark, else UTF-8 where it fits, else what any bytes are."""
    assert encoding_of(content, 4) == expected


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("a,b,c", ","),
        ("a;b", ";"),
        ("a\tb", "\t"),
        ("a|b|c", "|"),
        ('"a,b,c";d', ";"),
        ("alone", ","),
    ],
)
def test_the_delimiter_is_what_stands_most_outside_quotes(line: str, expected: str) -> None:
    """Commas within a quoted name separate nothing."""
    assert find_delimiter(line) == expected


def records(text: str, delimiter: str = ",") -> list[tuple[int, list[str]]]:
    """Read a text."""
    return list(read_records(text.split("\n"), delimiter))


def test_blank_lines_are_counted_and_left_out() -> None:
    """The number of a record is that of its line, as an editor shows it."""
    assert records("\na,b\n\n  \nc") == [(2, ["a", "b"]), (5, ["c"])]


def test_a_quoted_cell_goes_on_over_lines() -> None:
    """The record begins where its first line is, and the next one follows behind its last."""
    assert records('n,note\n1,"over\ntwo ""lines"""\n2,x') == [
        (1, ["n", "note"]),
        (2, ["1", 'over\ntwo "lines"']),
        (4, ["2", "x"]),
    ]


def test_a_stray_quote_spoils_its_own_line_alone() -> None:
    """Neither inches nor a quote that never closes take other lines along."""
    assert records('5" pipe,1\n6" pipe,2') == [(1, ['5" pipe', "1"]), (2, ['6" pipe', "2"])]
    found = records('"open,1\n' + "\n".join(f"{n},x" for n in range(40)))
    assert len(found) == 41
    assert found[1:] == [(n + 2, [str(n), "x"]) for n in range(40)]
    assert records('a,"b\nc,d\ne"') == [(1, ["a", "b"]), (2, ["c", "d"]), (3, ['e"'])]
    assert records('x\n"a\nb\n"') == [(1, ["x"]), (2, ["a"]), (3, ["b"]), (4, [""])]
    assert records('n,m\n1,"a\nb"c') == [(1, ["n", "m"]), (2, ["1", "a"]), (3, ['b"c'])]


def test_cells_over_the_limit_of_the_reader_are_cut() -> None:
    """A cell that no phone number needs does not end the reading."""
    endless = "9" * (csv.field_size_limit() + 1)
    assert [len(cells[0]) for _, cells in records(f"a\n{endless}\nb")] == [1, 2000, 1]
    assert len(split_line(f'"{endless}"', ",")[0]) == 2000


def test_records_go_on_over_the_lines_that_are_read_at_once() -> None:
    """Ten thousand lines, with a quoted cell over the place where one reading ends."""
    lines = [f"{n},x" for n in range(1999)] + ['a,"b', 'c"'] + [f"{n},y" for n in range(5000)]
    found = list(read_records(lines, ","))
    assert found[1999] == (2000, ["a", "b\nc"])
    assert found[2000] == (2002, ["0", "y"])
    assert len(found) == 1999 + 1 + 5000
    assert [line for line, _ in found[2000:]] == list(range(2002, 7002))


@pytest.mark.property
@given(
    st.lists(
        st.lists(
            st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=8),
            min_size=2,
            max_size=3,
        ),
        max_size=20,
    ),
    st.sampled_from(",;\t|"),
)
@settings(max_examples=300, deadline=None)
def test_what_a_program_writes_well_is_read_as_it_was(rows: list[list[str]], by: str) -> None:
    """RFC 4180 with every cell quoted: the same cells come back, but for white space around."""
    text = io.StringIO()
    csv.writer(text, delimiter=by, quoting=csv.QUOTE_ALL, lineterminator="\n").writerows(rows)
    found = [cells for _, cells in read_records(text.getvalue().split("\n"), by)]
    assert [[c.strip() for c in cells] for cells in found] == [
        [c.strip() for c in cells] for cells in rows
    ]


@pytest.mark.property
@given(st.text('a",\n ', max_size=60))
@settings(max_examples=500, deadline=None)
def test_no_line_is_lost_and_none_read_twice(text: str) -> None:
    """Every letter of a text is in exactly one record, wherever the quotes are."""
    found = records(text)
    assert sum("".join(cells).count("a") for _, cells in found) == text.count("a")
    lines = [line for line, _ in found]
    assert lines == sorted(set(lines))


def test_lines_of_json_are_rows() -> None:
    """Objects by the names of the cells, or a number alone; what is no JSON is one cell."""
    lines = ['{"number":"+1 415 555 0142","date":2025,"more":1}', "", '"+14155550143"', "{", "[1]"]
    assert list(read_json_records(lines, ("number", "date"))) == [
        (0, ["number", "date"]),
        (1, ["+1 415 555 0142", "2025"]),
        (3, ["+14155550143"]),
        (4, ["{"]),
        (5, ["[1]"]),
    ]
    assert list(read_json_records(['{"number":null}'], ("number",)))[1] == (1, [""])
