"""Bringing a list in from a file: import."""

import csv
import io
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Annotated, Final, NamedTuple, TextIO

import msgspec
import typer

from consentry.actions.import_rows import Decided
from consentry.actions.import_words import ListedRow
from consentry.actions.read_lists import (
    ListReading,
    ListRows,
    find_columns,
    key_of,
    read_blocks,
)
from consentry.actions.run_import import (
    FindPace,
    ImportOrder,
    Pace,
    begin_import,
    carry_on,
    read_decided,
    try_import,
)
from consentry.cli.consents import CLI_ACTOR
from consentry.cli.database import with_store
from consentry.cli.list_files import UnreadableFile, open_list
from consentry.cli.output import JSONFlag, fail, print_json
from consentry.cli.row_progress import progress_shown
from consentry.cli.written_files import written_whole
from consentry.clock import SystemIds
from consentry.domain.import_columns import Column, Columns, UnknownColumn, fold_heading
from consentry.domain.imports import (
    BAD,
    DecidedRow,
    ImportAim,
    ImportKind,
    ImportRun,
    RowOutcome,
    count_all,
)
from consentry.domain.listed_numbers import DayOrder, ListedNumber, UnreadableLine
from consentry.ports import Store
from consentry.settings import Settings
from consentry.store.sqlite.holding import is_held
from consentry.wire.written_rows import harmless

_BESIDE_A_SERVER: Final = Pace(slice_rows=100, rest_seconds=0.01)
"""A server on the same SQLite database gets the file in between: a STOP waits for little."""

_BY_ITSELF: Final = Pace(together=4)
"""Nobody else writes to the file: a few slices share what it takes to make one durable."""

_TURN_SECONDS: Final = 0.0005
"""How long reading ahead may keep the interpreter from the thread that writes, which is the slower
one: with Python's own 5 ms it stands still for most of the time that a block is read."""

_WORDS: Final = {
    RowOutcome.RECORDED: "recorded",
    RowOutcome.PENDING: "recorded; counts when the handset confirms it",
    RowOutcome.STANDS: "stood already",
    RowOutcome.CAME_BACK: "came back by their own text since: unchanged",
    RowOutcome.WITHDREW: "withdrew: no consent",
    RowOutcome.EXPIRED: "ran out already: unchanged",
    RowOutcome.REFUSED: "refused",
    RowOutcome.UNREADABLE: "not a number",
}


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("import")(import_list)


_File = Annotated[Path, typer.Argument(help="CSV, lines of JSON, or Parquet.")]
_Kind = Annotated[
    ImportKind, typer.Option(help="What the rows say: opt-outs, or consents given elsewhere.")
]
_Brand = Annotated[
    str | None, typer.Option(help="Whose texts the people do not want. All brands' if left out.")
]
_Program = Annotated[
    str | None, typer.Option(help="What people consented to: a program's id. With consents.")
]
_CompanyDecided = Annotated[
    bool,
    typer.Option("--company-decided", help="The company decided it, not the people on the list."),
]
_Texted = Annotated[
    str | None,
    typer.Option(
        help="Who vouches that each row's text came from that handset to the program's own "
        "number. Only then do consents count at once. Needs the columns date and text."
    ),
]
_Source = Annotated[
    str | None, typer.Option(help="Where the list comes from. The file's name if left out.")
]
_Map = Annotated[
    list[str] | None,
    typer.Option("--map", help="number=Phone, date=3: which column is what. Repeat it."),
]
_MapFile = Annotated[
    Path | None, typer.Option(help='The same as JSON: {"number": "Phone", "date": 3}.')
]
_Dates = Annotated[
    DayOrder | None, typer.Option(help="How days like 03/04/2025 are written in this list.")
]
_Delimiter = Annotated[
    str | None, typer.Option(help="What separates cells, if the guess is wrong.")
]
_ReportFile = Annotated[
    Path | None, typer.Option("--report", help="Write what became of each row, as CSV.")
]
_DryRun = Annotated[
    bool, typer.Option("--dry-run", help="Only count what would be; write nothing.")
]


