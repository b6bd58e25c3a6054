"""The rows of law for people, and the box that tries them on a number at a time."""

from datetime import UTC, date, datetime
from typing import Final

import msgspec

from consentry.console.pages import Visit
from consentry.domain.explain_rules import Explanation, explain_rules, spell_end
from consentry.domain.phone import InvalidNumber, normalize_phone
from consentry.domain.rules.places import InvalidPlace, WhereaboutsBy, read_place
from consentry.domain.rules.rows import (
    DAYS,
    Holidays,
    Law,
    Regime,
    Row,
    RulesProfile,
    laws,
    list_regimes,
)
from consentry.domain.standing import Place

PROFILES: Final = {
    RulesProfile.PER_STATE: "The law of each place, and national-safe where no row tells it.",
    RulesProfile.NATIONAL_SAFE: "The law, and the same narrower hours and cap everywhere.",
    RulesProfile.STRICT: "The law, and office hours everywhere.",
    RulesProfile.OFF: "Conversations only: no marketing goes out at any hour.",
}
_HOLIDAYS: Final = {
    Holidays.NONE: "Open on holidays",
    Holidays.FEDERAL: "Closed on federal holidays",
    Holidays.STATE: "Closed on federal and state holidays",
    Holidays.NATIONAL: "Closed on the country's holidays",
}
_BY: Final = {
    WhereaboutsBy.ZONE: "by the time zone",
    WhereaboutsBy.POSTAL_CODE: "by the postal code",
    WhereaboutsBy.PREFIX: "by the number",
    WhereaboutsBy.UNKNOWN: "nothing tells where: every zone of the United States counts",
}
_DAY_WORDS: Final = dict(zip(DAYS, ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"), strict=True))


class LawShown(msgspec.Struct, frozen=True):
    """A law as the table shows it; `period`: since and until when, empty where always."""

    place: str
    windows: tuple[str, ...]
    holidays: str
    cap: str
    period: str
    statute: str
    source: str
    checked_on: date


class RegimeShown(msgspec.Struct, frozen=True):
    """A rule of revocation, and whether it holds today."""

    regime: Regime
    is_in_force: bool


class RulesTried(msgspec.Struct, frozen=True):
    """What was asked in the box, what came out, and what is wrong at which field."""

    number: str = ""
    postal_code: str = ""
    at: str = ""
    told: Explanation | None = None
    by: str = ""
    errors: dict[str, str] = {}


def list_laws(day: date) -> tuple[LawShown, ...]:
    """List the laws; those whose rows are all over stand no more."""
    return tuple(_show(law) for law in laws() if any(not _is_over(row, day) for row in law.rows))


def list_regimes_shown(us_26_67_since: date | None, day: date) -> tuple[RegimeShown, ...]:
    """List the rules of revocation."""
    return tuple(
        RegimeShown(regime, regime.is_in_force(day)) for regime in list_regimes(us_26_67_since)
    )


def _is_over(row: Row, day: date) -> bool:
    return row.until is not None and row.until <= day


def _show(law: Law) -> LawShown:
    first = law.rows[0]
    since = f"From {first.since}" if first.since else ""
    until = f"until {first.until}" if first.until else ""
    return LawShown(
        place=law.jurisdiction,
        windows=tuple(spell_window(row) for row in law.rows),
        holidays=_HOLIDAYS[first.holidays],
        cap=f"{first.cap} in {first.cap_window}" if first.cap else "",
        period=" ".join(part for part in (since, until) if part),
        statute=law.statute,
        source=first.source,
        checked_on=first.checked_on,
    )


def spell_window(row: Row) -> str:
    """Write the days and hours of a row: "Mon-Sat 08:00-20:00"."""
    first, last = _DAY_WORDS[row.days[0]], _DAY_WORDS[row.days[-1]]
    days = first if first == last else f"{first}-{last}"
    return f"{days} {row.start}-{spell_end(row.closes)}"


def try_rules(visit: Visit) -> RulesTried:
    """Judge what the box asks; a time without a zone is UTC, and none is now."""
    asked = RulesTried(
        number=visit.query("number").strip(),
        postal_code=visit.query("postal_code").strip(),
        at=visit.query("at").strip(),
    )
    if not asked.number:
        return asked
    try:
        number = normalize_phone(asked.number, region=visit.services.default_region)
    except InvalidNumber as error:
        return msgspec.structs.replace(asked, errors={"number": str(error)})
    try:
        _, code = read_place(number, zone=None, postal_code=asked.postal_code or None)
    except InvalidPlace as error:
        return msgspec.structs.replace(asked, errors={"postal_code": str(error)})
    try:
        at = datetime.fromisoformat(asked.at) if asked.at else visit.services.clock.now()
    except ValueError:
        wrong = "Write the time as 2026-07-04T21:30, in UTC."
        return msgspec.structs.replace(asked, errors={"at": wrong})
    told = explain_rules(
        number,
        Place(postal_code=code),
        visit.services.policy,
        at if at.tzinfo is not None else at.replace(tzinfo=UTC),
    )
    return msgspec.structs.replace(asked, told=told, by=_BY[told.whereabouts.by])
