"""What is not about messages: handed on where that is allowed, and never a way to send."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from door_world import (
    ACCOUNT,
    LONG_CODE,
    MESSAGES,
    OTHER_ACCOUNT,
    SERVER_KEY,
    TOKEN,
    World,
    build_world,
    exchange,
)

from consentry.actions.administer import SaveCarrier, SaveKey
from consentry.actions.deliver_job import ClaimJobs, RecordSubmission
from consentry.actions.make_key import ACCOUNT_BYTES, make_account
from consentry.ports import (
    Accepted,
    CarrierAccount,
    CarrierUnreachable,
    PassedAnswer,
    PassedRequest,
    Scope,
)

pytestmark = pytest.mark.integration

ROOT = f"/2010-04-01/Accounts/{ACCOUNT}"


class FakePassingOn:
    """Keeps what it is handed, and answers what it is told to."""

    def __init__(self) -> None:
        self.passed: list[tuple[str, PassedRequest]] = []
        self.answer: PassedAnswer | None = PassedAnswer(200, b'{"calls":[]}', "application/json")

    async def pass_on(self, carrier: CarrierAccount, request: PassedRequest) -> PassedAnswer:
        self.passed.append((carrier.id, request))
        if self.answer is None:
            raise CarrierUnreachable("no answer")
        return self.answer


@pytest.fixture
def twilio() -> FakePassingOn:
    """What stands for Twilio."""
    return FakePassingOn()


@pytest.fixture
async def world(tmp_path: Path, twilio: FakePassingOn) -> AsyncIterator[World]:
    """A door that hands on."""
    made = await build_world(tmp_path, passing_on=twilio)
    yield made
    await made.store.close()


async def sent(world: World) -> str:
    """Send a text by way of the carrier, which calls it SMtheirs; return its sid at the door."""
    await world.text("Hello")
    sid: str = (await world.create()).json["sid"]
    for work in await world.store.submit(ClaimJobs(((LONG_CODE, 9),), "prc_1")):
        name = "SMtheirs" if work.message.body == "Hello" else "SMother"
        await world.store.submit(
            RecordSubmission(
                work.message.id,
                work.message.recipient,
                LONG_CODE,
                "main",
                Accepted(name),
                work.job.attempts,
            )
        )
    return sid


async def test_other_resources_are_handed_on(world: World, twilio: FakePassingOn) -> None:
    """Path, query and form go to the account's own Twilio, and its answer comes back as it is."""
    reply = await world.call("GET", f"{ROOT}/Calls.json?PageSize=2&To=%2B1")
    assert (reply.status, reply.json) == (200, {"calls": []})
    twilio.answer = PassedAnswer(201, b"<x/>", "application/xml", "https://media.example/1")
    made = await world.call("POST", f"{ROOT}/Queues.json", {"FriendlyName": "A b"})
    assert (made.status, made.body) == (201, b"<x/>")
    assert made.headers["content-type"] == "application/xml"
    assert made.headers["location"] == "https://media.example/1"
    await world.call("GET", f"{ROOT}/AvailablePhoneNumbers/US/Local.json?SmsEnabled=true")
    await world.call("GET", f"{ROOT}.json")
    await world.call("DELETE", f"{ROOT}/Recordings/RE1.json")
    assert twilio.passed == [
        ("main", PassedRequest("GET", "/Calls.json?PageSize=2&To=%2B1")),
        ("main", PassedRequest("POST", "/Queues.json", b"FriendlyName=A+b")),
        ("main", PassedRequest("GET", "/AvailablePhoneNumbers/US/Local.json?SmsEnabled=true")),
        ("main", PassedRequest("GET", ".json")),
        ("main", PassedRequest("DELETE", "/Recordings/RE1.json")),
    ]


