"""The log's leaves: how an entry is hashed into one, and how rows are added to the log."""

from collections.abc import Iterable, Sequence
from contextlib import suppress
from datetime import datetime
from hashlib import sha256
from struct import Struct, pack, unpack
from typing import Final, NamedTuple

import msgspec

from consentry.ports import SALT_BYTES, Checkpoint, Logged, LogKey, NoteSigner, TextSealed
from consentry.store.rows import encode
from consentry.store.sealing import SEALED, open_sealed
from consentry.wire.merkle import HASH_BYTES, Span
from consentry.wire.signed_note import Tree, read_note, read_verifier_key
from consentry.wire.tiles import TILE_HASHES, TileName, Tiles, append_leaves, hash_span, list_tails

CHECKPOINT_SECONDS: Final = 1.0
"""How long entries wait for each other before they are put into the log and signed together."""

ENTRIES_AT_ONCE: Final = 1024
"""So many take as long as a batch of commands: whoever writes meanwhile hardly waits."""

STEPS_AT_ONCE: Final = 64
"""So many steps take about half a second, where somebody waits for the log."""

LOOKED_AT: Final = 20_000
"""So many entries are looked at together for those that a copied log lacks."""

RETRY_SECONDS: Final = 10.0
"""How long after a step in vain comes the next."""

NO_SALT: Final = bytes(SALT_BYTES)
"""Stands for a salt that was destroyed."""

_SEQ: Final = Struct(">q")
SEQ_BYTES: Final = _SEQ.size
"""How many bytes the number of an entry takes."""

_ZERO: Final = b"\x00"


EntryRow = tuple[int, bytes]
"""An entry as it is put into the log: its number, and its JSON as it was written."""


class Leaves(NamedTuple):
    """The entries of one tile of level 0: numbers and salts, side by side, in the order of leaves.

    `first_seq` and `last_seq` are the lowest and the highest number.
    """

    number: int
    first_seq: int
    last_seq: int
    seqs: bytes
    salts: bytes

    def cut(self, count: int) -> "Leaves":
        """Take the first so many of them."""
        if len(self.seqs) <= count * _SEQ.size:
            return self
        seqs = self.seqs[: count * _SEQ.size]
        numbers = split_seqs(seqs)
        salts = self.salts[: count * SALT_BYTES]
        return Leaves(self.number, min(numbers), max(numbers), seqs, salts)


class Growth(NamedTuple):
    """What is to be written when entries were added: tiles and leaves that are new or longer."""

    size: int
    root: bytes
    tiles: dict[TileName, bytes]
    leaves: list[Leaves]


def read_entries(stored: Iterable[EntryRow]) -> list[EntryRow]:
    """Take entries as they are stored; their texts may be sealed. Raises `TextSealed`."""
    rows = list(stored)
    # One look at all of them is a third cheaper, and nearly always there is nothing to be found.
    if SEALED not in b"".join([value for _, value in rows]):
        return rows
    return [(seq, open_sealed(value) if SEALED in value else value) for seq, value in rows]


def read_up_to_sealed(stored: Iterable[EntryRow]) -> list[EntryRow]:
    """Take entries up to the first whose text cannot be opened.

    A leaf is of what was written, so without the key there is none: what is behind it waits. Raises
    `TextSealed` where nothing is before it.
    """
    rows = list(stored)
    with suppress(TextSealed):
        # Nearly always all of them: one by one they take nine times as long.
        return read_entries(rows)
    taken: list[EntryRow] = []
    for row in rows:
        try:
            taken += read_entries((row,))
        except TextSealed:
            if not taken:
                raise
            break
    return taken


def hash_entry(salt: bytes, value: bytes) -> bytes:
    """Hash an entry into its leaf, as RFC 6962 hashes a leaf; the salt lets it be forgotten."""
    return sha256(_ZERO + salt + value).digest()


def grow(
    size: int, tails: Tiles, tail: Leaves | None, *, rows: Sequence[EntryRow], salts: bytes
) -> Growth:
    """Add entries to a log of this size.

    `tails` are its partial tiles, `tail` the leaves of the one of level 0, where there is one.
    `salts` are new random bytes, 16 for each row.
    """
    cut = [salts[start : start + SALT_BYTES] for start in range(0, len(salts), SALT_BYTES)]
    hashes = [hash_entry(salt, value) for salt, (_, value) in zip(cut, rows, strict=True)]
    tiles = append_leaves(size, tails, hashes)
    grown = size + len(rows)
    root = hash_span(Span(0, grown), {**tails, **tiles})
    return Growth(grown, root, tiles, _add_leaves(size, tail, rows, salts))


