"""What the ledger says by itself: every durable change in memory, folded without the store."""

import msgspec

from consentry.domain.entries import Entry
from consentry.domain.messages import Job, Message
from consentry.domain.standing import Standing, apply_pieces
from consentry.ports import Change
from simulated_server import Server

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

    def standing(self, recipient: str) -> Standing:
        """Give the fold of a recipient's entries."""
        return self.standings.get(recipient, _EMPTY)

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
        execute = server.connection.execute
        stored = [str(id_) for (id_,) in execute("SELECT id FROM entries ORDER BY seq")]
        known = [entry.id for entry in self.entries]
        if stored != known:
            return f"entries: {_name_difference(stored, known)}"
        jobs = {str(m): _DECODE_JOB(str(v)) for m, v in execute("SELECT message, value FROM jobs")}
        if jobs != self.jobs:
            return f"jobs: {_name_difference(jobs.items(), self.jobs.items())}"
        for number, value in execute("SELECT recipient, value FROM standings"):
            if _DECODE_STANDING(str(value)) != self.standing(str(number)):
                return f"the standing of {number} is not the fold of its entries"
        for name, value in execute("SELECT id, value FROM messages"):
            if _DECODE_MESSAGE(str(value)) != self.messages.get(str(name)):
                return f"message {name} is another one"
        if thoroughly:
            values = execute("SELECT value FROM entries ORDER BY seq")
            for entry, (value,) in zip(self.entries, values, strict=True):
                if _DECODE_ENTRY(str(value)) != entry:
                    return f"entry {entry.id} is another one"
            (sound,) = next(execute("PRAGMA integrity_check"))
            if sound != "ok":
                return f"the file is damaged: {sound}"
        return None


def _name_difference(stored: object, known: object) -> str:
    """Name some of what is only on one side."""
    left, right = list(stored), list(known)  # type: ignore[call-overload]
    lost = [item for item in right if item not in left][:2]
    more = [item for item in left if item not in right][:2]
    return f"{len(left)} stored, {len(right)} known; lost {lost}, unknown {more}"
