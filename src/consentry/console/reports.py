"""Reports: what people decided, what was refused, and how fast it took effect."""

from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from typing import Final

import msgspec
from starlette.responses import Response

from consentry.console.days import day_begin, day_end
from consentry.console.exports import Export, Row, send_export
from consentry.console.pages import Page, Visit
from consentry.console.rendering import rfc3339
from consentry.console.reports_numbers import (
    CountRow,
    DayRow,
    EffectTimes,
    LastText,
    count_carrier_blocks,
    count_causes,
    count_days,
    count_kind,
    count_refusals,
    effect_milliseconds,
    group_last_texts,
    measure_effect,
    twilio_code,
)
from consentry.console.reports_period import PERIODS, Period, read_period
from consentry.console.sender_choice import list_choices
from consentry.domain.agents import Permission
from consentry.domain.entries import EntryKind
from consentry.ports import OptOutStory, Rejected

STORIES_MAX: Final = 250
"""How many of the newest opt-outs by text are looked at one by one: more would take too long."""

_TEXTS_SHOWN_MAX: Final = 25


class Report(msgspec.Struct, frozen=True):
    """All that the page shows of a period."""

    days: list[DayRow]
    refusals: list[CountRow]
    causes: list[CountRow]
    learned: int
    opened: int
    stories: list[OptOutStory]
    last_texts: list[LastText]
    effect: EffectTimes | None


async def show_reports(visit: Visit) -> Response:
    """Show the reports of a period."""
    choices = await list_choices(visit)
    period = await read_period(visit, choices)
    report = None if period.errors else await _build(visit, period)
    return visit.render(
        "reports.html",
        status=400 if period.errors else 200,
        period=period,
        periods=PERIODS,
        choices=choices,
        report=report,
        drifts=sum((await visit.services.store.count_drifts()).values()),
        examples={} if report is None else await _find_examples(visit, report.last_texts),
        texts_shown_max=_TEXTS_SHOWN_MAX,
        stories_max=STORIES_MAX,
        twilio_code=twilio_code,
        spell_duration=spell_duration,
        spell_milliseconds=spell_milliseconds,
    )


async def _build(visit: Visit, period: Period) -> Report:
    store = visit.services.store
    tallies = await store.read_tallies(period.first, period.last, senders=period.senders)
    stories = await store.read_opt_out_stories(
        day_begin(period.first),
        STORIES_MAX,
        until=day_end(period.last),
        senders=period.senders,
    )
    return Report(
        days=count_days(tallies, period.first, period.last),
        refusals=count_refusals(tallies),
        causes=count_causes(tallies),
        learned=count_carrier_blocks(tallies),
        opened=count_kind(tallies, EntryKind.CARRIER_DELIVERED),
        stories=stories,
        last_texts=group_last_texts(stories),
        effect=measure_effect(stories),
    )


async def _find_examples(visit: Visit, texts: list[LastText]) -> dict[str, str]:
    """Find the customers whose opt-outs are the examples, by their numbers."""
    found = {}
    for text in texts[:_TEXTS_SHOWN_MAX]:
        recipient = text.example.entry.recipient
        profiles = await visit.services.store.read_profiles(recipient)
        if profiles:
            found[recipient] = profiles[0].id
    return found


_MINUTE: Final = timedelta(minutes=1)
_HOUR: Final = timedelta(hours=1)
_DAY: Final = timedelta(days=1)


def spell_duration(time: timedelta) -> str:
    """Write how long something took, in the unit that fits."""
    if time < _MINUTE:
        return f"{time.seconds} s"
    if time < _HOUR:
        return f"{time // _MINUTE} min"
    if time < _DAY:
        return f"{time // _HOUR} h"
    days = time // _DAY
    return "1 day" if days == 1 else f"{days} days"


def spell_milliseconds(time: float) -> str:
    """Write a short time, in milliseconds below a second."""
    if time < 1000:
        return f"{time:.0f} ms" if time >= 10 or time == 0 else f"{time:.1f} ms"
    return f"{time / 1000:.1f} s"


class Sheet(msgspec.Struct, frozen=True):
    """A report to take along: its columns, how the audit names it, and its rows."""

    columns: tuple[str, ...]
    what: str
    rows: Callable[[Report], list[Row]]


def _day_rows(report: Report) -> list[Row]:
    return [(str(row.day), str(row.opt_ins), str(row.opt_outs)) for row in report.days]


def _refusal_rows(report: Report) -> list[Row]:
    rows = report.refusals
    return [(row.code, row.words, twilio_code(row.code), str(row.count)) for row in rows]


def _cause_rows(report: Report) -> list[Row]:
    return [(row.code, row.words, str(row.count)) for row in report.causes]


def _carrier_rows(report: Report) -> list[Row]:
    return [
        ("carrier_refused", "Blocks learned from the carrier", str(report.learned)),
        ("carrier_delivered", "Opened again by a delivered text", str(report.opened)),
    ]


def _last_text_rows(report: Report) -> list[Row]:
    return [
        (
            text.text or "",
            str(text.count),
            "" if text.after is None else f"{text.after.total_seconds():.0f}",
            text.example.entry.recipient,
            text.example.entry.id,
        )
        for text in report.last_texts
    ]


def _effect_rows(report: Report) -> list[Row]:
    return [
        (
            story.entry.id,
            story.entry.recipient,
            story.entry.sender or "",
            rfc3339(story.received_at),
            rfc3339(story.entry.recorded_at),
            f"{effect_milliseconds(story):.3f}",
        )
        for story in report.stories
    ]


SHEETS: Final[dict[str, Sheet]] = {
    "days": Sheet(("day", "opt_ins", "opt_outs"), "opt-ins and opt-outs by day", _day_rows),
    "refusals": Sheet(("reason", "words", "twilio_code", "count"), "refusals", _refusal_rows),
    "causes": Sheet(("cause", "words", "count"), "opt-outs by cause", _cause_rows),
    "last-texts": Sheet(
        ("text", "opt_outs", "median_seconds_after", "example_number", "example_entry"),
        "last texts before opt-outs",
        _last_text_rows,
    ),
    "effect": Sheet(
        ("entry", "number", "sender", "received_at", "recorded_at", "milliseconds"),
        "time to effect",
        _effect_rows,
    ),
    "carrier": Sheet(("code", "words", "count"), "what the carrier told us", _carrier_rows),
}


async def export_report(visit: Visit) -> Response:
    """Send the numbers of one report as CSV, by the same filters as the page."""
    name = visit.path("name")
    sheet = SHEETS.get(name)
    if sheet is None:
        return visit.missing("report")
    period = await read_period(visit, await list_choices(visit))
    if period.errors:
        raise Rejected("invalid_filter", " ".join(period.errors.values()), status=400)
    rows = sheet.rows(await _build(visit, period))
    export = Export(
        name=f"{name}-{period.first}-{period.last}.csv",
        columns=sheet.columns,
        what=f"report: {sheet.what}",
        part=period.words,
    )
    return send_export(visit, export, _all_at_once(rows))


async def _all_at_once(rows: list[Row]) -> AsyncIterator[list[Row]]:
    yield rows


PAGES: Final = (
    Page(path="/reports", view=show_reports, permission=Permission.READ_REPORTS),
    Page(
        path="/reports/{name}.csv",
        view=export_report,
        permission=Permission.EXPORT,
        example={"name": "days"},
    ),
)
