"""A program is told what happened, and what it answers passes the gate."""

from datetime import datetime, timedelta

import msgspec
import pytest

from action_world import CARRIER, World
from consent_world import DIRECTORY, LONG, OTHER_PERSON, PERSON, SECOND, SERVICE_A, SHORT
from consentry.actions.administer import SaveKey, SaveSender
from consentry.actions.find_account import AccountRing
from consentry.actions.find_key import KeyRing
from consentry.actions.find_signer import Signer, Signers
from consentry.actions.make_key import ACCOUNT_BYTES, make_account
from consentry.actions.outgoing import Draft
from consentry.actions.receive_message import KEYWORD_ANSWERED, ReceiveMessage
from consentry.actions.send_message import SendMessage
from consentry.actions.tell_program import (
    OTHER_SENDER,
    RESTORED,
    AnswerTaken,
    HoldAnswers,
    NoteTold,
    NoteUntold,
    TakeAnswer,
    next_try,
)
from consentry.domain.directory import Sender
from consentry.domain.entries import Actor, ActorKind, EntryKind
from consentry.domain.gate import Door
from consentry.domain.messages import Callback, MessageStatus
from consentry.domain.notices import (
    ANSWER_WITHIN,
    TOO_LATE,
    NoticeKind,
    ReceivedNotice,
    StatusNotice,
    Try,
)
from consentry.ports import CarrierAccount, InboundText, Rejected, Scope, Untold
from consentry.wire.twiml import AskedText
from consentry.wire.webhook_address import RetryCause
from memory_store import START

pytestmark = pytest.mark.unit

URL = "http://127.0.0.1:9/sms"
ACCOUNT = "AC" + "1" * 32


def with_program(sender: Sender = LONG, account: str | None = ACCOUNT) -> Sender:
    """Give a sender a program that is told of its texts."""
    return msgspec.structs.replace(sender, inbound_url=URL, inbound_account=account)


def make_world(sender: Sender = LONG, account: str | None = ACCOUNT) -> World:
    """Make a world in which a sender has a program."""
    senders = {**DIRECTORY.senders, sender.number: with_program(sender, account)}
    return World(directory=msgspec.structs.replace(DIRECTORY, senders=senders))


def asked(*bodies: str) -> tuple[AskedText, ...]:
    """Ask for plain texts."""
    return tuple(map(AskedText, bodies))


def told_of(world: World) -> ReceivedNotice:
    """Find the newest notice."""
    newest = list(world.store.notices.values())[-1]
    assert isinstance(newest, ReceivedNotice)
    return newest


# --- Texts that come in ---------------------------------------------------------------------


def test_a_text_is_passed_on_where_the_sender_has_a_program() -> None:
    """Words and account as they are set up; of other senders nobody is told."""
    world = make_world(SERVICE_A)
    world.receive("hello", LONG)
    assert world.store.notices == {}
    received = world.receive("hello", SERVICE_A)
    notice = told_of(world)
    assert notice.kind is NoticeKind.RECEIVED
    assert notice.callback == Callback(URL, ACCOUNT)
    assert notice.message == world.message(received.message)
    assert (notice.message.service, notice.no_answer, notice.opt_out_type) == ("MG1", None, None)


def test_the_types_of_pictures_are_passed_on() -> None:
    """A program that takes pictures alone goes by them."""
    world = make_world()
    picture = InboundText(
        "SM1", PERSON, LONG.number, "", media=("https://a.example/1",), media_types=("image/png",)
    )
    world.store.run(ReceiveMessage(CARRIER, "twilio", picture, START))
    assert told_of(world).media_types == ("image/png",)


def test_a_text_that_comes_twice_is_passed_on_once() -> None:
    """A repeat of the carrier's changes nothing, here neither."""
    world = make_world()
    world.receive("hello", known_as="SM1")
    world.receive("hello", known_as="SM1")
    assert len(world.store.notices) == 1


