"""Puts entries into the transparency log, beside the batches, over a connection of its own.

Transactions end in another order than they began in. So the log takes in windows of transactions
that have all ended: those below the oldest one under way. Within a window entries are in the order
of their numbers, which is the order in which those of one recipient became durable.

The row of the head is held while some entries are integrated, so two processes never integrate
together, and when one is killed the database lets go of the row.
"""

import logging
import secrets
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

import asyncpg

from consentry.ports import SALT_BYTES, Clock, LogHead, NoteSigner
from consentry.store.log_damage import check_size
from consentry.store.log_leaves import (
    CHECKPOINT_SECONDS,
    ENTRIES_AT_ONCE,
    LOOKED_AT,
    EntryRow,
    Growth,
    Leaves,
    add_timestamp,
    find_tails,
    forget_salts,
    grow,
    list_missed,
    read_entries,
    read_up_to_sealed,
    row_of_checkpoint,
    row_of_key,
    sign_tree,
    split_seqs,
    tell_missing,
)
from consentry.store.postgres.connection import Connection
from consentry.store.postgres.statements import read_statements
from consentry.wire.merkle import Span
from consentry.wire.tiles import TileName, hash_span

_PATIENT: Final = (
    "SET LOCAL enable_seqscan = off; SET LOCAL jit = off; "
    "SET LOCAL max_parallel_workers_per_gather = 0"
)
"""Windows are found by where they lie on the disk, whatever the planner knows of the table, and by
one process: to start others takes several times as long as to look.
"""

_IMPATIENT: Final = "SET LOCAL lock_timeout = 100; SET LOCAL statement_timeout = 10000"
"""Milliseconds. Whoever waits longer for a vacuum has the server break that off. What was
summarized until the time is over stays.
"""

_LOG: Final = read_statements("log")
_log = logging.getLogger(__name__)


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
        self._is_ready = False
        # How many entries the index of ranges may not know yet; before the first look, any number.
        self._unsummarized = ENTRIES_AT_ONCE
        # Of a window that is open the index was told when it was opened.
        self._is_within = False

    async def integrate_some(self, connection: Connection) -> Head | None:
        """Integrate the next entries; tell how far the log is then. None: there was nothing to do.

        Where the window is still open there are more of it. Raises `TextSealed` where the next one
        cannot be opened.
        """
        if self._unsummarized >= ENTRIES_AT_ONCE and not self._is_within:
            await self._summarize(connection)
        if not self._is_ready:
            async with connection.transaction():
                await connection.execute(_PATIENT)
                self._is_ready = await self._get_ready(connection)
        async with connection.transaction():
            await connection.execute(_PATIENT)
            if not await self._is_waiting(connection):
                return None
            head = await self._hold(connection)
            if head is None:
                return None
            wanted = min(head.after + ENTRIES_AT_ONCE, head.last)
            rows, until = await self._read(connection, head, wanted)
            further = head.advance(head.size + len(rows), until)
            growth = await self._append(connection, head.size, rows) if rows else None
            await _execute(connection, "advance_head", further._asdict())
            # What is behind a text that cannot be opened may wait for long: it is signed up to it.
            is_last = not further.is_open or until < wanted
            if growth is not None and self._is_due(is_last=is_last):
                await self._sign(connection, growth.size, growth.root)
        self._unsummarized += len(rows)
        self._is_within = further.is_open
        return further

    async def integrate_many(self, connection: Connection, steps: int) -> LogHead:
        """Integrate as many as these steps take, and sign them; tell how many are left."""
        self._signs_at = 0.0
        for _ in range(steps):
            if await self.integrate_some(connection) is None:
                break
        return await read_head(connection)

    async def _summarize(self, connection: Connection) -> None:
        """Have the index of ranges know the newest ones: else each look reads all of them.

        Where it cannot be had now (somebody vacuums, the table is another user's), looks take
        longer, and it is tried again behind some more entries.
        """
        self._unsummarized = 0
        try:
            async with connection.transaction():
                await connection.execute(_IMPATIENT)
                await _fetch(connection, "summarize", {})
        except asyncpg.PostgresError as error:
            _log.debug("ranges_not_summarized", extra={"why": str(error)})

    async def _get_ready(self, connection: Connection) -> bool:
        """Go on where a log ends that came from elsewhere; sign one whose end is not signed.

        False: another process is about to do so.
        """
        held = await _fetch(connection, "hold_head", {})
        if not held:
            return False
        head = _read_row(held[0])
        ((_, begun),) = await _fetch(connection, "read_horizon", {})
        measured = await _fetch(connection, "measure_log", {}) if head.size == 0 else []
        if measured:
            # Copied by `consentry db copy`: what is behind its last entry comes in the usual way.
            await self._adopt(connection, *measured[0])
        elif begun < head.below:
            # Brought here by other means: this server numbers its transactions from elsewhere on.
            await _execute(connection, "hold_entries", {})
            ((newest,),) = await _fetch(connection, "newest_seq", {})
            await self._adopt(connection, head.size, newest)
        ((signed, size),) = await _fetch(connection, "read_signed", {})
        if signed < size:
            await self._sign(connection, size, await self._read_root(connection, size))
        return True

    async def _adopt(self, connection: Connection, size: int, last: int) -> None:
        """Take over a log of this size, and put in what it lacks of the entries up to a number."""
        missing = await _find_missing(connection, size, last)
        for start in range(0, len(missing), ENTRIES_AT_ONCE):
            cut = missing[start : start + ENTRIES_AT_ONCE]
            wanted = {"lowest": cut[0], "highest": cut[-1], "seqs": cut}
            found = await _fetch(connection, "read_these", wanted)
            rows = read_entries((seq, value.encode()) for seq, value in found)
            size = (await self._append(connection, size, rows)).size
        head = Head(size, 0, 0, 0, 0, copied=last)
        await _execute(connection, "advance_head", head._asdict())

    async def _read_root(self, connection: Connection, size: int) -> bytes:
        names, _ = find_tails(size)
        return hash_span(Span(0, size), await read_tiles(connection, names))

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
        head = _read_row(held[0])
        if head.is_open:
            return head
        ((ended, _),) = await _fetch(connection, "read_horizon", {})
        if ended <= head.below:
            return None
        wanted = {"below": head.below, "upto": ended, "copied": head.copied}
        ((first, last),) = await _fetch(connection, "span_window", wanted)
        return None if first is None else head.open_window(ended, first, last)

    async def _read(
        self, connection: Connection, head: Head, until: int
    ) -> tuple[list[EntryRow], int]:
        """Read the entries of a window up to a number, and tell up to which they were taken."""
        found = await _fetch(connection, "read_window", {**head._asdict(), "until": until})
        rows = read_up_to_sealed((seq, value.encode()) for seq, value in found)
        return rows, until if len(rows) == len(found) else rows[-1][0]

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

    async def _sign(self, connection: Connection, size: int, root: bytes) -> None:
        now = self._clock.now()
        key, value = row_of_key(self._signer, now)
        await _execute(connection, "write_key", {"id": key, "value": value})
        checkpoint = sign_tree(self._signer, size, root, now)
        _, value = row_of_checkpoint(checkpoint)
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
    return _read_row(head)


