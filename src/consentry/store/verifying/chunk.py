"""Holds a run of the ledger's rows against the leaves that were made of them. Pure, and quick:
what is as it should be costs a few microseconds a row.
"""

from collections.abc import Sequence
from datetime import datetime
from functools import lru_cache
from hashlib import sha256
from typing import Final, NamedTuple

import msgspec

from consentry.domain.entries import EntryKind
from consentry.domain.erasure import ERASED_NUMBER
from consentry.domain.microseconds import from_microseconds, to_microseconds
from consentry.ports import TextSealed
from consentry.store.log_leaves import NO_SALT, Leaves, hash_entry, split_salts, split_seqs
from consentry.store.postgres.statements import clean
from consentry.store.sealing import open_sealed
from consentry.store.verifying.findings import ChunkReport, Finding, Problem
from consentry.wire.merkle import HASH_BYTES, hash_pairs
from consentry.wire.tiles import TILE_BYTES, TILE_HASHES

_ZERO: Final = b"\x00"
_SEALED: Final = b'"sealed:'
_MINUTE: Final = len("2026-11-23T12:00:")


RawEntry = tuple[int, str, str, str, str | None, int, bytes]
"""A row of the ledger as a driver gives it: the columns of `StoredEntry`."""


class StoredEntry(NamedTuple):
    """A row of the ledger, as the table has it; `value` is the bytes of its JSON."""

    seq: int
    recipient: str
    id: str
    kind: str
    sender: str | None
    recorded_at: int
    value: bytes


class _Recorded(msgspec.Struct, gc=False):
    """What an entry itself says of its columns."""

    id: str
    recipient: str
    kind: str
    recorded_at: str
    sender: str | None = None


class _Emptied(msgspec.Struct, gc=False, forbid_unknown_fields=True):
    """What an erasure leaves of an entry: nothing beside this."""

    id: str
    recipient: str
    kind: str
    at: str
    recorded_at: str
    actor: dict[str, str]


_SYSTEM: Final = {"kind": "system"}
_TEXTS: Final = ("id", "recipient", "kind", "sender")
_decode_lines: Final = msgspec.json.Decoder(_Recorded).decode_lines
_decode_emptied: Final = msgspec.json.Decoder(_Emptied).decode
_decode: Final = msgspec.json.Decoder(_Recorded).decode


class Chunk(NamedTuple):
    """Some tiles in a row, with all rows of the table between its lowest and highest number."""

    leaves: Sequence[Leaves]
    tiles: Sequence[bytes]
    rows: Sequence[RawEntry]


class _Tile(NamedTuple):
    number: int
    seqs: list[int]
    salts: list[bytes]
    hashes: bytes
    rows: Sequence[RawEntry | None]


class _Found(NamedTuple):
    """What a chunk came to so far; see `ChunkReport`."""

    findings: list[Finding]
    erased: list[tuple[int, int]]


def check_chunk(chunk: Chunk) -> ChunkReport:
    """Find what is wrong with a chunk."""
    seqs = [split_seqs(leaves.seqs) for leaves in chunk.leaves]
    wanted = [seq for cut in seqs for seq in cut]
    ordered, strays = _order(chunk.rows, wanted)
    found = _Found([], [])
    start = 0
    for leaves, cut, hashes in zip(chunk.leaves, seqs, chunk.tiles, strict=True):
        rows = ordered[start : start + len(cut)]
        start += len(cut)
        tile = _Tile(leaves.number, cut, split_salts(leaves.salts), hashes, rows)
        _check_tile(leaves, tile, found)
    if any(finding.problem is Problem.LEAVES for finding in found.findings):
        # What is not among leaves that are damaged may well have been among them.
        strays = []
    roots = [hash_pairs(tile) for tile in chunk.tiles if len(tile) == TILE_BYTES]
    return ChunkReport(len(wanted), b"".join(roots), found.findings, strays, found.erased)


def _order(
    rows: Sequence[RawEntry], wanted: list[int]
) -> tuple[Sequence[RawEntry | None], list[tuple[int, str, int]]]:
    """Put rows into the order of their leaves, None where one is gone; and give those left over."""
    if [row[0] for row in rows] == wanted:
        return rows, []
    by_seq = {row[0]: row for row in rows}
    ordered = [by_seq.pop(seq, None) for seq in wanted]
    left = map(StoredEntry._make, by_seq.values())
    return ordered, [(row.seq, row.id, row.recorded_at) for row in left]


def _check_tile(leaves: Leaves, tile: _Tile, found: _Found) -> None:
    if not _is_sound(leaves, tile):
        found.findings.append(Finding(Problem.LEAVES, f"Tile {leaves.number} of the leaves"))
    elif not _is_whole(tile):
        _look_closely(tile, found)


