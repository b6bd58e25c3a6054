"""Numbers of a list come out as the parser has them, however they were spelled and read."""

from pathlib import Path

import pytest
from messy_numbers import list_messy

from consentry.domain.phone import find_number
from consentry.scrubbing.engine import open_engine
from consentry.scrubbing.number_reading import INVALID, parse_part, parse_texts, write_reading

USUAL = (
    "+14155550142",
    "+1 415 555 0142",
    "+1 (415) 555-0142",
    "(415) 555-0142",
    "415-555-0142",
    "415.555.0142",
    "1 415 555 0142",
    "+44 20 7946 0958",
    "+447911123456",
    "+33 6 12 34 56 78",
    "+4915112345678",
    "+61 412 345 678",
    "+5511912345678",
    "+86 138 1234 5678",
    "+91 98765 43210",
    "+52 55 1234 5678",
)


def read_by_sql(texts: list[str], region: str | None, folder: Path) -> list[int | None]:
    """Read texts as a list is read, without the parser."""
    engine = open_engine(folder, threads=1)
    engine.execute("CREATE TABLE texts (place INTEGER, n VARCHAR)")
    engine.execute("INSERT INTO texts SELECT unnest(range(len($1))), unnest($1)", [texts])
    found = engine.execute(write_reading("SELECT n FROM texts ORDER BY place", region)).fetchall()
    engine.close()
    assert [text for text, _ in found] == texts
    return [number for _, number in found]


@pytest.mark.property
@pytest.mark.parametrize("region", ["US", "GB", None])
def test_what_is_read_by_the_million_is_what_the_parser_says(
    region: str | None, tmp_path: Path
) -> None:
    """Of thousands of spellings of all countries none comes out otherwise."""
    texts = list_messy(8_000, seed=1)
    wrong = []
    read = read_by_sql(texts, region, tmp_path)
    for text, number in zip(texts, read, strict=True):
        parsed = find_number(text.removeprefix("'"), region)
        expected = INVALID if parsed is None else int(parsed)
        if number not in (None, expected):
            wrong.append((text, number, expected))
    assert wrong == []
    assert sum(number is not None for number in read) > len(texts) / 5


@pytest.mark.integration
def test_the_usual_spellings_need_no_parser(tmp_path: Path) -> None:
    """Numbers as people and programs write them are read by the million."""
    read = read_by_sql(list(USUAL), "US", tmp_path)
    assert read == parse_part(list(USUAL), "US")


@pytest.mark.integration
def test_several_processes_parse_in_order() -> None:
    """What comes back is in the order of what was given, and what one process says."""
    parts = [list_messy(5, seed) for seed in range(6)]
    alone = list(parse_texts(parts, "US", processes=1))
    assert list(parse_texts(parts, "US", processes=2)) == alone
    assert list(parse_texts([], "US", processes=2)) == []
