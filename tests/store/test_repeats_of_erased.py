"""Texts that were erased with their persons are known again, by their hashes and for a while."""

from datetime import datetime, timedelta

import pytest
from store_world import (
    ANN,
    BOB,
    CARRIER,
    SENDER,
    START,
    CountingIds,
    Database,
    ask,
    entry,
    inbound,
    message,
    submit_together,
    write,
)
from test_erasing import ALL, KEYS, NEW, OLD, SPOKEN, STOPPED, dump, erase

from consentry.actions.forget_repeats import ForgetRepeats
from consentry.actions.receive_message import ReceiveMessage
from consentry.actions.record_receipt import RecordReceipt
from consentry.domain.entries import EntryKind
from consentry.domain.messages import REPEATED_FOR, Direction, MessageStatus
from consentry.domain.reading import CarrierReading, CarrierWord
from consentry.ports import Change, InboundText, MessageFilter, Needs, StatusReport, Store
from consentry.store.changed import REPEATS_AT_ONCE
from consentry.store.sealing import KEY_BYTES, TextKey, use_text_keys
from consentry.wire.keyed_hash import HashKeys

pytestmark = pytest.mark.integration


class SetClock:
    """A clock that stands where it was set."""

    def __init__(self) -> None:
        self.time = START

    def now(self) -> datetime:
        """Return the time it was set to."""
        return self.time

    def monotonic(self) -> float:
        """Return seconds since the start."""
        return (self.time - START).total_seconds()


async def fill(store: Store) -> None:
    """Have somebody opt in and out, be texted, and have said something long ago."""
    old = {"created_at": START - REPEATED_FOR, "updated_at": START - REPEATED_FOR}
    texts = (
        inbound(1, "SM-start"),
        inbound(2, "SM-stop"),
        inbound(3, "SM-old", **old),
        message(4, carrier_message_id="SM-ours", status=MessageStatus.SENT),
        message(5),
        inbound(6, "SM-start", BOB),
    )
    stopped = entry(2, ANN, STOPPED, SPOKEN, kind=EntryKind.OPTED_OUT)
    await store.submit(write(Change(entries=(stopped,), messages=texts)))


def text_of(known_as: str, recipient: str = ANN, body: str = "START") -> ReceiveMessage:
    """Have the carrier tell a text, whose time it does not tell."""
    text = InboundText(known_as, recipient, SENDER, body)
    return ReceiveMessage(CARRIER, "twilio", text, START)


async def was_erased(store: Store, *known: tuple[str, str], of: str = ANN) -> list[bool]:
    """Ask, all in one batch, whether inbound texts of a carrier were erased."""
    commands = [
        ask(
            lambda f, pair=pair: f.was_erased(Direction.INBOUND, *pair, of),
            Needs(recipients=(of,), inbound=pair),
        )
        for pair in known
    ]
    found = await submit_together(store, *commands)
    assert all(isinstance(one, bool) for one in found), found
    return [bool(one) for one in found]


async def test_what_the_carrier_tells_again_changes_nothing(database: Database) -> None:
    """An old START is a repeat, however often it comes and whatever comes beside it."""
    store = database.open(hash_keys=KEYS, clock=SetClock())
    await fill(store)
    await erase(store)
    before = await store.read_standing(ANN)
    again, others, new = await submit_together(
        store,
        text_of("SM-start"),  # type: ignore[arg-type]
        text_of("SM-start", BOB),  # type: ignore[arg-type]
        text_of("SM-new", "+14155559999"),  # type: ignore[arg-type]
    )
    assert (again.duplicate, again.message) == (True, "")  # type: ignore[attr-defined]
    assert (others.duplicate, others.message) == (True, "msg_00006")  # type: ignore[attr-defined]
    assert not new.duplicate  # type: ignore[attr-defined]
    assert await store.read_standing(ANN) == before
    assert await store.read_entries(ANN, ALL) == []
    # They write anew, and are known again: what was erased stays a repeat.
    assert not (await store.submit(text_of("SM-2", body="Hello"))).duplicate
    standing = await store.read_standing(ANN)
    assert (await store.submit(text_of("SM-start"))).duplicate
    assert await store.read_standing(ANN) == standing
    await store.close()


async def test_it_is_known_by_account_id_and_person(database: Database) -> None:
    """Nobody else's text, none of another account, and none that is too old to be repeated."""
    store = database.open(hash_keys=KEYS, clock=SetClock())
    await fill(store)
    pairs = [(CARRIER, "SM-start"), (CARRIER, "SM-stop")]
    strange = [("other", "SM-start"), (CARRIER, "SM-old"), (CARRIER, "SM-ours"), (CARRIER, "")]
    assert await was_erased(store, *pairs, *strange) == [False] * 6
    await erase(store)
    assert await was_erased(store, *pairs, *strange) == [True] * 2 + [False] * 4
    assert await was_erased(store, *pairs, of=BOB) == [False] * 2
    await store.close()


