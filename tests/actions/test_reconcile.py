"""A carrier is compared with the ledger: differences are kept, and nothing is mended."""

import logging
import random
from datetime import datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from action_world import AGENT, CARRIER, World
from consent_world import FOREIGN, LONG, OTHER_PERSON, PERSON, SERVICE_A, SERVICE_B, SHORT, minute
from consentry.actions.reconcile import (
    KeepReconciliation,
    Limits,
    Reconciler,
    tell_report,
)
from consentry.actions.record_drift import (
    Account,
    Recording,
    RecordListedBlock,
    RecordMissedText,
    RecordUnlistedBlocks,
)
from consentry.actions.settle_drift import ApplyDrift
from consentry.domain.consent import PairState, pair_state
from consentry.domain.directory import Directory, Sender
from consentry.domain.drift import (
    DriftKind,
    DriftState,
    Reconciliation,
    ReconciliationState,
    Severity,
)
from consentry.domain.entries import EntryKind
from consentry.domain.gate import Door
from consentry.domain.messages import JobState, MessageStatus
from consentry.domain.reasons import Reason
from consentry.ports import CarrierBlock, InboundText, Rejected
from drift_world import (
    ACCOUNT,
    ADMIN,
    AT_ONCE,
    AskedCarrier,
    open_drifts,
    reconcile,
    written,
)
from memory_store import START, MemoryStore

pytestmark = pytest.mark.unit


def a_day_later() -> World:
    """A company whose only talk was a day ago: somebody wrote Hello, and was answered."""
    world = World()
    world.receive("Hello", known_as="SM-hello")
    world.clock.advance(days=1)
    return world


# --- Texts that we lack -----------------------------------------------------------------------


async def test_a_missed_stop_is_found_and_nothing_is_sent_meanwhile() -> None:
    """It is no opt-out yet: held back at both gates, kept with its evidence, told to the log."""
    world = a_day_later()
    waiting = world.send("News", door=Door.CONSOLE)
    assert waiting.message is not None
    stop = written("STOP", minute(30))
    report = await reconcile(world.store, AskedCarrier([stop]))
    assert (report.state, report.texts) == (ReconciliationState.FINISHED, 1)
    assert report.found == {DriftKind.MISSED_OPT_OUT: 1}
    (drift,) = open_drifts(world.store)
    assert (drift.severity, drift.since, drift.recipient) == (
        Severity.CRITICAL,
        minute(30),
        PERSON,
    )
    assert (drift.text, drift.carrier_message_id, drift.report) == ("STOP", "SM1", report.id)
    assert "has this text" in drift.carrier_says
    assert "no such text" in drift.we_say
    assert pair_state(world.standing(), LONG) is PairState.PAUSED
    assert world.store.messages[waiting.message].status is MessageStatus.CANCELED
    refused = world.send("More news", door=Door.CONSOLE)
    assert refused.decision.reason is Reason.PAUSED_FOR_REVIEW
    found = [entry for entry in world.store.entries if entry.kind is EntryKind.DRIFT_FOUND]
    assert [(e.text, e.reason, e.drift) for e in found] == [("STOP", "missed_opt_out", drift.id)]


async def test_a_text_that_we_have_is_no_drift() -> None:
    """Known by the carrier's id and the person; another person's text of that id is another."""
    world = a_day_later()
    known = written("Hello", START, known_as="SM-hello")
    report = await reconcile(world.store, AskedCarrier([known]))
    assert (report.drifts, report.texts) == (0, 1)
    other = written("Hello", START, known_as="SM-hello", recipient=OTHER_PERSON)
    assert (await reconcile(world.store, AskedCarrier([other]), since=START)).drifts == 1


async def test_what_is_newer_than_the_grace_counts_next_time() -> None:
    """Its webhook may be under way; without a time of the carrier it counts at once."""
    world = a_day_later()
    now = world.clock.now()
    young = written("STOP", now - timedelta(seconds=59))
    assert (await reconcile(world.store, AskedCarrier([young]))).drifts == 0
    world.clock.advance(hours=1)
    assert (await reconcile(world.store, AskedCarrier([young]))).drifts == 1
    timeless = written("STOP", None, known_as="SM2", recipient=OTHER_PERSON)
    assert (await reconcile(world.store, AskedCarrier([timeless]))).drifts == 1
    (found,) = [d for d in open_drifts(world.store) if d.recipient == OTHER_PERSON]
    assert found.since is None


