"""What webhooks are told: each change of consent, of blocks and of texts, and nothing else."""

import itertools
from dataclasses import dataclass

import msgspec
import pytest

from action_world import AGENT, World
from consent_world import DIRECTORY, LONG, NEWS, PERSON, SERVICE_A, TOLL_FREE
from consentry.domain.drift import Drift, DriftKind, DriftState, Severity
from consentry.domain.entries import Entry, EntryKind
from consentry.domain.events import (
    DATA_OF,
    BlockData,
    ConsentData,
    DriftData,
    Event,
    Obstacle,
    event_of_drift,
    event_of_message,
    events_of_entry,
    notice_of_event,
)
from consentry.domain.messages import Direction, MessageStatus
from consentry.domain.notices import EventNotice, Try, note_try, revive
from consentry.domain.reading import BlockLayer
from consentry.domain.standing import (
    EVERYTHING,
    Block,
    BlockState,
    Cause,
    Consent,
    ConsentLevel,
    ConsentState,
    Piece,
    Standing,
    Suppression,
    Tag,
    apply_pieces,
)
from consentry.domain.webhooks import CHOSEN_TYPES, EventType, Webhook
from consentry.ports import Change
from consentry.store.derived_events import derive_events
from memory_store import START

pytestmark = pytest.mark.unit

HOOK = Webhook("whk_1", "https://shop.example/events", START, START)


def told_of(*pieces: Piece, before: Standing | None = None) -> list[Event]:
    """Tell what an entry with these pieces tells."""
    entry = Entry("ent_1", PERSON, EntryKind.OPTED_OUT, START, START, AGENT, pieces=pieces)
    return list(events_of_entry(entry, before or Standing(), DIRECTORY))


def consent(
    state: ConsentState = ConsentState.ACTIVE,
    level: ConsentLevel = ConsentLevel.EXPRESS,
    program: str = NEWS.id,
    **more: object,
) -> Consent:
    """Make a consent."""
    return Consent(program, state, level, START, START, "ent_1", **more)  # type: ignore[arg-type]


def block(state: BlockState = BlockState.BLOCKED, scope: str = LONG.number) -> Block:
    """Make a carrier's block."""
    return Block(scope, BlockLayer.PROVIDER, state, Cause.KEYWORD, START, START, "ent_1")


GRANTED, REVOKED = EventType.CONSENT_GRANTED, EventType.CONSENT_REVOKED
STATES = (None, *(state for state in ConsentState if state is not ConsentState.NONE))


@pytest.mark.parametrize(("was", "now"), list(itertools.product(STATES, STATES[1:])))
def test_a_consent_is_told_when_it_is_given_and_when_it_is_withdrawn(
    was: ConsentState | None, now: ConsentState
) -> None:
    """Not that it waits, nor that it ran out, nor a second time what was told."""
    before = Standing() if was is None else apply_pieces(Standing(), (consent(was),))
    told = [event.type for event in told_of(consent(now), before=before)]
    withdrawn = (ConsentState.REVOKED, ConsentState.PENDING_CARRIER)
    if now is ConsentState.ACTIVE:
        assert told == ([] if was is ConsentState.ACTIVE else [GRANTED])
    elif now in withdrawn:
        assert told == ([] if was in withdrawn else [REVOKED])
    else:
        assert told == []


def test_a_stronger_consent_and_one_after_it_ran_out_are_told() -> None:
    """The program must know on what it may rely."""
    weak = apply_pieces(Standing(), (consent(level=ConsentLevel.IMPLIED),))
    (event,) = told_of(consent(), before=weak)
    assert event.type is GRANTED
    assert event.data == ConsentData(
        entry="ent_1",
        recipient=PERSON,
        program="news",
        brand="acme",
        purpose=NEWS.purpose,
        sender=None,
        state=ConsentState.ACTIVE,
        level=ConsentLevel.EXPRESS,
        actor=AGENT.kind,
    )
    over = apply_pieces(Standing(), (consent(expires_at=START),))
    assert [event.type for event in told_of(consent(), before=over)] == [GRANTED]


def test_a_consent_with_a_program_that_is_gone_is_of_no_brand() -> None:
    """It goes to webhooks for every brand."""
    (event,) = told_of(consent(ConsentState.REVOKED, program="gone"))
    assert (event.brand, event.data.purpose) == (None, None)  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("scope", "sender", "brand"),
    [
        (LONG.number, LONG.number, "acme"),
        (SERVICE_A.messaging_service_sid, None, "acme"),
        ("+19995550100", None, None),
    ],
)
def test_a_block_is_told_with_what_it_covers(
    scope: str, sender: str | None, brand: str | None
) -> None:
    """A sender, a messaging service, or a number that is not set up."""
    (event,) = told_of(block(scope=scope))
    assert (event.type, event.brand) == (EventType.BLOCK_CHANGED, brand)
    assert event.data == BlockData(
        entry="ent_1",
        recipient=PERSON,
        kind=Obstacle.BLOCK,
        scope=scope,
        layer=BlockLayer.PROVIDER,
        state=BlockState.BLOCKED,
        cause=Cause.KEYWORD,
        since=START,
        sender=sender,
        brand=brand,
    )


