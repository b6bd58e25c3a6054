"""How far a conversation was read, and that it was put away."""

import msgspec

from consentry.ports import Change, ConversationMark, Facts, Needs, Outcome


class MarkConversation(msgspec.Struct, frozen=True):
    """Mark a conversation as read, or done, up to one of the person's texts.

    Marks only move on: of two agents, the one who saw less takes nothing back. Ids sort by time.
    """

    recipient: str
    sender: str
    read: str | None = None
    done: str | None = None

    def needs(self) -> Needs:
        """Ask for the mark."""
        return Needs(marks=((self.recipient, self.sender),))

    def decide(self, facts: Facts) -> tuple[ConversationMark, Change]:
        """Move the mark on; what is done was read too."""
        known = facts.mark(self.recipient, self.sender)
        mark = known or ConversationMark(self.recipient, self.sender)
        moved = msgspec.structs.replace(
            mark,
            read=_later(mark.read, self.read, self.done),
            done=_later(mark.done, self.done),
        )
        return moved, Change() if moved == known else Change(records=(moved,))


class ReopenConversation(msgspec.Struct, frozen=True):
    """Bring a conversation back that was put away as done."""

    recipient: str
    sender: str

    def needs(self) -> Needs:
        """Ask for the mark."""
        return Needs(marks=((self.recipient, self.sender),))

    def decide(self, facts: Facts) -> tuple[Outcome, Change]:
        """Take the mark off; how far it was read stays."""
        known = facts.mark(self.recipient, self.sender)
        if known is None or known.done is None:
            return Outcome(), Change()
        return Outcome(), Change(records=(msgspec.structs.replace(known, done=None),))


def _later(*ids: str | None) -> str | None:
    return max((one for one in ids if one is not None), default=None)
