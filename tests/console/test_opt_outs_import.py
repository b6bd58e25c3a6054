"""Bringing opt-outs in at the console: looked at first, then written, never lifting anything."""

import asyncio
import html
import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from lists_world import (
    ACME_ONLY,
    ADMIN,
    AGENT,
    ANN,
    BOB,
    CAT,
    COMPLIANCE,
    FOREIGN,
    LONG,
    World,
    open_world,
    read_tables,
)

from consentry.domain.consent import PairState, pair_state
from consentry.domain.entries import Actor, ActorKind, EntryKind
from consentry.domain.standing import EVERYTHING
from consentry.ports import Command, Page, Store, StoreUnavailable

pytestmark = pytest.mark.integration

LOOK, WRITE = "/console/opt-outs/import/check", "/console/opt-outs/import"
LIST = {"source": "Old system", "brand": "acme", "decided_by": "person"}


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    """Open the console on a new database."""
    async with open_world(tmp_path) as world:
        yield world


def figures(page: str) -> dict[str, int]:
    """Read the counts of the first look."""
    found = re.findall(r"<dt>([^<]+)</dt><dd>([\d,]+)</dd>", page)
    return {name: int(count.replace(",", "")) for name, count in found}


def hidden_fields(page: str) -> dict[str, str]:
    """Read what the page to confirm would send."""
    fields = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', page))
    areas = re.findall(r'<textarea name="(\w+)" hidden>\n(.*?)</textarea>', page, re.DOTALL)
    sent = {name: html.unescape(value) for name, value in (*fields.items(), *areas)}
    sent.pop("form_token", None)
    return sent


async def bring_in(world: World, text: str, who: object = ADMIN, **fields: str) -> str:
    """Look at a list, then write it; gives the last page."""
    looked = await world.post(LOOK, who, text=text, **{**LIST, **fields})  # type: ignore[arg-type]
    assert looked.status_code == 200, looked.text
    done = await world.post(WRITE, who, **hidden_fields(looked.text))  # type: ignore[arg-type]
    assert done.status_code == 200, done.text
    return done.text


async def is_opted_out(world: World, number: str, sender: str = LONG) -> bool:
    """Tell whether a sender may not text a number."""
    standing = await world.store.read_standing(number)
    known = (await world.store.read_directory()).senders[sender]
    return pair_state(standing, known) is PairState.OPTED_OUT


async def test_a_look_counts_exactly_and_writes_nothing(world: World) -> None:
    """New, listed, repeated and unreadable rows are told apart, with line and reason."""
    await bring_in(world, BOB)
    before = await world.audit()
    text = f"number\n{ANN}\n{BOB}\n\nnot a number\n(415) 555-0142\n{CAT}\n"
    page = (await world.post(LOOK, text=text, **LIST)).text
    assert figures(page) == {
        "New opt-outs": 2,
        "Opted out already": 1,
        "Came back since": 0,
        "Twice in the list": 1,
        "Not a number": 1,
    }
    (rows,) = read_tables(page).values()
    assert [row[0] for row in rows[1:]] == ["2", "3", "5", "6", "7"]
    assert "is not a phone number" in rows[3][2]
    assert rows[4][2] == "Same as line 2"
    assert "Record 2 opt-outs" in page
    assert 'Number: column 1 (<span dir="auto">number</span>).' in page
    assert await world.audit() == before
    assert not await is_opted_out(world, ANN)


async def test_what_was_looked_at_is_written_with_its_provenance(world: World) -> None:
    """The numbers are opted out, each entry names the source, and the audit has the import."""
    page = await bring_in(world, f"phone;reason;date\n{ANN};asked;2025-01-02\nnobody;;\n{BOB};;")
    assert "2 opt-outs are recorded" in page
    (rows,) = read_tables(page).values()
    assert [row[2] for row in rows[1:]][::2] == ["Recorded", "Recorded"]
    assert await is_opted_out(world, ANN)
    audited = await world.audit()
    assert audited[0].kind is EntryKind.IMPORTED
    assert audited[0].actor == Actor(ActorKind.AGENT, ADMIN.id)
    assert str(audited[0].text).startswith("opt-outs (from Old system, for Acme, SHA-256 ")
    assert str(audited[0].text).endswith("): 2 rows")
    (ann,) = await world.store.read_entries(ANN, Page())
    assert ann.actor.kind is ActorKind.IMPORT
    assert ann.evidence is not None
    note = str(ann.evidence.note)
    assert note.startswith("Old system, row 2, SHA-256 ")
    assert "claimed date 2025-01-02; brought in by agt_admin" in note
    assert str(ann.actor.id) in page


async def test_bringing_it_in_again_writes_nothing(world: World) -> None:
    """The same list leaves every entry as it was, but for the audit's own line."""
    text = "\n".join(f"+1212555{number:04}" for number in range(230))
    await bring_in(world, text)
    before = await world.audit()
    looked = (await world.post(LOOK, text=text, **LIST)).text
    assert figures(looked)["Opted out already"] == 230
    assert "There is nothing to record" in looked
    again = await world.post(WRITE, **{**LIST, "text": text, "digest": hidden_digest(before)})
    assert again.status_code == 200
    assert "0 opt-outs are recorded" in again.text
    assert len(await world.audit()) == min(len(before) + 1, 200)


def hidden_digest(entries: list[object]) -> str:
    """Take the hash of a list from the audit's line of its import."""
    told = str(getattr(entries[0], "text", ""))
    return re.search(r"SHA-256 (\w+)", told).group(1)  # type: ignore[union-attr]


