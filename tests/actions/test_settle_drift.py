"""Drift is settled by somebody, with a reason: applied or dismissed, and both are kept."""

import msgspec
import pytest

from action_world import CARRIER, OPTED_OUT, World
from consent_world import LONG, OTHER_PERSON, PERSON, SHORT, minute
from consentry.actions.settle_drift import (
    SETTLED_MAX,
    ApplyDrift,
    DismissDrift,
    ReportSettled,
    settle_report,
)
from consentry.domain.consent import PairState, pair_state
from consentry.domain.directory import Purpose, Sender
from consentry.domain.drift import Drift, DriftKind, DriftState
from consentry.domain.entries import AUDIT_KINDS, EntryKind
from consentry.domain.gate import Door
from consentry.domain.reading import BlockLayer
from consentry.domain.reasons import Reason
from consentry.domain.standing import Block, BlockState, Cause, apply_pieces
from consentry.ports import CarrierBlock, InboundText, Rejected
from drift_world import ADMIN, AskedCarrier, open_drifts, reconcile, written

pytestmark = pytest.mark.unit

REASON = "the webhook was lost on Monday"


async def missed(*texts: InboundText) -> tuple[World, list[Drift]]:
    """Compare a carrier that has these texts with a company that has one Hello of a day ago."""
    world = World()
    world.receive("Hello", known_as="SM-hello")
    world.clock.advance(days=1)
    await reconcile(world.store, AskedCarrier(texts))
    return world, open_drifts(world.store)


async def test_a_missed_stop_is_applied_as_it_was_said() -> None:
    """At the carrier's time, word for word: the person is opted out since then, by themselves."""
    world, (drift,) = await missed(written("STOP", minute(30)))
    settled = world.store.run(ApplyDrift(drift, ADMIN, REASON)).drift
    assert (settled.state, settled.settled_by, settled.reason) == (
        DriftState.APPLIED,
        ADMIN,
        REASON,
    )
    assert settled.settled_at == world.clock.now()
    (block,) = world.standing().blocks
    assert (block.state, block.cause, block.since, block.by_person) == (
        BlockState.BLOCKED,
        Cause.KEYWORD,
        minute(30),
        True,
    )
    assert world.send("News", door=Door.CONSOLE).decision.reason is Reason.OPTED_OUT
    said = [e for e in world.store.entries if e.kind is EntryKind.OPTED_OUT]
    assert [(e.text, e.at) for e in said] == [("STOP", minute(30))]
    received = await world.store.read_inbound(CARRIER, ["SM1"])
    assert [(m.body, m.recipient) for m in received] == [("STOP", PERSON)]


async def test_settling_is_in_the_audit() -> None:
    """Who, about whom, what, and why, for both."""
    texts = (written("STOP", minute(30)), written("Hi", minute(31), known_as="SM2"))
    world, (stop, plain) = await missed(*texts)
    world.store.run(ApplyDrift(stop, ADMIN, REASON))
    world.store.run(DismissDrift(plain, ADMIN, "answered by phone"))
    kinds = (EntryKind.DRIFT_APPLIED, EntryKind.DRIFT_DISMISSED)
    told = [e for e in world.store.entries if e.kind in kinds]
    assert [(e.kind, e.actor, e.recipient, e.text, e.reason, e.drift) for e in told] == [
        (kinds[0], ADMIN, PERSON, "missed_opt_out: STOP", REASON, stop.id),
        (kinds[1], ADMIN, PERSON, "missed_text: Hi", "answered by phone", plain.id),
    ]
    assert set(kinds) < set(AUDIT_KINDS)


async def test_a_dismissed_drift_lets_texts_go_on_and_stays_dismissed() -> None:
    """The person is as they were before, and the same evidence is not raised again."""
    stop = written("STOP", minute(30))
    world, (drift,) = await missed(stop)
    before = world.send("News", door=Door.CONSOLE)
    assert before.decision.reason is Reason.PAUSED_FOR_REVIEW
    settled = world.store.run(DismissDrift(drift, ADMIN, "our own test phone")).drift
    assert settled.state is DriftState.DISMISSED
    assert pair_state(world.standing(), LONG) is PairState.OPTED_IN
    assert world.send("News", door=Door.CONSOLE).message is not None
    assert (await reconcile(world.store, AskedCarrier([stop]))).drifts == 0


