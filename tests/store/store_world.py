"""What the store's tests share: a clock that ticks, ids that count, small commands and values."""

import asyncio
import itertools
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Generic, Protocol, TypeVar

import asyncpg

from consentry.domain.customers import Customer, CustomerPhone
from consentry.domain.entries import Actor, ActorKind, Entry, EntryKind
from consentry.domain.messages import Direction, Job, JobState, Message, MessageStatus
from consentry.domain.policy import Policy
from consentry.domain.standing import Piece, Tag
from consentry.ports import Change, Facts, Ids, LogHead, Needs, Receipt, Store
from consentry.store.postgres.store import PostgresStore
from consentry.store.sqlite.connection import open_connection
from consentry.store.sqlite.store import SQLiteStore
from consentry.wire.keyed_hash import HashKeys, derive_hash_key

T = TypeVar("T")

SECRET_KEY = "a secret key of the server, long enough"
HASH_KEYS = HashKeys([derive_hash_key(SECRET_KEY)])

START = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
ANN, BOB = "+14155550101", "+14155550102"
SENDER, OTHER_SENDER = "+18005550100", "+18005550199"
CARRIER = "car_1"


class TickingClock:
    """Each reading is a millisecond later, so that every batch has a time of its own."""

    def __init__(self) -> None:
        self._readings = itertools.count()

    def now(self) -> datetime:
        """Return the next time."""
        return START + timedelta(milliseconds=next(self._readings))

    def monotonic(self) -> float:
        """Return the time as seconds."""
        return self.now().timestamp()


class CountingIds:
    """Ids that count up; safe in the writer's thread."""

    def __init__(self) -> None:
        self._numbers = itertools.count(1)

    def new(self, prefix: str) -> str:
        """Return the next id."""
        return f"{prefix}_{next(self._numbers):09d}"

    def new_many(self, prefix: str, count: int) -> list[str]:
        """Return the next ids."""
        return [self.new(prefix) for _ in range(count)]


def open_address(address: str, **options: Any) -> Store:
    """Open the database at a path or URL with a clock and ids of its own."""
    clock, policy = TickingClock(), Policy()
    options.setdefault("hash_keys", HASH_KEYS)
    clock, policy = options.pop("clock", None) or TickingClock(), Policy()
    ids: Ids = options.pop("ids", None) or CountingIds()
    if address.startswith("postgresql:"):
        return PostgresStore.open(address, clock=clock, ids=ids, policy=policy, **options)
    return SQLiteStore.open(Path(address), clock=clock, ids=ids, policy=policy, **options)


class Database(Protocol):
    """A database that can be opened again and again."""

    @property
    def address(self) -> str:
        """The path or URL under which another process finds it."""

    def open(self, **options: Any) -> Store:
        """Open it with a clock and ids of its own."""

    async def count_unindexed(self) -> int:
        """Count the customers that are not in the index of grams yet."""

    async def check(self) -> None:
        """Fail where the database is not sound."""


class PostgresDatabase:
    """A database of its own on the tests' server."""

    def __init__(self, address: str) -> None:
        self.address = address

    def open(self, **options: Any) -> Store:
        """Open it with a clock and ids of its own."""
        return open_address(self.address, **options)

    async def run(self, sql: str) -> object:
        """Run SQL by a driver that knows nothing of the store, and give its first value."""
        connection = await asyncpg.connect(self.address)
        try:
            return await connection.fetchval(sql)
        finally:
            await connection.close()

    async def count_unindexed(self) -> int:
        """Count the customers in the queue."""
        return int(str(await self.run("SELECT count(*) FROM search_queue")))

    async def check(self) -> None:
        """Read every entry as what it must be, once nobody else is at it."""
        others = """SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()
            AND backend_type = 'client backend' AND pid <> pg_backend_pid()"""
        async with asyncio.timeout(120):
            # The server goes on with what somebody asked for who was killed.
            while await self.run(others):  # noqa: ASYNC110 - it tells nobody
                await asyncio.sleep(0.01)
        assert await self.run("SELECT count(value::json) - count(*) FROM entries") == 0


