"""All standings at one moment: everybody once, in order, whatever is written meanwhile."""

from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
from store_world import (
    ANN,
    BOB,
    SENDER,
    START,
    Database,
    PostgresDatabase,
    entry,
    integrate_all,
    tagged,
    write,
)

from consentry.actions.erase import erase_number
from consentry.actions.record_audit import SYSTEM
from consentry.domain.directory import Brand
from consentry.domain.reading import BlockLayer
from consentry.domain.standing import Block, BlockState, Cause, Standing
from consentry.opening import open_everybody
from consentry.ports import Change, Everybody, Store, StoreUnavailable
from consentry.settings import Settings, on_database, read_settings
from consentry.store.everybody import AT_ONCE
from consentry.wire.keyed_hash import HashKeys, derive_hash_key
from ledger_keys import SIGNER

pytestmark = pytest.mark.integration


def _settings(database: Database) -> Settings:
    address = database.address
    url = address if address.startswith("postgresql:") else f"sqlite:///{address}"
    return on_database(read_settings({}, Path("none.toml")), url)


async def _read(everybody: Everybody) -> list[tuple[int, Standing]]:
    parts = [part async for part in everybody.parts()]
    return [
        row for part in parts for row in msgspec.json.decode(part, type=list[tuple[int, Standing]])
    ]


async def test_everybody_is_read_once_and_in_order(database: Database, store: Store) -> None:
    """More people than one part holds, each with their standing."""
    numbers = [f"+1415{n:07}" for n in range(AT_ONCE + 5)]
    entries = tuple(tagged(n, number) for n, number in enumerate(reversed(numbers)))
    await store.submit(write(Change(entries=entries)))
    async with open_everybody(_settings(database)) as everybody:
        assert await _read(everybody) == [(int(n), Standing(sms_tag=True)) for n in numbers]


async def test_it_is_one_moment(database: Database) -> None:
    """What is written after it was opened is not in it: people, brands, the log."""
    store = database.open(signer=SIGNER)
    await store.submit(write(Change(entries=(tagged(1),))))
    await integrate_all(store)
    before = await store.read_checkpoint()
    assert before is not None
    async with open_everybody(_settings(database)) as everybody:
        await store.submit(write(Change(entries=(tagged(2, BOB),), records=(Brand("b", "B"),))))
        await integrate_all(store)
        assert [f"+{number}" for number, _ in await _read(everybody)] == [ANN]
        assert everybody.directory.brands == {}
        assert everybody.checkpoint == before
    async with open_everybody(_settings(database)) as everybody:
        assert {f"+{number}" for number, _ in await _read(everybody)} == {ANN, BOB}
        assert set(everybody.directory.brands) == {"b"}
        assert everybody.checkpoint == await store.read_checkpoint() != before
    await store.close()


@pytest.mark.usefixtures("store")
async def test_nobody_is_nobody(database: Database) -> None:
    """An empty database has no part."""
    async with open_everybody(_settings(database)) as everybody:
        assert await _read(everybody) == []


async def test_who_reads_a_part_and_leaves_holds_up_nobody(
    database: Database, store: Store
) -> None:
    """The part that is read ahead is let go of, and the database with it."""
    numbers = [f"+1415{n:07}" for n in range(AT_ONCE + 5)]
    await store.submit(write(Change(entries=tuple(tagged(n, m) for n, m in enumerate(numbers)))))
    async with open_everybody(_settings(database)) as everybody:
        async for _ in everybody.parts():
            break
    await store.submit(write(Change(entries=(tagged(9999, BOB),))))
    async with open_everybody(_settings(database)) as everybody:
        assert len(await _read(everybody)) == AT_ONCE + 6


async def test_who_was_erased_is_in_no_part_and_found_by_the_keys(database: Database) -> None:
    """What stands against them comes with the hash of their number, and by the number."""
    keys = HashKeys([derive_hash_key("k" * 40)])
    store = database.open(hash_keys=keys)
    stop = Block(SENDER, BlockLayer.OURS, BlockState.BLOCKED, Cause.KEYWORD, START, START, "e")
    await store.submit(write(Change(entries=(entry(1, ANN, stop), tagged(2, BOB)))))
    await erase_number(ANN, "They asked by mail", SYSTEM, store)
    await store.close()
    settings = msgspec.structs.replace(_settings(database), secret_key="k" * 40)
    async with open_everybody(settings) as everybody:
        assert [f"+{number}" for number, _ in await _read(everybody)] == [BOB]
        assert everybody.has_erased
        found = await everybody.match_erased([ANN, "+14155550199"])
        (erased,) = await everybody.read_erased()
    assert list(found) == [ANN]
    assert found[ANN] == erased.standing
    assert msgspec.json.decode(erased.standing, type=Standing).blocks[0].scope == SENDER
    assert (erased.key, erased.hash) == keys.hash_number(ANN)


async def test_a_replica_is_read_where_there_is_one(
    postgres: PostgresDatabase, make_postgres: Callable[[], str]
) -> None:
    """The setting names another database, and that one is read."""
    replica = PostgresDatabase(make_postgres())
    store = replica.open()
    await store.submit(write(Change(entries=(tagged(1),))))
    await store.close()
    settings = msgspec.structs.replace(_settings(postgres), replica=replica.address)
    async with open_everybody(settings) as everybody:
        assert [f"+{number}" for number, _ in await _read(everybody)] == [ANN]


async def test_a_database_that_is_gone_is_told(tmp_path: Path) -> None:
    """The folder is not there, or nothing listens: what to do is said."""
    gone = on_database(read_settings({}, tmp_path / "none.toml"), f"sqlite:///{tmp_path}/a/b.db")
    with pytest.raises(StoreUnavailable, match="Check it"):
        async with open_everybody(gone):
            pass
    closed = on_database(gone, "postgresql://nobody@127.0.0.1:9/none")
    with pytest.raises(StoreUnavailable, match="Check it"):
        async with open_everybody(closed):
            pass
