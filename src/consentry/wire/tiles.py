"""A log's hashes in tiles: each keeps 256 hashes of one level of the tree, side by side.

Source: C2SP tlog-tiles. Tiles of level 0 keep the leaves' hashes; a hash of level `n` is the root
of a full subtree of 256**n leaves, which is the root of a full tile of the level below. The last
tile of a level may be partial. Every other hash of the tree is computed from one tile.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final, NamedTuple

from consentry.wire.merkle import (
    HASH_BYTES,
    Span,
    Subtree,
    hash_pairs,
    join_subtrees,
    list_subtrees,
)

TILE_HASHES: Final = 256
TILE_BYTES: Final = TILE_HASHES * HASH_BYTES
_HEIGHT: Final = 8


class TileName(NamedTuple):
    """Which tile: its level, and its number in the level, both from 0."""

    level: int
    number: int


Tiles = Mapping[TileName, bytes]


def split_hashes(tile: bytes) -> list[bytes]:
    """Take a tile apart into its hashes."""
    return [tile[start : start + HASH_BYTES] for start in range(0, len(tile), HASH_BYTES)]


def find_tile(subtree: Subtree) -> tuple[TileName, int, int]:
    """Tell which hashes of which tile a full subtree is over: from one, up to another."""
    level, rest = divmod(subtree.height, _HEIGHT)
    first = subtree.place << rest
    place = first % TILE_HASHES
    return TileName(level, first // TILE_HASHES), place, place + (1 << rest)


def list_tiles(spans: Iterable[Span]) -> set[TileName]:
    """Name the tiles from which the hashes of these spans can be computed."""
    return {find_tile(subtree)[0] for span in spans for subtree in list_subtrees(span)}


def hash_span(span: Span, tiles: Tiles) -> bytes:
    """Compute the hash of a span from its tiles.

    Raises `KeyError` where a tile is not there, and `ValueError` where one is too short.
    """
    return join_subtrees([_hash_subtree(subtree, tiles) for subtree in list_subtrees(span)])


def hash_spans(spans: Iterable[Span], tiles: Tiles) -> tuple[bytes, ...]:
    """Compute the hash of each span."""
    return tuple(hash_span(span, tiles) for span in spans)


def _hash_subtree(subtree: Subtree, tiles: Tiles) -> bytes:
    name, start, end = find_tile(subtree)
    hashes = tiles[name][start * HASH_BYTES : end * HASH_BYTES]
    if len(hashes) != (end - start) * HASH_BYTES:
        raise ValueError(f"The tile {name.number} of level {name.level} is too short.")
    return hash_pairs(hashes)


def list_tails(size: int) -> list[TileName]:
    """Name the partial tiles of a log, one for each level that has one."""
    tails = []
    level = 0
    while size:
        if size % TILE_HASHES:
            tails.append(TileName(level, size // TILE_HASHES))
        size //= TILE_HASHES
        level += 1
    return tails


def append_leaves(size: int, tails: Tiles, leaves: Sequence[bytes]) -> dict[TileName, bytes]:
    """Append leaf hashes to a log of this size; give every tile that is new or longer.

    `tails` has the log's partial tiles.
    """
    changed: dict[TileName, bytes] = {}
    level, count, added = 0, size, list(leaves)
    while added:
        number = count // TILE_HASHES
        row = tails[TileName(level, number)] if count % TILE_HASHES else b""
        row += b"".join(added)
        added = []
        for start in range(0, len(row), TILE_BYTES):
            tile = row[start : start + TILE_BYTES]
            changed[TileName(level, number)] = tile
            if len(tile) == TILE_BYTES:
                added.append(hash_pairs(tile))
            number += 1
        level, count = level + 1, count // TILE_HASHES
    return changed
