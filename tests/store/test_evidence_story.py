"""A bundle of evidence of a whole story, from both databases."""

import io
import json
import zipfile
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from store_world import Database

from consentry.actions.erase import erase_number
from consentry.domain.entries import EntryKind
from consentry.evidence.verifier import check
from consentry.ports import Page, Rejected, Store
from consentry.store.sealing import KEY_BYTES, TextKey, use_text_keys
from evidence_world import AGENT, PERSON, MemoryLedger, Story, make_bundle, open_store, prove_by
from memory_store import START, FakeClock

pytestmark = pytest.mark.integration


@pytest.fixture
def clock() -> FakeClock:
    """Give a clock that moves only when told to."""
    return FakeClock()


@pytest.fixture
async def told(make_database: Callable[[], Database], clock: FakeClock) -> AsyncIterator[Store]:
    """Tell the story on each kind of database."""
    store = open_store(make_database().address, clock)
    await Story(store, clock).tell()
    yield store
    await store.close()


def unpack(content: bytes) -> dict[str, bytes]:
    """Read all files of a bundle."""
    with zipfile.ZipFile(io.BytesIO(content)) as packed:
        return {name: packed.read(name) for name in packed.namelist()}


def lines(data: bytes) -> list[dict[str, object]]:
    """Read lines of JSON."""
    return [json.loads(line) for line in data.splitlines()]


async def test_a_bundle_tells_the_whole_story(
    told: Store, clock: FakeClock, tmp_path: Path
) -> None:
    """Words verbatim with tier and rule, texts with receipts, decisions, wording, proofs: GOOD."""
    made = await make_bundle(told, clock)
    path = tmp_path / made.name
    path.write_bytes(made.content)
    report = check.verify(path, {})
    assert report.problems == []
    files = unpack(made.content)
    entries = lines(files["entries.jsonl"])
    values = await told.read_entry_values(PERSON, Page(1000))
    held = files["entries.jsonl"]
    assert len(entries) == made.entries == len(values)
    assert all(b'"entry":' + value + b"}\n" in held for value in values)
    texts = lines(files["messages.jsonl"])
    assert {text["body"] for text in texts} >= {"谢谢 <b>&amp;</b> 😀", "شكرا", "START"}
    sent = [text for text in texts if text["direction"] == "outbound"]
    assert all(text["receipts"] and text["carrier_message_id"] for text in sent)
    assert all("callback" not in text for text in texts)
    refused = [
        one for one in lines(files["decisions.jsonl"]) if one["kind"] == EntryKind.SEND_REFUSED
    ]
    assert [one["reason"] for one in refused] == ["opted_out"]
    page = files["evidence.html"].decode()
    assert "please stop texting me" in page
    assert "en.stop_messaging" in page
    assert "all 12 items shown" in page
    assert "confirmed after" in page
    (call,) = json.loads(files["calls-to-action.json"])
    assert call["sha256"] == call["named_sha256"]
    assert files[call["file"]].startswith(b"<section")
    (policy,) = json.loads(files["policies.json"])
    assert policy["policy"]["revocation_reach"] == "brand"
    assert files["declaration.txt"].startswith(b"DRAFT")
    gaps = {gap["id"] for gap in json.loads(files["gaps.json"])}
    assert gaps == {
        "address_missing",
        "clock_unknown",
        "server_clock",
        "no_timestamp",
        "texts_outside_ledger",
        "letters",
    }


async def test_a_bundle_is_on_record_and_the_same_again(told: Store, clock: FakeClock) -> None:
    """The audit says who took it; made again at the same time it is the same, byte for byte."""
    ledger = MemoryLedger(told)
    first = await prove_by(ledger, told, clock)
    (taken,) = await told.read_audit(Page(5), kinds=(EntryKind.EXPORTED,))
    assert (taken.actor.id, taken.text) == (
        "agent-1",
        f"evidence ({PERSON}, 2026-11-23 12:00:38 UTC and before): {first.entries} rows",
    )
    assert (await prove_by(ledger, told, clock)).content == first.content


