"""Lists as people have them are read, or it is said what is wrong with them."""

from pathlib import Path

import duckdb
import msgspec
import pytest
from scrub_world import World

from consent_world import LONG
from consentry.domain.directory import Purpose
from consentry.domain.gate import Request
from consentry.domain.many_answers import ManyAnswers
from consentry.domain.policy import Policy
from consentry.scrubbing.engine import ListError
from consentry.scrubbing.run import Scrub, Scrubbed, about, answer_from, scrub_list
from memory_store import START

pytestmark = pytest.mark.integration

ASKED = Request(None, LONG.number, Purpose.CONVERSATIONAL)
ADDED = "decision{0}reason{0}until{0}normalized"
PERSON, TOLD = "+14155550142", "deny,no_consent,,+14155550142"


async def answer(folder: Path, text: str, *, name: str = "in.csv", **more: object) -> Scrubbed:
    """Scrub a list that has this text, about nobody we know."""
    file = folder / name
    file.write_text(text, encoding="utf-8", newline="")
    plan = Scrub(file, folder / "out.csv", ASKED, region="US")
    world = World(0, seed=1)
    many = ManyAnswers(ASKED, world.directory, Policy(), START)
    return await scrub_list(msgspec.structs.replace(plan, **more), many, answer_from(world))


def read_out(folder: Path) -> str:
    """Read the answers as they lie there."""
    return (folder / "out.csv").read_text(encoding="utf-8")


def list_names(folder: Path) -> list[str]:
    """List what is in a folder."""
    return sorted(file.name for file in folder.iterdir())


@pytest.mark.parametrize(
    ("text", "rest"),
    [
        (f"phone\n{PERSON}\n", f"{PERSON},{TOLD}\n"),
        (f"phone\r\n{PERSON}\r\n", f"{PERSON},{TOLD}\n"),
        (f"\ufeffName;Phone-Number\nA;{PERSON}\n", f"A,{PERSON},{TOLD}\n"),
        (f"TEL\tx\n{PERSON}\t00012\n", f"{PERSON},00012,{TOLD}\n"),
        (f'"my ""x"", 1",mobile\n"a\nb",{PERSON}', f'"a\nb",{PERSON},{TOLD}\n'),
        ("phone,x\n,\n", ",,deny,invalid_number,,\n"),
        (f"phone,x\n{PERSON},\n", f"{PERSON},,{TOLD}\n"),
        (f'phone,x\n{PERSON},""\n', f'{PERSON},"",{TOLD}\n'),
        (f"phone,decision\n{PERSON},allow\n", f"{PERSON},{TOLD}\n"),
        ("phone\n", ""),
    ],
)
async def test_csv_comes_back_as_it_was(text: str, rest: str, tmp_path: Path) -> None:
    """Semicolons, tabs, byte order marks, quotes, line ends and answers of before."""
    await answer(tmp_path, text)
    header, _, rows = read_out(tmp_path).partition("decision,reason,until,normalized\n")
    assert header == "" or header.endswith(",")
    assert rows == rest


@pytest.mark.parametrize("count", [1, 2, 7, 3_001])
async def test_two_halves_are_the_whole(count: int, tmp_path: Path) -> None:
    """Written by two threads or by one, all rows or the allowed alone, every byte is the same."""
    rows = "".join(f'"{n}\n","+1415555{n:04}",{n}\n' for n in range(count))
    for only_allowed in (False, True):
        written = []
        for halved_from in (1, count + 1):
            more = {"only_allowed": only_allowed, "halved_from": halved_from}
            await answer(tmp_path, f"__mark,phone,_code\n{rows}", **more)
            written.append(read_out(tmp_path))
        assert written[0] == written[1]
        assert written[0].count("\n") == (1 if only_allowed else 1 + 2 * count)
    assert list_names(tmp_path) == ["in.csv", "out.csv", "out.csv.json"]


