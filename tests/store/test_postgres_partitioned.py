"""The tables as they are, partitioned by hash of the recipient: the same promises hold.

Every unique key of what grows with traffic carries the recipient, so that a large database can be
partitioned, or distributed over servers by the same key, without another schema.
"""

import re
from collections.abc import AsyncIterator, Iterator
from datetime import timedelta

import asyncpg
import msgspec
import pytest
from store_world import (
    ANN,
    BOB,
    SENDER,
    START,
    PostgresDatabase,
    ask,
    claimed,
    customer,
    entry,
    inbound,
    integrate_all,
    message,
    queued,
    receipt,
    tagged,
    write,
)
from test_drifts_kept import drift
from test_reviews_kept import answered, review
from test_two_processes import sender

from consentry.actions.erase import erase_number
from consentry.actions.record_audit import SYSTEM
from consentry.domain.drift import DriftKind, DriftState
from consentry.domain.entries import EntryKind
from consentry.domain.messages import Callback, MessageStatus
from consentry.domain.notices import PostponedNotice, notice_of_text
from consentry.domain.review import ReviewState
from consentry.ports import (
    Change,
    ConversationMark,
    DriftFilter,
    InboxFilter,
    LogHead,
    MessageFilter,
    Needs,
    OptOutFilter,
    Page,
    ReviewFilter,
    Store,
)
from consentry.store.migrate import Migration, read_migrations
from databases import HASH_KEYS
from ledger_keys import SIGNER
from postgres_server import PostgresServer

pytestmark = pytest.mark.integration

PARTITIONS = 4
MARK = re.compile(r"/\* (PARTITION BY HASH \(\w+\)) \*/")
TABLE = re.compile(r"CREATE TABLE (\w+) \((?:(?!CREATE TABLE).)*?\) (?=PARTITION BY)", re.DOTALL)


def partition(migration: Migration) -> str:
    """Write the migration with its marks carried out, and the partitions behind it."""
    sql = MARK.sub(r"\1", migration.sql)
    parts = [
        f"CREATE TABLE {table}_{n} PARTITION OF {table} "
        f"FOR VALUES WITH (MODULUS {PARTITIONS}, REMAINDER {n});"
        for table in TABLE.findall(sql)
        for n in range(PARTITIONS)
    ]
    return "\n".join([sql, *parts])


@pytest.fixture
def partitioned(postgres_server: PostgresServer) -> Iterator[PostgresDatabase]:
    """Make a database whose tables are partitioned, as somebody would by hand."""
    postgres_server.execute("CREATE DATABASE partitioned")
    yield PostgresDatabase(postgres_server.url("partitioned"))
    postgres_server.execute("DROP DATABASE partitioned WITH (FORCE)")


@pytest.fixture
async def store(partitioned: PostgresDatabase) -> AsyncIterator[Store]:
    """Make the tables, note the migrations as applied, and open the store on them."""
    migrations = read_migrations("postgres")
    start, storage = migrations[:2]
    names = ("0006_notices", "0007_drifts", "0009_reviews", "0010_expiries")
    split = [m for m in migrations if m.name in names]
    connection = await asyncpg.connect(partitioned.address)
    await connection.execute(partition(start))
    for migration in split:
        await connection.execute(partition(migration))
    await connection.execute(
        "CREATE TABLE migrations (name text PRIMARY KEY, checksum text, applied_at timestamptz)"
    )
    for migration in (start, storage, *split):
        await connection.execute(
            "INSERT INTO migrations VALUES ($1, $2, now())", migration.name, migration.checksum
        )
    await connection.close()
    opened = partitioned.open()
    yield opened
    await opened.close()


async def test_every_table_that_grows_is_partitioned(
    store: Store, partitioned: PostgresDatabase
) -> None:
    """All but those whose rows are of no recipient: a new table must say how it is split."""
    del store
    whole = await partitioned.run(
        "SELECT string_agg(relname, ' ' ORDER BY relname) FROM pg_class "
        "WHERE relkind = 'r' AND NOT relispartition AND relnamespace = 'public'::regnamespace"
    )
    assert whole == (
        "agents api_keys brands calls_to_action carriers customer_grams customers "
        "directory_version erased erased_texts erasure_keys idempotency import_parts imports "
        "keywords log_checkpoints log_head log_keys log_leaves log_tiles migrations notes "
        "processes programs reconciliations search_queue senders sessions sign_in_links tallies "
        "templates webhook_health webhook_secrets webhooks"
    )
    split = await partitioned.run("SELECT count(*) FROM pg_class WHERE relkind = 'p'")
    assert split == 12


