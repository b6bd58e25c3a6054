"""Plays what happens between the company and one person through the product's own actions."""

from datetime import datetime, timedelta
from random import Random  # noqa: TID251 - seeded, and handed on
from typing import Final

import msgspec

from consentry.actions.add_note import AddNote
from consentry.actions.deliver_job import ClaimJobs, RecordSubmission
from consentry.actions.mark_conversation import MarkConversation
from consentry.actions.outgoing import Draft
from consentry.actions.receive_message import Received, ReceiveMessage
from consentry.actions.record_audit import RecordView
from consentry.actions.record_consent import GrantConsent, Statement, SuppressRecipient
from consentry.actions.record_receipt import RecordReceipt
from consentry.actions.send_message import SendMessage, Sent
from consentry.cli.generate.world import BRANDS, CARRIER, SetClock, program_of
from consentry.domain.directory import Purpose, Sender
from consentry.domain.entries import Actor, ActorKind, Box, Evidence, Medium
from consentry.domain.gate import Door, Verdict
from consentry.domain.messages import MessageStatus
from consentry.domain.policy import Policy
from consentry.domain.standing import ConsentLevel
from consentry.ports import (
    Accepted,
    CarrierRefusal,
    InboundText,
    StatusReport,
    Submission,
    Work,
)
from consentry.store.batch import AnyCommand, Failure
from consentry.store.sqlite.batches import Batches

_UNDELIVERED_SHARE: Final = 0.02
_PROGRAM_KEY: Final = Actor(ActorKind.KEY, "key_generated")
_OPTED_OUT: Final = CarrierRefusal(
    permanent=True, opted_out=True, code="21610", text="Attempt to send to unsubscribed recipient"
)


TEXTS_MAX: Final = 6000
"""More texts than one story has."""


class Pair(msgspec.Struct, frozen=True):
    """A person and a sender of ours; the carrier counts their texts from a number."""

    recipient: str
    sender: Sender
    first_text: int


