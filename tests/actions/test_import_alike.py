"""Rows about strangers are decided once for all: each is written as if it had come by itself."""

import re
from collections import defaultdict
from datetime import timedelta

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from action_world import World
from consent_world import LONG, OTHER_PERSON, PERSON
from consentry.actions.import_alike import FIRST_MARKS, Strangers
from consentry.actions.import_rows import Decided, decide_rows, needs_of
from consentry.actions.import_words import make_ready
from consentry.domain.alike import RECIPIENT, encode
from consentry.domain.directory import conversation_program
from consentry.domain.entries import Actor, ActorKind, Entry, EntryKind
from consentry.domain.imports import ImportAim, ImportKind, RowOutcome
from consentry.domain.listed_numbers import ListedNumber
from consentry.ports import Change, Expiry
from memory_store import START, MemoryFacts

pytestmark = pytest.mark.unit

NUMBERS = ["+14155550101", "+14165550102", "+442079460103", "+15145550104", PERSON, OTHER_PERSON]
OPT_OUTS = ImportAim(ImportKind.OPT_OUTS, "Old", "abc", "agt_1", brand="acme")
NEWS = ImportAim(ImportKind.CONSENTS, "Forms", "abc", "agt_1", program="news")
TALK = ImportAim(
    ImportKind.CONSENTS, "Old", "abc", "agt_1", program=conversation_program(LONG.number)
)
_DRAWN = re.compile(rb"ent_[0-9]{6}")
MARKED = [FIRST_MARKS.entry, FIRST_MARKS.number, FIRST_MARKS.claimed]
WORDS = st.one_of(
    st.sampled_from(["", "%s", '"', "é\\", "*", "=import", *MARKED]),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=12),
)


def make_world() -> World:
    """Make a world in which one person texted, and another one opted out."""
    world = World()
    world.receive("Hello", recipient=PERSON)
    world.receive("STOP", recipient=OTHER_PERSON)
    world.clock.advance(days=1)
    return world


def decide(
    world: World, rows: list[ListedNumber], aim: ImportAim, *, alone: bool
) -> tuple[list[Decided], dict[str, list[bytes]], Change]:
    """Decide rows, as far as may be together or each alone; give entries without their ids."""
    ready = make_ready(rows)
    facts = MemoryFacts(world.store, needs_of(ready, aim))
    apart = frozenset(row.recipient for row in rows) if alone else frozenset()
    decided, change = decide_rows(ready, "imp_1", aim, facts, repeated=apart)
    written: dict[str, list[bytes]] = defaultdict(list)
    for alike in change.alike:
        for words, text in zip(alike.words, alike.cut_entry().fill_all(alike.words), strict=True):
            written[words[RECIPIENT]].append(_DRAWN.sub(b"ID", text.encode()))
    for entry in change.entries:
        written[entry.recipient].append(_DRAWN.sub(b"ID", encode(entry)))
    return decided, written, change


@pytest.mark.property
@given(
    st.sampled_from([OPT_OUTS, NEWS, TALK]),
    st.lists(
        st.tuples(st.sampled_from(NUMBERS), st.none() | st.integers(-3000, 3), WORDS, WORDS),
        unique_by=lambda row: row[0],
    ),
    WORDS,
    st.booleans(),
)
@settings(max_examples=60, deadline=None)
def test_rows_are_written_together_as_they_are_written_alone(
    aim: ImportAim, drawn: list[tuple[str, int | None, str, str]], source: str, by_person: bool
) -> None:
    """Byte for byte, with the same outcomes, whatever words a list has and whoever is known."""
    world = make_world()
    now = world.clock.now()
    aim = msgspec.structs.replace(aim, source=source, by_person=by_person)
    rows = [
        ListedNumber(
            line, number, reason, claimed, None if days is None else now + timedelta(days, 0.5)
        )
        for line, (number, days, claimed, reason) in enumerate(drawn, start=2)
    ]
    together, written, _ = decide(world, rows, aim, alone=False)
    alone, expected, _ = decide(world, rows, aim, alone=True)
    assert (together, written) == (alone, expected)


ROW = ListedNumber(2, NUMBERS[0], "", "2026-11-01", START)


@pytest.mark.parametrize("aim", [OPT_OUTS, NEWS])
def test_what_is_written_about_strangers_is_alike(aim: ImportAim) -> None:
    """Rows of the same kind share an exemplar; who is known is no stranger."""
    world = make_world()
    rows = [msgspec.structs.replace(ROW, recipient=number) for number in NUMBERS]
    rows[1] = ListedNumber(3, NUMBERS[1])
    _, _, change = decide(world, rows, aim, alone=False)
    assert [len(alike.words) for alike in change.alike] == [3, 1]
    assert {entry.recipient for entry in change.entries} <= {PERSON, OTHER_PERSON}
    assert change.alike[0].times[0] == round(START.timestamp() * 1_000_000)


def test_rows_that_the_law_of_a_place_ends_are_decided_alone() -> None:
    """An implied consent lasts as long as where the person is."""
    _, _, change = decide(make_world(), [ROW], TALK, alone=False)
    assert (len(change.entries), change.alike) == (1, ())


def test_a_row_of_tomorrow_is_decided_alone() -> None:
    """Its time is cut down to now, so its words are not what is written."""
    world = make_world()
    row = msgspec.structs.replace(ROW, at=world.clock.now() + timedelta(days=1))
    _, _, change = decide(world, [row], OPT_OUTS, alone=False)
    assert (len(change.entries), change.alike) == (1, ())


@pytest.mark.parametrize("source", [FIRST_MARKS.number, FIRST_MARKS.reason, str(FIRST_MARKS.line)])
def test_a_list_that_is_named_like_a_mark_is_decided_row_by_row(source: str) -> None:
    """Else its name would be filled in too."""
    aim = msgspec.structs.replace(OPT_OUTS, source=source)
    _, _, change = decide(make_world(), [ROW], aim, alone=False)
    assert (len(change.entries), change.alike) == (1, ())


@pytest.mark.parametrize("kind", ["two ids", "another prefix", "a record", "nothing", "as it came"])
def test_rows_that_are_not_of_one_entry_are_decided_alone(kind: str) -> None:
    """Whatever else an action writes, or draws ids for, is not alike."""
    facts = MemoryFacts(make_world().store, needs_of(make_ready([ROW]), OPT_OUTS))

    def act(row: ListedNumber, seen: MemoryFacts) -> tuple[RowOutcome, str | None, Change]:
        """Act as the kind says; `as it came` has another outcome for each row."""
        entry_id = seen.ids.new("msg" if kind == "another prefix" else "ent")
        if kind == "two ids":
            seen.ids.new_many("ent", 1)
        actor = Actor(ActorKind.IMPORT)
        entry = Entry(entry_id, row.recipient, EntryKind.SUPPRESSED, START, facts.now, actor)
        if kind == "nothing":
            return RowOutcome.STANDS, None, Change()
        records = (Expiry(row.recipient, "news", START),) if kind == "a record" else ()
        why = row.recipient if kind == "as it came" else None
        return RowOutcome.RECORDED, why, Change(entries=(entry,), records=records)

    strangers = Strangers(act, facts)  # type: ignore[arg-type]
    assert strangers.take(ROW, (), 0) is None
    assert strangers.take_all(make_ready([ROW])) is None
    assert strangers.gather() == Change()
