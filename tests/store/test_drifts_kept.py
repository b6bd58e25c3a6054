"""Drifts and the comparisons that found them: shown to commands, listed, counted, settled."""

from datetime import timedelta

import msgspec
import pytest
from store_world import (
    ANN,
    BOB,
    CARRIER,
    OTHER_SENDER,
    SENDER,
    START,
    ask,
    entry,
    inbound,
    message,
    submit_together,
    write,
)

from consentry.domain.drift import (
    Drift,
    DriftKind,
    DriftState,
    Heard,
    Place,
    Reconciliation,
    ReconciliationState,
    Severity,
)
from consentry.domain.entries import Actor, ActorKind, EntryKind
from consentry.domain.reading import BlockLayer
from consentry.ports import Change, DriftFilter, Needs, Page, Store

pytestmark = pytest.mark.integration

SYSTEM = Actor(ActorKind.SYSTEM)
PLACE = Place(SENDER, BlockLayer.PROVIDER)


def drift(number: int, recipient: str = ANN, **fields: object) -> Drift:
    """Make a drift; later numbers were found later."""
    values: dict[str, object] = {
        "id": f"drf_{number:05}",
        "key": f"text:{number}",
        "recipient": recipient,
        "sender": SENDER,
        "carrier": CARRIER,
        "carrier_kind": "twilio",
        "kind": DriftKind.MISSED_OPT_OUT,
        "severity": Severity.CRITICAL,
        "found_at": START,
        "report": "rec_1",
        "carrier_says": 'The carrier has "STOP".',
        "we_say": "Nothing é 🙂.",
        "text": "STOP \x00",
        "heard": (Heard(PLACE, None, START),),
        "places": (PLACE,),
    }
    return Drift(**(values | fields))  # type: ignore[arg-type]


def report(number: int, carrier: str = CARRIER, **fields: object) -> Reconciliation:
    """Make a comparison; later numbers began later."""
    made = Reconciliation(f"rec_{number:05}", carrier, START, START, START, SYSTEM)
    return msgspec.structs.replace(made, **fields)


async def test_a_command_is_shown_all_drifts_of_a_recipient(store: Store) -> None:
    """Stored, found and settled in the same batch; in the order they were found, no one else's."""
    look = ask(lambda facts: facts.drifts(ANN), Needs(recipients=(ANN,), drifts=True))
    assert await store.submit(look) == ()
    kept = Change(records=(drift(2), drift(1), drift(3, BOB)))
    _, seen = await submit_together(store, write(kept), look)
    assert seen == (drift(1), drift(2)) == await store.submit(look)
    settled = drift(1, state=DriftState.APPLIED, settled_by=SYSTEM, reason="lost")
    _, seen = await submit_together(store, write(Change(records=(settled,))), look)
    assert seen == (settled, drift(2)) == await store.submit(look)
    unasked = ask(lambda facts: facts.drifts(ANN), Needs(recipients=(ANN,)))
    with pytest.raises(LookupError, match="the drifts of"):
        await store.submit(unasked)


async def test_drifts_are_listed_by_each_filter_and_page(store: Store) -> None:
    """Newest first; each filter alone and together, from behind a cursor."""
    kept = [drift(n, ANN if n % 2 else BOB) for n in range(1, 9)]
    kept[1] = drift(2, BOB, state=DriftState.DISMISSED)
    kept[2] = drift(3, kind=DriftKind.MISSED_TEXT, sender=OTHER_SENDER)
    kept[3] = drift(4, BOB, carrier="car_2", report="rec_2")
    await store.submit(write(Change(records=tuple(kept))))

    async def numbers(page: Page | None = None, **wanted: object) -> list[int]:
        found = await store.read_drifts(DriftFilter(**wanted), page or Page())  # type: ignore[arg-type]
        assert all(one == kept[int(one.id[4:]) - 1] for one in found)
        return [int(one.id[4:]) for one in found]

    assert await numbers() == [8, 7, 6, 5, 4, 3, 2, 1]
    assert await numbers(Page(limit=3, before="drf_00006")) == [5, 4, 3]
    assert await numbers(state=DriftState.OPEN) == [8, 7, 6, 5, 4, 3, 1]
    assert await numbers(Page(2, "drf_00005"), state=DriftState.OPEN) == [4, 3]
    assert await numbers(kind=DriftKind.MISSED_TEXT) == [3]
    assert await numbers(carrier="car_2") == [4]
    assert await numbers(report="rec_2", state=DriftState.OPEN) == [4]
    assert await numbers(recipient=BOB) == [8, 6, 4, 2]
    assert await numbers(recipient=BOB, state=DriftState.OPEN, report="rec_1") == [8, 6]
    assert await numbers(senders=(OTHER_SENDER, "+1")) == [3]
    assert await numbers(senders=()) == []
    assert await store.count_drifts() == {
        DriftKind.MISSED_OPT_OUT: 6,
        DriftKind.MISSED_TEXT: 1,
    }


async def test_a_drift_is_found_by_its_id(store: Store) -> None:
    """As it is now; another id finds nothing, and no drift is counted where there is none."""
    assert await store.read_drift("drf_00001") is None
    assert await store.count_drifts() == {}
    await store.submit(write(Change(records=(drift(1),))))
    assert await store.read_drift("drf_00001") == drift(1)
    settled = drift(1, state=DriftState.DISMISSED)
    await store.submit(write(Change(records=(settled,))))
    assert await store.read_drift("drf_00001") == settled
    assert await store.count_drifts() == {}


async def test_comparisons_are_listed_newest_first(store: Store) -> None:
    """Of one account or of all; each as it was last kept."""
    reports = [report(1), report(2, "car_2"), report(3)]
    await store.submit(write(Change(records=tuple(reports))))
    over = report(
        3, state=ReconciliationState.FINISHED, found={DriftKind.MISSED_TEXT: 2}, finished_at=START
    )
    await store.submit(write(Change(records=(over,))))
    assert await store.read_reconciliations(Page()) == [over, reports[1], reports[0]]
    assert await store.read_reconciliations(Page(1), carrier="car_2") == [reports[1]]
    assert await store.read_reconciliations(Page(9, "rec_00003"), carrier=CARRIER) == [reports[0]]
    assert await store.read_reconciliations(Page(1, "rec_00003")) == [reports[1]]
    assert await store.read_reconciliation("rec_00003") == over
    assert await store.read_reconciliation("rec_9") is None


async def test_inbound_texts_are_found_by_the_carriers_ids(store: Store) -> None:
    """Several at once; not another account's, not what we sent, and not unknown ones."""
    known = (inbound(1, "SM1"), inbound(2, "SM2", BOB), inbound(3, "SM2", ANN))
    others = (inbound(4, "SM4", carrier="car_2"), message(5, carrier_message_id="SM5"))
    await store.submit(write(Change(messages=(*known, *others))))
    found = await store.read_inbound(CARRIER, ["SM1", "SM2", "SM4", "SM5", "SM9"])
    assert sorted(found, key=lambda text: text.id) == list(known)
    assert await store.read_inbound(CARRIER, []) == []


async def test_found_drifts_are_tallied_by_kind(store: Store) -> None:
    """A report tells how many of which kind were found on a day."""
    found = entry(1, kind=EntryKind.DRIFT_FOUND, reason="missed_opt_out", drift="drf_1")
    await store.submit(write(Change(entries=(found,))))
    day = found.recorded_at.date()
    (tally,) = await store.read_tallies(day, day + timedelta(days=1))
    assert (tally.kind, tally.reason, tally.count) == (
        EntryKind.DRIFT_FOUND,
        "missed_opt_out",
        1,
    )
