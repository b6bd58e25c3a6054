"""Every row that is asked about a person at a time, on each clock, and what comes of it."""

from datetime import date, datetime, time
from typing import Final

import msgspec

from consentry.domain.directory import Purpose
from consentry.domain.policy import Policy
from consentry.domain.rules.calendar import find_holiday
from consentry.domain.rules.caps import Cap, caps_for
from consentry.domain.rules.hours import (
    holiday_places,
    is_in_calendar,
    judge_hours,
    judge_law,
    laws_for,
)
from consentry.domain.rules.places import Whereabouts, find_whereabouts
from consentry.domain.rules.rows import (
    MIDNIGHT,
    Law,
    Row,
    RulesProfile,
    list_regimes,
    read_rules,
)
from consentry.domain.rules.zones import read_zone
from consentry.domain.standing import Place

_DAY_END: Final = "24:00"


class RowJudged(msgspec.Struct, frozen=True):
    """One law on one clock: the rows that were asked there, and whether they allow.

    `local`: the time on that clock. `window`: from when and until when it allows on that day
    ("08:00-20:00"), None where it allows nothing. `holiday`: the one that closes it.
    """

    rules: tuple[str, ...]
    jurisdiction: str
    statute: str
    zone: str
    local: datetime
    window: str | None
    holiday: str | None
    is_open: bool


class Explanation(msgspec.Struct, frozen=True):
    """May this person be solicited at that time, by which rows, and if not, from when on?

    `applies` is false where hours and caps hold nothing back: for what is no marketing. `until`
    (UTC): the next open minute, None where it is open or never opens. `regimes`: the rules of
    revocation in force that day.
    """

    recipient: str
    at: datetime
    purpose: Purpose
    profile: RulesProfile
    edition: str
    applies: bool
    whereabouts: Whereabouts
    is_open: bool
    until: datetime | None
    rows: tuple[RowJudged, ...]
    caps: tuple[Cap, ...]
    regimes: tuple[str, ...]


def explain_rules(
    recipient: str,
    place: Place | None,
    policy: Policy,
    at: datetime,
    *,
    purpose: Purpose = Purpose.MARKETING,
) -> Explanation:
    """Explain hours and caps for a number (E.164) at a time (aware); total.

    Only marketing is held back: answers to a person's own question, confirmations and what
    consent to information covers go at any hour.
    """
    profile = policy.rules_profile
    whereabouts = find_whereabouts(recipient, place)
    applies = purpose is Purpose.MARKETING
    hours = judge_hours(profile, whereabouts, at)
    regimes = list_regimes(policy.us_26_67_since)
    return Explanation(
        recipient=recipient,
        at=at,
        purpose=purpose,
        profile=profile,
        edition=read_rules().version,
        applies=applies,
        whereabouts=whereabouts,
        is_open=hours.is_open or not applies,
        until=hours.until if applies else None,
        rows=_judge_rows(profile, whereabouts, at) if applies else (),
        caps=caps_for(profile, whereabouts, at) if applies else (),
        regimes=tuple(regime.id for regime in regimes if regime.is_in_force(at.date())),
    )


def _judge_rows(
    profile: RulesProfile, whereabouts: Whereabouts, at: datetime
) -> tuple[RowJudged, ...]:
    if profile is RulesProfile.OFF or not is_in_calendar(at):
        return ()
    walls = [(name, at.astimezone(read_zone(name))) for name in whereabouts.zones]
    judged = (
        _judge_one(law, whereabouts, name, wall)
        for law in laws_for(profile, whereabouts)
        for name, wall in walls
    )
    return tuple(one for one in judged if one is not None)


def _judge_one(law: Law, whereabouts: Whereabouts, zone: str, wall: datetime) -> RowJudged | None:
    """Judge a law on one clock; None where none of its rows is in force that day."""
    is_open, rows = judge_law(law, whereabouts, wall)
    if not rows:
        return None
    day = wall.date()
    places = holiday_places(law, whereabouts)
    closed_by = [find_holiday(row.holidays, places, day) for row in rows if row.covers(day)]
    holiday = next((name for name in closed_by if name is not None), None)
    return RowJudged(
        rules=tuple(row.id for row in rows),
        jurisdiction=law.jurisdiction,
        statute=law.statute,
        zone=zone,
        local=wall,
        window=None if holiday is not None else _window(rows, day),
        holiday=holiday,
        is_open=is_open,
    )


def _window(rows: tuple[Row, ...], day: date) -> str | None:
    spelled = [f"{_spell(row.opens)}-{spell_end(row.closes)}" for row in rows if row.covers(day)]
    return ", ".join(spelled) or None


def _spell(at: time) -> str:
    return f"{at:%H:%M}"


def spell_end(at: time) -> str:
    """Write the end of a window; midnight is the end of the day."""
    return _DAY_END if at == MIDNIGHT else _spell(at)
