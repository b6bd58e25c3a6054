"""The same question about many: each is decided exactly as the gate decides it alone."""

import msgspec
import pytest
from gate_questions import SWITCHED_OFF, directories, plain_requests, requests, standings
from hypothesis import example, given, settings
from hypothesis import strategies as st

from consent_world import (
    DIRECTORY,
    LONG,
    NEWS,
    OTHER_PERSON,
    PERSON,
    POLICY,
    PROMO,
    block,
    consent,
)
from consentry.domain.directory import Directory, Purpose
from consentry.domain.gate import Facts, Request, Verdict, decide
from consentry.domain.same_question import SameQuestion
from consentry.domain.standing import (
    BlockState,
    Standing,
)
from memory_store import START

pytestmark = pytest.mark.property


@given(requests | plain_requests, directories, st.lists(standings, max_size=3))
@settings(max_examples=1500)
@example(Request(PERSON, LONG.number, Purpose.CONVERSATIONAL), DIRECTORY, [Standing((block(),))])
@example(
    Request(PERSON, LONG.number, Purpose.CONVERSATIONAL),
    DIRECTORY,
    [Standing((block(state=BlockState.OPEN),), (consent(),))],
)
@example(
    Request(PERSON, LONG.number, Purpose.CONVERSATIONAL),
    DIRECTORY,
    [Standing((), (consent(),)), Standing((), (consent(expires_at=START),)), Standing()],
)
@example(
    Request(PERSON, LONG.number, Purpose.MARKETING),
    DIRECTORY,
    [Standing((), (consent(PROMO.id),)), Standing((), (consent(NEWS.id),))],
)
@example(
    Request(PERSON, LONG.number, Purpose.CONVERSATIONAL),
    SWITCHED_OFF,
    [Standing((block(),)), Standing((), (consent(),))],
)
def test_each_is_decided_as_the_gate_decides_it_alone(
    question: Request, directory: Directory, asked: list[Standing]
) -> None:
    """Whatever the question and the standing, no field of the decision differs."""
    same = SameQuestion(question, directory, POLICY, START)
    for standing in asked:
        for recipient in (PERSON, OTHER_PERSON, None):
            alone = msgspec.structs.replace(question, recipient=recipient)
            expected = decide(alone, Facts(directory, standing), POLICY, START)
            assert same.decide(recipient, standing).decision == expected


def test_who_is_decided_alike_shares_a_ruling() -> None:
    """A yes by a consent, and a no by a block: the property above is about these too."""
    question = SameQuestion(
        Request(PERSON, LONG.number, Purpose.CONVERSATIONAL), DIRECTORY, POLICY, START
    )
    allowed, denied = Standing((), (consent(),)), Standing((block(),))
    for standing, verdict in ((allowed, Verdict.ALLOW), (denied, Verdict.DENY)):
        _, second, third = (question.decide(PERSON, standing) for _ in range(3))
        assert second.ruling.decision is verdict
        assert second.ruling is third.ruling
