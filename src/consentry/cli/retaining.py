"""`consentry retention`: destroy records that were kept long enough."""

import sys
from typing import Annotated

import typer

from consentry.actions.retain import Retained, Retention
from consentry.cli.consents import CLI_ACTOR
from consentry.cli.database import with_store
from consentry.cli.output import JSONFlag, print_json, print_table
from consentry.cli.row_progress import progress_shown
from consentry.clock import SystemClock
from consentry.domain.retention import TABLE
from consentry.ports import Store
from consentry.settings import Settings


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("retention")(apply_retention)


def apply_retention(
    *,
    apply: Annotated[
        bool, typer.Option("--apply", help="Destroy. Without it: only count what would be.")
    ] = False,
    rules: Annotated[
        bool, typer.Option("--rules", help="Only show how long what is kept, and why.")
    ] = False,
    as_json: JSONFlag = False,
) -> None:
    """Count the records that were kept as long as the law asks for; with --apply, destroy them.

    It destroys as consentry erase does: what somebody said no to stays known by a keyed hash, and
    the ledger goes on to verify. Look at the dry run first.

    Example: consentry retention
    """
    if rules:
        _show_rules(as_json=as_json)
        return

    async def walk(store: Store, _settings: Settings) -> Retained:
        retention = Retention(store, SystemClock().now(), is_dry_run=not apply, by=CLI_ACTOR)
        looked_at = 0
        with progress_shown("Looking at numbers", None) as advance:
            async for told in retention.walk():
                advance(told.looked_at - looked_at)
                looked_at = told.looked_at
        return retention.told()

    told = with_store(walk)
    if as_json:
        print_json(told)
    else:
        _tell(told)


def _tell(told: Retained) -> None:
    done = "Would destroy" if told.is_dry_run else "Destroyed"
    sys.stdout.write(
        f"Numbers looked at: {told.looked_at:,}. {done} the records of {told.destroyed:,}, with "
        f"{told.entries:,} entries of the ledger.\n"
    )
    rows = [(table, f"{count:,}") for table, count in told.rows.items()]
    if rows:
        print_table(("table", "rows"), rows, empty="")
    sys.stdout.write(
        f"{told.words_kept:,} of them said no to something, which stays known by a keyed hash.\n"
    )
    for row, count in told.kept.items():
        sys.stdout.write(f"Numbers kept by {row}: {count:,}.\n")
    if told.put_off:
        sys.stdout.write(f"Put off, with a carrier or changed meanwhile: {told.put_off:,}.\n")
    if told.is_dry_run:
        sys.stdout.write("Nothing was changed. To destroy: consentry retention --apply\n")


def _show_rules(*, as_json: bool) -> None:
    if as_json:
        print_json(TABLE)
        return
    print_table(
        ("id", "what", "statute", "checked on"),
        [(row.id, row.says, row.statute, row.checked_on.isoformat()) for row in TABLE.rows],
        empty="",
    )
