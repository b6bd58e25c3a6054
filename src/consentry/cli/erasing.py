"""Commands that erase: erase, erasure-key new, db compact."""

import os
import sys
from contextlib import closing
from typing import Annotated

import typer

from consentry.actions.erase import Erased, erase_number
from consentry.cli.consents import CLI_ACTOR
from consentry.cli.database import read_recipient, with_store
from consentry.cli.output import JSONFlag, fail, print_json, tell
from consentry.cli.setting_up import db_app
from consentry.ports import Store
from consentry.settings import Settings, read_settings
from consentry.store.sqlite.answering import answering
from consentry.store.sqlite.connection import open_connection
from consentry.store.sqlite.holding import hold_file
from consentry.wire.keyed_hash import KEY_BYTES, read_hash_key, write_hash_key

erasure_key_app = typer.Typer(
    help="Keys of the hashes by which it stays known that an erased number had said no: make.",
    no_args_is_help=True,
)


def register(app: typer.Typer) -> None:
    """Add these commands."""
    app.command("erase")(erase)
    app.add_typer(erasure_key_app, name="erasure-key")
    db_app.command("compact")(compact)


def erase(
    recipient: str,
    *,
    reason: Annotated[str, typer.Option(help="Why, without the number: it is kept.")],
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only count what would be destroyed.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask again.")] = False,
    as_json: JSONFlag = False,
) -> None:
    """Destroy all that is held of RECIPIENT. What they said no to stays known, by a keyed hash.

    Their texts, history, consents and profile are gone for good; the ledger still verifies.

    Example: consentry erase +14155550142 --reason "asked by mail on 2026-11-30"
    """

    async def run(store: Store, settings: Settings) -> Erased:
        number = read_recipient(recipient, settings)
        would = await erase_number(number, reason, CLI_ACTOR, store, is_dry_run=True)
        if dry_run or would.is_nothing:
            return would
        if not yes:
            _confirm(would, number)
        return await erase_number(number, reason, CLI_ACTOR, store)

    erased = with_store(run)
    if as_json:
        print_json(erased)
        return
    sys.stdout.write(_spell(erased, is_dry_run=dry_run) + "\n")


def _confirm(would: Erased, number: str) -> None:
    if not sys.stdin.isatty():
        fail("nothing was erased: say --yes, or run it where it can ask you.", code=2)
    sys.stdout.write(f"{_spell(would, is_dry_run=True)}\nIt cannot be undone.\n")
    if input(f"Type {number} to erase: ").strip() != number:
        fail("nothing was erased.", code=1)


def _spell(erased: Erased, *, is_dry_run: bool) -> str:
    """Say what was destroyed and what stays."""
    said = (
        "Nothing is held of this number."
        if erased.is_nothing
        else _spell_destroyed(erased, "Would destroy" if is_dry_run else "Destroyed")
    )
    stays = (
        "What they said no to stays known, by a keyed hash of the number."
        if erased.kept
        else "Nothing is known of them any more."
    )
    return f"{said} {stays}"


def _spell_destroyed(erased: Erased, done: str) -> str:
    """Say how much it was of each sort, and which entry accounts for it."""
    texts, profiles = erased.rows.get("messages", 0), len(erased.deleted_customers)
    said = f"{done}: entries {erased.entries}, texts {texts}, profiles {profiles}."
    others = [f"{table} {n}" for table, n in erased.rows.items() if n and table != "messages"]
    if others:
        said += f" Also: {', '.join(others)}."
    return said if erased.entry is None else f"{said} Entry {erased.entry} accounts for it."


@erasure_key_app.command("new")
def make_erasure_key(*, as_json: JSONFlag = False) -> None:
    """Make a key. It is printed once and kept nowhere: put it in front of CONSENTRY_ERASURE_KEYS.

    Example: consentry erasure-key new
    """
    written = write_hash_key(os.urandom(KEY_BYTES))
    tell({"id": read_hash_key(written).id, "key": written}, written, as_json=as_json)


def compact(*, as_json: JSONFlag = False) -> None:
    """Write a SQLite file anew without what was deleted; no server may run on it meanwhile.

    It needs as much room again as the file has. On PostgreSQL, run VACUUM FULL as its owner.

    Example: consentry db compact
    """
    settings = read_settings()
    if settings.is_postgres:
        fail(
            "this is for SQLite. On PostgreSQL run VACUUM FULL as the owner of the tables.", code=2
        )
    path = settings.database_path
    if not path.exists():
        fail(f"there is no database {path}.", code=1)
    before = path.stat().st_size
    with hold_file(path), answering(), closing(open_connection(path)) as connection:
        connection.execute("INSERT INTO customer_grams (customer_grams) VALUES ('optimize')")
        connection.pragma("temp_store", "file")
        connection.execute("VACUUM")
        connection.pragma("wal_checkpoint(TRUNCATE)")
    after = path.stat().st_size
    told = f"{path}: {before:,} bytes before, {after:,} now. Nothing deleted is left in it."
    tell({"before": before, "after": after}, told, as_json=as_json)
