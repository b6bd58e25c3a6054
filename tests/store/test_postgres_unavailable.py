"""A PostgreSQL that goes away: said clearly, nothing acknowledged is lost, and it comes back."""

import asyncio
import itertools
import os
import signal
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from pathlib import Path

import asyncpg
import pytest
from given_time import given_time
from store_world import ANN, BOB, open_address, tagged, write

from consentry.domain.entries import fold
from consentry.domain.standing import Standing
from consentry.ports import Change, Page, Store, StoreUnavailable
from consentry.store.postgres.address import read_address
from consentry.store.postgres.announcing import wait_until_lost
from consentry.store.postgres.connection import REFUSED_SECONDS, connect
from consentry.store.postgres.pool import Pool
from consentry.store.postgres.reading_side import GATE_ANSWER_SECONDS
from postgres_server import PostgresServer, find_programs, running_postgres
from small_disk import fill, small_disk

pytestmark = pytest.mark.integration

ALL = Page(limit=1_000_000)
PEOPLE = [f"+1415555{number:04}" for number in range(20)]
BACK_WITHIN_SECONDS = 2.0
PATIENCE_SECONDS = 120.0
"""Only where something is broken it is waited so long for what comes."""

_numbers = itertools.count(1)


@pytest.fixture(scope="module")
def server() -> Iterator[PostgresServer]:
    """Run a server that these tests may stop and kill; what it said is durable is on the disk."""
    with running_postgres(fsync="on") as started:
        yield started


@pytest.fixture
def url(server: PostgresServer) -> str:
    """Give the URL of a database of its own."""
    name = f"mortal_{next(_numbers)}"
    server.execute(f"CREATE DATABASE {name}")
    return server.url(name)


@pytest.fixture
async def store(url: str) -> AsyncIterator[Store]:
    """Open the store on it."""
    opened = open_address(url)
    yield opened
    await opened.close()


def name_in(url: str) -> str:
    """Take the database's name out of its URL."""
    return url.partition("?")[0].rpartition("/")[2]


class Load:
    """Submits without end, and keeps which entries were acknowledged."""

    def __init__(self, store: Store) -> None:
        self.acknowledged: set[str] = set()
        self.refused: list[StoreUnavailable] = []
        self._store = store
        self._numbers = itertools.count(1)
        self._tasks = [asyncio.create_task(self._submit_on()) for _ in range(16)]

    async def _submit_on(self) -> None:
        for number in self._numbers:
            person = PEOPLE[number % len(PEOPLE)]
            try:
                await self._store.submit(write(Change(entries=(tagged(number, person),))))
            except StoreUnavailable as error:
                self.refused.append(error)
                await asyncio.sleep(0.01)
            else:
                self.acknowledged.add(f"ent_{number:05d}")

    async def wait_for_more(self, count: int = 50) -> None:
        """Wait until so many more were acknowledged."""
        wanted = len(self.acknowledged) + count
        async with asyncio.timeout(PATIENCE_SECONDS):
            while len(self.acknowledged) < wanted:  # noqa: ASYNC110 - the tasks tell nobody
                await asyncio.sleep(0.005)

    async def wait_for_refusal(self) -> None:
        """Wait until one more was refused."""
        wanted = len(self.refused) + 1
        async with asyncio.timeout(PATIENCE_SECONDS):
            while len(self.refused) < wanted:  # noqa: ASYNC110 - the tasks tell nobody
                await asyncio.sleep(0.005)

    async def end(self) -> None:
        """Stop submitting."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


async def find_entries(store: Store) -> set[str]:
    """List all entry ids, checking each standing against the fold of its entries."""
    found: set[str] = set()
    for recipient, standing in await store.read_recipients(ALL):
        entries = await store.read_entries(recipient, ALL)
        assert fold(reversed(entries)) == standing
        found |= {entry.id for entry in entries}
    return found


async def back_within(store: Store) -> float:
    """Wait until the store writes and reads again; return how long that took."""
    async with asyncio.timeout(PATIENCE_SECONDS), given_time() as time:
        while True:
            try:
                await store.submit(write(Change()))
                await store.read_facts(ANN)
                await store.read_entries(ANN, Page())
            except StoreUnavailable:
                await asyncio.sleep(0.02)
            else:
                return time.seconds


async def test_a_stopped_database_is_unavailable_and_recovers(
    server: PostgresServer, store: Store
) -> None:
    """Writes and reads say so at once, the gate's too; back within two seconds of its return."""
    await store.submit(write(Change(entries=(tagged(1),))))
    await store.read_facts(ANN)
    server.stop()
    async with given_time() as time:
        for attempt in (
            store.submit(write(Change(entries=(tagged(2, BOB),)))),
            store.read_facts(ANN),
            store.read_facts_of([ANN]),
            store.read_standing(ANN),
            store.read_entries(ANN, Page()),
            store.read_directory(),
        ):
            with pytest.raises(StoreUnavailable, match="try again"):
                await attempt
        assert time.seconds < 1
    server.start()
    assert await back_within(store) < BACK_WITHIN_SECONDS
    assert (await store.read_standing(ANN)).sms_tag
    assert await store.read_standing(BOB) == Standing()


