"""A key of one brand at every operation of the API: another brand is not there for it."""

import re
from dataclasses import dataclass

import msgspec
import pytest
from api_world import LONG_CODE, NOW, PERSON, SECRET_KEY, TOLL_FREE, Reply, World

from consentry.actions.administer import SaveBrand, SaveKey, SaveProgram, SaveSender
from consentry.actions.make_key import hash_secret, new_secret
from consentry.api.openapi import implied_errors
from consentry.api.table import OPERATIONS
from consentry.domain.directory import Brand, Program, Purpose, Sender
from consentry.domain.reading import SenderKind
from consentry.ports import APIKey, Scope

pytestmark = pytest.mark.integration

THEIRS = "+12025550177"
SECRET = new_secret(b"limited".ljust(32, b"*"))
WORDS = "my lawyer will write to you"
ASKED = {"reason": "told by phone", "evidence": {"medium": "phone", "verbatim": WORDS}}
NOT_THEIRS = re.compile(rf"brd_b|Beta|{re.escape(THEIRS)}|%2B{THEIRS[1:]}|prg_b|lawyer|DEALS|key_")
"""What tells of the other brand: its names and numbers, and what was said to it."""


@dataclass(frozen=True)
class Try:
    """One request by the key of the other brand, and how it is answered."""

    path: str
    status: int
    body: object = None
    code: str | None = None


def empty(path: str) -> Try:
    """Expect a list without what is the other brand's."""
    return Try(path, 200)


def missing(path: str, body: object = None, code: str = "not_found") -> Try:
    """Expect that there is no such thing."""
    return Try(path, 404, body, code)


DECIDED: dict[tuple[str, str], tuple[Try, ...]] = {
    ("POST", "/v1/check"): (
        Try("/v1/check", 200, {"sender": THEIRS, "recipient": PERSON}),
        Try(
            "/v1/check", 200, {"sender": THEIRS, "recipient": PERSON, "at": "2026-05-01T12:00:00Z"}
        ),
    ),
    ("POST", "/v1/checks"): (Try("/v1/checks", 200, {"sender": THEIRS, "recipients": [PERSON]}),),
    ("POST", "/v1/messages"): (
        missing(
            "/v1/messages", {"sender": THEIRS, "recipient": PERSON, "body": "Hi"}, "unknown_sender"
        ),
        missing(
            "/v1/messages",
            {"sender": LONG_CODE, "recipient": PERSON, "template": "{template}"},
            "unknown_template",
        ),
    ),
    ("GET", "/v1/messages/{id}"): (missing("/v1/messages/{message}"),),
    ("GET", "/v1/messages"): (empty("/v1/messages"), empty(f"/v1/messages?sender=%2B{THEIRS[1:]}")),
    ("GET", "/v1/recipients/{phone}"): (empty(f"/v1/recipients/{PERSON}"),),
    ("GET", "/v1/recipients/{phone}/entries"): (empty(f"/v1/recipients/{PERSON}/entries"),),
    ("GET", "/v1/recipients/{phone}/decisions"): (empty(f"/v1/recipients/{PERSON}/decisions"),),
    ("POST", "/v1/consents"): (
        missing(
            "/v1/consents",
            {"recipient": PERSON, "program": "prg_b", "action": "grant", **ASKED},
            "unknown_program",
        ),
        missing(
            "/v1/consents",
            {"recipient": PERSON, "program": "prg_b", "action": "revoke", **ASKED},
            "unknown_program",
        ),
        missing(
            "/v1/consents",
            {"recipient": PERSON, "program": "prg_b", "action": "request", **ASKED},
            "unknown_program",
        ),
    ),
    ("POST", "/v1/suppressions"): (
        missing(
            "/v1/suppressions", {"recipient": PERSON, "brand": "brd_b", **ASKED}, "unknown_brand"
        ),
        Try("/v1/suppressions", 403, {"recipient": PERSON, **ASKED}, "brand_limited"),
    ),
    ("DELETE", "/v1/suppressions/{phone}"): (
        missing(f"/v1/suppressions/{PERSON}?reason=x&brand=brd_b"),
        Try(f"/v1/suppressions/{PERSON}?reason=x", 403, code="brand_limited"),
    ),
    ("GET", "/v1/consents/expiring"): (
        empty("/v1/consents/expiring?within_days=3650"),
        empty("/v1/consents/expiring?program=prg_b"),
    ),
    ("GET", "/v1/opt-outs/told"): (empty("/v1/opt-outs/told"),),
    ("GET", "/v1/senders"): (empty("/v1/senders"),),
    ("GET", "/v1/senders/{number}"): (missing(f"/v1/senders/{THEIRS}"),),
    ("GET", "/v1/brands"): (empty("/v1/brands"),),
    ("GET", "/v1/brands/{id}"): (missing("/v1/brands/brd_b"),),
    ("GET", "/v1/programs"): (empty("/v1/programs"),),
    ("GET", "/v1/programs/{id}"): (missing("/v1/programs/prg_b"),),
    ("GET", "/v1/calls-to-action"): (empty("/v1/calls-to-action"),),
    ("GET", "/v1/calls-to-action/{id}"): (missing("/v1/calls-to-action/bads"),),
    ("GET", "/v1/calls-to-action/{id}/versions"): (missing("/v1/calls-to-action/bads/versions"),),
    ("GET", "/v1/calls-to-action/{id}/versions/{version}"): (
        missing("/v1/calls-to-action/bads/versions/1"),
    ),
    ("GET", "/v1/keywords/campaigns"): (empty("/v1/keywords/campaigns"),),
    ("GET", "/v1/templates"): (empty("/v1/templates"),),
    ("GET", "/v1/templates/{id}"): (missing("/v1/templates/{template}"),),
    ("POST", "/v1/templates/lint"): (
        missing(
            "/v1/templates/lint",
            {"brand": "brd_b", "kind": "conversational", "body": "Hello"},
            "unknown_brand",
        ),
    ),
    ("GET", "/v1/keywords"): (empty("/v1/keywords"),),
    ("POST", "/v1/read"): (Try("/v1/read", 200, {"text": "STOP"}),),
    ("GET", "/v1/reviews"): (empty("/v1/reviews"),),
    ("GET", "/v1/reviews/{id}"): (missing("/v1/reviews/{review}"),),
    ("POST", "/v1/reviews/{id}/answer"): (
        missing("/v1/reviews/{review}/answer", {"answer": "keep"}),
    ),
    ("GET", "/v1/test-cases"): (empty("/v1/test-cases"),),
    ("GET", "/v1/rules"): (empty("/v1/rules"),),
    ("GET", "/v1/rules/explain"): (empty(f"/v1/rules/explain?recipient=%2B{PERSON[1:]}"),),
}
"""What is asked of each operation that is open to limited keys. All others are closed to them."""


