"""`consentry reader evaluate`, as people who have their own texts call it."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner

from consentry.cli.app import app

ROOT = Path(__file__).parents[2]
Run = Callable[..., str]


@pytest.fixture
def measure(tmp_path: Path) -> Run:
    """Measure on this file (None: a missing one); gives what was printed, errors too."""

    def call(file: bytes | None, *words: str, code: int = 0) -> str:
        path = tmp_path / "mine.csv"
        if file is not None:
            path.write_bytes(file)
        done = CliRunner().invoke(app, ["reader", "evaluate", str(path), *words])
        assert done.exit_code == code, (words, done.output)
        return done.output

    return call


MINE = (
    b"text,expected,language,tier,part\n"
    b"STOP,opt_out,en,keyword,a\n"
    b"please stop texting me,opt_out,en,phrase,a\n"
    b"see you at 5,opt_out,en,phrase,b\n"
    b"no,ambiguous,en,phrase,a\n"
)


@pytest.mark.e2e
def test_a_file_of_ones_own_is_measured(tmp_path: Path) -> None:
    """Recall by tier, each text read otherwise with its line; a missed goal is exit code 1."""
    file = tmp_path / "mine.csv"
    file.write_bytes(MINE)
    words = ("reader", "evaluate", str(file), "--errors", "--recall", "0.9")
    done = subprocess.run(
        [sys.executable, "-m", "consentry", *words],
        capture_output=True,
        text=True,
        timeout=240,
        cwd=tmp_path,
        check=False,
    )
    assert done.returncode == 1, done.stderr
    told = done.stdout + done.stderr
    assert "4 texts" in told
    assert "line 4: 'see you at 5' is opt_out, read none" in told
    assert "recall of phrase is 0.5000, the goal is 0.9" in told


@pytest.mark.integration
def test_figures_are_told_to_programs_and_by_part(measure: Run) -> None:
    """`--json` has all figures, `--part` takes some texts; a goal that is reached is silent."""
    values = json.loads(measure(MINE, "--json", "--part", "a", "--recall", "1", "--precision", "1"))
    assert values["texts"] == 3
    assert values["tiers"]["keyword"]["recall"] == {"count": 1, "of": 1}
    assert values["ambiguous"]["ambiguous"] == 1
    assert values["texts_per_second_a_core"] > 0
    assert "errors" not in values
    misread = json.loads(measure(MINE, "--json", "--errors"))["errors"]
    assert [(row["labelled"]["line"], row["reading"]["meaning"]) for row in misread] == [
        (4, "none")
    ]


@pytest.mark.integration
def test_a_file_that_cannot_be_used_is_told_why(measure: Run) -> None:
    """Missing, not UTF-8, without a row, with a label that is none, without that part."""
    assert "cannot be read" in measure(None, code=2)
    assert "not UTF-8 (byte 15)" in measure(b"text,expected\na\xe4", code=2)
    assert "has no texts" in measure(b"text,expected\n", code=2)
    assert "line 2: expected is 'stop'" in measure(b"text,expected\nhi,stop\n", code=2)
    assert "no part 'c'; it has: a, b" in measure(MINE, "--part", "c", code=2)


@pytest.mark.integration
def test_a_file_that_takes_more_than_a_second_says_how_far_it_is(measure: Run) -> None:
    """Where nobody looks at a terminal, a line says what is read."""
    assert "reading texts: 50,000" in measure(b"text,expected\n" + b"ok,none\n" * 50_000)


@pytest.mark.integration
def test_the_published_set_and_its_page_are_current(tmp_path: Path) -> None:
    """docs/reader is what docs/write_reader_page.py writes from the texts and the reader now."""
    code = (
        "import sys; sys.path.insert(0, 'docs'); import write_reader_page as w, pathlib;"
        f"[pathlib.Path({str(tmp_path)!r}, n).write_text(t, 'utf-8', newline='')"
        " for n, t in w.render().items()]"
    )
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)
    written = {page.name: page.read_bytes() for page in tmp_path.iterdir()}
    kept = {page.name: page.read_bytes() for page in (ROOT / "docs/reader").iterdir()}
    assert kept == written, "run: python docs/write_reader_page.py"
