"""A key that is limited to brands: what it may do and see at the store, and that all else is no."""

import inspect
from typing import cast

import msgspec
import pytest

from action_world import KEY, World, statement
from consent_world import (
    DIRECTORY,
    FOREIGN,
    FOREIGN_PROMO,
    LONG,
    OTHER_PERSON,
    PERSON,
    PROMO,
    SECOND,
)
from consentry.actions.administer import SaveBrand
from consentry.actions.answer_review import AnswerReview
from consentry.actions.cancel_message import CancelMessage
from consentry.actions.limited_store import LimitedStore, limit_store
from consentry.actions.outgoing import Draft
from consentry.actions.record_consent import (
    GrantConsent,
    LiftSuppression,
    RevokeConsent,
    SuppressRecipient,
)
from consentry.actions.remove_message import RemoveMessage
from consentry.actions.request_consent import RequestConsent
from consentry.actions.send_message import Idempotency, RecordRefusal, RepeatAnswer, SendMessage
from consentry.domain.calls_to_action import CallMedium, CallToAction, Wording
from consentry.domain.directory import Brand, Sender
from consentry.domain.gate import Facts, Request, decide
from consentry.domain.keywords import read_legal
from consentry.domain.messages import Message, Removal
from consentry.domain.policy import Policy
from consentry.domain.review import ReviewAnswer, ReviewCase
from consentry.domain.standing import Unclear
from consentry.domain.templates import Template, WordingKind
from consentry.ports import (
    CarrierAccount,
    Command,
    ExpiringFilter,
    ExpiringPage,
    MessageFilter,
    Page,
    Rejected,
    ReviewFilter,
    Store,
)
from memory_store import START, MemoryStore

pytestmark = pytest.mark.unit


def case(number: int, sender: Sender) -> ReviewCase:
    """Make a review of a text to a sender."""
    held = Unclear(f"rev_{number}", f"msg_{number}", f"ent_{number}", START, read_legal("no"))
    return ReviewCase(held.id, PERSON, sender.number, held)


def call(name: str, program: str) -> CallToAction:
    """Make a call to action of a program."""
    return CallToAction(name, 1, program, CallMedium.WEB, "en", Wording(name), "", "", "", START)


CALLS = {"ours": call("ours", PROMO.id), "theirs": call("theirs", FOREIGN_PROMO.id)}


class Records(MemoryStore):
    """A store of two brands, with something of each in every list."""

    def __init__(self) -> None:
        super().__init__(msgspec.structs.replace(DIRECTORY, calls_to_action=CALLS))
        self.asked: list[object] = []

    async def read_messages(self, wanted: MessageFilter, page: Page) -> list[Message]:
        """List messages, newest first, as the port has it."""
        found = [m for m in self.messages.values() if wanted.sender == m.sender]
        return sorted(found, key=lambda m: m.id, reverse=True)[: page.limit]

    async def read_first_message_after(self, message_id: str) -> str | None:
        """Name the next id."""
        return f"{message_id}+"

    async def read_reviews(self, wanted: ReviewFilter, page: Page) -> list[ReviewCase]:
        """Note what was asked for."""
        self.asked.append((wanted, page))
        return []

    async def read_review(self, review_id: str) -> ReviewCase | None:
        """Find one of two."""
        return {"rev_1": case(1, LONG), "rev_2": case(2, FOREIGN)}.get(review_id)

    async def read_expiring(self, wanted: ExpiringFilter, page: Page) -> ExpiringPage:
        """Note what was asked for."""
        self.asked.append((wanted, page))
        return ExpiringPage([])

    async def read_carriers(self) -> list[CarrierAccount]:
        """List an account of ours, and one of nobody's sender."""
        return [account("twilio-1"), account("twilio-9")]

    async def read_templates(self) -> list[Template]:
        """List a wording of each brand."""
        return [
            Template(brand, brand, "Hello", WordingKind.MARKETING, "Hello", START, START)
            for brand in ("acme", "other")
        ]

    async def read_calls_to_action(self, call: str, page: Page) -> list[CallToAction]:
        """List the one version."""
        del page
        return [CALLS[call]]

    async def read_call_to_action(self, call: str, version: int) -> CallToAction | None:
        """Find the one version."""
        del version
        return CALLS[call]


def account(name: str) -> CarrierAccount:
    """Make a carrier account."""
    return CarrierAccount(name, "twilio", "AC1", "secret", "https://carrier.example")


def draft(sender: Sender = LONG, program: str | None = None) -> Draft:
    """Draft a text."""
    return Draft(PERSON, sender.number, "Hello", KEY, program=program)


