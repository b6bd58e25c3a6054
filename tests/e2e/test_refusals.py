"""The carrier refuses, fails, is late, or says things twice: what we know stays right.

The faults are the simulator's, each set for one phone, so that tests do not disturb each other.
"""

from collections.abc import Iterator

import pytest
import requests
from real_world import JSON, SENTENCE, WAIT_SECONDS, Demo, eventually
from twilio.request_validator import RequestValidator

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.xdist_group("e2e-refusals"),
    pytest.mark.usefixtures("faults"),
]

OPT_OUT_CONFIRMATION = "Retalé: you are opted out and will get no further messages."


@pytest.fixture
def number(demo: Demo) -> str:
    """Give the long code, which most of these tests text from."""
    return demo.number("long_code")


def opt_in(demo: Demo, phone: str, number: str) -> None:
    """Let a person text first, and wait for the initial reply to arrive."""
    demo.carrier.type_heard(phone, number, "Hello")
    assert [origin for origin, _ in demo.shown(phone, number)] == ["handset", "sender"]


def assert_carrier_blocked(demo: Demo, phone: str, number: str) -> None:
    """The pair stands as blocked by the carrier, which is not the same as their word."""
    pair = demo.product.standing(phone, number)
    assert pair["state"] == "carrier_blocked"
    assert {block["cause"] for block in pair["blocks"]} == {"carrier_refusal"}
    assert [block["by_person"] for block in pair["blocks"]] == [False]
    assert demo.product.check(number, phone)["reason"] == "carrier_blocked"
    problem = demo.product.try_send(number, phone, "And now?")
    assert problem.status_code == 403
    assert (problem.json()["code"], problem.json()["detail"]) == ("carrier_blocked", SENTENCE)


def bring(demo: Demo, webhooks: list[JSON]) -> None:
    """Bring webhooks that the carrier was made to lose, as late as a test wants, as it signs."""
    assert [one["outcome"] for one in webhooks] == ["lost"] * len(webhooks)
    validator = RequestValidator(demo.told["twilio_auth_token"])
    for webhook in webhooks:
        url, form = webhook["url"].partition("#")[0], dict(webhook["pairs"])
        headers = {
            "X-Twilio-Signature": validator.compute_signature(url, form),
            "I-Twilio-Idempotency-Token": webhook["token"],
        }
        answer = requests.post(url, data=form, headers=headers, timeout=WAIT_SECONDS)
        assert answer.ok, answer.text


def tell_what_was_lost(demo: Demo, message: str, status: str) -> None:
    """Bring the lost reports of a text once the last of them, with this status, is written."""
    sid = demo.product.wait_for(message, "sent")["carrier_message_id"]
    reports: list[JSON] = []

    def is_over() -> bool:
        reports[:] = demo.carrier.webhooks(sid)
        return any(["MessageStatus", status] in one["pairs"] for one in reports)

    eventually(is_over, f"the carrier would have told {status}")
    bring(demo, reports)


def assert_start_lifts(demo: Demo, phone: str, number: str) -> None:
    """START to the same number makes them reachable again."""
    demo.carrier.type_heard(phone, number, "START")
    assert demo.product.standing(phone, number)["state"] == "opted_in"
    message = demo.product.send(number, phone, "Welcome back.")
    demo.product.wait_for(message, "delivered")


def test_opted_out_in_the_answer(demo: Demo, phone: str, number: str) -> None:
    """A block set behind our back is learnt from the 21610 that answers the send."""
    opt_in(demo, phone, number)
    demo.carrier.fault("block_behind_our_back", sender=number, recipient=phone)
    failed = demo.product.wait_for(demo.product.send(number, phone, "News"), "failed")
    assert failed["error_code"] == "21610"
    assert failed["carrier_message_id"] is None
    assert ("sender", "News") not in demo.shown(phone, number)
    assert_carrier_blocked(demo, phone, number)
    assert_start_lifts(demo, phone, number)


def test_opted_out_in_the_callback(demo: Demo, phone: str, number: str) -> None:
    """A text that was accepted and then refused with 21610 in a report tells the same."""
    opt_in(demo, phone, number)
    demo.carrier.fault("async_refusal", recipient=phone, count=1)
    failed = demo.product.wait_for(demo.product.send(number, phone, "News"), "failed")
    assert failed["error_code"] == "21610"
    assert failed["carrier_message_id"].startswith("SM")
    assert ("sender", "News") not in demo.shown(phone, number)
    assert_carrier_blocked(demo, phone, number)
    assert_start_lifts(demo, phone, number)


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "async_refusal", "code": 30007, "ends": "failed"},
        {"kind": "async_refusal", "code": 30003, "ends": "failed"},
        {"kind": "undelivered", "code": 30005, "ends": "undelivered"},
    ],
    ids=lambda fault: str(fault["code"]),
)
def test_no_other_code_opts_anyone_out(demo: Demo, phone: str, number: str, fault: JSON) -> None:
    """A filtered, unreachable or undelivered text says nothing of the person's will."""
    opt_in(demo, phone, number)
    demo.carrier.fault(fault["kind"], recipient=phone, count=1, code=fault["code"])
    ended = demo.product.wait_for(demo.product.send(number, phone, "News"), fault["ends"])
    assert ended["error_code"] == str(fault["code"])
    assert demo.product.standing(phone, number)["state"] == "opted_in"
    again = demo.product.send(number, phone, "News, once more")
    demo.product.wait_for(again, "delivered")