def _add_leaves(
    size: int, tail: Leaves | None, rows: Sequence[EntryRow], salts: bytes
) -> list[Leaves]:
    seqs = pack(f">{len(rows)}q", *[seq for seq, _ in rows])
    number = size // TILE_HASHES
    if tail is not None:
        seqs, salts = tail.seqs + seqs, tail.salts + salts
    return [
        _cut_leaves(number + place, place, seqs, salts)
        for place in range(-(-len(salts) // (SALT_BYTES * TILE_HASHES)))
    ]


def _cut_leaves(number: int, place: int, seqs: bytes, salts: bytes) -> Leaves:
    start, end = place * TILE_HASHES, (place + 1) * TILE_HASHES
    cut = seqs[start * _SEQ.size : end * _SEQ.size]
    numbers = split_seqs(cut)
    return Leaves(
        number, min(numbers), max(numbers), cut, salts[start * SALT_BYTES : end * SALT_BYTES]
    )


def split_seqs(seqs: bytes) -> list[int]:
    """Read the numbers of a tile's entries."""
    return list(unpack(f">{len(seqs) // _SEQ.size}q", seqs))


def split_salts(salts: bytes) -> list[bytes]:
    """Take a tile's salts apart."""
    return [salts[start : start + SALT_BYTES] for start in range(0, len(salts), SALT_BYTES)]


def find_logged(leaves: Leaves, hashes: bytes, seq: int) -> Logged | None:
    """Find an entry by its number among a tile's leaves; None: it is not one of them.

    Raises `ValueError` and `struct.error` where the rows are shorter than what was written.
    """
    numbers = split_seqs(leaves.seqs)
    if seq not in numbers:
        return None
    place = numbers.index(seq)
    salt = leaves.salts[place * SALT_BYTES : (place + 1) * SALT_BYTES]
    leaf_hash = hashes[place * HASH_BYTES : (place + 1) * HASH_BYTES]
    if len(salt) != SALT_BYTES or len(leaf_hash) != HASH_BYTES:
        raise ValueError(f"The tile {leaves.number} of level 0 is too short.")
    return Logged(leaves.number * TILE_HASHES + place, None if salt == NO_SALT else salt, leaf_hash)


def forget_salts(leaves: Leaves, seqs: Iterable[int]) -> Leaves:
    """Destroy the salts of entries, where they are among a tile's leaves; the hashes stay."""
    gone = set(seqs)
    salts = split_salts(leaves.salts)
    for place, seq in enumerate(split_seqs(leaves.seqs)):
        if seq in gone:
            salts[place] = NO_SALT
    return leaves._replace(salts=b"".join(salts))


def list_missed(rows: Iterable[Leaves], seqs: Iterable[int]) -> list[int]:
    """List the entries that are in none of these tiles."""
    found = {seq for leaves in rows for seq in split_seqs(leaves.seqs)}
    return [seq for seq in seqs if seq not in found]


def find_tails(size: int) -> tuple[list[TileName], int | None]:
    """Name the partial tiles of a log, and the number of its partial leaves, where it has any."""
    return list_tails(size), size // TILE_HASHES if size % TILE_HASHES else None


def tell_missing(what: str) -> LookupError:
    """Say that something of the log is not there, and what to do."""
    return LookupError(
        f"The ledger's log lacks {what}. Somebody has changed the database: run `consentry ledger "
        "verify`."
    )


def sign_tree(signer: NoteSigner, size: int, root: bytes, now: datetime) -> Checkpoint:
    """Make a signed checkpoint."""
    return Checkpoint(size, root, signer.sign(Tree(signer.origin, size, root)), now)


def row_of_checkpoint(checkpoint: Checkpoint) -> tuple[int, str]:
    """Write a checkpoint as its row."""
    return checkpoint.size, encode(checkpoint).decode()


def add_timestamp(value: str, answer: bytes) -> str:
    """Write a checkpoint as its row has it, with an authority's answer."""
    checkpoint = msgspec.json.decode(value, type=Checkpoint)
    return encode(msgspec.structs.replace(checkpoint, timestamp=answer)).decode()


def read_signed_tree(value: str) -> Checkpoint:
    """Read a checkpoint's row; raises `ValueError` where it is none, or its note cannot be read."""
    checkpoint = msgspec.json.decode(value, type=Checkpoint)
    read_note(checkpoint.note)
    return checkpoint


def read_keys(values: str) -> list[LogKey]:
    """Read the rows of keys, the oldest first; raises `ValueError` where one is none."""
    keys = msgspec.json.decode(values, type=list[LogKey])
    for key in keys:
        read_verifier_key(key.verifier_key)
    return sorted(keys, key=lambda key: key.since)


def row_of_key(signer: NoteSigner, now: datetime) -> tuple[str, str]:
    """Write a signer's key as its row, which is found by what verifiers take."""
    key = signer.verifier_key()
    return key, encode(LogKey(key, now)).decode()