def test_a_block_of_a_service_is_told_to_all_brands_that_text_from_it() -> None:
    """Each hears of itself and of no other brand; who is told of all brands hears of it once."""
    sender = msgspec.structs.replace(SERVICE_A, number="+18005550188", brand="beta")
    directory = msgspec.structs.replace(
        DIRECTORY, senders={**DIRECTORY.senders, sender.number: sender}
    )
    change = Change(
        entries=(
            Entry(
                "ent_1",
                PERSON,
                EntryKind.OPTED_OUT,
                START,
                START,
                AGENT,
                pieces=(block(scope=str(SERVICE_A.messaging_service_sid)),),
            ),
        )
    )
    told = {}
    for brands in ((), ("acme",), ("beta",), ("beta", "other"), ("other",)):
        hook = msgspec.structs.replace(HOOK, brands=brands)
        hooked = msgspec.structs.replace(directory, webhooks={hook.id: hook})
        notices = derive_events(change, hooked, known={}, standing_of=lambda _: Standing())
        told[brands] = [msgspec.json.decode(notice.data)["brand"] for notice in notices]
    assert told == {
        (): ["acme"],
        ("acme",): ["acme"],
        ("beta",): ["beta"],
        ("beta", "other"): ["beta"],
        ("other",): [],
    }


def test_a_block_is_told_when_its_state_is_another() -> None:
    """One that was never there is open."""
    blocked = apply_pieces(Standing(), (block(),))
    assert told_of(block(), before=blocked) == []
    (lifted,) = told_of(block(BlockState.OPEN), before=blocked)
    assert isinstance(lifted.data, BlockData)
    assert lifted.data.state is BlockState.OPEN
    assert told_of(block(BlockState.OPEN)) == []


@pytest.mark.parametrize(("scope", "brand"), [("acme", "acme"), (EVERYTHING, None)])
def test_a_suppression_is_a_block_of_a_brand_or_of_everything(
    scope: str, brand: str | None
) -> None:
    """Told when it begins and when it ends."""
    made = Suppression(scope, Cause.AGENT, START, "ent_1")
    before = apply_pieces(Standing(), (made,))
    lifted = msgspec.structs.replace(made, active=False)
    (begins,) = told_of(made)
    (ends,) = told_of(lifted, before=before)
    assert (begins.brand, ends.brand) == (brand, brand)
    states = [
        (event.data.kind, event.data.state, event.data.layer)
        for event in (begins, ends)
        if isinstance(event.data, BlockData)
    ]
    kind = Obstacle.SUPPRESSION
    assert states == [(kind, BlockState.BLOCKED, None), (kind, BlockState.OPEN, None)]
    assert told_of(made, before=before) == []
    assert told_of(lifted) == []


def test_each_piece_has_an_id_of_its_own_and_what_is_nobodys_business_has_none() -> None:
    """The id is made from the entry's, so the same change gives the same id."""
    events = told_of(consent(), Tag(sms=True), block())
    assert [event.id for event in events] == ["evt_ent_1_00", "evt_ent_1_02"]


@dataclass
class Told:
    """A world with a webhook for everything, and what it was told."""

    world: World

    def notices(self) -> list[EventNotice]:
        """List the events, in the order they were made."""
        return [n for n in self.world.store.notices.values() if isinstance(n, EventNotice)]

    def types(self) -> list[str]:
        """List what they are."""
        return [str(notice.event) for notice in self.notices()]


def telling(*webhooks: Webhook) -> Told:
    """Make a world with these webhooks, or with one for everything."""
    known = {webhook.id: webhook for webhook in webhooks or (HOOK,)}
    return Told(World(directory=msgspec.structs.replace(DIRECTORY, webhooks=known)))


def test_a_first_text_and_a_stop_are_told() -> None:
    """As they come: the text with what was read in it, then what it changed."""
    told = telling()
    told.world.receive("hello")
    # The status is that of our own first answer.
    first = ["message.received", "message.status", "consent.granted"]
    assert told.types() == first
    told.world.receive("STOP")
    then = told.types()[len(first) :]
    assert (then[0], {"block.changed", "consent.revoked"} - {*then}) == ("message.received", set())
    data = msgspec.json.decode(told.notices()[len(first)].data)
    assert (data["carrier_word"], data["legal_meaning"]) == ("opt_out", "opt_out")
    assert data["text"] is None, "it stands with the message alone"
    for notice in told.notices():
        msgspec.json.decode(notice.data, type=DATA_OF[notice.event])


