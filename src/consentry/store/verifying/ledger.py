"""Verifies a whole ledger: its rows, the tree over them, and the checkpoints that were signed."""

from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from typing import Final, Protocol, TypeVar

import msgspec

from consentry.domain.erasure import Erasure
from consentry.store.log_leaves import SEQ_BYTES, read_keys, split_seqs
from consentry.store.showing import Showing
from consentry.store.verifying.chunk import find_time
from consentry.store.verifying.findings import ChunkReport, Finding, Problem
from consentry.store.verifying.parts import (
    Roots,
    find_problem,
    verify_checkpoints,
    verify_chunk,
)
from consentry.store.verifying.sources import LOWEST, TILES_AT_ONCE, Bounds, LogSource, StandingRun
from consentry.store.verifying.standings import (
    STANDINGS_AT_ONCE,
    find_removed,
    judge_kept,
    verify_standings,
)
from consentry.wire.merkle import hash_pairs
from consentry.wire.signed_note import (
    NoteError,
    VerifierKey,
    read_note,
    read_tree,
    read_verifier_key,
)
from consentry.wire.tiles import TILE_BYTES, TILE_HASHES, TileName, split_hashes

T = TypeVar("T")

CHECKPOINTS_AT_ONCE: Final = 1000
_ENTRIES_OF_CHUNK: Final = TILES_AT_ONCE * TILE_HASHES


class Hands(Protocol):
    """Does parts of the work, in this process or in others; outcomes come in the order asked."""

    def verify_chunks(self, parts: Sequence[tuple[Bounds, int]]) -> Iterable[ChunkReport]:
        """Verify chunks of a log of that size."""

    def verify_standings(self, parts: Sequence[StandingRun]) -> Iterable[list[Finding]]:
        """Verify runs of standings."""

    def verify_checkpoints(
        self, parts: Sequence[tuple[int, int, int, tuple[VerifierKey, ...]]]
    ) -> Iterable[list[Finding]]:
        """Verify runs of checkpoints: behind which size, how many, of what size the log is."""


class OneHand:
    """Does it all here and now."""

    def __init__(self, source: LogSource) -> None:
        """Read from this source."""
        self._source = source

    def verify_chunks(self, parts: Sequence[tuple[Bounds, int]]) -> Iterator[ChunkReport]:
        """Verify chunks of a log of that size."""
        return (verify_chunk(self._source, *part) for part in parts)

    def verify_standings(self, parts: Sequence[StandingRun]) -> Iterator[list[Finding]]:
        """Verify runs of standings."""
        return (verify_standings(self._source, run) for run in parts)

    def verify_checkpoints(
        self, parts: Sequence[tuple[int, int, int, tuple[VerifierKey, ...]]]
    ) -> Iterator[list[Finding]]:
        """Verify runs of checkpoints."""
        return (
            verify_checkpoints(self._source, behind, count, size=size, keys=keys)
            for behind, count, size, keys in parts
        )


class Verified(msgspec.Struct, frozen=True):
    """What a ledger came to.

    `waiting` entries are not in the log yet, so nothing was said of them. `root` is that of the
    whole tree, in hexadecimal; None where it cannot be computed.
    """

    entries: int
    waiting: int
    erased: int
    checkpoints: int
    root: str | None
    findings: list[Finding]

    @property
    def is_whole(self) -> bool:
        """Tell whether nothing is wrong."""
        return not self.findings


class _Erased(msgspec.Struct):
    erasure: Erasure | None = None


