"""Hours and caps at the gate: what waits, until when, what may not wait, what never comes here."""

from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from consent_world import AT_NOON, DIRECTORY, LONG, NEWS, PERSON, PROMO, ask, consent, minute
from consentry.domain.directory import Purpose
from consentry.domain.gate import Decision, Door, Facts, MessageKind, Request, Verdict, decide
from consentry.domain.policy import Policy
from consentry.domain.reasons import REASONS, Reason
from consentry.domain.rules.hours import judge_hours
from consentry.domain.rules.places import find_whereabouts
from consentry.domain.rules.rows import RulesProfile
from consentry.domain.same_question import SameQuestion
from consentry.domain.solicitations import Wait, note_solicitation, spread_due
from consentry.domain.standing import (
    ConsentLevel,
    Piece,
    Place,
    Solicitation,
    Solicited,
    Standing,
    apply_pieces,
)
from memory_store import START

pytestmark = pytest.mark.unit

WRITTEN = consent(PROMO.id, level=ConsentLevel.EXPRESS_WRITTEN)
IN_CALIFORNIA = Place(zone="America/Los_Angeles")
FLORIDIAN = "+13055550142"
IN_FLORIDA = Place(zone="America/New_York")
SEVEN = START
"""Four in the morning in California, seven in Florida, noon in London; a Monday."""
EIGHT = START + timedelta(hours=1)
OFFER = Request(FLORIDIAN, LONG.number, Purpose.MARKETING)
SAFE = Policy(rules_profile=RulesProfile.NATIONAL_SAFE)


def offer(
    *pieces: Piece, now: datetime = SEVEN, policy: Policy | None = None, **changed: object
) -> Decision:
    """Ask about marketing to somebody in Florida who agreed to it, or about something like it."""
    request = msgspec.structs.replace(OFFER, **changed)
    return ask(request, IN_FLORIDA, WRITTEN, *pieces, now=now, policy=policy or Policy())


def had(*times: datetime, brand: str = "acme") -> Solicited:
    """Marketing that was handed over before, as texts 0, 1, 2 …"""
    texts = (Solicitation(str(place), at) for place, at in enumerate(times))
    return Solicited(brand, tuple(texts))


# --- Hours ------------------------------------------------------------------------------------


def test_marketing_waits_for_the_morning() -> None:
    """Deferred until the first open minute of the person's place, by the rows that are named."""
    decision = offer()
    assert (decision.decision, decision.reason) == (Verdict.DEFER, Reason.QUIET_HOURS)
    assert decision.until == EIGHT
    assert decision.detail == REASONS[Reason.QUIET_HOURS].detail
    assert decision.consent == WRITTEN
    assert decision.rules[0] == f"consent/{PROMO.id}"
    whereabouts = find_whereabouts(FLORIDIAN, IN_FLORIDA)
    hours = judge_hours(RulesProfile.PER_STATE, whereabouts, SEVEN)
    assert set(hours.rules) < set(decision.rules)
    assert "per-state" in decision.policy_version


def test_inside_the_hours_it_goes_and_the_rows_are_named() -> None:
    """Every decision about marketing names the rows that it was judged by, a yes too."""
    decision = offer(now=EIGHT)
    assert (decision.decision, decision.reason, decision.until) == (Verdict.ALLOW, None, None)
    assert len(decision.rules) > 1


@pytest.mark.parametrize(
    "changed",
    [
        {"purpose": Purpose.CONVERSATIONAL},
        {"purpose": Purpose.INFORMATIONAL},
        {"door": Door.REPLY},
        {"kind": MessageKind.OPT_IN_CONFIRMATION},
        {"kind": MessageKind.INITIAL_REPLY},
        {"kind": MessageKind.HELP_REPLY},
    ],
    ids=str,
)
def test_what_is_no_solicitation_goes_at_any_hour(changed: dict[str, object]) -> None:
    """Conversations, informational texts, replies and our own answers are exempt."""
    had_enough = had(SEVEN, SEVEN, SEVEN)
    news = consent(NEWS.id, level=ConsentLevel.EXPRESS)
    decision = offer(consent(), news, had_enough, **changed)
    assert (decision.decision, decision.reason) == (Verdict.ALLOW, None)


def test_a_program_names_its_purpose() -> None:
    """A text that names a marketing program waits as one that names the purpose does."""
    assert offer(purpose=None, program=PROMO.id).until == EIGHT


def test_a_scheduled_text_is_judged_at_the_time_when_it_is_to_leave() -> None:
    """At night for tomorrow noon it is let in; at noon for tonight it waits for the morning."""
    noon = SEVEN + timedelta(hours=5)
    assert offer(send_at=noon).decision is Verdict.ALLOW
    night = SEVEN + timedelta(hours=17)
    assert offer(now=noon, send_at=night).until == EIGHT + timedelta(days=1)
    assert offer(now=noon, send_at=SEVEN).decision is Verdict.ALLOW


