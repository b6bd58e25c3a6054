"""What proofs are checked with: signatures (Ed25519), signed notes, and the ledger's tree.

It becomes a part of verify.py in every bundle, so it needs Python 3.9 and nothing besides.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re


class Wrong(Exception):
    """Something does not agree; the message says what."""


# Ed25519 (RFC 8032, section 5.1): points are (X, Y, Z, T) with x = X/Z, y = Y/Z, xy = T/Z.

P = 2**255 - 19
ORDER = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, P - 2, P) % P
ROOT_OF_MINUS_ONE = pow(2, (P - 1) // 4, P)
SIGNATURE_BYTES = 64
KEY_BYTES = 32
Point = tuple[int, int, int, int]


def add_points(p: Point, q: Point) -> Point:
    """Add two points of the curve."""
    a = (p[1] - p[0]) * (q[1] - q[0]) % P
    b = (p[1] + p[0]) * (q[1] + q[0]) % P
    c = 2 * p[3] * q[3] * D % P
    d = 2 * p[2] * q[2] % P
    e, f, g, h = b - a, d - c, d + c, b + a
    return (e * f % P, g * h % P, f * g % P, e * h % P)


def times(scalar: int, point: Point) -> Point:
    """Multiply a point by a number."""
    total: Point = (0, 1, 1, 0)
    while scalar > 0:
        if scalar & 1:
            total = add_points(total, point)
        point = add_points(point, point)
        scalar >>= 1
    return total


def find_x(y: int, sign: int) -> int | None:
    """Find the x of a y; None where no point has it."""
    square = (y * y - 1) * pow(D * y * y + 1, P - 2, P) % P
    x = pow(square, (P + 3) // 8, P)
    if (x * x - square) % P != 0:
        x = x * ROOT_OF_MINUS_ONE % P
    if (x * x - square) % P != 0 or (x == 0 and sign):
        return None
    return P - x if x & 1 != sign else x


def read_point(data: bytes) -> Point | None:
    """Read a point from its 32 bytes; None where they are none."""
    number = int.from_bytes(data, "little")
    y, sign = number & (2**255 - 1), number >> 255
    x = find_x(y, sign) if y < P else None
    return None if x is None else (x, y, 1, x * y % P)


BASE_Y = 4 * pow(5, P - 2, P) % P
BASE_X = find_x(BASE_Y, 0) or 0
BASE: Point = (BASE_X, BASE_Y, 1, BASE_X * BASE_Y % P)


def write_point(point: Point) -> bytes:
    """Write a point as its 32 bytes."""
    inverse = pow(point[2], P - 2, P)
    x, y = point[0] * inverse % P, point[1] * inverse % P
    return int(y | ((x & 1) << 255)).to_bytes(32, "little")


def is_signed(key: bytes, message: bytes, signature: bytes) -> bool:
    """Tell whether a signature over a message is this key's."""
    if len(key) != KEY_BYTES or len(signature) != SIGNATURE_BYTES:
        return False
    point, scalar = read_point(key), int.from_bytes(signature[32:], "little")
    if point is None or scalar >= ORDER:
        return False
    digest = hashlib.sha512(signature[:32] + key + message).digest()
    challenge = int.from_bytes(digest, "little") % ORDER
    negative = (P - point[0], point[1], point[2], P - point[3])
    expected = add_points(times(scalar, BASE), times(challenge, negative))
    return write_point(expected) == signature[:32]


# Signed notes (C2SP signed-note): a text, an empty line, and lines that sign it.


def unbase64(text: str) -> bytes:
    """Read base64 that is written in the one way; raises Wrong."""
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise Wrong(f"{text[:40]!r} is not base64") from None
    if base64.b64encode(data).decode() != text:
        raise Wrong(f"{text[:40]!r} is base64 with stray bits")
    return data