def test_the_networks_own_block_is_no_opt_out(demo: Demo, phone: str) -> None:
    """What the toll-free network refuses with 30004 fails, and is not taken for an opt-out."""
    number = demo.number("toll_free")
    opt_in(demo, phone, number)
    demo.carrier.fault("block_behind_our_back", sender=number, recipient=phone, layer="network")
    failed = demo.product.wait_for(demo.product.send(number, phone, "News"), "failed")
    assert failed["error_code"] == "30004"
    assert demo.product.standing(phone, number)["state"] == "opted_in"


def test_a_delivered_text_opens_what_only_a_refusal_had_closed(
    demo: Demo, phone: str, number: str
) -> None:
    """A text sent before a refusal was known, and delivered after it, shows that we may pass."""
    opt_in(demo, phone, number)
    demo.carrier.fault("async_refusal", recipient=phone, count=1)
    demo.carrier.fault("lost_webhook", recipient=phone, webhook="status")
    refused = demo.product.send(number, phone, "First")
    eventually(lambda: len(demo.carrier.refusals(phone, number)) == 1, "the first is refused")
    passed = demo.product.send(number, phone, "Second")
    tell_what_was_lost(demo, refused, "failed")
    demo.product.wait_for(refused, "failed")
    assert_carrier_blocked(demo, phone, number)
    tell_what_was_lost(demo, passed, "delivered")
    demo.product.wait_for(passed, "delivered")
    assert demo.product.standing(phone, number)["state"] == "opted_in"


def test_whatever_becomes_of_the_answer_a_text_arrives_once(
    demo: Demo, phones: Iterator[str], number: str
) -> None:
    """429, 503, a slow answer, no answer, no report: in the end each text is there, once."""
    toll_free = demo.number("toll_free")
    told = {kind: next(phones) for kind in ("rate_limited", "server_error", "slow_answer")}
    unanswered = [next(phones) for _ in range(8)]
    pairs = [(number, phone) for phone in told.values()]
    pairs += [(toll_free, phone) for phone in unanswered]
    for sender, phone in pairs:
        opt_in(demo, phone, sender)
    demo.carrier.fault("rate_limited", recipient=told["rate_limited"], count=1)
    demo.carrier.fault("server_error", recipient=told["server_error"], count=2)
    # Longer than we wait for an answer; and nothing but the carrier's list tells what became of it.
    demo.carrier.fault("slow_answer", recipient=told["slow_answer"], count=1, seconds=15)
    demo.carrier.fault("lost_webhook", recipient=told["slow_answer"], webhook="status")
    demo.carrier.fault("lost_answer", sender=toll_free)
    messages = {
        demo.product.send(sender, phone, f"News for {phone} from {sender}"): (sender, phone)
        for sender, phone in pairs
    }
    for message, (sender, phone) in messages.items():
        ended = demo.product.wait_for(message, "delivered")
        assert demo.carrier.shown(phone, sender).count(("sender", ended["body"])) == 1, ended
    taken = [m["body"] for m in demo.carrier.messages() if m["body"].startswith("News for ")]
    assert sorted(taken) == sorted(f"News for {phone} from {sender}" for sender, phone in pairs)


def test_a_stop_that_comes_twice_is_one_stop(demo: Demo, phone: str, number: str) -> None:
    """The same webhook twice makes one entry, one message, one confirmation."""
    opt_in(demo, phone, number)
    demo.carrier.fault("duplicate_webhook", recipient=phone)
    sid = demo.carrier.type_heard(phone, number, "Please stop texting me")["message"]["sid"]
    eventually(lambda: len(demo.carrier.webhooks(sid)[0]["attempts"]) == 2, "it came twice")
    attempts = demo.carrier.webhooks(sid)[0]["attempts"]
    assert [attempt["status"] for attempt in attempts] == [200, 200]
    assert [attempt["duplicate"] for attempt in attempts] == [False, True]
    (entry,) = demo.product.entries(phone, "opted_out")
    (message,) = [m for m in demo.product.messages(phone) if m["carrier_message_id"] == sid]
    assert entry["message"] == message["id"]
    assert demo.shown(phone, number)[2:] == [
        ("handset", "Please stop texting me"),
        ("sender", OPT_OUT_CONFIRMATION),
    ]


def test_a_report_that_comes_twice_or_in_any_order_ends_the_same(
    demo: Demo, phones: Iterator[str], number: str
) -> None:
    """Shuffled and repeated reports end at delivered."""
    people = [next(phones) for _ in range(10)]
    for phone in people:
        opt_in(demo, phone, number)
    demo.carrier.fault("duplicate_webhook", webhook="status")
    demo.carrier.fault("shuffled_receipts")
    messages = [demo.product.send(number, phone, "News") for phone in people]
    for message in messages:
        sid = demo.product.wait_for(message, "delivered")["carrier_message_id"]
        eventually(
            lambda sid=sid: [len(w["attempts"]) for w in demo.carrier.webhooks(sid)] == [2, 2],
            "both reports came twice",
        )
        assert demo.product.message(message)["status"] == "delivered"


