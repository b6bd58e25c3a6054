"""The invariants I1 to I5 of the specification, over random interleavings of everything at once."""

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import invariant, rule
from random_world import (
    ASKING,
    BACK,
    DIGITS,
    NUMBERS,
    OUT,
    PEOPLE,
    SENDERS,
    RandomWorld,
    people,
    senders,
)

from consent_world import (
    DIRECTORY,
    LONG,
    SERVICE_A,
    SERVICE_B,
    SHORT,
    TOLL_FREE,
)
from consentry.domain.directory import Purpose, Sender
from consentry.domain.entries import fold
from consentry.domain.gate import (
    Door,
    Facts,
    Verdict,
    decide,
)
from consentry.domain.messages import MessageStatus
from consentry.domain.reading import BlockLayer
from consentry.domain.standing import (
    BlockState,
    SMSPreference,
    Standing,
    apply_pieces,
)

# Measuring which lines run would take most of the time, and other tests run them all.
pytestmark = [pytest.mark.property, pytest.mark.no_cover]


class Everything(RandomWorld):
    """The random world, steered into narrow races, and judged after every step."""

    # --- Scenes: the races that chance alone would seldom play ------------------------------

    @rule(person=people, sender=senders, body=st.sampled_from(OUT), age=st.sampled_from([None, 3]))
    def cross(self, person: str, sender: Sender, body: str, age: float | None) -> None:
        """A text and an opt-out pass each other on the way; then the text is delivered."""
        self.converse(person=person, sender=sender)
        self.text(person=person, sender=sender, body=body, age=age)
        if self.went_out:
            self._report(self.went_out[-1], MessageStatus.DELIVERED, named=True)

    @rule(
        person=people,
        sender=senders,
        early=st.booleans(),
        kind=st.sampled_from(["busy", "silent"]),
    )
    def lose_answer(self, person: str, sender: Sender, kind: str, *, early: bool) -> None:
        """The carrier takes a text and its answer is lost; a report comes before it or after."""
        self.greet(person=person, sender=sender)
        self.claim(limit=9)
        for work in self.with_carrier[::-1]:
            if not self._is_taken(work):
                self.went_out.append(work)
            if early:
                self._report(work, MessageStatus.SENT, named=True)
            self._settle(work, kind, out=True)
            if not early:
                self._report(work, MessageStatus.DELIVERED, named=True)
        self.move_clock(seconds=20)
        self.claim(limit=9)

    @rule(
        person=people,
        sender=st.sampled_from([SHORT, SHORT, LONG]),
        out=st.sampled_from(OUT),
        digit=st.sampled_from(DIGITS),
        age=st.sampled_from([None, None, 0, 3]),
    )
    def keep_one(
        self, *, person: str, sender: Sender, out: str, digit: str, age: float | None
    ) -> None:
        """A person of two programs leaves, is asked what for, and keeps one of them."""
        self.text(person=person, sender=sender, body="START", age=None)
        for what in ("grant marketing", "grant news"):
            self.tell(person=person, sender=sender, what=what, how=(True, False, 0))
        self.claim(limit=9)
        self.move_clock(seconds=1)
        self.text(person=person, sender=sender, body=out, age=None)
        self.claim(limit=9)
        self.text(person=person, sender=sender, body=digit, age=age)
        self.send(person=person, sender=sender, why=(Door.API, Purpose.MARKETING), later=0)
        self.claim(limit=9)

    @rule(
        person=people,
        sender=st.sampled_from([SERVICE_A, SERVICE_A, LONG, SHORT, TOLL_FREE]),
        out=st.sampled_from(OUT),
        back=st.sampled_from(BACK),
    )
    def come_and_go(self, person: str, sender: Sender, out: str, back: str) -> None:
        """A person leaves and comes back, perhaps over another number of the same service."""
        self.promote(person=person, sender=sender, later=0)
        self.text(person=person, sender=sender, body=out, age=None)
        self.tell(person=person, sender=sender, what="grant conversation", how=(True, False, 0))
        other = SERVICE_B if sender is SERVICE_A else sender
        self.text(person=person, sender=other, body=back, age=None)
        self.greet(person=person, sender=sender)
        self.claim(limit=9)

    # --- After every step -------------------------------------------------------------------

    @invariant()
    def no_opt_out_is_lost(self) -> None:
        """I1, I3, I4: what the person's words forbid, the gate forbids, and the phone is red."""
        for person in PEOPLE:
            said = self.said[person]
            for sender in SENDERS:
                number = NUMBERS[sender.number]
                if said.is_revoked(number):
                    assert not self._may_answer(person, sender), (
                        f"I1: {person} from {sender.number}"
                    )
                    red = self.store.standing(person).sms_preference
                    assert red is SMSPreference.FORBIDDEN
                for layer in BlockLayer:
                    if said.closing(number, str(layer)):
                        held = self.store.standing(person).block(sender.scope_of(layer), layer)
                        assert held is not None, f"I4: no {layer} block"
                        assert held.state is BlockState.BLOCKED, f"I4: {layer} block open"
                marketing = self._ask(person, sender, Purpose.MARKETING).decision
                assert marketing is Verdict.DENY or said.may_market(number.brand), "I3"

    @invariant()
    def an_unclear_text_never_continues_marketing(self) -> None:
        """Over no number of the brand, until it is reviewed or they say themselves."""
        for person, number in self.unclear:
            brand = NUMBERS[number].brand
            for sender in SENDERS:
                if NUMBERS[sender.number].brand == brand:
                    asked = self._ask(person, sender, Purpose.MARKETING).decision
                    assert asked is Verdict.DENY, f"{person} from {sender.number}"

    @invariant()
    def the_ledger_explains_everything(self) -> None:
        """I5: each decision follows from the entries before it; the standing is their fold."""
        for entry in self.store.entries[self.checked :]:
            before = self.folded.get(entry.recipient, Standing())
            if entry.decision is not None:
                assert entry.request is not None
                facts = Facts(DIRECTORY, before)
                again = decide(entry.request, facts, ASKING, entry.decision.as_of)
                assert again == entry.decision, "I5: another decision"
            self.folded[entry.recipient] = apply_pieces(before, entry.pieces)
        self.checked = len(self.store.entries)
        for person, standing in self.store.standings.items():
            assert standing == self.folded[person], "I5: another standing"

    def teardown(self) -> None:
        """In the end the whole ledger, folded at once, is what is stored."""
        for person in PEOPLE:
            assert fold(self.store.entries_of(person)) == self.store.standing(person)


TestEverything = Everything.TestCase
TestEverything.settings = settings(
    max_examples=300,
    stateful_step_count=60,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
