"""`consentry ledger`: verify the ledger, print and keep checkpoints, prove an entry."""

import asyncio
import sys
from collections.abc import Awaitable, Callable
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn, TypeVar

import typer

from consentry.actions.prove_entry import bring_log_up, prove_entry, prove_growth
from consentry.cli.cores import count_cores
from consentry.cli.output import JSONFlag, fail, print_json, print_table
from consentry.clock import SystemClock
from consentry.opening import open_store, read_text_keys, start_logging
from consentry.ports import Checkpoint, LogKey, Store
from consentry.settings import Settings, read_settings
from consentry.store.sealing import use_text_keys
from consentry.wire.signed_note import NoteError, VerifierKey, read_verifier_key

if TYPE_CHECKING:
    from consentry.store.verifying.ledger import Verified
    from consentry.store.verifying.sources import Opening

T = TypeVar("T")

_FOUND_MAX = 100

_AlwaysJSON = Annotated[bool, typer.Option("--json", help="It is JSON anyway.")]
"""Proofs are for programs, which say --json to every command."""

ledger_app = typer.Typer(
    help="The ledger's transparency log: verify, checkpoint, proof.", no_args_is_help=True
)


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.add_typer(ledger_app, name="ledger")


def _with_log(use: Callable[[Store], Awaitable[T]]) -> T:
    """Open the database of the settings with its log, bring that up to date, use it, close it."""

    async def run() -> T:
        settings = read_settings()
        start_logging(settings)
        store = open_store(settings, keeps_log=True)
        try:
            await bring_log_up(store)
            return await use(store)
        finally:
            await store.close()

    return asyncio.run(run())


@ledger_app.command("checkpoint")
def show_checkpoint(
    *,
    push: Annotated[Path | None, typer.Option("--push", help="Keep it in this folder too.")] = None,
    push_git: Annotated[
        Path | None,
        typer.Option("--push-git", help="Keep it in this git repository too, as a commit."),
    ] = None,
    as_json: JSONFlag = False,
) -> None:
    """Print a signed checkpoint of the whole ledger, as a C2SP signed note.

    What waits is put into the log first. Kept where nobody can change it who can change the
    database, it shows later that nothing was.

    Example: consentry ledger checkpoint --push /mnt/elsewhere/checkpoints
    """
    # Imported where it is used: most commands keep nothing.
    from consentry.witnessing.folder import NotKept, keep_in_folder, keep_in_git  # noqa: PLC0415

    checkpoint = _with_log(_find_checkpoint)
    try:
        if push is not None:
            keep_in_folder(checkpoint, push)
        if push_git is not None:
            keep_in_git(checkpoint, push_git)
    except NotKept as error:
        fail(str(error), code=1)
    if as_json:
        print_json(checkpoint)
    else:
        sys.stdout.write(checkpoint.note)


async def _find_checkpoint(store: Store) -> Checkpoint:
    checkpoint = await store.read_checkpoint()
    if checkpoint is None:
        # One that was removed is signed again, which is done where nothing waits, too.
        await store.integrate_log()
        checkpoint = await store.read_checkpoint()
    if checkpoint is None:
        fail("The ledger has no entry yet, so there is nothing to sign.", code=1)
    return checkpoint


@ledger_app.command("proof")
def show_proof(
    entry: str,
    *,
    size: Annotated[
        int | None, typer.Option(min=1, help="Prove it for a tree of so many entries.")
    ] = None,
    as_json: _AlwaysJSON = True,
) -> None:
    """Prove that ENTRY is in the ledger's log: prints JSON, with all that a verifier needs.

    Example: consentry ledger proof ent_01j9z3k4m5n6p7q8r9s0t1u2v3
    """
    del as_json
    print_json(_with_log(lambda store: prove_entry(store, entry, size)))


@ledger_app.command("consistency")
def show_growth(
    old: Annotated[int, typer.Argument(min=0, metavar="FROM")],
    new: Annotated[int | None, typer.Argument(min=0, metavar="[TO]")] = None,
    *,
    as_json: _AlwaysJSON = True,
) -> None:
    """Prove that the log of TO entries (now) grew out of that of FROM: prints JSON.

    Example: consentry ledger consistency 1000
    """
    del as_json
    print_json(_with_log(lambda store: prove_growth(store, old, new)))


@ledger_app.command("keys")
def list_keys(*, as_json: JSONFlag = False) -> None:
    """List the keys that sign, or once signed, checkpoints, as verifiers take them.

    Example: consentry ledger keys
    """

    async def read(store: Store) -> list[LogKey]:
        return await store.read_log_keys()

    keys = _with_log(read)
    if as_json:
        print_json(keys)
        return
    rows = [(f"{key.since:%Y-%m-%d %H:%M:%S}", key.verifier_key) for key in keys]
    print_table(("since (UTC)", "key"), rows, empty="Nothing was signed yet.")


