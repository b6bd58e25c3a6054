"""POST /v1/messages and looking at messages: nothing is dropped silently."""

import pytest
from api_world import LONG_CODE, NOW, OTHER_PERSON, PERSON, TOLL_FREE, World

from consentry.domain.reasons import OPTED_OUT_SENTENCE, REASONS, Reason

pytestmark = pytest.mark.integration


def text(**changes: object) -> dict[str, object]:
    return {"sender": LONG_CODE, "recipient": PERSON, "body": "Your table is ready.", **changes}


async def entries(world: World, recipient: str = PERSON) -> list[dict[str, object]]:
    # What was posted before is durable once something submitted after it is.
    await world.text("Hello", recipient=OTHER_PERSON, sender=TOLL_FREE)
    reply = await world.call("GET", f"/v1/recipients/{recipient}/entries")
    return list(reply.json["items"])


async def test_an_allowed_text_is_queued(world: World) -> None:
    """An allowed text is answered 202 with its id and decision, and delivery is woken."""
    await world.text("Hello")
    woken = world.delivery.woken
    reply = await world.call("POST", "/v1/messages", text(), key="send")
    assert reply.status == 202
    assert reply.json.keys() == {"id", "status", "decision"}
    assert reply.json["status"] == "queued"
    assert reply.json["decision"]["decision"] == "allow"
    assert world.delivery.woken == woken + 1
    found = await world.call("GET", f"/v1/messages/{reply.json['id']}", key="read")
    assert found.json["body"] == "Your table is ready."
    assert found.json["actor"] == {"kind": "key", "id": "key_send"}


@pytest.mark.parametrize("door", ["plain", "idempotent"])
async def test_an_opted_out_person_is_refused_with_the_exact_sentence(
    world: World, door: str
) -> None:
    """After STOP a send is 403 opted_out with the specification's sentence, and it is kept."""
    await world.text("STOP")
    headers = {"idempotency-key": "k1"} if door == "idempotent" else {}
    reply = await world.call("POST", "/v1/messages", text(), headers=headers)
    assert reply.status == 403
    assert reply.headers["content-type"] == "application/problem+json"
    assert reply.json["code"] == "opted_out"
    assert reply.json["detail"] == OPTED_OUT_SENTENCE
    assert reply.json["decision"]["decision"] == "deny"
    refusal = (await entries(world))[0]
    assert (refusal["kind"], refusal["reason"]) == ("send_refused", "opted_out")
    assert refusal["text"] == "Your table is ready."


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"recipient": "12"}, Reason.INVALID_NUMBER),
        ({"recipient": f"{PERSON}*"}, Reason.INVALID_NUMBER),
        ({"recipient": f"{PERSON}!"}, Reason.INVALID_NUMBER),
        ({"sender": "+12025550999"}, Reason.UNKNOWN_SENDER),
        ({"sender": "🦆"}, Reason.UNKNOWN_SENDER),
        ({"recipient": OTHER_PERSON}, Reason.NO_CONSENT),
        ({"purpose": "marketing"}, Reason.NO_CONSENT),
        ({"body": "x" * 1601}, Reason.BODY_INVALID),
        ({"body": "x" * 100_000}, Reason.BODY_INVALID),
        ({"body": " "}, Reason.BODY_INVALID),
    ],
)
async def test_a_refusal_is_a_problem_of_its_reason(
    world: World, changes: dict[str, object], reason: Reason
) -> None:
    """A refusal has the reason as code, the reason's status, and says what to do next."""
    await world.text("Hello")
    reply = await world.call("POST", "/v1/messages", text(**changes))
    assert (reply.status, reply.json["code"]) == (REASONS[reason].status, reason)
    assert len(reply.json["detail"]) > 20


async def test_a_text_for_later_is_scheduled(world: World) -> None:
    """`send_at` schedules, `ttl` counts from then; a far future is no fault."""
    await world.text("Hello")
    reply = await world.call(
        "POST", "/v1/messages", text(send_at="2026-05-02T12:00:00+02:00", ttl=60)
    )
    assert (reply.status, reply.json["status"]) == (202, "scheduled")
    far = text(send_at="9999-12-31T23:59:59Z", ttl=60)
    assert (await world.call("POST", "/v1/messages", far)).status == 202
    past = text(send_at="2001-01-01T00:00:00Z")
    assert (await world.call("POST", "/v1/messages", past)).json["status"] == "queued"
    gone = text(send_at="9999-12-31T23:59:59-12:00")
    assert (await world.call("POST", "/v1/messages", gone)).json["code"] == "invalid_time"