@pytest.mark.parametrize("how", ["kill", "quit"])
async def test_nothing_acknowledged_is_lost_when_the_server_is_killed_under_load(
    server: PostgresServer, store: Store, how: str
) -> None:
    """Killed three times in the middle: every acknowledged entry is there, none twice."""
    load = Load(store)
    for _ in range(3):
        await load.wait_for_more()
        if how == "kill":
            await asyncio.to_thread(server.kill)
        else:
            await asyncio.to_thread(server.stop, signal.SIGQUIT)
        await load.wait_for_refusal()
        server.start()
        assert await back_within(store) < BACK_WITHIN_SECONDS
    await load.wait_for_more()
    await load.end()
    assert load.acknowledged <= await find_entries(store)


@pytest.fixture
def disk() -> Iterator[Path]:
    """Give a folder on a small file system of its own."""
    with small_disk() as folder:
        yield folder


async def test_a_full_disk_is_unavailable_and_recovers(disk: Path) -> None:
    """What was acknowledged until it was full is there; where there is room again it goes on."""
    server = PostgresServer(find_programs(), disk)
    server.start()
    store = open_address(server.url())
    try:
        load = Load(store)
        await load.wait_for_more()
        ballast = disk / "ballast"
        await asyncio.to_thread(fill, ballast)
        await load.wait_for_refusal()
        ballast.unlink()
        async with asyncio.timeout(PATIENCE_SECONDS):
            while not server.answers():
                # It ends itself where it could not write its log: a service manager starts it.
                if not server.is_running():
                    # In vain while what is left of the one before is still there.
                    with suppress(AssertionError):
                        server.start()
                await asyncio.sleep(0.02)
        assert await back_within(store) < BACK_WITHIN_SECONDS
        await load.wait_for_more()
        await load.end()
        assert load.acknowledged <= await find_entries(store)
    finally:
        await store.close()
        if server.is_running():
            server.stop()


async def test_connections_that_are_cut_are_made_again(
    server: PostgresServer, store: Store, url: str
) -> None:
    """Every connection cut again and again under load: nothing acknowledged is lost."""
    load = Load(store)
    name = name_in(url)
    others = f"FROM pg_stat_activity WHERE datname = '{name}' AND pid <> pg_backend_pid()"
    cut = f"SELECT pg_terminate_backend(pid) {others}"
    for _ in range(10):
        await load.wait_for_more(20)
        await asyncio.to_thread(server.execute, cut)
        # Reading is harmless to repeat, so nobody notices.
        await store.read_facts(ANN)
    await load.wait_for_more()
    await load.end()
    assert load.acknowledged <= await find_entries(store)


