"""Somebody is erased: nothing names them any more, their last word counts, the ledger accounts."""

import asyncio
import sqlite3
from contextlib import closing
from datetime import timedelta
from typing import Any

import apsw
import asyncpg
import msgspec
import pytest
from store_world import (
    ANN,
    BOB,
    SENDER,
    START,
    CountingIds,
    Database,
    PostgresDatabase,
    SQLiteDatabase,
    ask,
    claimed,
    customer,
    entry,
    inbound,
    integrate_all,
    message,
    queued,
    receipt,
    submit_together,
    tagged,
    write,
)
from test_drifts_kept import drift
from test_reviews_kept import review

from consentry.actions.erase import Erased, EraseNumber, erase_number
from consentry.actions.record_audit import SYSTEM
from consentry.domain.entries import NOBODY, Entry, EntryKind, fold
from consentry.domain.messages import Callback
from consentry.domain.notices import notice_of_text
from consentry.domain.reading import BlockLayer
from consentry.domain.standing import Block, BlockState, Cause, Standing, Thread
from consentry.ports import (
    Change,
    ConversationMark,
    DriftFilter,
    Expiry,
    IdempotencyRecord,
    LastSeen,
    Mentions,
    MessageFilter,
    Needs,
    Page,
    Rejected,
    ReviewFilter,
    Store,
    StoreUnavailable,
)
from consentry.store.log_leaves import hash_entry
from consentry.store.sqlite.connection import open_connection, transaction
from consentry.store.sqlite.erasing import permission
from consentry.wire.keyed_hash import HashKeys, derive_hash_key
from ledger_keys import SIGNER

pytestmark = pytest.mark.integration

OLD, NEW = derive_hash_key("old secret"), derive_hash_key("new secret")
KEYS = HashKeys([OLD])
SECRET_TEXT = "my sister is getting married in Ravenna"
TOLD = Callback("https://program.example/told", "AC1")
ALL = Page(limit=1000)
ALL_OF = "SELECT * FROM {}"
STOPPED = Block(
    SENDER, BlockLayer.OURS, BlockState.BLOCKED, Cause.KEYWORD, START, START, "ent_00002"
)
SPOKEN = Thread(SENDER, last_inbound_at=START, opted_out_at=START)


async def fill(store: Store) -> None:
    """Have somebody in every table, who has said stop; and somebody else."""
    body = b'{"recipient": "%b"}' % ANN.encode()
    texts = (
        inbound(1, "SM1", body=SECRET_TEXT),
        message(2, body=SECRET_TEXT),
        message(3),
    )
    await store.submit(
        write(
            Change(
                entries=(
                    tagged(1, text=SECRET_TEXT),
                    entry(2, ANN, STOPPED, SPOKEN, kind=EntryKind.OPTED_OUT, message="msg_00001"),
                    entry(3, NOBODY, kind=EntryKind.EXPORTED, text=f"history ({ANN}): 3 rows"),
                    entry(4, NOBODY, kind=EntryKind.EXPORTED, text=f"history ({ANN}7): 3 rows"),
                    entry(5, BOB, kind=EntryKind.CUSTOMER_CHANGED, text=f"phone {ANN} added"),
                    entry(
                        6, NOBODY, kind=EntryKind.CUSTOMER_CHANGED, text="Ann Only: profile made"
                    ),
                    tagged(7, BOB, text="hello"),
                ),
                messages=(*texts, message(4, BOB, body="hello")),
                records=(
                    customer(1, "Ann Only", ANN, emails=("ann@example.com",)),
                    customer(2, "Bob and Ann", BOB, ANN),
                    customer(3, "Ann before", merged_into="cus_00001"),
                    receipt(1, "SM9"),
                    ConversationMark(ANN, SENDER, "msg_00001"),
                    drift(1),
                    review(1),
                    Expiry(ANN, "promo", START),
                    IdempotencyRecord("key", "one", "print", 202, body, START),
                    IdempotencyRecord("key", "two", "print", 202, b"{}", START),
                ),
            )
        )
    )
    await store.submit(write(queued(3)))
    await store.submit(write(Change(notices=(notice_of_text(texts[0], TOLD),))))


