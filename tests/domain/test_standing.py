"""The standing and its fold."""

from datetime import timedelta

import msgspec
import pytest

from consent_world import LONG, minute
from consentry.domain.directory import conversation_program
from consentry.domain.entries import Actor, ActorKind, Entry, EntryKind, fold
from consentry.domain.reading import BlockLayer
from consentry.domain.standing import (
    Block,
    BlockState,
    Cause,
    Consent,
    ConsentLevel,
    ConsentState,
    Piece,
    Place,
    SMSPreference,
    Standing,
    Suppression,
    Tag,
    Thread,
    apply_pieces,
)
from memory_store import START

pytestmark = pytest.mark.unit


def block(
    scope: str = "a", layer: BlockLayer = BlockLayer.OURS, state: BlockState = BlockState.BLOCKED
) -> Block:
    """A block that a keyword set."""
    return Block(scope, layer, state, Cause.KEYWORD, START, START, "ent")


def consent(
    program: str = "p", state: ConsentState = ConsentState.ACTIVE, *, by_person: bool = True
) -> Consent:
    """A consent of the weakest level."""
    level = ConsentLevel.IMPLIED
    return Consent(program, state, level, START, START, "ent", by_person=by_person)


PIECES: tuple[Piece, ...] = (
    block(),
    block("a", BlockLayer.PROVIDER),
    block("b"),
    consent(),
    consent("q"),
    Suppression("*", Cause.AGENT, START, "ent"),
    Suppression("acme", Cause.AGENT, START, "ent"),
    Thread("a", last_inbound_at=START),
    Thread("b", last_inbound_at=START),
    Tag(sms=True),
)


def test_every_piece_is_kept_beside_the_others() -> None:
    """Blocks are told apart by scope and layer, the rest by program, scope or sender."""
    standing = apply_pieces(Standing(), PIECES)
    assert standing.block("a", BlockLayer.OURS) == PIECES[0]
    assert standing.block("a", BlockLayer.PROVIDER) == PIECES[1]
    assert standing.block("b", BlockLayer.OURS) == PIECES[2]
    assert standing.consent("p") == PIECES[3]
    assert standing.consent("q") == PIECES[4]
    assert standing.suppression("*") == PIECES[5]
    assert standing.suppression("acme") == PIECES[6]
    assert standing.thread("a") == PIECES[7]
    assert standing.thread("b") == PIECES[8]
    assert standing.sms_tag


def test_a_piece_takes_the_place_of_the_one_before() -> None:
    """Applying a piece a second time changes nothing; a changed one replaces it."""
    standing = apply_pieces(Standing(), PIECES)
    again = apply_pieces(standing, PIECES)
    assert (again, len(again.blocks), len(again.consents)) == (standing, 3, 2)
    opened = apply_pieces(standing, (block(state=BlockState.OPEN),))
    assert opened.block("a", BlockLayer.OURS) == block(state=BlockState.OPEN)
    assert len(opened.blocks) == 3
    assert not apply_pieces(standing, (Tag(sms=False),)).sms_tag


def test_a_place_is_kept_until_it_is_taken_back() -> None:
    """The newest place stands; one without a zone and a postal code takes it back."""
    placed = apply_pieces(Standing(), (Place(zone="America/Denver", since=START, entry="ent"),))
    assert placed.place == Place(zone="America/Denver", since=START, entry="ent")
    moved = apply_pieces(placed, (Place(postal_code="94103"), Tag(sms=True)))
    assert moved.place == Place(postal_code="94103")
    assert apply_pieces(moved, (Place(since=START),)).place is None


def test_what_never_was_is_none_or_empty() -> None:
    """A number that was never seen has no block, consent or suppression, and an empty thread."""
    standing = Standing()
    assert standing.block("a", BlockLayer.OURS) is None
    assert standing.consent("p") is None
    assert standing.suppression("*") is None
    assert standing.thread("a") == Thread("a")
    assert standing.sms_preference is SMSPreference.OFF


def test_a_standing_survives_json() -> None:
    """A standing is stored as JSON and read back as the same value."""
    standing = apply_pieces(Standing(), PIECES)
    assert msgspec.json.decode(msgspec.json.encode(standing), type=Standing) == standing


@pytest.mark.parametrize(
    ("piece", "preference"),
    [
        (Tag(sms=True), SMSPreference.ON),
        (block(), SMSPreference.FORBIDDEN),
        (block(state=BlockState.OPEN), SMSPreference.ON),
        (block(state=BlockState.UNKNOWN), SMSPreference.ON),
        (Suppression("*", Cause.AGENT, START, "ent"), SMSPreference.FORBIDDEN),
        (Suppression("*", Cause.AGENT, START, "ent", active=False), SMSPreference.ON),
        (consent(LONG.conversation, ConsentState.REVOKED), SMSPreference.FORBIDDEN),
        (consent(LONG.conversation, ConsentState.PENDING_CARRIER), SMSPreference.FORBIDDEN),
        (consent("promo", ConsentState.REVOKED), SMSPreference.ON),
    ],
)
def test_forbidden_while_an_opt_out_stands(piece: Piece, preference: SMSPreference) -> None:
    """A block, a suppression or a withdrawn conversation forbids; a lost program does not."""
    assert apply_pieces(Standing(sms_tag=True), (piece,)).sms_preference is preference


def test_a_grant_that_waits_for_the_carrier_does_not_end_a_withdrawal() -> None:
    """Pending for the carrier is withdrawn only where the person's own word is behind it."""
    assert consent(state=ConsentState.PENDING_CARRIER).is_withdrawn
    assert not consent(state=ConsentState.PENDING_CARRIER, by_person=False).is_withdrawn
    assert consent(state=ConsentState.REVOKED, by_person=False).is_withdrawn
    assert not consent(state=ConsentState.PENDING).is_withdrawn


def test_an_active_consent_ends_when_it_expires() -> None:
    """At its end a consent is over; one without an end never is."""
    ending = msgspec.structs.replace(consent(), expires_at=minute(5))
    assert ending.is_active(minute(5) - timedelta(microseconds=1))
    assert not ending.is_active(minute(5))
    assert consent().is_active(minute(500_000))
    assert not consent(state=ConsentState.PENDING).is_active(START)


def test_a_suppression_counts_from_when_it_was_last_told() -> None:
    """A later telling moves the time that a word of the person must beat."""
    listed = Suppression("*", Cause.AGENT, START, "ent")
    assert listed.told_at == START
    assert msgspec.structs.replace(listed, changed_at=minute(3)).told_at == minute(3)


def test_folding_entries_gives_the_standing() -> None:
    """The standing is the fold of the entries, oldest first; one without pieces changes nothing."""
    actor = Actor(ActorKind.SYSTEM)
    entries = [
        Entry(str(count), "+1", EntryKind.OPTED_OUT, START, START, actor, pieces=pieces)
        for count, pieces in enumerate([PIECES[:1], (), (block(state=BlockState.OPEN),)])
    ]
    assert fold(entries[:1]).blocks == (block(),)
    assert fold(entries).blocks == (block(state=BlockState.OPEN),)
    assert fold([]) == Standing()


def test_every_sender_has_its_conversation() -> None:
    """The conversation with a sender is named after its number."""
    assert LONG.conversation == conversation_program(LONG.number) == "conversation:+14155550100"