async def test_a_list_that_grows_meanwhile_is_refused(tmp_path: Path) -> None:
    """Rows that were not there when the numbers were read have no answer, and are not left out."""
    (tmp_path / "in.csv").write_text(f"phone\n{PERSON}\n", encoding="utf-8")
    world = World(0, seed=1)
    many = ManyAnswers(ASKED, world.directory, Policy(), START)

    def grow(what: str) -> None:
        if what.startswith("writing"):
            with (tmp_path / "in.csv").open("a", encoding="utf-8") as file:
                file.write("+14155550143\n")

    for halved_from in (1, 100):
        plan = Scrub(tmp_path / "in.csv", tmp_path / "out.csv", ASKED, halved_from=halved_from)
        with pytest.raises(ListError, match="beside the answer of another"):
            await scrub_list(plan, many, answer_from(world), grow)
    assert list_names(tmp_path) == ["in.csv"]


async def test_the_answers_say_of_when_they_are(tmp_path: Path) -> None:
    """Beside them lies when, by which rules, how many rows, and that the gate is asked again."""
    told = await answer(tmp_path, f"phone\n{PERSON}\nnobody\n")
    beside = msgspec.json.decode(about(tmp_path / "out.csv").read_bytes(), type=Scrubbed)
    assert beside == told
    assert (told.as_of, told.policy_version) == (START, Policy().version)
    assert (told.rows, told.rows_written, told.standings, told.parsed) == (2, 2, 0, 1)
    assert "asked about again" in told.ask_again


async def test_a_name_with_signs_that_stand_for_several_is_one_file(tmp_path: Path) -> None:
    """Brackets, stars and quotes in a path mean themselves."""
    folder = tmp_path / "it's [a*b] ?"
    folder.mkdir()
    await answer(folder, f"phone\n{PERSON}\n", name="in[1]*.csv")
    assert read_out(folder).endswith(f"{PERSON},{TOLD}\n")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "is empty"),
        ("a,b\n1,2\n", "None of the columns .* --number-column"),
        ("phone,Phone\n1,2\n", "two columns named"),
        ("phone,,x\n1,2,3\n", "Column 2 of in.csv has no name"),
        (f"phone,x\n{PERSON}\n", "cannot be read.*Line: 2. Expected .*: 2 Found: 1.$"),
        (f"phone,x\n{PERSON},1,2\n", "cannot be read.*Line: 2. Expected .*: 2 Found: 3.$"),
        (f'phone,x\n"{PERSON},1\n', "cannot be read"),
        ('"phone', "does not begin as CSV"),
    ],
)
async def test_a_list_that_is_none_is_refused(text: str, said: str, tmp_path: Path) -> None:
    """Nothing is skipped: the line is named, but whose it is is not; there are no answers."""
    with pytest.raises(ListError, match=said) as refused:
        await answer(tmp_path, text)
    assert PERSON not in str(refused.value)
    assert list_names(tmp_path) == ["in.csv"]


async def test_other_files_are_refused(tmp_path: Path) -> None:
    """By their names, because they are not there, or because they are the list itself."""
    for name, said in (("in.xlsx", "neither CSV nor Parquet"), ("in.parquet", "no Parquet file")):
        with pytest.raises(ListError, match=said):
            await answer(tmp_path, "phone\n", name=name)
    for out, said in (
        (tmp_path / "out.xlsx", "neither CSV nor Parquet"),
        (tmp_path / "no" / "out.csv", "There is no folder"),
        (tmp_path / "in.csv", "written over itself"),
    ):
        with pytest.raises(ListError, match=said):
            await answer(tmp_path, "phone\n", out=out)
    with pytest.raises(ListError, match="There is no file"):
        await answer(tmp_path, "phone\n", list=tmp_path / "none.csv")
    (tmp_path / "in.csv").write_bytes(b"phone\n\xff\xfe\n")
    with pytest.raises(ListError, match="no column 'x'"):
        await answer(tmp_path, "phone\n", number="x")


async def test_numbers_of_a_parquet_need_not_be_texts(tmp_path: Path) -> None:
    """Ten digits in a column of whole numbers are read as if they were written."""
    duckdb.sql(
        f"COPY (SELECT 4155550142 AS n, 1.5 AS x) TO '{tmp_path / 'in.parquet'}' (FORMAT parquet)"
    )
    world = World(0, seed=1)
    plan = Scrub(tmp_path / "in.parquet", tmp_path / "out.csv", ASKED, number="n", region="US")
    many = ManyAnswers(ASKED, world.directory, Policy(), START)
    await scrub_list(plan, many, answer_from(world))
    assert read_out(tmp_path).endswith(f"4155550142,1.5,{TOLD}\n")
