"""The story that must always work, with real processes, from the handset and back to it."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from real_world import JSON, SENTENCE, Demo, running_demo

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("e2e-story")]

INITIAL_REPLY = (
    "Thanks for texting Retalé! We got your message and will answer soon. "
    "Reply STOP to opt out. Msg & data rates may apply."
)
OPT_OUT_CONFIRMATION = "Retalé: you are opted out and will get no further messages."
OPT_IN_CONFIRMATION = "Retalé: you are opted in again. Reply HELP for help, STOP to opt out."
TWILIO_STOP = (
    "You have successfully been unsubscribed. You will not receive any more messages from this "
    "number. Reply START to resubscribe."
)
TWILIO_START = (
    "You have successfully been re-subscribed to messages from this number. Reply HELP for help. "
    "Reply STOP to unsubscribe. Msg&Data Rates May Apply."
)
TWILIO_HELP = "Reply STOP to unsubscribe. Msg&Data Rates May Apply."
NETWORK_STOP = (
    'NETWORK MSG: You replied with the word "stop" which blocks all texts sent from this number. '
    'Text back "unstop" to receive messages again.'
)
NETWORK_START = (
    'NETWORK MSG: You have replied "{word}" and will begin receiving messages again from this '
    "number."
)


@dataclass(frozen=True)
class Kind:
    """What is particular to a kind of sender: who blocks, who answers, and with what."""

    name: str
    other: str
    answerer: str
    stop_answer: str
    start_answer: str
    carrier_layers: frozenset[str]
    our_layers: frozenset[str]


LONG_CODE = Kind(
    name="long_code",
    other="toll_free",
    answerer="carrier",
    stop_answer=TWILIO_STOP,
    start_answer=TWILIO_START,
    carrier_layers=frozenset({"keyword"}),
    our_layers=frozenset({"provider"}),
)
TOLL_FREE = Kind(
    name="toll_free",
    other="long_code",
    answerer="carrier",
    stop_answer=NETWORK_STOP,
    start_answer=NETWORK_START.replace("{word}", "start"),
    carrier_layers=frozenset({"network", "provider"}),
    our_layers=frozenset({"network", "provider"}),
)
SHORT_CODE = Kind(
    name="short_code",
    other="long_code",
    answerer="sender",
    stop_answer=OPT_OUT_CONFIRMATION,
    start_answer=OPT_IN_CONFIRMATION,
    carrier_layers=frozenset(),
    our_layers=frozenset({"ours"}),
)


def assert_refused(demo: Demo, number: str, phone: str, reason: str = "opted_out") -> None:
    """Every way to ask whether this pair may be texted says no, and a send says the sentence."""
    before = demo.shown(phone, number)
    answer = demo.product.try_send(number, phone, "Are you there?")
    problem = answer.json()
    assert answer.status_code == 403
    assert answer.headers["Content-Type"].startswith("application/problem+json")
    assert (problem["code"], problem["detail"]) == (reason, SENTENCE)
    decision = demo.product.check(number, phone)
    assert (decision["decision"], decision["reason"]) == ("deny", reason)
    assert demo.shown(phone, number) == before


def delivered(demo: Demo, number: str, phone: str, body: str) -> None:
    """Send a text by the API and see it on the handset, once."""
    message = demo.product.send(number, phone, body)
    demo.product.wait_for(message, "delivered")
    assert demo.shown(phone, number).count(("sender", body)) == 1


def tagged(demo: Demo, phone: str) -> dict[str, object]:
    """Read the phone as it stands on the one customer that has it."""
    customers = demo.product.recipient(phone)["customers"]
    assert len(customers) == 1
    profile = demo.product.get(f"/v1/customers/{customers[0]['id']}")
    (found,) = [one for one in profile["phones"] if one["normalized"] == phone]
    return {name: found[name] for name in ("type", "sms_preference", "primary", "region_code")}


@dataclass(frozen=True)
class Conversation:
    """One phone and one sender, and the thread that must be on the phone."""

    demo: Demo
    kind: Kind
    phone: str
    thread: list[tuple[str, str]] = field(default_factory=list)

    @property
    def number(self) -> str:
        """The sender's number."""
        return self.demo.number(self.kind.name)

    def pair(self) -> JSON:
        """Read how the two stand with each other."""
        return self.demo.product.standing(self.phone, self.number)

    def type(self, body: str, *answers: tuple[str, str]) -> None:
        """Type a text; the answers given here come of it, and nothing else."""
        self.demo.carrier.type_heard(self.phone, self.number, body)
        self.thread.extend([("handset", body), *answers])
        assert self.demo.shown(self.phone, self.number) == self.thread

    def send(self, body: str) -> None:
        """Send a text by the API; it is delivered, once."""
        delivered(self.demo, self.number, self.phone, body)
        self.thread.append(("sender", body))

    def assert_refused(self) -> None:
        """Nothing may be sent, and the carrier keeps the blocks of this kind of sender."""
        assert self.demo.carrier.blocks(self.phone, self.number) == self.kind.carrier_layers
        assert self.pair()["state"] == "opted_out"
        assert_refused(self.demo, self.number, self.phone)


