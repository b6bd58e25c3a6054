"""`consentry db copy` from the outside: real processes, killed where it hurts, both databases."""

import asyncio
import hashlib
import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import apsw
import asyncpg
import pytest
from calling import call, environment, everything, serving
from store_world import (
    ANN,
    BOB,
    SENDER,
    START,
    claimed,
    customer,
    entry,
    inbound,
    open_address,
    queued,
    receipt,
    tagged,
    write,
)
from stuck import kill_behind
from test_drifts_kept import drift, report
from test_imports_kept import run
from test_reviews_kept import answered, review

from consentry.actions.erase import erase_number
from consentry.actions.keep_webhooks import SaveWebhook
from consentry.actions.record_audit import SYSTEM
from consentry.domain.calls_to_action import CallMedium, CallToAction, Wording
from consentry.domain.campaign_keywords import CampaignKeyword
from consentry.domain.drift import DriftState
from consentry.domain.imports import ImportPart
from consentry.domain.messages import Callback, JobState
from consentry.domain.notices import notice_of_text
from consentry.domain.reading import BlockLayer
from consentry.domain.standing import Block, BlockState, Cause
from consentry.domain.templates import Template
from consentry.domain.webhooks import Webhook, WebhookHealth
from consentry.domain.wording_lint import WordingKind
from consentry.ports import (
    APIKey,
    Change,
    ConversationMark,
    Expiry,
    IdempotencyRecord,
    Scope,
    Session,
    SignInLink,
)
from ledger_keys import SIGNER

pytestmark = pytest.mark.integration

PEOPLE, TEXTS = 60, 300
FORGOTTEN = "+14155550109"


def copy(source: str, target: str, *, code: int = 0) -> subprocess.CompletedProcess[str]:
    """Run a copy."""
    return call("db", "copy", source, target, "--json", code=code)


async def add_what_is_rare(path: Path) -> None:
    """Add what no story leaves behind: work that waits, keys, sessions, merged people, NUL."""
    store = open_address(str(path), signer=SIGNER)
    agents = await store.read_agents()
    key = APIKey("key_1", "shop", "ck_1", "hash", (Scope.SEND, Scope.CHECK), START)
    gone = APIKey("key_0", "old", "ck_0", "hash", (), START, revoked_at=START)
    later = START + timedelta(days=1)
    await store.submit(
        write(
            Change(
                entries=(tagged(1, ANN), tagged(2, BOB, sms=False)),
                messages=(inbound(90_000, "SM1", ANN, body='NUL \x00, "quotes", é, 🙂'),),
                records=(
                    key,
                    gone,
                    Session("ses_1", agents[0].id, START, later),
                    Session("ses_0", agents[0].id, START, later, revoked_at=START),
                    SignInLink("lnk_1", agents[0].id, START, later),
                    ConversationMark(ANN, SENDER, "msg_00001"),
                    IdempotencyRecord("key_1", "again", "print", 202, b"{\x00\xff}", START),
                    receipt(1, "SM9"),
                    drift(1, ANN),
                    drift(2, BOB, state=DriftState.APPLIED),
                    report(1),
                    Expiry(ANN, "deals", later),
                    run(1),
                    ImportPart("imp_00001", 0, 0, {"recorded": [2]}, {2: "é"}),
                    CampaignKeyword.at("+14155550100", "JOIN", "é"),
                    Template("tpl_1", "x", "Sale", WordingKind.MARKETING, "é", START, START),
                    review(1, ANN),
                    answered(2, BOB),
                    customer(90_001, "Ann", ANN),
                    customer(90_002, "Zoé an\x00d NUL", BOB),
                    customer(90_003, "Ann too", ANN, merged_into="cus_90001"),
                ),
            )
        )
    )
    await store.submit(write(queued(90_001, 90_002, due_at=later)))
    await store.submit(write(Change(records=(shown_as(1), shown_as(2)))))
    await store.submit(write(Change(jobs=(claimed(90_001),))))
    text = inbound(90_000, "SM1", ANN, body="to be passed on")
    told = notice_of_text(text, Callback("https://shop.example/in", "AC1"))
    await store.submit(write(Change(notices=(told,))))
    await store.submit(SaveWebhook(HOOK, randomness=bytes(32)))
    await store.submit(write(Change(records=(WebhookHealth("whk_1", START, 500, "no"),))))
    await store.submit(
        write(queued(90_003, recipient=BOB, state=JobState.INDETERMINATE, claimed_at=START))
    )
    stopped = Block(SENDER, BlockLayer.OURS, BlockState.BLOCKED, Cause.KEYWORD, START, START, "e")
    said = Change((entry(3, FORGOTTEN, stopped),), (inbound(90_010, "SM9", FORGOTTEN),))
    await store.submit(write(said))
    assert (await erase_number(FORGOTTEN, "asked by mail", SYSTEM, store)).kept
    await store.close()