def test_what_cannot_live_so_long_is_refused_at_once() -> None:
    """A text that would expire before it may leave is not let in to die; the answer says so."""
    decision = offer(expires_at=EIGHT)
    assert (decision.decision, decision.reason) == (Verdict.DENY, Reason.QUIET_HOURS)
    assert decision.until == EIGHT
    assert "2026-11-23 13:00 UTC" in decision.detail
    assert "time to live" in decision.detail
    assert offer(expires_at=EIGHT + timedelta(seconds=1)).decision is Verdict.DEFER


def test_the_profile_off_lets_no_marketing_out() -> None:
    """Conversations only: a no and not a wait, that says what to change."""
    decision = offer(now=EIGHT, policy=Policy(rules_profile=RulesProfile.OFF))
    assert (decision.decision, decision.reason) == (Verdict.DENY, Reason.QUIET_HOURS)
    assert decision.until is None
    assert "CONSENTRY_RULES_PROFILE" in decision.detail


def test_a_time_that_no_calendar_knows_is_a_no() -> None:
    """Where no hour can be told to be open, marketing does not go."""
    decision = offer(send_at=datetime(9500, 1, 1, tzinfo=UTC))
    assert (decision.decision, decision.until) == (Verdict.DENY, None)
    assert "no hour" in decision.detail


# --- Caps -------------------------------------------------------------------------------------

NOON = SEVEN + timedelta(hours=5)


def test_the_fourth_in_a_day_waits_until_the_first_counts_no_more() -> None:
    """Three in 24 hours: the fourth is deferred to the time when the oldest leaves the window."""
    first = NOON - timedelta(hours=3)
    times = (first, NOON - timedelta(hours=2), NOON - timedelta(hours=1))
    decision = offer(had(*times), now=NOON)
    assert (decision.decision, decision.reason) == (Verdict.DEFER, Reason.FREQUENCY_CAP)
    assert decision.until == first + timedelta(days=1)
    assert decision.detail == REASONS[Reason.FREQUENCY_CAP].detail
    assert offer(had(*times[1:]), now=NOON).decision is Verdict.ALLOW
    day_later = first + timedelta(days=1)
    assert offer(had(*times), now=day_later).decision is Verdict.ALLOW


def test_a_cap_that_ends_at_night_waits_for_the_morning_as_well() -> None:
    """`until` is a time at which the text may really leave."""
    evening = SEVEN + timedelta(hours=12, minutes=59)
    early = SEVEN - timedelta(minutes=30)
    decision = offer(had(early, evening, evening), now=evening)
    assert decision.reason is Reason.FREQUENCY_CAP
    assert decision.until == EIGHT + timedelta(days=1)


def test_the_cap_is_named_where_the_hours_are_closed_too() -> None:
    """Frequency comes before the hours in the order of reasons."""
    decision = offer(had(*[SEVEN - timedelta(hours=12)] * 3))
    assert decision.reason is Reason.FREQUENCY_CAP
    assert decision.until == SEVEN + timedelta(hours=12)


def test_each_brand_counts_its_own() -> None:
    """What another brand sent is not counted; where no row caps, nothing is."""
    assert offer(had(*[NOON] * 3, brand="other"), now=NOON).decision is Verdict.ALLOW
    californian = ask(
        msgspec.structs.replace(OFFER, recipient=PERSON),
        IN_CALIFORNIA,
        WRITTEN,
        had(*[NOON] * 3),
        now=NOON + timedelta(hours=3),
    )
    assert californian.decision is Verdict.ALLOW


def test_a_text_does_not_count_against_itself() -> None:
    """One that its carrier would not have at first is the same text when it is tried again."""
    times = had(NOON, NOON, NOON)
    assert offer(times, now=NOON, message="2").decision is Verdict.ALLOW
    assert offer(times, now=NOON, message="9").decision is Verdict.DEFER


def test_a_clock_that_was_turned_back_opens_no_cap() -> None:
    """Texts of the future count like any other (I7)."""
    later = NOON + timedelta(hours=1)
    assert offer(had(later, later, later), now=NOON).until == later + timedelta(days=1)


def test_only_what_a_rule_can_count_is_kept() -> None:
    """The newest three of the last 24 hours; the same text once, at its newest time."""
    standing = apply_pieces(Standing(), (had(NOON - timedelta(days=1), NOON, NOON),))
    kept = note_solicitation(standing, "acme", Solicitation("new", NOON + timedelta(minutes=1)))
    assert [text.message for text in kept.texts] == ["1", "2", "new"]
    again = apply_pieces(standing, (kept,))
    later = Solicitation("2", NOON + timedelta(hours=1))
    assert [text.message for text in note_solicitation(again, "acme", later).texts] == [
        "1",
        "new",
        "2",
    ]
    day_later = Solicitation("late", NOON + timedelta(days=2))
    assert note_solicitation(again, "acme", day_later).texts == (day_later,)
    others = apply_pieces(again, (had(NOON, brand="other"),))
    assert others.solicitations("acme") == kept.texts
    assert others.solicitations("nobody") == ()


