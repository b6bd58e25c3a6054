"""`consentry backup` and `restore` from the outside, on both databases."""

import json
import stat
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import apsw
import pytest
from all_reads import ALL
from calling import call, everything, serving
from store_world import ANN, BOB, Database, inbound, message, open_address, queued, tagged, write
from stuck import kill_behind

from consentry.actions.tell_program import RESTORED
from consentry.domain.consent import PairState, pair_state
from consentry.domain.entries import EntryKind, fold
from consentry.domain.messages import Callback, MessageStatus
from consentry.domain.notices import notice_of_text
from consentry.ports import Change

pytestmark = pytest.mark.integration

CHILD = Path(__file__).with_name("stopping_child.py")
SENDER = "+14155550100"
PROGRAM = "http://shop.example"


def url_of(database: Database) -> str:
    """Write the address as the setting takes it."""
    address = database.address
    return address if address.startswith("postgresql:") else f"sqlite:///{address}"


def back_up(database: Database, file: Path) -> dict[str, Any]:
    """Run a backup, and give what it tells."""
    done = call("backup", str(file), "--json", CONSENTRY_DATABASE=url_of(database))
    told: dict[str, Any] = json.loads(done.stdout)
    return told


def restore(file: Path, url: str, *options: str, code: int = 0) -> subprocess.CompletedProcess[str]:
    """Run a restore."""
    return call("restore", str(file), *options, code=code, CONSENTRY_DATABASE=url)


async def fill(database: Database) -> None:
    """Write an opt-out, overdue texts, one that is due tomorrow, and one to be passed on."""
    tomorrow = datetime.now(UTC) + timedelta(days=1)
    store = database.open()
    await store.submit(write(Change(entries=(tagged(1, ANN), tagged(2, BOB, sms=False)))))
    await store.submit(write(queued(1, 2)))
    await store.submit(write(queued(3, due_at=tomorrow)))
    await store.submit(write(Change(messages=(message(4, status=MessageStatus.SENT),))))
    text = inbound(5, "SM5", BOB)
    passed_on = notice_of_text(text, Callback(PROGRAM, "AC1"))
    await store.submit(write(Change(messages=(text,), notices=(passed_on,))))
    await store.close()


def back_up_meanwhile(database: Database, file: Path) -> tuple[set[str], dict[str, Any]]:
    """Back up while a child takes texts in; give whose STOP was acknowledged before it began."""
    with subprocess.Popen(
        [sys.executable, CHILD, database.address], stdout=subprocess.PIPE
    ) as child:
        assert child.stdout is not None
        stopped = {child.stdout.readline().decode().strip() for _ in range(200)}
        told = back_up(database, file)
        # The pipe holds what was acknowledged meanwhile: the writer did not stand still.
        child.kill()
        assert child.stdout.read()
    return stopped, told


async def test_a_backup_while_stops_come_in_has_all_that_were_acknowledged(
    database: Database, tmp_path: Path
) -> None:
    """Each STOP that was acknowledged before it began stands in it; every standing is the fold of
    its entries; and who writes goes on meanwhile.
    """
    file = tmp_path / "backup.db"
    stopped, told = back_up_meanwhile(database, file)
    store = open_address(str(file))
    standings = dict(await store.read_recipients(ALL))
    directory = await store.read_directory()
    for recipient in stopped:
        pair = pair_state(standings[recipient], directory.senders[SENDER])
        assert pair is PairState.OPTED_OUT
    count = 0
    for recipient, standing in standings.items():
        entries = await store.read_entries(recipient, ALL)
        assert fold(reversed(entries)) == standing
        count += len(entries)
    assert told["entries"] >= count >= 3 * len(stopped)
    await store.close()
    with closing(apsw.Connection(str(file))) as connection:
        assert connection.pragma("integrity_check") == "ok"


async def test_a_backup_is_one_file_that_only_its_owner_reads(
    database: Database, tmp_path: Path
) -> None:
    """Nothing beside it, nothing half done under its name; one that is there is left alone."""
    await fill(database)
    file = tmp_path / "kept" / "backup.db"
    told = back_up(database, file)
    assert [path.name for path in sorted(file.parent.iterdir())] == ["backup.db"]
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert told["bytes"] == file.stat().st_size
    again = call("backup", str(file), code=1, CONSENTRY_DATABASE=url_of(database))
    assert "is there already" in again.stderr


async def test_a_restore_brings_everything_back_and_sends_nothing_old(
    database: Database, make_database: Callable[[], Database], tmp_path: Path
) -> None:
    """All reads are the same but for overdue texts: canceled, with an entry; it says what to do."""
    await fill(database)
    before = await everything(url_of(database))
    file = tmp_path / "backup.db"
    told = back_up(database, file)
    target = make_database()
    said = restore(file, url_of(target)).stdout
    assert f"sha256 {told['ledger']}" in said
    assert "may have been sent: 2\n" in said
    assert "IS LOST FROM THESE BOOKS, OPT-OUTS TOO" in said
    assert "consentry opt-out NUMBER --reason" in said
    after = await everything(url_of(target))
    changed = {name for name in before if before[name] != after[name]}
    touched = {f"{what} of {ANN}" for what in ("entries", "texts", "messages", "values")}
    assert changed - touched <= {"messages", "outbox", "due", "tallies", "notices"}
    assert after["outbox"] == 1
    store = target.open()
    (passed_on,) = await store.read_notices(PROGRAM, datetime.now(UTC), 10)
    assert passed_on.no_answer == RESTORED
    newest = await store.read_entries(ANN, ALL)
    canceled = [entry for entry in newest if entry.kind is EntryKind.JOB_CANCELED]
    assert [entry.reason for entry in canceled] == ["restored", "restored"]
    overdue = await store.read_message("msg_00001")
    assert overdue is not None
    assert (overdue.status, overdue.error_code) == (MessageStatus.CANCELED, "restored")
    await store.close()


