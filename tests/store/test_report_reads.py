"""What reports and the audit read: tallies, the stories of opt-outs, filtered entries."""

from datetime import UTC, date, datetime, timedelta

import pytest
from store_world import (
    ANN,
    BOB,
    OTHER_SENDER,
    SENDER,
    START,
    entry,
    inbound,
    message,
    submit_together,
    tagged,
    write,
)

from consentry.domain.entries import NOBODY, Actor, ActorKind, Entry, EntryKind
from consentry.domain.messages import MessageStatus
from consentry.domain.reading import (
    BlockLayer,
    CarrierReading,
    CarrierWord,
    LegalMeaning,
    LegalReading,
    Tier,
)
from consentry.domain.standing import EVERYTHING, Block, BlockState, Cause, Suppression
from consentry.ports import Change, EntryFilter, OptOutStory, Page, Store, Tally

pytestmark = pytest.mark.integration

TODAY = START.date()
HEARD = CarrierReading(CarrierWord.OPT_OUT, (BlockLayer.PROVIDER,), True, None, None, "1")
UNHEARD = CarrierReading(CarrierWord.NONE, (), False, None, None, "1")


def meant(meaning: LegalMeaning, tier: Tier = Tier.PHRASE) -> LegalReading:
    """Read what was meant."""
    return LegalReading(meaning, tier, None, "1")


def opted_out(number: int, recipient: str = ANN, **fields: object) -> Entry:
    """Make an opt-out by text."""
    return entry(number, recipient, **({"kind": EntryKind.OPTED_OUT} | fields))


async def test_entries_are_counted_by_day_kind_and_reason(store: Store) -> None:
    """As they are written, in one batch or several, of all senders or some; days are of UTC."""
    refused = {"kind": EntryKind.SEND_REFUSED, "reason": "opted_out"}
    midnight = datetime(2026, 11, 24, tzinfo=UTC)
    written = (
        entry(1, **refused),
        entry(2, BOB, **refused),
        entry(3, sender=OTHER_SENDER, **refused),
        entry(4, sender=None, recorded_at=midnight - timedelta(microseconds=1)),
        entry(5, sender=None, recorded_at=midnight),
    )
    await submit_together(store, *(write(Change(entries=(made,))) for made in written[:2]))
    await store.submit(write(Change(entries=written[2:])))
    kind = EntryKind.SEND_REFUSED
    first = [
        Tally(TODAY, EntryKind.OPTED_IN, "", 1),
        Tally(TODAY, kind, "opted_out", 3),
    ]
    last = Tally(midnight.date(), EntryKind.OPTED_IN, "", 1)
    assert await store.read_tallies(TODAY, TODAY) == first
    assert await store.read_tallies(date(2000, 1, 1), date(2100, 1, 1)) == [*first, last]
    assert await store.read_tallies(TODAY, TODAY, senders=(OTHER_SENDER,)) == [
        Tally(TODAY, kind, "opted_out", 1)
    ]
    assert await store.read_tallies(midnight.date(), TODAY) == []


BLOCK = Block(SENDER, BlockLayer.OURS, BlockState.BLOCKED, Cause.CARRIER_REFUSAL, START, START, "e")
LISTED = Suppression(EVERYTHING, Cause.IMPORT, START, "ent_1")
LIFTED = Suppression(EVERYTHING, Cause.IMPORT, START, "ent_1", active=False)


@pytest.mark.parametrize(
    ("made", "reason"),
    [
        (opted_out(1, carrier_reading=HEARD), "keyword"),
        (
            opted_out(
                1,
                carrier_reading=UNHEARD,
                legal_reading=meant(LegalMeaning.OPT_OUT, Tier.KEYWORD),
            ),
            "keyword",
        ),
        (opted_out(1, legal_reading=meant(LegalMeaning.OPT_OUT)), "free_text"),
        (opted_out(1, legal_reading=meant(LegalMeaning.WRONG_NUMBER)), "wrong_number"),
        (opted_out(1), ""),
        (entry(1, ANN, LISTED, kind=EntryKind.SUPPRESSED), "import"),
        (entry(1, ANN, LIFTED, kind=EntryKind.SUPPRESSED), ""),
        (entry(1, ANN, BLOCK, kind=EntryKind.CARRIER_REFUSED, reason="21610"), "carrier_refusal"),
        (entry(1, kind=EntryKind.CARRIER_REFUSED, reason="refusal_burst"), ""),
        (entry(1, ANN, LISTED, kind=EntryKind.REVIEW_ANSWERED, reason="opt_out"), "import"),
        (entry(1, kind=EntryKind.REVIEW_ANSWERED, reason="keep"), ""),
        (entry(1, kind=EntryKind.SEND_REFUSED), ""),
        (entry(1, ANN, LISTED, kind=EntryKind.NOTE_ADDED, reason="a note"), ""),
    ],
)
async def test_an_opt_out_is_counted_by_its_cause(store: Store, made: Entry, reason: str) -> None:
    """The word itself tells, or what was written; what is no opt-out and no refusal has none."""
    await store.submit(write(Change(entries=(made,))))
    assert await store.read_tallies(TODAY, TODAY) == [Tally(TODAY, made.kind, reason, 1)]


async def test_a_command_that_fails_counts_nothing(store: Store) -> None:
    """Tallies and entries are one transaction."""
    await store.submit(write(Change(entries=(tagged(1),))))
    await submit_together(store, write(Change(entries=(tagged(1),))), write(Change()))
    (tally,) = await store.read_tallies(TODAY, TODAY)
    assert tally.count == 1