@pytest.mark.parametrize(
    "rest",
    [
        "Messages",
        "messages.json",
        "MESSAGES.json",
        "Messages.xml",
        "Messages.json/",
        "Messages/x/y.json",
        "Messages/SM1/Media/../../Messages.json",
        "SMS/Messages.json",
        "sms/messages",
        "Sms.json",
        "./Messages.json",
        "/Messages.json",
        "Calls/../Messages.json",
        "..%2f",
        "Calls/.json",
        "Calls;x=1/Messages.json",
        "\u212aalls.json",
        "\uff2dessages.json",
        "Messages\u200b.json",
        "Calls.json\n",
        "Calls//x",
    ],
)
async def test_no_trick_reaches_twilios_messages(
    world: World, twilio: FakePassingOn, rest: str
) -> None:
    """However the path of the messages is written, nothing is handed on."""
    for method in ("GET", "POST", "DELETE"):
        reply = await world.call(method, f"{ROOT}/{rest}", {"To": "x", "Body": "y"})
        assert reply.refusal == (404, 20404)
    assert twilio.passed == []


@pytest.mark.parametrize(
    ("path", "raw_path"),
    [
        ("Messages.json", "Messages%2Ejson"),
        ("Calls/Messages.json", "Calls%2FMessages.json"),
        ("Calls.json", "%43alls.json"),
        ("Calls.json", "Messages.json"),
        ("Calls.json", ""),
    ],
)
async def test_an_escaped_path_is_not_handed_on(
    world: World, twilio: FakePassingOn, path: str, raw_path: str
) -> None:
    """Only what is written as it is read goes on; the list itself is the door's however written."""
    raw = f"{ROOT}/{raw_path}" if raw_path else ""
    reply = await world.call("GET", f"{ROOT}/{path}", raw_path=raw)
    assert reply.status == (200 if path == "Messages.json" else 404)
    assert twilio.passed == []


@pytest.mark.parametrize(
    ("resource", "form"),
    [
        ("IncomingPhoneNumbers/PN1.json", {"SmsUrl": "https://elsewhere.example"}),
        ("IncomingPhoneNumbers.json", {"smsapplicationsid": "AP1"}),
        ("Calls.json", {"Twiml": "<Response><Sms>Hi</Sms></Response>"}),
        ("Calls.json", {"Twiml": "<Response>< message>Hi</message></Response>"}),
        ("Calls/CA1.json", {"Twiml": "<Response><x:Sms/></Response>"}),
        ("Calls.json", {"Url": "http://x.example/echo?Twiml=%253CSms%253EHi%253C/Sms%253E"}),
        ("Calls.json", {"Twiml": "<!DOCTYPE r [<!ENTITY a '&#60;Sms>'>]><Response>&a;</Response>"}),
    ],
)
async def test_nothing_leads_texts_past_this_server(
    world: World, twilio: FakePassingOn, resource: str, form: dict[str, str]
) -> None:
    """A number's own address for texts, and voice TwiML that sends, are refused with the reason."""
    assert (await world.call("POST", f"{ROOT}/{resource}", form)).refusal == (400, 20001)
    query = "&".join(f"{name}={value}" for name, value in form.items()).replace("#", "%23")
    reply = await world.call("POST", f"{ROOT}/{resource}?{query}", {"a": "b"})
    assert reply.refusal == (400, 20001)
    assert twilio.passed == []


@pytest.mark.parametrize(
    "path",
    [
        "/2010-04-01/",
        "/2010-04-01/Foo",
        "/2010-04-01/Accounts.json",
        "/2010-04-01/Accounts/",
        "/2010-04-01/Accounts/.json",
        "/2010-04-01/Accounts//Messages.json",
        "/2010-04-01/Accounts//Calls.json",
        "/2010-04-01/Accounts/.json/Messages.json",
    ],
)
async def test_a_path_of_no_account_does_nothing_to_one(
    world: World, twilio: FakePassingOn, path: str
) -> None:
    """A new subaccount, or a path misspelt, must not change or close the account that asks."""
    for method in ("GET", "POST", "DELETE"):
        reply = await world.call(method, path, {"Status": "closed"})
        assert reply.refusal == (404, 20404)
    assert twilio.passed == []


