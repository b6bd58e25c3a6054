"""Each fault does what it says, and the same seed does the same again."""

import time

import pytest
import requests
from carrier_world import (
    ACCOUNT,
    LONG_CODE,
    OTHER_LONG_CODE,
    OTHER_PHONE,
    PHONE,
    World,
    eventually,
    running_world,
)
from hypothesis import given
from hypothesis import strategies as st
from twilio.base.exceptions import TwilioRestException

from consentry.simulator.faults import Fault, FaultError, FaultKind, Faults

pytestmark = pytest.mark.integration


def webhooks(world: World, sid: str) -> list[dict]:
    """Read what became of a message's webhooks."""
    return world.get("/api/webhooks", {"sid": sid}).json()["webhooks"]


def test_a_webhook_comes_twice_with_one_token(world: World) -> None:
    """duplicate_webhook: the same bytes, the same token, twice."""
    world.fault("duplicate_webhook", count=1)
    sid = world.type("Hi")["message"]["sid"]
    eventually(lambda: len(world.receiver.received) == 2)
    first, second = world.receiver.received
    assert first.body == second.body
    token = "I-Twilio-Idempotency-Token"
    assert first.headers[token] == second.headers[token]
    eventually(lambda: len(webhooks(world, sid)[0]["attempts"]) == 2)
    assert [one["duplicate"] for one in webhooks(world, sid)[0]["attempts"]] == [False, True]


def test_a_webhook_comes_late_and_out_of_order(world: World) -> None:
    """late_webhook: the next text overtakes it."""
    world.fault("late_webhook", seconds=0.3, count=1)
    world.type("STOP")
    world.type("START")
    eventually(lambda: len(world.receiver.received) == 2)
    assert [form["Body"] for form in world.receiver.forms()] == ["START", "STOP"]


def test_a_webhook_is_lost(world: World) -> None:
    """lost_webhook: nothing comes, though the carrier acted on the text."""
    world.fault("lost_webhook", count=1)
    sid = world.type("STOP")["message"]["sid"]
    world.type("second")
    eventually(lambda: len(world.receiver.received) == 1)
    assert world.receiver.forms()[0]["Body"] == "second"
    assert webhooks(world, sid)[0]["outcome"] == "lost"
    assert world.blocks() == {(LONG_CODE, PHONE, "keyword")}


def test_a_webhook_fault_can_be_for_one_kind(world: World) -> None:
    """A fault for status webhooks leaves texts alone."""
    world.fault("lost_webhook", webhook="status")
    sid = world.send().sid
    world.type("Hi")
    eventually(lambda: len(webhooks(world, sid)) == 2)
    eventually(lambda: len(world.receiver.received) == 1)
    assert world.receiver.forms()[0]["Body"] == "Hi"


def test_receipts_are_shuffled(world: World) -> None:
    """shuffled_receipts: delivered is reported before sent; the log is right all the same."""
    world.fault("shuffled_receipts")
    sid = world.send().sid
    eventually(lambda: len(world.receiver.statuses(sid)) == 2)
    assert world.receiver.statuses(sid) == ["delivered", "sent"]
    assert world.client.messages(sid).fetch().status == "delivered"


@pytest.mark.parametrize(
    ("kind", "status", "code"), [("rate_limited", 429, 20429), ("server_error", 503, 20503)]
)
def test_sending_is_refused(world: World, kind: str, status: int, code: int) -> None:
    """rate_limited and server_error: an error, and nothing was accepted."""
    world.fault(kind, count=1)
    with pytest.raises(TwilioRestException) as refused:
        world.send()
    assert (refused.value.status, refused.value.code) == (status, code)
    assert world.client.messages.list() == []
    assert world.send().status == "queued"


def test_an_answer_is_slow(world: World) -> None:
    """slow_answer: the message is on the handset before the sender hears of it."""
    world.fault("slow_answer", seconds=0.3)
    began = time.monotonic()
    world.send("slow")
    assert time.monotonic() - began >= 0.3
    assert world.shown() == [("sender", "slow")]


