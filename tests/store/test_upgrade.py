"""A database of an earlier version, opened by this one, gives the same answers as a new one."""

from contextlib import closing
from pathlib import Path

import apsw
import pytest
from store_world import (
    ANN,
    BOB,
    OTHER_SENDER,
    START,
    SQLiteDatabase,
    customer,
    entry,
    inbound,
    message,
    write,
)
from test_opt_out_list import block, suppression, withdrawn

from consentry.domain.entries import EntryKind
from consentry.domain.standing import BlockState, Cause
from consentry.ports import Change, EntryFilter, InboxFilter, OptOutFilter, Page, Store
from consentry.store.migrate import read_migrations
from consentry.store.sqlite.connection import open_connection
from consentry.store.sqlite.migrating import apply_migrations

pytestmark = pytest.mark.integration

EVE = "+14165550103"
WRITTEN = Change(
    entries=(
        entry(1, ANN, block(START), suppression(START.replace(microsecond=1))),
        entry(2, BOB, block(START, state=BlockState.OPEN), kind=EntryKind.OPTED_OUT),
        entry(3, EVE, withdrawn(START), kind=EntryKind.CONSENT_REVOKED),
        entry(4, BOB, kind=EntryKind.SEND_REFUSED, reason="opted_out"),
        entry(5, BOB, suppression(START), sender=None, kind=EntryKind.SUPPRESSED),
        entry(6, ANN, sender=OTHER_SENDER, kind=EntryKind.SEND_REFUSED, reason="no_consent"),
    ),
    messages=(inbound(1, "SM1"), message(2), inbound(3, "SM3", BOB), inbound(4, "SM4", BOB)),
    records=(customer(1, "Ann Lee", ANN), customer(2, "Lee", BOB, merged_into="cus_00001")),
)


def columns(connection: apsw.Connection, table: str) -> str:
    """Name the columns that a table of the first version has."""
    return ", ".join(str(row[1]) for row in connection.execute(f"PRAGMA table_info({table})"))


def make_old(path: Path, rows_from: Path) -> None:
    """Make a database as the first version made it, with the rows of a new one."""
    with closing(open_connection(path)) as old:
        apply_migrations(old, read_migrations("sqlite")[:1], START)
        old.execute("ATTACH ? AS new", (str(rows_from),))
        for table in ("entries", "standings", "messages", "customers", "phones"):
            names = columns(old, table)
            copy = f"INSERT INTO {table} ({names}) SELECT {names} FROM new.{table}"  # noqa: S608 - our own names
            old.execute(copy)


async def answers(store: Store) -> list[object]:
    """Ask everything that rests on what migrations made."""
    day = START.date()
    return [
        await store.read_opt_outs(OptOutFilter(), Page()),
        await store.read_opt_outs(OptOutFilter(search="lee"), Page()),
        await store.read_opt_outs(OptOutFilter(cause=Cause.AGENT), Page()),
        await store.read_entries(BOB, Page(), wanted=EntryFilter(kinds=(EntryKind.OPTED_OUT,))),
        await store.read_tallies(day, day),
        await store.read_inbox(InboxFilter(), Page()),
        await store.read_audit(Page()),
        await store.read_opt_out_stories(START, 10),
        await store.read_customers(Page()),
        await store.read_customers(Page(), search="lee"),
        await store.read_customers(Page(), search="a"),
        await store.read_customers(Page(), search="5550101"),
        await store.read_standings([ANN, BOB, EVE]),
        [(await store.read_facts(number))[1] for number in (ANN, BOB, EVE)],
        await store.read_recipients(Page()),
    ]


async def test_an_upgraded_database_answers_as_a_new_one(tmp_path: Path) -> None:
    """Before and after more is written; what the upgrade filled in is what writing fills in."""
    for folder in ("new", "old"):
        (tmp_path / folder).mkdir()
    new, old = SQLiteDatabase(tmp_path / "new"), SQLiteDatabase(tmp_path / "old")
    store = new.open()
    await store.submit(write(WRITTEN))
    expected = await answers(store)
    await store.close()
    make_old(old.path, new.path)
    upgraded = old.open()
    assert await answers(upgraded) == expected
    await upgraded.close()
    more = Change(
        entries=(entry(7, BOB, block(START), kind=EntryKind.SEND_REFUSED, reason="opted_out"),),
        messages=(inbound(5, "SM5", BOB),),
        records=(customer(3, "Bob Lee", BOB), customer(1, "Ann", ANN)),
    )
    for database in (new, old):
        again = database.open()
        await again.submit(write(more))
        await again.close()
    first, second = new.open(), old.open()
    assert await answers(first) == await answers(second)
    assert len((await first.read_opt_outs(OptOutFilter(), Page())).items) == 3
    await first.close()
    await second.close()
