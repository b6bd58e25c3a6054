"""Commands that move a database: db copy."""

import asyncio
import sys
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from consentry.cli.output import JSONFlag, print_json
from consentry.cli.rows_shown import RowsShown
from consentry.cli.setting_up import db_app
from consentry.clock import SystemClock
from consentry.opening import start_logging
from consentry.setting_values import SettingError
from consentry.settings import Settings, on_database, read_settings
from consentry.store.copying import Copied, Copying
from consentry.store.postgres.address import AddressError
from consentry.store.sides import ROWS_AT_ONCE, CopyError
from consentry.store.sqlite.holding import hold_file
from consentry.store.sqlite.moving import SQLiteSide

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from consentry.store.postgres.moving import PostgresSide

    Side = SQLiteSide | PostgresSide


def take_postgres() -> "type[PostgresSide]":
    """Take PostgreSQL's side; imported only where it is used, as its driver is slow to load."""
    from consentry.store.postgres.moving import PostgresSide  # noqa: PLC0415 - see above

    return PostgresSide


def register(app: typer.Typer) -> None:
    """Add these commands."""
    db_app.command("copy")(copy)
    del app


def copy(
    source: Annotated[str, typer.Argument(metavar="FROM", help="sqlite:///… or postgresql://…")],
    target: Annotated[
        str, typer.Argument(metavar="TO", help="A new database, or one half copied into.")
    ],
    *,
    step: Annotated[
        int, typer.Option(min=1, max=100_000, help="Rows in memory at once, a transaction each.")
    ] = ROWS_AT_ONCE,
    as_json: JSONFlag = False,
) -> None:
    """Copy everything into another database, compare both, and make the new one usable.

    Stop the server before. A copy that was cut off goes on when it is run again.

    Example: consentry db copy sqlite:///var/consentry.db postgresql://consentry@db.example.org/consentry
    """
    settings = read_settings()
    start_logging(settings)
    try:
        copied = asyncio.run(
            _copy(on_database(settings, source), on_database(settings, target), step)
        )
    except AddressError as error:
        raise SettingError(f"This database is not allowed: {error}.") from error
    if as_json:
        print_json(copied)
        return
    _tell(copied)
    sys.stdout.write(
        "The source is as it was. Start no server on it any more: both would send the texts that "
        "wait in the outbox, and opt-outs would reach only one of them.\n"
        "Next: set CONSENTRY_DATABASE to the new database, CONSENTRY_SECRET_KEY to the secret key "
        "of before (API keys are hashed with it), and start the server.\n"
    )


async def _copy(source: Settings, target: Settings, step: int) -> Copied:
    if source.database == target.database:
        raise CopyError("Both are the same database. Name another one to copy into.")
    async with _open_source(source) as here, _open_target(target) as there:
        return await run_copy(here, there, step)


async def run_copy(
    source: "Side",
    target: "Side",
    step: int = ROWS_AT_ONCE,
    *,
    notes: dict[str, str] | None = None,
) -> Copied:
    """Copy, and show how far it is; `notes` are noted of the target when it is whole."""
    clock = SystemClock()
    shown = RowsShown(clock)
    with shown.shown():
        return await Copying(source, target, clock, shown, at_once=step).run(notes or {})


@asynccontextmanager
async def _open_source(settings: Settings) -> "AsyncIterator[Side]":
    if settings.is_postgres:
        postgres = await take_postgres().open_source(settings.database)
        try:
            yield postgres
        finally:
            await postgres.close()
        return
    if not settings.database_path.exists():
        raise CopyError(f"There is no database {settings.database_path}.")
    with hold_file(settings.database_path):
        sqlite = SQLiteSide.open_source(settings.database_path)
        try:
            yield sqlite
        finally:
            await sqlite.close()


@asynccontextmanager
async def _open_target(settings: Settings) -> "AsyncIterator[Side]":
    now = SystemClock().now()
    if settings.is_postgres:
        postgres = await take_postgres().open_target(settings.database, now)
        try:
            yield postgres
        finally:
            await postgres.close()
        return
    with hold_file(settings.database_path):
        sqlite = SQLiteSide.open_target(settings.database_path, now)
        try:
            yield sqlite
        finally:
            await sqlite.close()


def _tell(copied: Copied) -> None:
    rows = sum(copied.tables.values())
    rate = copied.copied / copied.copy_seconds if copied.copy_seconds else 0.0
    sys.stdout.write(
        f"{rows:,} rows are in {copied.target}, the same as in {copied.source}.\n"
        f"Copied {copied.copied:,} in {copied.copy_seconds:.1f} s ({rate:,.0f} a second), "
        f"compared all in {copied.compare_seconds:.1f} s.\n"
        f"Ledger: {copied.tables['entries']:,} entries, sha256 {copied.ledger}\n"
        f"Standings: {copied.tables['standings']:,}, sha256 {copied.standings}\n"
    )
