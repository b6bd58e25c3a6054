"""Reads the transparency log of a PostgreSQL database."""

from typing import TYPE_CHECKING, Final

from consentry.ports import Checkpoint, Logged, LogHead, LogKey
from consentry.store.log_damage import reading_log
from consentry.store.log_leaves import Leaves, find_logged, read_keys, read_signed_tree
from consentry.store.postgres.integrating import read_head, read_tiles
from consentry.store.postgres.pool import Pool
from consentry.store.postgres.statements import read_statements
from consentry.wire.tiles import TileName

if TYPE_CHECKING:
    import asyncpg

_NEAR: Final = 8
_LOG: Final = read_statements("log")


class LogReader:
    """Reads through a pool. Every method raises `StoreUnavailable`."""

    def __init__(self, pool: Pool) -> None:
        """Read through these connections."""
        self._pool = pool

    async def read_head(self) -> LogHead:
        """Tell how far the log is."""
        with reading_log("the table log_head"):
            return await self._pool.use(read_head)

    async def read_logged(self, entry_ids: list[str]) -> dict[str, Logged]:
        """Find entries in the log."""
        found = await self._find(entry_ids, _NEAR)
        missed = [entry_id for entry_id in entry_ids if entry_id not in found]
        return found | (await self._find(missed, None) if missed else {})

    async def _find(self, entry_ids: list[str], limit: int | None) -> dict[str, Logged]:
        near = await self._fetch("find_leaves", ids=entry_ids, limit=limit)
        found: dict[str, Logged] = {}
        with reading_log("the tables log_leaves and log_tiles"):
            for entry_id, seq, *leaves, hashes in near:
                logged = find_logged(Leaves(*leaves), hashes, seq)
                if logged is not None:
                    found[entry_id] = logged
        return found

    async def read_tiles(self, names: list[TileName]) -> dict[TileName, bytes]:
        """Read tiles; those that are not there are left out."""
        return await self._pool.use(lambda connection: read_tiles(connection, names))

    async def read_checkpoint(self, size: int | None) -> Checkpoint | None:
        """Find the newest checkpoint, or the oldest that covers a size."""
        if size is None:
            found = await self._fetch("newest_checkpoint")
        else:
            found = await self._fetch("covering_checkpoint", size=size)
        with reading_log("the table log_checkpoints"):
            return read_signed_tree(found[0][0]) if found else None

    async def read_keys(self) -> list[LogKey]:
        """List the keys that ever signed."""
        ((text,),) = await self._fetch("read_keys")
        with reading_log("the table log_keys"):
            return read_keys(text)

    async def _fetch(self, name: str, **values: object) -> "list[asyncpg.Record]":
        return await self._pool.fetch(_LOG[name], values)
