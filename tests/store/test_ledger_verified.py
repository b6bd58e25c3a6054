"""`ledger verify` finds whatever is done to a ledger behind the program's back."""

import asyncio
import random
import shutil
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from itertools import count
from pathlib import Path
from typing import NamedTuple

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from store_world import ANN, BOB, integrate_all, open_address, tagged, write
from test_ledger_log import Unwatched

from consentry.actions.erase import erase_number
from consentry.domain.entries import Actor, ActorKind, Entry, EntryKind
from consentry.domain.erasure import Erasure
from consentry.ports import Change
from consentry.store.sqlite.connection import open_connection
from consentry.store.verifying.findings import Problem
from consentry.store.verifying.ledger import Hands, OneHand, Verified, verify_ledger
from consentry.store.verifying.postgres import OpenDatabase
from consentry.store.verifying.processes import ManyHands
from consentry.store.verifying.sources import LogSource, Opening
from consentry.store.verifying.sqlite import OpenFile
from consentry.wire.signed_note import (
    VerifierKey,
    derive_verifier_key,
    read_verifier_key,
    sign_note,
    write_verifier_key,
)
from ledger_keys import SIGNER
from postgres_server import PostgresServer

pytestmark = pytest.mark.integration

STEP, COUNT = 175, 700
SENDER = "+18005550100"
_numbers = count(1)


class Ledger(NamedTuple):
    """A ledger that may be harmed: how it is verified, SQL past its triggers, a checkpoint."""

    opening: Opening
    run: Callable[[str], object]
    middle: str


async def fill(address: str) -> str:
    """Write entries into a ledger and its log, in steps; give the checkpoint of the middle."""
    store = open_address(address, signer=SIGNER)
    for start in range(0, COUNT, STEP):
        numbers = range(start, start + STEP)
        entries = (tagged(n, BOB if n % 3 else ANN, sender=SENDER, text="Tee") for n in numbers)
        await store.submit(write(Change(entries=tuple(entries))))
        await integrate_all(store)
    middle = await store.read_checkpoint(2 * STEP)
    await store.close()
    assert middle is not None
    return middle.note