@pytest.fixture
async def names(world: World) -> dict[str, str]:
    """Set up another brand with something of everything; returns the ids of what has one."""
    store = world.store
    await store.submit(SaveBrand(Brand("brd_b", "Beta")))
    await store.submit(SaveSender(Sender(THEIRS, SenderKind.LONG_CODE, "brd_b", "fake")))
    await store.submit(SaveProgram(Program("prg_b", "brd_b", Purpose.MARKETING, "Beta deals")))
    await store.submit(
        SaveKey(
            APIKey(
                "key_limited",
                "limited",
                SECRET[:12],
                hash_secret(SECRET_KEY, SECRET),
                (Scope.ADMIN,),
                NOW,
                brands=("brd_a",),
            )
        )
    )
    await world.call(
        "POST", "/v1/calls-to-action", {"program": "prg_b", "heading": "Beta", "id": "bads"}
    )
    keyword = {"sender": THEIRS, "word": "DEALS", "program": "prg_b", "call_to_action": "bads"}
    made = [await world.call("POST", "/v1/keywords", keyword)]
    template = {
        "brand": "brd_b",
        "name": "Beta hi",
        "kind": "conversational",
        "body": "Hi from Beta",
    }
    made.append(await world.call("POST", "/v1/templates", template))
    made.extend([await world.text(words, sender=THEIRS) for words in ("no", WORDS)])
    granted = {
        "recipient": PERSON,
        "program": "prg_b",
        "action": "grant",
        "level": "express",
        **ASKED,
    }
    made.append(
        await world.call("POST", "/v1/consents", {**granted, "expires_at": "2026-06-01T00:00:00Z"})
    )
    made.append(
        await world.call(
            "POST", "/v1/suppressions", {"recipient": PERSON, "brand": "brd_b", **ASKED}
        )
    )
    # What holds for every brand is seen: that it does and since when, not in whose words.
    made.append(await world.call("POST", "/v1/suppressions", {"recipient": PERSON, **ASKED}))
    made.append(await world.text("STOP", sender=THEIRS))
    assert [reply.status for reply in made] == [201, 201, 200, 200, 201, 201, 201, 200]
    (message, *_) = (await world.call("GET", f"/v1/messages?sender=%2B{THEIRS[1:]}")).json["items"]
    reviews = (await world.call("GET", "/v1/reviews")).json["items"]
    return {
        "template": made[1].json["id"],
        "message": message["id"],
        "review": reviews[0]["id"],
    }