def import_list(
    file: _File,
    *,
    kind: _Kind = ImportKind.OPT_OUTS,
    brand: _Brand = None,
    program: _Program = None,
    company_decided: _CompanyDecided = False,
    texted_according_to: _Texted = None,
    source: _Source = None,
    mapping: _Map = None,
    mapping_file: _MapFile = None,
    dates: _Dates = None,
    delimiter: _Delimiter = None,
    report: _ReportFile = None,
    dry_run: _DryRun = False,
    as_json: JSONFlag = False,
) -> None:
    """Bring in a list of opt-outs, or of consents, from another system.

    A revocation is never overwritten, and doing it again changes nothing. Where it was cut off, the
    same command goes on. Ends with 1 where rows were left out: --report tells which and why.

    Example: consentry import optouts.csv --map number=Phone --map date="Opted out at" --dry-run
    """
    if (kind is ImportKind.CONSENTS) != (program is not None):
        fail("--program goes with --kind consents, and only with it.", code=2)
    if kind is ImportKind.CONSENTS and (brand is not None or company_decided):
        fail("--brand and --company-decided are for opt-outs.", code=2)
    if kind is ImportKind.OPT_OUTS and texted_according_to is not None:
        fail("--texted-according-to is for consents.", code=2)
    aim = ImportAim(
        kind=kind,
        source=source or file.name,
        digest="",
        by="the command line",
        brand=brand,
        by_person=not company_decided,
        program=program,
        texted=texted_according_to,
    )
    try:
        how = _How(_read_mapping(mapping or [], mapping_file), dates, report, dry_run, as_json)
        rows = open_list(file, delimiter=delimiter)
        is_whole = with_store(
            lambda store, settings: _bring_in(store, settings, rows, aim=aim, how=how)
        )
    except (UnknownColumn, UnreadableFile) as error:
        fail(str(error), code=2)
    except OSError as error:
        fail(f"{error.filename or file} cannot be used: {error.strerror}.", code=2)
    if not is_whole:
        raise SystemExit(1)


class _How(NamedTuple):
    """How a list is read and what is told of it."""

    mapping: dict[Column, str]
    dates: DayOrder | None
    report: Path | None
    is_dry: bool
    as_json: bool


async def _bring_in(
    store: Store, settings: Settings, rows: ListRows, *, aim: ImportAim, how: _How
) -> bool:
    """Bring a list in; tells whether no row was left out."""
    region = settings.default_region
    columns, header = find_columns(rows, region=region, mapping=how.mapping)
    reading = ListReading(columns, region, how.dates)
    if not how.as_json:
        _show_columns(columns, header)
    job = _Bringing(store, rows, reading, msgspec.structs.replace(aim, digest=rows.digest))
    with _reporting(how.report) as written:
        find_pace = partial(_find_pace, settings)
        counts, run = await job.run(written, find_pace, dry=how.is_dry)
    _tell_counts(counts, run, columns, as_json=how.as_json)
    return not any(counts[outcome.value] for outcome in BAD)


def _find_pace(settings: Settings) -> Pace:
    """Tell how fast to go: asked again and again, for a server may start meanwhile."""
    if settings.is_postgres:
        return Pace()
    return _BESIDE_A_SERVER if is_held(settings.database_path) else _BY_ITSELF


def _read_mapping(given: list[str], file: Path | None) -> dict[Column, str]:
    pairs = [one.partition("=")[::2] for one in given]
    if file is not None:
        try:
            kept = msgspec.json.decode(file.read_bytes(), type=dict[str, str | int])
        except msgspec.DecodeError as error:
            fail(f'{file} is no mapping: {error}. Write it as {{"number": "Phone"}}.', code=2)
        pairs = [(name, str(place)) for name, place in kept.items()] + pairs
    mapping: dict[Column, str] = {}
    for name, place in pairs:
        column = fold_heading(name)
        if column not in list(Column) or not place:
            names = ", ".join(Column)
            fail(
                f"--map {name}={place} is no mapping. Write COLUMN=HEADING; columns: {names}.",
                code=2,
            )
        mapping[Column(column)] = place
    return mapping


