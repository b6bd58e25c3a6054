"""Sealing turned on, its key changed, and turned off, in databases that hold texts already."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, closing
from pathlib import Path

import apsw
import pytest
from store_world import (
    ANN,
    BOB,
    CARRIER,
    SENDER,
    START,
    Database,
    PostgresDatabase,
    SQLiteDatabase,
    entry,
    inbound,
    message,
    write,
)

from consentry.domain.drift import Drift, DriftKind, Severity
from consentry.domain.keywords import read_legal
from consentry.domain.messages import Callback
from consentry.domain.notices import notice_of_text
from consentry.domain.review import ReviewCase
from consentry.domain.standing import Unclear
from consentry.ports import (
    Change,
    DriftFilter,
    MessageFilter,
    Page,
    ReviewFilter,
    Store,
    TextSealed,
)
from consentry.store.postgres.resealing import PostgresRows
from consentry.store.resealing import (
    Replacement,
    Resealed,
    SealedRows,
    count_keys,
    reseal,
)
from consentry.store.sealing import KEY_BYTES, TextKey, use_text_keys
from consentry.store.sqlite.connection import open_connection
from consentry.store.sqlite.resealing import SQLiteRows

pytestmark = pytest.mark.integration

OLD, NEW = TextKey(b"o" * KEY_BYTES), TextKey(b"n" * KEY_BYTES)
WORDS = b"their diagnosis"


class Shown:
    """Notes how far it is."""

    def __init__(self) -> None:
        self.rows = 0

    def begin(self, what: str, total: int | None, done: int = 0) -> None:
        """Note nothing."""

    def advance(self, rows: int) -> None:
        """Count."""
        self.rows += rows


@pytest.fixture(autouse=True)
def no_keys() -> Iterator[None]:
    """Begin and end without keys."""
    yield
    use_text_keys(())


@asynccontextmanager
async def rows_of(database: Database) -> AsyncIterator[SealedRows]:
    """Open the rows as the command does."""
    if isinstance(database, SQLiteDatabase):
        local = SQLiteRows.open(database.path)
        yield local
        local.close()
        return
    remote = await PostgresRows.open(database.address)
    yield remote
    await remote.close()


def written() -> Change:
    """Make rows of every kind that has words."""
    words = WORDS.decode()
    heard = inbound(1, "SM1", body=words)
    unclear = Unclear("rev_1", "msg_00001", "ent_00001", START, read_legal("no"))
    drift = Drift(
        "drf_1", "k", ANN, SENDER, CARRIER, "twilio", DriftKind.MISSED_TEXT, Severity.NOTICE,
        START, "rec_1", "they say", "we say", text=words,
    )  # fmt: skip
    return Change(
        entries=(entry(1, text=words), entry(2, BOB, text=words), entry(3)),
        messages=(heard, message(2, BOB, body=words)),
        records=(ReviewCase("rev_1", ANN, SENDER, unclear, note=words), drift),
        notices=(notice_of_text(heard, Callback("https://shop.example", "AC1")),),
    )


async def read_all(store: Store) -> list[object]:
    """Read every kind back."""
    return [
        await store.read_entries(ANN, Page()),
        await store.read_entries(BOB, Page()),
        await store.read_messages(MessageFilter(), Page()),
        await store.read_reviews(ReviewFilter(), Page()),
        await store.read_drifts(DriftFilter(), Page()),
    ]


async def stored_values(database: Database) -> bytes:
    """Give all values as they are stored."""
    found = b""
    async with rows_of(database) as rows:
        for table in ("entries", "messages", "notices", "reviews", "drifts"):
            found += b"".join(row.value.encode() for row in await rows.read(table, None, 100))
    return found


async def test_sealing_is_turned_on_rotated_and_turned_off(database: Database) -> None:
    """Each time all reads are the same, and what is stored is under the key of then, or plain."""
    store = database.open()
    await store.submit(write(written()))
    before = await read_all(store)
    plain = await stored_values(database)
    async with rows_of(database) as rows:
        for keys, seals, expected in (
            ((OLD,), True, {OLD.id: 7}),
            ((NEW, OLD), True, {NEW.id: 7}),
            ((NEW, OLD), True, {NEW.id: 7}),
            ((NEW,), False, {"plain": 7}),
        ):
            use_text_keys(keys, seals=seals)
            shown = Shown()
            done = await reseal(rows, shown, at_once=2, rest=0.0)
            assert done.looked_at == shown.rows == 8
            assert await count_keys(rows, shown, at_once=2) == expected
            assert await read_all(store) == before
            assert (WORDS in await stored_values(database)) is ("plain" in expected)
        assert await reseal(rows, Shown(), rest=0.0) == Resealed(8, 0)
    assert await stored_values(database) == plain
    await store.close()


async def test_what_a_server_changed_meanwhile_is_left_alone(database: Database) -> None:
    """A row that is not as it was looked at is not written: the server's word stands."""
    store = database.open()
    await store.submit(write(written()))
    async with rows_of(database) as rows:
        (row, *_) = await rows.read("messages", None, 10)
        assert await rows.replace("messages", [Replacement(row.key, "{}", "{}")]) == 0
        (entry_row, *_) = await rows.read("entries", None, 10)
        assert await rows.replace("entries", [Replacement(entry_row.key, "{}", "{}")]) == 0
    assert await read_all(store)
    await store.close()


async def test_a_missing_key_stops_it_before_anything_is_lost(database: Database) -> None:
    """It names the key, and all that it did not come to stays sealed as it was."""
    use_text_keys((OLD,))
    store = database.open()
    await store.submit(write(written()))
    use_text_keys((NEW,))
    async with rows_of(database) as rows:
        with pytest.raises(TextSealed, match=OLD.id):
            await reseal(rows, Shown(), rest=0.0)
    use_text_keys((NEW, OLD))
    assert (await store.read_messages(MessageFilter(), Page()))[-1].body == WORDS.decode()
    await store.close()


async def test_the_ledger_lets_only_values_be_sealed_anew(database: Database) -> None:
    """The leave is that of one transaction: the next change of an entry is refused as ever."""
    store = database.open()
    await store.submit(write(written()))
    async with rows_of(database) as rows:
        (row, *_) = await rows.read("entries", None, 10)
        assert await rows.replace("entries", [Replacement(row.key, row.value, row.value)]) == 1
    with pytest.raises(Exception, match="The ledger is append-only"):
        await change_entries(database)
    await store.close()


async def change_entries(database: Database) -> None:
    """Write every entry as it is, by a program that has no leave."""
    if isinstance(database, PostgresDatabase):
        await database.run("UPDATE entries SET value = value")
        return
    with closing(open_connection(Path(database.address))) as connection:
        connection.execute("UPDATE entries SET value = value")


async def test_nothing_is_left_in_the_file_after_compacting(sqlite: SQLiteDatabase) -> None:
    """Words that were stored plainly before are nowhere in it, free pages and log included."""
    store = sqlite.open()
    await store.submit(write(written()))
    await store.close()

    def bytes_of_all() -> bytes:
        return b"".join(file.read_bytes() for file in sqlite.path.parent.iterdir())

    assert WORDS in bytes_of_all()
    use_text_keys((NEW,))
    rows = SQLiteRows.open(sqlite.path)
    await reseal(rows, Shown(), rest=0.0)
    rows.compact()
    rows.close()
    assert WORDS not in bytes_of_all()
    assert NEW.id.encode() in bytes_of_all()
    assert apsw.Connection(str(sqlite.path)).pragma("integrity_check") == "ok"
