"""A program has a text taken out of its own sight: its words, or all of it.

Nothing of the proof is lost: the ledger and the text itself stay, and a note says who asked.
"""

from typing import Final

import msgspec

from consentry.actions.record_audit import build_entry
from consentry.domain.entries import Actor, EntryKind
from consentry.domain.messages import Message, MessageStatus, Removal
from consentry.ports import Change, Facts, Needs, Rejected

_UNSETTLED: Final = frozenset(
    {
        MessageStatus.SCHEDULED,
        MessageStatus.QUEUED,
        MessageStatus.SENDING,
        MessageStatus.INDETERMINATE,
    }
)
_NOTES: Final = {
    Removal.BODY: "A program had the words of a text hidden from it (redacted). They stay here.",
    Removal.WHOLE: "A program had a text hidden from it (deleted). It stays here.",
}


class RemoveMessage(msgspec.Struct, frozen=True):
    """Hide a settled text, or its words, from programs; the outcome is the message then."""

    message: str
    recipient: str
    removal: Removal
    by: Actor

    def needs(self) -> Needs:
        """Ask for the message, and that nobody else touches what this person has."""
        return Needs(recipients=(self.recipient,), messages=(self.message,))

    def decide(self, facts: Facts) -> tuple[Message, Change]:
        """Decide; raises `Rejected` where there is no such message, or it is under way."""
        message = facts.message(self.message)
        if message is None:
            raise Rejected("not_found", "There is no such message. Check its id.", status=404)
        if message.status in _UNSETTLED:
            raise Rejected(
                "not_settled",
                "This text is under way. Wait until it was sent, or cancel it while it waits.",
            )
        if message.removal in (self.removal, Removal.WHOLE):
            return message, Change()
        removed = msgspec.structs.replace(message, removal=self.removal, updated_at=facts.now)
        note = build_entry(
            EntryKind.NOTE_ADDED,
            facts,
            self.by,
            text=_NOTES[self.removal],
            recipient=message.recipient,
            sender=message.sender,
        )
        note = msgspec.structs.replace(note, message=message.id)
        return removed, Change(entries=(note,), messages=(removed,))
