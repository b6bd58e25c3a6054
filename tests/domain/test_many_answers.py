"""One question about many: whoever is alike shares an answer, and it is the gate's."""

from datetime import timedelta

import msgspec
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from test_same_question import directories, requests, standings

from consent_world import AT_NOON, DIRECTORY, LONG, PERSON, POLICY, PROMO, SENDERS, block, consent
from consentry.domain.deciding_pieces import EverythingDeciding
from consentry.domain.directory import Directory, Purpose
from consentry.domain.gate import Facts, Request, decide
from consentry.domain.many_answers import ManyAnswers, ShortAnswer
from consentry.domain.policy import Policy, RevocationReach
from consentry.domain.rules.rows import RulesProfile
from consentry.domain.standing import (
    Cause,
    ConsentLevel,
    ConsentState,
    OptInRequest,
    Place,
    Solicitation,
    Solicited,
    Standing,
    Suppression,
    Thread,
)
from memory_store import START

HOURS = [timedelta(hours=h) for h in (-30, -20, -3, -2, -1, 0, 1, 30)]
PEOPLE = (PERSON, "+12125550142", "+18085550142", "+447911123456", "+33612345678", "+12042345678")

policies = st.builds(
    Policy,
    revocation_reach=st.sampled_from(RevocationReach),
    rules_profile=st.sampled_from(RulesProfile),
)
places = st.sampled_from(
    [None, AT_NOON, Place(zone="Pacific/Honolulu"), Place(postal_code="33101"), Place("UTC", "1")]
)
solicitations = st.builds(
    Solicited,
    st.sampled_from(["acme", "other"]),
    st.lists(st.sampled_from(HOURS), max_size=4).map(
        lambda ago: tuple(Solicitation(f"msg_{h}", START + h) for h in sorted(ago))
    ),
)
pending = st.builds(
    lambda state, hours: msgspec.structs.replace(
        consent(PROMO.id, state, ConsentLevel.EXPRESS_WRITTEN),
        request=OptInRequest(LONG.number, START, START + hours, "msg"),
    ),
    st.sampled_from([ConsentState.PENDING, ConsentState.PENDING_CARRIER]),
    st.sampled_from(HOURS),
)
wide_standings = st.builds(
    lambda standing, place, solicited, asked: msgspec.structs.replace(
        standing,
        place=place,
        solicited=(solicited,),
        consents=(*standing.consents, *asked),
    ),
    standings,
    places,
    solicitations,
    st.lists(pending, max_size=1),
)
questions = st.builds(
    Request,
    recipient=st.none(),
    sender=st.sampled_from([*(sender.number for sender in SENDERS), "+12125550000"]),
    purpose=st.sampled_from([None, *Purpose]),
    program=st.sampled_from([None, PROMO.id, "news", "promo-2", "gone", LONG.conversation]),
)
MARKETING = Request(None, LONG.number, Purpose.MARKETING)
IN_CONVERSATION = Request(None, LONG.number)
WRITTEN = consent(PROMO.id, level=ConsentLevel.EXPRESS_WRITTEN)
SAFE = Policy(rules_profile=RulesProfile.NATIONAL_SAFE)
FULL = Solicited(
    "acme", tuple(Solicitation(f"m{h}", START - timedelta(hours=h)) for h in (3, 2, 1))
)


LATELY = Thread(LONG.number, last_inbound_at=START - timedelta(hours=1))
LONG_AGO = Thread(LONG.number, last_inbound_at=START - timedelta(days=400))
ELSEWHERE = Thread(SENDERS[1].number, last_inbound_at=START - timedelta(hours=1))
TOLD = Suppression("acme", Cause.FREE_TEXT, START, "ent")
WRITERS = [
    (person, Standing(blocks, (consent(),), suppressions, threads=threads))
    for person, blocks, suppressions, threads in (
        (PEOPLE[0], (), (), (LATELY,)),
        (PEOPLE[1], (), (), (LONG_AGO, ELSEWHERE)),
        (PEOPLE[2], (block(),), (), (LATELY,)),
        (PEOPLE[3], (), (TOLD,), (LATELY,)),
        (PEOPLE[4], (), (msgspec.structs.replace(TOLD, lifted_for=(LONG.number,)),), ()),
    )
]


def _short(question: Request, recipient: str | None, facts: Facts, policy: Policy) -> ShortAnswer:
    asked = msgspec.structs.replace(question, recipient=recipient)
    told = decide(asked, facts, policy, START)
    return ShortAnswer(told.decision, told.reason, told.until)


def _part(people: list[tuple[str, Standing]]) -> bytes:
    return msgspec.json.encode([(int(number), standing) for number, standing in people])


