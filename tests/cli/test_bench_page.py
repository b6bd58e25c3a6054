"""A run put into the page of benchmarks: goals and a table for each operation."""

import json
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from consentry.cli.bench.figures import Figure, not_measured, to_json
from consentry.cli.bench.load import Round
from consentry.cli.bench.sheet import Key, Sample, Sheet

ROOT = Path(__file__).parents[2]
RENDER = (
    "import sys, json; sys.path.insert(0, 'docs'); import write_benchmarks as w;"
    "print(w.write_run(sys.argv[1], json.load(sys.stdin), sys.argv[2]))"
)


def render(page: str, run: object, name: str = "run") -> subprocess.CompletedProcess[str]:
    """Put a run into a page."""
    return subprocess.run(
        [sys.executable, "-c", RENDER, page, name],
        input=json.dumps(msgspec.to_builtins(run)),
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
    )


@pytest.mark.integration
def test_a_run_stands_between_its_markers() -> None:
    """Goals with met or missed, a line for each server, and the text around stays."""
    sheet = Sheet()
    product = Key("gate", "product", "PostgreSQL", 2)
    for in_flight in (8, 32):
        measured = Round(1.0, 9000, 9000, (0.001, 0.002), 0.0)
        sheet.add(product, in_flight, Sample(measured, 0.45, 0.09, 60.0))
    sheet.add(Key("gate", "pgbench -S", "PostgreSQL"), 32, Sample(Round(1.0, 5, 5, (), 0.0)))
    sheet.miss(Key("gate", "product", "SQLite", 1), "there is none")
    figures = (
        Figure("a", "gate / by hand", 3.0, "ratio", at_least=4.0),
        Figure("b", "memory", 60.0, "mebibytes", at_most=120.0),
        not_measured("c", "no goal", "ratio", "so"),
    )
    page = "above\n<!-- run: begin -->\nold\n<!-- run: end -->\nbelow"
    ended = render(page, to_json(figures, 9.0, sheet.cells()))
    assert ended.returncode == 0, ended.stderr
    lines = ended.stdout.splitlines()
    assert lines[0] == "above"
    assert lines[-1] == "below"
    assert "old" not in lines
    assert "| gate / by hand | ≥ 4 | 3.00 | **missed** |" in lines
    assert "| memory | ≤ 120 | 60 MiB | met |" in lines
    assert "no goal" not in ended.stdout
    rates = "9,000 (2.0 / 2.0) | 9,000 (2.0 / 2.0)"
    assert f"| product, PostgreSQL, 2 processes | {rates} | 50 | 10 | 60 |  |" in lines
    assert "| pgbench -S, PostgreSQL |  | 5 |  |  |  |  |" in lines
    assert any("not measured: there is none" in line for line in lines)


@pytest.mark.integration
def test_a_page_without_markers_is_left_alone() -> None:
    """A run of another kind does not land in the wrong place."""
    ended = render("no markers", to_json((), 1.0))
    assert ended.returncode != 0
    assert "no markers 'run'" in ended.stderr