async def test_two_drifts_hold_until_both_are_settled() -> None:
    """Dismissing one of two STOPs does not let the other's texts go."""
    texts = (written("STOP", minute(30)), written("STOP", minute(31), known_as="SM2"))
    world, drifts = await missed(*texts)
    world.store.run(DismissDrift(drifts[0], ADMIN, "x"))
    assert pair_state(world.standing(), LONG) is PairState.PAUSED
    world.store.run(DismissDrift(drifts[1], ADMIN, "x"))
    assert pair_state(world.standing(), LONG) is PairState.OPTED_IN


async def test_a_stop_older_than_a_start_does_not_undo_it() -> None:
    """The START came in, without the carrier's time; its history has both."""
    world = World()
    world.receive("Hello", known_as="SM1")
    world.clock.advance(minutes=40)
    world.receive("STOP", known_as="SM3")
    world.receive("START", known_as="SM4")
    world.clock.advance(days=1)
    texts = [
        written("STOP", minute(30), known_as="SM2"),
        written("STOP", minute(40), known_as="SM3"),
        written("START", minute(40.5), known_as="SM4"),
    ]
    await reconcile(world.store, AskedCarrier(texts))
    (drift,) = open_drifts(world.store)
    world.store.run(ApplyDrift(drift, ADMIN, REASON))
    assert pair_state(world.standing(), LONG) is PairState.OPTED_IN
    late = [e for e in world.store.entries if e.text == "STOP" and e.superseded]
    assert [e.at for e in late] == [minute(30)]


async def test_a_word_that_came_after_the_drift_was_found_is_the_newer_one() -> None:
    """A START lifts what is held back, and the older STOP, applied then, does not undo it.

    The other way round a START that is applied after a STOP came in lifts nothing, and neither
    does it help that somebody at the company opened a block of theirs meanwhile.
    """
    world, (stop,) = await missed(written("STOP", minute(30)))
    world.clock.advance(hours=1)
    world.receive("START")
    assert pair_state(world.standing(), LONG) is PairState.OPTED_IN
    world.store.run(ApplyDrift(stop, ADMIN, REASON))
    assert pair_state(world.standing(), LONG) is PairState.OPTED_IN
    # Our clock is a day slow: by it the STOP that comes in is older than the START of the history.
    world, (start,) = await missed(written("START", minute(1439)))
    world.clock.advance(minutes=1)
    world.receive("STOP")
    late = msgspec.structs.replace(start, since=minute(3000))
    world.store.drifts[start.id] = late
    world.store.run(ApplyDrift(late, ADMIN, REASON))
    assert pair_state(world.standing(), LONG) is PairState.OPTED_OUT


async def test_what_the_company_opened_is_no_word_of_the_person() -> None:
    """An agent's own block, set and lifted after the drift was found, does not make a STOP old."""
    stop = written("please stop texting me", minute(30))
    world, (drift,) = await missed(stop)
    world.store.run(DismissDrift(drift, ADMIN, "x"))
    world.store.drifts[drift.id] = drift
    world.clock.advance(hours=1)
    own = Block(
        LONG.number,
        BlockLayer.OURS,
        BlockState.OPEN,
        Cause.AGENT,
        world.clock.now(),
        world.clock.now(),
        "ent",
        by_person=False,
    )
    known = world.standing()
    world.store.standings[PERSON] = apply_pieces(known, (own,))
    world.store.run(ApplyDrift(drift, ADMIN, REASON))
    assert pair_state(world.standing(), LONG) is PairState.OPTED_OUT


async def test_a_missed_first_text_is_answered_like_any_other() -> None:
    """Our one answer waits in the outbox, and who applied it is told so."""
    first = written("Hi there", minute(30), recipient=OTHER_PERSON)
    world, (drift,) = await missed(first)
    settled = world.store.run(ApplyDrift(drift, ADMIN, REASON))
    assert settled.answered
    assert pair_state(world.standing(OTHER_PERSON), LONG) is PairState.OPTED_IN


