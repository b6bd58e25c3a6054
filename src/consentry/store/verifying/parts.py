"""The parts in which a ledger is verified; each may be done in a process of its own."""

from collections.abc import Sequence
from typing import Final

import msgspec

from consentry.ports import Checkpoint
from consentry.store.log_leaves import SEQ_BYTES, Leaves
from consentry.store.verifying.chunk import Chunk, check_chunk
from consentry.store.verifying.findings import ChunkReport, Finding, Problem
from consentry.store.verifying.sources import TILES_AT_ONCE, Bounds, LogSource
from consentry.wire.merkle import (
    HASH_BYTES,
    Span,
    Subtree,
    hash_pairs,
    join_subtrees,
    list_subtrees,
)
from consentry.wire.signed_note import (
    Note,
    NoteError,
    Tree,
    VerifierKey,
    is_signed_by,
    read_note,
    read_tree,
)
from consentry.wire.tiles import TILE_HASHES, TileName, find_tile

_decode: Final = msgspec.json.Decoder(Checkpoint).decode
_PIECES: Final = b'"pieces":'
"""Stands in an entry that carries parts of a standing: in a text its quotes would be escaped."""
_END: Final = b"]}"
"""How such an entry ends, where it is about somebody. That is told four times as fast."""


def verify_chunk(source: LogSource, bounds: Bounds, size: int) -> ChunkReport:
    """Verify the rows of a chunk, of a log of this size."""
    first = bounds.number * TILES_AT_ONCE
    count = min(TILES_AT_ONCE, -(-size // TILE_HASHES) - first)
    stored = {leaves.number: leaves for leaves in source.read_leaves(first, count)}
    tiles = source.read_tiles(0, first, count)
    leaves, hashes = [], []
    for number in range(first, first + count):
        # Entries that got in since the log was measured are left out.
        wanted = min(TILE_HASHES, size - number * TILE_HASHES)
        leaves.append(_cut(stored.get(number), number, wanted))
        hashes.append(tiles.get(TileName(0, number), b"")[: wanted * HASH_BYTES])
    rows = source.read_entries(bounds.begin, bounds.highest)
    report = check_chunk(Chunk(leaves, hashes, rows))
    moved = {row[1] for row in rows if row[6].endswith(_END) and _PIECES in row[6]}
    lost = source.list_without_standing(sorted(moved)) if moved else []
    return msgspec.structs.replace(report, lost=lost) if lost else report


def _cut(leaves: Leaves | None, number: int, count: int) -> Leaves:
    """Take so many leaves of a tile; none where there are fewer, or they were cut somewhere."""
    cut = None if leaves is None else leaves.cut(count)
    if cut is None or len(cut.seqs) != count * SEQ_BYTES:
        return Leaves(number, 0, 0, b"", b"")
    return cut


class Roots:
    """Computes roots of trees of growing size, and remembers what they have in common."""

    def __init__(self, source: LogSource) -> None:
        """Read tiles from a source."""
        self._source = source
        self._tiles: dict[int, tuple[TileName, bytes]] = {}
        self._known: dict[Subtree, bytes] = {}

    def compute(self, size: int) -> bytes:
        """Compute the root of a tree of this size; raises `LookupError` where a tile is missing."""
        subtrees = list_subtrees(Span(0, size))
        known = {subtree: self._hash(subtree) for subtree in subtrees}
        self._known = known
        return join_subtrees(list(known.values()))

    def _hash(self, subtree: Subtree) -> bytes:
        known = self._known.get(subtree)
        if known is not None:
            return known
        name, start, end = find_tile(subtree)
        hashes = self._read(name)[start * HASH_BYTES : end * HASH_BYTES]
        if len(hashes) != (end - start) * HASH_BYTES:
            raise LookupError(name)
        return hash_pairs(hashes)

    def _read(self, name: TileName) -> bytes:
        """Read a tile; of each level the last one is at hand."""
        at_hand = self._tiles.get(name.level)
        if at_hand is None or at_hand[0] != name:
            at_hand = name, self._source.read_tiles(name.level, name.number, 1)[name]
            self._tiles[name.level] = at_hand
        return at_hand[1]


def verify_checkpoints(
    source: LogSource, behind: int, count: int, *, size: int, keys: Sequence[VerifierKey]
) -> list[Finding]:
    """Verify so many checkpoints of larger trees than `behind`, of a log that has this size."""
    roots = Roots(source)
    findings = []
    for row in source.read_checkpoints(behind, count):
        name = f"The checkpoint of {row.size} entries"
        try:
            checkpoint = _decode(row.value)
            note = read_note(checkpoint.note)
            tree = read_tree(note.text)
        except (msgspec.MsgspecError, NoteError) as error:
            findings.append(Finding(Problem.SIGNATURE, name, told=str(error)))
            continue
        is_same = (
            (checkpoint.size, checkpoint.root)
            == (row.size, tree.root)
            == (
                tree.size,
                checkpoint.root,
            )
        )
        if not is_same:
            findings.append(Finding(Problem.ROOT, name, recorded_at=checkpoint.made_at))
            continue
        problem = find_problem(note, tree, roots=roots, size=size, keys=keys)
        if problem is not None:
            findings.append(Finding(problem, name, recorded_at=checkpoint.made_at))
    return findings


def find_problem(
    note: Note, tree: Tree, *, roots: Roots, size: int, keys: Sequence[VerifierKey]
) -> Problem | None:
    """Find what is wrong with a checkpoint of a log that has this size."""
    if not any(is_signed_by(note, key) for key in keys):
        return Problem.SIGNATURE
    if tree.size > size:
        return Problem.SHRUNK
    try:
        root = roots.compute(tree.size)
    except LookupError:
        return Problem.ROOT
    return None if root == tree.root else Problem.ROOT
