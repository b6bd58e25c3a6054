"""Commands that keep the books from being lost: backup, restore."""

import asyncio
import sys
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import apsw
import msgspec
import typer

from consentry.actions.cancel_overdue import CancelOverdue
from consentry.actions.tell_program import HoldAnswers
from consentry.cli.moving import run_copy, take_postgres
from consentry.cli.output import JSONFlag, fail, print_json
from consentry.cli.rows_shown import RowsShown
from consentry.clock import SystemClock, SystemIds
from consentry.opening import build_policy, read_hash_keys, start_logging
from consentry.settings import Settings, read_settings
from consentry.store.moved_tables import TABLES
from consentry.store.notes import (
    RESTORE,
    BackupNote,
    RestoreNote,
    read_backup,
    read_copy,
    read_restore,
    write_note,
)
from consentry.store.sides import CopyError
from consentry.store.sqlite import noting
from consentry.store.sqlite.backing_up import (
    Found,
    back_up,
    bring_back,
    bring_to_disk,
    close_up,
    made_whole,
    remove,
    set_aside,
)
from consentry.store.sqlite.connection import open_connection, transaction
from consentry.store.sqlite.holding import hold_file
from consentry.store.sqlite.moving import SQLiteSide
from consentry.store.sqlite.store import SQLiteStore

if TYPE_CHECKING:
    from consentry.store.postgres.moving import PostgresSide

_HELD_AT_ONCE: Final = 500
_CANCELED_AT_ONCE: Final = 200


class BackedUp(msgspec.Struct, frozen=True):
    """What `backup` made."""

    backup: str
    taken_at: datetime
    bytes: int
    entries: int
    ledger: str
    seconds: float


class Restored(msgspec.Struct, frozen=True):
    """What `restore` put in place; `ledger` is that of the backup, before texts were canceled."""

    database: str
    backup: str
    taken_at: datetime | None
    entries: int
    ledger: str
    canceled: int
    set_aside: str | None


def register(app: typer.Typer) -> None:
    """Add these commands."""
    app.command("backup")(backup)
    app.command("restore")(restore)


def backup(
    file: Annotated[Path, typer.Argument(metavar="TO", help="The file to make.")],
    *,
    as_json: JSONFlag = False,
) -> None:
    """Back the database up into one file while servers run; nobody waits for it.

    Of SQLite and of PostgreSQL alike it is a SQLite file, checked, with people's numbers in it:
    keep it as safe as the database. The secret key is not in it: keep that apart.

    Example: consentry backup backups/2026-11-29.db
    """
    settings = read_settings()
    start_logging(settings)
    clock = SystemClock()
    began, taken_at = clock.monotonic(), clock.now()
    file.parent.mkdir(parents=True, exist_ok=True)
    try:
        with made_whole(file) as draft:
            found = _write_backup(settings, draft, taken_at)
    except FileExistsError:
        fail(f"{file} is there already. Name another file, or remove it first.", code=1)
    made = BackedUp(
        backup=str(file),
        taken_at=taken_at,
        bytes=file.stat().st_size,
        entries=found.entries,
        ledger=found.ledger,
        seconds=clock.monotonic() - began,
    )
    if as_json:
        print_json(made)
        return
    sys.stdout.write(
        f"{made.backup}: {made.bytes:,} bytes, everything up to {taken_at:%Y-%m-%d %H:%M:%S} UTC, "
        f"in {made.seconds:.1f} s.\n"
        f"Ledger: {made.entries:,} entries, sha256 {made.ledger}\n"
        "The secret key is not in it: without the same CONSENTRY_SECRET_KEY (or secret.key beside "
        "a SQLite database) no API key opens after a restore.\n"
    )


def _write_backup(settings: Settings, draft: Path, taken_at: datetime) -> Found:
    shown = RowsShown(SystemClock())
    if settings.is_postgres:
        name = asyncio.run(_copy_from_postgres(settings, draft, taken_at))
        with shown.shown():
            return close_up(draft, BackupNote(name, taken_at), shown, name=str(draft))
    if not settings.database_path.exists():
        fail(f"There is no database {settings.database_path}.", code=1)
    with shown.shown():
        return back_up(settings.database_path, draft, taken_at, shown)


async def _copy_from_postgres(settings: Settings, draft: Path, taken_at: datetime) -> str:
    """Copy all rows as they are at one moment; return where they came from."""
    source = await take_postgres().open_source(settings.database, locks=False)
    try:
        target = SQLiteSide.open_target(draft, taken_at)
        try:
            return (await run_copy(source, target)).source
        finally:
            await target.close()
    finally:
        await source.close()


def restore(
    file: Annotated[Path, typer.Argument(metavar="FROM", help="A file that `backup` made.")],
    *,
    force: Annotated[
        bool, typer.Option(help="Put a SQLite database that is there aside, under another name.")
    ] = False,
    as_json: JSONFlag = False,
) -> None:
    """Put a backup in the place of the database; stop every server before.

    What came after the backup is lost, opt-outs too: see what it prints. Texts that were overdue
    in it are canceled, as they may have been sent already.

    Example: consentry restore backups/2026-11-29.db
    """
    settings = read_settings()
    start_logging(settings)
    if not file.is_file():
        fail(f"There is no backup {file}.", code=1)
    if settings.is_postgres:
        restored = asyncio.run(_restore_to_postgres(settings, file))
    else:
        restored = _restore_to_file(settings, file, force=force)
    if as_json:
        print_json(restored)
    else:
        _tell(restored)