async def test_a_drift_is_found_once() -> None:
    """However often the carrier tells of it, and also when it was settled."""
    world = a_day_later()
    carrier = AskedCarrier([written("Where is it?", minute(30))])
    assert (await reconcile(world.store, carrier)).found == {DriftKind.MISSED_TEXT: 1}
    assert (await reconcile(world.store, carrier)).drifts == 0
    assert len(world.store.drifts) == 1


async def test_a_text_that_comes_in_meanwhile_is_no_drift() -> None:
    """The command decides on what is durable then, and so it does where a number is gone."""
    world = a_day_later()
    recording = Recording(Account(ACCOUNT, "twilio"), "rec_1", world.clock.now())
    known = RecordMissedText(recording, written("Hello", START, known_as="SM-hello"))
    assert world.store.run(known) == ()
    gone = Sender("+19995550100", LONG.kind, "acme", ACCOUNT)
    strange = RecordMissedText(recording, written("STOP", START, sender=gone))
    assert world.store.run(strange) == ()


async def test_the_order_of_words_is_the_carriers() -> None:
    """A START over another number of the service is newer than the STOP that was missed."""
    world = World()
    world.receive("Hello", SERVICE_A, known_as="SM1")
    world.receive("STOP", SERVICE_B, known_as="SM2")
    world.receive("START", SERVICE_B, known_as="SM4")
    world.clock.advance(days=1)
    texts = [
        written("START", minute(40), known_as="SM4", sender=SERVICE_B),
        written("STOP", minute(30), known_as="SM3", sender=SERVICE_A),
    ]
    await reconcile(world.store, AskedCarrier(texts))
    (drift,) = open_drifts(world.store)
    assert (drift.kind, drift.severity) == (DriftKind.MISSED_OPT_OUT, Severity.NOTICE)
    assert pair_state(world.standing(), SERVICE_A) is PairState.OPTED_IN


# --- The list of opt-outs -----------------------------------------------------------------------


def listed(
    recipient: str = PERSON, sender: str | None = LONG.number, at: datetime | None = None
) -> CarrierBlock:
    """Make a line of the carrier's list."""
    return CarrierBlock(recipient, sender, at, f"line of {recipient}")


async def test_a_block_that_only_the_carrier_has_is_found() -> None:
    """Held back, with the line as evidence; one of a number that is not ours is left out."""
    world = a_day_later()
    lines = [listed(at=minute(30)), listed(OTHER_PERSON, "+19995550100")]
    report = await reconcile(world.store, AskedCarrier(None, lines))
    assert (report.lines, report.found) == (2, {DriftKind.BLOCK_AT_CARRIER: 1})
    (drift,) = open_drifts(world.store)
    assert (drift.line, drift.since, drift.scopes) == (
        f"line of {PERSON}",
        minute(30),
        (LONG.number,),
    )
    assert "since 2026-11-23 12:30 UTC" in drift.carrier_says
    assert world.send("News").decision.reason is Reason.PAUSED_FOR_REVIEW
    assert (await reconcile(world.store, AskedCarrier(None, lines))).drifts == 0


async def test_the_list_is_compared_where_the_texts_cannot_be_read() -> None:
    """The comparison has failed and says why, and what the list showed is kept."""
    world = a_day_later()
    texts = [written("x", world.clock.now())]
    carrier = AskedCarrier(texts, [listed(at=minute(30))], breaks_after=0, breaks_once=True)
    report = await reconcile(world.store, carrier)
    assert (report.state, report.error) == (ReconciliationState.FAILED, "the carrier went away")
    assert report.found == {DriftKind.BLOCK_AT_CARRIER: 1}


