"""The numbers of the reports, from what was counted and told: nothing is lost, nothing twice."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consentry.console.reports import spell_duration, spell_milliseconds
from consentry.console.reports_numbers import (
    REASON_WORDS,
    count_carrier_blocks,
    count_causes,
    count_days,
    count_kind,
    count_refusals,
    effect_milliseconds,
    group_last_texts,
    measure_effect,
    opt_out_cause,
    twilio_code,
)
from consentry.domain.entries import Actor, ActorKind, Entry, EntryKind
from consentry.domain.messages import Direction, Message, MessageStatus
from consentry.domain.reasons import Reason
from consentry.domain.standing import Cause
from consentry.ports import OptOutStory, Tally

pytestmark = [pytest.mark.unit, pytest.mark.property]

TODAY = date(2026, 5, 20)
NOW = datetime(2026, 5, 20, 12, tzinfo=UTC)

tallies = st.lists(
    st.builds(
        Tally,
        day=st.dates(TODAY - timedelta(days=20), TODAY),
        kind=st.sampled_from(EntryKind),
        reason=st.sampled_from(["", "unheard_of", *Cause, *Reason]),
        count=st.integers(1, 1000),
    ),
    max_size=30,
)


def story(milliseconds: float = 5, body: str | None = None, minutes: float = 3) -> OptOutStory:
    """Tell an opt-out, with our text some minutes before it."""
    person = Actor(ActorKind.PERSON, "+14155550142")
    recorded_at = NOW + timedelta(milliseconds=milliseconds)
    entry = Entry("ent_1", "+14155550142", EntryKind.OPTED_OUT, NOW, recorded_at, person)
    before = NOW - timedelta(minutes=minutes)
    last = None
    if body is not None:
        last = Message(
            id="msg_1",
            recipient="+14155550142",
            sender="+12025550101",
            direction=Direction.OUTBOUND,
            status=MessageStatus.SENT,
            body=body,
            created_at=before - timedelta(hours=1),
            updated_at=before,
            actor=Actor(ActorKind.SYSTEM),
            submitted_at=before,
        )
    return OptOutStory(entry, NOW, last)


@given(tallies, st.integers(0, 30))
def test_every_day_has_a_row_and_every_tally_a_place(counted: list[Tally], back: int) -> None:
    """Days come newest first without a gap; their sums are those of the other tables."""
    first = TODAY - timedelta(days=back)
    within = [tally for tally in counted if tally.day >= first]
    rows = count_days(within, first, TODAY)
    assert [row.day for row in rows] == [TODAY - timedelta(days=d) for d in range(back + 1)]
    assert sum(row.opt_ins for row in rows) == count_kind(within, EntryKind.OPTED_IN)
    assert sum(row.opt_outs for row in rows) == sum(row.count for row in count_causes(within))
    refused = count_kind(within, EntryKind.SEND_REFUSED)
    assert sum(row.count for row in count_refusals(within)) == refused


@given(tallies)
def test_the_most_frequent_comes_first_and_each_once(counted: list[Tally]) -> None:
    """A cause or reason has one row, in words, whatever it is."""
    for rows in (count_causes(counted), count_refusals(counted)):
        assert [row.count for row in rows] == sorted((row.count for row in rows), reverse=True)
        assert len({row.code for row in rows}) == len(rows)
        assert all(row.words for row in rows)


@pytest.mark.parametrize(
    ("kind", "reason", "cause"),
    [
        (EntryKind.OPTED_OUT, "keyword", "keyword"),
        (EntryKind.SUPPRESSED, "import", "import"),
        (EntryKind.REVIEW_ANSWERED, "free_text", "free_text"),
        (EntryKind.REVIEW_ANSWERED, "", None),
        (EntryKind.SUPPRESSED, "", None),
        (EntryKind.CARRIER_REFUSED, "carrier_refusal", "carrier_refusal"),
        (EntryKind.CARRIER_REFUSED, "", None),
        (EntryKind.CONSENT_REVOKED, "", "one_program"),
        (EntryKind.OPTED_IN, "", None),
        (EntryKind.SEND_REFUSED, "opted_out", None),
    ],
)
def test_what_counts_as_an_opt_out(kind: EntryKind, reason: str, cause: str | None) -> None:
    """What lifts something, a refusal that blocked nobody, and a refused text do not."""
    tally = Tally(TODAY, kind, reason, 1)
    assert opt_out_cause(tally) == cause
    assert count_carrier_blocks([tally]) == (1 if cause == "carrier_refusal" else 0)


def test_every_reason_has_words_and_the_code_of_programs() -> None:
    """A reason that is not known keeps its own name."""
    assert set(REASON_WORDS) == set(Reason)
    assert twilio_code("opted_out") == "21610"
    assert twilio_code("unheard_of") == ""
    (row,) = count_refusals([Tally(TODAY, EntryKind.SEND_REFUSED, "unheard_of", 2)])
    assert (row.words, row.count) == ("unheard_of", 2)
    (row,) = count_refusals([Tally(TODAY, EntryKind.SEND_REFUSED, "", 2)])
    assert row.code == "unknown"


def test_last_texts_are_alike_in_their_first_160_characters() -> None:
    """How many, how long after the middle one left, and the newest as the example."""
    long = "x" * 160
    stories = [
        story(body=long + "1", minutes=3),
        story(body=long + "2", minutes=5),
        story(body=long, minutes=1),
        story(body="y"),
        story(),
    ]
    first, second, none = group_last_texts(stories)
    assert (first.text, first.count, first.after) == (long, 3, timedelta(minutes=3))
    assert first.example is stories[0]
    assert (second.text, none.text, none.after) == ("y", None, None)


@given(st.lists(st.floats(-10, 5000), min_size=1, max_size=50))
def test_times_to_effect_are_in_order_and_in_one_step_each(milliseconds: list[float]) -> None:
    """Median, 95th and longest never cross; the steps hold each opt-out once."""
    stories = [story(time) for time in milliseconds]
    measured = measure_effect(stories)
    assert measured is not None
    times = sorted(effect_milliseconds(one) for one in stories)
    assert 0 <= measured.median <= measured.p95 <= measured.longest == times[-1]
    assert sum(1 for time in times if time <= measured.median) * 2 >= len(times)
    assert sum(1 for time in times if time <= measured.p95) * 100 >= len(times) * 95
    assert sum(step.count for step in measured.steps) == len(times)
    assert measured.late == measured.steps[-1].count


def test_without_opt_outs_there_is_no_time_to_effect() -> None:
    """Nothing is measured where nothing happened."""
    assert measure_effect([]) is None
    assert group_last_texts([]) == []


@pytest.mark.parametrize(
    ("time", "words"),
    [
        (timedelta(seconds=59), "59 s"),
        (timedelta(minutes=59, seconds=59), "59 min"),
        (timedelta(hours=23), "23 h"),
        (timedelta(days=1, hours=2), "1 day"),
        (timedelta(days=12), "12 days"),
    ],
)
def test_durations_are_told_in_the_unit_that_fits(time: timedelta, words: str) -> None:
    """Seconds, minutes, hours or days."""
    assert spell_duration(time) == words


@pytest.mark.parametrize(
    ("time", "words"),
    [(0, "0 ms"), (0.44, "0.4 ms"), (12.4, "12 ms"), (999.0, "999 ms"), (2500.0, "2.5 s")],
)
def test_short_times_are_told_in_milliseconds(time: float, words: str) -> None:
    """From a second on, in seconds."""
    assert spell_milliseconds(time) == words