async def test_a_text_comes_in_once_and_is_listed(store: Store) -> None:
    """Entries, standings, messages, marks and profiles, over several partitions."""
    people = [f"+1415555{n:04}" for n in range(20)]
    texts = tuple(inbound(n, f"SM{n}", person) for n, person in enumerate(people, 1))
    told = tuple(
        entry(n, person, kind=EntryKind.OPTED_OUT, message=f"msg_{n:05}")
        for n, person in enumerate(people, 1)
    )
    await store.submit(write(Change(entries=told, messages=texts)))
    named = (customer(1, "Ann Lee", people[0]), customer(2, "Bo", people[1]))
    await store.submit(
        write(Change(records=(*named, ConversationMark(people[2], SENDER, "msg_1"))))
    )
    with pytest.raises(asyncpg.UniqueViolationError):
        await store.submit(write(Change(messages=(inbound(99, "SM1", people[0]),))))
    with pytest.raises(asyncpg.UniqueViolationError):
        await store.submit(write(Change(entries=(told[0],))))
    inbox = await store.read_inbox(InboxFilter(), Page(limit=5))
    assert [item.message for item in inbox.items] == list(texts[::-1][:5])
    assert len(await store.read_messages(MessageFilter(sender=SENDER), Page())) == 20
    assert len(await store.read_opt_out_stories(START, 50)) == 20
    assert await store.read_entries(people[3], Page()) == [told[3]]
    assert await store.read_profiles(people[0]) == [named[0]]
    assert await store.read_customers(Page(), search="lee") == [named[0]]


async def test_standings_move_and_opt_outs_are_listed(store: Store) -> None:
    """The gate's look-up, the list of opted-out numbers, and who is held while it decides."""
    await store.submit(write(sender(enabled=True)))
    await store.submit(write(Change(entries=(tagged(1), tagged(2, BOB, sms=False)))))
    directory, standing = await store.read_facts(ANN)
    assert standing.sms_tag
    assert directory.senders[SENDER].enabled
    assert [s.sms_tag for s in await store.read_standings([BOB, ANN])] == [False, True]
    assert (await store.read_opt_outs(OptOutFilter(), Page())).items == []
    assert [number for number, _ in await store.read_recipients(Page())] == [ANN, BOB]


async def test_work_is_claimed_and_matched(store: Store) -> None:
    """Jobs, receipts and the carrier's ids, whichever partition they are in."""
    await store.submit(write(queued(1, 2)))
    await store.submit(write(queued(3, recipient=BOB)))
    due = ask(
        lambda facts: [w.job.message for w in facts.due_work()], Needs(due_jobs=((SENDER, 9),))
    )
    assert await store.submit(due) == ["msg_00001", "msg_00002", "msg_00003"]
    sent = message(1, status=MessageStatus.SENT, carrier_message_id="SM1")
    await store.submit(write(Change(messages=(sent,), jobs=(claimed(1),))))
    assert await store.read_claimed() == [claimed(1)]
    await store.submit(write(Change(records=(receipt(1, "SM1"),), finished_jobs=("msg_00001",))))
    found = ask(
        lambda facts: (facts.outbound("car_1", "SM1"), facts.unmatched_receipts("car_1", "SM1")),
        Needs(outbound=("car_1", "SM1"), unmatched_receipts=("car_1", "SM1")),
    )
    assert await store.submit(found) == (sent, (receipt(1, "SM1"),))
    assert await store.count_outbox() == 2
    assert dict(await store.next_due()) == {SENDER: START + timedelta()}