async def erase(store: Store, number: str = ANN, **options: Any) -> Erased:
    """Erase somebody who asked for it."""
    return await erase_number(number, "They asked by mail", SYSTEM, store, **options)


async def dump(database: Database) -> dict[str, str]:
    """Read every row of every table as text."""
    if isinstance(database, SQLiteDatabase):
        with closing(sqlite3.connect(database.path)) as connection:
            named = connection.execute(
                "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE '%_grams%'"
            )
            return {
                name: str(connection.execute(ALL_OF.format(name)).fetchall())
                for (name,) in named.fetchall()
            }
    postgres = await asyncpg.connect(database.address)
    try:
        named = await postgres.fetch(
            "SELECT table_name FROM information_schema.tables WHERE table_schema = 'public'"
        )
        return {
            name: str([tuple(row) for row in await postgres.fetch(ALL_OF.format(name))])
            for (name,) in named
        }
    finally:
        await postgres.close()


async def test_nothing_names_who_was_erased(database: Database) -> None:
    """No row of any table has the number or a text; what is told elsewhere of them is gone too."""
    store = database.open(hash_keys=KEYS)
    await fill(store)
    before = await dump(database)
    expected = {"entries", "messages", "jobs", "receipts", "notices", "drifts", "reviews"}
    expected |= {"expiries", "marks", "standings", "phones", "customers"}
    assert {table for table, rows in before.items() if ANN in rows} >= expected
    erased = await erase(store)
    assert (erased.entries, erased.kept, erased.rows["messages"]) == (5, True, 3)
    assert erased.deleted_customers == ("cus_00001", "cus_00003")
    assert erased.changed_customers == ("cus_00002",)
    await store.close()
    after = await dump(database)
    for told in (ANN, SECRET_TEXT, "Ann Only", "ann@example.com", "Ann before"):
        others = {table: rows.replace(f"{ANN}7", "") for table, rows in after.items()}
        assert [table for table, rows in others.items() if told in rows] == []


async def test_somebody_else_keeps_all(database: Database) -> None:
    """Entries, texts, profiles and answers that are not theirs are as they were."""
    store = database.open(hash_keys=KEYS)
    await fill(store)
    await erase(store)
    assert await store.read_entries(BOB, ALL) == [tagged(7, BOB, text="hello")]
    assert await store.read_standing(BOB) == Standing(sms_tag=True)
    [text] = await store.read_messages(MessageFilter(), ALL)
    assert text == message(4, BOB, body="hello")
    [profile] = await store.read_customers(ALL)
    assert [phone.normalized for phone in profile.phones] == [BOB]
    assert [(known.owner, known.key) for known in await store.read_answered(10)] == [("key", "two")]
    assert await store.count_outbox() == 0
    assert await store.read_drifts(DriftFilter(), ALL) == []
    assert await store.read_reviews(ReviewFilter(), ALL) == []
    await store.close()


async def test_an_entry_accounts_for_all_that_was_destroyed(database: Database) -> None:
    """It is about nobody, names the places and who did it why; what is left there is empty."""
    store = database.open(hash_keys=KEYS)
    await fill(store)
    erased = await erase(store)
    [told] = await store.read_audit(ALL, kinds=(EntryKind.ERASED,))
    assert told.erasure is not None
    assert (told.id, told.recipient, told.reason) == (erased.entry, NOBODY, "They asked by mail")
    assert told.erasure.count == 5
    assert told.erasure.hash == KEYS.hash_number(ANN).hash
    assert ANN not in msgspec.json.encode(told).decode()
    left = await store.read_entries("erased", ALL)
    assert len(left) == 5
    for empty in left:
        assert (empty.kind, empty.actor) == (EntryKind.ENTRY_ERASED, SYSTEM)
        assert empty == Entry(
            empty.id, "erased", empty.kind, empty.recorded_at, empty.recorded_at, SYSTEM
        )
    assert await store.read_entries(ANN, ALL) == []
    await store.close()


