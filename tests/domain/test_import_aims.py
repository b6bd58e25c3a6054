"""Where an import is, and what became of its rows."""

from datetime import timedelta

import msgspec
import pytest

from consentry.domain.entries import Actor, ActorKind
from consentry.domain.imports import (
    DecidedRow,
    ImportAim,
    ImportKind,
    ImportPart,
    ImportRun,
    ImportState,
    RowOutcome,
    count_all,
    list_rows,
)
from memory_store import START

pytestmark = pytest.mark.unit


def test_an_import_that_does_not_move_is_taken_for_cut_off() -> None:
    """Until it is finished; what is finished stays so."""
    aim = ImportAim(ImportKind.OPT_OUTS, "list", "ab", "me")
    run = ImportRun("imp_1", "k", aim, Actor(ActorKind.AGENT), START, START)
    assert run.state_at(START) is ImportState.RUNNING
    later = START + timedelta(minutes=2)
    assert run.state_at(later) is ImportState.CUT_OFF
    over = msgspec.structs.replace(run, finished_at=START)
    assert over.state_at(later) is ImportState.FINISHED


def test_rows_are_listed_as_they_stand_in_the_list() -> None:
    """Whatever part they were decided in, each with what more is known of it."""
    parts = [
        ImportPart("imp_1", 0, 0, {"stands": [4], "recorded": [2]}),
        ImportPart("imp_1", 1, 0, {"refused": [3]}, {3: "a date is missing"}),
        ImportPart("imp_1", 2, 0, {"pending": [5, 6]}, {}, {"pending": "not confirmed"}),
    ]
    assert list_rows(parts) == [
        DecidedRow(2, RowOutcome.RECORDED),
        DecidedRow(3, RowOutcome.REFUSED, "a date is missing"),
        DecidedRow(4, RowOutcome.STANDS),
        DecidedRow(5, RowOutcome.PENDING, "not confirmed"),
        DecidedRow(6, RowOutcome.PENDING, "not confirmed"),
    ]


def test_every_outcome_is_counted() -> None:
    """Those that no row has are counted as none."""
    counts = count_all({"stands": 3})
    assert counts["stands"] == 3
    assert set(counts) == set(RowOutcome)
    assert sum(counts.values()) == 3
