"""After a restore, texts that were overdue are not sent: they may have gone out before the loss."""

import msgspec

from consentry.actions.outgoing import join
from consentry.domain.entries import Entry, EntryKind
from consentry.domain.messages import MessageStatus
from consentry.ports import Change, Facts, Needs, Work

RESTORED = "restored"
_TOLD = (
    "It was waiting in a backup that was restored, and may have been sent already. Ask the "
    "carrier's log; send it again if it was not."
)


class CancelOverdue(msgspec.Struct, frozen=True):
    """Cancel texts that are due, of each sender so many; the outcome is how many there were.

    Whoever opted out after the backup is not known to have, so nothing old goes out unasked.
    """

    due: tuple[tuple[str, int], ...]

    def needs(self) -> Needs:
        """Ask for the due jobs, as a claim does."""
        return Needs(due_jobs=self.due)

    def decide(self, facts: Facts) -> tuple[int, Change]:
        """Cancel each and say so in the ledger: nothing is dropped silently."""
        due = facts.due_work()
        return len(due), join(*(_cancel(work, facts) for work in due))


def _cancel(work: Work, facts: Facts) -> Change:
    message = work.message
    entry = Entry(
        id=facts.ids.new("ent"),
        recipient=message.recipient,
        kind=EntryKind.JOB_CANCELED,
        at=facts.now,
        recorded_at=facts.now,
        actor=message.actor,
        sender=message.sender,
        message=message.id,
        reason=RESTORED,
    )
    canceled = msgspec.structs.replace(
        message,
        status=MessageStatus.CANCELED,
        updated_at=facts.now,
        error_code=RESTORED,
        error_text=_TOLD,
    )
    return Change(entries=(entry,), messages=(canceled,), finished_jobs=(message.id,))