async def read_in_every_way(store: Store, number: str) -> list[Standing]:
    """Read what stands for a number in all ways there are."""
    strangers = [f"+1415556{place:04d}" for place in range(70)]
    (_, facts), (_, few) = await store.read_facts(number), await store.read_facts_of([BOB, number])
    _, many = await store.read_facts_of([*strangers, number, ""])
    seen = await store.submit(ask(lambda f: f.standing(number), Needs(recipients=(number, BOB))))
    listed = await store.read_standings([number])
    assert set(many[:-2]) | {many[-1]} == {Standing()}
    return [await store.read_standing(number), facts, few[1], many[-2], seen, listed[0]]


async def test_the_last_word_counts_in_every_way_to_ask(database: Database) -> None:
    """One by one, a few, hundreds, and within commands: also where the store was opened anew."""
    store = database.open(hash_keys=KEYS)
    await fill(store)
    other = database.open(hash_keys=KEYS) if isinstance(database, PostgresDatabase) else store
    assert (await other.read_standing(ANN)).blocks == (STOPPED,)
    erased = await erase(store)
    kept = Standing(
        blocks=(msgspec.structs.replace(STOPPED, entry=erased.entry or ""),),
        threads=(Thread(SENDER, opted_out_at=START),),
    )
    assert await read_in_every_way(store, ANN) == [kept] * 6
    assert await read_in_every_way(other, ANN) == [kept] * 6
    again = await erase(store)
    assert again.is_nothing
    assert again.kept
    await other.close()
    await store.close()
    store = database.open(hash_keys=HashKeys([NEW, OLD]))
    assert await read_in_every_way(store, ANN) == [kept] * 6
    await store.close()


async def test_what_is_written_again_begins_with_the_last_word(database: Database) -> None:
    """Its ledger alone leads to its standing; erased again, the newest key keeps that."""
    ids = CountingIds()
    store = database.open(hash_keys=KEYS, ids=ids)
    await fill(store)
    await erase(store)
    await store.close()
    store = database.open(hash_keys=HashKeys([NEW, OLD]), ids=ids)
    await store.submit(write(Change(entries=(tagged(21), tagged(22, sms=False)))))
    await store.submit(write(Change(entries=(tagged(23),))))
    entries = await store.read_entries(ANN, ALL)
    assert [e.kind for e in entries] == [EntryKind.OPTED_IN] * 3 + [EntryKind.STANDING_RECALLED]
    standing = await store.read_standing(ANN)
    assert fold(reversed(entries)) == standing
    assert standing.sms_tag
    assert standing.blocks[0].state is BlockState.BLOCKED
    assert (await erase(store)).kept
    await store.close()
    only_new = database.open(hash_keys=HashKeys([NEW, OLD]), ids=ids)
    assert (await only_new.read_standing(ANN)).blocks[0].state is BlockState.BLOCKED
    await only_new.close()
    assert OLD.id not in (await dump(database))["erased"]


async def test_nothing_of_what_was_erased_is_left_in_free_space(sqlite: SQLiteDatabase) -> None:
    """Zeros are over texts, entries, the profile and answers, as soon as the server has stopped."""
    store = sqlite.open(hash_keys=KEYS)
    await fill(store)
    await store.close()
    words = [word.encode() for word in (SECRET_TEXT, "Ann Only", "ann@example.com", "Ann before")]
    before = sqlite.path.read_bytes()
    assert all(word in before for word in words)
    store = sqlite.open(hash_keys=KEYS)
    await erase(store)
    await store.close()
    after = sqlite.path.read_bytes()
    assert [word for word in words if word in after] == []


async def test_nothing_is_kept_where_nothing_stands(database: Database) -> None:
    """Whoever never said no is as if they had never been; there is no hash of them to look for."""
    store = database.open(hash_keys=KEYS)
    await fill(store)
    assert not (await erase(store, BOB)).kept
    assert await store.read_standing(BOB) == Standing()
    assert (await store.read_directory()).erased_keys == ()
    await store.close()
    assert (await dump(database))["erased"] == "[]"


