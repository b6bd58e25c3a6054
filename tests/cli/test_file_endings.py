"""What a file is read and written as is told by the end of its name, and nothing is guessed."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from consentry.cli.app import app
from consentry.cli.list_files import open_list

pytestmark = pytest.mark.unit


@pytest.mark.parametrize("name", ["list.xlsx", "list.zip", "list.csv.gz", "list"])
@pytest.mark.parametrize(
    ("words", "known"),
    [
        (("export", "opt_outs", "--out"), ".csv, .jsonl, .parquet or .ndjson"),
        (("import",), ".csv, .tsv, .txt, .jsonl, .ndjson, .parquet, .pq"),
    ],
)
def test_an_ending_that_is_not_known_ends_with_2(
    tmp_path: Path, name: str, words: tuple[str, ...], known: str
) -> None:
    """With those that are; nothing is written."""
    runner = CliRunner(env={"CONSENTRY_DATABASE": f"sqlite:///{tmp_path / 'c.db'}"})
    done = runner.invoke(app, [*words, str(tmp_path / name)])
    assert (done.exit_code, known in done.output) == (2, True)
    assert list(tmp_path.iterdir()) == []


def test_a_bundle_of_evidence_is_a_zip(tmp_path: Path) -> None:
    """Whoever asks for a PDF gets no zip under its name."""
    out = tmp_path / "evidence.pdf"
    done = CliRunner().invoke(app, ["evidence", "+14155550142", "--out", str(out)])
    assert (done.exit_code, "Let it end in .zip" in done.output) == (2, True)
    assert not out.exists()


@pytest.mark.parametrize("name", ["list.csv", "list.TSV", "list.txt", "list.jsonl", "list.ndjson"])
def test_endings_of_lists_are_known_in_any_case(tmp_path: Path, name: str) -> None:
    """Text in columns, and lines of JSON."""
    (tmp_path / name).write_bytes(b'"+14155550142"\n')
    assert open_list(tmp_path / name).digest