HOOK = Webhook("", "https://shop.example/events", START, START, brands=())


def shown_as(version: int) -> CallToAction:
    """Make a version of what people are shown."""
    wording = Wording("Offers")
    return CallToAction("cta", version, "x", CallMedium.WEB, "en", wording, "é", "<p>", "", START)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a small world once for all tests.

    Of those whom it tells of in the same millisecond the ids may cross, which the product's never
    do. A copy lists texts and customers in the order of their ids, so the first one mends that.
    """
    folder = tmp_path_factory.mktemp("world")
    numbers = ("--customers", str(PEOPLE), "--messages", str(TEXTS), "--until", "2026-11-20")
    call("generate", "--data", str(folder / "made"), *numbers)
    copy(f"sqlite:///{folder / 'made/consentry.db'}", f"sqlite:///{folder / 'mended.db'}")
    return folder / "mended.db"


@pytest.fixture
def source(world: Path, tmp_path: Path) -> str:
    """Give a copy of the world that may be changed, with something of everything in it."""
    path = tmp_path / "source.db"
    path.write_bytes(world.read_bytes())
    asyncio.run(add_what_is_rare(path))
    return f"sqlite:///{path}"


async def test_a_round_trip_through_postgres_changes_nothing(
    source: str, tmp_path: Path, make_postgres: Callable[[], str]
) -> None:
    """Whatever the contract can read is the same in all three; so are counts and digests."""
    middle, back = make_postgres(), f"sqlite:///{tmp_path / 'back.db'}"
    there, home = (json.loads(copy(*way).stdout) for way in ((source, middle), (middle, back)))
    assert there["tables"] == home["tables"]
    assert there["ledger"] == home["ledger"]
    assert there["copied"] == sum(there["tables"].values())
    assert all(there["tables"].values()), "a table that is empty shows nothing"
    first = await everything(source)
    for url in (middle, back):
        read = await everything(url)
        assert {name for name in first if read[name] != first[name]} == set()


def test_the_digests_can_be_made_by_hand(source: str, tmp_path: Path) -> None:
    """They are SHA-256 over the values, a line each, in the order of the ledger and of numbers."""
    told = json.loads(copy(source, f"sqlite:///{tmp_path / 'other.db'}").stdout)
    with closing(apsw.Connection(source.removeprefix("sqlite:///"))) as connection:
        for name, query in (
            ("ledger", "SELECT value FROM entries ORDER BY seq"),
            ("standings", "SELECT value FROM standings ORDER BY recipient"),
        ):
            lines = "".join(f"{value}\n" for (value,) in connection.execute(query))
            assert told[name] == hashlib.sha256(lines.encode()).hexdigest()


async def kill_on_the_way(source: str, target: str, table: str = "entries", rows: int = 4) -> None:
    """Begin a copy in small steps; kill it dead when it has written so many rows of a table."""
    await kill_behind(target, table, rows, "db", "copy", source, target, "--step", "4")


@pytest.mark.parametrize("direction", ["to postgres", "to sqlite"])
async def test_a_copy_that_is_killed_goes_on(
    source: str, tmp_path: Path, make_postgres: Callable[[], str], direction: str
) -> None:
    """Killed dead in several tables, then run to its end: the same, and nothing copied twice."""
    target = f"sqlite:///{tmp_path / 'target.db'}"
    if direction == "to postgres":
        target = make_postgres()
    else:
        middle = make_postgres()
        copy(source, middle)
        source = middle
    for table, rows in (("entries", 28), ("entries", 88), ("messages", 12), ("phones", 4)):
        await kill_on_the_way(source, target, table, rows)
    refused = call("sender", "list", code=1, CONSENTRY_DATABASE=target)
    assert "is not all there" in refused.stderr
    assert "Run the same `consentry db copy`" in refused.stderr
    told = json.loads(copy(source, target).stdout)
    assert told["copied"] < sum(told["tables"].values())
    assert await everything(target) == await everything(source)
    again = copy(source, target, code=1)
    assert "is not empty" in again.stderr


async def test_a_difference_is_named_and_the_target_stays_unusable(
    source: str, postgres_url: str
) -> None:
    """What somebody changed in the target meanwhile is found: table and key of the first row."""
    await kill_on_the_way(source, postgres_url)
    connection = await asyncpg.connect(postgres_url)
    place = await connection.fetchval("UPDATE programs SET value = '{}' RETURNING seq")
    await connection.close()
    told = copy(source, postgres_url, code=1).stderr
    assert f"in programs the row with {{'seq': {place}}} has other content. It is not made" in told
    secret = {"CONSENTRY_SECRET_KEY": "k" * 40}
    refused = call("serve", "--port", "0", code=1, CONSENTRY_DATABASE=postgres_url, **secret)
    assert "not all there" in refused.stderr


async def test_a_row_that_only_one_side_has_is_named(source: str, tmp_path: Path) -> None:
    """One that is missing in the target, and one that came from elsewhere."""
    path = tmp_path / "target.db"
    target = f"sqlite:///{path}"
    await kill_on_the_way(source, target)
    with closing(apsw.Connection(str(path))) as connection:
        connection.execute("DELETE FROM carriers")
    told = copy(source, target, code=1).stderr
    assert "in carriers the row with {'seq': 1} is missing there" in told
    with closing(apsw.Connection(str(path))) as connection:
        connection.execute(f"ATTACH '{source.removeprefix('sqlite:///')}' AS s")
        connection.execute("INSERT INTO carriers SELECT * FROM s.carriers")
        connection.execute("INSERT INTO programs (id, value) VALUES ('foreign', '{}')")
    told = copy(source, target, code=1).stderr
    assert "in programs the row with {'seq': " in told
    assert "is there and not in the source" in told


async def test_what_does_not_fit_is_refused(source: str, tmp_path: Path) -> None:
    """Another source than it was begun with, one written since, a filled target, the same twice."""
    target = f"sqlite:///{tmp_path / 'target.db'}"
    await kill_on_the_way(source, target)
    other = tmp_path / "other.db"
    await asyncio.to_thread(shutil.copyfile, source.removeprefix("sqlite:///"), other)
    assert "is an unfinished copy of" in copy(f"sqlite:///{other}", target, code=1).stderr
    call("brand", "add", "New", CONSENTRY_DATABASE=source)
    assert "was written since the copy" in copy(source, target, code=1).stderr
    filled = copy(source, f"sqlite:///{other}", code=1).stderr
    assert "is not empty: there are rows in brands" in filled
    assert "the same database" in copy(source, source, code=1).stderr
    missing = copy(f"sqlite:///{tmp_path / 'none.db'}", target, code=1).stderr
    assert "There is no database" in missing
    assert not (tmp_path / "none.db").exists()
    assert copy("mysql://x", target, code=2).stderr.count("Allowed:") == 1


def test_a_file_under_a_server_is_refused(source: str, tmp_path: Path) -> None:
    """As a source, and as a target too."""
    other = f"sqlite:///{tmp_path / 'other.db'}"
    copy(source, other)
    with serving(CONSENTRY_DATABASE=source):
        for way in ((source, f"sqlite:///{tmp_path / 'new.db'}"), (other, source)):
            assert "Another server runs on" in copy(*way, code=1).stderr


def test_a_database_under_a_server_is_refused(
    source: str, tmp_path: Path, postgres_url: str
) -> None:
    """On PostgreSQL too, also while nothing happens there; one that was killed is no hindrance."""
    copy(source, postgres_url)
    with serving(CONSENTRY_DATABASE=postgres_url):
        refused = copy(postgres_url, f"sqlite:///{tmp_path / 'one.db'}", code=1).stderr
        assert "A server runs on" in refused
        assert "Stop every server on it" in refused
    copy(postgres_url, f"sqlite:///{tmp_path / 'two.db'}")


async def test_a_batch_that_is_written_meanwhile_is_found(
    source: str, tmp_path: Path, postgres_url: str
) -> None:
    """PostgreSQL is not held: who writes goes on, and the copy says that it is no copy."""
    copy(source, postgres_url)
    store = open_address(postgres_url)
    target = f"sqlite:///{tmp_path / 'target.db'}"
    words = ("-m", "consentry", "db", "copy", postgres_url, target)
    holding = await asyncpg.connect(postgres_url)
    async with holding.transaction():
        await holding.execute("LOCK TABLE phones IN ACCESS EXCLUSIVE MODE")
        running = await asyncio.create_subprocess_exec(
            sys.executable, *words, stderr=asyncio.subprocess.PIPE, env=environment()
        )
        assert running.stderr is not None
        while b"copying customers" not in (line := await running.stderr.readline()):
            assert line
        await store.submit(write(Change(entries=(tagged(3, ANN),))))
    assert b"Somebody writes to" in await running.stderr.read()
    assert await running.wait() == 1
    await holding.close()
    await store.close()
