"""Puts entries into the transparency log, in the writer's thread, between batches.

Some more than a thousand take as long as one batch, so whoever writes meanwhile hardly waits. All
is read and written in one transaction: whoever else integrates, in another process, takes turns.
"""

import asyncio
import logging
import secrets
from collections.abc import Callable
from contextlib import suppress
from typing import Final, cast

import apsw

from consentry.ports import (
    SALT_BYTES,
    Clock,
    LogDamaged,
    LogHead,
    NoteSigner,
    StoreUnavailable,
    TextSealed,
)
from consentry.store.log_damage import check_size, reading_log
from consentry.store.log_leaves import (
    CHECKPOINT_SECONDS,
    ENTRIES_AT_ONCE,
    LOOKED_AT,
    RETRY_SECONDS,
    STEPS_AT_ONCE,
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
from consentry.store.queries import read_queries
from consentry.store.rows import encode
from consentry.store.sqlite.connection import transaction
from consentry.wire.merkle import Span
from consentry.wire.tiles import TileName, hash_span

_BUSY_PAUSE_SECONDS: Final = 0.02
_LOOK_SECONDS: Final = 2.0
"""How often entries of other processes are looked for: of our own we know."""

_LOG: Final = read_queries("sqlite", "log")
_log = logging.getLogger(__name__)


class LogIntegrator:
    """Brings the log up to the newest entry, some at a time."""

    def __init__(self, writing: apsw.Connection, signer: NoteSigner, clock: Clock) -> None:
        """Write through the writer's connection; everything here runs in its thread."""
        self._writing = writing
        self._signer = signer
        self._clock = clock
        self._due_at = 0.0
        self._signs_at = 0.0
        self._is_ready = False
        self._stamped: list[tuple[int, bytes]] = []
        self._asked: list[asyncio.Future[LogHead]] = []
        self.held = ""
        """Why nothing was put in the last time; empty where it was. Other threads read it."""

    def rest(self, *, idle: bool) -> float | None:
        """Integrate some if it is time; say in how many seconds to be called again."""
        self._answer()
        now = self._clock.monotonic()
        if now < self._due_at:
            return self._due_at - now
        try:
            found = self.integrate_some()
        except (LogDamaged, TextSealed, apsw.SQLError) as error:
            _tell_damage(error)
            self.held = str(error)
            wait_seconds = RETRY_SECONDS
        except Exception:  # noqa: BLE001 - the writer's thread must live on, whatever it is
            _log.exception("ledger_not_integrated: it is tried again")
            wait_seconds = RETRY_SECONDS
        else:
            self.held = ""
            wait_seconds = _wait_after(found, idle=idle)
        self._due_at = now + wait_seconds
        return _LOOK_SECONDS if wait_seconds == CHECKPOINT_SECONDS else wait_seconds

    async def integrate_soon(self, look_up: Callable[[], None]) -> LogHead:
        """Have the next entries integrated at the next rest, which `look_up` brings about."""
        future: asyncio.Future[LogHead] = asyncio.get_running_loop().create_future()
        self._asked.append(future)
        look_up()
        return await future

    def keep(self, size: int, answer: bytes) -> None:
        """Have an authority's answer kept beside a checkpoint at the next rest."""
        self._stamped.append((size, answer))

    def _keep_timestamp(self) -> None:
        size, answer = self._stamped.pop()
        try:
            with transaction(self._writing):
                for (value,) in self._writing.execute(_LOG["read_checkpoint"], (size,)).fetchall():
                    row = {"value": add_timestamp(str(value), answer), "size": size}
                    self._writing.execute(_LOG["stamp_checkpoint"], row)
        except Exception:  # noqa: BLE001 - the writer's thread must live on, whatever it is
            _log.warning("checkpoint_not_stamped: the next one is", exc_info=True)

    def _answer(self) -> None:
        """Do what others have asked for, whether or not anything is due."""
        if self._stamped:
            self._keep_timestamp()
        while self._asked:
            future = self._asked.pop()
            try:
                outcome: LogHead | StoreUnavailable = self.integrate_many()
                self.held = ""
            except (LogDamaged, TextSealed) as error:
                outcome = error
                self.held = str(error)
            except Exception as error:  # noqa: BLE001 - whatever it is, who asked must be told
                outcome = StoreUnavailable(
                    f"The ledger's log could not be brought up to date ({error})."
                )
            # Nobody is left to be told where the loop was closed meanwhile.
            with suppress(RuntimeError):
                future.get_loop().call_soon_threadsafe(_resolve, future, outcome)

    def integrate_many(self) -> LogHead:
        """Integrate as many as take about half a second, and sign them; tell how many are left."""
        self._signs_at = 0.0
        for _ in range(STEPS_AT_ONCE):
            if self.integrate_some() <= ENTRIES_AT_ONCE:
                break
        ((size, waiting),) = self._writing.execute(_LOG["count_waiting"])
        return LogHead(int(str(size)), int(str(waiting)))

    def finish(self) -> None:
        """Integrate what the last second brought; what is more is left to the next start."""
        # Whoever asked when the writer's thread had rested for the last time.
        self._answer()
        try:
            self.integrate_many()
        except (LogDamaged, TextSealed, apsw.SQLError) as error:
            _tell_damage(error)
        except Exception:  # noqa: BLE001 - what is behind it must be closed, whatever it is
            _log.exception("ledger_not_integrated: the next start does it")

    def integrate_some(self) -> int:
        """Integrate the next entries in a transaction of its own.

        Raises `LogDamaged`, and `TextSealed` where the next one cannot be opened.
        Tell how many were found; more than `ENTRIES_AT_ONCE`: there are more.
        """
        with reading_log("its tables"):
            if not self._is_ready:
                self._get_ready()
            _, after = self._read_head()
            if not self._read_waiting(after, 1):
                return 0
            with transaction(self._writing):
                size, after = self._read_head()
                # One more, to know whether there are more: the last ones are always signed.
                rows = self._read_waiting(after, ENTRIES_AT_ONCE + 1)
                if rows:
                    is_last = len(rows) <= ENTRIES_AT_ONCE
                    taken = rows[:ENTRIES_AT_ONCE]
                    self._append(size, taken, after=taken[-1][0], is_last=is_last)
            return len(rows)

    def _read_head(self) -> tuple[int, int]:
        """Read the size of the log, and the number of its last entry."""
        ((size, after),) = self._writing.execute(_LOG["read_head"])
        return check_size(int(str(size))), int(str(after))

    def _read_waiting(self, after: int, limit: int) -> list[EntryRow]:
        found = self._writing.execute(_LOG["read_waiting"], {"after": after, "limit": limit})
        return read_up_to_sealed(_rows(found))

    def _get_ready(self) -> None:
        """Go on where a log ends that came from elsewhere; sign one whose end is not signed."""
        with transaction(self._writing):
            size, _ = self._read_head()
            if size == 0:
                self._adopt()
            ((unsigned,),) = self._writing.execute(_LOG["read_unsigned"]).fetchall()
            if unsigned:
                self._sign(int(str(unsigned)), self._read_root(int(str(unsigned))))
        self._is_ready = True

    def _adopt(self) -> None:
        """Find out how far a log is that was copied, and put in what it lacks up to there."""
        ((size, last),) = self._writing.execute(_LOG["measure_log"])
        if size:
            missing = find_missing(self._writing, int(str(size)), int(str(last)))
            self._append(int(str(size)), missing, after=int(str(last)), is_last=False)

    def _read_root(self, size: int) -> bytes:
        names, _ = find_tails(size)
        tails = {name: read_tile(self._writing, name) for name in names}
        return hash_span(Span(0, size), tails)

    def _append(self, size: int, rows: list[EntryRow], *, after: int, is_last: bool) -> None:
        names, number = find_tails(size)
        tails = {name: read_tile(self._writing, name) for name in names}
        tail = None if number is None else read_leaves(self._writing, number)
        salts = secrets.token_bytes(SALT_BYTES * len(rows))
        growth = grow(size, tails, tail, rows=rows, salts=salts)
        write_growth(self._writing, growth)
        self._writing.execute(_LOG["advance_head"], {"size": growth.size, "after": after})
        now = self._clock.monotonic()
        if is_last or now >= self._signs_at:
            self._sign(growth.size, growth.root)
            self._signs_at = now + CHECKPOINT_SECONDS

    def _sign(self, size: int, root: bytes) -> None:
        now = self._clock.now()
        self._writing.execute(_LOG["write_key"], row_of_key(self._signer, now))
        checkpoint = sign_tree(self._signer, size, root, now)
        self._writing.execute(_LOG["write_checkpoint"], row_of_checkpoint(checkpoint))


def _tell_damage(error: Exception) -> None:
    _log.error("ledger_not_integrated: it is tried again", extra={"why": str(error)})


def _resolve(future: "asyncio.Future[LogHead]", outcome: LogHead | StoreUnavailable) -> None:
    if future.done():
        return
    if isinstance(outcome, StoreUnavailable):
        future.set_exception(outcome)
    else:
        future.set_result(outcome)


def _wait_after(found: int, *, idle: bool) -> float:
    if found <= ENTRIES_AT_ONCE:
        return CHECKPOINT_SECONDS
    return 0.0 if idle else _BUSY_PAUSE_SECONDS


def find_missing(connection: apsw.Connection, size: int, last: int) -> list[EntryRow]:
    """Find the entries up to a number that are not among the leaves of a log of this size.

    In a log that was begun on PostgreSQL entries can stand a little behind later ones, and there
    are only few of them: so they are looked for from the end.
    """
    ((count,),) = connection.execute(_LOG["count_up_to"], (last,))
    left = int(str(count)) - size
    missing: list[int] = []
    while len(missing) < left:
        found = connection.execute(_LOG["seqs_down_from"], {"last": last, "limit": LOOKED_AT})
        seqs = [int(str(seq)) for (seq,) in found]
        if not seqs:
            break
        known: set[int] = set()
        for (cut,) in connection.execute(_LOG["leaves_between"], (seqs[-1], seqs[0])):
            known.update(split_seqs(bytes(cut)))
        missing += [seq for seq in seqs if seq not in known]
        last = seqs[-1] - 1
    wanted = {"seqs": encode(missing).decode()}
    return read_entries(_rows(connection.execute(_LOG["read_these"], wanted)))


def _rows(found: apsw.Cursor) -> list[EntryRow]:
    # As the queries give them, who know nothing of types.
    return cast("list[EntryRow]", found.fetchall())


def read_tile(connection: apsw.Connection, name: TileName) -> bytes:
    """Read a tile; raises `LookupError` where it is not there."""
    for (hashes,) in connection.execute(_LOG["read_tile"], name):
        return bytes(hashes)
    raise tell_missing(f"its tile {name.number} of level {name.level}")


def read_leaves(connection: apsw.Connection, number: int) -> Leaves:
    """Read the leaves of a tile; raises `LookupError` where they are not there."""
    for row in connection.execute(_LOG["read_leaves"], (number,)):
        return Leaves(*row)
    raise tell_missing(f"the leaves of its tile {number}")


def destroy_salts(connection: apsw.Connection, seqs: list[int]) -> None:
    """Destroy the salts of entries by their numbers; the transaction is the caller's.

    Without its salt nobody can try out what an entry said; its leaf stays what it is. An entry that
    is not in the log yet has none: it gets in as it is then. The head is not asked which those are:
    that of a copy says nothing until the log is taken over.
    """
    # All are read before the first is written: they are read through the same connection.
    tiles = _find_tiles(connection, seqs)
    missed = list_missed(tiles, seqs)
    if missed:
        between = connection.execute(_LOG["rows_between"], (min(missed), max(missed)))
        tiles += [leaves for row in between if (leaves := Leaves(*row)) not in tiles]
    for leaves in tiles:
        forgotten = forget_salts(leaves, seqs)
        if forgotten != leaves:
            connection.execute(_LOG["write_leaves"], forgotten)


def _find_tiles(connection: apsw.Connection, seqs: list[int]) -> list[Leaves]:
    """Find the tiles that entries are in, where those are in the order of numbers."""
    found: dict[int, Leaves] = {}
    for seq in seqs:
        for row in connection.execute(_LOG["find_leaves"], {"seq": seq, "limit": 1}):
            leaves = Leaves(*row)
            if leaves.first_seq <= seq:
                found[leaves.number] = leaves
    return list(found.values())


def write_growth(connection: apsw.Connection, growth: Growth) -> None:
    """Write tiles and leaves; the transaction is the caller's."""
    for (level, number), hashes in growth.tiles.items():
        connection.execute(_LOG["write_tile"], (level, number, hashes))
    for leaves in growth.leaves:
        connection.execute(_LOG["write_leaves"], leaves)