async def test_a_lost_key_is_found_out_at_the_start(database: Database) -> None:
    """A server without the key does not open the database, and says what to give it."""
    store = database.open(hash_keys=KEYS)
    await fill(store)
    await erase(store)
    await store.close()
    with pytest.raises(StoreUnavailable, match=f"{OLD.id} is not at hand"):
        database.open(hash_keys=HashKeys([NEW]))
    with pytest.raises(StoreUnavailable, match="CONSENTRY_ERASURE_KEYS"):
        database.open()


async def test_a_key_that_another_process_uses_first_says_no(
    postgres: PostgresDatabase, caplog: pytest.LogCaptureFixture
) -> None:
    """A process that does not have it cannot tell who was erased: nobody is a stranger to it.

    It tells the log which key it lacks.
    """
    with_key, without = postgres.open(hash_keys=KEYS), postgres.open(hash_keys=HashKeys([NEW]))
    await fill(with_key)
    assert await without.read_standing("+14155559999") == Standing()
    await erase(with_key)
    with pytest.raises(StoreUnavailable, match="not at hand"):
        await without.read_standing("+14155559999")
    with pytest.raises(StoreUnavailable, match="not at hand"):
        await without.submit(ask(lambda f: f.standing(ANN), Needs(recipients=(ANN,))))
    told = [record for record in caplog.records if record.message == "erasure_key_missing"]
    assert {record.__dict__["missing"] for record in told} == {OLD.id}
    await with_key.close()
    await without.close()


async def test_a_text_with_a_carrier_puts_it_off(database: Database) -> None:
    """Nothing is destroyed while a carrier may still ask about a text; a dry run never does."""
    store = database.open(hash_keys=KEYS)
    await fill(store)
    would = await erase(store, is_dry_run=True)
    await store.submit(write(Change(jobs=(claimed(3),))))
    with pytest.raises(Rejected, match="1 of this number's texts") as refused:
        await erase(store)
    assert refused.value.code == "in_flight"
    assert len(await store.read_entries(ANN, ALL)) == 2
    await store.submit(write(Change(finished_jobs=("msg_00003",))))
    done = await erase(store)
    assert (would.entries, would.deleted_customers) == (done.entries, done.deleted_customers)
    assert would.entry is None
    await store.close()


async def test_what_accounts_for_an_erasure_is_never_erased(database: Database) -> None:
    """Not even where its reason names somebody else who is erased later."""
    store = database.open(hash_keys=KEYS)
    await fill(store)
    erasure = entry(30, NOBODY, kind=EntryKind.ERASED, reason=f"together with {ANN}")
    await store.submit(write(Change(entries=(erasure,))))
    await erase(store)
    left = await store.read_entries(NOBODY, ALL)
    assert [e.reason for e in left if e.id == erasure.id] == [erasure.reason]
    await store.close()


async def test_a_name_is_looked_for_as_a_whole_word(database: Database) -> None:
    """Erasing Ed takes no entry about Edith, nor all that have those letters in their JSON."""
    store = database.open(hash_keys=KEYS)
    said = ("Edith: profile made", "Ed: profile made", "Ed (ed@example.com): changed")
    entries = tuple(
        entry(n, NOBODY, kind=EntryKind.CUSTOMER_CHANGED, text=text) for n, text in enumerate(said)
    )
    names = (customer(1, "Ed", ANN), customer(2, "kind", BOB))
    await store.submit(write(Change(entries=entries, records=names)))
    assert [(await erase(store, number)).entries for number in (ANN, BOB)] == [2, 0]
    left = await store.read_entries(NOBODY, ALL)
    assert [e.text for e in left if e.kind is EntryKind.CUSTOMER_CHANGED] == [said[0]]
    await store.close()


async def test_commands_of_the_same_moment_see_it_whole(database: Database) -> None:
    """What is submitted together with an erasure is decided before it or after it, never within."""
    store = database.open(hash_keys=KEYS)
    await fill(store)
    profiles = tuple(c.id for c in await store.read_profiles(ANN))
    command = EraseNumber(ANN, "They asked", SYSTEM, Mentions(), profiles)
    before, erased, after = await submit_together(
        store,
        ask(lambda f: f.standing(ANN).sms_tag, Needs(recipients=(ANN,))),
        command,  # type: ignore[arg-type]
        ask(lambda f: f.standing(ANN).sms_tag, Needs(recipients=(ANN,))),
    )
    assert (before, after) == (True, False)
    assert isinstance(erased, Erased)
    await store.close()


