"""Customers by any part of what they can be found by, in the index and not in it yet."""

import asyncio

import asyncpg
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from store_world import ANN, BOB, Database, PostgresDatabase, customer, held, write

from consentry.domain.customers import Customer
from consentry.ports import Change, Page, Store
from consentry.store.grams import ask_for, write_grams
from consentry.store.postgres.writing_side import REST_SECONDS
from consentry.store.sqlite.indexing import UNINDEXED_MAX

pytestmark = pytest.mark.integration


async def index_all(database: Database) -> None:
    """Leave the writer alone until it has brought the index up to date."""
    async with asyncio.timeout(120):
        while await database.count_unindexed():  # noqa: ASYNC110 - the database tells nobody
            await asyncio.sleep(0.02)


async def find(store: Store, words: str, **page: object) -> str:
    """Name whom a search finds."""
    found = await store.read_customers(Page(**page), search=words)  # type: ignore[arg-type]
    return " ".join(str(int(c.id[4:])) for c in found)


async def save(store: Store, *customers: Customer) -> None:
    """Save customers."""
    await store.submit(write(Change(records=customers)))


PEOPLE = (
    customer(1, "Ann Lee", ANN, emails=("lee@example.com",)),
    customer(2, "Annette Été 50%", BOB),
    customer(3, "李伟", "+8613800138000"),
    customer(4, "Łukasz O'Brien", "+48512345678"),
    customer(5, "", "+14155550199"),
)


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("ann", "2 1"),
        ("LEE", "1"),
        ("ann lee", "1"),
        ("ete", "2"),
        ("ÉTÉ", "2"),
        ("lukasz", "4"),
        ("o'b", "4"),
        ("伟", "3"),
        ("李伟", "3"),
        ("\uff4c\uff45\uff45", "1"),
        ("e", "2 1 4"),
        ("0%", "2"),
        ("%", "2"),
        ("1", "5 4 3 2 1"),
        ("+1 (415) 555-01", "5 2 1"),
        ("48 512 345", "4"),
        ("01384", ""),
        ("@example.com", "1"),
        ('"', ""),
        ("'", "4"),
        ("ann\nlee", ""),
        ("\x00", ""),
        ("x" * 500, ""),
    ],
)
async def test_customers_are_found_by_any_part(
    store: Store, database: Database, words: str, found: str
) -> None:
    """Whether or not they are in the index yet, in any case and without accents."""
    expected = sorted(found.split(), reverse=True)
    async with held(store):
        saving = asyncio.create_task(save(store, *PEOPLE))
        await asyncio.sleep(0)
    await saving
    assert (await find(store, words)).split() == expected
    await index_all(database)
    assert (await find(store, words)).split() == expected


async def test_pages_reach_from_the_newest_into_the_index(store: Store, database: Database) -> None:
    """One list, newest first, wherever the index ends; also from behind a deleted customer."""
    await save(store, *(customer(n, "Ann") for n in range(1, 6)))
    await index_all(database)
    await save(store, *(customer(n, "Ann") for n in range(6, 9)), customer(9, "Bo"))
    assert await find(store, "ann") == "8 7 6 5 4 3 2 1"
    assert await find(store, "ann", limit=4) == "8 7 6 5"
    assert await find(store, "ann", limit=4, before="cus_00005") == "4 3 2 1"
    assert await find(store, "ann", limit=2, before="cus_00008") == "7 6"
    await store.submit(write(Change(deleted_customers=("cus_00005", "cus_00001"))))
    assert await find(store, "ann", before="cus_00005") == "4 3 2"
    assert await find(store, "", before="cus_00005") == "4 3 2"
    assert await find(store, "ann", before="cus_00001") == ""
    assert await find(store, "ann", before="cus_00000") == ""


