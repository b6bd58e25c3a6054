"""How the zip of a bundle is read, and written again to be compared.

It becomes a part of verify.py in every bundle, so it needs Python 3.9 and nothing besides.
"""

from __future__ import annotations

import re
import struct
import zlib

from consentry.evidence.verifier.proofs import Wrong

BYTES_MAX = 2**29

# The zip: it has one way to be written, so that no byte of it can differ unseen.

LOCAL = struct.Struct("<4s5H3L2H")
CENTRAL = struct.Struct("<4s6H3L5H2L")
END = struct.Struct("<4s4H2LH")
MADE_ON_UNIX = 3 << 8 | 20
FILE_MODE = 0o100644 << 16


class Member:
    """One file of a zip."""

    def __init__(self, name: bytes, method: int, packed: bytes) -> None:
        self.name, self.method, self.packed = name, method, packed
        self.data = self._unpack()

    def _unpack(self) -> bytes:
        if self.method == 0:
            return self.packed
        packer = zlib.decompressobj(-15)
        try:
            data = packer.decompress(self.packed, BYTES_MAX)
        except zlib.error:
            raise Wrong(f"{self.name!r} in the zip cannot be unpacked") from None
        if not packer.eof or packer.unused_data or packer.unconsumed_tail:
            raise Wrong(f"{self.name!r} in the zip ends too early, or too late")
        return data


def split_zip(data: bytes) -> list[Member]:
    """Read the files of a zip one after the other; raises Wrong."""
    members, at = [], 0
    while data[at : at + 4] == b"PK\x03\x04":
        if at + LOCAL.size > len(data):
            raise Wrong("the zip breaks off")
        head = LOCAL.unpack_from(data, at)
        begin = at + LOCAL.size + head[9] + head[10]
        name = data[at + LOCAL.size : at + LOCAL.size + head[9]]
        if head[3] not in (0, 8) or begin + head[7] > len(data):
            raise Wrong(f"the zip is broken at byte {at}")
        members.append(Member(name, head[3], data[begin : begin + head[7]]))
        at = begin + head[7]
    if not members:
        raise Wrong("it is no zip of ours")
    return members


def write_zip(members: list[Member], made_at: str) -> bytes:
    """Write the zip as it must be: its files, then its list of them, and nothing else."""
    year, month, day, hour, minute, second = (int(n) for n in re.findall(r"\d+", made_at)[:6])
    date, time = (year - 1980) << 9 | month << 5 | day, hour << 11 | minute << 5 | second // 2
    listed, offset = b"", 0
    parts: list[bytes] = []
    for one in members:
        sizes = (zlib.crc32(one.data), len(one.packed), len(one.data), len(one.name), 0)
        head = LOCAL.pack(b"PK\x03\x04", 20, 0, one.method, time, date, *sizes) + one.name
        same = (b"PK\x01\x02", MADE_ON_UNIX, 20, 0, one.method, time, date, *sizes)
        listed += CENTRAL.pack(*same, 0, 0, 0, FILE_MODE, offset) + one.name
        parts += [head, one.packed]
        offset += len(head) + len(one.packed)
    end = END.pack(b"PK\x05\x06", 0, 0, len(members), len(members), len(listed), offset, 0)
    return b"".join([*parts, listed, end])
