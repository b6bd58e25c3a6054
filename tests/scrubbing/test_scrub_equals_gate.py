"""A list is answered row for row as the gate answers each alone."""

import csv
from datetime import datetime
from pathlib import Path

import duckdb
import msgspec
import pytest
from scrub_world import COMPANY, OWN, World

from consent_world import LONG, NEWS, PROMO, SENDERS, SERVICE_A, SHORT, TOLL_FREE
from consentry.domain.directory import Purpose
from consentry.domain.gate import Facts, Request, Verdict, decide
from consentry.domain.many_answers import ManyAnswers
from consentry.domain.phone import find_number
from consentry.domain.policy import Policy
from consentry.domain.rules.rows import RulesProfile
from consentry.domain.standing import Standing
from consentry.scrubbing.run import Scrub, Scrubbed, answer_from, scrub_list
from memory_store import START

PEOPLE = 6_000
ROWS, FEWER = 10_000, 3_000
POLICY = Policy()
SAFE = Policy(rules_profile=RulesProfile.NATIONAL_SAFE)
QUESTIONS = (
    (Request(None, LONG.number), POLICY, FEWER),
    (Request(None, LONG.number, Purpose.CONVERSATIONAL), POLICY, ROWS),
    (Request(None, TOLL_FREE.number, Purpose.INFORMATIONAL), POLICY, FEWER),
    (Request(None, LONG.number, None, OWN.id), POLICY, FEWER),
    (Request(None, SHORT.number, Purpose.MARKETING), POLICY, FEWER),
    (Request(None, SERVICE_A.number, None, PROMO.id), SAFE, ROWS),
    (Request(None, SENDERS[-1].number, Purpose.MARKETING, NEWS.id), POLICY, FEWER),
)


@pytest.fixture(scope="module")
def world() -> World:
    """Give six thousand people."""
    return World(PEOPLE, seed=7)


def expect(text: str, request: Request, policy: Policy, world: World) -> tuple[object, ...]:
    """Ask the gate about one row."""
    number = find_number(text.removeprefix("'"), "US")
    standing = (world.standings | world.erased).get(number or "", Standing())
    asked = msgspec.structs.replace(request, recipient=number)
    told = decide(asked, Facts(COMPANY, standing), policy, START)
    return (str(told.decision), told.reason and str(told.reason), told.until, number)


def write_csv(path: Path, rows: list[tuple[str, ...]]) -> None:
    """Write rows as spreadsheets do."""
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows(rows)


async def scrub(scrub: Scrub, world: World, policy: Policy = POLICY) -> Scrubbed:
    """Scrub a list of the world's people."""
    many = ManyAnswers(scrub.request, world.directory, policy, START)
    return await scrub_list(scrub, many, answer_from(world))


@pytest.mark.integration
@pytest.mark.parametrize(("request_", "policy", "count"), QUESTIONS)
async def test_ten_thousand_rows_are_answered_as_the_gate_answers(
    request_: Request, policy: Policy, count: int, *, world: World, tmp_path: Path
) -> None:
    """Every sender kind, purpose and program; every cell as it was, in the order it was."""
    texts = world.list_rows(count)
    rows = [(str(n), text, f'row "{n}", x') for n, text in enumerate(texts)]
    write_csv(tmp_path / "in.csv", [("id", "Phone Number", "note"), *rows])
    plan = Scrub(tmp_path / "in.csv", tmp_path / "out.csv", request_, region="US")
    scrubbed = await scrub(plan, world, policy)
    with plan.out.open(encoding="utf-8", newline="") as file:
        header, *answered = csv.reader(file)
    assert header[3:] == ["decision", "reason", "until", "normalized"]
    assert [tuple(row[:3]) for row in answered] == rows
    wrong = []
    for text, row in zip(texts, answered, strict=True):
        until = datetime.fromisoformat(row[5]) if row[5] else None
        told = (row[3], row[4] or None, until, row[6] or None)
        expected = expect(text, request_, policy, world)
        if told != expected:
            wrong.append((text, told, expected))
    assert wrong == []
    assert sum(one.rows for one in scrubbed.counts) == scrubbed.rows == count
    assert len({row[4] for row in answered}) > 4


@pytest.mark.integration
async def test_parquet_is_answered_alike_and_only_the_allowed_are_kept(
    world: World, tmp_path: Path
) -> None:
    """The same answers beside columns that keep their types; the others can be left out."""
    texts = world.list_rows(2_000)
    engine = duckdb.connect()
    engine.execute(
        "CREATE TABLE t AS SELECT unnest(range(len($1))) AS n, unnest($1) AS tel", [texts]
    )
    engine.execute(f"COPY (FROM t ORDER BY n) TO '{tmp_path / 'in.parquet'}' (FORMAT parquet)")
    request = Request(None, LONG.number, Purpose.CONVERSATIONAL)
    plan = Scrub(tmp_path / "in.parquet", tmp_path / "out.parquet", request, region="US")
    await scrub(plan, world)
    found = engine.execute(f"FROM '{plan.out}'").fetchall()
    expected = [expect(text, request, POLICY, world) for text in texts]
    assert [(row[0], row[1], *row[2:]) for row in found] == [
        (n, text, *told) for n, (text, told) in enumerate(zip(texts, expected, strict=True))
    ]
    kept = msgspec.structs.replace(plan, out=tmp_path / "kept.csv", only_allowed=True)
    scrubbed = await scrub(kept, world)
    with kept.out.open(encoding="utf-8", newline="") as file:
        _, *rows = csv.reader(file)
    allowed = [(str(n), told) for n, told in enumerate(expected) if told[0] == Verdict.ALLOW]
    assert [row[0] for row in rows] == [n for n, _ in allowed]
    assert scrubbed.rows_written == len(rows) > 100
    engine.close()


@pytest.mark.integration
async def test_who_was_erased_is_answered_by_what_stands_against_them(tmp_path: Path) -> None:
    """Those whose numbers are kept as hashes alone are found among the strangers of a list."""
    world = World(500, seed=3)
    world.erase(every=3)
    texts = world.list_rows(300) + list(world.erased)
    write_csv(tmp_path / "in.csv", [("phone",), *((text,) for text in texts)])
    request = Request(None, LONG.number, Purpose.INFORMATIONAL)
    await scrub(Scrub(tmp_path / "in.csv", tmp_path / "out.csv", request, region="US"), world)
    with (tmp_path / "out.csv").open(encoding="utf-8", newline="") as file:
        _, *rows = csv.reader(file)
    expected = [expect(text, request, POLICY, world) for text in texts]
    assert [(row[1], row[2] or None, row[4] or None) for row in rows] == [
        (told[0], told[1], told[3]) for told in expected
    ]
    assert {row[2] for row in rows[300:]} > {"suppressed", "opted_out"}