def test_an_answer_is_lost(world: World) -> None:
    """lost_answer: the message arrives; the sender gets a 5xx or a cut connection, both happen."""
    world.fault("lost_answer")
    outcomes = set()
    for number in range(12):
        try:
            answer = requests.post(
                f"{world.url}/2010-04-01/Accounts/{ACCOUNT.sid}/Messages.json",
                data={"To": PHONE, "From": LONG_CODE, "Body": f"Text {number}"},
                auth=(ACCOUNT.sid, ACCOUNT.token),
                timeout=5,
            )
            outcomes.add(answer.status_code)
        except requests.ConnectionError:
            outcomes.add("cut")
    assert outcomes == {500, "cut"}
    assert len(world.shown()) == 12


def test_a_message_is_refused_later(world: World) -> None:
    """async_refusal: accepted, then failed with the code asked for."""
    world.fault("async_refusal", count=1)
    sid = world.send().sid
    world.fault("async_refusal", code=30007, count=1)
    filtered = world.send().sid
    eventually(lambda: world.receiver.statuses(sid) == ["failed"])
    eventually(lambda: world.receiver.statuses(filtered) == ["failed"])
    assert world.receiver.forms(sid)[0]["ErrorCode"] == "21610"
    assert world.receiver.forms(filtered)[0]["ErrorCode"] == "30007"
    assert world.shown() == []


def test_a_block_comes_behind_our_back(world: World) -> None:
    """block_behind_our_back: refused with 21610 though nobody texted STOP."""
    world.fault("block_behind_our_back", count=1)
    with pytest.raises(TwilioRestException) as refused:
        world.send()
    assert refused.value.code == 21610
    block = world.get("/api/blocks").json()["blocks"][0]
    assert (block["cause"], block["word"]) == ("carrier", None)
    assert world.send(phone=OTHER_PHONE).status == "queued"
    world.type("START")
    assert world.send().status == "queued"


def test_a_named_pair_is_blocked_at_once(world: World) -> None:
    """block_behind_our_back with a pair does not wait for a message."""
    world.fault("block_behind_our_back", sender=LONG_CODE, recipient=PHONE)
    assert world.blocks() == {(LONG_CODE, PHONE, "keyword")}
    assert world.get("/api/faults").json()["faults"] == []


def test_a_message_is_undelivered(world: World) -> None:
    """undelivered: sent, then undelivered with a code; the handset shows nothing."""
    world.fault("undelivered", count=1)
    sid = world.send().sid
    eventually(lambda: world.receiver.statuses(sid) == ["sent", "undelivered"])
    assert world.client.messages(sid).fetch().error_code == 30005
    assert world.shown() == []


def test_latency_and_a_stop_in_between(world: World) -> None:
    """latency: a message under way when the person opts out is refused in its report."""
    world.fault("latency", seconds=0.4, count=1)
    sid = world.send("late").sid
    world.type("STOP")
    eventually(lambda: world.receiver.statuses(sid) == ["failed"])
    assert world.receiver.forms(sid)[0]["ErrorCode"] == "21610"
    assert ("sender", "late") not in world.shown()


def test_latency_delays(world: World) -> None:
    """latency: the message reaches the handset, later."""
    world.fault("latency", seconds=0.2, count=1)
    world.send("late")
    assert world.shown() == []
    eventually(lambda: world.shown() == [("sender", "late")])


def test_a_fault_can_be_for_one_pair(world: World) -> None:
    """A fault that names sender and recipient spares everyone else."""
    world.fault("server_error", sender=LONG_CODE, recipient=PHONE)
    world.send(phone=OTHER_PHONE)
    world.send(sender=OTHER_LONG_CODE)
    with pytest.raises(TwilioRestException):
        world.send()


