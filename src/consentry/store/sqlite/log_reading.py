"""Reads the transparency log of a SQLite file."""

import apsw

from consentry.ports import Checkpoint, Logged, LogHead, LogKey
from consentry.store.log_damage import check_size, reading_log
from consentry.store.log_leaves import Leaves, find_logged, read_keys, read_signed_tree
from consentry.store.queries import read_queries
from consentry.store.rows import encode
from consentry.store.sqlite.answering import answering, read_text, read_value
from consentry.store.sqlite.integrating import LogIntegrator
from consentry.wire.tiles import TileName

_NEAR = 8
_EVERY = -1

_Tile = tuple[Leaves, bytes]
"""The leaves of a tile with their hashes."""

_LOG = read_queries("sqlite", "log")


class LogReader:
    """Reads through a connection that others read through too."""

    def __init__(self, connection: apsw.Connection) -> None:
        """Read what is durable; everything raises `StoreUnavailable`."""
        self._connection = connection

    def read_head(self, integrator: LogIntegrator | None) -> LogHead:
        """Tell how far the log is, and why this process does not bring it on, where it does not."""
        with answering(), reading_log("the table log_head"):
            ((size, waiting),) = self._connection.execute(_LOG["count_waiting"])
            held = "" if integrator is None else integrator.held
            return LogHead(check_size(int(str(size))), int(str(waiting)), held)

    def read_logged(self, entry_ids: list[str]) -> dict[str, Logged]:
        """Find entries in the log."""
        found: dict[str, Logged] = {}
        with answering(), reading_log("the tables log_leaves and log_tiles"):
            ids = {"ids": encode(entry_ids).decode()}
            seqs = self._connection.execute(_LOG["find_seqs"], ids).fetchall()
            wanted = sorted((int(str(seq)), str(entry_id)) for entry_id, seq in seqs)
            tile: _Tile | None = None
            for seq, entry_id in wanted:
                # Entries that are asked for together mostly lie in one tile: it is read once.
                place = None if tile is None else find_logged(*tile, seq)
                if place is None:
                    tile = self._find(seq, _NEAR) or self._find(seq, _EVERY)
                    place = None if tile is None else find_logged(*tile, seq)
                if place is not None:
                    found[entry_id] = place
        return found

    def _find(self, seq: int, limit: int) -> _Tile | None:
        """Find the tile with an entry's leaf."""
        near = self._connection.execute(_LOG["find_leaves"], {"seq": seq, "limit": limit})
        for row in near:
            leaves = Leaves(*row)
            if leaves.first_seq <= seq:
                hashes = self.read_tiles([TileName(0, leaves.number)])
                tile = leaves, hashes[TileName(0, leaves.number)]
                if find_logged(*tile, seq) is not None:
                    return tile
        return None

    def read_tiles(self, names: list[TileName]) -> dict[TileName, bytes]:
        """Read tiles; those that are not there are left out."""
        tiles: dict[TileName, bytes] = {}
        with answering(), reading_log("the table log_tiles"):
            for name in names:
                for (hashes,) in self._connection.execute(_LOG["read_tile"], name):
                    tiles[name] = bytes(hashes)
        return tiles

    def read_checkpoint(self, size: int | None) -> Checkpoint | None:
        """Find the newest checkpoint, or the oldest that covers a size."""
        if size is None:
            text = read_value(self._connection, _LOG["newest_checkpoint"])
        else:
            text = read_value(self._connection, _LOG["covering_checkpoint"], size)
        with reading_log("the table log_checkpoints"):
            return None if text is None else read_signed_tree(text)

    def read_keys(self) -> list[LogKey]:
        """List the keys that ever signed."""
        text = read_text(self._connection, _LOG["read_keys"], {})
        with reading_log("the table log_keys"):
            return read_keys(text)
