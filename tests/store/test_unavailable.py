"""A database that cannot write or be opened: said clearly, nothing half kept, and it recovers."""

import asyncio
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
from store_world import ANN, BOB, SQLiteDatabase, tagged, write

from consentry.domain.standing import Standing
from consentry.ports import Change, EntryCounts, Page, StoreUnavailable, Unmeasured
from consentry.store.sqlite.connection import open_connection

pytestmark = pytest.mark.integration

FULL_DISK_CHILD = Path(__file__).with_name("full_disk_child.py")


def test_a_full_disk_is_unavailable_and_recovers(tmp_path: Path) -> None:
    """A process whose files may not grow: submits fail whole, reads go on, room heals it."""
    done = subprocess.run(
        [sys.executable, FULL_DISK_CHILD, tmp_path / "full.db"],
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "recovered"


class Durable(Unmeasured):
    """Keeps of each batch whether it became durable."""

    def __init__(self) -> None:
        self.told: list[bool] = []

    def note_batch(
        self, commands: int, seconds: float, entries: EntryCounts, *, is_durable: bool
    ) -> None:
        """Keep it; what was not kept wrote nothing."""
        self.told.append(is_durable)
        assert commands
        assert seconds > 0
        assert is_durable or not entries


async def test_a_locked_database_is_unavailable_and_recovers(sqlite: SQLiteDatabase) -> None:
    """Another process holds the lock longer than we wait: all are told, none is kept."""
    measured = Durable()
    store = sqlite.open(busy_timeout_milliseconds=50, measuring=measured)
    await store.submit(write(Change(entries=(tagged(1),))))
    with closing(open_connection(sqlite.path)) as other:
        other.execute("BEGIN IMMEDIATE")
        commands = (write(Change(entries=(tagged(n, BOB),))) for n in (2, 3))
        outcomes = await asyncio.gather(*map(store.submit, commands), return_exceptions=True)
        assert (await store.read_standing(ANN)).sms_tag
        other.execute("ROLLBACK")
    assert [type(outcome) for outcome in outcomes] == [StoreUnavailable] * 2
    assert "try again" in str(outcomes[0])
    assert await store.read_standing(BOB) == Standing()
    await store.submit(write(Change(entries=(tagged(2, BOB),))))
    assert await store.read_entries(BOB, Page()) == [tagged(2, BOB)]
    await store.close()
    # Both failed in one batch, or in two, as they came.
    assert measured.told in ([True, False, True], [True, False, False, True])


def test_a_path_that_cannot_be_opened_is_named(tmp_path: Path) -> None:
    """The error says which path and what to check."""
    with pytest.raises(StoreUnavailable, match=r"missing.*Check the path"):
        SQLiteDatabase(tmp_path / "missing").open()


def test_a_file_that_is_no_database_is_refused(sqlite: SQLiteDatabase) -> None:
    """A wrong path does not overwrite what is there."""
    sqlite.path.write_bytes(b"Dear diary, " * 1000)
    with pytest.raises(StoreUnavailable, match="cannot be opened"):
        sqlite.open()
    assert sqlite.path.read_bytes().startswith(b"Dear diary")