@pytest.mark.parametrize("word", ["STOP", "START", "HELP", "stopall"])
def test_keywords_are_passed_on_as_answered(word: str) -> None:
    """As carriers do: the program hears of them, and that it is not asked."""
    world = make_world()
    world.receive(word, opt_out_type="STOP" if word == "STOP" else None)
    notice = told_of(world)
    assert notice.no_answer == KEYWORD_ANSWERED
    assert notice.opt_out_type == ("STOP" if word == "STOP" else None)


def test_keywords_that_we_answer_are_answered_too() -> None:
    """On a short code it is us; the first greeting is no such answer."""
    world = make_world(SHORT)
    world.receive("hello", SHORT)
    assert told_of(world).no_answer is None
    world.receive("HELP", SHORT)
    assert told_of(world).no_answer == KEYWORD_ANSWERED


@pytest.mark.parametrize(
    ("url", "why"),
    [("shop.example/sms", "not an http"), ("http://shop.example#rc=9", "rc=9 must be 0 to 5")],
)
def test_an_address_that_cannot_be_called_is_refused(url: str, why: str) -> None:
    """When it is set up, not when the first text comes."""
    world = World()
    sender = msgspec.structs.replace(LONG, inbound_url=url)
    with pytest.raises(Rejected, match=why) as refused:
        world.store.run(SaveSender(sender))
    assert refused.value.code == "invalid_inbound_url"
    world.store.run(SaveSender(with_program()))


@pytest.mark.parametrize("what", ["inbound", "status"])
def test_the_servers_own_address_is_no_programs(what: str) -> None:
    """It stands beside the program's on every page: pasted there, texts would come in for ever."""
    url = f"https://sms.example.org/carriers/{LONG.carrier}/{what}#rc=5&rp=ct,rt,5xx"
    with pytest.raises(Rejected, match="your own program") as refused:
        World().store.run(SaveSender(msgspec.structs.replace(LONG, inbound_url=url)))
    assert refused.value.code == "invalid_inbound_url"


# --- What the program answers ---------------------------------------------------------------


def test_an_answer_is_sent_through_the_gate_and_ends_the_notice() -> None:
    """As the program's own conversational texts, in order."""
    world = make_world()
    world.receive("hello")
    notice = told_of(world)
    taken = world.store.run(TakeAnswer(notice, asked("one", "two")))
    assert [world.message(sent).body for sent in taken.queued] == ["one", "two"]
    first = world.message(taken.queued[0])
    assert (first.sender, first.recipient, first.door) == (LONG.number, PERSON, Door.API)
    assert first.actor == Actor(ActorKind.KEY, ACCOUNT)
    assert (taken.refused, world.store.notices) == (0, {})


def test_an_answer_is_taken_once() -> None:
    """After a crash the program is told again, and what it answers then is not sent again."""
    world = make_world()
    world.receive("hello")
    notice = told_of(world)
    world.store.run(TakeAnswer(notice, asked("one")))
    assert world.store.run(TakeAnswer(notice, asked("one"))) == AnswerTaken()
    assert [m.body for m in world.store.messages.values()].count("one") == 1


def test_after_a_stop_the_answer_is_refused_and_kept() -> None:
    """Also the answer to the text before the STOP, which came late."""
    world = make_world()
    world.receive("hello")
    before = told_of(world)
    world.receive("STOP")
    for notice in (before, told_of(world)):
        assert world.store.run(TakeAnswer(notice, asked("come back"))) == AnswerTaken(refused=1)
        entry = world.last_entry(EntryKind.SEND_REFUSED)
        assert (entry.reason, entry.text, entry.decision is None) == (
            "opted_out",
            "come back",
            False,
        )
    assert world.store.notices == {}


@pytest.mark.parametrize("word", ["START", "HELP"])
def test_a_keyword_that_the_carrier_answers_gets_no_second_answer(word: str) -> None:
    """Though the gate would let it go; the attempt is kept with the reason."""
    world = make_world()
    world.receive("hello")
    world.receive(word)
    taken = world.store.run(TakeAnswer(told_of(world), asked("welcome", "back")))
    assert taken == AnswerTaken(refused=2)
    entry = world.last_entry(EntryKind.SEND_REFUSED)
    assert (entry.reason, entry.decision, entry.request) == (KEYWORD_ANSWERED, None, None)
    assert [m.body for m in world.store.messages.values() if m.body in {"welcome", "back"}] == []


