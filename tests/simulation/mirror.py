"""What the ledger says by itself: every durable change in memory, folded without the store."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import apsw
import msgspec
from simulated_server import Server

from consentry.domain.entries import Entry, EntryKind, fold
from consentry.domain.messages import Job, Message
from consentry.domain.standing import Standing, apply_pieces
from consentry.ports import Change, Destroyed

Rows = list[tuple[Any, Any]]
"""Rows of a table, each by its name and its value."""

_EMPTY = Standing()
_DECODE_MESSAGE = msgspec.json.Decoder(Message).decode
_DECODE_JOB = msgspec.json.Decoder(Job).decode
_DECODE_ENTRY = msgspec.json.Decoder(Entry).decode
_DECODE_STANDING = msgspec.json.Decoder(Standing).decode


class Mirror:
    """Entries, standings, messages and jobs as they must be on the disk."""

    def __init__(self) -> None:
        self.entries: list[Entry] = []
        self.standings: dict[str, Standing] = {}
        self.messages: dict[str, Message] = {}
        self.jobs: dict[str, Job] = {}
        self.erased: dict[str, Standing] = {}
        self.empty: set[int] = set()
        self.alike: dict[str | int, tuple[str, object]] = {}

    def go_on_from(self, past: "Mirror") -> None:
        """Hold what was durable before."""
        self.entries, self.standings = list(past.entries), dict(past.standings)
        self.messages, self.jobs = dict(past.messages), dict(past.jobs)
        self.erased, self.empty = dict(past.erased), set(past.empty)
        self.alike = dict(past.alike)

    def standing(self, recipient: str) -> Standing:
        """Give the fold of a recipient's entries, or what was kept of somebody erased."""
        return self.standings.get(recipient) or self.erased.get(recipient, _EMPTY)

    def destroy(self, destroyed: Destroyed) -> None:
        """Destroy what is held of a number but what stands against it."""
        number = destroyed.recipient
        self.empty.update(destroyed.places)
        self.standings.pop(number, None)
        for rows in (self.messages, self.jobs):
            for key in [key for key, row in rows.items() if row.recipient == number]:
                del rows[key]
        self.erased[number] = destroyed.kept or _EMPTY

    def recall(self, number: str, connection: apsw.Connection) -> None:
        """Take in the entry by which the ledger of an erased number begins anew."""
        kept = self.erased.pop(number)
        if kept == _EMPTY:
            return
        query = "SELECT value FROM entries WHERE seq = ?"
        ((value,),) = connection.execute(query, (len(self.entries) + 1,))
        begun = _DECODE_ENTRY(str(value))
        if begun.kind is EntryKind.ENTRY_ERASED:
            # They were erased once more in the same batch, which is seen only behind this.
            self.entries.append(begun)
            self.standings[number] = kept
            return
        if begun.kind is not EntryKind.STANDING_RECALLED or fold([begun]) != kept:
            raise AssertionError(f"what stands against {number} is not what was kept")
        self.note(begun)

    def apply(self, change: Change) -> None:
        """Apply a change whose entries were noted one by one already."""
        for message in change.messages:
            self.messages[message.id] = message
        for job in change.jobs:
            self.jobs[job.message] = job
        for message_id in change.finished_jobs:
            self.jobs.pop(message_id, None)

    def note(self, entry: Entry) -> None:
        """Append an entry and fold it."""
        self.entries.append(entry)
        if entry.pieces:
            before = self.standing(entry.recipient)
            self.standings[entry.recipient] = apply_pieces(before, entry.pieces)

    @staticmethod
    def decode_message(value: str) -> Message:
        """Read a message as it is stored."""
        return _DECODE_MESSAGE(value)

    def find_difference(self, server: Server, *, thoroughly: bool) -> str | None:
        """Compare with what is on the disk; say what is not the same."""
        looks = [self._compare_entries, self._compare_jobs, self._compare_standings]
        looks += [self._compare_messages]
        if thoroughly:
            looks += [self._compare_values, _check_file]
        for look in looks:
            difference = look(server.connection)
            if difference is not None:
                return difference
        return None

    def _compare_entries(self, connection: apsw.Connection) -> str | None:
        query = "SELECT group_concat(id) FROM (SELECT id FROM entries ORDER BY seq)"
        ((ids,),) = connection.execute(query)
        stored = [] if ids is None else str(ids).split(",")
        known = [entry.id for entry in self.entries]
        return None if stored == known else f"entries: {_name_difference(stored, known)}"

    def _compare_jobs(self, connection: apsw.Connection) -> str | None:
        rows = connection.execute("SELECT message, value FROM jobs")
        jobs = {str(message): _DECODE_JOB(str(value)) for message, value in rows}
        if jobs == self.jobs:
            return None
        return f"jobs: {_name_difference(jobs.items(), self.jobs.items())}"

    def _compare_standings(self, connection: apsw.Connection) -> str | None:
        rows = connection.execute("SELECT recipient, value FROM standings").fetchall()
        wrong = [
            number
            for number, value in self._skip_alike(rows, self.standings)
            if not self._is(number, value, _DECODE_STANDING, self.standing(number))
        ]
        wrong += self.standings.keys() - dict(rows).keys()
        return f"standings than the folds of their entries: {wrong}" if wrong else None

    def _compare_messages(self, connection: apsw.Connection) -> str | None:
        rows = connection.execute("SELECT id, value FROM messages").fetchall()
        stored: dict[str, str] = dict(rows)
        known = self.messages
        if stored.keys() == known.keys() and all(
            self._is(name, value, _DECODE_MESSAGE, known[name])
            for name, value in self._skip_alike(rows, known)
        ):
            return None
        messages = {name: _DECODE_MESSAGE(value) for name, value in stored.items()}
        return f"messages: {_name_difference(messages.items(), known.items())}"

    def _compare_values(self, connection: apsw.Connection) -> str | None:
        rows = connection.execute("SELECT seq, value FROM entries ORDER BY seq").fetchall()
        known = dict(enumerate(self.entries, start=1))
        if [seq for seq, _ in rows] != list(known):
            return f"numbers of entries than 1 to {len(known)}"
        for place, value in self._skip_alike(rows, known):
            if place not in self.empty and not self._is(place, value, _DECODE_ENTRY, known[place]):
                return f"entry {known[place].id} than was written"
        return None

    def _skip_alike(self, rows: Rows, known: Mapping[Any, object]) -> Rows:
        """Leave out those that are, and must be, what they were when they were found right."""
        alike, nothing = self.alike, (None, None)
        return [
            (name, value)
            for name, value in rows
            if (before := alike.get(name, nothing))[0] != value or before[1] is not known.get(name)
        ]

    def _is(
        self, name: str | int, value: str, decode: Callable[[str], object], known: object
    ) -> bool:
        """Tell whether a row is what it must be, and keep in mind that it is."""
        if decode(value) != known:
            return False
        self.alike[name] = value, known
        return True


def _check_file(connection: apsw.Connection) -> str | None:
    (sound,) = next(connection.execute("PRAGMA integrity_check"))
    return None if sound == "ok" else f"pages than it should: {sound}"


def _name_difference(stored: Iterable[object], known: Iterable[object]) -> str:
    """Name some of what is only on one side."""
    left, right = list(stored), list(known)
    lost = [item for item in right if item not in left][:2]
    more = [item for item in left if item not in right][:2]
    return f"{len(left)} stored, {len(right)} known; lost {lost}, unknown {more}"