def _is_sound(leaves: Leaves, tile: _Tile) -> bool:
    """Tell whether the leaves themselves are what they say they are."""
    count = len(tile.seqs)
    return (
        count > 0
        and (len(tile.salts), len(tile.hashes)) == (count, count * HASH_BYTES)
        and (leaves.first_seq, leaves.last_seq) == (min(tile.seqs), max(tile.seqs))
    )


def _is_whole(tile: _Tile) -> bool:
    """Tell whether all rows of a tile are as they should be; False: look closely."""
    values = _open_all(tile.rows)
    if values is None:
        return False
    hashed = [
        sha256(_ZERO + salt + value).digest()
        for salt, value in zip(tile.salts, values, strict=True)
    ]
    if b"".join(hashed) != tile.hashes:
        return False
    # One call for all: a line break in a text is never written as one in JSON.
    recorded = _decode_lines(b"\n".join(values))
    said = [(s.recipient, s.id, s.kind, s.sender, _read_time(s.recorded_at)) for s in recorded]
    return said == [row[1:6] for row in tile.rows if row is not None]


def _open_all(rows: Sequence[RawEntry | None]) -> list[bytes] | None:
    """Give the JSON of all rows as it was written; None where one is missing or stays shut."""
    values = [row[6] for row in rows if row is not None]
    if len(values) != len(rows):
        return None
    if _SEALED not in b"\n".join(values):
        return values
    try:
        return list(map(open_sealed, values))
    except (TextSealed, UnicodeDecodeError):
        return None


def find_time(recorded_at: int) -> datetime | None:
    """Give the time that a column says; None where somebody wrote what can be none."""
    try:
        return from_microseconds(recorded_at)
    except OverflowError:
        return None


def _read_time(text: str) -> int:
    """Read a time as it is written in JSON: most of it is that of the entry before."""
    minute, rest = text[:_MINUTE], text[_MINUTE:-1]
    if not (text.endswith("Z") and text.isascii()):
        return to_microseconds(datetime.fromisoformat(text))
    seconds, _, fraction = rest.partition(".")
    return _read_minute(minute) + int(seconds) * 1_000_000 + int(fraction.ljust(6, "0"))


@lru_cache(maxsize=4096)
def _read_minute(text: str) -> int:
    return to_microseconds(datetime.fromisoformat(f"{text}00Z"))


def _look_closely(tile: _Tile, found: _Found) -> None:
    """Find which rows of a tile are not as they should be."""
    before: datetime | None = None
    for place, (seq, salt, raw) in enumerate(zip(tile.seqs, tile.salts, tile.rows, strict=True)):
        leaf = tile.number * TILE_HASHES + place
        if raw is None:
            removed = Finding(Problem.REMOVED, f"Entry number {seq}", leaf, before)
            found.findings.append(removed)
            continue
        row = StoredEntry._make(raw)
        before = find_time(row.recorded_at)
        leaf_hash = tile.hashes[place * HASH_BYTES : (place + 1) * HASH_BYTES]
        if salt == NO_SALT and row.kind == EntryKind.ENTRY_ERASED:
            found.erased.append((seq, leaf))
            if not _is_empty(row):
                found.findings.append(Finding(Problem.CHANGED, f"Entry {row.id}", leaf, before))
        elif (wrong := _check_row(row, salt, leaf_hash)) is not None:
            problem, told = wrong
            found.findings.append(Finding(problem, f"Entry {row.id}", leaf, before, told))


def _is_empty(row: StoredEntry) -> bool:
    """Tell whether an entry whose leaf shows nothing any more says nothing either."""
    try:
        said = _decode_emptied(row.value)
        recorded_at = _read_time(said.recorded_at)
    except ValueError:
        return False
    return (row.recipient, row.sender, recorded_at, said) == (
        ERASED_NUMBER,
        None,
        row.recorded_at,
        _Emptied(row.id, ERASED_NUMBER, row.kind, said.recorded_at, said.recorded_at, _SYSTEM),
    )


def _check_row(row: StoredEntry, salt: bytes, leaf_hash: bytes) -> tuple[Problem, str] | None:
    try:
        value = open_sealed(row.value)
    except TextSealed as error:
        return Problem.SEALED, str(error)
    except UnicodeDecodeError:
        return Problem.CHANGED, ""
    if hash_entry(salt, value) != leaf_hash:
        return Problem.CHANGED, ""
    said = _decode(value)
    differing = [
        name for name in _TEXTS if _plain(getattr(row, name)) != _plain(getattr(said, name))
    ]
    if _read_time(said.recorded_at) != row.recorded_at:
        differing.append("recorded_at")
    return (Problem.COLUMNS, ", ".join(differing)) if differing else None


def _plain(text: str | None) -> str | None:
    """Write a text as a column has it: PostgreSQL's cannot hold a NUL."""
    return None if text is None else clean(text)