class SQLiteDatabase:
    """A file of its own."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "consentry.db"

    @property
    def address(self) -> str:
        """The path."""
        return str(self.path)

    def open(self, **options: Any) -> Store:
        """Open it with a clock and ids of its own."""
        return open_address(self.address, **options)

    async def count_unindexed(self) -> int:
        """Count the customers behind the last that was indexed."""
        with closing(open_connection(self.path)) as connection:
            query = "SELECT max(seq) - (SELECT indexed FROM search_state) FROM customers"
            ((count,),) = connection.execute(query)
            return int(str(count or 0))

    async def check(self) -> None:
        """Ask SQLite."""
        with closing(open_connection(self.path)) as connection:
            assert connection.pragma("integrity_check") == "ok"


class Act(Generic[T]):
    """A command made of a function, and the needs it names."""

    def __init__(self, decide: Callable[[Facts], tuple[T, Change]], needs: Needs) -> None:
        self._decide = decide
        self._needs = needs

    def needs(self) -> Needs:
        """Name the needs."""
        return self._needs

    def decide(self, facts: Facts) -> tuple[T, Change]:
        """Call the function."""
        return self._decide(facts)


def ask(look: Callable[[Facts], T], needs: Needs) -> Act[T]:
    """Make a command that looks at facts and changes nothing."""
    return Act(lambda facts: (look(facts), Change()), needs)


def write(change: Change) -> Act[datetime]:
    """Make a command that writes a change; its outcome is the time of its batch."""
    recipients = tuple(dict.fromkeys(entry.recipient for entry in change.entries))
    return Act(lambda facts: (facts.now, change), Needs(recipients=recipients))


async def integrate_all(store: Store) -> LogHead:
    """Put all that is durable into the log.

    On PostgreSQL an entry waits for who began earlier, and it may be the store's own word to other
    processes.
    """
    async with asyncio.timeout(120):
        while (head := await store.integrate_log()).waiting:  # noqa: ASYNC110 - it tells nobody
            await asyncio.sleep(0.01)
    return head


@asynccontextmanager
async def held(store: Store) -> AsyncIterator[None]:
    """Hold the writer within a batch: what is submitted meanwhile becomes one batch."""
    begun, released = threading.Event(), threading.Event()

    def wait(_facts: Facts) -> tuple[None, Change]:
        begun.set()
        released.wait(timeout=60)
        return None, Change()

    holding = asyncio.create_task(store.submit(Act(wait, Needs())))
    assert await asyncio.to_thread(begun.wait, 60)
    try:
        yield
        await asyncio.sleep(0)
    finally:
        released.set()
        await holding


async def submit_together(store: Store, *commands: Act[T]) -> list[T | BaseException]:
    """Submit commands so that they are one batch, in this order; errors are outcomes."""
    async with held(store):
        tasks = [asyncio.create_task(store.submit(command)) for command in commands]
        await asyncio.sleep(0)
    return await asyncio.gather(*tasks, return_exceptions=True)


def entry(number: int, recipient: str = ANN, *pieces: Piece, **fields: object) -> Entry:
    """Make an entry; later numbers have later ids."""
    values: dict[str, object] = {
        "id": f"ent_{number:05d}",
        "recipient": recipient,
        "kind": EntryKind.OPTED_IN,
        "at": START,
        "recorded_at": START + timedelta(seconds=number),
        "actor": Actor(ActorKind.PERSON, recipient),
        "sender": SENDER,
        "pieces": pieces,
    }
    return Entry(**(values | fields))  # type: ignore[arg-type]


def tagged(number: int, recipient: str = ANN, *, sms: bool = True, **fields: object) -> Entry:
    """Make an entry that changes the SMS tag."""
    return entry(number, recipient, Tag(sms=sms), **fields)


def message(number: int, recipient: str = ANN, **fields: object) -> Message:
    """Make an outbound message; later numbers have later ids."""
    values: dict[str, object] = {
        "id": f"msg_{number:05d}",
        "recipient": recipient,
        "sender": SENDER,
        "direction": Direction.OUTBOUND,
        "status": MessageStatus.QUEUED,
        "body": "Your order is ready.",
        "created_at": START,
        "updated_at": START,
        "actor": Actor(ActorKind.SYSTEM),
        "carrier": CARRIER,
    }
    return Message(**(values | fields))  # type: ignore[arg-type]


def inbound(
    number: int, carrier_message_id: str, recipient: str = ANN, **fields: object
) -> Message:
    """Make an inbound message under a carrier's id."""
    values: dict[str, object] = {
        "direction": Direction.INBOUND,
        "status": MessageStatus.RECEIVED,
        "carrier_message_id": carrier_message_id,
    }
    return message(number, recipient, **(values | fields))


def job(number: int, recipient: str = ANN, **fields: object) -> Job:
    """Make the queued job of `message(number)`, due at the start."""
    values: dict[str, object] = {
        "message": f"msg_{number:05d}",
        "recipient": recipient,
        "sender": SENDER,
        "due_at": START,
    }
    return Job(**(values | fields))  # type: ignore[arg-type]


def queued(*numbers: int, recipient: str = ANN, **fields: object) -> Change:
    """Make a change that queues messages with their jobs; `fields` are the jobs'."""
    sender = fields.get("sender", SENDER)
    return Change(
        messages=tuple(message(n, recipient, sender=sender) for n in numbers),
        jobs=tuple(job(n, recipient, **fields) for n in numbers),
    )


def claimed(number: int, recipient: str = ANN) -> Job:
    """Make the job of `message(number)` as it is while the carrier has it."""
    return job(number, recipient, state=JobState.CLAIMED, attempts=1, claimed_at=START)


def receipt(number: int, carrier_message_id: str, of: str | None = None) -> Receipt:
    """Make a delivery report, matched to one of our messages or not yet."""
    return Receipt(
        id=f"rct_{number}",
        carrier=CARRIER,
        carrier_message_id=carrier_message_id,
        recipient=ANN,
        status=MessageStatus.DELIVERED,
        received_at=START,
        message=of,
    )


def customer(number: int, name: str = "", *numbers: str, **fields: object) -> Customer:
    """Make a profile that holds numbers; later numbers are younger profiles."""
    values: dict[str, object] = {
        "id": f"cus_{number:05d}",
        "name": name,
        "created_at": START,
        "updated_at": START,
        "phones": tuple(CustomerPhone(n, n, "US") for n in numbers),
    }
    return Customer(**(values | fields))  # type: ignore[arg-type]
