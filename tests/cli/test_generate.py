"""`consentry generate` from the outside: what it makes is what the product would have written."""

import asyncio
import json
import subprocess
import sys
from collections import Counter
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import apsw
import pytest

from consentry.clock import SystemClock, SystemIds
from consentry.domain.entries import Entry, fold
from consentry.domain.policy import Policy
from consentry.ports import InboxFilter, OptOutFilter, Page, Tally
from consentry.store.derived import told_reason
from consentry.store.migrate import read_migrations
from consentry.store.rows import decode_entries
from consentry.store.sqlite.connection import open_connection
from consentry.store.sqlite.migrating import apply_migrations
from consentry.store.sqlite.store import SQLiteStore

PEOPLE, TEXTS = 400, 2000
TABLES = ("entries", "messages", "receipts", "standings", "customers", "phones", "marks", "tallies")


def generate(folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    """Run the command for a few people."""
    numbers = ("--customers", str(PEOPLE), "--messages", str(TEXTS), "--until", "2026-11-24")
    return subprocess.run(
        [sys.executable, "-m", "consentry", "generate", "--data", folder, *numbers, *options],
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a database once for all tests."""
    folder = tmp_path_factory.mktemp("made") / "small"
    done = generate(folder, "--json")
    assert done.returncode == 0, done.stderr
    made = json.loads(done.stdout)
    assert made["customers"] == PEOPLE
    assert 0.6 * TEXTS < made["messages"] < 1.6 * TEXTS
    return folder / "consentry.db"


def schema(connection: apsw.Connection) -> list[tuple[object, ...]]:
    """List everything a database is made of."""
    return connection.execute(
        "SELECT type, name, tbl_name, sql FROM sqlite_schema ORDER BY type, name"
    ).fetchall()


def rows(path: Path) -> dict[str, list[tuple[object, ...]]]:
    """Read every row of the tables that grow."""
    with closing(open_connection(path)) as connection:
        return {
            table: connection.execute(f"SELECT * FROM {table}").fetchall()  # noqa: S608 - our names
            for table in TABLES
        }


@pytest.mark.integration
def test_the_same_seed_makes_the_same_rows(database: Path, tmp_path: Path) -> None:
    """Another seed makes other people."""
    same, other = tmp_path / "same", tmp_path / "other"
    assert generate(same).returncode == 0
    assert generate(other, "--seed", "2").returncode == 0
    assert rows(same / "consentry.db") == rows(database)
    assert rows(other / "consentry.db")["customers"] != rows(database)["customers"]


@pytest.mark.integration
def test_nothing_is_missing_from_the_schema(database: Path, tmp_path: Path) -> None:
    """Indexes and the ledger's guards, which are taken down meanwhile, are all there again."""
    with (
        closing(open_connection(database)) as made,
        closing(open_connection(tmp_path / "fresh.db")) as fresh,
    ):
        apply_migrations(fresh, read_migrations("sqlite"), datetime(2026, 1, 1, tzinfo=UTC))
        assert schema(made) == schema(fresh)
        assert made.pragma("integrity_check") == "ok"
        assert made.pragma("journal_mode") == "wal"


@pytest.mark.integration
def test_what_is_kept_beside_the_entries_is_what_they_lead_to(database: Path) -> None:
    """Every standing is the fold of its entries, and every entry is counted once."""
    with closing(open_connection(database)) as connection:
        values = connection.execute("SELECT value FROM entries ORDER BY seq").fetchall()
    entries = decode_entries(f"[{','.join(str(value) for (value,) in values)}]")
    assert [entry.recorded_at for entry in entries] == sorted(e.recorded_at for e in entries)
    of: dict[str, list[Entry]] = {}
    for entry in entries:
        of.setdefault(entry.recipient, []).append(entry)
    counted = Counter((e.recorded_at.date(), e.kind, told_reason(e)) for e in entries)

    async def look() -> None:
        store = SQLiteStore.open(database, clock=SystemClock(), ids=SystemIds(), policy=Policy())
        for recipient, standing in await store.read_recipients(Page(limit=10_000)):
            assert fold(of[recipient]) == standing
        days = [day for day, *_ in counted]
        tallies = await store.read_tallies(min(days), max(days))
        assert set(tallies) == {Tally(*key, count) for key, count in counted.items()}
        await store.close()

    asyncio.run(look())


@pytest.mark.integration
def test_there_is_something_of_everything(database: Path) -> None:
    """Conversations in the inbox, opt-outs of about one in twenty, names in other scripts."""

    async def look() -> None:
        store = SQLiteStore.open(database, clock=SystemClock(), ids=SystemIds(), policy=Policy())
        inbox = await store.read_inbox(InboxFilter(open_only=True), Page())
        assert inbox.items
        assert all(item.customer is not None for item in inbox.items)
        opted_out = (await store.read_opt_outs(OptOutFilter(), Page(limit=PEOPLE))).items
        assert 0.02 * PEOPLE < len(opted_out) < 0.12 * PEOPLE
        customers = await store.read_customers(Page(limit=PEOPLE))
        assert len({phone.normalized for c in customers for phone in c.phones}) == PEOPLE
        assert any(not c.name.isascii() for c in customers)
        known = next(c for c in customers if c.name)
        assert known in await store.read_customers(Page(), search=known.name[1:5])
        assert await store.read_audit(Page())
        assert await store.count_outbox() == 0
        await store.close()

    asyncio.run(look())


@pytest.mark.integration
def test_a_database_that_is_there_is_left_alone(database: Path) -> None:
    """The error names it; so is a number of texts that nobody could write."""
    before = database.stat().st_mtime_ns
    done = generate(database.parent)
    assert done.returncode == 1
    assert "is there already" in done.stderr
    assert database.stat().st_mtime_ns == before
    many = generate(database.parent / "new", "--messages", str(PEOPLE * 301))
    assert many.returncode == 2
    assert "too many" in many.stderr
    assert not (database.parent / "new").exists()
