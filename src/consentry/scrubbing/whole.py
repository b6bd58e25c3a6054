"""A whole list: its rows, in their order, each with what the gate says of its number.

The list is read twice. First its numbers alone, which are joined with everybody's answers; then
all of it, row beside answer. A row that would come beside another row's answer ends it all.
"""

import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Final

import msgspec

from consentry.domain.gate import Verdict
from consentry.domain.many_answers import ManyAnswers
from consentry.domain.reasons import Reason
from consentry.scrubbing.engine import failing, quote, quote_name, quote_path
from consentry.scrubbing.lists import ListFile, is_parquet
from consentry.scrubbing.loading import REASONS, VERDICTS, code_of, read_code
from consentry.scrubbing.number_reading import INVALID, parse_texts, write_reading

if TYPE_CHECKING:
    import duckdb

HALVED_FROM: Final = 100_000
"""So many rows take longer to write than a second thread to begin."""

ADDED: Final = ("decision", "reason", "until", "normalized")
"""The columns that are added; a list that has them already gets them anew."""

_AT_ONCE: Final = 4_000
_COPIED_AT_ONCE: Final = 1 << 20
_ALONE_MAX: Final = 40_000
"""So many texts are parsed before another process would have begun to."""


class Counted(msgspec.Struct, frozen=True):
    """How many rows got a decision with its reason."""

    decision: Verdict
    reason: Reason | None
    rows: int


def read_numbers(engine: "duckdb.DuckDBPyConnection", file: ListFile, region: str | None) -> None:
    """Make the table `lines`: for each row the hash of its text, and its number if it was read.

    The order of the rows is the order in which they lie. Raises ListError.
    """
    reading = write_reading(file.numbers, region)
    with failing(f"{file.path.name} cannot be read"):
        engine.execute(f"""
            CREATE TABLE lines AS
            SELECT hash(n) AS mark, number, CASE WHEN number IS NULL THEN n END AS unread
            FROM ({reading})
        """)  # noqa: S608 - names are quoted


def parse_unread(
    engine: "duckdb.DuckDBPyConnection", folder: Path, region: str | None, *, processes: int
) -> int:
    """Parse each text that is not read yet, once, into the table `parsed`; tells how many."""
    engine.execute("""
        CREATE TABLE unread AS
        SELECT row_number() OVER () AS place, unread
        FROM (SELECT DISTINCT unread FROM lines WHERE unread IS NOT NULL)
    """)
    (count,) = engine.execute("SELECT count(*) FROM unread").fetchone() or (0,)
    file = folder / "parsed.csv"
    place = 0
    with file.open("w", encoding="ascii") as out:
        alone = 1 if count <= _ALONE_MAX else processes
        for part in parse_texts(_list_unread(engine), region, processes=alone):
            out.write("".join([f"{n},{number}\n" for n, number in enumerate(part, place + 1)]))
            place += len(part)
    engine.execute(f"""
        CREATE TABLE parsed AS
        SELECT unread, number
        FROM unread
        JOIN read_csv({quote_path(file)}, auto_detect = false, header = false, delim = ',',
            columns = {{place: 'BIGINT', number: 'BIGINT'}}) USING (place)
    """)  # noqa: S608 - our own file
    engine.execute("DROP TABLE unread")
    file.unlink()
    return int(count)


def _list_unread(engine: "duckdb.DuckDBPyConnection") -> Iterator[list[str]]:
    cursor = engine.cursor().execute("SELECT unread FROM unread ORDER BY place")
    while found := cursor.fetchmany(_AT_ONCE):
        yield [str(text) for (text,) in found]