def test_faults_are_listed_and_cleared(world: World) -> None:
    """What is on is listed with its hits; DELETE clears one kind or all."""
    world.fault("server_error", count=3)
    world.fault("latency", rate=0.5)
    with pytest.raises(TwilioRestException):
        world.send()
    listed = world.get("/api/faults").json()
    standing = {one["fault"]["kind"]: (one["hits"], one["left"]) for one in listed["faults"]}
    assert standing == {"server_error": (1, 2), "latency": (0, None)}
    assert {kind["kind"] for kind in listed["kinds"]} == set(FaultKind)
    assert requests.delete(f"{world.url}/api/faults?kind=latency", timeout=5).status_code == 204
    assert len(world.get("/api/faults").json()["faults"]) == 1
    assert requests.delete(f"{world.url}/api/faults", timeout=5).status_code == 204
    assert world.send().status == "queued"


@pytest.mark.parametrize(
    ("body", "code", "detail"),
    [
        ({"kind": "gremlins"}, "fault_unknown", "duplicate_webhook, late_webhook"),
        ({}, "body_invalid", "kind"),
        ({"kind": "latency", "rate": 2}, "fault_invalid", "rate must be"),
        ({"kind": "latency", "count": 0}, "fault_invalid", "count must be"),
        ({"kind": "latency", "seconds": -1}, "fault_invalid", "seconds must be"),
        ({"kind": "undelivered", "code": 7}, "fault_invalid", "code must be"),
        ({"kind": "latency", "sconds": 1}, "body_invalid", "sconds"),
        (
            {"kind": "block_behind_our_back", "sender": "+19", "recipient": PHONE},
            "fault_invalid",
            "not a number here",
        ),
        (
            {"kind": "block_behind_our_back", "sender": LONG_CODE, "recipient": "x"},
            "phone_invalid",
            "not a phone number",
        ),
    ],
)
def test_a_wrong_fault_is_named(shared_world: World, body: dict, code: str, detail: str) -> None:
    """A fault that makes no sense is 400 with what is wrong and what there is."""
    answer = shared_world.post("/api/faults", body)
    assert (answer.status_code, answer.json()["code"]) == (400, code)
    assert detail in answer.json()["detail"]


def roll(seed: int, rate: float, *, other: bool) -> list[bool]:
    """Roll a fault forty times, with another kind rolling in between or not."""
    faults = Faults(seed)
    faults.switch_on(Fault(FaultKind.LATENCY, rate=rate))
    faults.switch_on(Fault(FaultKind.UNDELIVERED, rate=0.5))
    hits = []
    for _ in range(40):
        hits.append(faults.draw(FaultKind.LATENCY) is not None)
        if other:
            faults.draw(FaultKind.UNDELIVERED)
    return hits


@given(seed=st.integers(0, 2**32), rate=st.floats(0, 1))
def test_one_seed_rolls_the_same(seed: int, rate: float) -> None:
    """Equal seeds hit the same events, whatever other faults are rolled beside them."""
    assert roll(seed, rate, other=False) == roll(seed, rate, other=True)


def test_another_seed_rolls_otherwise() -> None:
    """The seed decides, and the rate is kept to."""
    assert roll(1, 0.5, other=False) != roll(2, 0.5, other=False)
    assert not any(roll(1, 0.0, other=False))
    assert all(roll(1, 1.0, other=False))


def test_a_fault_checks_itself() -> None:
    """A fault that makes no sense cannot be switched on from Python either."""
    with pytest.raises(FaultError, match="rate must be"):
        Faults(0).switch_on(Fault(FaultKind.LATENCY, rate=-1))


def test_two_simulators_of_one_seed_agree() -> None:
    """The same story under the same seed loses the same webhooks."""

    def lost() -> list[str]:
        with running_world(seed=7) as world:
            world.fault("lost_webhook", rate=0.5)
            for number in range(12):
                world.type(f"Text {number}")
            records = world.get("/api/webhooks").json()["webhooks"]
            return [
                dict(record["pairs"])["Body"] for record in records if record["outcome"] == "lost"
            ]

    first = lost()
    assert 0 < len(first) < 12
    assert lost() == first