class _Report:
    """Writes what became of each row, in the order of the list, block by block."""

    def __init__(self, file: TextIO) -> None:
        self._writer = csv.writer(file)
        self._writer.writerow(("row", "number", "outcome", "reason"))
        self._block = 0
        self._rows: list[tuple[int, str, str, str]] = []

    def add_known(
        self, block: int, rows: Sequence[ListedRow], decided: Mapping[int, DecidedRow]
    ) -> None:
        """Write what became of the rows of a block that were decided before, by their lines."""
        for row in rows:
            known = decided.get(row.line)
            if known is not None:
                why = row.why if isinstance(row, UnreadableLine) else known.why
                self.add(block, row, known.outcome, why)

    def add(self, block: int, row: ListedRow, outcome: RowOutcome, why: str | None) -> None:
        """Take a row in; those of a block come before those of the next."""
        if block != self._block:
            self.flush()
            self._block = block
        number = row.recipient if isinstance(row, ListedNumber) else row.text
        self._rows.append((row.line, harmless(number), outcome.value, why or _WORDS[outcome]))

    def flush(self) -> None:
        """Write down what was taken in."""
        self._writer.writerows(sorted(self._rows))
        self._rows.clear()


@contextmanager
def _reporting(path: Path | None) -> Iterator[_Report | None]:
    if path is None:
        yield None
        return
    with written_whole(path) as file:
        text = io.TextIOWrapper(file, encoding="utf-8", newline="")
        report = _Report(text)
        yield report
        report.flush()
        text.flush()


class _Bringing:
    """One import from a file, with its report and its bar."""

    def __init__(self, store: Store, rows: ListRows, reading: ListReading, aim: ImportAim) -> None:
        self._store = store
        self._rows = rows
        self._reading = reading
        self._aim = aim
        self._report: _Report | None = None
        self._advance: Callable[[int], None] = _stand_still

    async def run(
        self, report: _Report | None, find_pace: FindPace, *, dry: bool
    ) -> tuple[dict[str, int], ImportRun | None]:
        """Bring the list in, or only try; counts all its rows, those of an earlier start too."""
        self._report = report
        sys.setswitchinterval(_TURN_SECONDS)
        with progress_shown("Looking" if dry else "Importing", self._rows.size) as advance:
            self._advance = advance
            if dry:
                return await try_import(self._store, self._aim, self._blocks, tell=self._tell), None
            order = ImportOrder(self._aim, CLI_ACTOR, key_of(self._aim, self._reading))
            run = await begin_import(self._store, SystemIds(), order)
            if run.position:
                sys.stderr.write(f"{run.id} goes on behind row {run.position:,} of the list.\n")
            await self._tell_earlier(run)
            run = await carry_on(
                self._store, run, self._blocks(), find_pace=find_pace, tell=self._tell
            )
        return count_all(run.counts), run

    def _blocks(self) -> Iterator[list[ListedRow]]:
        return read_blocks(self._rows, self._reading)

    def _tell(self, block: int, decided: Sequence[Decided]) -> None:
        self._advance(len(decided))
        if self._report is not None:
            for one in decided:
                self._report.add(block, one.row, one.outcome, one.why)

    async def _tell_earlier(self, run: ImportRun) -> None:
        """Put the rows that were decided before into the report."""
        self._advance(run.position)
        if self._report is None or not run.position:
            return
        left = run.position
        for number, block in enumerate(self._blocks()):
            found = await read_decided(self._store, run, number)
            self._report.add_known(number, block, {one.row: one for one in found})
            left -= len(block)
            if left <= 0:
                return


def _stand_still(_rows: int) -> None:
    return None


def _show_columns(columns: Columns, header: Sequence[str]) -> None:
    """Say which column is taken for what."""
    sys.stdout.write("Columns" + (", guessed" if columns.is_guessed else "") + ":\n")
    for column, place in columns.places().items():
        heading = header[place] if columns.has_header and place < len(header) else ""
        told = f" ({heading})" if heading else ""
        sys.stdout.write(f"  {column}: column {place + 1}{told}\n")


def _tell_counts(
    counts: dict[str, int], run: ImportRun | None, columns: Columns, *, as_json: bool
) -> None:
    if as_json:
        places = {column.value: place + 1 for column, place in columns.places().items()}
        told = {"import": None if run is None else run.id, "dry_run": run is None}
        print_json(told | {"rows": sum(counts.values()), "columns": places, "counts": counts})
        return
    if run is None:
        sys.stdout.write("Nothing is written. This list would do:\n")
    else:
        sys.stdout.write(f"{run.id}:\n")
    for name, count in counts.items():
        if count:
            sys.stdout.write(f"  {count:>12,}  {_WORDS[RowOutcome(name)]}\n")
    if not sum(counts.values()):
        sys.stdout.write("  The list has no rows.\n")
