"""After a restore, texts that were overdue are not sent: they may have gone out before the loss."""

import msgspec

from consentry.actions.outgoing import give_up, join
from consentry.ports import Change, Facts, Needs

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
        given_up = (give_up(work.message, facts, reason=RESTORED, told=_TOLD) for work in due)
        return len(due), join(*given_up)
