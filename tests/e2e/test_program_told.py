"""A program that knows only Twilio, behind the door: it hears, answers, and is told to the end."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from load_world import running_site
from real_site import ACCOUNT, LONG_CODE, TOKEN
from real_world import Demo, eventually
from twilio.rest import Client

from loopback_program import Heard, Program, Says, program_in_a_thread

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("e2e-program")]


@pytest.fixture
def program() -> Iterator[Program]:
    """Run a program for one test."""
    with program_in_a_thread() as running:
        yield running


def pass_on(product: Any, number: str, url: str | None, account: str | None = None) -> None:
    """Give a sender a program."""
    change = {"inbound_url": url, "inbound_account": account}
    answer = product.call("PATCH", f"/v1/senders/{quote(number)}", change)
    assert answer.status_code == 200, answer.text


def door(demo: Demo, sid: str, token: str) -> Client:
    """Point Twilio's client at the door."""
    client = Client(sid, token)
    client.api.base_url = demo.told["url"]
    return client


def answer_what_is_asked(heard: Heard) -> Says:
    """Answer each text with two, as a program does that was written for Twilio."""
    if "Body" not in heard.form:
        return Says(status=204, body="")
    body = heard.form["Body"]
    return Says(
        body=f"<Response><Message>You said {body}</Message><Message>Bye</Message></Response>"
    )


def test_from_the_handset_to_the_program_and_back(demo: Demo, phone: str, program: Program) -> None:
    """Signed as the carrier account; the answer arrives, and after STOP it does not any more."""
    number = demo.number("long_code")
    sid, token = demo.told["twilio_account_sid"], demo.told["twilio_auth_token"]
    program.says = answer_what_is_asked
    pass_on(demo.product, number, f"{program.url}/sms?shop=1")
    demo.carrier.type_heard(phone, number, "hello")
    wanted = {("sender", "You said hello"), ("sender", "Bye")}
    eventually(lambda: wanted <= set(demo.carrier.shown(phone, number)), "the answer arrives")
    (heard,) = program.heard
    assert heard.is_signed(f"{program.url}/sms?shop=1", token)
    assert (heard.form["From"], heard.form["To"]) == (phone, number)
    assert (heard.form["Body"], heard.form["AccountSid"]) == ("hello", sid)

    demo.carrier.type_heard(phone, number, "STOP")
    eventually(lambda: len(program.heard) == 2, "the program hears of the STOP")
    assert program.heard[1].form["Body"] == "STOP"
    refused = demo.product.entries
    eventually(
        lambda: [e["text"] for e in refused(phone, "send_refused")] == ["You said STOP", "Bye"],
        "the refusals are kept",
    )
    assert {e["reason"] for e in refused(phone, "send_refused")} == {"opted_out"}
    demo.carrier.type_heard(phone, number, "START")
    eventually(lambda: len(program.heard) == 3, "the program hears of the START")
    eventually(lambda: len(refused(phone, "send_refused")) == 4, "nor is START answered")
    said = [text for origin, text in demo.shown(phone, number) if origin == "sender"]
    assert "You said STOP" not in said
    assert "You said START" not in said
    pass_on(demo.product, number, None)


def test_a_key_of_ours_signs_what_its_program_hears(
    demo: Demo, phone: str, program: Program
) -> None:
    """By the account sid and token that were given with it."""
    answer = demo.product.call(
        "POST", "/v1/keys", {"name": "shop", "twilio": True, "scopes": ["send"]}
    )
    assert answer.status_code == 201, answer.text
    made = answer.json()
    sid, token = made["account_sid"], made["secret"]
    number = demo.number("toll_free")
    pass_on(demo.product, number, f"{program.url}/sms", sid)
    demo.carrier.type_heard(phone, number, "hello")
    eventually(lambda: len(program.heard) == 1, "the program hears it")
    assert program.heard[0].is_signed(f"{program.url}/sms", token)
    pass_on(demo.product, number, None)
    sent = door(demo, sid, token).messages.create(
        to=phone, from_=number, body="Ready", status_callback=f"{program.url}/status"
    )
    eventually(lambda: program.statuses == ["sent", "delivered"], "it is told to the end")
    for heard in program.heard[1:]:
        assert heard.is_signed(f"{program.url}/status", token)
        assert heard.form["MessageSid"] == sent.sid
        assert heard.form["AccountSid"] == sid


def test_statuses_come_in_order_and_a_stop_ends_them(
    demo: Demo, phone: str, program: Program
) -> None:
    """Sent, delivered; what was scheduled fails with 21610 as soon as the person says STOP."""
    number = demo.number("long_code")
    sid, token = demo.told["twilio_account_sid"], demo.told["twilio_auth_token"]
    client = door(demo, sid, token)
    demo.carrier.type_heard(phone, number, "hello")
    url = f"{program.url}/status"
    client.messages.create(to=phone, from_=number, body="Ready", status_callback=url)
    eventually(lambda: program.statuses == ["sent", "delivered"], "it is told to the end")
    path = f"/v1/senders/{quote(number)}"
    demo.product.call("PATCH", path, {"messages_per_second": 0.1})
    for place in range(3):
        client.messages.create(to=phone, from_=number, body=f"{place}", status_callback=url)
    demo.carrier.type_heard(phone, number, "STOP")
    eventually(lambda: "failed" in program.statuses, "it is told of a text that was overtaken")
    demo.product.call("PATCH", path, {"messages_per_second": 10})
    heard = tuple(program.heard)
    overtaken = [one.form for one in heard if one.form["MessageStatus"] == "failed"]
    assert {form["ErrorCode"] for form in overtaken} == {"21610"}
    assert {one.is_signed(url, token) for one in heard} == {True}
    assert len({one.token for one in heard}) == len(heard)


def test_killed_between_nothing_is_lost(
    tmp_path: Path, phones: Iterator[str], program: Program
) -> None:
    """Kill -9 while the program is slow to answer, and while it is away: it hears everything."""
    people = [next(phones) for _ in range(8)]
    with (
        running_site(tmp_path, f"sqlite:///{tmp_path / 'consentry.db'}") as site,
        ExitStack() as servers,
    ):
        server = site.start(servers)
        pass_on(site.product, LONG_CODE, f"{program.url}/sms")
        program.says = lambda _heard: Says(status=500)
        for person in people[:4]:
            site.carrier.type_heard(person, LONG_CODE, f"hello from {person}")
        eventually(lambda: program.heard, "the program was asked")
        program.says = lambda heard: Says(
            body=f"<Response><Message>Answer to {heard.form['From']}</Message></Response>",
            waits=0.4,
        )
        for person in people[4:]:
            site.carrier.type_heard(person, LONG_CODE, f"hello from {person}")
        eventually(lambda: program.busy, "the program is at work")
        server.kill()
        site.start(servers)
        for person in people:
            answers = [("sender", f"Answer to {person}")]
            eventually(
                lambda person=person, answers=answers: (
                    answers
                    == [
                        s
                        for s in site.carrier.shown(person, LONG_CODE)
                        if s[1].startswith("Answer")
                    ]
                ),
                f"{person} is answered",
            )
        for person in people:
            mine = [heard for heard in program.heard if heard.form["From"] == person]
            assert len({heard.token for heard in mine}) == 1
        assert len(program.heard) > len(people)
        assert {heard.is_signed(f"{program.url}/sms", TOKEN) for heard in program.heard} == {True}
        assert {heard.form["AccountSid"] for heard in program.heard} == {ACCOUNT}
