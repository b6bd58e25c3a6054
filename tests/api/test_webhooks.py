"""The carriers' door: signature first, durable before 2xx, never a reply in the answer."""

from dataclasses import replace

import msgspec
import pytest
from api_world import LONG_CODE, PERSON, SIGNED, FakeBook, FakeCarrier, World

from consentry.actions.check_readiness import ReadinessCheck
from consentry.actions.deliver_job import ClaimJobs
from consentry.actions.receive_message import ReceiveMessage
from consentry.actions.record_receipt import RecordReceipt
from consentry.api.app import build_api
from consentry.domain.messages import MessageStatus
from consentry.ports import (
    CarrierEvent,
    CarrierUnreachable,
    Command,
    Handshake,
    InboundText,
    StatusReport,
    StoreUnavailable,
    WebhookRequest,
)

pytestmark = pytest.mark.integration


async def kinds(world: World, recipient: str = PERSON) -> list[str]:
    reply = await world.call("GET", f"/v1/recipients/{recipient}/entries")
    return [entry["kind"] for entry in reply.json["items"]]


async def test_a_text_is_taken_with_an_empty_answer(world: World) -> None:
    """A text is durable before the answer, which asks the carrier to send nothing."""
    reply = await world.text("Hello")
    assert reply.status == 200
    assert reply.headers["content-type"] == "text/xml"
    assert reply.body.endswith(b"<Response/>")
    assert "opted_in" in await kinds(world)
    assert world.delivery.woken == 1
    await world.text("STOP")
    assert world.delivery.woken == 1


async def test_a_forged_text_leaves_nothing(world: World) -> None:
    """A bad signature is 403, and nothing is stored."""
    reply = await world.text("STOP", headers={"x-fake-signature": "wrong"})
    assert (reply.status, reply.json["code"]) == (403, "forged_webhook")
    assert await kinds(world) == []
    assert (await world.call("GET", "/v1/messages")).json["items"] == []


@pytest.mark.parametrize("door", ["inbound", "status"])
async def test_what_cannot_be_read_says_why(world: World, door: str) -> None:
    """A signed request that cannot be read is 400 with the reason; a forged one is 403."""
    path = f"/carriers/fake/{door}"
    reply = await world.call("POST", path, raw=b"{", key=None, headers=SIGNED)
    assert (reply.status, reply.json["code"]) == (400, "malformed_webhook")
    assert "truncated" in reply.json["detail"]
    reply = await world.call("POST", path, raw=b"{", key=None)
    assert (reply.status, reply.json["code"]) == (403, "forged_webhook")
    reply = await world.call("POST", path, raw=b"x" * 1_048_577, key=None, headers=SIGNED)
    assert (reply.status, reply.json["code"]) == (413, "body_too_large")


@pytest.mark.parametrize("door", ["inbound", "status"])
async def test_an_unknown_carrier(world: World, door: str) -> None:
    """An account that is not set up is 404 and says so."""
    reply = await world.call("POST", f"/carriers/nobody/{door}", raw=b"{}", key=None)
    assert (reply.status, reply.json["code"]) == (404, "unknown_carrier")


async def test_the_url_is_the_one_that_was_signed(world: World) -> None:
    """The carrier is shown the public URL with path and query as they came, or the host's."""
    raw = b"{}"
    path = "/carriers/fake/inbound?a=1&b=%20c"
    await world.call("POST", path, raw=raw, key=None, headers=SIGNED)
    assert world.carrier.requests[-1].url == f"http://api.example{path}"
    world.api = build_api(replace(world.services, public_url="https://sms.example.org/here"))
    await world.call("POST", path, raw=raw, key=None, headers=SIGNED)
    assert world.carrier.requests[-1].url == f"https://sms.example.org/here{path}"
    assert world.carrier.requests[-1].body == raw


async def test_a_repeat_changes_nothing(world: World) -> None:
    """The same carrier id again is answered alike and kept once."""
    await world.text("STOP", sid="SM1")
    before = await kinds(world)
    reply = await world.text("STOP", sid="SM1")
    assert reply.status == 200
    assert await kinds(world) == before


async def test_a_sender_that_is_not_set_up(world: World) -> None:
    """The text is kept and counts, and the answer says which sender is missing."""
    reply = await world.text("STOP", sender="+12025550999")
    assert (reply.status, reply.json["code"]) == (404, "sender_not_set_up")
    assert "+12025550999" in reply.json["detail"]
    assert await kinds(world) == ["opted_out"]


async def test_an_opt_out_waits_for_what_is_under_way(world: World) -> None:
    """STOP is acknowledged after the messages that are with the carrier are over."""
    await world.text("Hello")
    (work,) = await world.store.submit(ClaimJobs(((LONG_CODE, 10),), "prc_1"))
    await world.text("STOP")
    assert world.delivery.waited == [(work.message.id,)]


async def test_a_receipt_moves_a_message(world: World) -> None:
    """A delivery report is recorded, in any order, and answered with nothing."""
    await world.text("Hello")
    (work,) = await world.store.submit(ClaimJobs(((LONG_CODE, 10),), "prc_1"))
    for status in (MessageStatus.DELIVERED, MessageStatus.SENT):
        report = StatusReport("SMx", PERSON, LONG_CODE, status, message=work.message.id)
        raw = msgspec.json.encode(report)
        reply = await world.call("POST", "/carriers/fake/status", raw=raw, key=None, headers=SIGNED)
        assert reply.status == 200
        assert reply.body.endswith(b"<Response/>")
    shown = await world.call("GET", f"/v1/messages/{work.message.id}")
    assert shown.json["status"] == "delivered"