def test_an_answer_that_comes_too_late_is_none() -> None:
    """A program that was away for hours answers what the person has forgotten."""
    world = make_world()
    world.receive("hello")
    notice = told_of(world)
    world.clock.advance(seconds=ANSWER_WITHIN.total_seconds() + 1)
    assert world.store.run(TakeAnswer(notice, asked("late"))) == AnswerTaken(refused=1)
    assert world.last_entry(EntryKind.SEND_REFUSED).reason == TOO_LATE


def test_a_text_that_comes_late_is_told_and_not_answered() -> None:
    """By the carrier's time: one that was missed and taken in later is no conversation any more."""
    world = make_world()
    world.receive("hello", sent_at=START - ANSWER_WITHIN)
    assert told_of(world).no_answer is None
    world.receive("hello again", sent_at=START - ANSWER_WITHIN - timedelta(seconds=1))
    assert told_of(world).no_answer == TOO_LATE


def test_after_a_restore_nothing_is_answered() -> None:
    """The program is told, and may have been before; what became of texts is told as ever."""
    world = make_world()
    world.receive("hello")
    world.receive("HELP")
    text, keyword = world.store.notices.values()
    status = StatusNotice(id="status", made_at=START, callback=text.callback, message=text.message)
    assert world.store.run(HoldAnswers((text, keyword, status))) == 1
    held = world.store.notices[text.id]
    assert held == msgspec.structs.replace(text, no_answer=RESTORED)
    assert world.store.run(TakeAnswer(held, asked("again"))) == AnswerTaken(refused=1)
    assert world.last_entry(EntryKind.SEND_REFUSED).reason == RESTORED


def test_an_answer_may_have_pictures_and_a_callback() -> None:
    """Its status is told to the address it names, signed by the same account."""
    world = make_world()
    world.receive("hello")
    text = AskedText("look", ("https://a.example/a.png",), callback_url="https://a.example/status")
    taken = world.store.run(TakeAnswer(told_of(world), (text,)))
    sent = world.message(taken.queued[0])
    assert sent.media == ("https://a.example/a.png",)
    assert sent.callback == Callback("https://a.example/status", ACCOUNT)


def test_an_answer_may_go_to_somebody_else() -> None:
    """To a number it names, if that person consents; also about a keyword, which it answers not."""
    world = make_world()
    world.receive("hello", recipient=OTHER_PERSON)
    world.receive("hello")
    forward = AskedText("They wrote", to=OTHER_PERSON, from_number=LONG.number)
    taken = world.store.run(TakeAnswer(told_of(world), (forward, AskedText("Thanks", to=PERSON))))
    assert [world.message(m).recipient for m in taken.queued] == [OTHER_PERSON, PERSON]
    world.receive("STOP")
    stopped = told_of(world)
    taken = world.store.run(TakeAnswer(stopped, (forward, AskedText("Why?"))))
    assert (len(taken.queued), taken.refused) == (1, 1)
    world.receive("STOP", recipient=OTHER_PERSON)
    world.receive("hello")
    assert world.store.run(TakeAnswer(told_of(world), (forward,))) == AnswerTaken(refused=1)
    assert world.last_entry(EntryKind.SEND_REFUSED).recipient == OTHER_PERSON


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (AskedText("x", to="the boss"), "invalid_number"),
        (AskedText("x", to="55555"), "invalid_number"),
        (AskedText("x", from_number=SECOND.number), OTHER_SENDER),
        (AskedText("x", from_number="55555"), OTHER_SENDER),
        (AskedText("x", from_number="Acme"), OTHER_SENDER),
    ],
)
def test_an_answer_that_names_wrong_numbers_is_refused(text: AskedText, reason: str) -> None:
    """What was meant for somebody else must not reach the person; it is kept with them."""
    world = make_world()
    world.receive("hello")
    assert world.store.run(TakeAnswer(told_of(world), (text,))) == AnswerTaken(refused=1)
    entry = world.last_entry(EntryKind.SEND_REFUSED)
    assert (entry.reason, entry.recipient, entry.text) == (reason, PERSON, "x")


