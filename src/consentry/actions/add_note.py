"""Notes that agents leave for each other in a person's history."""

from typing import Final

import msgspec

from consentry.actions.record_audit import build_entry
from consentry.domain.entries import Actor, Entry, EntryKind
from consentry.ports import Change, Facts, Needs, Rejected

NOTE_CHARACTERS_MAX: Final = 5000


class AddNote(msgspec.Struct, frozen=True):
    """Write a note about a recipient; `sender` is the conversation that it is about, if any."""

    recipient: str
    text: str
    by: Actor
    sender: str | None = None

    def needs(self) -> Needs:
        """Ask for nothing."""
        return Needs()

    def decide(self, facts: Facts) -> tuple[Entry, Change]:
        """Decide; raises `Rejected` for a note that is empty or too long."""
        text = self.text.strip()
        if not text:
            raise Rejected("note_empty", "Write something first.", status=422)
        if len(text) > NOTE_CHARACTERS_MAX:
            raise Rejected(
                "note_too_long",
                f"The note has {len(text):,} characters; at most {NOTE_CHARACTERS_MAX:,} fit.",
                status=422,
            )
        entry = build_entry(
            EntryKind.NOTE_ADDED,
            facts,
            self.by,
            text=text,
            recipient=self.recipient,
            sender=self.sender,
        )
        return entry, Change(entries=(entry,))
