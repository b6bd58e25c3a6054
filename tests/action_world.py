"""The product without its edges: commands on a store in memory, told in the words of the story."""

from datetime import datetime

import msgspec

from consent_world import DIRECTORY, LONG, PERSON
from consentry.actions.deliver_job import ClaimJobs, RecordSubmission, RecoverJobs, Settled
from consentry.actions.outgoing import Draft
from consentry.actions.receive_message import Received, ReceiveMessage
from consentry.actions.record_consent import Statement
from consentry.actions.record_receipt import Recorded, RecordReceipt
from consentry.actions.send_message import SendMessage, Sent
from consentry.domain.directory import Directory, Purpose, Sender
from consentry.domain.entries import Actor, ActorKind, Entry, EntryKind, Evidence
from consentry.domain.gate import Door, MessageKind
from consentry.domain.messages import JobState, Message, MessageStatus
from consentry.domain.policy import Policy
from consentry.domain.standing import Piece, Standing
from consentry.ports import (
    Accepted,
    CarrierRefusal,
    Change,
    Facts,
    InboundText,
    Needs,
    StatusReport,
    Submission,
    Work,
)
from memory_store import FakeClock, MemoryStore, claimable

CARRIER = "twilio-1"
PROCESS = "prc_1"
AGENT = Actor(ActorKind.AGENT, "agent-1")
KEY = Actor(ActorKind.KEY, "key-1")
OPTED_OUT = CarrierRefusal(permanent=True, opted_out=True, code="21610", text="unsubscribed")
TOO_MANY = CarrierRefusal(permanent=False, opted_out=False, code="20429", text="too many")
BROKEN = CarrierRefusal(permanent=True, opted_out=False, code="21211", text="no such number")


class Put(msgspec.Struct, frozen=True):
    """Bring a recipient's standing to hold these pieces, by an entry, however they came about."""

    recipient: str
    pieces: tuple[Piece, ...]

    def needs(self) -> Needs:
        """Ask for the standing."""
        return Needs(recipients=(self.recipient,))

    def decide(self, facts: Facts) -> tuple[None, Change]:
        """Append one entry with all pieces."""
        entry = Entry(
            facts.ids.new("ent"),
            self.recipient,
            EntryKind.CONSENT_GRANTED,
            facts.now,
            facts.now,
            KEY,
            pieces=self.pieces,
        )
        return None, Change(entries=(entry,))


class World:
    """A company, one store, one clock; each call is one command."""

    def __init__(self, policy: Policy | None = None, directory: Directory = DIRECTORY) -> None:
        self.clock = FakeClock()
        self.store = MemoryStore(directory, policy, self.clock)
        self._texts = 0

    def receive(
        self,
        body: str,
        sender: Sender = LONG,
        *,
        recipient: str = PERSON,
        sent_at: datetime | None = None,
        known_as: str | None = None,
        opt_out_type: str | None = None,
    ) -> Received:
        """Let a person text a sender; `known_as` is the carrier's id of the text."""
        self._texts += 1
        inbound = InboundText(
            carrier_message_id=known_as or f"SM-in-{self._texts}",
            recipient=recipient,
            sender=sender.number,
            body=body,
            sent_at=sent_at,
            opt_out_type=opt_out_type,
        )
        return self.store.run(ReceiveMessage(CARRIER, "twilio", inbound, self.clock.now()))

    def send(
        self,
        body: str = "Hello",
        sender: Sender = LONG,
        *,
        recipient: str = PERSON,
        door: Door = Door.CONSOLE,
        purpose: Purpose | None = None,
        program: str | None = None,
        send_at: datetime | None = None,
        expires_at: datetime | None = None,
    ) -> Sent:
        """Let somebody send a text through a door."""
        draft = Draft(
            recipient=recipient,
            sender=sender.number,
            body=body,
            actor=AGENT,
            door=door,
            purpose=purpose,
            program=program,
            send_at=send_at,
            expires_at=expires_at,
        )
        return self.store.run(SendMessage(draft))

    def put(self, *pieces: Piece, recipient: str = PERSON) -> None:
        """Let a person's standing hold these pieces."""
        self.store.run(Put(recipient, pieces))

    def claim(self, *senders: Sender, limit: int = 100) -> tuple[Work, ...]:
        """Claim what is due, of all senders where none is named."""
        numbers = [sender.number for sender in senders or tuple(DIRECTORY.senders.values())]
        return self.store.run(ClaimJobs(claimable(numbers, limit), PROCESS))

    def recover(self, *besides: Work) -> int:
        """Clear up what is claimed, but what is under way."""
        busy = {work.message.id for work in besides}
        claimed = [work.job for work in self.store.works(JobState.CLAIMED)]
        jobs = tuple(job for job in claimed if job.message not in busy)
        return self.store.run(RecoverJobs(PROCESS, jobs))

    def answer(self, work: Work, submission: Submission | None = None) -> Settled:
        """Write down what the carrier answered; by default it took the text."""
        message = work.message
        submission = submission or Accepted(f"SM-{message.id}")
        return self.store.run(
            RecordSubmission(
                message=message.id,
                recipient=message.recipient,
                sender=message.sender,
                carrier=CARRIER,
                submission=submission,
                attempt=work.job.attempts,
            )
        )

    def report(
        self,
        message: Message,
        status: MessageStatus = MessageStatus.DELIVERED,
        *,
        error_code: str | None = None,
        opted_out: bool = False,
        named: bool = True,
        recipient: str | None = None,
        sender: str | None = None,
    ) -> Recorded:
        """Let a delivery report come in; `named` says that it carries our own id."""
        report = StatusReport(
            carrier_message_id=f"SM-{message.id}",
            recipient=recipient or message.recipient,
            sender=message.sender if sender is None else sender,
            status=status,
            error_code=error_code,
            opted_out=opted_out,
            message=message.id if named else None,
        )
        return self.store.run(RecordReceipt(CARRIER, report, self.clock.now()))

    def sent(self, body: str = "Hello", sender: Sender = LONG) -> Message:
        """Send a text, claim it and let the carrier take it; give the message as it is then."""
        outcome = self.send(body, sender)
        assert outcome.message is not None
        (work,) = [w for w in self.claim() if w.message.id == outcome.message]
        self.answer(work)
        return self.message(outcome.message)

    # --- Looking ----------------------------------------------------------------------------

    def message(self, message_id: str | None) -> Message:
        """Find a message that must be there."""
        assert message_id is not None
        return self.store.messages[message_id]

    def standing(self, recipient: str = PERSON) -> Standing:
        """Look at what stands."""
        return self.store.standing(recipient)

    def last_entry(self, kind: EntryKind) -> Entry:
        """Find the newest entry of a kind."""
        return [entry for entry in self.store.entries if entry.kind is kind][-1]

    def kinds(self) -> list[EntryKind]:
        """List the kinds of all entries, oldest first."""
        return [entry.kind for entry in self.store.entries]

    def queued(self) -> list[MessageKind]:
        """List the kinds of what waits in the outbox."""
        return [work.message.kind for work in self.store.works(JobState.QUEUED)]


def statement(
    evidence: Evidence | None = None,
    *,
    by_person: bool = True,
    actor: Actor = AGENT,
    recipient: str = PERSON,
) -> Statement:
    """Tell something about a person."""
    return Statement(recipient, actor, "as told on the phone", evidence, by_person)
