"""Which column of a list is what: by its heading, by what is in it, or as somebody says."""

import pytest

from consentry.domain.import_columns import (
    COLUMNS_MAX,
    Column,
    Columns,
    UnknownColumn,
    fold_heading,
    guess_columns,
    map_columns,
    read_header,
)

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        (["Phone Number", "Reason"], Columns(0, 1, has_header=True)),
        (["Name", "phone_number", "Opted-Out At"], Columns(1, None, 2, name=0, has_header=True)),
        (["DestinationNumber", "OptedOutTimestamp"], Columns(0, None, 1, has_header=True)),
        (["Kunde", "Handynummer"], Columns(1, has_header=True)),
        (["number", "body", "number"], Columns(0, text=1, has_header=True)),
        (["Ada", "Ben"], None),
        ([], None),
    ],
)
def test_headings_are_known_as_systems_word_them(
    header: list[str], expected: Columns | None
) -> None:
    """Whatever their case, and however their words are joined; the first of two counts."""
    assert read_header(header) == expected


def test_headings_are_compared_without_case_and_joints() -> None:
    """As people vary them."""
    assert fold_heading("\ufeffOpted_Out-At. ") == "opted out at"


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ([["+14155550142", "x"]], Columns()),
        ([["Ada", "4155550142", "2025-01-02"]], Columns(1, date=2)),
        ([["1234567890", "+14155550142"]], Columns(1)),
        ([["2025-01-02", "+14155550142"]], Columns(1, date=0)),
        ([["5/6/2025", "'+14155550142"]], Columns(1, date=0)),
        (
            [["Who", "Where to", "Reason"], ["a", "b", "c"], ["Ada", "+14155550142", "asked"]],
            Columns(1, 2, has_header=True),
        ),
        ([["nobody"], ["+14155550142"]], Columns()),
        ([["a", "b"], ["c", "d"]], Columns()),
        ([["a", "b"], ["c", "d"], ["+14155550142", "e"]], Columns(0, has_header=True)),
        ([], Columns()),
    ],
)
def test_columns_are_guessed_from_what_is_in_them(rows: list[list[str]], expected: Columns) -> None:
    """The first row without a number above one with one is a header; a day is no number."""
    assert guess_columns(rows, region="US") == expected


def test_a_mapping_names_columns_by_heading_or_place() -> None:
    """Places are counted from 1; a header is one where a heading was named, or is known."""
    header = ["Ada's phone", "when", "+1"]
    mapped = map_columns({Column.NUMBER: "ada's PHONE", Column.DATE: "2"}, header)
    assert mapped == Columns(0, date=1, has_header=True, is_guessed=False)
    assert mapped.places() == {Column.NUMBER: 0, Column.DATE: 1}
    bare = map_columns({Column.NUMBER: "2"}, ["Ada", "+14155550142"])
    assert bare == Columns(1, is_guessed=False)
    known = map_columns({Column.NUMBER: "2"}, ["name", "phone"])
    assert known.has_header


@pytest.mark.parametrize(
    ("mapping", "told"),
    [
        ({Column.DATE: "1"}, "no column for number"),
        ({Column.NUMBER: "phne"}, "The columns are: 'phone'"),
        ({Column.NUMBER: "2"}, "There is no column '2'"),
        ({Column.NUMBER: "0"}, "There is no column '0'"),
    ],
)
def test_a_mapping_to_what_is_not_there_says_what_is(mapping: dict[Column, str], told: str) -> None:
    """So that it can be mended without opening the list."""
    with pytest.raises(UnknownColumn, match=told):
        map_columns(mapping, ["phone"])


def test_of_many_columns_some_are_named() -> None:
    """The sentence stays one that can be read."""
    header = ["x" * 2000, *map(str, range(1000, 1030))]
    with pytest.raises(UnknownColumn) as error:
        map_columns({Column.NUMBER: "phone"}, header)
    assert str(error.value).endswith("'1018' and 11 more.")
    assert len(str(error.value)) < 300


def test_columns_are_looked_for_among_the_first_thousand() -> None:
    """Whatever one asks of a line of millions of cells is answered at once."""
    cells = [""] * COLUMNS_MAX + ["+14155550100"]
    assert guess_columns([cells]) == Columns()
    assert guess_columns([cells[1:]]).number == COLUMNS_MAX - 1
    with pytest.raises(UnknownColumn, match="no column '1001'"):
        map_columns({Column.NUMBER: "1001"}, cells)


def test_a_mapping_of_an_empty_list_says_that_there_are_none() -> None:
    """There is no column to name."""
    with pytest.raises(UnknownColumn, match="none"):
        map_columns({Column.NUMBER: "1"}, [])