@ledger_app.command("verify")
def verify(
    *,
    against: Annotated[
        list[Path] | None,
        typer.Option("--against", help="A checkpoint that was kept elsewhere; may be repeated."),
    ] = None,
    key: Annotated[
        list[str] | None,
        typer.Option(
            "--key", help="Believe checkpoints of this key (NAME+ID+KEY) alone; may be repeated."
        ),
    ] = None,
    processes: Annotated[
        int | None, typer.Option(min=1, max=64, help="How many; else one for each core.")
    ] = None,
    as_json: JSONFlag = False,
) -> None:
    """Hold every entry against the log, and every checkpoint against the tree.

    Finds what was changed, removed, inserted or moved in the database, names it, and says what to
    do; then it ends with 1. It may run beside a server. Who owns the database and the key can write
    a whole ledger anew: only a checkpoint that was kept elsewhere (--against) shows that.

    Example: consentry ledger verify --against /mnt/elsewhere/checkpoints/checkpoint-1000
    """
    settings = read_settings()
    start_logging(settings)
    notes = [_read_note(path) for path in against or ()]
    verified = _verify(settings, notes, tuple(map(_read_key, key or ())), processes)
    if as_json:
        print_json(verified)
    else:
        _tell(verified)
    if not verified.is_whole:
        raise typer.Exit(1)


def _read_note(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        _refuse(f"{path} cannot be read as a checkpoint ({error}).")


def _read_key(text: str) -> VerifierKey:
    try:
        return read_verifier_key(text)
    except NoteError as error:
        _refuse(str(error))


def _refuse(message: str) -> NoReturn:
    fail(message, code=2)


def _verify(
    settings: Settings, notes: list[str], keys: tuple[VerifierKey, ...], processes: int | None
) -> "Verified":
    # Imported where it is used: no other command verifies.
    from consentry.cli.rows_shown import RowsShown  # noqa: PLC0415 - see above
    from consentry.store.verifying.ledger import OneHand, verify_ledger  # noqa: PLC0415 - see above
    from consentry.store.verifying.processes import ManyHands  # noqa: PLC0415 - see above

    if not settings.is_postgres and not settings.database_path.exists():
        # Made now, it would be found whole: whoever asks every night would never hear of it.
        path = settings.database_path
        _refuse(f"There is no database {path}: nothing was verified. Check CONSENTRY_DATABASE.")
    text_keys, _ = read_text_keys(settings)
    use_text_keys(text_keys, seals=False)
    # Whatever else a command does first, this one too: the tables are brought up to date.
    asyncio.run(open_store(settings).close())
    shown = RowsShown(SystemClock())
    count = processes or count_cores()
    source = _choose(settings).open()
    with closing(source), shown.shown():
        if count == 1 or source.measure().size < _FEW:
            return verify_ledger(source, OneHand(source), shown, notes=notes, trusted=keys)
        with ManyHands(source.describe(), count, text_keys=text_keys) as hands:
            return verify_ledger(source, hands, shown, notes=notes, trusted=keys)


_FEW = 200_000
"""So many entries are verified before other processes have begun."""


def _choose(settings: Settings) -> "Opening":
    if settings.is_postgres:
        # The driver takes as long as all of SQLite's side.
        from consentry.store.verifying.postgres import OpenDatabase  # noqa: PLC0415

        return OpenDatabase(settings.database)
    from consentry.store.verifying.sqlite import OpenFile  # noqa: PLC0415 - as above

    return OpenFile(settings.database_path)


def _tell(verified: "Verified") -> None:
    for finding in verified.findings[:_FOUND_MAX]:
        at = finding.recorded_at
        when = "" if at is None else f"{at:%Y-%m-%d %H:%M:%S} UTC  "
        leaf = "" if finding.leaf is None else f"#{finding.leaf}  "
        sys.stdout.write(f"{when}{leaf}{finding.sentence}\n")
    if len(verified.findings) > _FOUND_MAX:
        sys.stdout.write(f"... and {len(verified.findings) - _FOUND_MAX:,} more.\n")
    erased = f", {verified.erased:,} of them erased" if verified.erased else ""
    found = len(verified.findings)
    findings = "1 finding" if found == 1 else f"{found:,} findings"
    said = "is whole" if verified.is_whole else f"is NOT whole: {findings}"
    sys.stdout.write(
        f"The ledger {said}. {verified.entries:,} entries{erased}, "
        f"{verified.checkpoints:,} checkpoints, root {verified.root}.\n"
    )
    if verified.waiting:
        sys.stdout.write(
            f"{verified.waiting:,} entries are not in the log yet, and were not verified: a server "
            "puts them in within a second, `consentry ledger checkpoint` at once.\n"
        )
