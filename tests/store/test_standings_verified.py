"""`ledger verify` finds what was done to standings, and to what is kept of erased numbers."""

import asyncio
from contextlib import closing

import msgspec
import pytest
from store_world import (
    ANN,
    BOB,
    CountingIds,
    Database,
    PostgresDatabase,
    SQLiteDatabase,
    entry,
    integrate_all,
    write,
)
from test_damaged_log import run
from test_erasing import KEYS, NEW, OLD, SPOKEN, STOPPED, erase, fill
from test_ledger_log import Unwatched

from consentry.domain.entries import Entry
from consentry.ports import Change
from consentry.store.verifying.findings import Finding, Problem
from consentry.store.verifying.ledger import OneHand, verify_ledger
from consentry.store.verifying.postgres import OpenDatabase
from consentry.store.verifying.sqlite import OpenFile
from consentry.wire.keyed_hash import HashKeys
from ledger_keys import SIGNER

pytestmark = pytest.mark.integration

STRANGER = "+14155550177"
CHANGED = "UPDATE standings SET value = replace(value, '\"blocked\"', '\"open\"')"
REPAIRED = "UPDATE standings SET value = replace(value, '\"open\"', '\"blocked\"')"
PUT_IN = (
    "INSERT INTO standings (recipient, value) SELECT '{0}', value FROM standings "
    "WHERE recipient = '{1}'"
)


def find(database: Database) -> list[Finding]:
    """Verify it as the command does."""
    is_file = isinstance(database, SQLiteDatabase)
    opening = OpenFile(database.path) if is_file else OpenDatabase(database.address)
    with closing(opening.open()) as source:
        return verify_ledger(source, OneHand(source), Unwatched()).findings


async def problems(database: Database) -> list[tuple[Problem, bool]]:
    """Tell what is found, and whether it names somebody."""
    found = await asyncio.to_thread(find, database)
    return [(one.problem, one.what.endswith((ANN, BOB, STRANGER))) for one in found]


async def test_a_standing_that_was_touched_is_found(database: Database) -> None:
    """Changed, put in, not to be read, removed: each is found, and nothing where none was."""
    store = database.open(signer=SIGNER, hash_keys=KEYS)
    await fill(store)
    await integrate_all(store)
    await store.close()
    assert await problems(database) == []
    await run(database, CHANGED)
    assert await problems(database) == [(Problem.STANDING, True)]
    await run(database, REPAIRED)
    put_in = (
        PUT_IN
        if isinstance(database, PostgresDatabase)
        else PUT_IN.replace(
            "(recipient, value) SELECT", f"(number, recipient, value) SELECT {STRANGER[1:]},"
        )
    )
    await run(database, put_in.format(STRANGER, ANN))
    assert await problems(database) == [(Problem.STANDING, True)]
    await run(database, f"UPDATE standings SET value = '{{' WHERE recipient = '{STRANGER}'")  # noqa: S608 - a test's own names
    assert await problems(database) == [(Problem.STANDING, True)]
    await run(database, "DELETE FROM standings")
    assert await problems(database) == [(Problem.NO_STANDING, True)] * 2


async def test_what_is_kept_of_an_erased_number_is_accounted_for(database: Database) -> None:
    """Whoever takes a kept no away, or makes it a yes, is found; an erasure later overrules it."""
    ids = CountingIds()
    store = database.open(signer=SIGNER, hash_keys=KEYS, ids=ids)
    await fill(store)
    await erase(store)
    await integrate_all(store)
    assert await problems(database) == []
    for changed in ("replace(value, '\"blocked\"', '\"open\"')", "'{'"):
        await run(database, "CREATE TABLE aside AS SELECT value FROM erased")
        await run(database, f"UPDATE erased SET value = {changed}")  # noqa: S608 - a test's own names
        assert await problems(database) == [(Problem.KEPT, False)]
        await run(database, "UPDATE erased SET value = (SELECT value FROM aside)")
        await run(database, "DROP TABLE aside")
    await run(database, "DELETE FROM erased")
    assert await problems(database) == [(Problem.NOT_KEPT, False)]
    # The entries are whole, so standings are held against them all the same.
    await run(database, "CREATE TABLE aside AS SELECT recipient, value FROM standings")
    await run(database, "UPDATE standings SET value = '{}'")
    assert await problems(database) == [(Problem.STANDING, True), (Problem.NOT_KEPT, False)]
    restored = "(SELECT a.value FROM aside AS a WHERE a.recipient = standings.recipient)"
    await run(database, f"UPDATE standings SET value = {restored}")  # noqa: S608 - a test's own names
    await store.close()

    store = database.open(signer=SIGNER, hash_keys=HashKeys([NEW, OLD]), ids=ids)
    await store.submit(write(Change(entries=(entry(9, ANN, STOPPED, SPOKEN),))))
    await erase(store)
    await integrate_all(store)
    assert await problems(database) == []
    await store.close()


@pytest.mark.unit
def test_an_entry_that_carries_pieces_ends_with_them() -> None:
    """So entries without are told fast. What stands behind them is in entries about nobody."""
    written = msgspec.json.encode(entry(1, ANN, STOPPED))
    assert written.endswith(b"]}")
    names = [field.name for field in msgspec.structs.fields(Entry)]
    assert names[names.index("pieces") :] == ["pieces", "in_force", "erasure"]