def _read_row(row: tuple[Any, ...]) -> Head:
    head = Head(*row)
    check_size(head.size)
    return head


async def keep_timestamp(connection: Connection, size: int, answer: bytes) -> None:
    """Keep an authority's answer beside the checkpoint of this size."""
    found = await _fetch(connection, "read_checkpoint", {"size": size})
    for (value,) in found:
        values = {"size": size, "value": add_timestamp(value, answer)}
        await _execute(connection, "stamp_checkpoint", values)


async def read_tiles(connection: Connection, names: list[TileName]) -> dict[TileName, bytes]:
    """Read tiles; those that are not there are left out."""
    wanted = {"levels": [n.level for n in names], "numbers": [n.number for n in names]}
    found = await _fetch(connection, "read_tiles", wanted)
    return {TileName(level, number): hashes for level, number, hashes in found}


async def _read_leaves(connection: Connection, number: int) -> Leaves:
    for row in await _fetch(connection, "read_leaves", {"number": number}):
        return Leaves(*row)
    raise tell_missing(f"the leaves of its tile {number}")


async def _find_missing(connection: Connection, size: int, last: int) -> list[int]:
    """Find the entries up to a number that are not among the leaves of a log of this size.

    They stand a little behind later ones, and there are only few of them: so they are looked for
    from the end. Numbers may have holes.
    """
    ((count,),) = await _fetch(connection, "count_up_to", {"last": last})
    left, missing = count - size, list[int]()
    while len(missing) < left and last > 0:
        between = {"lowest": last - LOOKED_AT, "highest": last}
        known: set[int] = set()
        for (cut,) in await _fetch(connection, "leaves_between", between):
            known.update(split_seqs(cut))
        found = await _fetch(connection, "seqs_between", between)
        missing += [seq for (seq,) in found if seq not in known]
        last -= LOOKED_AT
    return sorted(missing)


async def destroy_salts(connection: Connection, seqs: list[int]) -> None:
    """Destroy the salts of entries by their numbers; the transaction is the caller's.

    Without its salt nobody can try out what an entry said; its leaf stays what it is. An entry that
    is not in the log yet has none: it gets in as it is then, and none gets in meanwhile.
    """
    await _fetch(connection, "wait_for_head", {})
    tiles = [Leaves(*row) for row in await _fetch(connection, "rows_near", {"seqs": seqs})]
    missed = list_missed(tiles, seqs)
    if missed:
        others = await _fetch(connection, "rows_of", {"seqs": missed})
        tiles += [leaves for row in others if (leaves := Leaves(*row)) not in tiles]
    await _write_leaves(connection, [forget_salts(leaves, seqs) for leaves in tiles])


async def write_growth(connection: Connection, growth: Growth) -> None:
    """Write tiles and leaves; the transaction is the caller's."""
    tiles = {
        "levels": [name.level for name in growth.tiles],
        "numbers": [name.number for name in growth.tiles],
        "hashes": list(growth.tiles.values()),
    }
    await _execute(connection, "write_tiles", tiles)
    await _write_leaves(connection, growth.leaves)


async def _write_leaves(connection: Connection, leaves: list[Leaves]) -> None:
    numbers, first_seqs, last_seqs, seqs, salts = zip(*leaves, strict=True) if leaves else ((),) * 5
    columns = {
        "numbers": numbers,
        "first_seqs": first_seqs,
        "last_seqs": last_seqs,
        "seqs": seqs,
        "salts": salts,
    }
    await _execute(connection, "write_leaves", columns)


async def _fetch(
    connection: Connection, name: str, values: Mapping[str, object]
) -> list[tuple[Any, ...]]:
    query = _LOG[name]
    return [tuple(row) for row in await connection.fetch(query.sql, *query.bind(values))]


async def _execute(connection: Connection, name: str, values: Mapping[str, object]) -> None:
    query = _LOG[name]
    await connection.execute(query.sql, *query.bind(values))
