"""A CSV file of labelled texts: what is read from it, and what is said of one that cannot be."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consentry.domain.labelled_texts import (
    LabelledText,
    LabelsUnreadable,
    parse_labelled_texts,
    render_labelled_texts,
)
from consentry.domain.reading import LegalMeaning, Tier

unit = pytest.mark.unit
LABELLED = st.builds(
    LabelledText,
    text=st.text(st.characters(exclude_categories=["Cs"])),
    expected=st.sampled_from(LegalMeaning),
    language=st.sampled_from(["", "en", "zh"]),
    tier=st.sampled_from([None, *Tier]),
    part=st.sampled_from(["", "mine"]),
)


def problems(file: str) -> tuple[str, ...]:
    """Give what is said of a file that cannot be used."""
    with pytest.raises(LabelsUnreadable) as raised:
        parse_labelled_texts(file)
    return raised.value.problems


@unit
def test_text_and_label_are_enough() -> None:
    """Columns come in any order and case, others are passed over, a byte order mark too."""
    file = "\ufeffnote,Expected,text\r\nx,OPT_OUT,stop it\r\n\r\n,none,\r\n"
    assert parse_labelled_texts(file) == [
        LabelledText("stop it", LegalMeaning.OPT_OUT, line=2),
        LabelledText("", LegalMeaning.NONE, line=4),
    ]
    assert parse_labelled_texts("text,expected\n") == []


@unit
def test_a_text_of_many_lines_counts_them() -> None:
    """A line number is that of the file, where a row begins."""
    file = 'text,expected\n"stop\n\nSent from my phone",opt_out\nhello,maybe\n'
    assert problems(file) == (
        "line 5: expected is 'maybe', not one of opt_out, wrong_number, ambiguous, none.",
    )


@unit
def test_every_line_that_is_wrong_is_named() -> None:
    """All of them, and at most twenty."""
    wrong = "text,expected,tier\na,none\nb,none,loud\nc,none,\n"
    assert problems(wrong) == (
        "line 2: 2 cells, the header has 3. Quote the text.",
        "line 3: tier is 'loud', not one of keyword, phrase, none.",
    )
    assert len(problems("text,expected\n" + "a,b\n" * 99)) == 20


@unit
def test_a_file_without_the_columns_is_told_how_to_begin() -> None:
    """Also an empty one, and one that is no CSV."""
    told = "line 1: the header has no column text and no column expected."
    assert problems("")[0].startswith(told)
    assert problems("text;expected\na;none\n")[0].startswith(told)
    assert "no column expected" in problems("text\nstop\n")[0]
    assert "no CSV" in problems('text,expected\n"a"b,none\n')[0]
    assert "one column text twice" in problems("text,text,expected\na,b,none\n")[0]


@pytest.mark.property
@given(st.lists(LABELLED, max_size=5))
def test_what_is_written_is_read_again(rows: list[LabelledText]) -> None:
    """Any text survives the file, whatever quotes, commas and line ends it has."""
    read = parse_labelled_texts(render_labelled_texts(rows))
    assert [(r.text, r.expected, r.language, r.tier, r.part) for r in read] == [
        (r.text, r.expected, r.language, r.tier, r.part) for r in rows
    ]


@pytest.mark.property
@given(st.text())
def test_any_file_is_read_or_told_why_not(file: str) -> None:
    """Nothing else is raised."""
    for head in ("", "text,expected\n"):
        with contextlib.suppress(LabelsUnreadable):
            assert all(row.line > 1 for row in parse_labelled_texts(head + file))
