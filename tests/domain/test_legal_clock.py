"""The legal clock of an opt-out that was told: received, in force, and due by which day."""

from datetime import UTC, date, datetime, timedelta

import msgspec
import pytest

from consentry.domain.entries import Actor, ActorKind, Entry, EntryKind, Evidence, Medium
from consentry.domain.legal_clock import TABLE, read_clock, start_clock
from consentry.domain.standing import (
    Cause,
    Consent,
    ConsentLevel,
    ConsentState,
    Piece,
    Suppression,
    Tag,
)
from memory_store import START

pytestmark = pytest.mark.unit


def at(text: str) -> datetime:
    """Read a time in UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("received", "due"),
    [
        ("2026-11-02T15:00", date(2026, 11, 17)),
        ("2026-11-20T15:00", date(2026, 12, 7)),
        ("2026-12-31T15:00", date(2027, 1, 15)),
        ("2026-07-05T15:00", date(2026, 7, 17)),
        ("2027-03-13T15:00", date(2027, 3, 26)),
        ("2020-03-02T15:00", date(2020, 3, 16)),
    ],
)
def test_ten_business_days_are_left(received: str, due: date) -> None:
    """Weekends and federal holidays do not count: Veterans Day, Thanksgiving, New Year."""
    clock = start_clock(at(received), at(received))
    assert (clock.due_on, clock.is_late, clock.business_days) == (due, False, 10)
    assert clock.regime == "us-2024"


def test_a_blank_time_has_a_clock_too() -> None:
    """Programs send the year 1 for no time, and no calendar reaches further: it is late."""
    blank = start_clock(at("0001-01-01T00:00"), START)
    assert (blank.received_at, blank.is_late) == (at("0001-01-01T00:00"), True)


def test_days_are_those_of_washington() -> None:
    """What is received late in the evening there is received on that day."""
    assert start_clock(at("2026-11-03T03:00"), START).due_on == date(2026, 11, 17)
    assert start_clock(at("2026-11-03T05:00"), START).due_on == date(2026, 11, 18)


def test_it_is_late_after_the_last_day() -> None:
    """To the last minute of the day in Washington it is in time."""
    received = at("2026-11-02T15:00")
    assert not start_clock(received, at("2026-11-18T04:59")).is_late
    late = start_clock(received, at("2026-11-18T05:00"))
    assert late.is_late
    assert late.latency_seconds == timedelta(days=15, hours=14).total_seconds()


SUPPRESSION = Suppression("acme", Cause.AGENT, START, "ent")
CONSENT = Consent("p", ConsentState.REVOKED, ConsentLevel.EXPRESS, START, START, "ent")


def told(
    *pieces: Piece, medium: Medium | None = Medium.MAIL, kind: EntryKind = EntryKind.SUPPRESSED
) -> Entry:
    """Make an entry that changed some pieces."""
    evidence = None if medium is None else Evidence(medium)
    actor = Actor(ActorKind.AGENT, "agt")
    return Entry("ent", "+14155550142", kind, START, START, actor, evidence=evidence, pieces=pieces)


REVOKED = EntryKind.CONSENT_REVOKED


@pytest.mark.parametrize(
    ("entry", "ticks"),
    [
        (told(Tag(sms=False), SUPPRESSION), True),
        (told(SUPPRESSION, medium=None), True),
        (told(CONSENT, kind=REVOKED), True),
        (told(SUPPRESSION, medium=Medium.TEXT), False),
        (told(SUPPRESSION, medium=Medium.IMPORT), False),
        (told(msgspec.structs.replace(SUPPRESSION, by_person=False)), False),
        (told(msgspec.structs.replace(SUPPRESSION, active=False)), False),
        (told(msgspec.structs.replace(CONSENT, by_person=False), kind=REVOKED), False),
        (told(msgspec.structs.replace(CONSENT, state=ConsentState.ACTIVE), kind=REVOKED), False),
        (told(kind=REVOKED), False),
        (told(SUPPRESSION, kind=EntryKind.OPTED_OUT), False),
    ],
)
def test_the_clock_is_of_what_a_person_told(entry: Entry, *, ticks: bool) -> None:
    """Not of what they texted, what a list said, or what the company did or took back."""
    assert (read_clock(entry) is not None) is ticks


def test_each_row_names_its_source_and_date() -> None:
    """So that whoever doubts it can look; they stand oldest first."""
    assert list(TABLE.rows) == sorted(TABLE.rows, key=lambda row: row.since)
    for row in TABLE.rows:
        assert row.statute
        assert row.source.startswith("https://")