async def test_who_lost_a_connection_asks_over_a_new_one(server: PostgresServer, url: str) -> None:
    """Another that is free may be as lost, and not known to be: it is not asked the second time."""
    pool = Pool(read_address(url), 2, answer_seconds=PATIENCE_SECONDS)

    async def find_pid() -> int:
        return await pool.use(lambda connection: connection.fetchval("SELECT pg_backend_pid()"))

    pids = set(await asyncio.gather(find_pid(), find_pid()))
    first = await find_pid()
    (other,) = pids - {first}
    os.kill(other, signal.SIGSTOP)
    try:
        server.execute(f"SELECT pg_terminate_backend({first}, 60000)")
        assert await find_pid() not in pids
    finally:
        os.kill(other, signal.SIGCONT)
        await pool.close()


async def test_a_listener_is_told_to_look_at_everything_after_a_cut(
    server: PostgresServer, store: Store, url: str
) -> None:
    """What changed while nobody could tell us is found by looking."""
    watch = store.watch()
    other = open_address(url)
    async with asyncio.timeout(PATIENCE_SECONDS):
        await other.submit(write(Change(entries=(tagged(1),))))
        assert await watch.next() in ({ANN}, None)
    server.stop()
    server.start()
    async with asyncio.timeout(PATIENCE_SECONDS):
        # The first change may have been found by looking, before the other told of it.
        while (told := await watch.next()) is not None:
            assert told == {ANN}
        await back_within(other)
        await other.submit(write(Change(entries=(tagged(2, BOB),))))
        # What the other could not tell before it was cut off may come first.
        heard: set[str] = set()
        while BOB not in heard:
            heard |= await watch.next() or set()
    assert heard <= {ANN, BOB}
    await other.close()


async def test_a_connection_that_listens_is_asked_whether_it_lives(url: str) -> None:
    """A quiet one is kept as long as it answers; one whose server is stopped is given up."""
    living = await connect(read_address(url), answer_seconds=PATIENCE_SECONDS)
    asked: list[object] = []
    living.add_query_logger(asked.append)
    waiting = asyncio.create_task(wait_until_lost(living, asyncio.Event(), alive_seconds=0.02))
    async with asyncio.timeout(PATIENCE_SECONDS):
        while len(asked) < 10 and not waiting.done():  # noqa: ASYNC110 - the driver tells nobody
            await asyncio.sleep(0.01)
    assert not waiting.done()
    waiting.cancel()
    living.terminate()
    silent = await connect(read_address(url), answer_seconds=1.0)
    pid = silent.get_server_pid()
    os.kill(pid, signal.SIGSTOP)
    try:
        with pytest.raises(StoreUnavailable):
            async with asyncio.timeout(PATIENCE_SECONDS):
                await wait_until_lost(silent, asyncio.Event(), alive_seconds=0.02)
    finally:
        os.kill(pid, signal.SIGCONT)
        silent.terminate()


async def test_a_recipient_that_another_holds_too_long_is_unavailable(
    store: Store, url: str
) -> None:
    """Whoever holds everybody for longer than we wait: all are told, none is kept."""
    holder = await asyncpg.connect(url)
    async with holder.transaction():
        await holder.execute("SELECT pg_advisory_xact_lock(0)")
        with pytest.raises(StoreUnavailable, match=r"lock timeout|TimeoutError"):
            await store.submit(write(Change(entries=(tagged(1),))))
    await holder.close()
    await store.submit(write(Change(entries=(tagged(2),))))
    assert await store.read_entries(ANN, Page()) == [tagged(2)]


async def test_two_processes_that_write_to_the_same_people_lose_nothing(
    store: Store, url: str
) -> None:
    """They take turns person by person, and none waits for the other for ever."""
    other = open_address(url)

    async def submit(at: Store, first: int) -> None:
        for number in range(first, first + 60, 4):
            changes = (
                write(Change(entries=(tagged(number + n, PEOPLE[(number + n) % 5]),)))
                for n in range(4)
            )
            await asyncio.gather(*map(at.submit, changes))

    await asyncio.gather(submit(store, 1), submit(other, 101))
    assert len(await find_entries(store)) == 120
    await other.close()


