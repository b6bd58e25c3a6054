"""`consentry import` from the outside: tried, brought in, killed and gone on with."""

import asyncio
import csv
import json
import os
import signal
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import apsw
import duckdb
import pytest

from consentry.cli.list_files import UnreadableFile, open_list
from consentry.clock import SystemClock, SystemIds
from consentry.domain.policy import Policy
from consentry.store.sqlite.store import SQLiteStore
from stuck_file import stuck_at

pytestmark = pytest.mark.integration

LIST = (
    "Name;Handynummer;Opted out at\n"
    '"Lovelace; Ada";+1 (415) 555-0142;2026-05-01\n'
    "Ben;+14155550143;\n"
    "X;nobody;\n"
    "Ada;+14155550142;2026-05-02\n"
)
ROWS = 30_000


def start(folder: Path, *words: str) -> "subprocess.Popen[str]":
    """Start the command on a database in this folder."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith("CONSENTRY_")}
    environment["CONSENTRY_DATABASE"] = f"sqlite:///{folder / 'c.db'}"
    return subprocess.Popen(
        [sys.executable, "-m", "consentry", *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=folder,
        env=environment,
    )


def run(folder: Path, *words: str, code: int = 0) -> str:
    """Run the command to its end; give what it printed, what went wrong too."""
    process = start(folder, *words)
    out, err = process.communicate(timeout=240)
    assert process.returncode == code, (words, out, err)
    return out + err


def test_a_list_is_tried_brought_in_and_reported(tmp_path: Path) -> None:
    """What the try counts is what is done; every row is in the report; wrong use ends with 2."""
    (tmp_path / "o.csv").write_text(LIST, encoding="utf-8")
    tried = run(tmp_path, "import", "o.csv", "--dry-run", code=1)
    assert "number: column 2 (Handynummer)" in tried
    assert "Nothing is written" in tried
    lost = ("import", "o.csv", "--mapping-file", "lost.json")
    assert "lost.json cannot be used" in run(tmp_path, *lost, code=2)
    bring_in = ("import", "o.csv", "--map", "number=handynummer", "--report", "r.csv", "--json")
    done = json.loads(run(tmp_path, *bring_in, code=1))
    assert (done["rows"], done["columns"]) == (4, {"number": 2})
    counts = {name: count for name, count in done["counts"].items() if count}
    assert counts == {"recorded": 2, "stands": 1, "unreadable": 1}
    report = list(csv.reader((tmp_path / "r.csv").read_text(encoding="utf-8").splitlines()))
    assert [row[:3] for row in report] == [
        ["row", "number", "outcome"],
        ["2", "+14155550142", "recorded"],
        ["3", "+14155550143", "recorded"],
        ["4", "nobody", "unreadable"],
        ["5", "+14155550142", "stands"],
    ]
    wrong = run(tmp_path, "import", "o.csv", "--map", "number=Fone", code=2)
    assert "The columns are: 'Name', 'Handynummer', 'Opted out at'" in wrong
    assert "goes with" in run(tmp_path, "import", "o.csv", "--kind", "consents", code=2)
    assert "cannot be used" in run(tmp_path, "import", "none.csv", code=2)


def test_parquet_is_read_as_csv_is(tmp_path: Path) -> None:
    """By the names of its columns, and counted before; what is no Parquet is told."""
    path = tmp_path / "o.parquet"
    with duckdb.connect() as made:
        made.sql(
            "SELECT '+1415555' || (1000 + n) AS Phone, DATE '2026-01-01' AS since, NULL AS note "
            "FROM range(5) AS r (n)"
        ).write_parquet(str(path))
    listed = open_list(path)
    assert listed.size == 5
    header, first, *_ = listed.records()
    assert header == (0, ["Phone", "since", "note"])
    assert first == (1, ["+14155551000", "2026-01-01", ""])
    bad = tmp_path / "bad.parquet"
    bad.write_bytes(b"no")
    with pytest.raises(UnreadableFile, match="no Parquet"):
        open_list(bad)


def test_a_list_is_taken_along_in_each_format(tmp_path: Path) -> None:
    """And what was taken can be brought in elsewhere."""
    (tmp_path / "o.csv").write_text("number\n+14155550142\n", encoding="utf-8")
    run(tmp_path, "import", "o.csv")
    header, row = run(tmp_path, "export", "opt_outs").splitlines()
    assert (header.split(",")[0], row.split(",")[:3]) == ("number", ["+14155550142", "*", "import"])
    written = json.loads(run(tmp_path, "export", "opt_outs", "--out", "out.parquet", "--json"))
    assert (written["rows"], written["format"]) == (1, "parquet")
    assert (tmp_path / "out.parquet").stat().st_mode & 0o777 == 0o600
    again = json.loads(run(tmp_path, "import", "out.parquet", "--json"))
    assert again["counts"]["stands"] == 1
    run(tmp_path, "export", "entries", "--out", "e.jsonl", "--from", "2020-01-01")
    lines = (tmp_path / "e.jsonl").read_text(encoding="utf-8").splitlines()
    kinds = [json.loads(line)["kind"] for line in lines]
    assert kinds == ["suppressed", "imported", "exported", "exported", "imported"]
    assert "--out" in run(tmp_path, "export", "entries", "--format", "parquet", code=2)


def test_an_import_that_is_killed_goes_on_where_it_was(tmp_path: Path) -> None:
    """Nothing twice, nothing lost, one import; the report has the rows of before the kill too."""
    rows = "".join(f"+1212555{n:04}\n" for n in range(10_000))
    rows += "".join(f"+1312555{n:04}\n+1412555{n:04}\n" for n in range(10_000))
    (tmp_path / "o.csv").write_text("number\n" + rows, encoding="utf-8")
    database = tmp_path / "c.db"
    opened = SQLiteStore.open(database, clock=SystemClock(), ids=SystemIds(), policy=Policy())
    asyncio.run(opened.close())
    count = "SELECT count(*) FROM entries WHERE kind = 'suppressed'"
    wanted, last_chance = 2_000, time.monotonic() + 240
    with stuck_at(database, "entries", f"NEW.seq > {ROWS // 2}"):
        killed = start(tmp_path, "import", "o.csv")
        while _ask(database, count) < wanted:
            assert time.monotonic() < last_chance
            time.sleep(0.02)
        killed.send_signal(signal.SIGKILL)
        killed.communicate(timeout=240)
    before = _ask(database, count)
    assert wanted <= before < ROWS
    out = run(tmp_path, "import", "o.csv", "--report", "r.csv", "--json")
    done = json.loads(out.splitlines()[0])
    assert "goes on behind row" in out
    assert done["counts"]["recorded"] == ROWS
    assert _ask(database, count) == ROWS
    assert _ask(
        database, "SELECT count(DISTINCT recipient) FROM entries WHERE recipient <> ''"
    ) == (ROWS)
    assert _ask(database, "SELECT count(*) FROM imports") == 1
    with (tmp_path / "r.csv").open(encoding="utf-8") as report:
        assert sum(1 for _ in report) == ROWS + 1


def _ask(database: Path, query: str) -> int:
    """Ask the database; one that is being made knows nothing yet."""
    try:
        with closing(apsw.Connection(str(database), flags=apsw.SQLITE_OPEN_READONLY)) as asked:
            ((value,),) = asked.execute(query)
            return int(str(value))
    except apsw.Error:
        return 0
