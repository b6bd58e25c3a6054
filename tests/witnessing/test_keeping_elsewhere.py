"""Checkpoints are kept elsewhere: in a folder, in git, and with an authority's timestamp."""

import asyncio
import re
import shutil
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from hashlib import sha256
from pathlib import Path

import pytest

from consentry.domain.policy import Policy
from consentry.ports import Checkpoint, Store
from consentry.store.sqlite.store import SQLiteStore
from consentry.wire.timestamps import read_response
from consentry.witnessing.folder import NotKept, keep_in_folder, keep_in_git
from consentry.witnessing.loop import RETRY_SECONDS, Witnessing
from consentry.witnessing.places import Places
from consentry.witnessing.stamping import NotStamped, stamp
from entries_appended import Append
from ledger_keys import SIGNER
from memory_store import START, CountingIds, FakeClock
from needed import need
from timestamp_authority import Authority, running_authority

pytestmark = pytest.mark.integration


@pytest.fixture
def clock() -> FakeClock:
    """Give a clock that stands still."""
    return FakeClock()


@pytest.fixture
async def store(tmp_path: Path, clock: FakeClock) -> AsyncIterator[Store]:
    """Open a ledger with one entry, under a checkpoint."""
    opened = SQLiteStore.open(
        tmp_path / "c.db", clock=clock, ids=CountingIds(), policy=Policy(), signer=SIGNER
    )
    await opened.submit(Append("ent_1"))
    await opened.integrate_log()
    yield opened
    await opened.close()


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Authority]:
    """Run one authority for all tests here."""
    need(shutil.which("openssl"), "openssl")
    with running_authority(tmp_path_factory.mktemp("tsa")) as running:
        yield running


def run_git(*words: str) -> str:
    """Run git, and give what it says."""
    return subprocess.run(["git", *words], check=True, capture_output=True, text=True).stdout


async def newest(store: Store) -> Checkpoint:
    """Read the newest checkpoint."""
    checkpoint = await store.read_checkpoint()
    assert checkpoint is not None
    return checkpoint


async def test_the_newest_checkpoint_is_pushed_when_it_is_due(
    store: Store, clock: FakeClock, tmp_path: Path
) -> None:
    """The first at once, another when its time has come and there is one; a failure is tried again
    after a minute, with the newest.
    """
    folder = tmp_path / "kept"
    witnessing = Witnessing(store, clock, Places(folder=str(folder), folder_seconds=600))
    await witnessing.step()
    first = await newest(store)
    assert (folder / "latest").read_text() == first.note
    await store.submit(Append("ent_2"))
    await store.integrate_log()
    await witnessing.step()
    assert not (folder / "checkpoint-2").exists()
    folder.rename(tmp_path / "away")
    folder.write_text("no folder")
    clock.advance(seconds=601)
    await witnessing.step()
    folder.unlink()
    (tmp_path / "away").rename(folder)
    await witnessing.step()
    assert not (folder / "checkpoint-2").exists()
    clock.advance(seconds=RETRY_SECONDS)
    await witnessing.step()
    assert (folder / "latest").read_text() == (await newest(store)).note
    assert (folder / "checkpoint-1").read_text() == first.note


async def test_a_repository_goes_to_its_remote(store: Store, tmp_path: Path) -> None:
    """A commit for each checkpoint, which is pushed where there is a remote."""
    git, remote = tmp_path / "git", tmp_path / "remote.git"
    checkpoint = await newest(store)
    keep_in_git(checkpoint, git)
    run_git("init", "--quiet", "--bare", str(remote))
    run_git("-C", str(git), "remote", "add", "origin", str(remote))
    await store.submit(Append("ent_2"))
    await store.integrate_log()
    keep_in_git(await newest(store), git)
    assert run_git("-C", str(remote), "log", "--all", "--format=%s").splitlines() == [
        "Keep the checkpoint of 2 entries",
        "Keep the checkpoint of 1 entries",
    ]
    remote.rename(tmp_path / "gone.git")
    await store.submit(Append("ent_3"))
    await store.integrate_log()
    for _ in range(2):
        with pytest.raises(NotKept, match="git push failed"):
            keep_in_git(await newest(store), git)
    (tmp_path / "gone.git").rename(remote)
    keep_in_git(await newest(store), git)
    assert "of 3 entries" in run_git("-C", str(remote), "log", "--all", "--format=%s")


async def test_a_place_that_cannot_be_made_is_told(store: Store, tmp_path: Path) -> None:
    """A folder below a file is none, for git either."""
    (tmp_path / "file").write_text("no folder")
    for keep in (keep_in_folder, keep_in_git):
        with pytest.raises(NotKept, match="cannot be kept in"):
            keep(await newest(store), tmp_path / "file" / "kept")