async def test_a_change_is_found_at_once_and_the_old_name_never(
    store: Store, database: Database
) -> None:
    """In the index and not in it: renamed, merged away, deleted."""
    await save(store, customer(1, "Ann"), customer(2, "Ann"), customer(3, "Ann"))
    for indexed in (False, True):
        if indexed:
            await index_all(database)
        name = f"Bo {indexed}"
        await save(store, customer(1, name))
        assert await find(store, name) == "1"
        assert await find(store, "ann") == "3 2"
        await save(store, customer(2, "Ann", merged_into="cus_00001"))
        assert await find(store, "ann") == "3"
        await store.submit(write(Change(deleted_customers=("cus_00003",))))
        assert await find(store, "ann") == ""
        await save(store, customer(1, "Ann"), customer(2, "Ann"), customer(3, "Ann"))
        assert await find(store, "ann") == "3 2 1"


async def test_who_comes_after_a_deleted_last_one_is_found(
    store: Store, database: Database
) -> None:
    """The database gives the number of a deleted last row again."""
    await save(store, customer(1, "Ann"), customer(2, "Bo"))
    await index_all(database)
    await store.submit(write(Change(deleted_customers=("cus_00002",))))
    await save(store, customer(3, "Cy"))
    assert await find(store, "cy") == "3"
    await index_all(database)
    assert await find(store, "cy") == "3"
    assert await find(store, "bo") == ""


async def test_a_busy_writer_leaves_only_so_many_waiting(store: Store, database: Database) -> None:
    """Without a pause between commands the index still follows."""
    await save(store, *(customer(n, "Ann") for n in range(UNINDEXED_MAX + 100)))
    async with asyncio.timeout(120):
        while await database.count_unindexed() > UNINDEXED_MAX:
            await store.submit(write(Change()))


async def save_in_burst(store: Store, database: Database, size: int) -> int | None:
    """Save a hundred and write so much more behind them, of which each is a batch.

    Count who is not in the index while the writer is at it; None where it was done by then.
    """
    # Whatever was to be indexed is, so nobody is at it as the burst begins.
    await save(store, customer(1, f"Bo {size}"))
    await index_all(database)
    burst = [asyncio.create_task(save(store, *(customer(size + n, "Ann") for n in range(100))))]
    burst += [asyncio.create_task(store.submit(write(Change()))) for _ in range(size)]
    await burst[0]
    # In a pause they would be in it by now.
    await asyncio.sleep(3 * REST_SECONDS)
    waiting = await database.count_unindexed()
    is_over = all(task.done() for task in burst)
    await asyncio.gather(*burst)
    return None if is_over else waiting


async def test_nobody_is_indexed_between_the_commands_of_a_burst(
    postgres: PostgresDatabase,
) -> None:
    """What somebody waits for comes first: the index follows in a pause, not between batches."""
    store = postgres.open(batch_commands_max=1)
    size = 500
    while (waiting := await save_in_burst(store, postgres, size)) is None:
        size *= 2
    assert waiting == 100
    await index_all(postgres)
    await store.close()


async def test_who_is_saved_while_others_are_indexed_is_indexed_too(
    postgres: PostgresDatabase,
) -> None:
    """Also where nothing is written afterwards."""
    store = postgres.open()
    holding = await asyncpg.connect(postgres.address)
    await holding.execute("BEGIN; INSERT INTO customer_grams VALUES ('cus_00001', '{}')")
    await save(store, customer(1, "Ann"))
    waiting = "SELECT count(*) FROM pg_locks WHERE NOT granted"
    async with asyncio.timeout(120):
        while not await postgres.run(waiting):  # noqa: ASYNC110 - the database tells nobody
            await asyncio.sleep(0.01)
    await save(store, customer(2, "Ann"))
    await holding.execute("ROLLBACK")
    await holding.close()
    await index_all(postgres)
    await store.close()


LETTERS = st.text(st.sampled_from("ab1 é伟'\"-\n"), max_size=8)


@pytest.mark.property
@settings(max_examples=300)
@given(text=LETTERS, words=LETTERS.filter(lambda words: bool(words.replace("\n", ""))))
@example(text="12345", words="2345")
def test_the_grams_of_words_are_in_every_text_that_has_them(text: str, words: str) -> None:
    """The index may find too much, never too little."""
    asked = {gram.strip('"') for gram in ask_for(words).split(" AND ")}
    assert asked <= set(write_grams(text + words + text).split())
    assert asked <= set(write_grams(f"{words}\n{text}").split())
