"""What the ledger proves of the entries of a bundle."""

import msgspec


class ProvedEntry(msgspec.Struct, frozen=True):
    """An entry in the ledger's tree: its leaf, the salt, the leaf's hash, and the path to the root.

    `salt` is None where the entry was erased.
    """

    leaf: int
    leaf_hash: bytes
    salt: bytes | None
    path: tuple[bytes, ...]


class Proved(msgspec.Struct, frozen=True):
    """A checkpoint, as the signed note that it is, and what is proved under it.

    `note` None: there is no checkpoint. `keys`: those that signed it and sign the bundle, as they
    are published (`NAME+ID+KEY`). `leaves` by the id of the entry.
    `timestamp`: an authority's token over the note (RFC 3161).
    """

    keys: tuple[str, ...]
    note: str | None = None
    size: int = 0
    leaves: dict[str, ProvedEntry] = {}
    timestamp: bytes | None = None