def verify_ledger(
    source: LogSource,
    hands: Hands,
    shown: Showing,
    *,
    notes: Sequence[str] = (),
    trusted: Sequence[VerifierKey] = (),
) -> Verified:
    """Verify a ledger, also against checkpoints that were kept elsewhere (signed notes).

    `trusted` are keys that signed them, beside those that the log itself knows; where there are
    any, only they count.
    """
    measured = source.measure()
    spans = source.list_bounds()
    findings: list[Finding] = []
    if not measured.has_head or _is_past(spans, measured.size):
        findings.append(Finding(Problem.HEAD, "The head of the log"))
        if _is_past(spans, measured.size):
            measured = measured._replace(size=0)
    bounds = _complete(spans, measured.size)
    shown.begin("verifying entries", measured.size)
    roots: list[bytes] = []
    erased: list[tuple[int, int]] = []
    lost: set[str] = set()
    reports = hands.verify_chunks([(chunk, measured.size) for chunk in bounds])
    for chunk, report in zip(bounds, reports, strict=True):
        findings += report.findings
        findings += _judge_strays(source, chunk, bounds, report.strays)
        erased += report.erased
        lost.update(report.lost)
        roots += split_hashes(report.roots)
        shown.advance(report.entries)
    findings += _judge_erased(source, erased)
    findings += _judge_tiles(source, roots)
    keys = tuple(trusted) or _read_keys(source.read_keys(), findings)
    findings += _judge_checkpoints(source, hands, shown, (measured.size, keys))
    if all(finding.problem is Problem.SEALED for finding in findings):
        findings += _judge_standings(source, hands, shown, lost)
    findings += judge_kept(_list_erasures(source), source.list_kept())
    computing = Roots(source)
    for written in notes:
        findings += _judge_note(written, computing, measured.size, keys)
    return Verified(
        measured.size,
        measured.waiting,
        len(erased),
        source.count_checkpoints(),
        _compute(computing, measured.size),
        findings,
    )


def _is_past(bounds: list[Bounds], size: int) -> bool:
    """Tell a size that is chunks away from the last leaves: nobody lost that many."""
    known = max((chunk.number for chunk in bounds), default=0)
    return not 0 <= size // _ENTRIES_OF_CHUNK <= known + 1