@pytest.mark.property
@given(
    questions,
    directories,
    policies,
    st.lists(st.tuples(st.sampled_from(PEOPLE), standings | wide_standings), max_size=5),
)
@settings(max_examples=400)
@example(
    MARKETING,
    DIRECTORY,
    SAFE,
    [(PERSON, Standing((), (WRITTEN,), place=AT_NOON, solicited=(FULL,)))],
)
@example(
    MARKETING,
    DIRECTORY,
    POLICY,
    [(person, Standing((), (WRITTEN,), place=AT_NOON)) for person in PEOPLE],
)
@example(
    MARKETING,
    DIRECTORY,
    msgspec.structs.replace(POLICY, rules_profile=RulesProfile.OFF),
    [(PERSON, Standing((), (WRITTEN,))), (PERSON, Standing((block(),), (WRITTEN,)))],
)
@example(IN_CONVERSATION, DIRECTORY, POLICY, WRITERS)
@example(
    msgspec.structs.replace(IN_CONVERSATION, sender="+12125550000"), DIRECTORY, POLICY, WRITERS
)
def test_each_is_answered_as_the_gate_answers_alone(
    question: Request,
    directory: Directory,
    policy: Policy,
    people: list[tuple[str, Standing]],
) -> None:
    """Decision, reason and time, of anybody with any standing, are the gate's own."""
    many = ManyAnswers(question, directory, policy, START)
    # Twice: the second time all are known.
    for _ in range(2):
        answered = many.answer(_part(people))
        assert [f"+{number}" for number, _ in answered] == [number for number, _ in people]
        for (recipient, standing), (_, answer) in zip(people, answered, strict=True):
            expected = _short(question, recipient, Facts(directory, standing), policy)
            assert many.answers[answer] == expected


@pytest.mark.property
@given(questions | requests, directories, policies)
@settings(max_examples=100)
def test_who_has_no_standing_is_answered_alike(
    question: Request, directory: Directory, policy: Policy
) -> None:
    """Wherever they are, the gate says the same of them, and of what is no number."""
    named = Request(None, question.sender, question.purpose, question.program)
    many = ManyAnswers(named, directory, policy, START)
    nothing = Facts(directory, Standing())
    for recipient in PEOPLE:
        assert many.answers[many.unknown] == _short(named, recipient, nothing, policy)
    assert many.answers[many.invalid] == _short(named, None, nothing, policy)


@pytest.mark.property
@given(questions, st.lists(st.tuples(st.sampled_from(PEOPLE), wide_standings), max_size=3))
@settings(max_examples=100)
@example(IN_CONVERSATION, WRITERS)
def test_a_snapshot_keeps_what_decides(
    question: Request, people: list[tuple[str, Standing]]
) -> None:
    """What is kept of a standing, and no more, is answered as the standing itself."""
    part = _part(people)
    kept = msgspec.json.decode(part, type=list[tuple[int, EverythingDeciding]])
    of_all = ManyAnswers(question, DIRECTORY, POLICY, START)
    of_kept = ManyAnswers(question, DIRECTORY, POLICY, START)
    assert of_all.answer(part) == of_kept.answer(msgspec.json.encode(kept))
    assert of_all.answers == of_kept.answers


@pytest.mark.unit
def test_who_is_alike_is_put_to_the_gate_once() -> None:
    """A thousand people with consents of other times and entries are of one kind."""
    many = ManyAnswers(Request(None, LONG.number, Purpose.CONVERSATIONAL), DIRECTORY, POLICY, START)
    people = [
        (
            f"+1415555{n:04}",
            Standing(
                (),
                (
                    msgspec.structs.replace(
                        consent(),
                        entry=f"ent_{n}",
                        since=START - timedelta(seconds=n),
                        expires_at=START + timedelta(days=n + 1),
                    ),
                ),
            ),
        )
        for n in range(1000)
    ]
    assert len({answer for _, answer in many.answer(_part(people))}) == 1
    assert len(many._by_kind) == 1  # noqa: SLF001 - how many kinds there are shows nowhere else


@pytest.mark.unit
def test_places_are_remembered_within_bounds() -> None:
    """However many people have times of their own, and each is answered all the same."""
    many = ManyAnswers(MARKETING, DIRECTORY, SAFE, START, remembered_max=3)
    people = [
        (PERSON, Standing((), (WRITTEN,), place=AT_NOON, solicited=(_sent_since(minutes),)))
        for minutes in range(10)
    ]
    answers = [many.answers[answer] for _, answer in many.answer(_part(people))]
    assert answers == [
        _short(MARKETING, recipient, Facts(DIRECTORY, standing), SAFE)
        for recipient, standing in people
    ]
    assert len(many._by_place) <= 3  # noqa: SLF001 - how much is remembered shows nowhere else


def _sent_since(minutes: int) -> Solicited:
    """Fill the cap of a day, the first text three hours and so many minutes ago."""
    ago = (timedelta(hours=3, minutes=minutes), timedelta(hours=2), timedelta(hours=1))
    return Solicited("acme", tuple(Solicitation(f"m{n}", START - t) for n, t in enumerate(ago)))