@pytest.fixture
def records() -> Records:
    """Give a store in which both brands were texted."""
    world = World()
    world.store = Records()
    world.clock = world.store.clock
    world.receive("Hello")
    world.receive("Hello to the others", FOREIGN)
    world.receive("STOP", FOREIGN)
    world.receive("Hello", SECOND)
    return world.store


@pytest.fixture
def limited(records: Records) -> Store:
    """Give it as a key of Acme sees it."""
    return limit_store(cast("Store", records), ("acme",))


async def refusal_of(limited: Store, command: Command[object]) -> tuple[str, int]:
    """Submit what is refused; returns the code and the status."""
    with pytest.raises(Rejected) as refused:
        await limited.submit(command)
    return refused.value.code, refused.value.status


def test_every_method_of_the_store_is_decided_about(limited: Store) -> None:
    """What is not written for limited keys is closed to them, a new method too."""
    methods = {name for name, _ in inspect.getmembers(Store, inspect.isfunction) if name[0] != "_"}
    open_to_them = {name for name in vars(LimitedStore) if name[0] != "_"}
    assert open_to_them <= methods
    assert {
        "read_customers",
        "read_keys",
        "read_tallies",
        "read_opt_outs",
    } <= methods - open_to_them
    for name in sorted(methods - open_to_them):
        with pytest.raises(Rejected) as refused:
            getattr(limited, name)
        assert (refused.value.code, refused.value.status) == ("brand_limited", 403)
    with pytest.raises(AttributeError):
        _ = limited._anything  # type: ignore[attr-defined]  # noqa: SLF001 - there is none


async def test_the_gate_is_asked_for_ones_own_brand(limited: Store) -> None:
    """A sender of another brand is not known; one's own is answered as ever."""
    directory, standing = await limited.read_facts(PERSON)
    assert FOREIGN.number not in directory.senders
    assert [thread.sender for thread in standing.threads] == [LONG.number, SECOND.number]
    assert await limited.read_standing(PERSON) == standing
    assert await limited.read_facts_of([PERSON]) == (directory, [standing])
    theirs = decide(Request(PERSON, FOREIGN.number), Facts(directory, standing), Policy(), START)
    assert theirs.reason == "unknown_sender"


async def test_history_is_of_ones_own_brand(limited: Store, records: Records) -> None:
    """Pages are full as long as there is more, however much of others lies between."""
    seen = await limited.read_entries(PERSON, Page())
    assert {entry.sender for entry in seen} <= {LONG.number, SECOND.number, None}
    assert all("others" not in (entry.text or "") for entry in seen)
    first = await limited.read_entries(PERSON, Page(limit=1))
    assert first == seen[:1]
    world = World()
    world.store = records
    for _ in range(250):
        world.receive("Hello", FOREIGN)
    assert await limited.read_entries(PERSON, Page(limit=1)) == first
    world.receive("Hello again")
    newest, *_ = await limited.read_entries(PERSON, Page(limit=1))
    assert newest.text == "Hello again"
    assert await limited.read_audit(Page()) == []


async def test_texts_are_of_ones_own_senders(limited: Store, records: Records) -> None:
    """By id, by many ids, and listed over all senders, newest first."""
    by_sender = {m.sender: m.id for m in records.messages.values() if m.direction == "inbound"}
    assert await limited.read_message(by_sender[FOREIGN.number]) is None
    assert await limited.read_message(by_sender[LONG.number]) is not None
    listed = await limited.read_messages(MessageFilter(), Page())
    assert [m.id for m in listed] == sorted((m.id for m in listed), reverse=True)
    assert {m.sender for m in listed} == {LONG.number, SECOND.number}
    assert await limited.read_messages(MessageFilter(sender=FOREIGN.number), Page()) == []
    (newest,) = await limited.read_messages(MessageFilter(sender=LONG.number), Page(limit=1))
    assert newest.sender == LONG.number
    assert await limited.read_first_message_after("msg_1") == "msg_1+"


async def test_lists_of_what_is_to_be_done_are_narrowed(limited: Store, records: Records) -> None:
    """Reviews by sender, consents that run out by program."""
    await limited.read_reviews(ReviewFilter(), Page())
    await limited.read_expiring(ExpiringFilter(START, START), Page())
    wanted = ExpiringFilter(START, START, (FOREIGN_PROMO.id, PROMO.id))
    await limited.read_expiring(wanted, Page())
    (reviews, _), (every, _), (one, _) = cast("list[tuple[object, Page]]", records.asked)
    assert isinstance(reviews, ReviewFilter)
    assert reviews.senders is not None
    assert FOREIGN.number not in reviews.senders
    assert isinstance(every, ExpiringFilter)
    assert every.programs is not None
    assert {PROMO.id, LONG.conversation} <= set(every.programs)
    assert FOREIGN_PROMO.id not in every.programs
    assert isinstance(one, ExpiringFilter)
    assert one.programs == (PROMO.id,)
    assert await limited.read_review("rev_1") is not None
    assert await limited.read_review("rev_2") is None
    assert await limited.read_review("rev_3") is None