async def test_a_webhook_that_comes_after_all_is_the_same_text() -> None:
    """It opts out by itself; applied or dismissed then, the drift ends and changes nothing."""
    for settle_with in (ApplyDrift, DismissDrift):
        world, (drift,) = await missed(written("STOP", minute(30)))
        world.receive("STOP", known_as="SM1")
        before = world.standing()
        assert pair_state(before, LONG) is PairState.OPTED_OUT
        world.store.run(settle_with(drift, ADMIN, REASON))
        assert world.standing() == before
        assert open_drifts(world.store) == []
        assert [e.kind for e in world.store.entries].count(EntryKind.OPTED_OUT) == 1


async def test_a_drift_is_settled_once() -> None:
    """A second time is refused, and so is one that is not there."""
    world, (drift,) = await missed(written("STOP", minute(30)))
    world.store.run(ApplyDrift(drift, ADMIN, REASON))
    for again in (ApplyDrift(drift, ADMIN, REASON), DismissDrift(drift, ADMIN, REASON)):
        with pytest.raises(Rejected, match="applied already") as refused:
            world.store.run(again)
        assert refused.value.code == "already_settled"
    world.store.drifts.clear()
    with pytest.raises(Rejected, match="no drift") as missing:
        world.store.run(DismissDrift(drift, ADMIN, REASON))
    assert missing.value.status == 404


# --- Blocks -----------------------------------------------------------------------------------


async def test_a_carriers_block_is_applied_with_the_list_as_its_cause() -> None:
    """What waits is stopped, the gate says that the carrier blocks, and their START opens it."""
    world, _ = await missed()
    line = CarrierBlock(PERSON, LONG.number, minute(30), "opt-out list, line 7")
    await reconcile(world.store, AskedCarrier(None, [line]))
    (drift,) = open_drifts(world.store)
    assert drift.kind is DriftKind.BLOCK_AT_CARRIER
    world.store.run(ApplyDrift(drift, ADMIN, REASON))
    (block,) = [b for b in world.standing().blocks if b.state is BlockState.BLOCKED]
    assert (block.cause, block.since, block.by_person) == (
        Cause.CARRIER_LIST,
        minute(30),
        False,
    )
    entry = next(e for e in world.store.entries if e.id == block.entry)
    assert entry.text == "block_at_carrier: opt-out list, line 7"
    assert world.send("News", door=Door.CONSOLE).decision.reason is Reason.CARRIER_BLOCKED
    assert (await reconcile(world.store, AskedCarrier(None, [line]))).drifts == 0
    world.receive("START")
    assert pair_state(world.standing(), LONG) is PairState.OPTED_IN


async def test_a_refusals_block_is_lifted_when_the_carrier_lists_it_no_more() -> None:
    """It was only the carrier's word; it says so no longer."""
    world, _ = await missed()
    world.send("News", door=Door.CONSOLE)
    for work in world.claim():
        world.answer(work, OPTED_OUT)
    assert pair_state(world.standing(), LONG) is PairState.CARRIER_BLOCKED
    world.clock.advance(days=1)
    await reconcile(world.store, AskedCarrier(None, ()))
    (drift,) = open_drifts(world.store)
    world.store.run(ApplyDrift(drift, ADMIN, REASON))
    assert pair_state(world.standing(), LONG) is PairState.OPTED_IN
    assert (await reconcile(world.store, AskedCarrier(None, ()))).drifts == 0


async def test_a_persons_own_opt_out_is_never_lifted_by_the_carriers_list() -> None:
    """Applying it is refused with the reason; dismissing it keeps the opt-out."""
    world, _ = await missed()
    world.receive("STOP")
    world.clock.advance(days=1)
    await reconcile(world.store, AskedCarrier(None, ()))
    (drift,) = open_drifts(world.store)
    with pytest.raises(Rejected, match="only they can lift it") as refused:
        world.store.run(ApplyDrift(drift, ADMIN, REASON))
    assert (refused.value.code, refused.value.status) == ("opted_out", 403)
    assert open_drifts(world.store) == [drift]
    world.store.run(DismissDrift(drift, ADMIN, "they asked us"))
    assert pair_state(world.standing(), LONG) is PairState.OPTED_OUT