async def test_an_opt_out_comes_with_what_we_sent_before_it(store: Store) -> None:
    """Our last text over the same sender that went out before theirs, not the one after."""
    sent = MessageStatus.SENT
    messages = (
        message(1, status=sent),
        message(2, status=sent),
        message(3, status=MessageStatus.CANCELED),
        message(4, status=sent, sender=OTHER_SENDER),
        message(5, BOB, status=sent),
        inbound(6, "SM6", created_at=START + timedelta(seconds=3)),
        message(7, status=sent),
        inbound(8, "SM8", BOB, sender=OTHER_SENDER),
    )
    await store.submit(write(Change(messages=messages)))
    ann = opted_out(1, message="msg_00006")
    bob = opted_out(2, BOB, message="msg_00008", sender=OTHER_SENDER)
    unknown = opted_out(3, message="msg_99999")
    await store.submit(write(Change(entries=(ann, bob, unknown, tagged(4)))))
    told = [OptOutStory(bob, START), OptOutStory(ann, messages[5].created_at, messages[1])]
    assert await store.read_opt_out_stories(START, 10) == told
    assert await store.read_opt_out_stories(START, 2) == told[:1]
    assert await store.read_opt_out_stories(ann.recorded_at, 10) == told
    assert await store.read_opt_out_stories(bob.recorded_at, 10) == told[:1]
    assert await store.read_opt_out_stories(START, 10, until=ann.recorded_at) == told[1:]
    assert await store.read_opt_out_stories(START, 10, senders=(SENDER,)) == told[1:]


async def test_the_audit_lists_what_was_done_by_hand(store: Store) -> None:
    """Of all recipients and of none, newest first, page by page, of one agent, of some kinds."""
    kim, lee = Actor(ActorKind.AGENT, "agt_1"), Actor(ActorKind.AGENT, "agt_2")
    key = Actor(ActorKind.KEY, "agt_1")
    entries = (
        entry(1, NOBODY, kind=EntryKind.SIGNED_IN, actor=kim),
        entry(2, kind=EntryKind.OPTED_OUT),
        entry(3, kind=EntryKind.CUSTOMER_VIEWED, actor=kim),
        entry(4, BOB, kind=EntryKind.SUPPRESSED, actor=lee),
        entry(5, BOB, kind=EntryKind.NOTE_ADDED, actor=kim),
        entry(6, kind=EntryKind.CONSENT_GRANTED, actor=key),
        entry(7, kind=EntryKind.SUPPRESSED, actor=Actor(ActorKind.IMPORT, "imp_1")),
    )
    await store.submit(write(Change(entries=entries)))

    async def numbers(page: Page, agent: str | None = None) -> str:
        return "".join(e.id[-1] for e in await store.read_audit(page, agent=agent))

    assert await numbers(Page()) == "65431"
    assert await numbers(Page(limit=2)) == "65"
    assert await numbers(Page(limit=2, before="ent_00005")) == "43"
    assert await numbers(Page(), "agt_1") == "531"
    assert await numbers(Page(limit=1, before="ent_00005"), "agt_1") == "3"
    some = (EntryKind.SUPPRESSED, EntryKind.NOTE_ADDED)
    assert [e.id[-1] for e in await store.read_audit(Page(), kinds=some)] == ["5", "4"]
    assert [e.id[-1] for e in await store.read_audit(Page(), agent="agt_1", kinds=some)] == ["5"]
    assert await numbers(Page(), "agt_3") == ""
    assert await numbers(Page(before="ent_unknown")) == ""


async def test_entries_can_be_listed_by_kind_and_sender(store: Store) -> None:
    """An entry about no sender passes every sender's filter; both filters and the page combine."""
    entries = (
        entry(1, kind=EntryKind.OPTED_OUT),
        entry(2, kind=EntryKind.NOTE_ADDED, sender=None),
        entry(3, kind=EntryKind.OPTED_OUT, sender=OTHER_SENDER),
        entry(4, kind=EntryKind.OPTED_IN),
    )
    await store.submit(write(Change(entries=entries)))

    async def numbers(wanted: EntryFilter, before: str | None = None) -> str:
        page = Page(before=before)
        return "".join(e.id[-1] for e in await store.read_entries(ANN, page, wanted=wanted))

    kinds = (EntryKind.OPTED_OUT, EntryKind.NOTE_ADDED)
    assert await numbers(EntryFilter()) == "4321"
    assert await numbers(EntryFilter(kinds=kinds)) == "321"
    assert await numbers(EntryFilter(senders=(SENDER,))) == "421"
    assert await numbers(EntryFilter(senders=())) == "2"
    assert await numbers(EntryFilter(kinds=())) == ""
    assert await numbers(EntryFilter(kinds=kinds, senders=(OTHER_SENDER,))) == "32"
    assert await numbers(EntryFilter(kinds=kinds), "ent_00003") == "21"


async def test_messages_are_found_by_their_ids(store: Store) -> None:
    """Those that are not there are left out."""
    await store.submit(write(Change(messages=(message(1), message(2)))))
    found = await store.read_messages_by_id(["msg_00002", "msg_00009", "msg_00002"])
    assert found == {"msg_00002": message(2)}
    assert await store.read_messages_by_id([]) == {}