async def test_a_line_for_every_sender_holds_all_of_them() -> None:
    """A list that names no sender holds for all that were asked for, unless one refuses already."""
    world = a_day_later()
    lines = [listed(sender=None)]
    carrier = AskedCarrier(None, lines)
    await reconcile(world.store, carrier)
    assert carrier.asked_of == [tuple(world.store.directory().senders)]
    assert pair_state(world.standing(), SHORT) is PairState.PAUSED
    again = World()
    again.receive("STOP", SHORT)
    again.clock.advance(days=1)
    assert (await reconcile(again.store, AskedCarrier(None, lines))).drifts == 0


async def test_a_block_of_ours_that_the_carrier_lacks_is_found() -> None:
    """Only by a list that was read to its end; who is on it agrees."""
    world = a_day_later()
    world.receive("STOP", known_as="SM-stop")
    world.receive("STOP", recipient=OTHER_PERSON, known_as="SM-stop-2")
    world.clock.advance(days=1)
    lines = [listed(OTHER_PERSON)]
    broken = await reconcile(world.store, AskedCarrier(None, [*lines, *lines], breaks_after=1))
    assert (broken.state, broken.drifts) == (ReconciliationState.FAILED, 0)
    assert broken.error == "the carrier went away"
    report = await reconcile(world.store, AskedCarrier(None, lines))
    assert report.found == {DriftKind.BLOCK_NOT_AT_CARRIER: 1}
    (drift,) = open_drifts(world.store)
    assert (drift.recipient, drift.severity) == (PERSON, Severity.NOTICE)
    assert "(keyword)" in drift.we_say
    assert drift.places == ()
    assert (await reconcile(world.store, AskedCarrier(None, lines))).drifts == 0


async def test_all_pages_of_our_opt_outs_are_looked_along() -> None:
    """However many there are, each that the carrier lacks is found."""
    world = World()
    people = [f"+1415556{n:04}" for n in range(201)]
    for count, person in enumerate(people):
        world.receive("STOP", recipient=person, known_as=f"SM{count}")
    world.clock.advance(days=1)
    lines = [listed(person) for person in people[1:]] + [listed(OTHER_PERSON)] * 2
    report = await reconcile(world.store, AskedCarrier(None, lines))
    assert report.lines == 202
    assert [d.recipient for d in open_drifts(world.store) if d.line is None] == people[:1]


async def test_blocks_are_judged_again_by_what_is_durable() -> None:
    """What came in between reading and recording is no drift."""
    world = a_day_later()
    world.receive("STOP", known_as="SM-stop")
    recording = Recording(Account(ACCOUNT, "twilio"), "rec_1", START)
    assert world.store.run(RecordListedBlock(recording, listed(), (LONG,))) == ()
    assert world.store.run(RecordUnlistedBlocks(recording, PERSON, (LONG,))) == ()


# --- Reports ----------------------------------------------------------------------------------


async def test_each_comparison_looks_back_to_the_last_one_that_ended() -> None:
    """Two days at first, then an hour more than since the last; one that failed does not count."""
    world = a_day_later()
    began = world.clock.now()
    carrier = AskedCarrier()
    await reconcile(world.store, carrier)
    assert carrier.asked_since[0] == (LONG.number, began - timedelta(hours=48))
    world.clock.advance(days=1)
    broken = AskedCarrier([written("x", world.clock.now())], breaks_after=0)
    assert (await reconcile(world.store, broken)).state is ReconciliationState.FAILED
    world.clock.advance(days=1)
    carrier.asked_since.clear()
    await reconcile(world.store, carrier)
    assert carrier.asked_since[0] == (LONG.number, began - timedelta(hours=1))
    carrier.asked_since.clear()
    await reconcile(world.store, carrier, since=START)
    assert {since for _, since in carrier.asked_since} == {START}


async def test_no_time_is_left_out_however_often_a_carrier_cannot_be_asked() -> None:
    """Two months of failing nights behind it, the next looks back to the last that ended."""
    world = a_day_later()
    began = world.clock.now()
    carrier = AskedCarrier()
    await reconcile(world.store, carrier)
    broken = AskedCarrier([written("x", world.clock.now())], breaks_after=0)
    for _ in range(60):
        world.clock.advance(days=1)
        await reconcile(world.store, broken)
    carrier.asked_since.clear()
    await reconcile(world.store, carrier)
    assert carrier.asked_since[0] == (LONG.number, began - timedelta(hours=1))