def test_a_stop_that_comes_late_counts_from_when_it_comes(
    demo: Demo, phone: str, number: str
) -> None:
    """Twilio gives no time: a STOP that is overtaken by START wins, which is the safe mistake."""
    opt_in(demo, phone, number)
    demo.carrier.fault("lost_webhook", recipient=phone, count=1)
    stop = demo.carrier.type(phone, number, "STOP")["message"]["sid"]
    demo.carrier.type_heard(phone, number, "START")
    assert demo.product.standing(phone, number)["state"] == "opted_in"
    bring(demo, demo.carrier.webhooks(stop))
    assert demo.product.standing(phone, number)["state"] == "opted_out"
    kinds = [entry["kind"] for entry in demo.product.entries(phone, "opted_in", "opted_out")]
    assert kinds == ["opted_in", "opted_in", "opted_out"]
    assert_start_lifts(demo, phone, number)


def test_a_stop_that_never_comes_is_learnt_from_the_next_refusal(
    demo: Demo, phone: str, number: str
) -> None:
    """A lost STOP costs one refused text, and none reaches the handset."""
    opt_in(demo, phone, number)
    demo.carrier.fault("lost_webhook", recipient=phone, count=1)
    demo.carrier.type(phone, number, "STOP")
    failed = demo.product.wait_for(demo.product.send(number, phone, "News"), "failed")
    assert failed["error_code"] == "21610"
    assert ("sender", "News") not in demo.shown(phone, number)
    assert_carrier_blocked(demo, phone, number)
    assert_start_lifts(demo, phone, number)


def test_their_own_stop_outweighs_the_carriers_refusal(demo: Demo, phone: str, number: str) -> None:
    """Where the carrier refused first and the word came after, it is the person's opt-out."""
    opt_in(demo, phone, number)
    demo.carrier.fault("lost_webhook", recipient=phone, count=1, webhook="inbound")
    stop = demo.carrier.type(phone, number, "STOP")["message"]["sid"]
    demo.product.wait_for(demo.product.send(number, phone, "News"), "failed")
    assert_carrier_blocked(demo, phone, number)
    bring(demo, demo.carrier.webhooks(stop))
    assert demo.product.standing(phone, number)["state"] == "opted_out"
    assert demo.product.check(number, phone)["reason"] == "opted_out"
    assert_start_lifts(demo, phone, number)


def test_could_we_text_then_and_why(demo: Demo, phone: str, number: str) -> None:
    """At each time what was true then, and all that was decided comes out of the ledger again."""
    opt_in(demo, phone, number)
    between = demo.product.entries(phone)[0]["recorded_at"]
    demo.carrier.type_heard(phone, number, "STOP")
    demo.product.try_send(number, phone, "And now?")
    eventually(lambda: bool(demo.product.entries(phone, "send_refused")), "it was written down")
    asked = {"sender": number, "recipient": phone, "purpose": "conversational"}
    then = demo.product.call("POST", "/v1/check", {**asked, "at": between}).json()
    assert (then["decision"], then["by_recorded_rules"]) == ("allow", True)
    assert demo.product.check(number, phone)["reason"] == "opted_out"
    decisions = demo.product.get(f"/v1/recipients/{phone}/decisions")["items"]
    assert {"allow", "deny"} <= {one["decided"]["decision"] for one in decisions}
    assert [one for one in decisions if not (one["same"] and one["by_recorded_rules"])] == []


def test_a_list_from_elsewhere_holds_until_the_person_comes_back(
    demo: Demo, phone: str, number: str
) -> None:
    """What a program brings in stops the next text; a later START to the number ends it there."""
    opt_in(demo, phone, number)
    headers = {"Authorization": f"Bearer {demo.product.key}", "Content-Type": "text/csv"}
    address = f"{demo.product.url}/v1/imports?source=Old%20provider"
    content = f"Phone,Opted out at\n{phone},2025-01-02\nnobody,\n"
    for expected in ("recorded", "stands"):
        answer = requests.post(address, content, headers=headers, timeout=WAIT_SECONDS)
        assert answer.status_code == 201, answer.text
        assert answer.json()["counts"][expected] == 1
    rows = demo.product.get(f"/v1/imports/{answer.json()['id']}/rows")["items"]
    assert [(row["row"], row["outcome"]) for row in rows] == [(2, "stands"), (3, "unreadable")]
    refused = demo.product.try_send(number, phone, "News")
    assert (refused.status_code, refused.json()["code"]) == (403, "opted_out")
    (entry,) = demo.product.entries(phone, "suppressed")
    assert "Old provider, row 2, SHA-256" in entry["evidence"]["note"]
    assert_start_lifts(demo, phone, number)
    answer = requests.post(address, content, headers=headers, timeout=WAIT_SECONDS)
    assert answer.json()["counts"]["came_back"] == 1