async def test_a_server_that_does_not_wait_for_the_disk_is_refused(url: str) -> None:
    """It would call an opt-out durable before it is; the error says how to mend it."""
    connection = await asyncpg.connect(url)
    name = name_in(url)
    await connection.execute(f"ALTER DATABASE {name} SET synchronous_commit = off")
    await connection.close()
    with pytest.raises(StoreUnavailable, match=r"synchronous_commit off.*Switch it on"):
        open_address(url)


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("postgresql://ann:geheim@127.0.0.1:1/sms", "postgresql://ann:[*]{3}@127.0.0.1:1/sms"),
        ("postgresql://ann:geheim@/sms?host=/nowhere", "cannot be opened"),
    ],
)
async def test_a_server_that_is_not_there_is_named_without_the_password(
    url: str, told: str
) -> None:
    """The error says which database, and what to check."""
    with pytest.raises(StoreUnavailable, match=told) as refused:
        open_address(url)
    assert "geheim" not in str(refused.value)
    assert "Check that it runs" in str(refused.value)


async def test_a_host_that_says_nothing_does_not_keep_us_from_the_next(
    server: PostgresServer, url: str
) -> None:
    """A host that lost its power refuses nothing: the one that took over is reached all the same.

    It is the second of two, and the first takes connections and never answers.
    """
    with socket.create_server(("127.0.0.1", 0)) as silent:
        hosts = f"127.0.0.1,{server.folder}&port={silent.getsockname()[1]},{server.port}"
        store = open_address(f"postgresql://postgres@/{name_in(url)}?host={hosts}")
        async with given_time() as time:
            await store.submit(write(Change(entries=(tagged(1),))))
            await store.read_facts(ANN)
            assert time.seconds < BACK_WITHIN_SECONDS
        await store.close()


async def test_of_two_hosts_that_are_gone_the_first_is_told_of(url: str) -> None:
    """As if it were alone."""
    with pytest.raises(StoreUnavailable, match="Check that it runs"):
        open_address(f"postgresql://postgres@127.0.0.1:1,127.0.0.1:2/{name_in(url)}")


async def test_a_missing_database_is_named(server: PostgresServer) -> None:
    """As the server tells it."""
    with pytest.raises(StoreUnavailable, match='"nowhere" does not exist'):
        open_address(server.url("nowhere"))


async def test_a_database_that_says_nothing_is_given_up(
    server: PostgresServer, store: Store
) -> None:
    """Stopped in the middle, it refuses nothing: all that the gate needs is given up in a second.

    Together, too: what was read for a request before the gate has waited for it already.
    """
    for read in (store.read_facts(ANN), store.read_keys(), store.read_carriers()):
        await read
    server.freeze()
    try:
        for _ in range(3):
            async with given_time() as time:
                for read in (store.read_keys(), store.read_carriers(), store.read_facts(ANN)):
                    with pytest.raises(StoreUnavailable):
                        await read
                assert time.seconds < GATE_ANSWER_SECONDS + 0.5
            await asyncio.sleep(REFUSED_SECONDS)
    finally:
        server.thaw()
    assert await back_within(store) < BACK_WITHIN_SECONDS


async def test_who_does_not_go_on_with_a_batch_holds_nobody_for_long(
    store: Store, url: str
) -> None:
    """A host that is gone cannot give back whom it holds: the server takes them from it."""
    holder = await asyncpg.connect(url)
    await holder.execute("BEGIN; SET LOCAL idle_in_transaction_session_timeout = 4000")
    await holder.execute("SELECT pg_advisory_xact_lock(0)")
    async with given_time() as time:
        await store.submit(write(Change(entries=(tagged(1),))))
        assert time.seconds < 7
    # What it would have done next comes too late.
    with pytest.raises((asyncpg.PostgresError, asyncpg.InterfaceError, OSError)):
        await holder.execute("COMMIT")