async def test_a_short_look_back_leaves_the_rest_to_the_next_comparison() -> None:
    """Somebody asks for the last hour after nights that failed: those nights are still to come."""
    world = a_day_later()
    began = world.clock.now()
    carrier = AskedCarrier()
    await reconcile(world.store, carrier)
    world.clock.advance(days=3)
    await reconcile(world.store, carrier, since=world.clock.now() - timedelta(hours=1))
    carrier.asked_since.clear()
    await reconcile(world.store, carrier)
    assert carrier.asked_since[0] == (LONG.number, began - timedelta(hours=1))


async def test_only_the_accounts_own_senders_are_asked_for() -> None:
    """Another account's number is another comparison."""
    elsewhere = Sender("+14155550177", LONG.kind, "acme", "telnyx-1")
    directory = Directory(senders={s.number: s for s in (LONG, elsewhere)})
    store = MemoryStore(directory)
    carrier = AskedCarrier((), ())
    report = await reconcile(store, carrier)
    assert [sender for sender, _ in carrier.asked_since] == [LONG.number]
    assert carrier.asked_of == [(LONG.number,)]
    assert report.replayed == (LONG.number,)
    nobody = AskedCarrier((), ())
    await reconcile(MemoryStore(), nobody)
    assert nobody.asked_of == []


async def test_one_that_was_cut_off_goes_on_where_it_was() -> None:
    """After ten minutes without a sign; before that it may be at work, and another one begins."""
    world = a_day_later()
    now = world.clock.now()
    cut = Reconciliation(
        "rec_0", ACCOUNT, START, now, now, AGENT, replayed=(LONG.number, FOREIGN.number), texts=7
    )
    world.store.run(KeepReconciliation(cut))
    world.clock.advance(minutes=9)
    reconciler = Reconciler(world.store, world.clock, world.store.ids)  # type: ignore[arg-type]
    carrier = AskedCarrier()
    begun = await reconciler.begin(carrier, actor=ADMIN)  # type: ignore[arg-type]
    assert begun.id != "rec_0"
    del world.store.reconciliations[begun.id]
    world.clock.advance(minutes=2)
    report = await reconcile(world.store, carrier)
    assert (report.id, report.actor, report.texts) == ("rec_0", AGENT, 7)
    assert LONG.number not in {sender for sender, _ in carrier.asked_since}
    assert LONG.number in report.replayed


async def test_a_carrier_that_can_be_asked_nothing_is_refused() -> None:
    """With a sentence that says so."""
    with pytest.raises(Rejected, match="neither what people wrote nor whom it blocks") as refused:
        await reconcile(MemoryStore(), AskedCarrier(None, None))
    assert refused.value.code == "nothing_to_compare"