@pytest.mark.parametrize("kind", [LONG_CODE, TOLL_FREE, SHORT_CODE], ids=lambda kind: kind.name)
def test_the_seven_steps(demo: Demo, phones: Iterator[str], kind: Kind) -> None:
    """A person texts, is answered once, opts out, is unreachable, and opts back in."""
    talk = Conversation(demo, kind, next(phones))
    first_text_is_the_opt_in(talk)
    talk.send("It left today.")
    talk.type("Great, thanks")
    stop_ends_it(talk)
    talk.type("Hello, anybody?")
    assert ("inbound", "Hello, anybody?") in demo.product.texts(talk.phone, talk.number)
    talk.assert_refused()
    demo.carrier.type_heard(talk.phone, demo.number(kind.other), "START")
    talk.assert_refused()
    start_brings_it_back(talk)
    talk.send("Welcome back.")
    texts = demo.product.texts(talk.phone, talk.number)
    typed = [body for origin, body in talk.thread if origin == "handset"]
    assert [body for direction, body in texts if direction == "inbound"] == typed


def first_text_is_the_opt_in(talk: Conversation) -> None:
    """Steps 2 and 3: a customer is made, typed Mobile, tagged, and gets one initial reply."""
    talk.type("Hi, is my order on its way?", ("sender", INITIAL_REPLY))
    assert len(INITIAL_REPLY) <= 300
    assert tagged(talk.demo, talk.phone) == {
        "type": "mobile",
        "sms_preference": "on",
        "primary": True,
        "region_code": "US",
    }
    pair = talk.pair()
    consent = pair["consent"]
    assert (pair["state"], consent["state"], consent["level"]) == ("opted_in", "active", "implied")
    assert consent["program"] == f"conversation:{talk.number}"


def stop_ends_it(talk: Conversation) -> None:
    """Steps 4, 5 and 7: one answer by whose it is, the tag gone, every door shut."""
    talk.type("Stop", (talk.kind.answerer, talk.kind.stop_answer))
    talk.assert_refused()
    pair = talk.pair()
    assert {block["layer"] for block in pair["blocks"]} == talk.kind.our_layers
    assert {block["cause"] for block in pair["blocks"]} == {"keyword"}
    assert talk.number in pair["instruction"]
    assert "START" in pair["instruction"]
    assert tagged(talk.demo, talk.phone)["sms_preference"] == "forbidden"


def start_brings_it_back(talk: Conversation) -> None:
    """Step 6: the same sender, an opt-in keyword: unblocked and tagged again."""
    talk.type("Start", (talk.kind.answerer, talk.kind.start_answer))
    assert talk.demo.carrier.blocks(talk.phone, talk.number) == set()
    pair = talk.pair()
    assert (pair["state"], pair["blocks"], pair["instruction"]) == ("opted_in", [], None)
    assert tagged(talk.demo, talk.phone)["sms_preference"] == "on"


def test_another_sender_is_not_reached_by_a_stop(demo: Demo, phone: str) -> None:
    """STOP to the toll-free number leaves the conversation on the long code as it is."""
    long_code, toll_free = demo.number("long_code"), demo.number("toll_free")
    demo.carrier.type_heard(phone, long_code, "Hello")
    demo.carrier.type_heard(phone, toll_free, "STOP")
    assert demo.product.standing(phone, long_code)["state"] == "opted_in"
    delivered(demo, long_code, phone, "We are here.")
    assert_refused(demo, toll_free, phone)
    assert tagged(demo, phone)["sms_preference"] == "forbidden"


def test_yes_lifts_a_block_on_a_long_code(demo: Demo, phone: str) -> None:
    """On a long code the carrier takes YES for START, and so do we."""
    number = demo.number("long_code")
    demo.carrier.type_heard(phone, number, "QUIT")
    assert_refused(demo, number, phone)
    demo.carrier.type_heard(phone, number, "yes")
    assert demo.shown(phone, number)[-1] == ("carrier", TWILIO_START)
    assert demo.product.standing(phone, number)["state"] == "opted_in"
    delivered(demo, number, phone, "Here we are again.")


def test_yes_lifts_nothing_on_toll_free_and_unstop_does(demo: Demo, phone: str) -> None:
    """YES is no opt-in word of the toll-free network; UNSTOP is."""
    number = demo.number("toll_free")
    demo.carrier.type_heard(phone, number, "STOP")
    demo.carrier.type_heard(phone, number, "YES")
    assert demo.carrier.blocks(phone, number) == {"network", "provider"}
    assert demo.shown(phone, number)[-1] == ("handset", "YES")
    assert ("inbound", "YES") in demo.product.texts(phone, number)
    assert_refused(demo, number, phone)
    demo.carrier.type_heard(phone, number, "UNSTOP")
    answer = ("carrier", NETWORK_START.replace("{word}", "unstop"))
    assert demo.shown(phone, number)[-1] == answer
    assert demo.carrier.blocks(phone, number) == set()
    delivered(demo, number, phone, "Welcome back.")


