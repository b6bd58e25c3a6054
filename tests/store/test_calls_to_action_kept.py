"""Versions of calls to action: listed, found, the newest in the directory, none ever changed."""

import sqlite3
from contextlib import closing

import asyncpg
import pytest
from store_world import START, PostgresDatabase, SQLiteDatabase, ask, submit_together, write

from consentry.domain.calls_to_action import CallMedium, CallToAction, Wording
from consentry.ports import Change, Needs, Page, Store

pytestmark = pytest.mark.integration


def call(version: int, call_id: str = "deals") -> CallToAction:
    """Make a version."""
    return CallToAction(
        id=call_id,
        version=version,
        program="promo",
        medium=CallMedium.WEB,
        locale="es",
        wording=Wording("¿Ofertas?"),
        text="é 🙂",
        html='<p title="a">é 🙂 \x7f</p>',
        sha256="0" * 64,
        created_at=START,
    )


def keep(*calls: CallToAction) -> Change:
    """Keep these versions."""
    return Change(records=calls)


async def test_the_directory_holds_the_newest_of_each(store: Store) -> None:
    """Stored or of the same batch; ten comes after nine, and older ones can still be read."""
    look = ask(lambda facts: facts.directory.calls_to_action, Needs())
    _, seen = await submit_together(store, write(keep(call(9), call(1, "b"))), look)
    assert seen == {"deals": call(9), "b": call(1, "b")}
    await store.submit(write(keep(call(10))))
    directory = await store.read_directory()
    assert directory.calls_to_action == {"b": call(1, "b"), "deals": call(10)}
    assert await store.read_calls_to_action("deals", Page()) == [call(10), call(9)]
    assert await store.read_calls_to_action("deals", Page(before="10")) == [call(9)]
    assert await store.read_calls_to_action("deals", Page(before="x")) == []
    assert await store.read_calls_to_action("none", Page()) == []
    assert await store.read_call_to_action("deals", 9) == call(9)
    assert await store.read_call_to_action("deals", 8) is None


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE calls_to_action SET value = '{}'",
        "DELETE FROM calls_to_action",
        "INSERT OR REPLACE INTO calls_to_action SELECT id, version, '{}' FROM calls_to_action",
    ],
)
async def test_a_version_is_never_changed_in_sqlite(sqlite: SQLiteDatabase, statement: str) -> None:
    """The file refuses, whatever program writes to it."""
    store = sqlite.open()
    await store.submit(write(keep(call(1))))
    await store.close()
    with (
        closing(sqlite3.connect(sqlite.path, isolation_level=None)) as connection,
        pytest.raises(sqlite3.IntegrityError, match="is evidence"),
    ):
        connection.execute(statement)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE calls_to_action SET value = '{}'",
        "DELETE FROM calls_to_action",
        "TRUNCATE calls_to_action",
    ],
)
async def test_a_version_is_never_changed_in_postgresql(
    postgres: PostgresDatabase, statement: str
) -> None:
    """The database refuses, whatever program is connected."""
    store = postgres.open()
    await store.submit(write(keep(call(1))))
    with pytest.raises(asyncpg.IntegrityConstraintViolationError, match="is evidence"):
        await postgres.run(statement)
    assert await store.read_call_to_action("deals", 1) == call(1)
    await store.close()
