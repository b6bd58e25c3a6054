"""Taking lists along: export."""

import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import aclosing, contextmanager
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated, BinaryIO

import typer

from consentry.actions.export_lists import EXPORTS, ExportFilter, ExportKind, Taken, record_slices
from consentry.cli.consents import CLI_ACTOR, parse_time
from consentry.cli.database import with_store
from consentry.cli.output import JSONFlag, fail, print_json
from consentry.cli.row_progress import progress_shown
from consentry.cli.written_files import written_whole
from consentry.ports import Store
from consentry.settings import Settings
from consentry.wire.written_rows import Row, write_csv, write_json_lines


class ExportFormat(StrEnum):
    """How a list is written."""

    CSV = "csv"
    JSONL = "jsonl"
    PARQUET = "parquet"


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("export")(export_list)


_Since = Annotated[str | None, typer.Option("--from", help="From this time on, RFC 3339.")]
_Until = Annotated[str | None, typer.Option(help="Before this time, RFC 3339.")]


def export_list(
    kind: Annotated[ExportKind, typer.Argument(help="Which list.")],
    *,
    out: Annotated[
        Path | None, typer.Option(help="The file to write. Standard output if left out.")
    ] = None,
    written_as: Annotated[
        ExportFormat | None,
        typer.Option("--format", help="As the file's name ends, else csv."),
    ] = None,
    since: _Since = None,
    until: _Until = None,
    as_json: JSONFlag = False,
) -> None:
    """Take a list along. The audit says who took how many rows of what.

    Example: consentry export opt_outs --out opt-outs.csv
    """
    shape = written_as or _shape_of(out)
    if out is None and (shape is ExportFormat.PARQUET or as_json):
        fail("Name the file to write with --out: Parquet and --json need one.", code=2)
    wanted = ExportFilter.between(_time(since), _time(until))

    async def export(store: Store, settings: Settings) -> int:
        del settings
        listed, rows_written = EXPORTS[kind], 0
        taken = Taken(kind.value.replace("_", "-"), wanted.words, CLI_ACTOR)
        with _opened(out, shape) as file, progress_shown("Exporting", None) as advance:
            write = _writer(shape, listed.columns)
            file.write(write_csv([listed.columns]) if shape is not ExportFormat.JSONL else b"")
            slices = record_slices(store, taken, listed.read(store, wanted))
            async with aclosing(slices):
                async for rows in slices:
                    file.write(write(rows))
                    rows_written += len(rows)
                    advance(len(rows))
        return rows_written

    try:
        rows = with_store(export)
    except OSError as error:
        fail(f"{out or 'Standard output'} cannot be written: {error.strerror}.", code=2)
    if as_json:
        print_json({"kind": kind, "file": str(out), "format": shape, "rows": rows})
    elif out is not None:
        sys.stdout.write(f"{rows:,} rows of {kind} are in {out}.\n")


def _time(text: str | None) -> datetime | None:
    return None if text is None else parse_time(text)


def _shape_of(out: Path | None) -> ExportFormat:
    """Find the format by the end of a name; standard output is CSV."""
    if out is None:
        return ExportFormat.CSV
    ending = out.suffix.casefold().removeprefix(".")
    if ending == "ndjson":
        return ExportFormat.JSONL
    if ending not in list(ExportFormat):
        endings = ", ".join(f".{known}" for known in ExportFormat)
        fail(
            f"{out.name} does not tell by the end of its name how to write it. Let it end in "
            f"{endings} or .ndjson, or name the --format.",
            code=2,
        )
    return ExportFormat(ending)


def _writer(shape: ExportFormat, columns: tuple[str, ...]) -> Callable[[list[Row]], bytes]:
    if shape is ExportFormat.JSONL:
        return lambda rows: write_json_lines(columns, rows)
    if shape is ExportFormat.PARQUET:
        return lambda rows: write_csv(rows, is_shown=False)
    return write_csv


@contextmanager
def _opened(out: Path | None, shape: ExportFormat) -> Iterator[BinaryIO]:
    """Open what is written to; Parquet is made from the CSV when that is whole."""
    if out is None:
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    if shape is not ExportFormat.PARQUET:
        with written_whole(out) as file:
            yield file
        return
    # Imported here: only Parquet needs it, and it takes longer to load than all the rest.
    import duckdb  # noqa: PLC0415 - see above

    with tempfile.TemporaryDirectory(dir=out.resolve().parent) as folder:
        draft = Path(folder) / "rows.csv"
        with draft.open("wb") as file:
            yield file
        made = draft.with_suffix(".parquet")
        with duckdb.connect() as connection:
            rows = connection.read_csv(str(draft), header=True, all_varchar=True, quotechar='"')
            rows.write_parquet(str(made), compression="zstd")
        # The engine makes the file anew, whatever was there.
        made.chmod(0o600)
        made.replace(out.resolve())