@pytest.mark.parametrize("source", ["sqlite", "postgres"])
async def test_a_backup_goes_back_into_either_database(
    source: str, request: pytest.FixtureRequest, make_postgres: Callable[[], str], tmp_path: Path
) -> None:
    """The file is of one form, whatever it was made of."""
    database: Database = request.getfixturevalue(source)
    await fill(database)
    file = tmp_path / "backup.db"
    back_up(database, file)
    urls = f"sqlite:///{tmp_path / 'there.db'}", make_postgres()
    for url in urls:
        restore(file, url)
    one, other = [await everything(url) for url in urls]
    assert one["recipients"] == other["recipients"]
    assert one["outbox"] == other["outbox"] == 1
    names = [path.name for path in tmp_path.iterdir()]  # noqa: ASYNC240 - a small folder
    assert [name for name in names if name.startswith("backup.db")] == ["backup.db"]


async def test_a_restored_database_says_so_at_every_start(
    database: Database, make_database: Callable[[], Database], tmp_path: Path
) -> None:
    """The log tells that opt-outs may be missing, and since when."""
    await fill(database)
    file = tmp_path / "backup.db"
    taken = datetime.fromisoformat(back_up(database, file)["taken_at"])
    url = url_of(make_database())
    restore(file, url)
    log = call("brand", "list", CONSENTRY_DATABASE=url, CONSENTRY_LOG_FORMAT="text").stderr
    assert "this database was restored on" in log
    assert f"from a backup of {taken.isoformat(timespec='minutes')}" in log
    assert "restored" not in call("brand", "list", CONSENTRY_DATABASE=url_of(database)).stderr


async def test_a_database_that_is_there_is_put_aside_only_if_told(
    sqlite: Database, tmp_path: Path
) -> None:
    """Nothing is ever written over: with --force the old file is kept under another name."""
    await fill(sqlite)
    file = tmp_path / "backup.db"
    back_up(sqlite, file)
    refused = restore(file, url_of(sqlite), code=1)
    assert "is there already. With --force it is put aside" in refused.stderr
    store = sqlite.open()
    await store.submit(write(Change(entries=(tagged(9, BOB),))))
    await store.close()
    told = json.loads(restore(file, url_of(sqlite), "--force", "--json").stdout)
    kept = open_address(told["set_aside"])
    assert len(await kept.read_entries(BOB, ALL)) == 2
    await kept.close()
    back = sqlite.open()
    assert len(await back.read_entries(BOB, ALL)) == 1
    await back.close()


async def test_what_is_no_sound_backup_is_refused(
    sqlite: Database, postgres: Database, tmp_path: Path
) -> None:
    """A damaged file, one that is no database, none at all, a server that runs, a filled target."""
    await fill(sqlite)
    file, target = tmp_path / "backup.db", f"sqlite:///{tmp_path / 'target.db'}"
    back_up(sqlite, file)
    torn = tmp_path / "torn.db"
    whole = file.read_bytes()
    torn.write_bytes(whole[: len(whole) // 2])
    other = tmp_path / "other.db"
    with closing(apsw.Connection(str(other))) as connection:
        connection.execute("CREATE TABLE t (x)")
    text = tmp_path / "text.db"
    text.write_text("no database at all, " * 400)
    for wrong, said in (
        (torn, "is damaged"),
        (text, "file is not a database"),
        (other, "is no database of this program"),
        (tmp_path / "none.db", "There is no backup"),
    ):
        assert said in restore(wrong, target, code=1).stderr
    assert not (tmp_path / "target.db").exists()
    await fill(postgres)
    filled = restore(file, url_of(postgres), code=1).stderr
    assert "is not empty: there are rows in entries" in filled
    missing = call("backup", str(tmp_path / "x.db"), code=1, CONSENTRY_DATABASE=target)
    assert "There is no database" in missing.stderr


def test_nothing_is_restored_under_a_server(sqlite: Database, tmp_path: Path) -> None:
    """Nor is anything made beside the database then."""
    with serving(CONSENTRY_DATABASE=url_of(sqlite)):
        file = tmp_path / "backup.db"
        back_up(sqlite, file)
        assert "Another server runs" in restore(file, url_of(sqlite), "--force", code=1).stderr
    assert list(tmp_path.glob("*.restoring")) == []


async def test_a_restore_into_postgres_that_is_killed_goes_on(
    sqlite: Database, postgres: Database, tmp_path: Path
) -> None:
    """Killed dead while rows are copied: the next run goes on with the same rows."""
    store = sqlite.open()
    for start in range(0, 12_000, 500):
        entries = tuple(tagged(n, ANN) for n in range(start, start + 500))
        await store.submit(write(Change(entries=entries)))
    await store.close()
    await fill_texts(sqlite)
    file = tmp_path / "backup.db"
    back_up(sqlite, file)
    url = url_of(postgres)
    await kill_behind(url, "entries", 2000, "restore", str(file), CONSENTRY_DATABASE=url)
    refused = call("brand", "list", code=1, CONSENTRY_DATABASE=url_of(postgres))
    assert "is not all there" in refused.stderr
    told = json.loads(restore(file, url_of(postgres), "--json").stdout)
    assert told["canceled"] == 1
    back = postgres.open()
    assert len(await back.read_entries(ANN, ALL)) == 12_001
    await back.close()


async def fill_texts(database: Database) -> None:
    """Queue a text that is overdue."""
    store = database.open()
    await store.submit(write(queued(1)))
    await store.close()