@pytest.mark.parametrize("sender", [LONG, SHORT])
async def test_an_old_opt_out_is_not_confirmed_now(sender: Sender) -> None:
    """A confirmation has five minutes from the word it confirms: none goes a day later (I2)."""
    body = "please stop texting me"
    world, (drift,) = await missed(written(body, minute(30), sender=sender))
    world.store.run(ApplyDrift(drift, ADMIN, REASON))
    assert pair_state(world.standing(), sender) is PairState.OPTED_OUT
    assert all("opted out" not in work.message.body for work in world.claim())


async def test_a_whole_report_is_settled_in_the_order_of_time() -> None:
    """What is refused is named and stays open; a thousand at once, the rest by asking again."""
    world = World()
    world.receive("STOP", known_as="SM-stop")
    world.clock.advance(days=1)
    texts = [
        written("STOP", minute(9), known_as="SM9", recipient=OTHER_PERSON),
        written("Hello", minute(8), known_as="SM8", recipient=OTHER_PERSON),
        written("Hello", minute(7), known_as="SM7", recipient="+14155550144"),
    ]
    report = await reconcile(world.store, AskedCarrier(texts, ()))
    assert report.drifts == 4
    quiet = QuietDelivery()
    settled = await settle_report(
        world.store,  # type: ignore[arg-type]
        quiet,
        report.id,
        lambda drift: ApplyDrift(drift, ADMIN, REASON),
    )
    assert (settled.settled, settled.is_all) == (3, True)
    ((refused),) = settled.refused
    assert refused.code == "opted_out"
    assert "only they can lift it" in refused.detail
    assert pair_state(world.standing(OTHER_PERSON), LONG) is PairState.OPTED_OUT
    assert quiet.woken == 1
    assert quiet.waited == [(), (), ()]


async def test_at_most_a_thousand_are_settled_at_once() -> None:
    """So that whoever asked is answered in time."""
    many = [written("Hi", minute(30), known_as=f"SM{n}") for n in range(SETTLED_MAX + 1)]
    world, _ = await missed(*many)
    report = min(world.store.reconciliations)

    async def dismiss_all() -> ReportSettled:
        return await settle_report(
            world.store,  # type: ignore[arg-type]
            QuietDelivery(),
            report,
            lambda drift: DismissDrift(drift, ADMIN, REASON),
        )

    first, second = await dismiss_all(), await dismiss_all()
    assert (first.settled, first.is_all) == (SETTLED_MAX, False)
    assert (second.settled, second.is_all) == (1, True)


class QuietDelivery:
    """Notes what it was asked, and has nothing under way."""

    def __init__(self) -> None:
        self.woken = 0
        self.waited: list[tuple[str, ...]] = []

    def wake(self) -> None:
        """Note it."""
        self.woken += 1

    async def wait_quiet(self, messages: tuple[str, ...]) -> None:
        """Note it."""
        self.waited.append(messages)


async def test_a_missed_unclear_text_waits_to_be_reviewed_once_it_is_applied() -> None:
    """Until then everything over its sender is held back, and then all but direct replies."""
    world, (drift,) = await missed(written("not interested", minute(30)))
    assert world.send("News", door=Door.CONSOLE).decision.reason is Reason.PAUSED_FOR_REVIEW
    world.store.run(ApplyDrift(drift, ADMIN, REASON))
    (case,) = world.store.reviews.values()
    assert (case.recipient, case.unclear.at) == (PERSON, minute(30))
    assert world.send("It is Acme", door=Door.CONSOLE).message is not None
    held = world.send("News", door=Door.API, purpose=Purpose.CONVERSATIONAL)
    assert held.decision.reason is Reason.PAUSED_FOR_REVIEW