class Key:
    """A key that signs notes: NAME+HASH+KEY."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.name, _, rest = text.partition("+")
        self.hash, _, key = rest.partition("+")
        data = unbase64(key)
        if data[:1] != b"\x01" or len(data) != KEY_BYTES + 1:
            raise Wrong(f"{text[:60]!r} is not an Ed25519 key")
        self.key = data[1:]
        digest = hashlib.sha256(f"{self.name}\n".encode() + data).hexdigest()[:8]
        if digest != self.hash:
            raise Wrong("the key's own checksum does not fit it")


def read_signatures(text: str) -> list[tuple[str, bytes]]:
    """Read the lines that sign a note: names, and what they signed with; raises Wrong."""
    found = []
    for line in text.split("\n"):
        match = re.fullmatch(r"— (\S+) ([A-Za-z0-9+/=]+)", line)
        if match is None:
            raise Wrong(f"a note has a line that signs nothing: {line[:40]!r}")
        found.append((match[1], unbase64(match[2])))
    return found


def open_note(data: bytes, keys: list[Key]) -> str:
    """Give the text of a note that these keys signed, and nobody else; raises Wrong."""
    try:
        text, _, signatures = data.decode().rpartition("\n\n")
    except UnicodeDecodeError:
        raise Wrong("a note is no text") from None
    if not signatures.endswith("\n"):
        raise Wrong("a note does not end with lines that sign it")
    text += "\n"
    known = {(key.name, key.hash): key for key in keys}
    for name, signed in read_signatures(signatures[:-1]):
        key = known.get((name, signed[:4].hex()))
        if key is None:
            raise Wrong(f"a note is signed by a key that is not known: {name}")
        if not is_signed(key.key, text.encode(), signed[4:]):
            raise Wrong("a signature is not of the text that it stands under")
    return text


def is_note_of(data: bytes, key: Key) -> bool:
    """Tell whether a key signed a note, and nobody else did."""
    try:
        open_note(data, [key])
    except Wrong:
        return False
    return True


# The ledger's tree (RFC 6962, section 2.1).


def hash_leaf(data: bytes) -> bytes:
    """Hash an entry."""
    return hashlib.sha256(b"\x00" + data).digest()


def hash_pair(left: bytes, right: bytes) -> bytes:
    """Hash two halves of a tree."""
    return hashlib.sha256(b"\x01" + left + right).digest()


def root_from(leaf: int, size: int, found: bytes, path: list[bytes]) -> bytes | None:
    """Compute the root that a path leads to; None where the path has not the length it must."""
    last = size - 1
    rest = list(path)
    while last > 0:
        if leaf & 1 or leaf < last:
            if not rest:
                return None
            other = rest.pop(0)
            found = hash_pair(other, found) if leaf & 1 else hash_pair(found, other)
        leaf, last = leaf >> 1, last >> 1
    return None if rest else found


def walk_up(place: tuple[int, int], found: bytes, path: list[bytes]) -> tuple[bytes, bytes] | None:
    """Compute the roots of an old tree and of the one that goes on from it.

    `place`: the last node of the old tree, and of the new one, on the level of `found`. None where
    the path has not the length that it must.
    """
    first, last = place
    one = two = found
    rest = list(path)
    while last > 0:
        is_right, has_right = first & 1, first < last
        first, last = first >> 1, last >> 1
        if not is_right and not has_right:
            continue
        if not rest:
            return None
        other = rest.pop(0)
        if is_right:
            one, two = hash_pair(other, one), hash_pair(other, two)
        else:
            two = hash_pair(two, other)
    return None if rest else (one, two)


def is_consistent(old: tuple[int, bytes], new: tuple[int, bytes], path: list[bytes]) -> bool:
    """Tell whether the tree of `new` (size and root) begins with all of `old`."""
    if old[0] == new[0]:
        return not path and old[1] == new[1]
    first, last = old[0] - 1, new[0] - 1
    while first & 1:
        first, last = first >> 1, last >> 1
    if first == 0:
        return walk_up((first, last), old[1], path) == (old[1], new[1])
    return bool(path) and walk_up((first, last), path[0], path[1:]) == (old[1], new[1])


def read_checkpoint(text: str) -> tuple[int, bytes]:
    """Read size and root of a checkpoint's text; raises Wrong."""
    lines = text.split("\n")
    if len(lines) < 4 or re.fullmatch(r"0|[1-9][0-9]{0,18}", lines[1]) is None:
        raise Wrong("is no checkpoint")
    return int(lines[1]), unbase64(lines[2])