async def test_a_receipt_that_comes_after_it_is_not_kept(database: Database) -> None:
    """It names the number, and says nothing that anybody needs."""
    store = database.open(hash_keys=KEYS, clock=SetClock())
    await fill(store)
    await erase(store)
    for known_as in ("SM-ours", "SM-theirs"):
        report = StatusReport(known_as, ANN, SENDER, MessageStatus.DELIVERED)
        await store.submit(RecordReceipt(CARRIER, report, START))
    held = (await store.read_held(ANN))["receipts"]
    assert [b"SM-theirs" in bytes(row) for row in held] == [True]
    await store.close()


async def test_keys_may_change_meanwhile(database: Database) -> None:
    """Each hash is looked for by the key that made it; of all that is kept no row names anybody."""
    clock, ids = SetClock(), CountingIds()
    store = database.open(hash_keys=KEYS, clock=clock, ids=ids)
    await fill(store)
    await erase(store)
    await store.close()
    store = database.open(hash_keys=HashKeys([NEW, OLD]), clock=clock, ids=ids)
    await store.submit(write(Change(messages=(inbound(21, "SM-again"),))))
    await erase(store)
    pairs = [(CARRIER, "SM-start"), (CARRIER, "SM-again")]
    assert await was_erased(store, *pairs) == [True, True]
    await store.close()
    kept = (await dump(database))["erased_texts"]
    assert (kept.count(OLD.id), kept.count(NEW.id)) == (3, 1)
    assert "SM-" not in kept
    assert ANN.lstrip("+") not in kept


@pytest.mark.parametrize("is_sealed", [False, True])
async def test_opt_ins_of_who_said_no_are_known_for_good(
    database: Database, is_sealed: bool
) -> None:
    """By our list, by what the carrier took them for, and where nobody can tell."""
    clock = SetClock()
    store = database.open(hash_keys=KEYS, clock=clock)
    key = TextKey(b"k" * KEY_BYTES)
    said = {"SM-start": " start ", "SM-join": "JOIN", "SM-hi": "Hi"}
    texts = [inbound(n, known, body=body) for n, (known, body) in enumerate(said.items(), 1)]
    read = CarrierReading(CarrierWord.OPT_IN, (), True, None, "service", "1")
    kind = EntryKind.MESSAGE_RECEIVED
    entries = (
        entry(2, message=texts[1].id, kind=kind, carrier_reading=read),
        entry(3, message=texts[2].id),
        entry(5, ANN, STOPPED, SPOKEN, kind=EntryKind.OPTED_OUT),
    )
    ours = message(5, carrier_message_id="SM-ours", body="START")
    use_text_keys((key,) if is_sealed else ())
    try:
        await store.submit(write(Change(entries=entries, messages=(*texts, ours))))
    finally:
        use_text_keys(())
    await erase(store)
    clock.time = START + timedelta(days=4000)
    await store.submit(ForgetRepeats())
    known = await was_erased(store, *((CARRIER, one) for one in said))
    assert known == [True, True, is_sealed]
    await store.close()
    assert (await dump(database))["erased_texts"].count(OLD.id) == 2 + is_sealed


async def test_whoever_never_said_no_leaves_hashes_alone(database: Database) -> None:
    """Nothing stands against them; only what they wrote lately is known again."""
    store = database.open(hash_keys=KEYS, clock=SetClock())
    await fill(store)
    assert not (await erase(store, BOB)).kept
    assert (await store.read_directory()).erased_keys == (OLD.id,)
    assert await was_erased(store, (CARRIER, "SM-start"), of=BOB) == [True]
    await store.close()
    assert (await dump(database))["erased"] == "[]"


async def test_hashes_are_forgotten_some_at_a_time(database: Database) -> None:
    """Those that are over, the oldest first; the others stay."""
    clock = SetClock()
    store = database.open(hash_keys=KEYS, clock=clock)
    later = {"updated_at": START + timedelta(seconds=1)}
    many = [inbound(n, f"SM-{n}") for n in range(1, REPEATS_AT_ONCE + 2)]
    late = inbound(REPEATS_AT_ONCE + 2, "SM-late", **later)
    await store.submit(write(Change(messages=(*many, late))))
    await erase(store)
    for seconds, left in ((-1, 502), (0, 2), (0, 1), (0, 1), (1, 0)):
        clock.time = START + REPEATED_FOR + timedelta(seconds=seconds)
        await store.submit(ForgetRepeats())
        pairs = [(CARRIER, m.carrier_message_id or "") for m in (*many, late)]
        assert sum(await was_erased(store, *pairs)) == left
    assert await store.read_messages(MessageFilter(), ALL) == []
    await store.close()