async def test_the_log_keeps_the_leaves_and_loses_the_salts(database: Database) -> None:
    """Of what was destroyed the leaf stays; an entry that was not in the log comes in empty.

    Without its salt nobody can guess what it was.
    """
    store = database.open(hash_keys=KEYS, signer=SIGNER)
    await fill(store)
    await integrate_all(store)
    ids = ["ent_00001", "ent_00004", "ent_00007"]
    before = await store.read_logged(ids)
    await store.submit(write(Change(entries=(tagged(31),))))
    await erase(store)
    after = await store.read_logged(ids)
    assert all(logged.salt is not None for logged in before.values())
    assert after["ent_00001"] == msgspec.structs.replace(before["ent_00001"], salt=None)
    assert {name: after[name] for name in ids[1:]} == {name: before[name] for name in ids[1:]}
    await integrate_all(store)
    told = (await store.read_logged(["ent_00031"]))["ent_00031"]
    [empty] = [e for e in await store.read_entries("erased", ALL) if e.id == "ent_00031"]
    assert told.salt is None or told.leaf_hash == hash_entry(told.salt, msgspec.json.encode(empty))
    await store.close()


async def test_all_that_is_held_is_read_whole(database: Database) -> None:
    """Every row by its table, as it is kept, of one number and of no other."""
    store = database.open(hash_keys=KEYS)
    await fill(store)
    held = await store.read_held(ANN)
    assert {table: len(rows) for table, rows in held.items()} == {
        "entries": 2,
        "standings": 1,
        "messages": 3,
        "jobs": 1,
        "receipts": 1,
        "notices": 1,
        "marks": 1,
        "drifts": 1,
        "reviews": 1,
        "expiries": 1,
    }
    assert [msgspec.json.decode(row, type=Entry) for row in held["entries"]][::-1] == (
        await store.read_entries(ANN, ALL)
    )
    assert await store.read_held("+14155559999") == {}
    await store.close()


async def test_numbers_are_listed_with_when_something_last_happened(database: Database) -> None:
    """In their order, some at a time; that somebody looked at them does not count, nor nobody."""
    store = database.open(hash_keys=KEYS)
    await fill(store)
    viewed = entry(40, ANN, kind=EntryKind.CUSTOMER_VIEWED)
    third = tagged(41, "+14155550103")
    await store.submit(write(Change(entries=(viewed, third))))
    seen = [
        LastSeen(ANN, START + timedelta(seconds=2)),
        LastSeen(BOB, START + timedelta(seconds=7)),
        LastSeen("+14155550103", START + timedelta(seconds=41)),
    ]
    assert await store.read_last_seen("", 10) == seen
    assert await store.read_last_seen("", 2) == seen[:2]
    assert await store.read_last_seen(BOB, 10) == seen[2:]
    await erase(store)
    assert await store.read_last_seen("", 10) == seen[1:]
    await store.close()


# --- The ledger is changed for this alone ------------------------------------------------------


EMPTY = (
    "UPDATE entries SET recipient = 'erased', kind = 'entry_erased', sender = NULL, value = '{}'"
)


def tombstone(connection: apsw.Connection) -> None:
    """Make an entry an empty one."""
    connection.execute(f"{EMPTY} WHERE seq = 1")