def test_the_way_of_a_text_is_told_step_by_step() -> None:
    """What is between us and the carrier is ours, as for every program."""
    told = telling(msgspec.structs.replace(HOOK, events=(EventType.MESSAGE_STATUS,)))
    told.world.receive("hello")
    sent = told.world.sent()
    told.world.report(sent, MessageStatus.DELIVERED)
    statuses = [msgspec.json.decode(notice.data)["status"] for notice in told.notices()]
    assert statuses[-3:] == ["queued", "sent", "delivered"]


def test_an_unclear_text_is_to_be_reviewed() -> None:
    """With the ids of the review, of the entry and of the message."""
    told = telling(msgspec.structs.replace(HOOK, events=(EventType.REVIEW_NEEDED,)))
    told.world.receive("who is this", TOLL_FREE)
    (notice,) = told.notices()
    data = msgspec.json.decode(notice.data)
    assert (data["sender"], data["brand"]) == (TOLL_FREE.number, "acme")
    assert data["review"] in told.world.store.reviews


def test_a_drift_is_told_when_it_is_found() -> None:
    """With how soon somebody should look; of a number that is not set up, of no brand."""
    drift = Drift(
        id="drf_1",
        key="SM1",
        recipient=PERSON,
        sender=LONG.number,
        carrier="twilio-1",
        carrier_kind="twilio",
        kind=DriftKind.MISSED_OPT_OUT,
        severity=Severity.CRITICAL,
        found_at=START,
        report="rec_1",
        carrier_says="It has a text.",
        we_say="We have none.",
    )
    event = event_of_drift(drift, DIRECTORY)
    assert (event.id, event.type, event.brand) == ("evt_drf_1", EventType.DRIFT_FOUND, "acme")
    assert isinstance(event.data, DriftData)
    assert (event.data.kind, event.data.severity) == (drift.kind, drift.severity)
    told = telling(msgspec.structs.replace(HOOK, events=(EventType.DRIFT_FOUND,)))
    change = Change(records=(drift,))
    settled = Change(records=(msgspec.structs.replace(drift, state=DriftState.DISMISSED),))
    for made, count in ((change, 1), (settled, 0)):
        events = derive_events(
            made, told.world.store.directory(), known={}, standing_of=told.world.standing
        )
        assert len(events) == count


def test_a_webhook_is_told_what_it_is_for() -> None:
    """Some events, some brands; one that a person switched off nothing at all."""
    replace = msgspec.structs.replace
    told = telling(
        replace(HOOK, id="whk_texts", events=(EventType.MESSAGE_RECEIVED,)),
        replace(HOOK, id="whk_other", brands=("other",)),
        replace(HOOK, id="whk_off", enabled=False),
        replace(HOOK, id="whk_broken", enabled=False, disabled_because="It is gone."),
    )
    told.world.receive("hello")
    kept = [(notice.webhook, str(notice.event), notice.given_up) for notice in told.notices()]
    assert kept == [
        ("whk_texts", "message.received", None),
        ("whk_broken", "message.received", "It is gone."),
        ("whk_broken", "message.status", "It is gone."),
        ("whk_broken", "consent.granted", "It is gone."),
    ]


def test_without_a_webhook_that_is_told_nothing_is_made() -> None:
    """Nor looked for."""
    told = telling(msgspec.structs.replace(HOOK, enabled=False))
    told.world.receive("STOP")
    assert told.notices() == []


def test_a_text_that_is_written_again_did_not_come_again() -> None:
    """And one that nobody read has no reading."""
    told = telling()
    told.world.receive("hello")
    (text,) = [m for m in told.world.store.messages.values() if m.direction is Direction.INBOUND]
    assert event_of_message(text, text, None, DIRECTORY) is None
    event = event_of_message(None, text, None, DIRECTORY)
    assert event is not None
    assert event.data.carrier_word is None  # type: ignore[union-attr]
    stranger = msgspec.structs.replace(text, sender="+19995550100")
    assert event_of_message(None, stranger, None, DIRECTORY).brand is None  # type: ignore[union-attr]


def test_a_notice_counts_its_tries_and_keeps_the_newest() -> None:
    """What is told anew begins anew, and what was tried stays told."""
    (event,) = told_of(consent())
    notice = notice_of_event(event, HOOK)
    assert (notice.id, notice.event_id, notice.subject) == (
        "evt_ent_1_00.whk_1",
        "evt_ent_1_00",
        "evt_ent_1_00.whk_1",
    )
    for number in range(25):
        notice = note_try(notice, Try(START, f"{number}", 500))
    assert (notice.attempts, len(notice.tries), notice.tries[-1].why) == (25, 20, "24")
    again = revive(msgspec.structs.replace(notice, given_up="24"), START)
    assert (again.attempts, again.given_up, again.replayed_at) == (0, None, START)
    assert again.tries == notice.tries


def test_every_event_has_a_shape() -> None:
    """And all but the test can be chosen."""
    assert set(DATA_OF) == set(EventType)
    assert {*CHOSEN_TYPES, EventType.TEST} == set(EventType)
