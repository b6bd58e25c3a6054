"""Everything that can happen, one rule a step; what leaves is held against the model."""

from collections import defaultdict
from contextlib import suppress
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule

from action_world import AGENT, BROKEN, CARRIER, OPTED_OUT, TOO_MANY
from consent_model import Number, Person, Said, Told, read_word
from consent_world import (
    DIRECTORY,
    FOREIGN,
    LONG,
    NEWS,
    OTHER_PERSON,
    PERSON,
    PROMO,
    SERVICE_A,
    SERVICE_B,
    SHORT,
    TOLL_FREE,
)
from consentry.actions.answer_review import AnswerReview
from consentry.actions.deliver_job import (
    ClaimJobs,
    RecordSubmission,
    RecoverJobs,
    ResolveIndeterminate,
)
from consentry.actions.outgoing import Draft
from consentry.actions.receive_message import ReceiveMessage
from consentry.actions.record_consent import (
    GrantConsent,
    LiftSuppression,
    RevokeConsent,
    Statement,
    SuppressRecipient,
    TagPhone,
)
from consentry.actions.record_receipt import RecordReceipt
from consentry.actions.send_message import RecordRefusal, SendMessage
from consentry.domain.directory import Purpose, Sender
from consentry.domain.entries import Box, EntryKind, Evidence, Medium
from consentry.domain.gate import (
    Decision,
    Door,
    Facts,
    MessageKind,
    Request,
    Verdict,
    decide,
)
from consentry.domain.messages import JobState, Message, MessageStatus
from consentry.domain.obstacles import standing_blocks, standing_suppression
from consentry.domain.policy import Policy
from consentry.domain.review import ReviewAnswer, ReviewState
from consentry.domain.standing import (
    Cause,
    ConsentLevel,
    Standing,
)
from consentry.ports import (
    Accepted,
    InboundText,
    Rejected,
    StatusReport,
    Submission,
    Unanswered,
    Work,
)
from memory_store import FakeClock, MemoryStore, claimable

PEOPLE = (PERSON, OTHER_PERSON)
SENDERS = (LONG, TOLL_FREE, SHORT, SERVICE_A, SERVICE_B, FOREIGN)
NUMBERS = {
    s.number: Number(s.number, str(s.kind), s.brand, s.messaging_service_sid) for s in SENDERS
}
OUT = ("STOP", "CANCEL", "stop", "Stop.", "please stop texting me", "stopp")
BACK = ("START", "UNSTOP", "YES", "start")
UNCLEAR = ("who is this", "not interested")
DIGITS = ("1", "2", "3")
ASKING = Policy(scope_question=True)
"""Our own confirmations ask what an opt-out meant, where they may."""

BODIES = (
    *OUT,
    *BACK,
    *UNCLEAR,
    *DIGITS,
    *("Hello", "HELP", "Start!", "yes please", "see you tomorrow"),
)
SHOWN = (
    "Get Deals and Order news from Acme by text from +14155550100, +18005550100 or 55555: "
    "marketing, sent by automated means. Consent is not a condition of purchase."
)
SILENCE = Unanswered("no answer")
_PACIFIC = ZoneInfo("America/Los_Angeles")
STATUSES = (
    MessageStatus.QUEUED,
    MessageStatus.SENT,
    MessageStatus.DELIVERED,
    MessageStatus.DELIVERED,
    MessageStatus.READ,
    MessageStatus.UNDELIVERED,
    MessageStatus.FAILED,
)

# Drawn unevenly, so that words meet: most steps are about one person and two numbers.
people = st.sampled_from([PERSON, PERSON, PERSON, OTHER_PERSON])
senders = st.sampled_from([LONG, LONG, SHORT, SHORT, TOLL_FREE, SERVICE_A, SERVICE_B, FOREIGN])


