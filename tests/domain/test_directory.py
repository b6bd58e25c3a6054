"""The company's side: senders, brands, programs, and what follows from how they are set up."""

import msgspec
import pytest

from consent_world import DIRECTORY, FOREIGN, LONG, NEWS, PROMO, SENDERS, SERVICE_A, SHORT
from consentry.domain.directory import Program, Purpose
from consentry.domain.entries import Actor, ActorKind
from consentry.domain.messages import RANK, Direction, Message, MessageStatus, request_of
from consentry.domain.policy import Policy, RevocationReach
from consentry.domain.reading import BlockLayer
from memory_store import START

pytestmark = pytest.mark.unit


def test_only_the_provider_blocks_a_whole_service() -> None:
    """In a messaging service the provider's block covers the service, all else one number."""
    assert SERVICE_A.scope_of(BlockLayer.PROVIDER) == "MG1"
    assert SERVICE_A.scope_of(BlockLayer.OURS) == SERVICE_A.number
    assert SERVICE_A.scope_of(BlockLayer.NETWORK) == SERVICE_A.number
    assert LONG.scope_of(BlockLayer.PROVIDER) == LONG.number


def test_programs_are_found_stored_or_built_in() -> None:
    """A stored program is found by its id, a conversation by its sender, and nothing else is."""
    assert DIRECTORY.program("promo") is PROMO
    conversation = DIRECTORY.program(LONG.conversation)
    assert conversation is not None
    assert (conversation.brand, conversation.purpose, conversation.sender) == (
        "acme",
        Purpose.CONVERSATIONAL,
        LONG.number,
    )
    assert conversation.is_conversation
    assert not PROMO.is_conversation
    assert DIRECTORY.program("conversation:+19995550100") is None
    assert DIRECTORY.program("nothing") is None
    assert DIRECTORY.program(LONG.number) is None


def test_a_stored_program_cannot_pass_for_a_conversation() -> None:
    """Implied consent to a conversation never carries a program stored under the same id."""
    posing = Program(LONG.conversation, "acme", Purpose.MARKETING, "Deals")
    directory = msgspec.structs.replace(DIRECTORY, programs={posing.id: posing})
    found = directory.program(LONG.conversation)
    assert found is not None
    assert found.purpose is Purpose.CONVERSATIONAL


def test_a_program_texts_over_the_senders_of_its_brand() -> None:
    """A conversation has one sender, a program those of its brand or the one it names."""
    conversation = DIRECTORY.program(SHORT.conversation)
    assert conversation is not None
    assert DIRECTORY.senders_of(conversation) == (SHORT,)
    assert DIRECTORY.senders_of(NEWS) == tuple(s for s in SENDERS if s is not FOREIGN)
    bound = msgspec.structs.replace(NEWS, sender=LONG.number)
    assert DIRECTORY.senders_of(bound) == (LONG,)


def test_a_sender_knows_its_brand() -> None:
    """A sender is never without a brand."""
    assert DIRECTORY.brand_of(FOREIGN).name == "Other"


def test_a_policy_is_named_by_what_decides() -> None:
    """Two policies alike have one version; each setting a decision depends on changes it."""
    base = Policy()
    assert base.version == Policy().version
    others = [
        Policy(revocation_reach=RevocationReach.ALL),
        Policy(conversation_window_hours=25),
        Policy(confirmation_deadline_seconds=299),
        Policy(body_characters_max=1599),
        Policy(scope_question=True),
    ]
    assert len({base.version, *(policy.version for policy in others)}) == 6
    assert Policy(refusal_burst_count=1).version == base.version


@pytest.mark.parametrize("seconds", [301, -1])
def test_a_policy_cannot_stretch_the_five_minutes(seconds: int) -> None:
    """A confirmation later than five minutes is against the law, whatever the operator sets."""
    with pytest.raises(ValueError, match=f"confirmation_deadline_seconds is {seconds}"):
        Policy(confirmation_deadline_seconds=seconds)
    assert Policy(confirmation_deadline_seconds=300).confirmation_deadline_seconds == 300


def test_every_status_has_a_rank_and_the_end_outranks_the_way() -> None:
    """Receipts in any order: delivered and read are never overtaken by what came before them."""
    assert set(RANK) == set(MessageStatus)
    order = [MessageStatus.QUEUED, MessageStatus.SENDING, MessageStatus.SENT]
    order += [MessageStatus.FAILED, MessageStatus.DELIVERED, MessageStatus.READ]
    assert [RANK[status] for status in order] == sorted({RANK[status] for status in order})


def test_a_stored_message_is_asked_about_as_it_was_accepted() -> None:
    """The second gate sees the purpose, program, door, kind, body and size of the message."""
    message = Message(
        id="msg",
        recipient="+14155550142",
        sender=LONG.number,
        direction=Direction.OUTBOUND,
        status=MessageStatus.QUEUED,
        body="Hello",
        created_at=START,
        updated_at=START,
        actor=Actor(ActorKind.KEY, "key"),
        media=("https://x.example/1.png",),
        purpose=Purpose.MARKETING,
        program="promo",
    )
    request = request_of(message)
    assert (request.recipient, request.sender) == ("+14155550142", LONG.number)
    assert (request.purpose, request.program) == (Purpose.MARKETING, "promo")
    assert (request.body, request.media, request.segments) == ("Hello", 1, 1)
    assert (request.door, request.kind) == (message.door, message.kind)