def check_silent(reply: Reply, asked: str) -> None:
    """Nothing in an answer tells of the other brand but what was asked for by name."""
    told = reply.body.decode() + str(reply.headers)
    for word in sorted(set(NOT_THEIRS.findall(told))):
        assert word in asked, f"{asked}: {told[:2000]}"


async def test_another_brand_is_not_there_at_any_operation(
    world: World, names: dict[str, str]
) -> None:
    """Every operation is closed to a limited key, or answers as if there were no other brand.

    A new operation is closed until it is opened in the table of operations, and then it must be
    decided here what is asked of it.
    """
    for operation in OPERATIONS:
        if operation.scope is None:
            continue
        place = operation.method, operation.path
        if not operation.for_brands:
            path = re.sub(r"\{[^}]+\}", "x1", operation.path)
            refused = await world.call(operation.method, path, {}, key=SECRET)
            assert (refused.status, refused.json["code"]) == (403, "brand_limited"), place
            assert place not in DECIDED
            continue
        assert place in DECIDED, f"Nobody decided what a limited key gets from {place}."
        for one in DECIDED[place]:
            asked = msgspec.json.encode(one.body).decode()
            for name, value in names.items():
                asked = asked.replace(f"{{{name}}}", value)
            path = one.path.format(**names)
            body = None if one.body is None else msgspec.json.decode(asked)
            reply = await world.call(operation.method, path, body, key=SECRET)
            assert reply.status == one.status, (place, reply.body)
            if one.code is not None:
                assert reply.json["code"] == one.code
                assert one.code in implied_errors(operation)
            check_silent(reply, f"{path} {asked}")


async def test_the_whole_would_have_told(world: World, names: dict[str, str]) -> None:
    """The same questions by a key of every brand tell of it, so the test above can fail."""
    told = 0
    for (method, _), tries in DECIDED.items():
        for one in tries:
            if method == "GET":
                reply = await world.call(method, one.path.format(**names))
                told += bool(NOT_THEIRS.search(reply.body.decode()))
    assert told >= 20


async def test_its_own_brand_is_all_there(world: World, names: dict[str, str]) -> None:
    """It sends from its own senders, reads its own texts, and the gate answers it as any other."""
    del names
    await world.text("Hello")
    asked = {"sender": LONG_CODE, "recipient": PERSON}
    own = await world.call("POST", "/v1/check", asked, key=SECRET)
    assert own.json == {
        **(await world.call("POST", "/v1/check", asked)).json,
        "as_of": own.json["as_of"],
    }
    assert own.json["reason"] == "suppressed"
    other = "+14155550143"
    await world.text("Hello", recipient=other)
    sent = await world.call(
        "POST", "/v1/messages", {**asked, "recipient": other, "body": "Hi"}, key=SECRET
    )
    assert sent.status == 202
    shown = await world.call("GET", f"/v1/messages/{sent.json['id']}", key=SECRET)
    assert shown.json["body"] == "Hi"
    listed = await world.call("GET", "/v1/senders", key=SECRET)
    assert [sender["number"] for sender in listed.json["items"]] == [LONG_CODE, TOLL_FREE]
    recipient = await world.call("GET", f"/v1/recipients/{PERSON}", key=SECRET)
    assert [listed["brand"] for listed in recipient.json["suppressions"]] == [None]
    assert recipient.json["customers"] == []


async def test_a_key_is_made_for_brands(world: World) -> None:
    """Over the API, for brands that there are; it is listed with them."""
    asked = {"name": "shop", "scopes": ["send"], "brands": ["brd_a", "brd_a"]}
    made = await world.call("POST", "/v1/keys", asked)
    assert made.json["brands"] == ["brd_a"]
    listed = (await world.call("GET", "/v1/keys")).json["items"]
    assert next(key for key in listed if key["name"] == "shop")["brands"] == ["brd_a"]
    refused = await world.call("POST", "/v1/keys", {**asked, "brands": ["brd_x"]})
    assert (refused.status, refused.json["code"]) == (404, "unknown_brand")
