"""`consentry doctor`: looks for what is wrong with an installation, and says what to do."""

import asyncio
import sys

import msgspec
import typer

from consentry.actions.prove_entry import bring_log_up
from consentry.cli.output import JSONFlag, fail, print_json
from consentry.opening import list_exposed, open_store, start_logging
from consentry.ports import LogDamaged, StoreUnavailable, TextSealed
from consentry.settings import Settings, read_settings


class Ailment(msgspec.Struct, frozen=True):
    """One thing that is wrong: `code` is for programs, `detail` says what it is and what to do."""

    code: str
    detail: str


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("doctor")(examine)


def examine(*, as_json: JSONFlag = False) -> None:
    """Look for what is wrong with this installation, and say what to do.

    Files with secrets that others may open; a database that cannot be used; a ledger's log that
    does not go on, as where a text key is missing. It ends with 1 where something is wrong, and may
    run beside a server. `consentry ledger verify` looks at every row.

    Example: consentry doctor
    """
    settings = read_settings()
    start_logging(settings)
    if not settings.is_postgres and not settings.database_path.exists():
        # Made now, it would be found well.
        path = settings.database_path
        fail(
            f"There is no database {path}. Check CONSENTRY_DATABASE, or run: consentry init", code=2
        )
    found = [Ailment("secrets_exposed", one.sentence) for one in list_exposed(settings)]
    found += asyncio.run(_examine_log(settings))
    if as_json:
        print_json({"found": found})
    else:
        lines = [one.detail for one in found] or ["Nothing is wrong."]
        sys.stdout.write("\n".join(lines) + "\n")
    if found:
        raise typer.Exit(1)


async def _examine_log(settings: Settings) -> list[Ailment]:
    """Bring the ledger's log up to date, which reads and writes the database."""
    try:
        store = open_store(settings, keeps_log=True)
        try:
            await bring_log_up(store)
        finally:
            await store.close()
    except TextSealed as error:
        return [Ailment("text_sealed", str(error))]
    except LogDamaged as error:
        return [Ailment("ledger_damaged", str(error))]
    except StoreUnavailable as error:
        return [Ailment("store_unavailable", f"The database cannot be used: {error}")]
    return []
