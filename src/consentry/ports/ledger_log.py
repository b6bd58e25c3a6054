"""The transparency log over the ledger's entries: what is read of it, and who signs it."""

from datetime import datetime
from typing import Final, Protocol

import msgspec

from consentry.wire.signed_note import Tree

SALT_BYTES: Final = 16
"""How much randomness is hashed with each entry: nobody guesses what it was once that is gone."""


class Logged(msgspec.Struct, frozen=True):
    """Where an entry is in the log.

    `leaf_hash` is over the salt and the entry's JSON as it was written (see `hash_entry`). A salt
    that was destroyed is None; the hash is kept for ever.
    """

    leaf: int
    salt: bytes | None
    leaf_hash: bytes


class Checkpoint(msgspec.Struct, frozen=True, omit_defaults=True):
    """The tree of the log as it was at one moment; `note` is the signed note that says so.

    `timestamp` is an authority's token over the note (RFC 3161), where one was asked for.
    """

    size: int
    root: bytes
    note: str
    made_at: datetime
    timestamp: bytes | None = None


class LogKey(msgspec.Struct, frozen=True):
    """A key that signs or once signed checkpoints, as verifiers take it, and since when."""

    verifier_key: str
    since: datetime


class LogHead(msgspec.Struct, frozen=True):
    """How far the log is: so many entries are in it, so many are durable and not in it yet.

    `waiting` is counted up to 100,000. `held` says why this process could put nothing in the last
    time, and what to do; empty where it could.
    """

    size: int
    waiting: int
    held: str = ""


class NoteSigner(Protocol):
    """Signs checkpoints."""

    @property
    def origin(self) -> str:
        """The name of the log and of the key."""

    def verifier_key(self) -> str:
        """The public half, as verifiers take it."""

    def sign(self, tree: Tree) -> str:
        """Write a signed note that says what the tree is."""