class Outage:
    """A store that answers nothing of a recipient and makes nothing durable."""

    def __init__(self, world: World) -> None:
        self._store = world.store

    async def _fail(self, _asked: object) -> object:
        raise StoreUnavailable

    submit = read_standing = read_standings = read_facts = read_facts_of = _fail

    def __getattr__(self, name: str) -> object:
        return getattr(self._store, name)


async def test_an_outage_is_never_acknowledged(world: World) -> None:
    """Where the text cannot be made durable the answer is 503, so that the carrier retries."""
    world.api = build_api(replace(world.services, store=Outage(world)))
    reply = await world.text("STOP")
    assert (reply.status, reply.json["code"]) == (503, "store_unavailable")
    assert "retry-after" in reply.headers


async def test_in_an_outage_the_gate_says_no(world: World) -> None:
    """The gate answers deny while the store is away; sending is 503, readiness too."""
    outage = Outage(world)
    readiness = ReadinessCheck(outage, world.clock)
    world.api = build_api(replace(world.services, store=outage, readiness=readiness))
    asked = {"sender": LONG_CODE, "recipient": PERSON}
    reply = await world.call("POST", "/v1/check", asked)
    assert (reply.status, reply.json["decision"]) == (200, "deny")
    assert reply.json["reason"] == "store_unavailable"
    many = await world.call("POST", "/v1/checks", {"sender": LONG_CODE, "recipients": [PERSON]})
    assert many.json["items"][0]["reason"] == "store_unavailable"
    for headers in ({}, {"idempotency-key": "k"}):
        reply = await world.call("POST", "/v1/messages", {**asked, "body": "Hi"}, headers=headers)
        assert (reply.status, reply.json["code"]) == (503, "store_unavailable")
    unready = await world.call("GET", "/readyz", key=None)
    assert (unready.status, unready.json["code"]) == (503, "store_unavailable")
    assert (await world.call("GET", "/healthz", key=None)).status == 200


class Asking(FakeCarrier):
    """Posts several events at once, and asks whether the address is ours."""

    reachable = True

    def __init__(self) -> None:
        super().__init__()
        self.confirmed: list[str] = []

    def read_inbound(self, request: WebhookRequest) -> tuple[CarrierEvent, ...]:
        """Read an array of texts, or a handshake."""
        body = self._open(request)
        if body.startswith(b"http"):
            return (Handshake(body.decode()),)
        return tuple(msgspec.json.decode(body, type=list[InboundText]))

    async def confirm(self, handshake: Handshake) -> None:
        """Note it, where the carrier can be reached."""
        if not self.reachable:
            raise CarrierUnreachable("It is down.")
        self.confirmed.append(handshake.url)


async def asking(world: World) -> Asking:
    """Put such a carrier in the place of the other."""
    carrier = Asking()
    world.api = build_api(replace(world.services, book=FakeBook({"fake": carrier})))
    return carrier


async def test_all_texts_of_one_webhook_are_taken_in_order(world: World) -> None:
    """STOP and START in one array leave the person in; a number that is not ours is named last."""
    await asking(world)
    texts = [
        InboundText("M1", PERSON, LONG_CODE, "STOP"),
        InboundText("M2", PERSON, "+12025550999", "Hello"),
        InboundText("M3", PERSON, LONG_CODE, "START"),
    ]
    raw = msgspec.json.encode(texts)
    reply = await world.call("POST", "/carriers/fake/inbound", raw=raw, key=None, headers=SIGNED)
    assert (reply.status, reply.json["code"]) == (404, "sender_not_set_up")
    entries = (await world.call("GET", f"/v1/recipients/{PERSON}/entries")).json["items"]
    told = [(entry["kind"], entry["sender"]) for entry in entries]
    assert told == [
        ("opted_in", LONG_CODE),
        ("opted_in", "+12025550999"),
        ("opted_out", LONG_CODE),
    ]


async def test_a_handshake_is_answered_once_it_is_verified(world: World) -> None:
    """Only a signed one is; where the carrier cannot be reached it must ask again."""
    carrier = await asking(world)
    asked = {"raw": b"https://carrier.example.com/yes", "key": None}
    path = "/carriers/fake/inbound"
    forged = await world.call("POST", path, headers={"x-fake-signature": "wrong"}, **asked)
    assert (forged.status, carrier.confirmed) == (403, [])
    carrier.reachable = False
    away = await world.call("POST", path, headers=SIGNED, **asked)
    assert (away.status, away.json["code"]) == (503, "carrier_unreachable")
    carrier.reachable = True
    taken = await world.call("POST", path, headers=SIGNED, **asked)
    assert (taken.status, carrier.confirmed) == (200, ["https://carrier.example.com/yes"])


class Queue:
    """A store that notes which commands let others go first."""

    def __init__(self, world: World) -> None:
        self._store = world.store
        self.patient: dict[type, bool] = {}

    async def submit(self, command: Command[object], *, is_patient: bool = False) -> object:
        """Note it, and carry it out."""
        self.patient[type(command)] = is_patient
        return await self._store.submit(command, is_patient=is_patient)

    def __getattr__(self, name: str) -> object:
        return getattr(self._store, name)


async def test_reports_let_people_go_first(world: World) -> None:
    """A large send has thousands of delivery reports: an opt-out does not stand behind them."""
    queue = Queue(world)
    world.api = build_api(replace(world.services, store=queue))  # type: ignore[arg-type]
    report = StatusReport("SMx", PERSON, LONG_CODE, MessageStatus.DELIVERED)
    raw = msgspec.json.encode(report)
    reply = await world.call("POST", "/carriers/fake/status", raw=raw, key=None, headers=SIGNED)
    assert (reply.status, (await world.text("STOP")).status) == (200, 200)
    assert queue.patient == {RecordReceipt: True, ReceiveMessage: False}