def _restore_to_file(settings: Settings, file: Path, *, force: bool) -> Restored:
    database = settings.database_path
    if database.exists() and not force:
        fail(
            f"{database} is there already. With --force it is put aside under another name.", code=1
        )
    with hold_file(database):
        draft = database.with_name(f"{database.name}.restoring")
        note = _prepare(settings, file, draft)
        aside = None
        if database.exists():
            aside = set_aside(database, f"before-{note.restored_at:%Y%m%dT%H%M%SZ}")
        draft.rename(database)
        bring_to_disk(database.parent)
    return _restored(str(database), note, aside)


async def _restore_to_postgres(settings: Settings, file: Path) -> Restored:
    clock = SystemClock()
    target = await take_postgres().open_target(settings.database, clock.now())
    try:
        unfinished = await _refuse_filled(target)
        draft = file.with_name(f"{file.name}.restoring")
        # What was half copied goes on from the same rows.
        note = _read_prepared(draft) if unfinished else None
        if note is None:
            note = await asyncio.to_thread(_prepare, settings, file, draft)
        source = SQLiteSide.open_source(draft)
        try:
            await run_copy(source, target, notes={RESTORE: write_note(note)})
        finally:
            await source.close()
        remove(draft)
        return _restored(target.name, note, None)
    finally:
        await target.close()


async def _refuse_filled(target: "PostgresSide") -> bool:
    """Tell whether a copy was begun there; raises `CopyError` where there is anything else."""
    begun = read_copy(await target.read_notes())
    if begun is not None and begun.finished_at is None:
        return True
    filled = await target.list_filled(TABLES)
    if filled:
        raise CopyError(
            f"{target.name} is not empty: there are rows in {', '.join(filled)}. Make a new "
            "database, set CONSENTRY_DATABASE to it, and run this again. Nothing was written."
        )
    return False


def _prepare(settings: Settings, file: Path, draft: Path) -> RestoreNote:
    """Make a copy of a backup that a server may start on: checked, up to date, nothing overdue."""
    remove(draft)
    try:
        note = _fill_draft(settings, file, draft)
        bring_to_disk(draft)
    except BaseException:
        remove(draft)
        raise
    return note


def _fill_draft(settings: Settings, file: Path, draft: Path) -> RestoreNote:
    shown = RowsShown(SystemClock())
    with shown.shown():
        found = bring_back(file, draft, shown)
        canceled = asyncio.run(_cancel_overdue(settings, draft))
    with closing(open_connection(draft)) as connection:
        taken = read_backup(noting.read_notes(connection))
        note = RestoreNote(
            backup=str(file.resolve()),
            taken_at=None if taken is None else taken.taken_at,
            restored_at=SystemClock().now(),
            canceled=canceled,
            entries=found.entries,
            ledger=found.ledger,
        )
        with transaction(connection):
            noting.write_note(connection, RESTORE, write_note(note))
    return note


async def _cancel_overdue(settings: Settings, draft: Path) -> int:
    """Bring the tables up to date, and cancel what is overdue; return how many texts it was."""
    clock = SystemClock()
    store = SQLiteStore.open(
        draft,
        clock=clock,
        ids=SystemIds(),
        policy=build_policy(settings),
        hash_keys=read_hash_keys(settings),
    )
    canceled = 0
    try:
        while due := [sender for sender, at in await store.next_due() if at <= clock.now()]:
            command = CancelOverdue(tuple((sender, _CANCELED_AT_ONCE) for sender in due))
            canceled += await store.submit(command)
        await _hold_answers(store)
    finally:
        await store.close()
    return canceled


async def _hold_answers(store: SQLiteStore) -> None:
    """Let no program answer what it may have answered before the loss: it is told all the same."""
    count = await store.count_notices()
    for host, _ in await store.next_notices():
        notices = await store.read_notices(host, datetime.max.replace(tzinfo=UTC), count)
        for start in range(0, len(notices), _HELD_AT_ONCE):
            await store.submit(HoldAnswers(tuple(notices[start : start + _HELD_AT_ONCE])))


def _read_prepared(draft: Path) -> RestoreNote | None:
    """Read what was noted when a backup was prepared; None where that was not finished."""
    if not draft.exists():
        return None
    with closing(apsw.Connection(str(draft))) as connection:
        return read_restore(noting.read_notes(connection))


def _restored(database: str, note: RestoreNote, aside: Path | None) -> Restored:
    return Restored(
        database=database,
        backup=note.backup,
        taken_at=note.taken_at,
        entries=note.entries,
        ledger=note.ledger,
        canceled=note.canceled,
        set_aside=None if aside is None else str(aside),
    )


def _tell(restored: Restored) -> None:
    since = "the backup" if restored.taken_at is None else f"{restored.taken_at:%Y-%m-%d %H:%M} UTC"
    aside = "" if restored.set_aside is None else f"What was there is {restored.set_aside}.\n"
    sys.stdout.write(
        f"{restored.database} is {restored.backup} again: {restored.entries:,} entries, "
        f"sha256 {restored.ledger}\n"
        f"{aside}"
        f"Texts canceled, because they were overdue in it and may have been sent: "
        f"{restored.canceled:,}\n"
        "\n"
        f"EVERYTHING SINCE {since} IS LOST FROM THESE BOOKS, OPT-OUTS TOO. "
        "Before anything is sent:\n"
        "1. Bring back what people wrote since then: consentry reconcile --since TIME, and apply "
        "the report. A carrier that cannot be asked has a log: for each text in it that asks to "
        "stop, in whatever words: consentry opt-out NUMBER --reason ...\n"
        "2. Do the same for opt-outs that came by phone, mail or in person.\n"
        "3. Only then send marketing. What was texted as STOP stands at the carrier, which "
        "refuses further texts; each refusal is learned here.\n"
    )