class Player:
    """One person and one sender of ours; the time goes on with what they do."""

    def __init__(self, batches: Batches, clock: SetClock, pair: Pair, random: Random) -> None:
        """Begin at the time of the clock."""
        self._batches = batches
        self._clock = clock
        self._recipient = pair.recipient
        self._sender = pair.sender
        self._random = random
        self._texts = pair.first_text
        self._newest: str | None = None

    def wait(self, low_seconds: float, high_seconds: float) -> None:
        """Let some time pass."""
        seconds = self._random.randrange(int(low_seconds * 1e6), int(high_seconds * 1e6))
        self._clock.time += timedelta(microseconds=seconds)

    def text_us(self, body: str) -> None:
        """Have the person write; whatever we answer by ourselves is delivered."""
        text = InboundText(self._carrier_id(), self._recipient, self._sender.number, body)
        received = self._do(ReceiveMessage(CARRIER, "twilio", text, self._clock.now()))
        if isinstance(received, Received):
            self._newest = received.message
        self._deliver()

    def text_them(self, body: str, agent: str) -> None:
        """Have an agent write; where the gate refuses, the attempt is kept."""
        self._do(SendMessage(self._draft(body, Actor(ActorKind.AGENT, agent), Door.CONSOLE)))
        self._deliver()

    def inform(self, body: str, purpose: Purpose) -> None:
        """Have a program send a text that the person agreed to."""
        program = program_of(self._sender, purpose).id
        draft = self._draft(body, _PROGRAM_KEY, Door.API, purpose=purpose, program=program)
        sent = self._do(SendMessage(draft))
        if isinstance(sent, Sent) and sent.decision.decision is Verdict.DEFER:
            self._wait_for(sent.decision.until or self._clock.time)
        self._deliver()

    def _wait_for(self, until: datetime) -> None:
        """Let the time pass until a text that had to wait is surely due."""
        self._clock.time = until + timedelta(seconds=Policy().defer_jitter_seconds)

    def be_refused(self, body: str, agent: str) -> None:
        """Have an agent write to somebody whom the carrier has as opted out."""
        self._do(SendMessage(self._draft(body, Actor(ActorKind.AGENT, agent), Door.CONSOLE)))
        self._deliver(_OPTED_OUT)

    def agree(self, purpose: Purpose) -> None:
        """Record that the person agreed on the company's page."""
        program = program_of(self._sender, purpose)
        brand = next(b for b in BRANDS if b.id == self._sender.brand)
        wording = (
            f"I agree to get {program.name} from {brand.name} at {self._sender.number}: {purpose} "
            "texts, sent by automated means. Consent is not a condition of purchase. "
            "Reply STOP to opt out."
        )
        evidence = Evidence(
            medium=Medium.WEB,
            at=self._clock.now(),
            call_to_action=wording,
            action="box ticked, form sent",
            page_url="https://example.com/texts",
            ip="192.0.2.7",
            box=Box.UNTICKED,
            apart=True,
        )
        written = purpose is Purpose.MARKETING
        level = ConsentLevel.EXPRESS_WRITTEN if written else ConsentLevel.EXPRESS
        statement = Statement(self._recipient, _PROGRAM_KEY, "agreed on the page", evidence)
        self._do(GrantConsent(statement, program.id, level))

    def suppress(self, actor: Actor, reason: str) -> None:
        """Put the person on the do-not-text list of the brand."""
        self._do(SuppressRecipient(Statement(self._recipient, actor, reason), self._sender.brand))

    def look_at(self, agent: str, customer: str) -> None:
        """Have an agent open the person's profile."""
        self._do(RecordView(customer, (self._recipient,), Actor(ActorKind.AGENT, agent)))

    def note(self, agent: str, text: str) -> None:
        """Have an agent leave a note."""
        by = Actor(ActorKind.AGENT, agent)
        self._do(AddNote(self._recipient, text, by, self._sender.number))

    def mark(self, *, done: bool) -> None:
        """Have the conversation read, or put away."""
        newest = self._newest
        mark = MarkConversation(
            self._recipient, self._sender.number, newest, newest if done else None
        )
        self._do(mark)

    def _draft(
        self,
        body: str,
        actor: Actor,
        door: Door,
        *,
        purpose: Purpose | None = None,
        program: str | None = None,
    ) -> Draft:
        return Draft(
            recipient=self._recipient,
            sender=self._sender.number,
            body=body,
            actor=actor,
            door=door,
            purpose=purpose,
            program=program,
        )

    def _deliver(self, answer: Submission | None = None) -> None:
        """Hand over what is due, and have it delivered a moment later, or not."""
        self.wait(0.05, 0.4)
        works = self._do(ClaimJobs(((self._sender.number, 10),), "generate"))
        for work in works if isinstance(works, tuple) else ():
            self._hand_over(work, answer or Accepted(self._carrier_id()))

    def _hand_over(self, work: Work, answer: Submission) -> None:
        self.wait(0.05, 0.4)
        message = work.message.id
        number, attempt = self._sender.number, work.job.attempts
        self._do(
            RecordSubmission(message, self._recipient, number, CARRIER, answer, attempt=attempt)
        )
        if isinstance(answer, Accepted):
            self.wait(0.5, 4)
            failed = self._random.random() < _UNDELIVERED_SHARE
            report = StatusReport(
                carrier_message_id=answer.carrier_message_id,
                recipient=self._recipient,
                sender=number,
                status=MessageStatus.UNDELIVERED if failed else MessageStatus.DELIVERED,
                error_code="30003" if failed else None,
                message=message,
            )
            self._do(RecordReceipt(CARRIER, report, self._clock.now()))

    def _carrier_id(self) -> str:
        """Stand in for the carrier's id of a text; everybody gets another one in its place."""
        self._texts += 1
        return f"SM^{self._texts:07}^"

    def _do(self, command: AnyCommand) -> object:
        """Carry an action out, as its own batch."""
        (outcome,) = self._batches.carry_out([command])
        if isinstance(outcome, Failure):
            raise outcome.error
        return outcome