def _complete(bounds: list[Bounds], size: int) -> list[Bounds]:
    """Name every chunk that a log of this size has, also where all its leaves are gone."""
    known = {chunk.number: chunk for chunk in bounds}
    wanted = range(-(-size // _ENTRIES_OF_CHUNK))
    return [known.get(number, Bounds(number, 0, -1, 0)) for number in wanted]


def _judge_strays(
    source: LogSource, own: Bounds, bounds: list[Bounds], strays: list[tuple[int, str, int]]
) -> Iterator[Finding]:
    """Tell inserted entries from those that belong to another chunk, or wait to get in."""
    if not strays:
        return
    waiting = source.find_waiting([seq for seq, _, _ in strays])
    beside = [
        other
        for other in bounds
        if other != own and any(other.lowest <= seq <= other.highest for seq, _, _ in strays)
    ]
    known = {seq for other in beside for seq in _read_seqs(source, other)}
    for seq, entry_id, recorded_at in strays:
        if seq not in waiting and seq not in known:
            at = find_time(recorded_at)
            yield Finding(Problem.INSERTED, f"Entry {entry_id}", recorded_at=at)


def _read_seqs(source: LogSource, bounds: Bounds) -> Iterator[int]:
    for leaves in source.read_leaves(bounds.number * TILES_AT_ONCE, TILES_AT_ONCE):
        # Those that are damaged are found with their own chunk.
        yield from split_seqs(leaves.seqs[: len(leaves.seqs) // SEQ_BYTES * SEQ_BYTES])


def _judge_erased(source: LogSource, erased: list[tuple[int, int]]) -> Iterator[Finding]:
    """Find erased entries that no entry of the kind `erased` accounts for."""
    left = _leave_accounted(source, erased)
    if left:
        # Another process may have begun to read a moment later, behind an erasure.
        with closing(source.describe().open()) as newer:
            left = _leave_accounted(newer, left)
    for seq, leaf in left:
        yield Finding(Problem.UNACCOUNTED, f"Entry number {seq}", leaf)


def _leave_accounted(source: LogSource, erased: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Leave out the entries that are accounted for."""
    if not erased:
        return []
    is_accounted = _make_lookup(
        [run for erasure in _list_erasures(source) for run in erasure.entries]
    )
    return [(seq, leaf) for seq, leaf in erased if not is_accounted(seq)]


def _list_erasures(source: LogSource) -> Iterator[Erasure]:
    """List what erasures account for, whether or not their reasons can be opened.

    One that was changed accounts for nothing; that it was is found by its own leaf.
    """
    for value in source.list_erasures():
        try:
            erasure = msgspec.json.decode(value, type=_Erased).erasure
        except msgspec.DecodeError:
            continue
        if erasure is not None:
            yield erasure


def _judge_standings(
    source: LogSource, hands: Hands, shown: Showing, lost: set[str]
) -> Iterator[Finding]:
    """Hold all standings against their entries.

    Only where the entries are whole: of one that was changed no standing can be told.
    """
    runs = source.list_standings(STANDINGS_AT_ONCE)
    shown.begin(f"verifying standings, {STANDINGS_AT_ONCE} at a time", len(runs))
    for found in hands.verify_standings(runs):
        yield from found
        shown.advance(1)
    yield from find_removed(source, lost)


def _make_lookup(runs: list[tuple[int, int]]) -> Callable[[int], bool]:
    """Tell quickly whether a number is in one of these runs, which may overlap."""
    firsts: list[int] = []
    lasts: list[int] = []
    for first, last in sorted(runs):
        firsts.append(first)
        lasts.append(max(last, lasts[-1]) if lasts else last)

    def is_within(seq: int) -> bool:
        place = bisect_right(firsts, seq) - 1
        return place >= 0 and seq <= lasts[place]

    return is_within


def _judge_tiles(source: LogSource, roots: list[bytes]) -> Iterator[Finding]:
    """Hold the tiles of all levels above the leaves against what the levels below them make."""
    level, row = 1, roots
    while row:
        count = -(-len(row) // TILE_HASHES)
        stored = source.read_tiles(level, 0, count)
        made = b"".join(row)
        row = []
        for number in range(count):
            tile = made[number * TILE_BYTES : (number + 1) * TILE_BYTES]
            # A live server may have made it longer since.
            if stored.get(TileName(level, number), b"")[: len(tile)] != tile:
                yield Finding(Problem.TILE, f"Tile {number} of level {level}")
            if len(tile) == TILE_BYTES:
                row.append(hash_pairs(tile))
        level += 1


def _read_keys(
    written: Iterable[tuple[str, str]], findings: list[Finding]
) -> tuple[VerifierKey, ...]:
    keys = []
    for key, value in written:
        try:
            keys.append(read_verifier_key(key))
            if [one.verifier_key for one in read_keys(f"[{value}]")] != [key]:
                raise NoteError("Its row is about another key.")
        except ValueError as error:
            findings.append(Finding(Problem.SIGNATURE, f"The key {key}", told=str(error)))
    return tuple(keys)


def _judge_checkpoints(
    source: LogSource, hands: Hands, shown: Showing, keyed: tuple[int, tuple[VerifierKey, ...]]
) -> Iterator[Finding]:
    """Verify all checkpoints; `keyed` is the log's size and who may have signed them."""
    shown.begin("verifying checkpoints", source.count_checkpoints())
    parts = []
    behind = LOWEST
    while run := source.read_checkpoints(behind, CHECKPOINTS_AT_ONCE):
        parts.append((behind, len(run), *keyed))
        behind = run[-1].size
    for part, found in zip(parts, hands.verify_checkpoints(parts), strict=True):
        yield from found
        shown.advance(part[1])


def _judge_note(
    written: str, roots: Roots, size: int, keys: tuple[VerifierKey, ...]
) -> Iterator[Finding]:
    """Hold the ledger against a checkpoint that was kept elsewhere."""
    try:
        note = read_note(written)
        tree = read_tree(note.text)
    except NoteError as error:
        yield Finding(Problem.SIGNATURE, "What is held against the ledger", told=str(error))
        return
    problem = find_problem(note, tree, roots=roots, size=size, keys=keys)
    if problem is not None:
        yield Finding(problem, f"The checkpoint of {tree.size} entries that was kept elsewhere")


def _compute(roots: Roots, size: int) -> str | None:
    try:
        return roots.compute(size).hex()
    except LookupError:
        return None
