"""Imports in the store: how far each has come, and what became of its rows."""

from datetime import timedelta

import pytest
from store_world import ANN, BOB, START, ask, entry, submit_together, write

from consentry.domain.entries import Actor, ActorKind
from consentry.domain.imports import ImportAim, ImportKind, ImportPart, ImportRun
from consentry.ports import Change, Needs, Page, Store

pytestmark = pytest.mark.integration


def run(number: int, key: str = "k", **fields: object) -> ImportRun:
    """Make an import."""
    aim = ImportAim(ImportKind.OPT_OUTS, "é list", "ab" * 32, "agt_1")
    actor = Actor(ActorKind.AGENT, "agt_1")
    made = ImportRun(f"imp_{number:05}", key, aim, actor, START, START)
    return ImportRun(**({name: getattr(made, name) for name in made.__struct_fields__} | fields))


async def test_a_command_is_shown_the_import_that_it_asks_for(store: Store) -> None:
    """Stored, and moved on in the same batch; one that it does not ask for is not shown."""
    look = ask(lambda facts: facts.import_run("imp_00001"), Needs(imports=("imp_00001",)))
    assert await store.submit(look) is None
    _, seen = await submit_together(store, write(Change(records=(run(1), run(2)))), look)
    assert seen == run(1) == await store.submit(look)
    moved = run(1, position=5, parts=1, counts={"recorded": 5}, changed_at=START + timedelta(1))
    _, seen = await submit_together(store, write(Change(records=(moved,))), look)
    assert seen == moved == await store.submit(look) == await store.read_import("imp_00001")
    unasked = ask(lambda facts: facts.import_run("imp_00001"), Needs())
    with pytest.raises(LookupError, match="the import"):
        await store.submit(unasked)


async def test_entries_of_everybody_are_read_in_order(store: Store) -> None:
    """From behind the one that was read last; those about nobody too."""
    entries = [entry(1, BOB), entry(2, ANN), entry(3, ""), entry(4, BOB)]
    assert await store.read_entries_after(None, 10) == []
    await store.submit(write(Change(entries=tuple(entries))))
    assert await store.read_entries_after(None, 3) == entries[:3]
    assert await store.read_entries_after(entries[1].id, 10) == entries[2:]


async def test_imports_are_listed_newest_first_by_key_and_page(store: Store) -> None:
    """All of them or those of one key, from behind a cursor; an unknown one is not found."""
    kept = [run(n, key="odd" if n % 2 else "even") for n in range(1, 6)]
    await store.submit(write(Change(records=tuple(kept))))

    async def numbers(page: Page, key: str | None = None) -> list[int]:
        found = await store.read_imports(page, key=key)
        assert all(one == kept[int(one.id[4:]) - 1] for one in found)
        return [int(one.id[4:]) for one in found]

    assert await numbers(Page()) == [5, 4, 3, 2, 1]
    assert await numbers(Page(limit=2, before="imp_00005")) == [4, 3]
    assert await numbers(Page(), "odd") == [5, 3, 1]
    assert await numbers(Page(limit=1, before="imp_00004"), "even") == [2]
    assert await numbers(Page(), "none") == []
    assert await store.read_import("imp_9") is None


async def test_what_became_of_rows_is_kept_block_by_block(store: Store) -> None:
    """Each part as it was written, in order, of that import and block alone."""
    parts = [
        ImportPart("imp_00001", 0, 0, {"recorded": [2, 4], "stands": [3]}),
        ImportPart("imp_00001", 1, 0, {"refused": [5]}, {5: "a date is missing"}),
        ImportPart("imp_00001", 2, 1, {"unreadable": [6]}),
        ImportPart("imp_00002", 0, 0, {"recorded": [2]}),
    ]
    await store.submit(write(Change(records=tuple(parts))))
    assert await store.read_import_parts("imp_00001", 0) == parts[:2]
    assert await store.read_import_parts("imp_00001", 1) == parts[2:3]
    assert await store.read_import_parts("imp_00001", 2) == []
