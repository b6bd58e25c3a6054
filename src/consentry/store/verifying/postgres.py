"""A PostgreSQL database, as it is verified."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

from consentry.store.log_leaves import Leaves
from consentry.store.postgres.address import read_address
from consentry.store.postgres.connection import Connection, answering, connect, let_go
from consentry.store.postgres.statements import read_statements
from consentry.store.verifying.chunk import RawEntry
from consentry.store.verifying.sources import (
    NO_HEAD,
    Bounds,
    KeptRow,
    Measured,
    StandingRun,
    StoredCheckpoint,
    make_bounds,
    make_runs,
)
from consentry.wire.tiles import TileName

_PATIENT: Final = (
    "SET LOCAL statement_timeout = 0; SET LOCAL idle_in_transaction_session_timeout = 0; "
    "SET LOCAL enable_seqscan = off; SET LOCAL jit = off"
)
_BEYOND: Final = "~"
_VERIFY: Final = read_statements("verify")


class OpenDatabase(NamedTuple):
    """A database at a moment that another session holds on to; None is now."""

    url: str
    snapshot: str | None = None

    def open(self) -> "DatabaseSource":
        """Connect and begin to read."""
        return DatabaseSource(self.url, self.snapshot)


class DatabaseSource:
    """Implements `LogSource` on a database, in an event loop of its own.

    Everything raises `StoreUnavailable`.
    """

    def __init__(self, url: str, snapshot: str | None = None) -> None:
        """Connect and hold on to this moment, or to the one that another session holds."""
        self._url = url
        self._loop = asyncio.new_event_loop()
        self._connection, self._snapshot = self._loop.run_until_complete(self._begin(snapshot))

    async def _begin(self, snapshot: str | None) -> tuple[Connection, str]:
        with answering():
            connection = await connect(read_address(self._url), answer_seconds=None)
            await connection.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
            if snapshot is not None:
                # It is what another session of ours was told, and no parameter is taken here.
                await connection.execute(f"SET TRANSACTION SNAPSHOT '{snapshot}'")
            await connection.execute(_PATIENT)
            exported = snapshot or str(await connection.fetchval("SELECT pg_export_snapshot()"))
        return connection, exported

    def describe(self) -> OpenDatabase:
        """Tell how another process reads it at the same moment."""
        return OpenDatabase(self._url, self._snapshot)

    def measure(self) -> Measured:
        """Tell how large the log is."""
        place = self._read_place()
        if not place:
            return NO_HEAD
        ((waiting,),) = self._all("count_waiting", place)
        copied = 0
        if place["size"] == 0:
            copied = sum(size for (size,) in self._all("measure_copied", {}))
        return Measured(place["size"] + copied, max(0, waiting - copied))

    def _read_place(self) -> dict[str, int]:
        """Read the head; nothing where it is gone."""
        for row in self._all("read_head", {}):
            return dict(zip(("size", "below", "upto", "after", "copied"), row, strict=True))
        return {}

    def list_bounds(self) -> list[Bounds]:
        """List the chunks in order."""
        return make_bounds(self._all("list_spans", {}))

    def read_leaves(self, first: int, count: int) -> list[Leaves]:
        """Read the leaves of tiles, in order."""
        return [Leaves(*row) for row in self._all("read_leaves", {"first": first, "count": count})]

    def read_tiles(self, level: int, first: int, count: int) -> dict[TileName, bytes]:
        """Read tiles of a level."""
        found = self._all("read_tiles", {"level": level, "first": first, "count": count})
        return {TileName(level, number): hashes for number, hashes in found}

    def read_entries(self, lowest: int, highest: int) -> list[RawEntry]:
        """Read the rows between two numbers, in order."""
        found = self._all("read_entries", {"lowest": lowest, "highest": highest})
        return [(*row[:-1], row[-1].encode()) for row in found]

    def find_waiting(self, seqs: Sequence[int]) -> set[int]:
        """Tell which of these entries wait to get into the log."""
        found = self._all("find_waiting", {**self._read_place(), "seqs": list(seqs)})
        return {seq for (seq,) in found}

    def list_erasures(self) -> list[bytes]:
        """Read the values of all entries of the kind `erased`."""
        return [value.encode() for (value,) in self._all("list_erasures", {})]

    def list_standings(self, at_once: int) -> list[StandingRun]:
        """Part all standings into runs of so many."""
        ends = [recipient for (recipient,) in self._all("list_standings", {"at_once": at_once})]
        return make_runs(ends, _BEYOND) if ends or self._all("has_standings", {}) else []

    def read_standings(self, run: StandingRun) -> list[tuple[str, str]]:
        """Read standings, each with its recipient."""
        return [(name, value) for name, value in self._all("read_standings", run._asdict())]

    def read_pieces(self, run: StandingRun) -> list[tuple[str, bytes]]:
        """Read the entries that may carry parts of these standings."""
        return [(name, value.encode()) for name, value in self._all("read_pieces", run._asdict())]

    def read_pieces_of(self, recipient: str) -> list[tuple[str, bytes]]:
        """Read the entries of a recipient that may carry parts of a standing."""
        found = self._all("read_pieces_of", {"recipient": recipient})
        return [(recipient, value.encode()) for (value,) in found]

    def list_without_standing(self, recipients: Sequence[str]) -> list[str]:
        """List those of these recipients who have no standing."""
        found = self._all("list_without_standing", {"recipients": list(recipients)})
        return [recipient for (recipient,) in found]

    def list_kept(self) -> list[KeptRow]:
        """Read all that is kept of erased numbers."""
        return list(map(KeptRow._make, self._all("list_kept", {})))

    def read_checkpoints(self, behind: int, count: int) -> list[StoredCheckpoint]:
        """Read checkpoints of larger trees than this, in order."""
        found = self._all("read_checkpoints", {"behind": behind, "count": count})
        return list(map(StoredCheckpoint._make, found))

    def count_checkpoints(self) -> int:
        """Count the checkpoints."""
        return int(self._all("count_checkpoints", {})[0][0])

    def read_keys(self) -> list[tuple[str, str]]:
        """List the keys that the log knows, each with its row's value."""
        return [(str(key), str(value)) for key, value in self._all("read_keys", {})]

    def close(self) -> None:
        """Let go of the database."""
        self._loop.run_until_complete(let_go(self._connection))
        self._loop.close()

    def _all(self, name: str, values: Mapping[str, object]) -> list[tuple[Any, ...]]:
        query = _VERIFY[name]
        bound = query.bind({key: value for key, value in values.items() if key in query.names})
        return self._loop.run_until_complete(self._fetch(query.sql, bound))

    async def _fetch(self, sql: str, bound: list[object]) -> list[tuple[Any, ...]]:
        with answering():
            return [tuple(row) for row in await self._connection.fetch(sql, *bound)]