async def test_what_is_set_up_is_that_of_ones_own_brand(limited: Store) -> None:
    """Accounts that one's senders are with, wordings, calls to action; customers are nobody's."""
    assert [one.id for one in await limited.read_carriers()] == ["twilio-1"]
    assert [one.brand for one in await limited.read_templates()] == ["acme"]
    assert [one.id for one in await limited.read_calls_to_action("ours", Page())] == ["ours"]
    assert await limited.read_calls_to_action("theirs", Page()) == []
    assert await limited.read_call_to_action("ours", 1) is not None
    assert await limited.read_call_to_action("theirs", 1) is None
    assert await limited.read_profiles(PERSON) == []


async def test_commands_about_ones_own_brand_are_carried_out(
    limited: Store, records: Records
) -> None:
    """Send, ask again, record what people told, cancel and hide one's own texts."""
    sent = await limited.submit(SendMessage(draft(program=PROMO.id)))
    assert sent.message is None
    waiting = await limited.submit(SendMessage(draft()))
    assert waiting.message is not None
    await limited.submit(CancelMessage(waiting.message, PERSON, KEY))
    await limited.submit(RemoveMessage(waiting.message, PERSON, Removal.BODY, KEY))
    assert await limited.submit(RepeatAnswer(Idempotency("key_1", "once", "x"))) is None
    told = statement(recipient=OTHER_PERSON)
    await limited.submit(RevokeConsent(told, PROMO.id))
    await limited.submit(SuppressRecipient(told, "acme"))
    shown = RequestConsent(told, PROMO.id, call_to_action="ours/1", sender=LONG.number)
    with pytest.raises(Rejected):
        await limited.submit(shown)  # Asked for in order, and refused by the command itself.
    decision = decide(
        Request(PERSON, LONG.number),
        Facts(DIRECTORY, records.standing(PERSON)),
        Policy(),
        START,
    )
    limited.post(RecordRefusal(draft(), decision))


@pytest.mark.parametrize(
    ("command", "code", "status"),
    [
        (SendMessage(draft(FOREIGN)), "unknown_sender", 404),
        (SendMessage(draft(program=FOREIGN_PROMO.id)), "unknown_program", 404),
        (GrantConsent(statement(), FOREIGN_PROMO.id), "unknown_program", 404),
        (RevokeConsent(statement(), FOREIGN.conversation), "unknown_program", 404),
        (RequestConsent(statement(), FOREIGN_PROMO.id), "unknown_program", 404),
        (
            RequestConsent(statement(), PROMO.id, sender=FOREIGN.number),
            "sender_not_set_up",
            404,
        ),
        (
            RequestConsent(statement(), PROMO.id, call_to_action="theirs"),
            "unknown_call_to_action",
            404,
        ),
        (SuppressRecipient(statement(), "other"), "unknown_brand", 404),
        (SuppressRecipient(statement()), "brand_limited", 403),
        (LiftSuppression(statement(), "other"), "not_found", 404),
        (AnswerReview(case(2, FOREIGN), ReviewAnswer.KEEP, KEY), "not_found", 404),
        (CancelMessage("msg_9", PERSON, KEY), "not_found", 404),
        (SaveBrand(Brand("acme", "Acme")), "brand_limited", 403),
    ],
    ids=lambda value: type(value).__name__,
)
async def test_a_command_about_another_brand_is_refused_as_if_there_were_none(
    limited: Store, command: Command[object], code: str, status: int
) -> None:
    """What is another brand's does not exist; what is of every brand is not for this key."""
    assert await refusal_of(limited, command) == (code, status)


async def test_a_review_of_ones_own_is_answered(limited: Store) -> None:
    """It comes to the store, which here does not have it."""
    with pytest.raises(Rejected) as refused:
        await limited.submit(AnswerReview(case(1, LONG), ReviewAnswer.KEEP, KEY))
    assert "List what there is" not in str(refused.value)


def test_nothing_is_posted_but_refused_attempts(limited: Store) -> None:
    """What nobody waits for is not for a limited key to have done."""
    with pytest.raises(Rejected):
        limited.post(SaveBrand(Brand("acme", "Acme")))
