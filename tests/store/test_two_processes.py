"""Two openings of one database, as two processes would have it."""

import asyncio
import sys
from pathlib import Path

import pytest
from store_world import ANN, BOB, CARRIER, SENDER, Database, SQLiteDatabase, ask, tagged, write

from consentry.domain.directory import Brand, Sender
from consentry.domain.entries import fold
from consentry.domain.reading import SenderKind
from consentry.domain.standing import Standing
from consentry.ports import Change, Needs, Page, Store

pytestmark = pytest.mark.integration

CHILD = Path(__file__).with_name("submitting_child.py")


def sender(*, enabled: bool) -> Change:
    """Make a change that sets the sender up, switched on or off."""
    brand = Brand("brd_1", "Acme")
    number = Sender(SENDER, SenderKind.LONG_CODE, "brd_1", CARRIER, enabled=enabled)
    return Change(records=(brand, number))


async def test_a_sender_switched_off_elsewhere_is_off_for_the_very_next_gate(
    store: Store, database: Database
) -> None:
    """Neither reads nor commands here go by a directory that somebody else has changed."""
    look = ask(lambda facts: facts.directory.senders[SENDER].enabled, Needs())
    await store.submit(write(sender(enabled=True)))
    assert (await store.read_directory()).senders[SENDER].enabled
    other = database.open()
    for enabled in (False, True, False):
        await other.submit(write(sender(enabled=enabled)))
        assert (await store.read_directory()).senders[SENDER].enabled is enabled
        directory, _ = await store.read_facts(ANN)
        assert directory.senders[SENDER].enabled is enabled
        for many in ([ANN], [ANN] * 100):
            directory, _ = await store.read_facts_of(many)
            assert directory.senders[SENDER].enabled is enabled
        assert await store.submit(look) is enabled
    await other.close()


async def test_an_opt_out_recorded_elsewhere_is_seen_by_the_very_next_read(
    store: Store, database: Database
) -> None:
    """There is no cache of standings."""
    await store.submit(write(Change(entries=(tagged(1),))))
    assert (await store.read_standing(ANN)).sms_tag
    other = database.open()
    await other.submit(write(Change(entries=(tagged(2, sms=False),))))
    assert not (await store.read_standing(ANN)).sms_tag
    assert not (await store.read_facts(ANN))[1].sms_tag
    assert (await store.read_facts(BOB))[1] == Standing()
    assert [s.sms_tag for s in await store.read_standings([ANN, BOB])] == [False, False]
    await other.close()


async def test_closing_folds_the_log_into_the_file_while_another_has_it_open(
    sqlite: SQLiteDatabase,
) -> None:
    """A copy of the one file after closing is a copy of everything."""
    store, other = sqlite.open(), sqlite.open()
    await store.submit(write(Change(entries=(tagged(1),))))
    log = sqlite.path.with_name(sqlite.path.name + "-wal")
    assert log.stat().st_size > 0
    await store.close()
    assert log.stat().st_size == 0
    await other.close()


async def test_two_processes_write_to_one_database_and_nothing_is_lost(
    database: Database,
) -> None:
    """Both wait for each other; in the end every acknowledged entry is there, once."""
    await database.open().close()
    processes = [
        await asyncio.create_subprocess_exec(
            sys.executable, CHILD, database.address, name, "60", stdout=asyncio.subprocess.PIPE
        )
        for name in ("a", "b")
    ]
    acknowledged: set[str] = set()
    for process in processes:
        output, _ = await asyncio.wait_for(process.communicate(), 240)
        assert process.returncode == 0
        acknowledged |= set(output.decode().split())
    assert len(acknowledged) == 2 * 60
    store = database.open()
    kept: set[str] = set()
    for recipient, standing in await store.read_recipients(Page(limit=1000)):
        entries = await store.read_entries(recipient, Page(limit=1000))
        assert fold(reversed(entries)) == standing
        kept |= {entry.id for entry in entries}
    assert kept == acknowledged
    await store.close()
    await database.check()
