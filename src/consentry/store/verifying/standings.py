"""Holds what stands between us and people against the entries that led to it.

A standing is the fold of its number's entries, and stored for speed alone: so one that was changed
or removed behind the program's back is found by folding them again. What is kept of erased numbers
has no entries any more: the entry of the kind `erased` has its hash.
"""

from collections.abc import Iterable, Iterator
from typing import Final

import msgspec

from consentry.domain.erasure import Erasure, hash_kept
from consentry.domain.standing import Piece, Standing, apply_pieces
from consentry.store.rows import decode_standing
from consentry.store.verifying.findings import Finding, Problem
from consentry.store.verifying.sources import KeptRow, LogSource, StandingRun

STANDINGS_AT_ONCE: Final = 500
"""So many with all their entries are a few megabytes."""


class _Carried(msgspec.Struct, gc=False):
    """What an entry carries of a standing."""

    pieces: tuple[Piece, ...] = ()


_decode_carried: Final = msgspec.json.Decoder(_Carried).decode
_EMPTY: Final = Standing()


def verify_standings(source: LogSource, run: StandingRun) -> list[Finding]:
    """Hold a run of standings against their entries, as both are at one moment."""
    folded = _fold(source.read_pieces(run))
    return [
        Finding(Problem.STANDING, f"The standing of {recipient}")
        for recipient, value in source.read_standings(run)
        if not _is_same(value, folded.get(recipient, _EMPTY))
    ]


def find_removed(source: LogSource, recipients: Iterable[str]) -> Iterator[Finding]:
    """Find standings that are not there, among numbers whose entries may lead to one."""
    for recipient in sorted(recipients):
        folded = _fold(source.read_pieces_of(recipient))
        if folded.get(recipient, _EMPTY) != _EMPTY:
            yield Finding(Problem.NO_STANDING, f"The standing of {recipient}")


def judge_kept(erasures: Iterable[Erasure], kept: Iterable[KeptRow]) -> Iterator[Finding]:
    """Find what is kept of erased numbers and is not there, or not as it was.

    An erasure overrules those before of the same number, by whichever key.
    """
    wanted: dict[tuple[str, str], str] = {}
    for erasure in erasures:
        for hashed in ((erasure.key, erasure.hash), *erasure.other_hashes):
            wanted.pop(hashed, None)
        if erasure.kept_hash:
            wanted[erasure.key, erasure.hash] = erasure.kept_hash
    there = {(row.key, row.hash): row.value for row in kept}
    for place, expected in wanted.items():
        name = f"What is kept of an erased number ({', '.join(place)})"
        value = there.get(place)
        if value is None:
            yield Finding(Problem.NOT_KEPT, name)
        elif _hash_stored(value) != expected:
            yield Finding(Problem.KEPT, name)


def _fold(rows: Iterable[tuple[str, bytes]]) -> dict[str, Standing]:
    """Fold entries, oldest first, into the standing of each recipient."""
    folded: dict[str, Standing] = {}
    for recipient, value in rows:
        try:
            pieces = _decode_carried(value).pieces
        except msgspec.DecodeError:
            # That it was changed is found by its own leaf.
            continue
        folded[recipient] = apply_pieces(folded.get(recipient, _EMPTY), pieces)
    return folded


def _is_same(value: str, folded: Standing) -> bool:
    try:
        standing = decode_standing(value)
    except msgspec.DecodeError:
        return False
    return standing == folded


def _hash_stored(value: str) -> str | None:
    try:
        return hash_kept(decode_standing(value))
    except msgspec.DecodeError:
        return None
