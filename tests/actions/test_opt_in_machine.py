"""Double opt-in over random interleavings: nobody is in without a yes, or asked without an act."""

from datetime import datetime, timedelta

import msgspec
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from action_world import KEY, World, statement
from consent_world import LONG, NEWS, PERSON, SHORT, TOLL_FREE
from consentry.actions.request_consent import RequestConsent
from consentry.domain.directory import Sender
from consentry.domain.entries import Evidence, Medium, fold
from consentry.domain.gate import MessageKind
from consentry.domain.messages import Message
from consentry.domain.standing import ConsentState

pytestmark = pytest.mark.property

SENDERS = (LONG, TOLL_FREE, SHORT)
OUT = ("STOP", "please stop texting me", "CANCEL")
WITHIN = timedelta(hours=48)
senders = st.sampled_from(SENDERS)


class Asking(RuleBasedStateMachine):
    """One person, one program; `asked` is what this model has seen go out, by sender."""

    def __init__(self) -> None:
        super().__init__()
        self.world = World()
        self.asked: dict[str, datetime] = {}
        self.acts: list[datetime] = []
        self.questions: list[Message] = []
        self.may_be_in = False

    @rule(sender=senders, is_dated=st.booleans(), age=st.sampled_from([0, 0, 90]))
    def ask(self, sender: Sender, age: float, *, is_dated: bool) -> None:
        """A program has the person asked, perhaps on an act of their own."""
        now = self.world.clock.now()
        at = now - timedelta(minutes=age) if is_dated else None
        if at is not None:
            self.acts.append(at)
        told = statement(Evidence(Medium.WEB, at=at), actor=KEY)
        self.world.store.run(RequestConsent(told, NEWS.id, sender=sender.number))

    @rule()
    def deliver(self) -> None:
        """All that is due goes out."""
        for work in self.world.claim():
            self.world.answer(work)
            if work.message.kind is MessageKind.OPT_IN_REQUEST:
                self._note(work.message)

    def _note(self, question: Message) -> None:
        """See that it is the first, or that the person did something after the last."""
        if self.questions:
            last = self.questions[-1].created_at
            assert any(last < act for act in self.acts), "asked twice for one act"
        self.questions.append(question)
        self.asked[question.sender] = self.world.clock.now()

    @rule(
        sender=senders,
        body=st.sampled_from(["YES", "yes", "START", "yes please", "Hello", "HELP", *OUT]),
    )
    def text(self, sender: Sender, body: str) -> None:
        """The person texts."""
        asked_at, now = self.asked.get(sender.number), self.world.clock.now()
        in_time = asked_at is not None and now < asked_at + WITHIN
        if body in OUT:
            self.may_be_in = False
            self.asked.clear()
        elif in_time and body.upper() in ("YES", "START"):
            self.may_be_in = True
        self.world.receive(body, sender)

    @rule(sender=senders, is_sent=st.booleans(), hours=st.sampled_from([0, 1, 47, 48, 100]))
    def answer(self, sender: Sender, hours: float, *, is_sent: bool) -> None:
        """The person is asked, perhaps still to be, and says yes some time later."""
        self.ask(sender=sender, is_dated=True, age=0)
        if is_sent:
            self.deliver()
        self.wait(seconds=3600 * hours)
        self.text(sender=sender, body="YES")

    @rule(sender=senders, age=st.sampled_from([0, 60, 4000]))
    def ask_again(self, sender: Sender, age: float) -> None:
        """The person was silent; somebody has them asked once more for what they did before."""
        self.ask(sender=sender, is_dated=True, age=0)
        self.deliver()
        self.wait(seconds=3600 * 50)
        self.ask(sender=sender, is_dated=True, age=age)
        self.deliver()

    @rule(sender=senders)
    def agree(self, sender: Sender) -> None:
        """The person is asked and says yes at once: in, unless something of theirs stands."""
        self.ask(sender=sender, is_dated=True, age=0)
        self.deliver()
        asked_at, now = self.asked.get(sender.number), self.world.clock.now()
        if asked_at == now:
            self.text(sender=sender, body="YES")
            consent = self.world.standing().consent(NEWS.id)
            assert consent is not None
            assert consent.state is ConsentState.ACTIVE
            self.asked.pop(sender.number)

    @rule(seconds=st.sampled_from([1, 60, 4000, 90_000, 172_800]))
    def wait(self, seconds: float) -> None:
        """Time goes by."""
        self.world.clock.advance(seconds=seconds)

    @invariant()
    def nobody_is_in_without_a_yes(self) -> None:
        """A consent that is active has its yes; and the ledger leads to what stands."""
        consent = self.world.standing().consent(NEWS.id)
        if consent is not None and consent.state is ConsentState.ACTIVE:
            assert self.may_be_in, "in without a yes"
            evidence = next(e for e in self.world.store.entries if e.id == consent.entry).evidence
            assert msgspec.structs.asdict(evidence or Evidence(Medium.WEB))["medium"] == "text"
        assert fold(self.world.store.entries_of(PERSON)) == self.world.standing()


TestAsking = Asking.TestCase
TestAsking.settings = settings(
    max_examples=100,
    stateful_step_count=30,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
