"""A program takes a text back that has not left."""

from typing import Final

import msgspec

from consentry.actions.outgoing import give_up
from consentry.domain.entries import Actor
from consentry.domain.messages import JobState, Message
from consentry.ports import Change, Facts, Needs, Rejected

CANCELED_BY_PROGRAM: Final = "canceled_by_program"
_TOLD: Final = "The program that sent it took it back before it left."


class CancelMessage(msgspec.Struct, frozen=True):
    """Cancel a text that waits in the outbox; the outcome is the message as it is then."""

    message: str
    recipient: str
    by: Actor

    def needs(self) -> Needs:
        """Ask for the message and its job, and that nobody else touches what this person has."""
        return Needs(recipients=(self.recipient,), messages=(self.message,))

    def decide(self, facts: Facts) -> tuple[Message, Change]:
        """Decide; raises `Rejected` where it may be with the carrier, or is no text that waits."""
        message, job = facts.message(self.message), facts.job(self.message)
        if message is None or job is None or job.state is not JobState.QUEUED:
            raise Rejected(
                "not_cancelable",
                "This text does not wait any more: it left, or was stopped. Look at its status.",
            )
        change = give_up(message, facts, reason=CANCELED_BY_PROGRAM, told=_TOLD, by=self.by)
        return change.messages[0], change
