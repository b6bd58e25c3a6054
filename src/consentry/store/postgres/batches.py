"""Batches of commands on PostgreSQL: one transaction each, on one connection at a time."""

import asyncio
import logging
from collections.abc import Sequence
from math import inf
from typing import Final, NamedTuple

import asyncpg
import asyncpg.exceptions as errors

from consentry.domain.policy import Policy
from consentry.ports import (
    Clock,
    EntryCounts,
    Ids,
    LogDamaged,
    Measuring,
    StoreUnavailable,
    count_entries,
)
from consentry.store.batch import AnyCommand, Batch, Failure, fail_all, is_outage
from consentry.store.changed import Changed
from consentry.store.erased import NO_KEYS
from consentry.store.loaded import Wanted
from consentry.store.postgres.address import Address
from consentry.store.postgres.connection import (
    LOST,
    REFUSED_SECONDS,
    SOON_SECONDS,
    Connection,
    connect,
    is_unavailable,
    let_go,
)
from consentry.store.postgres.encoding import COLUMN_ROWS, Row
from consentry.store.postgres.erasing import load_held
from consentry.store.postgres.loading import (
    DirectoryReader,
    asks_for_work,
    find_recipients,
    hold_due,
    list_keys,
    load,
    recall,
    recall_texts,
)
from consentry.store.postgres.writing import ChangedMeanwhile, write
from consentry.store.working_set import Surroundings, WorkingSet
from consentry.wire.keyed_hash import HashKeys

_TRIES: Final = 5
_IDLE_MILLISECONDS: Final = 4000
"""A process that does not go on with its batch for so long has lost it: its host may be gone."""

_WAIT_MILLISECONDS: Final = 8000
"""How long a batch waits for who holds the same recipients: longer than for a host that is gone."""


# Plans go by the indexes, whatever the tables' sizes were when they were made. A session of our own
# is set up so once; a pooler gives each transaction another one, so there each says it anew.
_SETTINGS: Final = {
    "lock_timeout": str(_WAIT_MILLISECONDS),
    "statement_timeout": "0",
    "idle_in_transaction_session_timeout": str(_IDLE_MILLISECONDS),
    "plan_cache_mode": "force_generic_plan",
    "enable_seqscan": "off",
    "enable_hashjoin": "off",
    "enable_mergejoin": "off",
    "jit": "off",
}
_BEGIN: Final = "BEGIN"
_BEGIN_POOLED: Final = "; ".join(
    ["BEGIN", *(f"SET LOCAL {name} = {value}" for name, value in _SETTINGS.items())]
)

# Everybody shares one key, so that a batch of very many recipients can hold it alone instead: the
# server has room for only so many locks.
_HOLD: Final = """;
SELECT pg_advisory_xact_lock_shared(0);
SELECT pg_advisory_xact_lock(key) FROM unnest('{{{}}}'::bigint[]) AS key"""
_HOLD_EVERYBODY: Final = "; SELECT pg_advisory_xact_lock(0)"
_KEYS_MAX: Final = 1000

# A transaction that wrote nothing waits for no standby, and what it has read may not be there yet:
# the server shows what it has once stopped waiting for. So where there is one, an empty message to
# nobody is written, which the commit waits for.
_END_UNWRITTEN: Final = """SELECT pg_logical_emit_message(true, 'consentry', '')
WHERE current_setting('synchronous_standby_names') <> '';
COMMIT"""

_log = logging.getLogger(__name__)


class Around(NamedTuple):
    """What every batch is decided with."""

    clock: Clock
    ids: Ids
    policy: Policy
    measuring: Measuring
    hash_keys: HashKeys = NO_KEYS


class _Unsure(Exception):
    """The answer to COMMIT was lost: whether the batch is durable is not known."""


class _Gone(Exception):
    """The connection was gone before anything was asked: the same can be asked over a new one."""


_AGAIN: Final = (_Gone, ChangedMeanwhile, errors.TransactionRollbackError)
"""Nothing was kept, and the next try may find nobody in its way."""


class Losses:
    """When a connection of this writer was last found lost, for all its lanes.

    What has taken one connection has most likely taken the others, and one that is silent is
    found out only by waiting. A database that could not be reached is not tried again at once.
    """

    def __init__(self) -> None:
        self.last_at = -inf
        self.refused: tuple[float, Exception | None] = -inf, None


class Undertaken(NamedTuple):
    """A batch that has decided and is not durable yet, or the error that was in its way."""

    commands: Sequence[AnyCommand]
    began: float
    decided: tuple[list[object], Changed[Row], int] | Exception


