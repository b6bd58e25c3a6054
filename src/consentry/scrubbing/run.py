"""One scrub, from the question to the file and what is told about it."""

import asyncio
import tempfile
from collections.abc import Awaitable, Callable
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final, Protocol

import msgspec

from consentry.domain.directory import Purpose
from consentry.domain.gate import Request, Verdict
from consentry.domain.many_answers import ManyAnswers
from consentry.ports import Checkpoint, Everybody
from consentry.scrubbing.engine import ListError, failing, open_engine
from consentry.scrubbing.lists import ListFile, is_parquet, read_list_file
from consentry.scrubbing.loading import add_erased, collect_answers, load_answers
from consentry.scrubbing.whole import (
    HALVED_FROM,
    Counted,
    join_answers,
    parse_unread,
    read_numbers,
    write_list,
)

if TYPE_CHECKING:
    import duckdb

ASK_AGAIN: Final = (
    "These answers are of that time. Whoever is texted is asked about again by the gate when the "
    "text is accepted and when it leaves, and a later opt-out wins."
)


class Scrub(msgspec.Struct, frozen=True):
    """What is asked of which list. `number` names its column; None finds it by the usual names.

    `region` is for numbers without a country code. `processes`: how many cores may be used.
    `checkpoint`: the newest of the ledger when the standings were read. `halved_from`: a CSV of so
    many rows is written in two halves.
    """

    list: Path
    out: Path
    request: Request
    number: str | None = None
    region: str | None = None
    only_allowed: bool = False
    processes: int = 2
    checkpoint: Checkpoint | None = None
    halved_from: int = HALVED_FROM


class Scrubbed(msgspec.Struct, frozen=True):
    """What came of it: `as_of` is the time of all answers, by the rules of `policy_version`.

    `checkpoint` is the ledger's newest at that time: what it covers is in the answers.
    `standings` is how many people were known then. `parsed`: how many texts were spelled so that
    each had to be parsed alone.
    """

    list: str
    out: str
    sender: str
    purpose: Purpose | None
    program: str | None
    as_of: datetime
    policy_version: str
    standings: int
    rows: int
    rows_written: int
    parsed: int
    counts: tuple[Counted, ...]
    checkpoint: Checkpoint | None = None
    ask_again: str = ASK_AGAIN


def about(out: Path) -> Path:
    """Name the file that says of when and by which rules the answers are."""
    return out.with_name(f"{out.name}.json")


def check_files(scrub: Scrub) -> None:
    """Refuse what would not come to an end; raises ListError."""
    is_parquet(scrub.out)
    if not scrub.out.parent.is_dir():
        raise ListError(f"There is no folder {scrub.out.parent} to write to.")
    if scrub.out.exists() and scrub.list.exists() and scrub.out.samefile(scrub.list):
        raise ListError("The list would be written over itself. Name another file for the answers.")


class Answering(Protocol):
    """Makes the table `answers`: of each number that is not answered as somebody unknown."""

    async def __call__(
        self,
        engine: "duckdb.DuckDBPyConnection",
        many: ManyAnswers,
        folder: Path,
        reading: Awaitable[int],
    ) -> int:
        """Tell how many standings there were; `reading` is done when the list is read."""


def answer_from(everybody: Everybody) -> Answering:
    """Answer from everybody's standing, in this process."""

    async def answer(
        engine: "duckdb.DuckDBPyConnection",
        many: ManyAnswers,
        folder: Path,
        reading: Awaitable[int],
    ) -> int:
        file = folder / "answers.csv"
        # The engine reads numbers on one core, while on the other everybody is answered.
        standings = await collect_answers(everybody, many, file)
        await reading
        load_answers(engine, file, many)
        if everybody.has_erased:
            await add_erased(engine, everybody, many)
        return standings

    return answer


def tell_nobody(what: str) -> None:
    """Say nothing of how far it is."""


STEPS: Final = 3


async def scrub_list(
    scrub: Scrub,
    many: ManyAnswers,
    answering: Answering,
    tell: Callable[[str], None] = tell_nobody,
) -> Scrubbed:
    """Answer a whole list, and say beside it of when and by which rules; raises ListError.

    `tell` is told what begins: as many times as there are `STEPS`.
    What does not fit into memory is in a folder beside the answers until they are written.
    """
    check_files(scrub)
    prefix = f".{scrub.out.name}."
    with tempfile.TemporaryDirectory(prefix=prefix, dir=scrub.out.parent) as folder:
        at = Path(folder)
        with (
            failing("The list cannot be answered"),
            closing(open_engine(at, threads=scrub.processes)) as engine,
        ):
            file = read_list_file(scrub.list, scrub.number, engine)
            reading = asyncio.create_task(
                asyncio.to_thread(_read, engine.cursor(), file, scrub, at)
            )
            tell("reading the list, and how everybody stands")
            try:
                standings = await answering(engine, many, at, reading)
            finally:
                await asyncio.wait([reading])
            tell("joining the two")
            counts = join_answers(engine, many)
            tell("writing the answers")
            write_list(
                engine,
                file,
                scrub.out,
                folder=at,
                only_allowed=scrub.only_allowed,
                halved_from=scrub.halved_from,
            )
    scrubbed = _tell(scrub, many, counts, standings=standings, parsed=reading.result())
    about(scrub.out).write_bytes(msgspec.json.format(msgspec.json.encode(scrubbed)) + b"\n")
    return scrubbed


def _read(engine: "duckdb.DuckDBPyConnection", file: ListFile, scrub: Scrub, folder: Path) -> int:
    read_numbers(engine, file, scrub.region)
    return parse_unread(engine, folder, scrub.region, processes=scrub.processes)


def _tell(
    scrub: Scrub, many: ManyAnswers, counts: list[Counted], *, standings: int, parsed: int
) -> Scrubbed:
    rows = sum(counted.rows for counted in counts)
    allowed = sum(counted.rows for counted in counts if counted.decision is Verdict.ALLOW)
    return Scrubbed(
        list=scrub.list.name,
        out=scrub.out.name,
        sender=scrub.request.sender,
        purpose=scrub.request.purpose,
        program=scrub.request.program,
        as_of=many.now,
        policy_version=many.policy.version,
        standings=standings,
        rows=rows,
        rows_written=allowed if scrub.only_allowed else rows,
        parsed=parsed,
        counts=tuple(counts),
        checkpoint=scrub.checkpoint,
    )
