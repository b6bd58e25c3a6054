"""`consentry text-key`: the keys that texts are sealed with in the database."""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated

import typer

from consentry.cli.output import JSONFlag, print_json, print_table, tell
from consentry.cli.rows_shown import RowsShown
from consentry.clock import SystemClock
from consentry.opening import open_store, read_text_keys, start_logging
from consentry.setting_values import SettingError
from consentry.settings import Settings, read_settings
from consentry.store.resealing import ROWS_AT_ONCE, Resealed, SealedRows, count_keys, reseal
from consentry.store.sealing import KEY_BYTES, SEALING, TextKey
from consentry.store.sqlite.holding import hold_file
from consentry.store.sqlite.resealing import SQLiteRows

text_key_app = typer.Typer(
    help="Keys that texts are sealed with in the database: make, list, rotate.",
    no_args_is_help=True,
)


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.add_typer(text_key_app, name="text-key")


@text_key_app.command("new")
def make_text_key(*, as_json: JSONFlag = False) -> None:
    """Make a key. It is printed once and kept nowhere: put it in front of CONSENTRY_TEXT_KEYS.

    Example: consentry text-key new
    """
    key = TextKey(os.urandom(KEY_BYTES))
    tell({"id": key.id, "key": key.written}, key.written, as_json=as_json)


@text_key_app.command("list")
def list_text_keys(*, as_json: JSONFlag = False) -> None:
    """List the keys by their ids, and how many rows are sealed with each.

    A key that no row needs any more may be dropped. It looks at every row.

    Example: consentry text-key list
    """
    settings = read_settings()
    keys, _ = read_text_keys(settings)
    counted = asyncio.run(_count(settings))
    at_hand = {key.id for key in keys}
    rows = [
        {
            "id": key_id,
            "at_hand": key_id in at_hand,
            "seals": key_id == SEALING.newest,
            "rows": counted.get(key_id, 0),
        }
        for key_id in dict.fromkeys([*(key.id for key in keys), *sorted(counted)])
        if key_id != "plain"
    ]
    plain = counted.get("plain", 0)
    if as_json:
        print_json({"keys": rows, "plain_rows": plain})
        return
    words = {True: "yes", False: "no"}
    table = [
        [str(r["id"]), words[bool(r["at_hand"])], words[bool(r["seals"])], f"{r['rows']:,}"]
        for r in rows
    ]
    print_table(
        ("key", "here", "seals", "rows"), [*table, ["none", "", "", f"{plain:,}"]], empty=""
    )


@text_key_app.command("rotate")
def rotate_text_keys(
    *,
    step: Annotated[
        int, typer.Option(min=1, max=10_000, help="Rows looked at at once, a transaction each.")
    ] = ROWS_AT_ONCE,
    compact: Annotated[
        bool,
        typer.Option(
            help="SQLite: write the file anew afterwards, so that nothing is left in it of what "
            "was deleted before. Stop the server first."
        ),
    ] = False,
    as_json: JSONFlag = False,
) -> None:
    """Seal what is stored with the newest key; with `plain` in front, write it plainly.

    Every server must have the newest key before. They go on to work meanwhile. One that was cut
    off is run again.

    Example: consentry text-key rotate
    """
    settings = read_settings()
    if compact and settings.is_postgres:
        raise SettingError("--compact is for SQLite. On PostgreSQL: VACUUM FULL, by its owner.")
    found = asyncio.run(_rotate(settings, step, compact=compact))
    under = "plainly" if SEALING.newest is None else f"under the key {SEALING.newest}"
    tell(
        {"looked_at": found.looked_at, "written": found.written, "key": SEALING.newest},
        f"{found.looked_at:,} rows were looked at, and {found.written:,} written anew {under}.",
        as_json=as_json,
    )


async def _count(settings: Settings) -> dict[str, int]:
    async with _open_rows(settings) as rows:
        shown = RowsShown(SystemClock())
        with shown.shown():
            return await count_keys(rows, shown)


async def _rotate(settings: Settings, step: int, *, compact: bool) -> Resealed:
    async with _open_rows(settings) as rows:
        shown = RowsShown(SystemClock())
        with shown.shown():
            found = await reseal(rows, shown, at_once=step)
    if compact:
        with hold_file(settings.database_path):
            file = SQLiteRows.open(settings.database_path)
            file.compact()
            file.close()
    return found


@asynccontextmanager
async def _open_rows(settings: Settings) -> AsyncIterator[SealedRows]:
    """Bring the tables up to date, and open the rows beside whoever serves them."""
    start_logging(settings)
    await open_store(settings).close()
    if settings.is_postgres:
        # Imported only where it is used: its driver is slow to load.
        from consentry.store.postgres.resealing import PostgresRows  # noqa: PLC0415

        remote = await PostgresRows.open(settings.database)
        try:
            yield remote
        finally:
            await remote.close()
        return
    local = SQLiteRows.open(settings.database_path)
    try:
        yield local
    finally:
        local.close()