class RandomWorld(RuleBasedStateMachine):
    """People, agents, programs, a carrier, crashes and a clock that cannot be trusted.

    `said` is the model; `with_carrier`, `went_out`, `told_out` and `unsure` are the truth about
    each text: handed over, taken by the carrier, known by us to be taken, and not known.
    """

    def __init__(self) -> None:
        super().__init__()
        self.clock = FakeClock()
        # Noon where the people are, so that marketing is not always held back.
        self.clock.advance(hours=8)
        self.store = MemoryStore(DIRECTORY, ASKING, self.clock)
        self.said: dict[str, Person] = defaultdict(Person)
        self.turn = 0
        self.unclear: set[tuple[str, str]] = set()
        self.inbound: list[InboundText] = []
        self.with_carrier: list[Work] = []
        self.went_out: list[Work] = []
        self.handed_over: list[tuple[Message, datetime]] = []
        self.told_out: set[str] = set()
        self.unsure: dict[str, bool] = {}
        self.refused_at_door: list[tuple[Draft, Decision]] = []
        self.checked = 0
        self.folded: dict[str, Standing] = {}

    # --- What people say --------------------------------------------------------------------

    @rule(
        person=people,
        sender=senders,
        body=st.sampled_from(BODIES),
        age=st.sampled_from([None, None, 0, 0.3, 3, 20, -0.4]),
    )
    def text(self, person: str, sender: Sender, body: str, age: float | None) -> None:
        """A person texts; `age` is how many minutes ago by the carrier's clock, None: untold."""
        self.turn += 1
        now = self.clock.now()
        sent = None if age is None else now - timedelta(minutes=age)
        inbound = InboundText(f"SM-in-{self.turn}", person, sender.number, body, sent_at=sent)
        number, who = NUMBERS[sender.number], self.said[person]
        word = read_word(body, number, who)
        if word is not None:
            who.words.append(Said(self.turn, word[0], number, word[1], now, sent))
        self.inbound.append(inbound)
        if word is not None:
            self.unclear.discard((person, sender.number))
        elif body in UNCLEAR and not who.is_revoked(number) and self._is_no_answer(person, sender):
            self.unclear.add((person, sender.number))
        self._receive(inbound)
        if body in DIGITS:
            self._note_kept(person, sender, sent)
        if word is not None and not word[0] and sent is None:
            self._check_that_they_are_back(person, sender)

    def _is_no_answer(self, person: str, sender: Sender) -> bool:
        """Tell whether the last text that somebody wrote to them was no part of a conversation."""
        claimed = [
            self.store.messages[entry.message or ""]
            for entry in self.store.entries_of(person)
            if entry.kind is EntryKind.JOB_CLAIMED and entry.sender == sender.number
        ]
        written = [m for m in claimed if m.kind is MessageKind.MESSAGE]
        return not written or written[-1].purpose is not Purpose.CONVERSATIONAL

    @precondition(lambda self: self.unclear)
    @rule(data=st.data())
    def keep(self, data: st.DataObject) -> None:
        """An agent finds that a text which may have been an opt-out was none."""
        pair = data.draw(st.sampled_from(sorted(self.unclear)))
        cases = self.store.reviews.values()
        open_ones = [c for c in cases if (c.recipient, c.sender) == pair and c.answer is None]
        case = next((c for c in open_ones if c.state is ReviewState.OPEN), None)
        if case is not None:
            self.store.run(AnswerReview(case, ReviewAnswer.KEEP, AGENT))
        if case is not None and self.store.standing(pair[0]).review(pair[1]) is None:
            self.unclear.discard(pair)

    def _receive(self, inbound: InboundText) -> None:
        self.store.run(ReceiveMessage(CARRIER, "twilio", inbound, self.clock.now()))

    def _note_kept(self, person: str, sender: Sender, sent: datetime | None) -> None:
        """A digit that gave a program back must answer our question, and is a word from then on.

        The question is the last that went out to the person from this number, not a day old, and
        the carrier blocks nothing there.
        """
        entry, now = self.store.entries[-1], self.clock.now()
        if entry.kind is not EntryKind.OPTED_IN or entry.program is None:
            return
        who, number = self.said[person], NUMBERS[sender.number]
        assert not any(who.closing(number, layer) for layer in ("provider", "network"))
        pair = person, sender.number
        asked, asked_at = [
            (m.body, at) for m, at in self.handed_over if (m.recipient, m.sender) == pair
        ][-1]
        assert f"{entry.text} to keep" in asked, "a digit that answers no question"
        assert timedelta() <= now - asked_at <= timedelta(hours=24)
        who.words.append(Said(self.turn, False, number, frozenset({"ours"}), now, sent))
        if entry.program == PROMO.id:
            who.written.append(Told(self.turn, now + timedelta(microseconds=1)))

    def _check_that_they_are_back(self, person: str, sender: Sender) -> None:
        """An opt-in that arrives now lifts what it reaches, so the gate lets an answer pass."""
        standing = self.store.standing(person)
        held = any(b.cause is Cause.CARRIER_REFUSAL for b in standing_blocks(standing, sender))
        if held or standing_suppression(standing, sender) is not None:
            return
        if not self.said[person].is_revoked(NUMBERS[sender.number]):
            assert self._may_answer(person, sender), "a person who came back cannot be answered"

    @rule(person=people, sender=senders)
    def greet(self, person: str, sender: Sender) -> None:
        """A person writes and is answered: an agent's text waits in the outbox."""
        self.text(person=person, sender=sender, body="Hello", age=None)
        self.send(person=person, sender=sender, why=(Door.CONSOLE, None), later=0)

    @precondition(lambda self: self.inbound)
    @rule(data=st.data())
    def repeat(self, data: st.DataObject) -> None:
        """The carrier tells a text again: nothing changes, whenever it comes (I4)."""
        inbound = data.draw(st.sampled_from(self.inbound))
        before = (len(self.store.entries), dict(self.store.standings), dict(self.store.messages))
        self._receive(inbound)
        after = (len(self.store.entries), dict(self.store.standings), dict(self.store.messages))
        assert after == before, "a repeated webhook changed something"

    # --- What is told to agents and programs ------------------------------------------------

    @rule(
        person=people,
        sender=senders,
        what=st.sampled_from(
            [
                *("grant marketing", "grant weakly", "grant news", "grant conversation"),
                *("withdraw", "withdraw marketing", "list", "unlist"),
            ]
        ),
        how=st.tuples(st.booleans(), st.booleans(), st.sampled_from([0, 0, 2, 30])),
    )
    def tell(self, person: str, sender: Sender, what: str, how: tuple[bool, bool, float]) -> None:
        """Somebody tells an agent or a program something about a person."""
        by_person, typed, age = how
        at = self.clock.now() - timedelta(minutes=age)
        evidence = Evidence(
            Medium.WEB if typed else Medium.TEXT,
            at,
            "JOIN",
            call_to_action=SHOWN,
            action="ticked and sent",
            box=Box.UNTICKED,
            apart=True,
        )
        told = Statement(person, AGENT, "told", evidence, by_person)
        self.turn += 1
        self.said[person].held_by_company |= not by_person and what in ("withdraw", "list")
        match what:
            case "grant marketing":
                self._grant_marketing(told, typed=typed)
            case "grant weakly":
                self.store.run(GrantConsent(told, PROMO.id, ConsentLevel.EXPRESS))
            case "grant news":
                self.store.run(GrantConsent(told, NEWS.id))
            case "grant conversation":
                self.store.run(GrantConsent(told, sender.conversation))
            case "withdraw":
                self._withdraw(told, sender)
            case "withdraw marketing":
                self.said[person].withdrawn.append(Told(self.turn, at))
                self.store.run(RevokeConsent(told, PROMO.id))
            case "list":
                self._list(told, sender)
            case _:
                self._unlist(told, sender)

    @rule(person=people, sender=senders, later=st.sampled_from([0, 0, 90]))
    def promote(self, person: str, sender: Sender, later: int) -> None:
        """A person signs up by text, and the company sends an offer, now or soon."""
        self.tell(person=person, sender=sender, what="grant marketing", how=(True, False, 0))
        self.send(person=person, sender=sender, why=(Door.API, Purpose.MARKETING), later=later)

    def _grant_marketing(self, told: Statement, *, typed: bool) -> None:
        assert told.evidence is not None
        assert told.evidence.at is not None
        if not typed:
            written = self.said[told.recipient].written
            written.append(Told(self.turn, told.evidence.at))
        self.store.run(GrantConsent(told, PROMO.id, ConsentLevel.EXPRESS_WRITTEN))

    def _withdraw(self, told: Statement, sender: Sender) -> None:
        """An opt-out by phone, or the company's own."""
        assert told.evidence is not None
        assert told.evidence.at is not None
        if told.by_person:
            ours, at = frozenset({"ours"}), told.evidence.at
            said = Said(self.turn, True, NUMBERS[sender.number], ours, at)
            self.said[told.recipient].words.append(said)
        self.store.run(RevokeConsent(told, sender.conversation))

    def _list(self, told: Statement, sender: Sender) -> None:
        """On the do-not-text list: of the brand where the sender is a short code, else of all."""
        assert told.evidence is not None
        assert told.evidence.at is not None
        brand = "acme" if sender is SHORT else None
        if told.by_person:
            never = self.said[told.recipient].never
            never.append(Told(self.turn, told.evidence.at, brand))
        self.store.run(SuppressRecipient(told, brand))

    def _unlist(self, told: Statement, sender: Sender) -> None:
        """An agent tries to take it off the list, and to set the tag."""
        for brand in (None, sender.brand):
            with suppress(Rejected):
                self.store.run(LiftSuppression(told, brand))
        with suppress(Rejected):
            self.store.run(TagPhone(told, sms=True))

    # --- Sending ----------------------------------------------------------------------------

    @rule(
        person=people,
        sender=senders,
        why=st.tuples(st.sampled_from(Door), st.sampled_from([None, None, *Purpose])),
        later=st.sampled_from([0, 0, 0, 90, 600]),
    )
    def send(
        self, person: str, sender: Sender, why: tuple[Door, Purpose | None], later: int
    ) -> None:
        """Somebody sends a text, now or for later; the gate decides."""
        door, purpose = why
        draft = Draft(
            recipient=person,
            sender=sender.number,
            body="Hello",
            actor=AGENT,
            door=door,
            purpose=purpose,
            send_at=self.clock.now() + timedelta(seconds=later),
        )
        sent = self.store.run(SendMessage(draft))
        if sent.message is None:
            self.refused_at_door.append((draft, sent.decision))

    @precondition(lambda self: self.refused_at_door)
    @rule(data=st.data())
    def record_refusal(self, data: st.DataObject) -> None:
        """A refusal that a door gave some time ago is written down only now."""
        index = data.draw(st.integers(0, len(self.refused_at_door) - 1))
        draft, decision = self.refused_at_door.pop(index)
        self.store.run(RecordRefusal(draft, decision))

    @rule(limit=st.sampled_from([1, 9, 9]))
    def claim(self, limit: int) -> None:
        """Due jobs are claimed and handed over: here a text leaves (I1, I2, I3, I4)."""
        for work in self.store.run(ClaimJobs(claimable(NUMBERS, limit), "prc_1")):
            self._check_leaving(work)
            self.with_carrier.append(work)
            self.handed_over.append((work.message, self.clock.now()))

    def _check_leaving(self, work: Work) -> None:
        message, now = work.message, self.clock.now()
        person, number = self.said[message.recipient], NUMBERS[message.sender]
        busy = {other.message.id for other in self.with_carrier}
        assert message.id not in self.told_out | busy | set(self.unsure), "I4: handed over twice"
        if message.kind is MessageKind.OPT_OUT_CONFIRMATION:
            assert person.may_confirm(number, now), "I2: a second, late or needless confirmation"
            assert (message.segments, message.media) == (1, ()), "I2: more than one segment"
            assert message.purpose is not Purpose.MARKETING, "I2: marketing in a confirmation"
            person.confirmed[number.number] = self.turn
            return
        assert not person.is_revoked(number), "I1: a text leaves after a revocation"
        if message.purpose is Purpose.MARKETING:
            assert person.may_market(number.brand), "I3: marketing without written consent"
            assert 8 <= now.astimezone(_PACIFIC).hour < 21, "marketing at night"

    # --- The carrier's answers, crashes, receipts -------------------------------------------

    @precondition(lambda self: self.with_carrier)
    @rule(data=st.data())
    def take(self, data: st.DataObject) -> None:
        """The carrier takes a text, and may report of it before it answers."""
        work = data.draw(st.sampled_from(self.with_carrier))
        if not self._is_taken(work):
            self.went_out.append(work)

    def _is_taken(self, work: Work) -> bool:
        return any(other.message.id == work.message.id for other in self.went_out)

    @rule(person=people, sender=senders)
    def converse(self, person: str, sender: Sender) -> None:
        """A person writes, an agent answers, and the carrier takes what it is given."""
        self.greet(person=person, sender=sender)
        self.claim(limit=9)
        for work in self.with_carrier[::-1]:
            self._settle(work, "took", out=True)

    @precondition(lambda self: self.with_carrier)
    @rule(
        data=st.data(),
        kind=st.sampled_from(["took", "took", "busy", "busy", "silent", "opted out", "no"]),
        out=st.booleans(),
    )
    def answer(self, data: st.DataObject, kind: str, *, out: bool) -> None:
        """The carrier answers one text; `out`: it took it though the answer was lost or wrong."""
        self._settle(data.draw(st.sampled_from(self.with_carrier)), kind, out=out)

    def _settle(self, work: Work, kind: str, *, out: bool) -> None:
        self.with_carrier.remove(work)
        message_id = work.message.id
        if self._is_taken(work) and kind in ("opted out", "no"):
            kind = "took"
        answers: dict[str, Submission] = {
            "took": Accepted(f"SM-{message_id}"),
            "busy": TOO_MANY,
            "silent": SILENCE,
            "opted out": OPTED_OUT,
            "no": BROKEN,
        }
        out = kind == "took" or (out and kind in ("busy", "silent")) or self._is_taken(work)
        if out and not self._is_taken(work):
            self.went_out.append(work)
        if kind == "took":
            self.told_out.add(message_id)
        if kind == "silent" and message_id not in self.told_out:
            self.unsure[message_id] = out
        self._record(work, answers[kind])

    def _record(self, work: Work, submission: Submission) -> None:
        message = work.message
        command = RecordSubmission(
            message=message.id,
            recipient=message.recipient,
            sender=message.sender,
            carrier=CARRIER,
            submission=submission,
            attempt=work.job.attempts,
        )
        for _ in range(2):  # An answer that is noted twice counts once.
            self.store.run(command)

    @precondition(lambda self: self.with_carrier)
    @rule(took=st.lists(st.booleans(), min_size=8, max_size=8))
    def crash(self, took: list[bool]) -> None:
        """The server stops between handing over and noting; after the start it looks again."""
        for work, taken in zip(self.with_carrier, [*took, *([True] * 99)], strict=False):
            out = taken or self._is_taken(work)
            if out and not self._is_taken(work):
                self.went_out.append(work)
            if work.message.id not in self.told_out:
                self.unsure[work.message.id] = out
        self.with_carrier.clear()
        claimed = tuple(work.job for work in self.store.works(JobState.CLAIMED))
        self.store.run(RecoverJobs("prc_1", claimed))
        assert not self.store.works(JobState.CLAIMED)

    @precondition(lambda self: self.unsure)
    @rule(data=st.data())
    def resolve(self, data: st.DataObject) -> None:
        """The carrier's list tells whether an unsure text went out."""
        message_id = data.draw(st.sampled_from(sorted(self.unsure)))
        out = self.unsure.pop(message_id)
        found = Accepted(f"SM-{message_id}") if out else None
        if out:
            self.told_out.add(message_id)
        recipient = self.store.messages[message_id].recipient
        job = self.store.jobs.get(message_id)
        attempt = 0 if job is None else job.attempts
        command = ResolveIndeterminate(message_id, recipient, CARRIER, found, attempt=attempt)
        self.store.run(command)

    @precondition(lambda self: self.went_out)
    @rule(
        data=st.data(),
        status=st.sampled_from(STATUSES),
        named=st.sampled_from([True, True, False]),
        opted_out=st.booleans(),
    )
    def report(
        self, data: st.DataObject, status: MessageStatus, *, named: bool, opted_out: bool
    ) -> None:
        """A receipt for a text that went out: any status, any order, early, late, repeated."""
        work = data.draw(st.sampled_from(self.went_out[-4:]))
        refused = opted_out and status is MessageStatus.FAILED
        self._report(work, status, named=named, opted_out=refused)

    def _report(
        self, work: Work, status: MessageStatus, *, named: bool, opted_out: bool = False
    ) -> None:
        message = work.message
        report = StatusReport(
            carrier_message_id=f"SM-{message.id}",
            recipient=message.recipient,
            sender=message.sender,
            status=status,
            error_code="21610" if opted_out else None,
            opted_out=opted_out,
            message=message.id if named else None,
        )
        recorded = self.store.run(RecordReceipt(CARRIER, report, self.clock.now()))
        if recorded.message is not None:
            self.told_out.add(recorded.message)
            self.unsure.pop(recorded.message, None)

    # --- Time -------------------------------------------------------------------------------

    @rule(seconds=st.sampled_from([0.001, 1, 1, 1, 20, 20, 100, 301, 2000, -1, -45, -4000, 5000]))
    def move_clock(self, seconds: float) -> None:
        """Time goes by, or somebody sets the clock."""
        self.clock.advance(seconds=seconds)

    def _may_answer(self, person: str, sender: Sender) -> bool:
        return self._ask(person, sender, None).decision is Verdict.ALLOW

    def _ask(self, person: str, sender: Sender, purpose: Purpose | None) -> Decision:
        request = Request(person, sender.number, purpose=purpose, door=Door.CONSOLE)
        facts = Facts(DIRECTORY, self.store.standing(person))
        return decide(request, facts, ASKING, self.clock.now())
