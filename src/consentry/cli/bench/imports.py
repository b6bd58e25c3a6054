"""Lists that are brought in: `consentry import` as people run it, into a database of its own.

All rows name people of whom nothing is known, each with a day, in no order: so each becomes a
ledger entry and a standing.
"""

import os
import statistics
from pathlib import Path
from typing import Final

import msgspec

from consentry.cli.bench.databases import SQLiteDatabase
from consentry.cli.bench.figures import Figure
from consentry.cli.bench.load import WrongAnswer
from consentry.cli.bench.plan import Plan
from consentry.cli.bench.population import add_program, prepare_database, take_content
from consentry.cli.bench.ran import Ran, run_whole, show_busy
from consentry.cli.bench.requests import scattered_number
from consentry.cli.progress import Steps
from consentry.domain.entries import EntryKind

ROWS_MAX: Final = 1_000_000
"""The goal is set with so many rows."""

_NOWHERE: Final = 9
_PER_SECOND: Final = 60_000
_PROGRAM: Final = "news"
_DAYS: Final = 28
_MONTHS: Final = 12


class _List(msgspec.Struct, frozen=True):
    """What the rows say: words of the command, what becomes of each row, and its entries' kind."""

    name: str
    words: tuple[str, ...]
    outcome: str
    kind: EntryKind


_LISTS: Final = (
    _List(
        "consents",
        ("--kind", "consents", "--program", _PROGRAM),
        "pending",
        EntryKind.CONSENT_GRANTED,
    ),
    _List("opt_outs", (), "recorded", EntryKind.SUPPRESSED),
)


async def measure_imports(plan: Plan, steps: Steps) -> list[Figure]:
    """Measure both kinds of lists in turn, each time on a new database."""
    rows = min(plan.people, ROWS_MAX)
    folder = plan.folder / "import"
    folder.mkdir()
    file = folder / "list.csv"
    _write_list(file, rows)
    content = await take_content(plan.folder / "import-sample", 0, _NOWHERE)
    runs: dict[str, list[Ran]] = {one.name: [] for one in _LISTS}
    for round_ in range(plan.rounds):
        for one in _LISTS:
            steps.step(f"import of {one.name}, {round_ + 1} of {plan.rounds}")
            database = SQLiteDatabase(folder / f"{one.name}-{round_}")
            await prepare_database(database, content, 0)
            await add_program(database, _PROGRAM)
            ran = run_whole(["import", str(file), *one.words, "--json"], database)
            _compare(ran, one, database, rows)
            runs[one.name].append(ran)
            database.path.unlink()
    return [_read_figure(one, runs[one.name], rows) for one in _LISTS]


def _write_list(file: Path, rows: int) -> None:
    with file.open("w", encoding="ascii") as written:
        written.write("number,date\n")
        for place in range(rows):
            month, day = place % _MONTHS + 1, place // _MONTHS % _DAYS + 1
            written.write(f"{scattered_number(place, rows)},2025-{month:02}-{day:02}\n")


def _compare(ran: Ran, one: _List, database: SQLiteDatabase, rows: int) -> None:
    """See that every row came to what it should, and that the ledger has each."""
    counts = msgspec.convert(ran.told["counts"], dict[str, int])
    found = {name: count for name, count in counts.items() if count}
    entries = database.count_entries(one.kind)
    if found != {one.outcome: rows} or entries != rows:
        raise WrongAnswer(f"An import counted {found} and wrote {entries} entries of {rows} rows.")


def _read_figure(one: _List, runs: list[Ran], rows: int) -> Figure:
    seconds = statistics.median(ran.seconds for ran in runs)
    busy = statistics.median(ran.busy_seconds for ran in runs)
    cores = len(os.sched_getaffinity(0))
    each = busy * 1_000_000 / rows
    return Figure(
        f"import_{one.name}_per_second",
        f"import of {rows:,} {one.name.replace('_', '-')} of strangers, rows",
        rows / seconds,
        "per_second",
        at_least=_PER_SECOND if rows >= ROWS_MAX else None,
        note=f"the whole command, {cores} cores; {show_busy(runs)}, {each:.1f} us a row",
    )
