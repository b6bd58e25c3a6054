"""I6: holds the transparency log against the entries, by a tree of its own, and tampers with it."""

from contextlib import closing
from hashlib import sha256
from pathlib import Path
from typing import Final

import apsw
from simulated_chance import Chance
from simulated_server import DATABASE

from consentry.store.sqlite.connection import open_connection
from consentry.store.sqlite.log_reading import LogReader
from consentry.store.verifying.findings import Finding
from consentry.store.verifying.ledger import OneHand, verify_ledger
from consentry.store.verifying.sqlite import FileSource
from consentry.wire.signed_note import is_signed_by, read_note, read_verifier_key
from ledger_keys import SIGNER

_KEY: Final = read_verifier_key(SIGNER.verifier_key())


class LogWitness:
    """Keeps each checkpoint that was ever seen: the log of later must lead on from all of them."""

    def __init__(self) -> None:
        self.seen: dict[int, bytes] = {}
        self.notes: list[str] = []

    def go_on_from(self, past: "LogWitness") -> None:
        """Hold the log against what it was before, too."""
        self.seen, self.notes = dict(past.seen), list(past.notes)

    def note(self, connection: apsw.Connection) -> str | None:
        """Keep the newest checkpoint in mind; say where it takes one back."""
        newest = LogReader(connection).read_checkpoint(None)
        if newest is None:
            return "the log's checkpoints are gone" if self.seen else None
        if newest.size < max(self.seen, default=0):
            return "the log is shorter than it was"
        if not is_signed_by(read_note(newest.note), _KEY):
            return "a checkpoint is not signed"
        self.seen[newest.size] = newest.root
        self.notes = [*self.notes[-3:], newest.note]
        return None

    @property
    def is_empty(self) -> bool:
        """Tell whether nothing was ever signed."""
        return not self.seen

    def verify(self) -> list[Finding]:
        """Have the product verify its ledger, against the checkpoints that were kept."""
        source = FileSource(Path(DATABASE))
        try:
            verified = verify_ledger(
                source, OneHand(source), _Unwatched(), notes=self.notes, trusted=[_KEY]
            )
            return verified.findings
        finally:
            source.close()

    def find_fault(self, connection: apsw.Connection) -> str | None:
        """Say what of the log and the entries does not fit together."""
        told = self.note(connection)
        if told is not None or not self.seen:
            return told
        rows = connection.execute("SELECT id, value FROM entries ORDER BY seq").fetchall()
        logged = LogReader(connection).read_logged([str(name) for name, _ in rows])
        hashes: dict[int, bytes] = {}
        for name, value in rows:
            place = logged.get(str(name))
            if place is None:
                continue
            if place.salt is not None:
                leaf = sha256(b"\0" + place.salt + str(value).encode()).digest()
                if leaf != place.leaf_hash:
                    return f"entry {name} is not the one in the log"
            hashes[place.leaf] = place.leaf_hash
        for size, root in self.seen.items():
            if [hashes.get(leaf) for leaf in range(size)].count(None):
                return f"an entry that a checkpoint of {size} covers is gone"
            if _root([hashes[leaf] for leaf in range(size)]) != root:
                return f"the tree of {size} entries has another root than its checkpoint"
        return None


class _Unwatched:
    """Shows nobody how far it is."""

    def begin(self, what: str, total: int | None, done: int = 0) -> None:
        """It begins."""

    def advance(self, rows: int) -> None:
        """It goes on."""


def _root(leaves: list[bytes]) -> bytes:
    """Hash a tree as RFC 6962 says, in the simplest way."""
    if len(leaves) == 1:
        return leaves[0]
    half = 1 << (len(leaves) - 1).bit_length() - 1
    return sha256(b"\1" + _root(leaves[:half]) + _root(leaves[half:])).digest()


def tamper(chance: Chance, size: int) -> str:
    """Change one of the first entries behind the product's back, as who has the file can."""
    with closing(open_connection(DATABASE)) as connection:
        return _tamper(connection, chance, size)


def _tamper(connection: apsw.Connection, chance: Chance, size: int) -> str:
    for (name,) in connection.execute(
        "SELECT name FROM sqlite_schema WHERE type = 'trigger' AND tbl_name = 'entries'"
    ).fetchall():
        connection.execute(f'DROP TRIGGER "{name}"')
    covered = connection.execute(
        "SELECT seq FROM entries WHERE seq <= ? AND kind <> 'entry_erased'", (size,)
    ).fetchall()
    if not covered:
        connection.execute("DELETE FROM entries WHERE seq = 1")
        return "entry 1 removed"
    (seq,) = chance.pick(covered)
    (other,) = chance.pick(covered)
    how = chance.pick(["changed", "removed", "exchanged"])
    chance.counts[f"entry {how} behind the product's back"] += 1
    if how == "removed":
        connection.execute("DELETE FROM entries WHERE seq = ?", (seq,))
    elif how == "exchanged" and other != seq:
        connection.execute(
            "UPDATE entries SET value = (SELECT value FROM entries WHERE seq = ?) WHERE seq = ?",
            (other, seq),
        )
    else:
        connection.execute(
            'UPDATE entries SET value = replace(value, \'"at":"2026\', \'"at":"2025\') '
            "WHERE seq = ?",
            (seq,),
        )
    return f"entry {seq} {how}"
