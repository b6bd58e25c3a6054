"""Texts at rest in both databases: not to be read there, read as they were here, and lost keys."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import msgspec
import pytest
from store_world import (
    ANN,
    SENDER,
    START,
    Database,
    PostgresDatabase,
    SQLiteDatabase,
    ask,
    entry,
    inbound,
    job,
    message,
    tagged,
    write,
)

from consentry.actions.deliver_job import SEALED_RETRY_SECONDS, ClaimJobs
from consentry.actions.receive_message import ReceiveMessage
from consentry.domain.consent import PairState, pair_state
from consentry.domain.directory import Brand, Sender
from consentry.domain.entries import Evidence, Medium
from consentry.domain.gate import Facts, Reason, Request, decide
from consentry.domain.messages import Callback, MessageStatus
from consentry.domain.notices import notice_of_text
from consentry.domain.policy import Policy
from consentry.domain.reading import SenderKind
from consentry.ports import Change, InboundText, LogHead, MessageFilter, Needs, Page, TextSealed
from consentry.store.sealing import KEY_BYTES, SEALING, TextKey, use_text_keys
from ledger_keys import SIGNER

pytestmark = pytest.mark.integration

KEY = TextKey(b"k" * KEY_BYTES)
STOP = InboundText("SM9", ANN, SENDER, "STOP")
WORDS = ("my biopsy", "the divorce", "our bankruptcy", "her rehab")
LOOKALIKE = f"sealed:{KEY.id}:AAAA"


@contextmanager
def keys(*known: TextKey) -> Iterator[None]:
    """Have these keys and no others."""
    use_text_keys(known)
    try:
        yield
    finally:
        use_text_keys(())


def written() -> Change:
    """Make one of each row that has words of people in it."""
    heard = inbound(1, "SM1", body=WORDS[0])
    return Change(
        records=(Brand("acme", "Acme"), Sender(SENDER, SenderKind.LONG_CODE, "acme", "car_1")),
        entries=(
            entry(1, text=WORDS[1], message="msg_00001"),
            entry(2, evidence=Evidence(Medium.PHONE, verbatim=WORDS[2], note=WORDS[3])),
        ),
        messages=(heard, message(2, body=WORDS[3]), message(3, body=LOOKALIKE)),
        jobs=(job(2),),
        notices=(notice_of_text(heard, Callback("https://shop.example", "AC1")),),
    )


async def dump(database: Database) -> bytes:
    """Take all bytes of the database that hold rows."""
    if isinstance(database, SQLiteDatabase):
        return b"".join(file.read_bytes() for file in database.path.parent.iterdir())
    assert isinstance(database, PostgresDatabase)
    tables = ("entries", "messages", "jobs", "notices")
    rows = [
        await database.run(f"SELECT string_agg(t::text, '') FROM {table} AS t")  # noqa: S608 - our names
        for table in tables
    ]
    return "".join(map(str, rows)).encode()


async def test_no_words_of_people_are_in_the_database(database: Database) -> None:
    """Bodies, verbatim texts, notes and what programs are told are sealed; who and when are not."""
    with keys(KEY):
        store = database.open()
        change = written()
        await store.submit(write(change))
        assert await store.read_messages(MessageFilter(), Page()) == list(change.messages)[::-1]
        assert await store.read_entries(ANN, Page()) == list(change.entries)[::-1]
        assert await store.read_notices("https://shop.example", START, 9) == list(change.notices)
        await store.close()
    stored = await dump(database)
    assert ANN.encode() in stored
    assert KEY.id.encode() in stored
    assert [words for words in WORDS if words.encode() in stored] == []


async def test_without_keys_words_are_stored_as_they_are(database: Database) -> None:
    """The option is off: the same dump finds the words, so the test above can fail."""
    store = database.open()
    await store.submit(write(written()))
    assert (await store.read_message("msg_00003")) == message(3, body=LOOKALIKE)
    await store.close()
    stored = await dump(database)
    assert [words for words in WORDS if words.encode() not in stored] == []


async def test_a_lost_key_holds_the_log_and_nothing_else(database: Database) -> None:
    """What is before the sealed text gets in and is signed; why is told; STOP is heard.

    With the key the log goes on where it stood.
    """
    with keys(KEY):
        store = database.open()
        await store.submit(write(Change(records=written().records, entries=(tagged(1),))))
        sealed = entry(2, text=WORDS[0])
        await store.submit(write(Change(entries=(sealed, tagged(3)))))
        await store.close()

    store = database.open(signer=SIGNER)
    for _ in range(2):
        with pytest.raises(TextSealed, match=f"{KEY.id}.* CONSENTRY_TEXT_KEYS"):
            await store.integrate_log()
        head = await store.read_log_head()
        assert (head.size, head.waiting, KEY.id in head.held) == (1, 2, True)
    checkpoint = await store.read_checkpoint()
    assert checkpoint is not None
    assert checkpoint.size == 1
    await store.submit(ReceiveMessage("car_1", "twilio", STOP, START))
    directory, standing = await store.read_facts(ANN)
    assert pair_state(standing, directory.senders[SENDER]) is PairState.OPTED_OUT
    with keys(KEY):
        size = (await store.integrate_log()).size
    assert size > len(("before", "sealed", "behind"))
    assert await store.read_log_head() == LogHead(size, 0)
    await store.close()


async def test_a_lost_key_is_named_and_stops_no_opt_out(database: Database) -> None:
    """Without the key: a STOP counts and cancels, the gate answers, nothing waiting is handed over.

    Texts cannot be read, and say which key would open them. When it is back all are as before,
    those too that were written anew meanwhile.
    """
    with keys(KEY):
        store = database.open()
        await store.submit(write(written()))
        await store.close()
    store = database.open()
    with pytest.raises(TextSealed, match=KEY.id):
        await store.read_message("msg_00002")

    assert await store.submit(ClaimJobs(((SENDER, 9),), "prc_1")) == ()
    ((_, due_at),) = await store.next_due()
    assert due_at > START + timedelta(seconds=SEALED_RETRY_SECONDS)

    await store.submit(ReceiveMessage("car_1", "twilio", STOP, START))
    directory, standing = await store.read_facts(ANN)
    assert pair_state(standing, directory.senders[SENDER]) is PairState.OPTED_OUT
    answer = decide(Request(ANN, SENDER), Facts(directory, standing), Policy(), START)
    assert answer.reason is Reason.OPTED_OUT
    assert await store.next_due() == ()
    await store.close()

    with keys(KEY):
        store = database.open()
        canceled = await store.read_message("msg_00002")
        assert canceled is not None
        assert (canceled.body, canceled.status) == (WORDS[3], MessageStatus.CANCELED)
        assert (await store.read_message("msg_00001")) == written().messages[0]
        await store.close()


async def test_another_key_opens_nothing_and_keeps_all(database: Database) -> None:
    """A text that is written anew under a wrong key is still sealed with its own."""
    with keys(KEY):
        store = database.open()
        await store.submit(write(written()))
        await store.close()
    with keys(TextKey(b"w" * KEY_BYTES)):
        store = database.open()
        known = await store.submit(
            ask(lambda facts: facts.message("msg_00001"), Needs(messages=("msg_00001",)))
        )
        assert known is not None
        assert SEALING.is_unopened(known.body)
        moved = msgspec.structs.replace(known, status=MessageStatus.RECEIVED, segments=3)
        await store.submit(write(Change(messages=(moved,))))
        await store.close()
    with keys(KEY):
        store = database.open()
        kept = await store.read_message("msg_00001")
        assert kept is not None
        assert (kept.body, kept.segments) == (WORDS[0], 3)
        await store.close()
