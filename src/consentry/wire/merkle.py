"""The hash tree of a transparency log: roots, proofs that a leaf is in it, proofs that it grew.

Source: RFC 6962, section 2.1, and RFC 9162, section 2.1 (the same tree, with the checks spelled
out). A range of leaves is named by its first and the one behind its last. A subtree of height `h`
at place `i` is over the leaves from `i * 2**h` to `(i + 1) * 2**h`.
"""

from collections.abc import Sequence
from hashlib import sha256
from typing import Final, NamedTuple

HASH_BYTES: Final = 32
_PAIR_BYTES: Final = 2 * HASH_BYTES

EMPTY_ROOT: Final = sha256(b"").digest()
"""The root of a tree without leaves."""

_LEAF: Final = b"\x00"
_NODE: Final = b"\x01"


class Span(NamedTuple):
    """The leaves from `start` up to and without `end`."""

    start: int
    end: int


class Subtree(NamedTuple):
    """A full subtree: `2**height` leaves, the first of them `place * 2**height`."""

    height: int
    place: int


class ProofError(ValueError):
    """A proof was asked for that there cannot be; str() says why."""


def hash_leaf(content: bytes) -> bytes:
    """Hash what a leaf is made over, 32 bytes."""
    return sha256(_LEAF + content).digest()


def hash_node(left: bytes, right: bytes) -> bytes:
    """Hash two subtrees into the one above them."""
    return sha256(_NODE + left + right).digest()


def list_subtrees(span: Span) -> list[Subtree]:
    """Cut a span as it stands in a tree into full subtrees, from left to right.

    Such a span begins at a multiple of the smallest power of two that holds it.
    """
    subtrees = []
    start, left = span.start, span.end - span.start
    while left:
        height = left.bit_length() - 1
        subtrees.append(Subtree(height, start >> height))
        start += 1 << height
        left -= 1 << height
    return subtrees


def join_subtrees(hashes: Sequence[bytes]) -> bytes:
    """Hash the subtrees of a span, given from left to right, into one; none is the empty root."""
    if not hashes:
        return EMPTY_ROOT
    joined = hashes[-1]
    for left in reversed(hashes[:-1]):
        joined = hash_node(left, joined)
    return joined


def hash_pairs(row: bytes) -> bytes:
    """Hash a full row of subtrees, a power of two of them side by side, level by level into one."""
    while len(row) > HASH_BYTES:
        starts = range(0, len(row), _PAIR_BYTES)
        row = b"".join([sha256(_NODE + row[at : at + _PAIR_BYTES]).digest() for at in starts])
    return row


def list_inclusion(leaf: int, size: int) -> list[Span]:
    """Name the spans whose hashes prove that a leaf is in a tree, from the leaf upwards.

    Raises `ProofError` where the tree has no such leaf.
    """
    if not 0 <= leaf < size:
        raise ProofError(f"A tree of {size} entries has no entry {leaf}.")
    spans = []
    start, end = 0, size
    while end - start > 1:
        middle = start + _split(end - start)
        if leaf < middle:
            spans.append(Span(middle, end))
            end = middle
        else:
            spans.append(Span(start, middle))
            start = middle
    return spans[::-1]


def list_consistency(old: int, new: int) -> list[Span]:
    """Name the spans whose hashes prove that a tree grew out of a smaller one.

    Nothing has to be shown of an empty tree, nor of the same. Raises `ProofError` where the old
    one is the larger.
    """
    if not 0 <= old <= new:
        raise ProofError(f"A tree of {new} entries cannot have grown out of one of {old}.")
    if old in {0, new}:
        return []
    spans = []
    start, end, is_whole = 0, new, True
    while old != end:
        middle = start + _split(end - start)
        if old <= middle:
            spans.append(Span(middle, end))
            end = middle
        else:
            spans.append(Span(start, middle))
            start, is_whole = middle, False
    if not is_whole:
        spans.append(Span(start, end))
    return spans[::-1]


def _split(count: int) -> int:
    """Give the largest power of two below a count of two or more."""
    return 1 << ((count - 1).bit_length() - 1)


def is_included(
    leaf_hash: bytes, leaf: int, *, size: int, path: Sequence[bytes], root: bytes
) -> bool:
    """Tell whether a path proves that a leaf is in the tree of this root (RFC 9162, 2.1.3.2)."""
    if not 0 <= leaf < size:
        return False
    sides = _find_sides(leaf, size - 1, len(path))
    if sides is None:
        return False
    joined = leaf_hash
    for is_left, beside in zip(sides, path, strict=True):
        joined = hash_node(beside, joined) if is_left else hash_node(joined, beside)
    return joined == root


def _find_sides(place: int, last: int, count: int) -> list[bool] | None:
    """Tell of each hash on the way up from a place whether it stands on the left.

    `last` is the last place of the same level. None: the way has another length.
    """
    sides = []
    for _ in range(count):
        if last == 0:
            return None
        is_left = bool(place & 1) or place == last
        sides.append(is_left)
        # What stands alone at the end of its level goes up unchanged.
        rises = is_left and not place & 1
        steps = 1 + (_count_zeros(place) if rises else 0)
        place, last = place >> steps, last >> steps
    return sides if last == 0 else None


def _count_zeros(place: int) -> int:
    """Count the zero bits at the end of a number; of 0 there are none to be counted."""
    return (place & -place).bit_length() - 1 if place else 0


def is_consistent(
    old: int, new: int, *, old_root: bytes, new_root: bytes, path: Sequence[bytes]
) -> bool:
    """Tell whether a path proves that the new tree grew out of the old one (RFC 9162, 2.1.4.2)."""
    if not 0 <= old <= new:
        return False
    if old in {0, new}:
        known = EMPTY_ROOT if old == 0 else new_root
        return not path and old_root == known
    # Where the old tree is one full subtree its root is not sent: the verifier has it.
    steps = [old_root, *path] if old & (old - 1) == 0 else list(path)
    if not steps:
        return False
    skipped = _count_zeros(old)
    sides = _find_sides((old - 1) >> skipped, (new - 1) >> skipped, len(steps) - 1)
    if sides is None:
        return False
    ours = theirs = steps[0]
    for is_left, beside in zip(sides, steps[1:], strict=True):
        if is_left:
            ours, theirs = hash_node(beside, ours), hash_node(beside, theirs)
        else:
            theirs = hash_node(theirs, beside)
    return (ours, theirs) == (old_root, new_root)