def test_after_a_restore_nobody_else_is_told_either() -> None:
    """A text to somebody else may have been sent before the loss too."""
    world = make_world()
    world.receive("hello", recipient=OTHER_PERSON)
    world.receive("hello")
    world.store.run(HoldAnswers((told_of(world),)))
    forward = AskedText("They wrote", to=OTHER_PERSON)
    assert world.store.run(TakeAnswer(told_of(world), (forward,))) == AnswerTaken(refused=1)


def test_an_answer_by_no_account_is_the_carriers() -> None:
    """Where the sender names no account, the answer is told to be of its carrier account."""
    world = make_world(account=None)
    world.receive("hello")
    taken = world.store.run(TakeAnswer(told_of(world), asked("one")))
    assert world.message(taken.queued[0]).actor == Actor(ActorKind.KEY, "twilio-1")


# --- What becomes of texts ------------------------------------------------------------------


def test_a_text_with_a_callback_tells_its_program() -> None:
    """From the draft on; sent, then delivered, each once, and not that it was queued."""
    world = World()
    world.receive("hello")
    draft = Draft(
        PERSON,
        LONG.number,
        "ready",
        Actor(ActorKind.KEY, "key-1"),
        callback=Callback(URL, ACCOUNT),
    )
    sent = world.store.run(SendMessage(draft)).message
    assert world.store.notices == {}
    (work,) = [work for work in world.claim() if work.message.id == sent]
    world.answer(work)
    world.report(work.message)
    world.report(work.message)
    told = [notice.message.status for notice in world.store.notices.values()]
    assert told == [MessageStatus.SENT, MessageStatus.DELIVERED]
    assert {notice.kind for notice in world.store.notices.values()} == {NoticeKind.STATUS}


def test_a_text_that_a_stop_overtakes_tells_why() -> None:
    """The gate's no in the claim, or before it, reaches the program."""
    world = World()
    world.receive("hello")
    draft = Draft(
        PERSON, LONG.number, "ready", Actor(ActorKind.KEY, "k"), callback=Callback(URL, ACCOUNT)
    )
    world.store.run(SendMessage(draft))
    world.receive("STOP")
    (notice,) = world.store.notices.values()
    assert notice.message.status is MessageStatus.CANCELED
    assert notice.message.error_code == "opted_out"


# --- Told, and told in vain -----------------------------------------------------------------

DOWN = Untold("No connection.", RetryCause.CONNECT)


def at(seconds: float) -> datetime:
    """Give the time some seconds after the start."""
    return START + timedelta(seconds=seconds)


def notice_to(url: str, attempts: int) -> ReceivedNotice:
    """Make a notice that was tried so often."""
    world = make_world()
    world.receive("hello")
    made = told_of(world)
    return msgspec.structs.replace(made, callback=Callback(url, ACCOUNT), attempts=attempts)


@pytest.mark.parametrize(
    ("attempts", "seconds"), [(1, 2), (2, 4), (5, 32), (9, 512), (10, 900), (60, 900)]
)
def test_it_is_tried_again_after_twice_as_long(attempts: int, seconds: float) -> None:
    """At most a quarter of an hour, whatever it failed with."""
    for cause in RetryCause:
        assert next_try(notice_to(URL, attempts), Untold("no", cause), START) == at(seconds)


def test_it_is_tried_for_a_day() -> None:
    """The last time not later than that."""
    notice = notice_to(URL, 60)
    day = 24 * 3600
    assert next_try(notice, DOWN, at(day - 900)) == at(day)
    assert next_try(notice, DOWN, at(day - 899)) is None


