"""Everybody's answers, loaded into the engine: a number beside what the gate says of it."""

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Final

import msgspec

from consentry.domain.gate import Verdict
from consentry.domain.many_answers import ManyAnswers, ShortAnswer
from consentry.domain.reasons import Reason
from consentry.ports import Everybody
from consentry.scrubbing.engine import quote_path
from consentry.scrubbing.number_reading import INVALID

if TYPE_CHECKING:
    import duckdb

VERDICTS: Final = tuple(Verdict)
REASONS: Final = (None, *Reason)
"""A decision with its reason is one small number: the places in these two, put together."""

_HASHED_AT_ONCE: Final = 2_000

_READ: Final = (
    "read_csv({path}, auto_detect = false, header = false, delim = ',', "
    "columns = {{number: 'BIGINT', answer: 'INTEGER'}})"
)


def code_of(answer: ShortAnswer) -> int:
    """Number a decision and its reason."""
    return VERDICTS.index(answer.decision) * len(REASONS) + REASONS.index(answer.reason)


def read_code(code: int) -> tuple[Verdict, Reason | None]:
    """Give the decision and its reason back."""
    verdict, reason = divmod(code, len(REASONS))
    return VERDICTS[verdict], REASONS[reason]


def write_time(answer: ShortAnswer) -> str | None:
    """Write until when an answer says to wait, as the API does."""
    return None if answer.until is None else str(msgspec.to_builtins(answer.until))


async def collect_answers(everybody: Everybody, many: ManyAnswers, file: Path) -> int:
    """Answer about everybody, into a file of numbers; tells how many there are.

    Who is answered as somebody unknown is left out: whoever is not found is answered so. Where
    somebody was erased, all are there, so that those who are not can be looked for.
    """
    count, unknown = 0, None if everybody.has_erased else many.unknown
    with file.open("w", encoding="ascii") as out:
        async for part in everybody.parts():
            answered = many.answer(part)
            count += len(answered)
            out.write("".join([f"{n},{a}\n" for n, a in answered if a != unknown]))
            await asyncio.sleep(0)
    return count


def load_answers(engine: "duckdb.DuckDBPyConnection", file: Path, many: ManyAnswers) -> None:
    """Make the table `answers` of numbers with code and time, and `said` of the answers."""
    engine.execute("CREATE TABLE said (answer INTEGER, code UTINYINT, until VARCHAR)")
    rows = [[n, code_of(answer), write_time(answer)] for n, answer in enumerate(many.answers)]
    engine.executemany("INSERT INTO said VALUES (?, ?, ?)", rows)
    source = _READ.format(path=quote_path(file))
    engine.execute(
        f"CREATE TABLE answers AS SELECT number, code, until FROM {source} JOIN said USING (answer)"  # noqa: S608 - our own file
    )


async def add_erased(
    engine: "duckdb.DuckDBPyConnection", everybody: Everybody, many: ManyAnswers
) -> None:
    """Answer about those of the list who were erased, into `answers`, which has all others.

    Each number of the list that has no standing is hashed by the server's keys, to be found.
    """
    strangers = engine.cursor().execute(f"""
        SELECT DISTINCT number
        FROM (SELECT number FROM lines UNION ALL SELECT number FROM parsed) AS listed
        ANTI JOIN answers USING (number)
        WHERE number <> {INVALID}
    """)  # noqa: S608 - a number of our own
    found: list[list[object]] = []
    while numbers := strangers.fetchmany(_HASHED_AT_ONCE):
        erased = await everybody.match_erased([f"+{number}" for (number,) in numbers])
        rows = ",".join(f"[{number[1:]},{standing}]" for number, standing in erased.items())
        for number, place in many.answer(f"[{rows}]".encode()):
            answer = many.answers[place]
            found.append([number, code_of(answer), write_time(answer)])
    if found:
        engine.executemany("INSERT INTO answers VALUES (?, ?, ?)", found)