@pytest.fixture(scope="module")
def filled_file(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """Fill a file once."""
    path = tmp_path_factory.mktemp("filled") / "c.db"
    middle = asyncio.run(fill(str(path)))
    # The file alone is copied: nothing of it may stand in the write-ahead log only.
    with closing(open_connection(path)) as connection:
        [(is_busy, _, _)] = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    assert not is_busy
    return path, middle


@pytest.fixture(scope="module")
def filled_database(
    postgres_server: PostgresServer, postgres_template: str
) -> Iterator[tuple[str, str]]:
    """Fill a database once, which others are copies of."""
    name = "filled_ledger"
    postgres_server.copy_database(postgres_template, name)
    yield name, asyncio.run(fill(postgres_server.url(name)))
    postgres_server.execute(f"DROP DATABASE {name} WITH (FORCE)")


def copy_file(filled: tuple[Path, str], folder: Path) -> Ledger:
    """Make a copy of a file whose triggers are gone, as its owner can."""
    path = folder / f"{next(_numbers)}.db"
    shutil.copy(filled[0], path)

    def run(sql: str) -> object:
        with closing(open_connection(path)) as connection:
            return connection.execute(sql).fetchall()

    for (name,) in run("SELECT name FROM sqlite_schema WHERE type = 'trigger'"):  # type: ignore[attr-defined]
        run(f"DROP TRIGGER {name}")
    return Ledger(OpenFile(path), run, filled[1])


def copy_database(filled: tuple[str, str], server: PostgresServer) -> Ledger:
    """Make a copy of a database whose triggers are off, as its owner can."""
    name = f"verified_{next(_numbers)}"
    server.copy_database(filled[0], name)
    server.execute("ALTER TABLE entries DISABLE TRIGGER ALL", name)
    return Ledger(OpenDatabase(server.url(name)), lambda sql: server.execute(sql, name), filled[1])


@pytest.fixture(params=["sqlite", "postgres"])
def ledger(request: pytest.FixtureRequest, tmp_path: Path) -> Ledger:
    """Give a ledger of each kind."""
    if request.param == "sqlite":
        return copy_file(request.getfixturevalue("filled_file"), tmp_path)
    server = request.getfixturevalue("postgres_server")
    return copy_database(request.getfixturevalue("filled_database"), server)


def verify(
    ledger: Ledger,
    *notes: str,
    trusted: tuple[VerifierKey, ...] = (),
    make_hands: Callable[[LogSource], Hands] = OneHand,
) -> Verified:
    """Verify it in a thread, outside of every event loop, as the command does."""

    def run() -> Verified:
        source = ledger.opening.open()
        with closing(source):
            hands = make_hands(source)
            return verify_ledger(source, hands, Unwatched(), notes=notes, trusted=trusted)

    with ThreadPoolExecutor(1) as thread:
        return thread.submit(run).result()


_FORGED = "'ent_forged', kind, recorded_at, replace(value, 'Tee', 'Rum')"
_INSERT = "INSERT INTO entries (seq, recipient, id, kind, recorded_at, value)"
_SHUFFLE = (
    "UPDATE entries SET seq = -7 WHERE seq = {seq}; "
    "UPDATE entries SET seq = {seq} WHERE seq = {other}; "
    "UPDATE entries SET seq = {other} WHERE seq = -7"
)

ROWS: dict[str, tuple[str, Problem]] = {
    "a text": (
        "UPDATE entries SET value = replace(value, 'Tee', 'Rum') WHERE seq = {seq}",
        Problem.CHANGED,
    ),
    "a space": ("UPDATE entries SET value = value || ' ' WHERE seq = {seq}", Problem.CHANGED),
    "recipient": ("UPDATE entries SET recipient = '+1' WHERE seq = {seq}", Problem.COLUMNS),
    "kind": ("UPDATE entries SET kind = 'note_added' WHERE seq = {seq}", Problem.COLUMNS),
    "sender": ("UPDATE entries SET sender = NULL WHERE seq = {seq}", Problem.COLUMNS),
    "id": ("UPDATE entries SET id = 'ent_other' WHERE seq = {seq}", Problem.COLUMNS),
    "time": ("UPDATE entries SET recorded_at = 1 WHERE seq = {seq}", Problem.COLUMNS),
    "a time beyond all": (
        "UPDATE entries SET recorded_at = 9000000000000000000 WHERE seq = {seq}",
        Problem.COLUMNS,
    ),
    "no letters": (
        """UPDATE entries SET value = CAST(X'227365616C65643AFF22' AS TEXT) WHERE seq = {seq}""",
        Problem.CHANGED,
    ),
    "removed": ("DELETE FROM entries WHERE seq = {seq}", Problem.REMOVED),
    "inserted": (
        f"{_INSERT} SELECT -{{seq}}, recipient, {_FORGED} FROM entries WHERE seq = {{seq}}",  # noqa: S608 - a test's own names
        Problem.INSERTED,
    ),
    "moved": (_SHUFFLE, Problem.CHANGED),
    "taken for erased": (
        "UPDATE entries SET kind = 'entry_erased' WHERE seq = {seq}",
        Problem.COLUMNS,
    ),
}
"""What may be done to a row, and what is found then."""


def harm(ledger: Ledger, sort: str, seq: int, other: int) -> None:
    """Do something to a row; fail unless it is found, and nothing but what was touched is named."""
    sql, problem = ROWS[sort]
    for statement in sql.format(seq=seq, other=other).split("; "):
        ledger.run(statement)
    found = verify(ledger).findings
    assert {finding.problem for finding in found} == {problem}
    touched = {seq - 1, other - 1} if sort == "moved" else {seq - 1}
    leaves = {finding.leaf for finding in found}
    assert leaves == ({None} if problem is Problem.INSERTED else touched)
    assert all(finding.sentence.endswith(".") for finding in found)


@settings(
    max_examples=30,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    sort=st.sampled_from(sorted(ROWS)),
    places=st.lists(st.integers(1, COUNT), min_size=2, max_size=2, unique=True),
)
def test_whatever_is_done_to_any_row_is_found(
    filled_file: tuple[Path, str], tmp_path: Path, sort: str, places: list[int]
) -> None:
    """Each sort of tampering is found at any place, and names the entry and nothing else."""
    harm(copy_file(filled_file, tmp_path), sort, *places)


@pytest.mark.parametrize("sort", ["a text", "recipient", "removed", "inserted", "moved"])
def test_whatever_is_done_to_a_row_of_postgres_is_found(
    filled_database: tuple[str, str], postgres_server: PostgresServer, sort: str
) -> None:
    """Each sort of tampering is found on PostgreSQL too, and names the entry and nothing else."""
    seq, other = random.Random(sort).sample(range(1, COUNT), 2)
    harm(copy_database(filled_database, postgres_server), sort, seq, other)


LOG: dict[str, tuple[str, set[Problem]]] = {
    "salts": (
        """UPDATE log_leaves SET salts = (SELECT salts FROM log_leaves WHERE number = 1)
        WHERE number = 0""",
        {Problem.CHANGED},
    ),
    "leaves": ("DELETE FROM log_leaves WHERE number = 1", {Problem.LEAVES}),
    "all leaves": ("DELETE FROM log_leaves", {Problem.LEAVES}),
    "bounds": (
        "UPDATE log_leaves SET first_seq = first_seq + 1 WHERE number = 1",
        {Problem.LEAVES},
    ),
    "hashes of leaves": ("DELETE FROM log_tiles WHERE level = 0", {Problem.LEAVES, Problem.ROOT}),
    "a tile": (
        """UPDATE log_tiles SET hashes = (SELECT hashes FROM log_tiles WHERE level = 0 LIMIT 1)
        WHERE level = 1""",
        {Problem.TILE, Problem.ROOT},
    ),
    "a missing tile": ("DELETE FROM log_tiles WHERE level = 1", {Problem.TILE, Problem.ROOT}),
    "another origin": (
        "UPDATE log_checkpoints SET value = replace(value, 'example.com', 'example.org')",
        {Problem.SIGNATURE},
    ),
    "another size": ("UPDATE log_checkpoints SET size = 349 WHERE size = 350", {Problem.ROOT}),
    "no checkpoint": ("UPDATE log_checkpoints SET value = '[]'", {Problem.SIGNATURE}),
    "no note": (
        "UPDATE log_checkpoints SET value = replace(value, '\\n\\n', '')",
        {Problem.SIGNATURE},
    ),
    "no key": ("UPDATE log_keys SET id = 'none'", {Problem.SIGNATURE}),
    "another key": (
        f"UPDATE log_keys SET id = '{write_verifier_key(derive_verifier_key('a', bytes(32)))}'",  # noqa: S608 - a test's own names
        {Problem.SIGNATURE},
    ),
    "a key's row": ("UPDATE log_keys SET value = '{'", {Problem.SIGNATURE}),
    "another key's row": (
        "UPDATE log_keys SET value = replace(value, 'example.com', 'example.org')",
        {Problem.SIGNATURE},
    ),
    "cut leaves": (
        "UPDATE log_leaves SET seqs = substr(seqs, 1, 100) WHERE number = 1",
        {Problem.LEAVES},
    ),
    "fewer leaves": (
        """UPDATE log_leaves SET seqs = substr(seqs, 1, 800), salts = substr(salts, 1, 1600)
        WHERE number = 1""",
        {Problem.LEAVES},
    ),
    "size of the first checkpoint": (
        "UPDATE log_checkpoints SET size = 0 WHERE size = 175",
        {Problem.ROOT},
    ),
    "no head": ("DELETE FROM log_head", {Problem.HEAD, Problem.SHRUNK}),
    "a place before": ("UPDATE log_head SET after_seq = after_seq - 1", {Problem.HEAD}),
    "a place behind": ("UPDATE log_head SET after_seq = after_seq + 1", {Problem.HEAD}),
    "a larger size": ("UPDATE log_head SET size = size + 1", {Problem.LEAVES}),
    "a size beyond all": (
        "UPDATE log_head SET size = 4611686018427387904",
        {Problem.HEAD, Problem.SHRUNK},
    ),
    "a size below nothing": ("UPDATE log_head SET size = -1", {Problem.HEAD, Problem.SHRUNK}),
    "a smaller size": ("UPDATE log_head SET size = 525", {Problem.INSERTED, Problem.SHRUNK}),
}
"""What may be done to the log itself, and what is found then."""


@pytest.mark.parametrize("sort", sorted(LOG))
def test_whatever_is_done_to_the_log_is_found(
    filled_file: tuple[Path, str], tmp_path: Path, sort: str
) -> None:
    """Leaves, tiles, checkpoints and keys that were touched are found."""
    ledger = copy_file(filled_file, tmp_path)
    sql, problems = LOG[sort]
    ledger.run(sql)
    assert {finding.problem for finding in verify(ledger).findings} == problems


def test_a_whole_ledger_is_whole(ledger: Ledger) -> None:
    """Of what nobody touched nothing is found, by one process and by two; counts are told."""
    found = verify(ledger, ledger.middle)
    assert found.is_whole
    assert (found.entries, found.waiting, found.checkpoints) == (COUNT, 0, COUNT // STEP)
    assert found.root is not None
    with ManyHands(ledger.opening, 2) as hands:
        assert verify(ledger, ledger.middle, make_hands=lambda _: hands) == found


def forget_head(ledger: Ledger) -> None:
    """Leave the head as `db copy` and backups do, until a server takes the log over."""
    fresh = "size = 0, after_seq = 0"
    if isinstance(ledger.opening, OpenDatabase):
        fresh += ", below = 0, upto = 0, last_seq = 0, copied_seq = 0"
    ledger.run(f"UPDATE log_head SET {fresh}")  # noqa: S608 - a test's own names


def test_a_copy_is_verified_before_anybody_takes_it_over(ledger: Ledger) -> None:
    """The leaves that came along say how far its log is, and what is missing is found."""
    forget_head(ledger)
    found = verify(ledger, ledger.middle)
    assert found.is_whole
    assert (found.entries, found.waiting, found.checkpoints) == (COUNT, 0, COUNT // STEP)
    ledger.run("DELETE FROM entries WHERE seq = 7")
    ledger.run("DELETE FROM log_leaves WHERE number = (SELECT max(number) FROM log_leaves)")
    problems = {finding.problem for finding in verify(ledger).findings}
    assert {Problem.REMOVED, Problem.SHRUNK} <= problems


def test_who_is_erased_from_a_copy_leaves_a_whole_ledger(ledger: Ledger) -> None:
    """Salts are destroyed also where nobody has taken the log over yet, and it goes on."""
    forget_head(ledger)
    asyncio.run(erase_ann(ledger.opening))
    found = verify(ledger)
    assert (found.findings, found.erased) == ([], len(range(0, COUNT, 3)))
    asyncio.run(integrate(ledger.opening))
    found = verify(ledger)
    assert (found.findings, found.entries, found.waiting) == ([], COUNT + 1, 0)


async def erase_ann(opening: Opening) -> None:
    """Erase her, in a process that does not integrate."""
    store = open_address(name_database(opening))
    await erase_number(ANN, "asked", Actor(ActorKind.SYSTEM), store)
    await store.close()


async def integrate(opening: Opening) -> None:
    """Take the log over, and bring it up to the newest entry."""
    store = open_address(name_database(opening), signer=SIGNER)
    await integrate_all(store)
    await store.close()


def name_database(opening: Opening) -> str:
    """Name a database as it is opened."""
    assert isinstance(opening, OpenFile | OpenDatabase)
    return str(opening.path) if isinstance(opening, OpenFile) else opening.url


def test_a_ledger_that_was_written_anew_is_found_by_a_checkpoint_from_elsewhere(
    ledger: Ledger, filled_file: tuple[Path, str], tmp_path: Path
) -> None:
    """Who owns database and key can write a whole ledger anew; a checkpoint that was kept elsewhere
    shows it, and so does one that the log has not grown to, or that others signed.
    """
    other = tmp_path / "other.db"
    asyncio.run(fill(str(other)))
    anew = Ledger(OpenFile(other), lambda _: None, "")
    assert verify(anew).is_whole
    (found,) = verify(anew, ledger.middle or filled_file[1]).findings
    assert found.problem is Problem.ROOT
    key = derive_verifier_key("a", bytes(32))
    signed = sign_note(ledger.middle.partition("\n\n")[0] + "\n", "a", bytes(32))
    (found,) = verify(ledger, signed).findings
    assert found.problem is Problem.SIGNATURE
    ours = read_verifier_key(SIGNER.verifier_key())
    assert verify(ledger, signed, ledger.middle, trusted=(ours, key)).is_whole
    (found,) = verify(ledger, "nothing").findings
    assert found.problem is Problem.SIGNATURE


def test_an_erased_entry_must_be_accounted_for(
    filled_file: tuple[Path, str], tmp_path: Path
) -> None:
    """An entry without payload and salt is whole where an entry of the kind `erased` accounts for
    it, and only there.
    """
    ledger = copy_file(filled_file, tmp_path)
    empty(ledger)
    assert [f.problem for f in verify(ledger).findings] == [Problem.UNACCOUNTED] * 3
    assert isinstance(ledger.opening, OpenFile)
    asyncio.run(account(str(ledger.opening.path)))
    found = verify(ledger)
    assert (found.findings, found.erased) == ([], 3)
    for name, value in (("recorded_at", "2026-01-01T00:00:00Z"), ("id", "x"), ("text", "no")):
        ledger.run(
            f"UPDATE entries SET value = json_set(value, '$.{name}', '{value}') WHERE seq = 6"  # noqa: S608 - a test's own names
        )
        [finding] = verify(ledger).findings
        assert (finding.problem, finding.leaf) == (Problem.CHANGED, 5)


def empty(ledger: Ledger) -> None:
    """Destroy payload and salt of some entries, as an erasure does."""
    zeros = "zeroblob(16)"
    for seq in (5, 6, 300):
        number, place = divmod(seq - 1, 256)
        cut = f"substr(salts, 1, {place * 16}) || {zeros} || substr(salts, {place * 16 + 17})"
        ledger.run(f"UPDATE log_leaves SET salts = CAST({cut} AS BLOB) WHERE number = {number}")  # noqa: S608 - a test's own names
        ledger.run(
            "UPDATE entries SET kind = 'entry_erased', recipient = 'erased', sender = NULL, "  # noqa: S608 - a test's own names
            "value = json_object('id', id, 'recipient', 'erased', 'kind', 'entry_erased', "
            "'at', value ->> 'recorded_at', 'recorded_at', value ->> 'recorded_at', "
            f"'actor', json_object('kind', 'system')) WHERE seq = {seq}"
        )


def test_an_erasure_behind_which_others_began_to_read_is_accounted_for(
    filled_file: tuple[Path, str], tmp_path: Path
) -> None:
    """Each process reads a file as it is when it begins; what one saw erased, all know of."""
    ledger = copy_file(filled_file, tmp_path)
    assert isinstance(ledger.opening, OpenFile)
    with closing(ledger.opening.open()) as source:
        empty(ledger)
        asyncio.run(account(str(ledger.opening.path)))
        with closing(ledger.opening.open()) as newer:
            assert verify_ledger(source, OneHand(newer), Unwatched()).is_whole


@pytest.mark.parametrize("value", ["{", "[]", "{}", '{"id": 1}'])
def test_an_erased_entry_that_cannot_be_read_is_found(
    filled_file: tuple[Path, str], tmp_path: Path, value: str
) -> None:
    """What stands in the place of an erased entry and is none is found, not stumbled over."""
    ledger = copy_file(filled_file, tmp_path)
    ledger.run("UPDATE log_leaves SET salts = zeroblob(4096) WHERE number = 0")
    ledger.run(f"UPDATE entries SET kind = 'entry_erased', value = '{value}' WHERE seq = 3")  # noqa: S608 - a test's own names
    found = [f.problem for f in verify(ledger).findings if f.leaf == 2]
    assert found == [Problem.CHANGED, Problem.UNACCOUNTED]


@pytest.mark.parametrize("value", ["{", '{"erasure": 1}', '{"erasure": {"key": "sealed:"}}'])
def test_an_erasure_that_cannot_be_read_accounts_for_nothing(
    filled_file: tuple[Path, str], tmp_path: Path, value: str
) -> None:
    """That it was changed is found by its own leaf, and what it accounted for is found as well."""
    found = find_with_erasure(copy_file(filled_file, tmp_path), value)
    assert found >= {(Problem.UNACCOUNTED, 2), (Problem.CHANGED, 299)}


def test_an_erasure_accounts_for_entries_while_its_reason_is_sealed(
    filled_file: tuple[Path, str], tmp_path: Path
) -> None:
    """The key of its words is not needed for its numbers."""
    value = """{"reason": "sealed:00000000:AAAA",
        "erasure": {"key": "k", "hash": "h", "entries": [[1, 256]]}}"""
    found = find_with_erasure(copy_file(filled_file, tmp_path), value)
    assert (Problem.UNACCOUNTED, 2) not in found
    assert (Problem.SEALED, 299) in found


def find_with_erasure(ledger: Ledger, value: str) -> set[tuple[Problem, int | None]]:
    """Erase entry 3, have entry 300 account for it by this value, and verify both."""
    ledger.run("UPDATE log_leaves SET salts = zeroblob(4096) WHERE number = 0")
    ledger.run("UPDATE entries SET kind = 'entry_erased' WHERE seq = 3")
    ledger.run(f"UPDATE entries SET kind = 'erased', value = '{value}' WHERE seq = 300")  # noqa: S608 - a test's own names
    ledger.run("INSERT INTO audited (seq, kind) VALUES (300, 'erased')")
    return {(f.problem, f.leaf) for f in verify(ledger).findings if f.leaf in {2, 299}}


def test_a_row_that_was_inserted_with_no_time_at_all_is_found(
    filled_file: tuple[Path, str], tmp_path: Path
) -> None:
    """It is told of without its time."""
    ledger = copy_file(filled_file, tmp_path)
    ledger.run(
        f"{_INSERT} SELECT -5, recipient, 'ent_forged', kind, -9000000000000000000, value "  # noqa: S608 - a test's own names
        "FROM entries WHERE seq = 5"
    )
    [finding] = verify(ledger).findings
    assert (finding.problem, finding.recorded_at) == (Problem.INSERTED, None)


def test_a_head_that_is_gone_is_found_on_postgres(
    filled_database: tuple[str, str], postgres_server: PostgresServer
) -> None:
    """Without the head's row nothing is called whole, and nothing falls over."""
    ledger = copy_database(filled_database, postgres_server)
    ledger.run("DELETE FROM log_head")
    assert Problem.HEAD in {finding.problem for finding in verify(ledger).findings}


async def account(address: str) -> None:
    """Append the entry that accounts for what was erased."""
    store = open_address(address, signer=SIGNER)
    entry = Entry(
        id="ent_09999",
        recipient="",
        kind=EntryKind.ERASED,
        at=tagged(1).at,
        recorded_at=tagged(1).recorded_at,
        actor=Actor(ActorKind.SYSTEM),
        erasure=Erasure("key", "hash", ((5, 6), (300, 300))),
    )
    await store.submit(write(Change(entries=(entry,))))
    await store.close()