async def test_two_at_once_record_each_number_once(world: World) -> None:
    """Colleagues who bring the same list in at the same moment do not do it twice."""
    text = "\n".join(f"+1212555{number:04}" for number in range(150))
    looked = hidden_fields((await world.post(LOOK, text=text, **LIST)).text)
    pages = await asyncio.gather(*(world.post(WRITE, who, **looked) for who in (ADMIN, COMPLIANCE)))
    told = [int(re.search(r"<h1>(\d+)", page.text).group(1)) for page in pages]  # type: ignore[union-attr]
    assert sum(told) == 150


async def test_who_came_back_stays_back(world: World) -> None:
    """A list that is brought in again does not overrule a START, and the page says so."""
    await bring_in(world, ANN)
    world.clock.advance(minutes=1)
    await world.text("START")
    page = (await world.post(LOOK, text=f"{ANN}\n{BOB}", **LIST)).text
    assert figures(page)["Came back since"] == 1
    done = await bring_in(world, f"{ANN}\n{BOB}")
    assert "Came back by their own text since" in done
    assert not await is_opted_out(world, ANN)


async def test_every_brand_at_once(world: World) -> None:
    """Only those who see every brand may say it for all of them."""
    await bring_in(world, ANN, brand="everything")
    assert await is_opted_out(world, ANN, FOREIGN)
    standing = await world.store.read_standing(ANN)
    assert standing.suppression(EVERYTHING) is not None
    for brand in ("everything", "other"):
        refused = await world.post(LOOK, ACME_ONLY, text=BOB, **{**LIST, "brand": brand})
        assert refused.status_code == 422
        fields = {**LIST, "brand": brand, "text": BOB, "digest": "whatever"}
        assert (await world.post(WRITE, ACME_ONLY, **fields)).status_code == 422
    assert not await is_opted_out(world, BOB)
    form = (await world.get("/console/opt-outs/import", ACME_ONLY)).text
    assert "Every brand" not in form
    assert '<option value="acme" selected>' in form
    await bring_in(world, BOB, ACME_ONLY)


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"text": " \n "}, "Paste the list"),
        ({"text": "1\n" * 10_002}, "10,002 lines"),
        ({"source": "  "}, "where the list comes from"),
        ({"source": "x" * 201}, "at most 200 characters"),
        ({"brand": "nobody"}, "Choose whose texts"),
        ({"decided_by": "dice"}, "Choose one of the two"),
    ],
)
async def test_what_is_missing_is_said_beside_the_field(
    world: World, fields: dict[str, str], told: str
) -> None:
    """The form comes back with what was typed and with what to do."""
    answer = await world.post(LOOK, **{"text": ANN, **LIST, **fields})
    assert answer.status_code == 422
    assert told in answer.text
    if "text" not in fields:
        assert ANN in answer.text


async def test_another_list_than_the_one_looked_at_is_not_written(world: World) -> None:
    """The hash of what was shown must be that of what is sent."""
    looked = hidden_fields((await world.post(LOOK, text=ANN, **LIST)).text)
    answer = await world.post(WRITE, **{**looked, "text": f"{ANN}\n{BOB}"})
    assert answer.status_code == 422
    assert "another list" in answer.text
    assert not await is_opted_out(world, ANN)


async def test_a_list_is_shown_as_typed(world: World) -> None:
    """Markup, right-to-left text and a leading empty line come back as they were."""
    text = f'\n<b>"&amp;</b>\n\u05e9\u05dc\u05d5\u05dd 👋\n{ANN}'
    page = (await world.post(LOOK, text=text, **LIST)).text
    assert hidden_fields(page)["text"] == text
    assert "<b>" not in page.replace("&lt;b&gt;", "")


async def test_who_may_import(world: World) -> None:
    """Compliance and admins; an agent, and a form without its token, write nothing."""
    for path in (LOOK, WRITE):
        assert (await world.post(path, AGENT, text=ANN, **LIST)).status_code == 403
        assert (await world.post(path, ADMIN, token="", text=ANN, **LIST)).status_code == 403
    assert (await world.get("/console/opt-outs/import", AGENT)).status_code == 403
    assert (await world.get("/console/opt-outs/import", COMPLIANCE)).status_code == 200
    assert "1 opt-out is recorded" in await bring_in(world, ANN, COMPLIANCE)


async def test_a_long_list_shows_what_needs_attention_first(world: World) -> None:
    """Of a list that is too long for a page, the rows that are not simply new are shown."""
    text = "\n".join(f"+1212555{number:04}" for number in range(400)) + "\noops"
    page = await bring_in(world, text)
    (rows,) = read_tables(page).values()
    assert rows[1][:2] == ["401", "oops"]
    assert "101 more rows are not shown" in page


class Failing:
    """A store that stops answering after some commands."""

    def __init__(self, store: Store, after: int) -> None:
        self._store = store
        self.left = after

    def __getattr__(self, name: str) -> object:
        return getattr(self._store, name)

    async def submit(self, command: Command[object]) -> object:
        """Carry out a command, or fail."""
        self.left -= 1
        if self.left < 0:
            raise StoreUnavailable("The disk is full.")
        return await self._store.submit(command)


async def test_an_import_that_breaks_off_says_how_far_it_came(tmp_path: Path) -> None:
    """What is recorded stays, and the same list can be brought in again."""
    failing: list[Failing] = []

    def wrap(store: Store) -> Store:
        failing.append(Failing(store, after=250))
        return failing[0]  # type: ignore[return-value]

    async with open_world(tmp_path, wrap) as world:
        text = "\n".join(f"+1212555{number:04}" for number in range(400))
        looked = hidden_fields((await world.post(LOOK, text=text, **LIST)).text)
        broken = await world.post(WRITE, **looked)
        assert broken.status_code == 503
        assert "after at least 250 of 400 numbers were recorded" in broken.text
        failing[0].left = 1000
        again = await bring_in(world, text)
        assert "150 opt-outs are recorded" in again
