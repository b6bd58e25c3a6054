"""Puts entries into the transparency log, beside the batches, over a connection of its own.

Transactions end in another order than they began in. So the log takes in windows of transactions
that have all ended: those below the oldest one under way. Within a window entries are in the order
of their numbers, which is the order in which those of one recipient became durable.

The row of the head is held while some entries are integrated, so two processes never integrate
together, and when one is killed the database lets go of the row.
"""

import secrets
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from consentry.ports import SALT_BYTES, Clock, LogHead, NoteSigner
from consentry.store.log_leaves import (
    CHECKPOINT_SECONDS,
    EntryRow,
    Growth,
    Leaves,
    find_tails,
    grow,
    read_entry,
    row_of_checkpoint,
    row_of_key,
    sign_tree,
)
from consentry.store.postgres.connection import Connection
from consentry.store.postgres.statements import read_statements
from consentry.wire.tiles import TileName

ENTRIES_AT_ONCE: Final = 1024
_PATIENT: Final = "SET LOCAL enable_seqscan = off; SET LOCAL jit = off"
"""Windows are found by where they lie on the disk, whatever the planner knows of the table."""

_LOG: Final = read_statements("log")


class Head(NamedTuple):
    """How far the log is; the migration says what each number is."""

    size: int
    below: int
    upto: int
    after: int
    last: int
    copied: int

    @property
    def is_open(self) -> bool:
        """Tell whether a window is not done yet."""
        return self.below < self.upto

    def open_window(self, upto: int, first: int, last: int) -> "Head":
        """Begin with the transactions up to this one, whose entries have numbers in between."""
        return self._replace(upto=upto, after=first - 1, last=last)

    def advance(self, size: int, until: int) -> "Head":
        """Have all entries of the window up to this number in a log of this size."""
        if until < self.last:
            return self._replace(size=size, after=until)
        return self._replace(size=size, below=self.upto, after=until)


class LogIntegrator:
    """Brings the log up to the newest entry, some at a time."""

    def __init__(self, signer: NoteSigner, clock: Clock) -> None:
        """Sign with this signer."""
        self._signer = signer
        self._clock = clock
        self._signs_at = 0.0

    async def integrate_some(self, connection: Connection) -> bool:
        """Integrate the next entries; tell whether there may be more at once."""
        async with connection.transaction():
            await connection.execute(_PATIENT)
            if not await self._is_waiting(connection):
                return False
            head = await self._hold(connection)
            if head is None:
                return False
            until = min(head.after + ENTRIES_AT_ONCE, head.last)
            rows = await self._read(connection, head, until)
            further = head.advance(head.size + len(rows), until)
            growth = await self._append(connection, head.size, rows) if rows else None
            await _execute(connection, "advance_head", further._asdict())
            if growth is not None and self._is_due(is_last=not further.is_open):
                await self._sign(connection, growth)
        return True

    async def integrate_many(self, connection: Connection, steps: int) -> LogHead:
        """Integrate as many as these steps take, and sign them; tell how many are left."""
        self._signs_at = 0.0
        for _ in range(steps):
            if not await self.integrate_some(connection):
                break
        return await read_head(connection)

    async def _is_waiting(self, connection: Connection) -> bool:
        """Look without holding anything, which would itself be written down."""
        head = await _read_place(connection)
        if head.is_open:
            return True
        ((waits,),) = await _fetch(connection, "is_waiting", head._asdict())
        return bool(waits)

    async def _hold(self, connection: Connection) -> Head | None:
        """Hold the head, with a window that is not done; None: others do, or there is none."""
        held = await _fetch(connection, "hold_head", {})
        if not held:
            return None
        head = Head(*held[0])
        if head.is_open:
            return head
        ((ended, _),) = await _fetch(connection, "read_horizon", {})
        if ended <= head.below:
            return None
        wanted = {"below": head.below, "upto": ended, "copied": head.copied}
        ((first, last),) = await _fetch(connection, "span_window", wanted)
        return None if first is None else head.open_window(ended, first, last)

    async def _read(self, connection: Connection, head: Head, until: int) -> list[EntryRow]:
        found = await _fetch(connection, "read_window", {**head._asdict(), "until": until})
        return [read_entry(seq, value.encode()) for seq, value in found]

    async def _append(self, connection: Connection, size: int, rows: list[EntryRow]) -> Growth:
        names, number = find_tails(size)
        tails = await read_tiles(connection, names)
        tail = None if number is None else await _read_leaves(connection, number)
        salts = secrets.token_bytes(SALT_BYTES * len(rows))
        growth = grow(size, tails, tail, rows=rows, salts=salts)
        await write_growth(connection, growth)
        return growth

    def _is_due(self, *, is_last: bool) -> bool:
        return is_last or self._clock.monotonic() >= self._signs_at

    async def _sign(self, connection: Connection, growth: Growth) -> None:
        now = self._clock.now()
        key, value = row_of_key(self._signer, now)
        await _execute(connection, "write_key", {"id": key, "value": value})
        checkpoint = sign_tree(self._signer, growth.size, growth.root, now)
        size, value = row_of_checkpoint(checkpoint)
        await _execute(connection, "write_checkpoint", {"size": size, "value": value})
        self._signs_at = self._clock.monotonic() + CHECKPOINT_SECONDS


async def read_head(connection: Connection) -> LogHead:
    """Tell how far the log is."""
    async with connection.transaction():
        await connection.execute(_PATIENT)
        head = await _read_place(connection)
        ((waiting,),) = await _fetch(connection, "count_waiting", head._asdict())
    return LogHead(head.size, waiting)


async def _read_place(connection: Connection) -> Head:
    (head,) = await _fetch(connection, "read_head", {})
    return Head(*head)


async def read_tiles(connection: Connection, names: list[TileName]) -> dict[TileName, bytes]:
    """Read tiles; those that are not there are left out."""
    wanted = {"levels": [n.level for n in names], "numbers": [n.number for n in names]}
    found = await _fetch(connection, "read_tiles", wanted)
    return {TileName(level, number): hashes for level, number, hashes in found}


async def _read_leaves(connection: Connection, number: int) -> Leaves:
    for row in await _fetch(connection, "read_leaves", {"number": number}):
        return Leaves(*row)
    raise LookupError(
        f"The ledger's log lacks the leaves of its tile {number}. Somebody has changed the "
        "database: run `consentry ledger verify`."
    )


async def write_growth(connection: Connection, growth: Growth) -> None:
    """Write tiles and leaves; the transaction is the caller's."""
    tiles = {
        "levels": [name.level for name in growth.tiles],
        "numbers": [name.number for name in growth.tiles],
        "hashes": list(growth.tiles.values()),
    }
    await _execute(connection, "write_tiles", tiles)
    numbers, first_seqs, last_seqs, seqs, salts = zip(*growth.leaves, strict=True)
    leaves = {
        "numbers": numbers,
        "first_seqs": first_seqs,
        "last_seqs": last_seqs,
        "seqs": seqs,
        "salts": salts,
    }
    await _execute(connection, "write_leaves", leaves)


async def _fetch(
    connection: Connection, name: str, values: Mapping[str, object]
) -> list[tuple[Any, ...]]:
    query = _LOG[name]
    return [tuple(row) for row in await connection.fetch(query.sql, *query.bind(values))]


async def _execute(connection: Connection, name: str, values: Mapping[str, object]) -> None:
    query = _LOG[name]
    await connection.execute(query.sql, *query.bind(values))