class Lane:
    """Carries out one batch at a time over one connection, made anew where it was lost.

    A batch is undertaken (begun, loaded, decided) and then completed (written, durable). What it
    decided about is held in between, so that another lane may undertake the next meanwhile.
    Everything here runs in the writer's thread, in its event loop.
    """

    def __init__(
        self, address: Address, surroundings: Around, *, directory: DirectoryReader, losses: Losses
    ) -> None:
        """Write to this database; lanes of one writer share the directory and the losses."""
        self._address = address
        self._around = surroundings
        self._directory = directory
        self._losses = losses
        self._connection: Connection | None = None
        self._proved_at = -inf
        self._warned = False
        self._touched: frozenset[str] = frozenset()
        self._customers = 0
        self._entries = EntryCounts()
        self.written = 0
        """How many times something was written, kept or not."""
        self.is_writing = False
        """Whether something is on its way that the database may have counted, and we have not."""

    async def undertake(self, commands: Sequence[AnyCommand]) -> Undertaken:
        """Begin a batch, show each command what it needs, and let it decide, in order."""
        began = self._around.clock.monotonic()
        try:
            return Undertaken(commands, began, await self._decide(Batch(commands)))
        except Exception as error:  # noqa: BLE001 - whatever it is, `complete` tells every caller
            await self._undo(error)
            return Undertaken(commands, began, error)

    async def complete(self, undertaken: Undertaken) -> list[object]:
        """Make a batch durable; return the outcome or `Failure` of each command.

        A command that fails changes nothing and takes no other along. What the database itself
        cannot do is `StoreUnavailable` for all of them. Where the rows of one command break a
        rule of the schema, the batch is begun again command by command.
        """
        self._entries = EntryCounts()
        return await self._complete(undertaken, _TRIES)

    def note(self, undertaken: Undertaken, outcomes: list[object]) -> None:
        """Tell whoever measures of a batch that is over."""
        seconds = self._around.clock.monotonic() - undertaken.began
        is_durable = not any(map(is_outage, outcomes))
        self._around.measuring.note_batch(
            len(outcomes), seconds, self._entries, is_durable=is_durable
        )

    async def _complete(self, undertaken: Undertaken, tries: int) -> list[object]:
        commands, decided = undertaken.commands, undertaken.decided
        if not isinstance(decided, Exception):
            try:
                return await self._make_durable(*decided)
            except Exception as error:  # noqa: BLE001 - whatever it is, every caller must be told
                await self._undo(error)
                decided = error
        if isinstance(decided, _AGAIN) and tries > 1:
            return await self._complete(await self.undertake(commands), tries - 1)
        told = await self._explain(decided)
        if told is not None:
            return fail_all(commands, told)
        if len(commands) == 1:
            return [Failure(decided)]
        return [outcome for command in commands for outcome in await self._carry_out_alone(command)]

    async def _explain(self, error: Exception) -> StoreUnavailable | None:
        """Say what the database could not do; None for what one command's rows must answer for."""
        if isinstance(error, _Unsure):
            return StoreUnavailable(
                "The database was lost while the change was being made durable "
                f"({error.__cause__}). It may or may not have been kept: ask before repeating it."
            )
        cause = error.__cause__ if isinstance(error, _Gone) else error
        if cause is not None and is_unavailable(cause):
            # Whatever state it is in, the next batch begins with a new one.
            await self.drop()
            return _kept_nothing(cause)
        if isinstance(error, LogDamaged):
            return None
        if isinstance(error, StoreUnavailable | ChangedMeanwhile | errors.TransactionRollbackError):
            return _kept_nothing(error)
        return None

    async def _carry_out_alone(self, command: AnyCommand) -> list[object]:
        return await self._complete(await self.undertake([command]), _TRIES)

    async def _decide(self, batch: Batch) -> tuple[list[object], Changed[Row], int]:
        wanted = batch.gather()
        connection = await self._connect()
        held = await self._begin(connection, wanted)
        now = self._around.clock.now()
        if wanted.due_jobs:
            held += await hold_due(connection, wanted, now)
        found, version = await load(connection, wanted, held, now)
        directory = self._directory.known(version)
        if directory is None:
            directory, version = await self._directory.read(connection)
        if directory.erased_keys:
            asked = self._directory.asked
            await recall(connection, wanted, found, asked)
            await recall_texts(connection, batch.list_texts(), found, asked)
        for number in wanted.held:
            found.held[number] = await load_held(connection, number, self._directory.asked)
        surroundings = Surroundings(now, self._around.ids, self._around.policy, directory)
        facts = WorkingSet(surroundings, wanted, found, encoder=COLUMN_ROWS)
        return batch.decide(facts), facts.changed, version

    async def _make_durable(
        self, outcomes: list[object], changed: Changed[Row], version: int
    ) -> list[object]:
        connection = self._connection
        if connection is None or connection.is_closed():
            # Over another one nothing would be held any more.
            raise _Gone from ConnectionResetError("the connection was lost")
        self.is_writing = True
        try:
            is_written = await write(connection, changed, version)
            self.written += is_written
        finally:
            self.is_writing = False
        await self._commit(connection, "COMMIT" if is_written else _END_UNWRITTEN)
        self._entries += count_entries(changed.changes)
        self._touched |= changed.touched()
        self._customers += len(changed.customers)
        return outcomes

    def take_changed(self) -> tuple[frozenset[str], int]:
        """Take the recipients that became durable since the last time, and count customers."""
        taken = self._touched, self._customers
        self._touched, self._customers = frozenset(), 0
        return taken

    async def _begin(self, connection: Connection, wanted: Wanted) -> list[str]:
        """Begin, and hold what the batch decides about; return whom its messages are for.

        What is loaded afterwards is as the last holder left it.
        """
        found: list[str] = []
        begin = _BEGIN if self._address.prepared else _BEGIN_POOLED
        if asks_for_work(wanted):
            await _first(connection, begin)
            begin, found = "", await find_recipients(connection, wanted)
        keys = list_keys(wanted, found)
        if len(keys) > _KEYS_MAX:
            begin += _HOLD_EVERYBODY
        elif keys or wanted.due_jobs:
            begin += _HOLD.format(",".join(map(str, keys)))
        if begin:
            await _first(connection, begin)
        return found

    async def _commit(self, connection: Connection, end: str) -> None:
        """Make it durable; raises `_Unsure` where the answer does not say that it is."""
        self._warned = False
        try:
            told = await connection.execute(end)
        except Exception as error:
            if isinstance(error, LOST):
                self._lose()
            else:
                await self.drop()
            raise _Unsure from error
        if self._warned:
            # The server was told to wait no longer for its standby: it says so, and "COMMIT".
            raise _Unsure from StoreUnavailable("it stopped waiting for its standby")
        if told != "COMMIT":
            raise StoreUnavailable(f"The database answered COMMIT with {told}.")
        self._proved_at = _seconds()

    async def _undo(self, error: Exception) -> None:
        """Leave nothing begun; a connection that cannot is dropped."""
        if isinstance(error, (_Gone, *LOST)):
            # One that only did not answer in time would have us wait as long again.
            self._lose()
        if self._connection is None or not self._connection.is_in_transaction():
            return
        try:
            await self._connection.execute("ROLLBACK")
        except Exception:  # noqa: BLE001 - whatever it is, the server undoes what it lost
            await self.drop()

    async def _connect(self) -> Connection:
        """Give the connection, made where there is none."""
        if self._connection is not None and not self._connection.is_closed():
            if self._proved_at >= self._losses.last_at:
                return self._connection
            self._connection.terminate()
        refused_at, refusal = self._losses.refused
        if refusal is not None and _seconds() < refused_at + REFUSED_SECONDS:
            raise refusal
        made = await self._connect_anew()
        made.add_log_listener(self._hear)
        self._connection, self._proved_at = made, _seconds()
        return made

    async def _connect_anew(self) -> Connection:
        refusal: Exception | None = None
        try:
            return await connect(self._address, settings=_SETTINGS, answer_seconds=SOON_SECONDS)
        except Exception as error:
            refusal = error
            raise
        finally:
            self._losses.refused = _seconds(), refusal

    def _lose(self) -> None:
        """Take the connection for lost, without a word to whoever may be at its other end."""
        self._losses.last_at = _seconds()
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.terminate()

    def _hear(self, _connection: object, message: asyncpg.PostgresLogMessage) -> None:
        self._warned = True
        _log.warning("the database says: %s", message)

    async def drop(self) -> None:
        """Let go of the connection; the next batch makes another."""
        connection, self._connection = self._connection, None
        if connection is not None:
            await let_go(connection)


def _seconds() -> float:
    return asyncio.get_running_loop().time()


async def _first(connection: Connection, sql: str) -> None:
    """Run what a transaction begins with; raises `_Gone` where the connection was lost already."""
    try:
        await connection.execute(sql)
    except LOST as error:
        raise _Gone from error


def _kept_nothing(error: BaseException) -> StoreUnavailable:
    if isinstance(error, StoreUnavailable):
        return error
    told = str(error) or type(error).__name__
    if isinstance(error, ChangedMeanwhile):
        told = "others changed the same, again and again"
    return StoreUnavailable(
        f"The database could not make the change durable ({told}). Nothing of it was kept; "
        "check the database and try again."
    )