async def test_programs_are_told_in_order(store: Store) -> None:
    """Notices lie with their recipients; of one message the next is found, postponed and ended."""
    texts = [inbound(n, f"SM{n}", f"+1415555{n:04}") for n in range(9)]
    made = tuple(notice_of_text(text, Callback("http://a.example", "AC1")) for text in texts)
    await store.submit(write(Change(messages=tuple(texts), notices=made)))
    assert await store.next_notices() == (("http://a.example", START),)
    later = START + timedelta(minutes=1)
    await store.submit(write(Change(postponed=(PostponedNotice(made[0], later),))))
    await store.submit(write(Change(told=(made[1].id,))))
    assert await store.read_notices("http://a.example", START, 20) == list(made[2:])
    assert await store.count_notices() == 8


async def test_drifts_are_found_and_settled(store: Store) -> None:
    """They lie with their recipients, and are listed, shown and counted over all partitions."""
    kept = tuple(drift(n, f"+1415555{n:04}") for n in range(1, 10))
    await store.submit(write(Change(records=kept)))
    settled = msgspec.structs.replace(kept[0], state=DriftState.APPLIED)
    await store.submit(write(Change(records=(settled,))))
    assert await store.read_drifts(DriftFilter(state=DriftState.OPEN), Page()) == [*kept[:0:-1]]
    assert await store.read_drift(settled.id) == settled
    assert await store.count_drifts() == {DriftKind.MISSED_OPT_OUT: 8}
    look = ask(
        lambda facts: facts.drifts(settled.recipient),
        Needs(recipients=(settled.recipient,), drifts=True),
    )
    assert await store.submit(look) == (settled,)


async def test_reviews_are_found_and_answered(store: Store) -> None:
    """They lie with their recipients, and are listed, shown and counted over all partitions."""
    kept = tuple(review(n, f"+1415555{n:04}") for n in range(1, 7))
    await store.submit(write(Change(records=kept)))
    done = answered(1, kept[0].recipient)
    await store.submit(write(Change(records=(done,))))
    assert await store.read_reviews(ReviewFilter(state=ReviewState.OPEN), Page()) == [*kept[:0:-1]]
    assert await store.read_review(done.id) == done
    assert await store.count_reviews() == 5
    look = ask(lambda facts: facts.review(done.id), Needs(reviews=(done.id,)))
    assert await store.submit(look) == done


@pytest.mark.parametrize("statement", ["UPDATE entries SET value = ''", "DELETE FROM entries_1"])
async def test_the_ledger_of_a_partition_is_only_added_to(
    store: Store, partitioned: PostgresDatabase, statement: str
) -> None:
    """Also where somebody names the partition itself."""
    people = [f"+1415555{n:04}" for n in range(20)]
    await store.submit(write(Change(entries=tuple(map(tagged, range(20), people)))))
    with pytest.raises(asyncpg.IntegrityConstraintViolationError, match="append-only"):
        await partitioned.run(statement)


async def test_the_log_knows_the_ranges_of_each_partition(
    store: Store, partitioned: PostgresDatabase
) -> None:
    """The index of ranges is one of each partition's: what is integrated is summarized in it."""
    entries = tuple(tagged(number, BOB, text="a" * 1500) for number in range(800))
    await store.submit(write(Change(entries=entries)))
    integrating = partitioned.open(signer=SIGNER)
    assert await integrate_all(integrating) == LogHead(800, 0)
    await integrating.close()
    left = await partitioned.run(
        "SELECT sum(brin_summarize_new_values(inhrelid)) FROM pg_inherits "
        "WHERE inhparent = 'entries_in_order'::regclass"
    )
    assert left == 0


async def test_somebody_is_erased_who_moves_to_another_partition(
    store: Store, partitioned: PostgresDatabase
) -> None:
    """Each of their entries leaves its partition empty-handed, and nothing else does."""
    people = [f"+1415555{n:04}" for n in range(20)]
    await store.submit(write(Change(entries=tuple(map(tagged, range(20), people)))))
    with_keys = partitioned.open(hash_keys=HASH_KEYS)
    for person in people[:8]:
        erased = await erase_number(person, "asked by mail", SYSTEM, with_keys)
        assert erased.entries == 1
    assert len(await with_keys.read_entries("erased", Page(limit=50))) == 8
    assert [len(await with_keys.read_entries(p, Page())) for p in people] == [0] * 8 + [1] * 12
    await with_keys.close()