@pytest.mark.parametrize(
    ("fragment", "attempts", "cause", "again"),
    [
        ("#rc=2&rp=ct,5xx", 1, RetryCause.CONNECT, True),
        ("#rc=2&rp=ct,5xx", 2, RetryCause.SERVER_ERROR, True),
        ("#rc=2&rp=ct,5xx", 3, RetryCause.SERVER_ERROR, False),
        ("#rc=2&rp=ct,5xx", 1, RetryCause.READ_TIMEOUT, False),
        ("#rc=0", 1, RetryCause.CONNECT, False),
        ("#rc=1", 1, RetryCause.SERVER_ERROR, False),
        ("#rc=5&rp=all", 5, RetryCause.CLIENT_ERROR, True),
    ],
)
def test_what_the_address_says_of_retries_holds(
    fragment: str, attempts: int, cause: RetryCause, *, again: bool
) -> None:
    """As often as it says, after what it says, at once; timeouts alone say nothing of retries."""
    due = next_try(notice_to(URL + fragment, attempts), Untold("no", cause), START)
    assert due == (at(1) if again else None)
    assert next_try(notice_to(f"{URL}#ct=500&rt=900", 9), Untold("no", cause), START) == at(512)


def test_what_will_never_work_is_not_tried_again() -> None:
    """Neither where the teller says so, nor at an address that cannot be read."""
    assert next_try(notice_to(URL, 1), Untold("no", None), START) is None
    assert next_try(notice_to("shop.example", 1), DOWN, START) is None


def test_told_or_not_is_noted() -> None:
    """Told: gone. Not told: one attempt more; given up: kept with the reason."""
    world = make_world()
    world.receive("hello")
    notice = told_of(world)
    assert world.store.run(NoteUntold(notice, DOWN)) is True
    tried = Try(START, DOWN.why)
    assert told_of(world) == msgspec.structs.replace(notice, attempts=1, tries=(tried,))
    assert world.store.run(NoteUntold(told_of(world), Untold("never", None))) is False
    tries = (tried, Try(START, "never"))
    given_up = msgspec.structs.replace(notice, attempts=2, given_up="never", tries=tries)
    assert told_of(world) == given_up
    world.store.run(NoteTold(notice.id))
    assert world.store.notices == {}


# --- Who signs ------------------------------------------------------------------------------


async def test_who_signs_is_found_by_the_account_or_the_carrier() -> None:
    """A key of ours, a carrier account by its own name, or, where none is named, the text's."""
    world = World()
    token, made = make_account(
        "shop",
        (Scope.SEND,),
        secret_key="k" * 32,
        randomness=b"k" * ACCOUNT_BYTES,
        now=START,
    )
    key = world.store.run(SaveKey(made))
    twilio = CarrierAccount("twilio-1", "twilio", "ACreal", "secret", "https://x.example")
    other = CarrierAccount("other-1", "signalwire", "project", "sign", "https://x.example")
    world.store.carriers = {carrier.id: carrier for carrier in (twilio, other)}
    keys = KeyRing(world.store, world.clock, "k" * 32)
    signers = Signers(world.store, AccountRing(world.store, world.clock, keys))
    sid = str(key.account_sid)
    assert await signers.find(sid, "twilio-1") == Signer(sid, token)
    assert await signers.find("ACreal", None) == Signer("ACreal", "secret")
    assert await signers.find("project", None) == Signer("project", "sign")
    assert await signers.find("", "other-1") == Signer("project", "sign")
    assert await signers.find("", "gone") is None
    assert await signers.find("ACgone", "twilio-1") is None


@pytest.mark.parametrize(
    ("kind", "secret"), [("telnyx", "a public key"), ("aws", ""), ("toy", "x")]
)
async def test_what_is_no_token_signs_nothing(kind: str, secret: str) -> None:
    """Who signs with a public key, or with nothing, lets anybody tell a program what they like."""
    world = World()
    account = CarrierAccount("one", kind, "account", secret, "https://x.example")
    world.store.carriers = {"one": account}
    keys = KeyRing(world.store, world.clock, "k" * 32)
    signers = Signers(world.store, AccountRing(world.store, world.clock, keys))
    assert await signers.find("", "one") is None
    assert await signers.find("account", "one") is None