def test_cancel_on_toll_free_is_twilios_block_alone(demo: Demo, phone: str) -> None:
    """CANCEL on toll-free sets one block, STOP after it the other; UNSTOP lifts both."""
    number = demo.number("toll_free")
    demo.carrier.type_heard(phone, number, "CANCEL")
    assert demo.carrier.blocks(phone, number) == {"provider"}
    blocks = demo.product.standing(phone, number)["blocks"]
    assert {block["layer"] for block in blocks} == {"provider"}
    assert demo.shown(phone, number) == [("handset", "CANCEL"), ("carrier", TWILIO_STOP)]
    assert_refused(demo, number, phone)
    demo.carrier.type_heard(phone, number, "STOP")
    assert demo.carrier.blocks(phone, number) == {"network", "provider"}
    blocks = demo.product.standing(phone, number)["blocks"]
    assert {block["layer"] for block in blocks} == {"network", "provider"}
    demo.carrier.type_heard(phone, number, "UNSTOP")
    assert demo.carrier.blocks(phone, number) == set()
    delivered(demo, number, phone, "Welcome back.")


def test_a_phrase_is_our_own_opt_out_with_one_confirmation(demo: Demo, phone: str) -> None:
    """What the carrier does not read we obey alone: one confirmation, silence, START lifts."""
    number = demo.number("long_code")
    demo.carrier.type_heard(phone, number, "Hello")
    assert len(demo.shown(phone, number)) == 2
    demo.carrier.type_heard(phone, number, "Please stop texting me")
    thread = [
        ("handset", "Hello"),
        ("sender", INITIAL_REPLY),
        ("handset", "Please stop texting me"),
        ("sender", OPT_OUT_CONFIRMATION),
    ]
    assert demo.shown(phone, number) == thread
    assert demo.carrier.blocks(phone, number) == set()
    (block,) = demo.product.standing(phone, number)["blocks"]
    assert (block["layer"], block["cause"]) == ("ours", "free_text")
    assert_refused(demo, number, phone)
    for body in ("stop texting me!!", "What is this?", "Start!"):
        demo.carrier.type_heard(phone, number, body)
        thread.append(("handset", body))
        assert demo.shown(phone, number) == thread
        assert_refused(demo, number, phone)
    demo.carrier.type_heard(phone, number, "START")
    assert demo.product.standing(phone, number)["state"] == "opted_in"
    delivered(demo, number, phone, "Welcome back.")


def test_who_answers_help(demo: Demo, phone: str) -> None:
    """On a long code the carrier alone answers HELP, on a short code we do."""
    long_code, short_code = demo.number("long_code"), demo.number("short_code")
    for number in (long_code, short_code):
        demo.carrier.type_heard(phone, number, "Hello")
        assert len(demo.shown(phone, number)) == 2
        demo.carrier.type_heard(phone, number, "HELP")
    assert demo.shown(phone, long_code)[2:] == [("handset", "HELP"), ("carrier", TWILIO_HELP)]
    (question, answer) = demo.shown(phone, short_code)[2:]
    assert question == ("handset", "HELP")
    assert answer[0] == "sender"
    assert answer[1].startswith("Retalé: for help, contact help@example.org.")
    for number in (long_code, short_code):
        assert demo.product.standing(phone, number)["state"] == "opted_in"


def test_help_while_opted_out_is_answered_by_nobody(demo: Demo, phone: str) -> None:
    """HELP changes nothing and gets no answer of ours while an opt-out stands."""
    number = demo.number("short_code")
    demo.carrier.type_heard(phone, number, "STOP")
    assert len(demo.shown(phone, number)) == 2
    demo.carrier.type_heard(phone, number, "HELP")
    assert demo.shown(phone, number) == [
        ("handset", "STOP"),
        ("sender", OPT_OUT_CONFIRMATION),
        ("handset", "HELP"),
    ]
    assert_refused(demo, number, phone)


def test_a_scheduled_text_dies_with_the_opt_out(demo: Demo, phone: str) -> None:
    """What waits for its time is canceled by STOP, and START does not bring it back."""
    number = demo.number("long_code")
    demo.carrier.type_heard(phone, number, "Hello")
    later = demo.product.send(number, phone, "See you", send_at="2999-01-01T00:00:00Z")
    assert demo.product.message(later)["status"] == "scheduled"
    demo.carrier.type_heard(phone, number, "STOP")
    canceled = demo.product.message(later)
    assert (canceled["status"], canceled["error_code"]) == ("canceled", "opted_out")
    demo.carrier.type_heard(phone, number, "START")
    assert demo.product.message(later)["status"] == "canceled"


def test_the_demo_keeps_what_it_knew(tmp_path: Path) -> None:
    """Stopped and started on the same folder, an opt-out still stands on both sides."""
    with running_demo(tmp_path) as demo:
        number, phone = demo.number("long_code"), "+12025550123"
        key = demo.product.key
        demo.carrier.type_heard(phone, number, "STOP")
        assert demo.process.stop() < demo.process.stop_seconds_promised
    with running_demo(tmp_path) as demo:
        assert demo.product.key == key
        assert demo.carrier.blocks(phone, number) == {"keyword"}
        assert_refused(demo, number, phone)