async def test_sqlite_lets_the_ledger_change_only_with_a_permission(sqlite: SQLiteDatabase) -> None:
    """Without one, with one for something else, or to anything but an empty entry: it refuses."""
    store = sqlite.open(hash_keys=KEYS)
    await fill(store)
    await store.close()
    changes = ("UPDATE entries SET recipient = '+1999'", "DELETE FROM entries")
    with closing(open_connection(sqlite.path)) as connection:
        with pytest.raises(apsw.ConstraintError, match="append-only"):
            tombstone(connection)
        for change in (*changes, "UPDATE entries SET value = '{}'"):
            with (
                pytest.raises(apsw.ConstraintError, match="append-only"),
                transaction(connection),
                permission(connection, "erase"),
            ):
                connection.execute(change)
        for change in changes:
            with (
                pytest.raises(apsw.ConstraintError, match="append-only"),
                transaction(connection),
                permission(connection, "reseal"),
            ):
                connection.execute(change)
        with transaction(connection), permission(connection, "reseal"):
            connection.execute("UPDATE entries SET value = value || ' '")
        with transaction(connection), permission(connection, "erase"):
            tombstone(connection)
        with pytest.raises(apsw.ConstraintError, match="append-only"):
            tombstone(connection)


def leave_permission(connection: apsw.Connection) -> None:
    """Change the ledger, and commit with the permission still there."""
    with transaction(connection):
        connection.execute("INSERT INTO ledger_permissions (purpose) VALUES ('erase')")
        tombstone(connection)


async def test_on_sqlite_a_permission_cannot_outlive_its_transaction(
    sqlite: SQLiteDatabase,
) -> None:
    """One that is left refers to what can never be there, so its transaction is not committed."""
    store = sqlite.open(hash_keys=KEYS)
    await fill(store)
    await store.close()
    with closing(open_connection(sqlite.path)) as connection:
        with pytest.raises(apsw.ConstraintError, match="FOREIGN KEY"):
            leave_permission(connection)
        with pytest.raises(apsw.ConstraintError, match="CHECK"):
            connection.execute("INSERT INTO ledger_permissions_kept VALUES (1)")
        with pytest.raises(apsw.ConstraintError, match="append-only"):
            tombstone(connection)
    store = sqlite.open(hash_keys=KEYS)
    assert len(await store.read_entries(ANN, ALL)) == 2
    await store.close()


async def test_on_postgresql_a_permission_is_its_transactions(postgres: PostgresDatabase) -> None:
    """Named within it, for an empty entry alone; the next transaction of the session has none."""
    store = postgres.open(hash_keys=KEYS)
    await fill(store)
    await store.close()
    permit = "SELECT set_config('consentry.ledger_permission', '{}', true)"
    refused = asyncpg.IntegrityConstraintViolationError
    connection = await asyncpg.connect(postgres.address)
    try:
        for change, purpose in (
            (EMPTY, ""),
            (EMPTY, "reseal"),
            ("UPDATE entries SET recipient = '+1999'", "erase"),
            ("UPDATE entries SET value = '{}'", "erase"),
            ("DELETE FROM entries", "erase"),
        ):
            with pytest.raises(refused, match="append-only"):
                await connection.execute(f"BEGIN; {permit.format(purpose)}; {change}")
            await connection.execute("ROLLBACK")
        async with connection.transaction():
            await connection.execute(permit.format("reseal"))
            await connection.execute("UPDATE entries SET value = value || ' '")
        async with connection.transaction():
            await connection.execute(permit.format("erase"))
            await connection.execute(f"{EMPTY} WHERE seq = 1")
        with pytest.raises(refused, match="append-only"):
            await connection.execute(f"{EMPTY} WHERE seq = 2")
    finally:
        await connection.close()


async def test_not_a_byte_of_a_sqlite_file_names_who_was_erased(sqlite: SQLiteDatabase) -> None:
    """After the file was rewritten, neither the number nor a text is in it or in its log."""
    store = sqlite.open(hash_keys=KEYS)
    await fill(store)
    await store.submit(write(Change(messages=(message(2, body="changed"),))))
    await erase(store)
    await asyncio.sleep(0)
    await store.close()
    with closing(open_connection(sqlite.path)) as connection:
        connection.execute("VACUUM")
        connection.pragma("wal_checkpoint(TRUNCATE)")
    for file in sqlite.path.parent.iterdir():
        held = file.read_bytes().replace(f"{ANN}7".encode(), b"")
        for told in (ANN, ANN.removeprefix("+"), SECRET_TEXT, "ann@example.com"):
            assert told.encode() not in held, (file.name, told)