def join_answers(engine: "duckdb.DuckDBPyConnection", many: ManyAnswers) -> list[Counted]:
    """Make the table `answered`: for each row of `lines`, in their order, number and answer."""
    invalid, unknown = code_of(many.answers[many.invalid]), code_of(many.answers[many.unknown])
    engine.execute(f"""
        CREATE TABLE answered AS
        SELECT mark, number, CASE
            WHEN number = {INVALID} THEN {invalid}
            ELSE coalesce(code, {unknown})
        END::UTINYINT AS code, until
        FROM (
            SELECT lines.rowid AS place, mark, coalesce(lines.number, parsed.number) AS number
            FROM lines
            LEFT JOIN parsed USING (unread)
        )
        LEFT JOIN answers USING (number)
        ORDER BY place
    """)  # noqa: S608 - numbers of our own
    engine.execute("DROP TABLE lines; DROP TABLE parsed; DROP TABLE answers")
    counted = engine.execute("SELECT code, count(*) FROM answered GROUP BY code").fetchall()
    return sorted(
        (Counted(*read_code(code), rows) for code, rows in counted),
        key=lambda one: (-one.rows, one.reason or ""),
    )


def write_list(
    engine: "duckdb.DuckDBPyConnection",
    file: ListFile,
    out: Path,
    *,
    folder: Path,
    only_allowed: bool,
    halved_from: int = HALVED_FROM,
) -> None:
    """Write all rows with their answers; `out` is whole, or not there. Raises ListError.

    Until then they are in `folder`, which is beside it and its owner's alone.

    Rows that keep their order are written by one core, so that a CSV of so many rows is written
    in two halves.
    """
    (rows,) = engine.execute("SELECT count(*) FROM answered").fetchone() or (0,)
    half = -(-rows // 2)
    is_whole = is_parquet(out) or rows < halved_from
    slices = ("",) if is_whole else (f"LIMIT {half}", f"OFFSET {half}")
    drafts = [folder / f"{place}.draft" for place in range(len(slices))]
    copies = [
        f"COPY ({_write_rows(file, rows_, only_allowed=only_allowed)}) "
        f"TO {quote(str(draft))} ({_write_format(out, draft, drafts[0])})"
        for rows_, draft in zip(slices, drafts, strict=True)
    ]
    with failing(f"{out} cannot be written"), ThreadPoolExecutor(len(copies)) as threads:
        for written in [threads.submit(engine.cursor().execute, copy) for copy in copies]:
            written.result()
    with drafts[0].open("ab") as whole:
        for draft in drafts[1:]:
            with draft.open("rb") as part:
                shutil.copyfileobj(part, whole, _COPIED_AT_ONCE)
    # It says who opted out: its owner alone may read it.
    drafts[0].chmod(0o600)
    drafts[0].replace(out)


def _write_rows(file: ListFile, rows: str, *, only_allowed: bool) -> str:
    """Write the query for some rows and their answers, in the order of the list.

    Where the list has become longer meanwhile, the last rows come beside no answer.
    """
    # Names that no column of the list has.
    own = "_" * (1 + max(len(name) - len(name.lstrip("_")) for name in file.columns))
    kept = "".join(f"{quote_name(name)}, " for name in file.columns if name not in ADDED)
    decisions = ", ".join(quote(verdict) for verdict in VERDICTS for _ in REASONS)
    reasons = ", ".join(quote(reason or "") for _ in VERDICTS for reason in REASONS)
    decision = f"([{decisions}])[{own}code + 1]"
    picked = f"""
        SELECT {kept}
            CASE WHEN {own}mark IS NOT DISTINCT FROM hash({quote_name(file.number)}::VARCHAR)
            THEN {decision}
            ELSE error('A row came beside the answer of another.') END AS decision,
            nullif(([{reasons}])[{own}code + 1], '') AS reason,
            {own}until AS until,
            CASE WHEN {own}number <> {INVALID} THEN '+' || {own}number END AS normalized
        FROM (
            SELECT list.*, answered.mark AS {own}mark, answered.number AS {own}number,
                answered.code AS {own}code, answered.until AS {own}until
            FROM (FROM {file.source}) AS list
            POSITIONAL JOIN answered
            {rows}
        )
    """  # noqa: S608 - names are quoted
    return f"FROM ({picked}) WHERE decision = {quote(Verdict.ALLOW)}" if only_allowed else picked


def _write_format(out: Path, draft: Path, first: Path) -> str:
    if is_parquet(out):
        return "FORMAT parquet"
    delimiter = "\t" if out.suffix.lower() == ".tsv" else ","
    return f"FORMAT csv, HEADER {draft == first}, DELIMITER {quote(delimiter)}"
