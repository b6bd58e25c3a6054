"""Commands about the rows of law: list, explain."""

import sys
from typing import Annotated

import typer

from consentry.cli.consents import parse_time
from consentry.cli.database import read_recipient, with_store
from consentry.cli.output import JSONFlag, print_json, print_table
from consentry.clock import SystemClock
from consentry.domain.directory import Purpose
from consentry.domain.explain_rules import Explanation, RowJudged, explain_rules
from consentry.domain.rules.rows import Row, list_regimes, read_rules
from consentry.opening import build_policy
from consentry.ports import Store
from consentry.settings import Settings, read_settings

rules_app = typer.Typer(help="Hours and caps of law, and which hold.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    """Add these commands."""
    app.add_typer(rules_app, name="rules")


@rules_app.command("list")
def list_rules(*, as_json: JSONFlag = False) -> None:
    """List every row of law and of the profiles, with its statute and source.

    Example: consentry rules list
    """
    policy, rules = build_policy(read_settings()), read_rules()
    regimes = list_regimes(policy.us_26_67_since)
    if as_json:
        print_json(
            {
                "profile": policy.rules_profile,
                "edition": rules.version,
                "rows": rules.rows,
                "regimes": regimes,
            }
        )
        return
    sys.stdout.write(f"Profile {policy.rules_profile}, edition {rules.version}.\n")
    columns = ("row", "place", "days", "hours", "closed on holidays", "cap", "from", "statute")
    print_table(columns, [_spell_row(row) for row in rules.rows], empty="There is no row.")
    today = SystemClock().now().date()
    for regime in regimes:
        state = "in force" if regime.is_in_force(today) else "not in force"
        sys.stdout.write(f"Revocation {regime.id} ({regime.statute}): {state}.\n")


def _spell_row(row: Row) -> tuple[str, ...]:
    days = row.days[0] if len(row.days) == 1 else f"{row.days[0]}-{row.days[-1]}"
    return (
        row.id,
        row.jurisdiction,
        days,
        f"{row.start}-{row.end}",
        str(row.holidays),
        f"{row.cap} in {row.cap_window}" if row.cap else "",
        str(row.since or ""),
        row.statute,
    )


@rules_app.command("explain")
def explain(
    recipient: str,
    *,
    at: Annotated[str | None, typer.Option(help="The time, RFC 3339; else now.")] = None,
    purpose: Annotated[Purpose, typer.Option(help="What the text is for.")] = Purpose.MARKETING,
    as_json: JSONFlag = False,
) -> None:
    """Explain which hours and caps hold for RECIPIENT, row by row, on the clock there.

    Example: consentry rules explain +13055550142 --at 2026-07-07T23:30:00Z
    """
    moment = SystemClock().now() if at is None else parse_time(at)

    async def load(store: Store, settings: Settings) -> Explanation:
        number = read_recipient(recipient, settings)
        place = (await store.read_standing(number)).place
        return explain_rules(number, place, build_policy(settings), moment, purpose=purpose)

    explained = with_store(load)
    if as_json:
        print_json(explained)
    else:
        _tell(explained)


def _tell(told: Explanation) -> None:
    found = told.whereabouts
    sys.stdout.write(
        f"{told.recipient}, by {found.by.replace('_', ' ')}: {', '.join(found.jurisdictions)}; "
        f"{', '.join(found.zones)}.\n{_conclude(told)}\n"
    )
    if told.rows:
        columns = ("row", "statute", "local time", "zone", "allows", "now")
        print_table(columns, [_spell_judged(row) for row in told.rows], empty="")
    for cap in told.caps:
        hours = cap.window_seconds // 3600
        sys.stdout.write(f"At most {cap.count} in {hours} hours from one {cap.scope} ({cap.id}).\n")


def _conclude(told: Explanation) -> str:
    if not told.applies:
        return f"Hours hold back marketing alone: {told.purpose} texts go at any time."
    if told.is_open:
        return f"Open for marketing at {told.at:%Y-%m-%d %H:%M %Z} (profile {told.profile})."
    until = "it never opens" if told.until is None else f"opens {told.until:%Y-%m-%d %H:%M %Z}"
    return f"Closed for marketing at {told.at:%Y-%m-%d %H:%M %Z}: {until} ({told.profile})."


def _spell_judged(row: RowJudged) -> tuple[str, ...]:
    return (
        ", ".join(row.rules),
        row.statute,
        f"{row.local:%a %Y-%m-%d %H:%M}",
        row.zone,
        row.window or (f"nothing: {row.holiday}" if row.holiday else "nothing that day"),
        "open" if row.is_open else "closed",
    )
