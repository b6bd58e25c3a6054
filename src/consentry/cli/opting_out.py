"""Commands about opt-outs that a person told to somebody: opt-out, opt-outs."""

import sys
from datetime import datetime, timedelta
from typing import Annotated

import typer

from consentry.actions.list_told import ToldOptOut, list_told
from consentry.actions.record_consent import (
    ConsentRecorded,
    RevokeConsent,
    Statement,
    SuppressRecipient,
)
from consentry.cli.consents import CLI_ACTOR, parse_time
from consentry.cli.database import read_recipient, with_store
from consentry.cli.output import JSONFlag, fail, print_json, print_table
from consentry.clock import SystemClock
from consentry.delivery.limits import LIMITS
from consentry.delivery.quiet import wait_unclaimed
from consentry.domain.entries import Evidence, Medium
from consentry.domain.legal_clock import LegalClock, read_clock
from consentry.ports import Page, Store
from consentry.settings import Settings

_CLOCKS_DIFFER_MAX = timedelta(minutes=1)
_LISTED_AT_ONCE = 1000


def register(app: typer.Typer) -> None:
    """Add these commands."""
    app.command("opt-out")(opt_out)
    app.command("opt-outs")(list_opt_outs)


def opt_out(
    recipient: str,
    *,
    reason: Annotated[str, typer.Option(help="What the person said, and how.")],
    medium: Annotated[Medium, typer.Option(help="How they told it.")] = Medium.PHONE,
    received_at: Annotated[
        str | None, typer.Option(help="When it was received, RFC 3339; else now.")
    ] = None,
    verbatim: Annotated[str | None, typer.Option(help="What they said, word for word.")] = None,
    name: Annotated[
        str | None, typer.Option(help="Who told it, if not the person themselves.")
    ] = None,
    brand: Annotated[str | None, typer.Option(help="For one brand alone.")] = None,
    program: Annotated[str | None, typer.Option(help="For one program alone.")] = None,
    as_json: JSONFlag = False,
) -> None:
    """Record that RECIPIENT opted out: nothing is sent from then on, on the person's word.

    The legal clock is told with it: when it was received, since when it is in force, and by which
    day the law asked for it.

    Example: consentry opt-out +14155550142 --reason "asked by phone" --verbatim "no more texts"
    """
    if brand is not None and program is not None:
        fail("give --brand or --program, not both.", code=2)
    at = None if received_at is None else _read_received(received_at)
    evidence = Evidence(medium=medium, at=at, verbatim=verbatim, name=name)

    async def record(store: Store, settings: Settings) -> ConsentRecorded:
        statement = Statement(
            recipient=read_recipient(recipient, settings),
            actor=CLI_ACTOR,
            reason=reason,
            evidence=evidence,
        )
        if program is not None:
            recorded = await store.submit(RevokeConsent(statement, program))
        else:
            recorded = await store.submit(SuppressRecipient(statement, brand=brand))
        # Servers may have texts to this person with a carrier: they end before we say that none
        # will come.
        await wait_unclaimed(store, recorded.in_flight, seconds=LIMITS.quiet_seconds)
        return recorded

    recorded = with_store(record)
    clock = None if recorded.opt_out is None else read_clock(recorded.opt_out)
    if as_json:
        print_json({"entry": recorded.entry, "clock": clock})
        return
    done = "is on the do-not-text list" if program is None else f"opted out of {program}"
    told = "" if clock is None else f"\n{_spell_clock(clock)}"
    sys.stdout.write(f"{recipient} {done} (entry {recorded.entry}).{told}\n")


def list_opt_outs(
    *,
    late: Annotated[bool, typer.Option("--late", help="Only those recorded too late.")] = False,
    limit: Annotated[int, typer.Option(min=1, help="How many at most.")] = 100,
    as_json: JSONFlag = False,
) -> None:
    """List the opt-outs that people told by phone, mail, web or in person, with the legal clock.

    Example: consentry opt-outs --late
    """

    async def load(store: Store, _settings: Settings) -> list[ToldOptOut]:
        page = Page(min(limit, _LISTED_AT_ONCE))
        found = await list_told(store, page, only_late=late)
        items = list(found.items)
        while found.next is not None and len(items) < limit:
            page = Page(min(limit - len(items), _LISTED_AT_ONCE), found.next)
            found = await list_told(store, page, only_late=late)
            items += found.items
        return items

    items = with_store(load)
    if as_json:
        for item in items:
            print_json(
                {"recipient": item.entry.recipient, "clock": item.clock, "entry": item.entry}
            )
        return
    rows = [_row(item) for item in items]
    columns = ("number", "told", "received (UTC)", "in force (UTC)", "due on", "")
    print_table(columns, rows, empty="Nobody told an opt-out to anybody.")


def _row(item: ToldOptOut) -> tuple[str, ...]:
    evidence, clock = item.entry.evidence, item.clock
    return (
        item.entry.recipient,
        "" if evidence is None else str(evidence.medium),
        f"{clock.received_at:%Y-%m-%d %H:%M}",
        f"{clock.honoured_at:%Y-%m-%d %H:%M}",
        str(clock.due_on),
        "LATE" if clock.is_late else "",
    )


def _read_received(text: str) -> datetime:
    at = parse_time(text)
    if at > SystemClock().now() + _CLOCKS_DIFFER_MAX:
        fail(f"--received-at {text} is still to come.", code=2)
    return at


def _spell_clock(clock: LegalClock) -> str:
    late = ", which was too late" if clock.is_late else ""
    return (
        f"Received {clock.received_at:%Y-%m-%d %H:%M} UTC, in force since "
        f"{clock.honoured_at:%Y-%m-%d %H:%M} UTC. The law asked for it by the end of "
        f"{clock.due_on}{late}."
    )
