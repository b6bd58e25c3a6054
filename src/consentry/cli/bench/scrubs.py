"""Whole lists: `consentry scrub` as people run it, from its start to its end.

Five million numbers in E.164 of whom a fifth are known, and two million in twenty spellings.
"""

import statistics
from pathlib import Path
from typing import Final

import msgspec

from consentry.cli.bench.databases import SQLiteDatabase
from consentry.cli.bench.figures import Figure
from consentry.cli.bench.load import WrongAnswer
from consentry.cli.bench.plan import Plan
from consentry.cli.bench.population import prepare_database, take_content
from consentry.cli.bench.ran import Ran, run_whole, show_busy
from consentry.cli.bench.requests import AREAS, KNOWN_FIRST, SENDER
from consentry.cli.cores import count_cores
from consentry.cli.progress import Steps

PEOPLE_MAX: Final = 1_000_000
"""The goals are set with so many people known, and five rows in E.164 for each."""

_ROWS_OF_PERSON: Final = 5
_MESSY_OF_PERSON: Final = 2
_SCATTER: Final = 2_654_435_761
_NOWHERE: Final = 9
_ACTIVE_OF_TEN: Final = 8
_PER_SECOND: Final = 1_000_000
_MESSY_PER_SECOND: Final = 150_000
_MEBIBYTES: Final = 381.0
"""400 MB."""

_SPELLINGS: Final = (
    "'+1' || d",
    "'+1' || d",
    "'(' || a || ') ' || b || '-' || e",
    "'(' || a || ') ' || b || '-' || e",
    "a || '-' || b || '-' || e",
    "a || '-' || b || '-' || e",
    "a || '.' || b || '.' || e",
    "'1-' || a || '-' || b || '-' || e",
    "'+1 ' || a || ' ' || b || ' ' || e",
    "'+1 (' || a || ') ' || b || '-' || e",
    "d",
    "'+44 79' || d[3:4] || ' ' || d[5:7] || ' ' || d[8:10]",
    "'+44 20 ' || d[3:6] || ' ' || d[7:10]",
    "'+49 151 ' || d[3:10]",
    "'+33 6 ' || d[3:4] || ' ' || d[5:6] || ' ' || d[7:8] || ' ' || d[9:10]",
    "'+61 4' || d[3:4] || ' ' || d[5:7] || ' ' || d[8:10]",
    "'+55 11 9' || d[3:6] || '-' || d[7:10]",
    "'+52 55 ' || d[3:6] || ' ' || d[7:10]",
    "d || ' ext. ' || (place % 90 + 10)",
    "'call ' || place",
)
"""Of ten digits, d = a b e: half American, a third of other countries, a tenth for the parser."""


async def measure_scrubs(plan: Plan, steps: Steps) -> list[Figure]:
    """Measure lists, and how long it takes to write everybody into files."""
    people = min(plan.people, PEOPLE_MAX)
    folder = plan.folder / "scrub"
    database = SQLiteDatabase(folder / "database")
    steps.step(f"lists about {people:,} people")
    folder.mkdir()
    content = await take_content(plan.folder / "scrub-sample", people, _NOWHERE)
    await prepare_database(database, content, people)
    plain, messy = folder / "plain.csv", folder / "messy.csv"
    _write_lists(plain, messy, people)
    lists: dict[Path, list[Ran]] = {plain: [], messy: []}
    for round_ in range(plan.rounds):
        for file, runs in lists.items():
            steps.step(f"scrub of {file.stem} numbers, {round_ + 1} of {plan.rounds}")
            runs.append(_scrub(file, database))
    _compare(lists[plain][0], people)
    steps.step("everybody into files")
    snapshot = run_whole(["snapshot", str(folder / "snapshot"), "--json"], database)
    return _read_figures(lists[plain], lists[messy], snapshot, people)