# --- When it is due ---------------------------------------------------------------------------


def test_texts_of_one_morning_are_spread() -> None:
    """Each is due at a second of its own in the first quarter of an hour, always the same."""
    waits = [Wait(f"msg_{place}", EIGHT, EIGHT + timedelta(hours=9)) for place in range(200)]
    due = [spread_due(wait, FLORIDIAN, Standing(), Policy()) for wait in waits]
    assert due == [spread_due(wait, FLORIDIAN, Standing(), Policy()) for wait in waits]
    assert min(due) >= EIGHT
    assert max(due) <= EIGHT + timedelta(seconds=900)
    assert len(set(due)) > 100
    at_once = Policy(defer_jitter_seconds=0)
    assert {spread_due(wait, FLORIDIAN, Standing(), at_once) for wait in waits} == {EIGHT}


def test_a_spread_ends_before_the_hours_and_the_text_do() -> None:
    """Past closing, or past its time to live, a text is due as soon as it may go."""
    closing = SEVEN + timedelta(hours=13)
    last = closing - timedelta(seconds=1)
    message = "msg_7"
    late = Wait(message, last, last + timedelta(days=1))
    assert spread_due(late, FLORIDIAN, Standing(), Policy()) == last
    short = Wait(message, EIGHT, EIGHT + timedelta(seconds=1))
    assert spread_due(short, FLORIDIAN, Standing(), Policy()) == EIGHT


# --- Over many recipients and times -----------------------------------------------------------

NUMBERS = (PERSON, FLORIDIAN, "+14105550142", "+15415550142", "+33612345678", "+18005550142")
times = st.integers(0, 2 * 365 * 24 * 60).map(lambda count: START - timedelta(minutes=count))
profiles = st.sampled_from([p for p in RulesProfile if p is not RulesProfile.OFF])


@pytest.mark.property
@given(st.sampled_from(NUMBERS), times, st.lists(st.integers(0, 600), max_size=12), profiles)
@settings(max_examples=150, deadline=None)
def test_no_cap_is_passed_whenever_texts_are_tried(
    number: str, start: datetime, minutes: list[int], profile: RulesProfile
) -> None:
    """What may go is open and within the cap; what waits may go at `until`, if nothing else did."""
    policy = Policy(rules_profile=profile)
    request = msgspec.structs.replace(OFFER, recipient=number)
    standing, now, went = Standing((), (WRITTEN,)), start, list[datetime]()
    for place, gap in enumerate(minutes):
        now += timedelta(minutes=gap)
        decision = decide(request, Facts(DIRECTORY, standing), policy, now)
        if decision.decision is Verdict.ALLOW:
            went.append(now)
            noted = note_solicitation(standing, "acme", Solicitation(str(place), now))
            standing = apply_pieces(standing, (noted,))
            assert judge_hours(profile, find_whereabouts(number, None), now).is_open
            continue
        assert decision.until is not None
        assert decision.until > now
        then = decide(request, Facts(DIRECTORY, standing), policy, decision.until)
        assert then.decision is Verdict.ALLOW
    if number == FLORIDIAN or profile is not RulesProfile.PER_STATE:
        day = timedelta(days=1)
        assert all(sum(at - day < other <= at for other in went) <= 3 for at in went)


def test_marketing_is_decided_for_each_by_their_own_place() -> None:
    """The same question about many shares no answer between two who may be in other places."""
    asked = Request(PERSON, LONG.number, Purpose.MARKETING)
    question = SameQuestion(asked, DIRECTORY, Policy(), START)
    people = {
        AT_NOON: Verdict.ALLOW,
        IN_CALIFORNIA: Verdict.DEFER,
        Place(zone="Europe/Paris"): Verdict.ALLOW,
    }
    for _ in range(2):
        answers = [
            question.decide(PERSON, Standing((), (WRITTEN,), place=place)).decision.decision
            for place in people
        ]
        assert answers == list(people.values())


def test_national_safe_caps_everywhere() -> None:
    """A profile's own cap holds where no state has one."""
    place = Place(zone="Europe/London")
    decision = ask(
        msgspec.structs.replace(OFFER, recipient=PERSON),
        place,
        WRITTEN,
        had(*[minute(-1)] * 3),
        policy=SAFE,
    )
    assert decision.reason is Reason.FREQUENCY_CAP