async def test_an_answer_goes_along_with_the_next_checkpoint(
    store: Store, clock: FakeClock, authority: Authority, tmp_path: Path
) -> None:
    """It came after its own checkpoint was kept: it is in the repository's next commit."""
    git = tmp_path / "git"
    places = Places(folder=f"git:{git}", folder_seconds=600.0, authority=authority.url)
    witnessing = Witnessing(store, clock, places)
    await witnessing.step()
    assert not (git / "checkpoint-1.tsr").exists()
    await store.submit(Append("ent_2"))
    await store.integrate_log()
    clock.advance(seconds=601)
    await witnessing.step()
    kept = run_git("-C", str(git), "ls-files").split()
    assert kept == ["checkpoint-1", "checkpoint-1.tsr", "checkpoint-2", "latest"]
    assert (git / "latest").read_text() == (await newest(store)).note


async def test_another_ledger_is_not_written_over(store: Store, tmp_path: Path) -> None:
    """A kept checkpoint of the same size and another root is left as it is, and told of.

    So is one that is no text any more.
    """
    checkpoint = await newest(store)
    file = keep_in_folder(checkpoint, tmp_path / "kept")
    for damaged in (checkpoint.note.replace("\n1\n", "\n1\nX").encode(), b"\xff\xfe"):
        file.write_bytes(damaged)
        with pytest.raises(NotKept, match="another ledger of 1 entries"):
            keep_in_folder(checkpoint, tmp_path / "kept")
        assert file.read_bytes() == damaged


async def test_an_authority_stamps_what_it_is_shown(
    store: Store, clock: FakeClock, authority: Authority, tmp_path: Path
) -> None:
    """The answer is kept beside the checkpoint, is one that openssl verifies, and goes along into a
    folder; an authority that is down is asked again, and holds nothing up.
    """
    witnessing = Witnessing(store, clock, Places(authority=authority.url))
    authority.is_down = True
    await witnessing.step()
    assert (await newest(store)).timestamp is None
    authority.is_down = False
    await witnessing.step()
    assert (await newest(store)).timestamp is None
    clock.advance(seconds=RETRY_SECONDS)
    await witnessing.step()
    await store.integrate_log()
    stamped = await newest(store)
    assert stamped.timestamp is not None
    authority.verify(stamped.timestamp, stamped.note.encode())
    assert read_response(stamped.timestamp).digest == sha256(stamped.note.encode()).digest()
    file = keep_in_folder(stamped, tmp_path / "kept")
    assert file.with_name("checkpoint-1.tsr").read_bytes() == stamped.timestamp


async def test_an_answer_about_something_else_is_refused(authority: Authority) -> None:
    """An authority that answers an older question, or in words, or not at all, stamps nothing."""
    answer = authority.answer
    old: list[bytes] = []

    def repeat(request: bytes) -> bytes:
        old.append(answer(request))
        return old[0]

    authority.answer = repeat  # type: ignore[method-assign]
    await stamp(Checkpoint(1, b"", "first", START), authority.url)
    with pytest.raises(NotStamped, match="not of what was asked for"):
        await stamp(Checkpoint(1, b"", "second", START), authority.url)
    authority.answer = lambda _: b"hello"  # type: ignore[method-assign]
    with pytest.raises(NotStamped, match="no timestamp"):
        await stamp(Checkpoint(1, b"", "first", START), authority.url)
    authority.answer = answer  # type: ignore[method-assign]
    with pytest.raises(NotStamped, match="does not answer"):
        await stamp(Checkpoint(1, b"", "first", START), "http://127.0.0.1:1/tsr")


async def test_an_answer_is_read_to_its_end(authority: Authority) -> None:
    """It comes in pieces, as over a network; one without end is given up."""
    tail, served = b"", asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        (length,) = re.findall(rb"Content-Length: ([0-9]+)", head)
        answer = authority.answer(await reader.readexactly(int(length))) + tail
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(answer))
        for start in range(0, len(answer), 1000):
            writer.write(answer[start : start + 1000])
            # Whoever asked looks at this piece before the next one comes.
            for _ in range(20):
                await asyncio.sleep(0)
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()
        served.set()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/tsr"
        assert read_response(await stamp(Checkpoint(1, b"", "first", START), url)).nonce
        await served.wait()
        served.clear()
        tail = bytes(200_000)
        with pytest.raises(NotStamped, match="more than a timestamp can be"):
            await stamp(Checkpoint(1, b"", "first", START), url)
        await served.wait()
