"""One scrub by many machines: each answers about the numbers of one bucket, from a snapshot.

Whoever began it reads the list, spreads its numbers over the buckets, and puts the answers beside
the rows. In between each bucket is work of its own, that needs the snapshot, its numbers, and
nothing else: so any engine that runs functions elsewhere will do. Folders are shared by all.
"""

import asyncio
import tempfile
from collections.abc import Awaitable, Sequence
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import msgspec

from consentry.domain.gate import Request
from consentry.domain.many_answers import ManyAnswers
from consentry.scrubbing.engine import open_engine, quote, quote_path
from consentry.scrubbing.loading import add_erased, collect_answers, load_answers
from consentry.scrubbing.number_reading import INVALID
from consentry.scrubbing.run import Answering
from consentry.scrubbing.snapshot import Snapshot, bucket_of

if TYPE_CHECKING:
    import duckdb


class Work(msgspec.Struct, frozen=True):
    """A bucket to answer: where the snapshot, the list's numbers and the answers are."""

    snapshot: str
    bucket: int
    listed: str
    out: str
    request: Request


class Machines(Protocol):
    """Runs work somewhere."""

    def run(self, works: Sequence[Work]) -> None:
        """Run all of it by `answer_bucket`; raises what that raises."""


def answer_bucket(work: Work) -> None:
    """Answer about the listed numbers of one bucket, into a file of numbers with answers."""
    snapshot = Snapshot(Path(work.snapshot), bucket=work.bucket)
    manifest = snapshot.manifest
    many = ManyAnswers(work.request, snapshot.directory, manifest.policy, manifest.as_of)
    out = Path(work.out)
    with tempfile.TemporaryDirectory(prefix=f".{out.name}.", dir=out.parent) as folder:
        at = Path(folder)
        asyncio.run(collect_answers(snapshot, many, at / "answers.csv"))
        with closing(open_engine(at, threads=1)) as engine:
            load_answers(engine, at / "answers.csv", many)
            engine.execute(f"""
                COPY (
                    SELECT number, code, until
                    FROM read_parquet({quote_path(Path(work.listed))})
                    JOIN answers USING (number)
                ) TO {quote(work.out)} (FORMAT parquet)
            """)  # noqa: S608 - our own files


def answer_over(snapshot: Snapshot, machines: Machines) -> Answering:
    """Answer from a snapshot, each bucket wherever the machines run it."""

    async def answer(
        engine: "duckdb.DuckDBPyConnection",
        many: ManyAnswers,
        folder: Path,
        reading: Awaitable[int],
    ) -> int:
        await reading
        works = await asyncio.to_thread(_spread, engine.cursor(), snapshot, many, folder)
        await asyncio.to_thread(machines.run, works)
        engine.execute("CREATE TABLE answers (number BIGINT, code UTINYINT, until VARCHAR)")
        for work in works:
            found = quote_path(Path(work.out))
            engine.execute(f"INSERT INTO answers FROM read_parquet({found})")
        if snapshot.has_erased:
            await add_erased(engine, snapshot, many)
        return snapshot.manifest.standings

    return answer


def _spread(
    engine: "duckdb.DuckDBPyConnection", snapshot: Snapshot, many: ManyAnswers, folder: Path
) -> list[Work]:
    """Write the list's numbers, each once, into a file for each bucket that has any."""
    buckets = len(snapshot.manifest.parts)
    engine.execute(f"""
        CREATE TABLE listed AS
        SELECT number, {bucket_of("number", buckets)} AS bucket
        FROM (
            SELECT DISTINCT number
            FROM (SELECT number FROM lines UNION ALL SELECT number FROM parsed)
            WHERE number <> {INVALID}
        )
    """)  # noqa: S608 - numbers of our own
    works = []
    used = engine.execute("SELECT DISTINCT bucket FROM listed ORDER BY bucket").fetchall()
    for (bucket,) in used:
        listed = folder / f"listed-{bucket}.parquet"
        engine.execute(f"""
            COPY (SELECT number FROM listed WHERE bucket = {bucket})
            TO {quote(str(listed))} (FORMAT parquet)
        """)  # noqa: S608 - our own file
        out = folder / f"answers-{bucket}.parquet"
        works.append(
            Work(str(snapshot.folder.resolve()), bucket, str(listed), str(out), many.request)
        )
    engine.execute("DROP TABLE listed")
    return works
