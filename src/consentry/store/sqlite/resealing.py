"""The rows of a SQLite file in which texts may stand sealed."""

from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Self

import apsw

from consentry.store.resealing import Key, Replacement, Stored
from consentry.store.sqlite.answering import answering
from consentry.store.sqlite.connection import open_connection, transaction
from consentry.store.sqlite.erasing import permission


class SQLiteRows:
    """Implements `SealedRows` on a file that a server may be serving meanwhile."""

    def __init__(self, connection: apsw.Connection) -> None:
        """Take an open file."""
        self._connection = connection

    @classmethod
    def open(cls, path: Path) -> Self:
        """Open a file; what is written over leaves nothing behind. Raises `StoreUnavailable`."""
        with answering():
            connection = open_connection(path)
            connection.pragma("secure_delete", 1)
        return cls(connection)

    async def count(self, table: str) -> int:
        """Count a table's rows."""
        with answering():
            ((count,),) = self._connection.execute(f"SELECT count(*) FROM {table}")  # noqa: S608 - our own names
        return int(str(count))

    async def read(self, table: str, after: Key | None, limit: int) -> list[Stored]:
        """Read rows in the order in which they lie."""
        query = f"SELECT rowid, value FROM {table} WHERE rowid > ? ORDER BY rowid LIMIT ?"  # noqa: S608 - our own names
        place = -1 if after is None else after[0]
        with answering():
            found = self._connection.execute(query, (place, limit)).fetchall()
        return [Stored((int(str(place)),), str(value)) for place, value in found]

    async def replace(self, table: str, rows: Sequence[Replacement]) -> int:
        """Write values anew in one transaction, the ledger's by leave."""
        query = f"UPDATE {table} SET value = ? WHERE rowid = ? AND value = ?"  # noqa: S608 - our own names
        is_ledger = table == "entries"
        written = 0
        with (
            answering(),
            transaction(self._connection),
            permission(self._connection, "reseal") if is_ledger else nullcontext(),
        ):
            for row in rows:
                self._connection.execute(query, (row.new, row.key[0], row.old))
                written += self._connection.changes()
        return written

    def compact(self) -> None:
        """Write the file anew, without what was deleted before; nobody may serve it."""
        with answering():
            self._connection.execute("VACUUM")

    def close(self) -> None:
        """Fold the write-ahead log into the file, as far as nobody reads from it, and let go."""
        with answering():
            self._connection.pragma("wal_checkpoint(truncate)")
            self._connection.close()