async def test_a_key_of_ours_is_told_no_secret_of_the_account(
    tmp_path: Path, twilio: FakePassingOn
) -> None:
    """Its token, or an API key made for it, would text past this server; other things go on."""
    world = await build_world(tmp_path, passing_on=twilio)
    token, admin = make_account(
        "admin",
        (Scope.ADMIN,),
        secret_key=SERVER_KEY,
        randomness=b"a" * ACCOUNT_BYTES,
        now=world.services.clock.now(),
    )
    made = await world.store.submit(SaveKey(admin))
    elsewhere = CarrierAccount("other", "plivo", OTHER_ACCOUNT, TOKEN, "http://127.0.0.1:1")
    await world.store.submit(SaveCarrier(elsewhere))
    root, auth = f"/2010-04-01/Accounts/{made.prefix}", (made.prefix, token)
    for path in (f"{root}.json", root, f"{root}/", f"{root}/Keys.json", f"{root}/signingkeys.json"):
        for method in ("GET", "POST"):
            reply = await world.call(method, path, {"a": "b"}, auth=auth)
            assert reply.refusal == (404, 20404)
    assert (await world.call("GET", f"{root}/Calls.json", auth=auth)).status == 200
    assert (await world.call("GET", f"{ROOT}/Keys.json")).status == 200
    assert [request.rest for _, request in twilio.passed] == ["/Calls.json", "/Keys.json"]
    await world.store.close()


async def test_what_belongs_to_a_message_goes_under_twilios_own_name(
    world: World, twilio: FakePassingOn
) -> None:
    """Media and feedback are asked of Twilio by its own sid; of what it never had, not at all."""
    sid = await sent(world)
    media = "ME" + "0" * 32
    for method, rest in (
        ("GET", "Media.json"),
        ("GET", f"Media/{media}"),
        ("DELETE", f"Media/{media}.json"),
        ("POST", "Feedback.json"),
    ):
        assert (await world.call(method, f"{ROOT}/Messages/{sid}/{rest}")).status == 200
        assert twilio.passed[-1][1].rest == f"/Messages/SMtheirs/{rest}"
    waiting = (await world.create()).json["sid"]
    for unknown in (waiting, "SM" + "0" * 32):
        reply = await world.call("GET", f"{ROOT}/Messages/{unknown}/Media.json")
        assert reply.refusal == (404, 20404)
    assert len(twilio.passed) == 4


async def test_a_key_of_ours_needs_admin_and_one_account(
    world: World, twilio: FakePassingOn
) -> None:
    """Without admin it is 20003; with it, which of two Twilio accounts is meant nobody knows."""
    auth = (world.key_sid, world.key_token)
    path = f"/2010-04-01/Accounts/{world.key_sid}/Calls.json"
    assert (await world.call("GET", path, auth=auth)).refusal == (401, 20003)
    token, admin = make_account(
        "admin",
        (Scope.ADMIN,),
        secret_key=SERVER_KEY,
        randomness=b"a" * ACCOUNT_BYTES,
        now=world.services.clock.now(),
    )
    made = await world.store.submit(SaveKey(admin))
    path, auth = path.replace(world.key_sid, made.prefix), (made.prefix, token)
    await asyncio.sleep(0.06)
    assert (await world.call("GET", path, auth=auth)).refusal == (404, 20404)
    assert twilio.passed == []


async def test_a_twilio_that_does_not_answer(world: World, twilio: FakePassingOn) -> None:
    """It is 503, in Twilio's words."""
    twilio.answer = None
    assert (await world.call("GET", f"{ROOT}/Calls.json")).refusal == (503, 20503)


async def test_the_other_account_is_its_own(world: World, twilio: FakePassingOn) -> None:
    """Each carrier account is handed on under its own credentials."""
    path = f"/2010-04-01/Accounts/{OTHER_ACCOUNT}/Calls.json"
    assert (await world.call("GET", path, auth=(OTHER_ACCOUNT, TOKEN))).status == 200
    assert [carrier for carrier, _ in twilio.passed] == ["other"]


async def test_messages_stay_the_doors(world: World, twilio: FakePassingOn) -> None:
    """Where other things are handed on, messages are created and listed here all the same."""
    await world.text("Hello")
    assert (await world.create()).status == 201
    assert (await world.call("GET", MESSAGES)).status == 200
    reply = await exchange(world.door, "GET", "/v1/x", headers={}, body=b"")
    assert reply.status == 418
    assert twilio.passed == []
