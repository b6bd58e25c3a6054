"""Commands about drift: reconcile."""

import sys
from typing import Annotated

import typer

from consentry.actions.reconcile import Limits, Reconciler, tell_report
from consentry.actions.settle_drift import (
    ApplyDrift,
    DismissDrift,
    ReportSettled,
    settle,
    settle_report,
)
from consentry.cli.consents import parse_time
from consentry.cli.database import with_store
from consentry.cli.output import JSONFlag, fail, print_json, print_table
from consentry.cli.outside import FromOutside
from consentry.clock import SystemClock, SystemIds
from consentry.domain.drift import Drift, DriftState, Reconciliation, ReconciliationState
from consentry.domain.entries import Actor, ActorKind
from consentry.ports import Carrier, CarrierBook, DriftFilter, Page, Rejected, Store
from consentry.settings import Settings

_ACTOR = Actor(ActorKind.AGENT, "command line")
_LISTED = 1000
_TOLD_EVERY = 1000


def register(app: typer.Typer) -> None:
    """Add this command."""
    app.command("reconcile")(reconcile)


def reconcile(
    carrier: Annotated[
        str | None, typer.Argument(help="A carrier account; else all that can be asked.")
    ] = None,
    *,
    since: Annotated[
        str | None, typer.Option(help="From when on, RFC 3339; else since the last time.")
    ] = None,
    show: Annotated[bool, typer.Option("--list", help="List what is open; ask nobody.")] = False,
    apply: Annotated[
        str | None, typer.Option(metavar="ID", help="Apply a drift, or all of a report.")
    ] = None,
    dismiss: Annotated[
        str | None, typer.Option(metavar="ID", help="Dismiss a drift, or all of a report.")
    ] = None,
    reason: Annotated[str, typer.Option(help="Why it is applied or dismissed.")] = "",
    exit_code: Annotated[
        bool, typer.Option("--exit-code", help="End with 1 where any drift is open.")
    ] = False,
    as_json: JSONFlag = False,
) -> None:
    """Compare carriers with our ledger, and settle where they differ.

    Nothing is mended by itself: a drift is applied or dismissed by somebody, with a reason. While
    an opt-out may be missing, texts to that person are held back.

    Example: consentry reconcile --apply drf_01KAPZ5V0Q3M9X8ZC4T2N6R7HD --reason "webhook lost"
    """
    if apply is not None or dismiss is not None:
        _settle(apply, dismiss, reason, as_json=as_json)
        return
    if not show:
        reports = with_store(lambda store, settings: _compare(store, settings, carrier, since))
        for report in reports:
            if as_json:
                print_json(report)
            else:
                sys.stdout.write(f"{report.id}: {tell_report(report)}\n")
    drifts = with_store(lambda store, _settings: _read_open(store, carrier))
    _show(drifts, as_json=as_json and show, is_quiet=as_json and not show)
    if exit_code and drifts:
        raise typer.Exit(1)


async def _compare(
    store: Store, settings: Settings, carrier_id: str | None, since: str | None
) -> list[Reconciliation]:
    from consentry.bootstrap import AccountBook  # noqa: PLC0415 - the server's modules are heavy

    start = None if since is None else parse_time(since)
    clock = SystemClock()
    limits = Limits(grace_seconds=settings.drift_grace_minutes * 60)
    reconciler = Reconciler(store, clock, SystemIds(), limits, watch=_Watching().tell)
    book = AccountBook(store, clock, settings.public_url or "http://127.0.0.1")
    try:
        found = []
        for carrier in await _find_carriers(store, book, carrier_id):
            report = await reconciler.begin(carrier, actor=_ACTOR, since=start)
            found.append(await reconciler.run(carrier, report))
        return found
    finally:
        await book.close()


async def _find_carriers(store: Store, book: CarrierBook, carrier_id: str | None) -> list[Carrier]:
    """Find the one that was named, or all that can be asked for anything."""
    if carrier_id is not None:
        carrier = await book.find(carrier_id)
        if carrier is None:
            fail(f"There is no carrier account {carrier_id!r}. See: consentry carrier list", code=1)
        return [carrier]
    accounts = [await book.find(account.id) for account in await store.read_carriers()]
    asked = [c for c in accounts if c is not None and (c.history or c.block_list)]
    if not asked:
        fail("No carrier account can be asked for anything. See: consentry carrier list", code=1)
    return asked


class _Watching:
    """Shows how far a comparison is: one line that changes on a terminal, else now and then."""

    def __init__(self) -> None:
        self._told = 0

    def tell(self, report: Reconciliation) -> None:
        """Say how much was looked at."""
        looked = report.texts + report.lines
        line = f"{report.carrier}: {report.texts} texts, {report.lines} lines, {report.drifts} new"
        if sys.stderr.isatty():
            sys.stderr.write(f"\r{line}")
            if report.state is not ReconciliationState.RUNNING:
                sys.stderr.write("\n")
        elif looked >= self._told + _TOLD_EVERY:
            self._told = looked
            sys.stderr.write(f"{line}\n")


async def _read_open(store: Store, carrier: str | None) -> list[Drift]:
    wanted = DriftFilter(state=DriftState.OPEN, carrier=carrier)
    return await store.read_drifts(wanted, Page(limit=_LISTED))


def _show(drifts: list[Drift], *, as_json: bool, is_quiet: bool) -> None:
    if as_json:
        for drift in drifts:
            print_json(drift)
        return
    if is_quiet:
        return
    rows = [
        (
            drift.id,
            str(drift.severity),
            str(drift.kind),
            drift.recipient,
            drift.sender,
            "" if drift.since is None else drift.since.strftime("%Y-%m-%d %H:%M"),
            (drift.text if drift.text is not None else drift.line or drift.we_say)[:40],
            "held back" if drift.places else "",
        )
        for drift in drifts
    ]
    columns = ("drift", "severity", "kind", "recipient", "sender", "since (UTC)", "evidence", "")
    print_table(columns, rows, empty="No drift is open.")


def _settle(apply: str | None, dismiss: str | None, reason: str, *, as_json: bool) -> None:
    if apply is not None and dismiss is not None:
        fail("Either --apply or --dismiss, not both.", code=2)
    if not reason.strip():
        fail("Say why with --reason: it is kept in the audit.", code=2)
    command = ApplyDrift if apply is not None else DismissDrift

    def make(drift: Drift) -> ApplyDrift | DismissDrift:
        return command(drift, _ACTOR, reason)

    async def run(store: Store, _settings: Settings) -> Drift | ReportSettled:
        asked, delivery = apply or dismiss or "", FromOutside(store)
        drift = await store.read_drift(asked)
        if drift is not None:
            return await settle(store, delivery, make(drift))
        if await store.read_reconciliation(asked) is None:
            raise Rejected("not_found", f"There is no drift or report {asked!r}. List: --list")
        return await settle_report(store, delivery, asked, make)

    settled = with_store(run)
    if as_json:
        print_json(settled)
    else:
        _tell_settled(settled)


def _tell_settled(settled: Drift | ReportSettled) -> None:
    if isinstance(settled, Drift):
        sys.stdout.write(f"{settled.id} is {settled.state}.\n")
        return
    sys.stdout.write(f"{settled.settled} settled, {len(settled.refused)} refused.\n")
    for refused in settled.refused:
        sys.stdout.write(f"{refused.drift}: {refused.detail}\n")
    if not settled.is_all:
        sys.stdout.write("More are open: run it again.\n")
