"""What a bundle is about: one number, a time, and the senders or all of them."""

from datetime import datetime
from typing import Final

import msgspec

from consentry.domain.directory import Directory
from consentry.domain.entries import Entry, EntryKind
from consentry.domain.messages import Message

BACKGROUND_KINDS: Final = frozenset(
    {
        EntryKind.OPTED_IN,
        EntryKind.OPTED_OUT,
        EntryKind.HELP_ASKED,
        EntryKind.CONSENT_GRANTED,
        EntryKind.CONSENT_REVOKED,
        EntryKind.CONSENT_REQUESTED,
        EntryKind.SUPPRESSED,
        EntryKind.TAG_CHANGED,
        EntryKind.PLACE_CHANGED,
        EntryKind.CARRIER_REFUSED,
        EntryKind.CARRIER_DELIVERED,
        EntryKind.DRIFT_APPLIED,
        EntryKind.DRIFT_DISMISSED,
        EntryKind.REVIEW_OPENED,
        EntryKind.REVIEW_ANSWERED,
    }
)
"""What bears on consent from before the period too: what stood when it began rests on it."""

STAFF_KINDS: Final = frozenset(
    {EntryKind.CUSTOMER_VIEWED, EntryKind.CUSTOMER_CHANGED, EntryKind.EXPORTED}
)
"""What people of the company looked at or edited: it says nothing of consent, and is left out."""


class Scope(msgspec.Struct, frozen=True):
    """A number (E.164), a period with both ends in it, and the senders it is held to.

    `since` None: from the first entry. `senders` None: all of them, and what is about none.
    """

    recipient: str
    until: datetime
    since: datetime | None = None
    senders: tuple[str, ...] | None = None
    brand: str | None = None

    def keeps(self, entry: Entry, directory: Directory) -> bool:
        """Tell whether an entry belongs into the bundle."""
        if entry.recorded_at > self.until or entry.kind in STAFF_KINDS:
            return False
        is_background = entry.kind in BACKGROUND_KINDS
        if self.since is not None and entry.recorded_at < self.since and not is_background:
            return False
        return self._is_of_senders(entry, directory)

    def keeps_text(self, message: Message) -> bool:
        """Tell whether a text belongs into the log."""
        if self.senders is not None and message.sender not in self.senders:
            return False
        if message.created_at > self.until:
            return False
        return self.since is None or message.created_at >= self.since

    def _is_of_senders(self, entry: Entry, directory: Directory) -> bool:
        if self.senders is None:
            return True
        if entry.sender is not None:
            return entry.sender in self.senders
        program = None if entry.program is None else directory.program(entry.program)
        if program is None or self.brand is None:
            return program is None or program.sender in self.senders
        return program.brand == self.brand