def _write_lists(plain: Path, messy: Path, people: int) -> None:
    import duckdb  # noqa: PLC0415 - few commands need it

    first = f"1{AREAS[0]}{KNOWN_FIRST}"
    choices = " ".join(f"WHEN {n} THEN {text}" for n, text in enumerate(_SPELLINGS))
    with duckdb.connect() as engine:
        places = f"SELECT i, i * {_SCATTER}::HUGEINT % {{}} AS place FROM range({{}}) AS t (i)"  # noqa: S608 - a number
        rows, messy_rows = _ROWS_OF_PERSON * people, _MESSY_OF_PERSON * people
        engine.execute(f"""
            COPY (
                SELECT i AS id, '+' || ({first} + place)::BIGINT AS phone, 'Person ' || i AS name
                FROM ({places.format(rows, rows)}) ORDER BY i
            ) TO '{plain}'
        """)  # noqa: S608 - our own files
        engine.execute(f"""
            COPY (
                SELECT i AS id, CASE i % {len(_SPELLINGS)} {choices} END AS phone,
                    'Person ' || i AS name
                FROM (
                    SELECT *, d[:3] AS a, d[4:6] AS b, d[7:10] AS e
                    FROM (
                        SELECT *, (({first} + place)::BIGINT::VARCHAR)[2:] AS d
                        FROM ({places.format(rows, messy_rows)})
                    )
                )
                ORDER BY i
            ) TO '{messy}'
        """)  # noqa: S608 - our own files


def _scrub(file: Path, database: SQLiteDatabase) -> Ran:
    out = file.with_name(f"answers-{file.name}")
    words = ["scrub", str(file), str(out), "--sender", SENDER, "--purpose", "conversational"]
    return run_whole([*words, "--json"], database)


def _compare(ran: Ran, people: int) -> None:
    """See that as many are allowed and refused as were made so."""
    active = sum(1 for place in range(10) if place < _ACTIVE_OF_TEN) * people // 10
    counts = {(one["decision"], one["reason"]): one["rows"] for one in _counts(ran)}
    expected = {
        ("allow", None): active,
        ("deny", "opted_out"): people - active,
        ("deny", "no_consent"): (_ROWS_OF_PERSON - 1) * people,
    }
    if counts != expected:
        raise WrongAnswer(f"A scrub counted {counts}, and there are {expected}.")


def _counts(ran: Ran) -> list[dict[str, str | int | None]]:
    return msgspec.convert(ran.told["counts"], list[dict[str, str | int | None]])


def _read_figures(plain: list[Ran], messy: list[Ran], snapshot: Ran, people: int) -> list[Figure]:
    counts = people >= PEOPLE_MAX
    cores = count_cores()
    told = f"the whole command, {people:,} people known, {cores} cores"
    rows, messy_rows = _ROWS_OF_PERSON * people, _MESSY_OF_PERSON * people
    most = max(ran.mebibytes for ran in (*plain, *messy))
    return [
        Figure(
            "scrub_per_second",
            f"scrub of {rows:,} numbers in E.164, rows",
            rows / statistics.median(ran.seconds for ran in plain),
            "per_second",
            at_least=_PER_SECOND if counts else None,
            note=f"{told}; {show_busy(plain)}",
        ),
        Figure(
            "scrub_messy_per_second",
            f"scrub of {messy_rows:,} numbers in {len(_SPELLINGS)} spellings, rows",
            messy_rows / statistics.median(ran.seconds for ran in messy),
            "per_second",
            at_least=_MESSY_PER_SECOND if counts else None,
            note=f"{messy[0].told['parsed']:,} texts parsed alone; {show_busy(messy)}",
        ),
        Figure(
            "scrub_mebibytes",
            "memory of a scrub, all its processes",
            most,
            "mebibytes",
            at_most=_MEBIBYTES if counts else None,
        ),
        Figure("snapshot_seconds", f"snapshot of {people:,} people", snapshot.seconds, "seconds"),
    ]