async def test_the_same_key_gets_the_first_answer_again(world: World) -> None:
    """An Idempotency-Key sends once, also when the JSON is written with other spaces."""
    await world.text("Hello")
    headers = {"idempotency-key": "order-17"}
    first = await world.call("POST", "/v1/messages", text(), headers=headers)
    raw = b'{ "body":"Your table is ready.", "recipient":"+14155550142", "sender":"+12025550101" }'
    again = await world.call("POST", "/v1/messages", {}, raw=raw, headers=headers)
    assert (first.status, again.status) == (202, 202)
    assert again.body == first.body
    assert "idempotent-replayed" not in first.headers
    assert again.headers["idempotent-replayed"] == "true"
    listed = await world.call("GET", f"/v1/messages?recipient=%2B{PERSON[1:]}&status=queued")
    assert [m["id"] for m in listed.json["items"] if m["kind"] == "message"] == [first.json["id"]]


async def test_a_refusal_is_replayed_too(world: World) -> None:
    """A refused send stays refused under its key, and is kept once."""
    headers = {"idempotency-key": "order-18"}
    first = await world.call("POST", "/v1/messages", text(), headers=headers)
    await world.text("Hello")
    again = await world.call("POST", "/v1/messages", text(), headers=headers)
    assert (first.status, again.status) == (403, 403)
    assert again.body == first.body
    assert again.headers["idempotent-replayed"] == "true"


async def test_a_key_is_for_one_request(world: World) -> None:
    """The same key with another body is 422; another caller's key is another key."""
    await world.text("Hello")
    headers = {"idempotency-key": "order-19"}
    await world.call("POST", "/v1/messages", text(), headers=headers)
    other = await world.call("POST", "/v1/messages", text(body="Other"), headers=headers)
    assert (other.status, other.json["code"]) == (422, "idempotency_key_reused")
    mine = await world.call("POST", "/v1/messages", text(body="Other"), headers=headers, key="send")
    assert mine.status == 202


@pytest.mark.parametrize("key", ["", "x" * 256, "naïve", "tab\there"])
async def test_an_unusable_key_is_refused(world: World, key: str) -> None:
    """A key that is empty, too long or not visible ASCII is 400."""
    reply = await world.call("POST", "/v1/messages", text(), headers={"idempotency-key": key})
    assert (reply.status, reply.json["code"]) == (400, "idempotency_key_invalid")


async def test_pictures_go_along(world: World) -> None:
    """`media` takes up to ten web addresses, and then the body may be empty."""
    await world.text("Hello")
    media = [f"https://example.org/{n}.png" for n in range(10)]
    reply = await world.call("POST", "/v1/messages", text(body="", media=media))
    assert reply.status == 202
    for wrong in ([*media, media[0]], ["ftp://example.org/x"], ["https://a b"], [1]):
        reply = await world.call("POST", "/v1/messages", text(media=wrong))
        assert (reply.status, reply.json["code"]) == (422, "invalid_body")


async def test_messages_page_by_page(world: World) -> None:
    """The list goes newest first, page by page, by sender, recipient and status."""
    await world.text("Hello")
    sent = []
    for number in range(5):
        world.clock.advance(1)
        reply = await world.call("POST", "/v1/messages", text(body=f"Text {number}"))
        sent.append(reply.json["id"])
    path = f"/v1/messages?sender=%2B{LONG_CODE[1:]}&recipient={PERSON[1:]}&limit=2"
    seen: list[str] = []
    cursor = ""
    while True:
        page = (await world.call("GET", path + cursor, key="read")).json
        assert len(page["items"]) <= 2
        seen += [m["id"] for m in page["items"] if m["body"].startswith("Text")]
        if page["next"] is None:
            break
        cursor = f"&cursor={page['next']}"
    assert seen == sent[::-1]
    received = (await world.call("GET", "/v1/messages?status=received")).json["items"]
    assert [m["body"] for m in received] == ["Hello"]


@pytest.mark.parametrize(
    "query",
    [
        "limit=0",
        "limit=201",
        "limit=x",
        "status=lost",
        "status=null",
        "cursor=%00",
        "cursor=",
        "limit=1&limit=2",
        "recipent=+14155550142",
        "sender=%FF",
        "sender=%00",
        "&".join(f"a{n}=1" for n in range(40)),
    ],
)
async def test_a_parameter_that_does_not_fit(world: World, query: str) -> None:
    """A wrong, doubled or unknown query parameter is told, not passed over."""
    reply = await world.call("GET", f"/v1/messages?{query}")
    assert reply.status == 422
    assert reply.json["code"] in {"invalid_parameter", "nul_character"}


async def test_a_message_that_is_not_there(world: World) -> None:
    """An unknown or impossible id is 404; a recipient that is none is 400."""
    for message_id in ("msg_x", "%00", "a" * 300):
        reply = await world.call("GET", f"/v1/messages/{message_id}")
        assert (reply.status, reply.json["code"]) == (404, "not_found")
    reply = await world.call("GET", "/v1/messages?recipient=nobody")
    assert (reply.status, reply.json["code"]) == (400, "invalid_number")


async def test_the_clock_of_the_decision(world: World) -> None:
    """`as_of` in the answer is the time of the request."""
    await world.text("Hello")
    reply = await world.call("POST", "/v1/messages", text())
    assert reply.json["decision"]["as_of"] == NOW.isoformat().replace("+00:00", "Z")