async def test_a_period_keeps_the_consent_that_it_rests_on(told: Store, clock: FakeClock) -> None:
    """Texts and decisions are of the period; opt-ins and consents before it stay in."""
    since = START + timedelta(seconds=25)
    files = unpack((await make_bundle(told, clock, since=since, sender="+14155550100")).content)
    kinds = [str(one["entry"]["kind"]) for one in lines(files["entries.jsonl"])]  # type: ignore[index]
    assert kinds[0] == "place_changed"
    assert kinds.count("opted_in") == 2
    assert "consent_granted" in kinds
    bodies = [text["body"] for text in lines(files["messages.jsonl"])]
    assert "It left today." not in bodies
    # The first text is the opt-in that later ones rest on.
    assert "Hello, is my order on its way?" in bodies
    until = START - timedelta(days=1)
    nothing = unpack((await make_bundle(told, clock, until=until, brand="acme")).content)
    assert nothing["entries.jsonl"] == b""


async def test_without_a_checkpoint_a_bundle_says_so(told: Store, clock: FakeClock) -> None:
    """It is signed, and nothing is called proved."""
    until = START - timedelta(days=1)
    files = unpack((await prove_by(MemoryLedger(told), told, clock, until=until)).content)
    assert files["checkpoint.txt"] == b""
    assert "no_checkpoint" in {gap["id"] for gap in json.loads(files["gaps.json"])}


async def test_an_authoritys_timestamp_is_taken_along(told: Store, clock: FakeClock) -> None:
    """Where the checkpoint has one it lies beside it, and is no gap."""
    ledger = MemoryLedger(told, timestamp=b"a token")
    files = unpack((await prove_by(ledger, told, clock)).content)
    assert files["checkpoint.tsr"] == b"a token"
    assert "no_timestamp" not in {gap["id"] for gap in json.loads(files["gaps.json"])}


async def test_what_was_erased_is_a_gap_that_names_what_accounts_for_it(
    told: Store, clock: FakeClock, tmp_path: Path
) -> None:
    """After an erasure nothing of the person is in a bundle but that they were erased."""
    clock.advance(minutes=10)
    before = await make_bundle(told, clock)
    await erase_number(PERSON, "asked for it", AGENT, told)
    await Story(told, clock).receive("Hello again")
    made = await make_bundle(told, clock)
    assert b"It left today." not in made.content
    files = unpack(made.content)
    (erased,) = [gap for gap in json.loads(files["gaps.json"]) if gap["id"] == "erased"]
    # The bundle of before was made by an agent, and is an entry about nobody.
    assert erased["count"] >= before.entries
    assert len(lines(files["entries.jsonl"])) == made.entries < before.entries
    path = tmp_path / made.name
    path.write_bytes(made.content)
    assert check.verify(path, {}).problems == []


async def test_what_cannot_be_is_refused(told: Store, clock: FakeClock) -> None:
    """No such sender or brand, a period that ends before it begins: each says what to do."""
    late = datetime(2030, 1, 1, tzinfo=UTC)
    for code, wanted in (
        ("sender_not_set_up", {"sender": "+1"}),
        ("unknown_brand", {"brand": "none"}),
        ("invalid_time", {"since": late, "until": late - timedelta(days=1)}),
    ):
        with pytest.raises(Rejected) as refused:
            await make_bundle(told, clock, **wanted)
        assert refused.value.code == code
    with pytest.raises(Rejected, match="begins in the future"):
        await make_bundle(told, clock, since=late)


async def test_texts_that_stand_sealed_are_proved_as_they_were_written(
    make_database: Callable[[], Database], clock: FakeClock, tmp_path: Path
) -> None:
    """The ledger's hashes are over the plain bytes, and so is the bundle."""
    use_text_keys((TextKey(b"t" * KEY_BYTES),))
    try:
        store = open_store(make_database().address, clock)
        try:
            await Story(store, clock).tell()
            made = await make_bundle(store, clock)
        finally:
            await store.close()
    finally:
        use_text_keys(())
    path = tmp_path / made.name
    path.write_bytes(made.content)
    assert check.verify(path, {}).problems == []
    held = unpack(made.content)["entries.jsonl"]
    assert b'"text":"please stop texting me"' in held
    assert b"sealed:" not in held