async def test_every_comparison_is_told_to_the_log_and_the_audit(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """New drift is an error with advice, and so is one that failed; else it is only noted."""
    caplog.set_level(logging.INFO)
    world = a_day_later()
    await reconcile(world.store, AskedCarrier())
    stop = written("STOP", minute(30))
    await reconcile(world.store, AskedCarrier([stop]), since=START)
    await reconcile(world.store, AskedCarrier([stop], breaks_after=0), since=START)
    told = [(r.getMessage(), r.levelname) for r in caplog.records]
    assert told == [("reconciled", "INFO"), ("drift_found", "ERROR"), ("reconcile_failed", "ERROR")]
    assert "consentry reconcile" in caplog.records[1].__dict__["advice"]
    audit = [e.text or "" for e in world.store.entries if e.kind is EntryKind.RECONCILED]
    assert "no new drift" in audit[0]
    assert "1 missed_opt_out" in audit[1]
    assert "could not be compared (the carrier went away)" in audit[2]
    report = world.store.reconciliations[min(world.store.reconciliations)]
    assert tell_report(report) == audit[0]
    assert report.finished_at is not None


async def test_how_far_it_is_can_be_watched() -> None:
    """Told at the beginning, after each few hundred texts, and at the end."""
    world = a_day_later()
    texts = [written("Hi", minute(n / 10), known_as=f"SM{n}") for n in range(401)]
    seen: list[int] = []
    reconciler = Reconciler(
        world.store,  # type: ignore[arg-type]
        world.clock,
        world.store.ids,
        Limits(rest_seconds=0),
        watch=lambda report: seen.append(report.texts),
    )
    carrier = AskedCarrier(texts)
    report = await reconciler.begin(carrier, actor=ADMIN)  # type: ignore[arg-type]
    await reconciler.run(carrier, report)  # type: ignore[arg-type]
    assert seen[:4] == [0, 200, 400, 401]
    assert len(world.store.drifts) == 401


# --- Whatever is missed, in whatever order ----------------------------------------------------

BODIES = ("STOP", "START", "Hello", "please stop texting me", "HELP", "STOP")
SENDERS = (LONG, SHORT, SERVICE_A, SERVICE_B)
histories = st.lists(
    st.tuples(
        st.sampled_from(BODIES),
        st.sampled_from(SENDERS),
        st.sampled_from([PERSON, OTHER_PERSON]),
        st.booleans(),
    ),
    min_size=1,
    max_size=8,
)


def live_through(history: list[tuple[str, Sender, str, bool]]) -> tuple[World, list[InboundText]]:
    """Let texts be written, a minute apart, of which some webhooks are lost."""
    world = World()
    texts = []
    for count, (body, sender, person, is_lost) in enumerate(history):
        at = world.clock.now()
        texts.append(written(body, at, known_as=f"SM{count}", sender=sender, recipient=person))
        if not is_lost:
            world.receive(body, sender, recipient=person, known_as=f"SM{count}")
        world.clock.advance(minutes=1)
    world.clock.advance(days=1)
    return world, texts


@pytest.mark.property
@settings(max_examples=60, deadline=None)
@given(histories, st.randoms(use_true_random=False))
async def test_no_order_of_the_evidence_changes_what_is_found(
    history: list[tuple[str, Sender, str, bool]], dice: random.Random
) -> None:
    """The same drifts, as severe, and the same is held back, however the carrier lists texts."""
    found = []
    for is_shuffled in (False, True):
        world, texts = live_through(history)
        if is_shuffled:
            dice.shuffle(texts)
        await reconcile(world.store, AskedCarrier(texts))
        drifts = {
            d.key: (d.kind, d.severity, frozenset(d.places)) for d in open_drifts(world.store)
        }
        states = {
            (person, sender.number): pair_state(world.standing(person), sender)
            for person in (PERSON, OTHER_PERSON)
            for sender in SENDERS
        }
        found.append((drifts, states))
    assert found[0] == found[1]


@pytest.mark.property
@settings(max_examples=60, deadline=None)
@given(histories, st.randoms(use_true_random=False))
async def test_what_is_applied_leaves_no_drift_and_no_opt_out_behind(
    history: list[tuple[str, Sender, str, bool]], dice: random.Random
) -> None:
    """In any order: nothing is held back any more, and who opted out last is opted out."""
    world, texts = live_through(history)
    await reconcile(world.store, AskedCarrier(texts))
    drifts = open_drifts(world.store)
    dice.shuffle(drifts)
    for drift in drifts:
        world.store.run(ApplyDrift(drift, ADMIN, "webhooks were lost"))
    assert open_drifts(world.store) == []
    assert (await reconcile(world.store, AskedCarrier(texts))).drifts == 0
    for person in (PERSON, OTHER_PERSON):
        standing = world.standing(person)
        assert not any(block.is_paused for block in standing.blocks)
        for sender in (LONG, SHORT):
            said = [t.body for t in texts if (t.recipient, t.sender) == (person, sender.number)]
            keywords = [body for body in said if body in ("STOP", "START")]
            if keywords[-1:] == ["STOP"]:
                assert pair_state(standing, sender) is PairState.OPTED_OUT
    assert world.store.works(JobState.CLAIMED) == []
    assert all(d.state is DriftState.APPLIED for d in world.store.drifts.values())


def test_the_account_is_the_worlds() -> None:
    """The fake carrier is the account that the world's texts come from."""
    assert ACCOUNT == CARRIER
    assert AT_ONCE.rest_seconds == 0
