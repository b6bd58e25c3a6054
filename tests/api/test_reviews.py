"""Texts that may be an opt-out, as programs see them: listed, answered, and what they teach."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from api_world import LONG_CODE, OTHER_PERSON, PERSON, World, build_world

pytestmark = pytest.mark.integration


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    """An API where two people texted something unclear."""
    made = await build_world(tmp_path)
    await made.text("who is this")
    await made.text("not interested", recipient=OTHER_PERSON)
    yield made
    await made.store.close()


async def list_ids(world: World, query: str = "") -> list[str]:
    """List the ids of reviews."""
    listed = await world.call("GET", f"/v1/reviews{query}", key="read")
    assert listed.status == 200
    return [one["id"] for one in listed.json["items"]]


async def test_what_waits_is_listed_and_shown(world: World) -> None:
    """Newest first, word for word, with how it was read; page by page, by state and person."""
    newer, older = (await world.call("GET", "/v1/reviews", key="read")).json["items"]
    assert (older["text"], older["recipient"], older["sender"]) == (
        "who is this",
        PERSON,
        LONG_CODE,
    )
    assert (older["state"], older["is_held_back"], older["answer"]) == ("open", True, None)
    assert (older["language"], older["tier"], older["last_purpose"]) == ("und", "phrase", None)
    assert older["rule"]
    assert (await world.call("GET", f"/v1/reviews/{older['id']}", key="read")).json == older
    page = (await world.call("GET", "/v1/reviews?limit=1")).json
    rest = (await world.call("GET", f"/v1/reviews?limit=1&cursor={page['next']}")).json
    assert [page["items"][0], rest["items"][0], rest["next"]] == [newer, older, None]
    assert await list_ids(world, f"?recipient=%2B{PERSON[1:]}") == [older["id"]]
    assert await list_ids(world, "?state=answered") == []


async def test_texts_are_held_back_until_it_is_answered(world: World) -> None:
    """The check says so; the recipient's page names the review; when it is kept, both end."""
    asked = {"sender": LONG_CODE, "recipient": PERSON, "purpose": "conversational"}
    held = (await world.call("POST", "/v1/check", asked)).json
    assert (held["decision"], held["reason"], held["rules"]) == (
        "deny",
        "paused_for_review",
        ["paused/review"],
    )
    shown = (await world.call("GET", f"/v1/recipients/{PERSON}")).json["senders"]
    (review,) = next(one["reviews"] for one in shown if one["sender"] == LONG_CODE)
    said = {"answer": "keep", "note": "asked who we are"}
    kept = await world.call("POST", f"/v1/reviews/{review}/answer", said, key="consent")
    assert kept.status == 200
    assert (kept.json["state"], kept.json["answer"], kept.json["note"]) == (
        "answered",
        "keep",
        "asked who we are",
    )
    assert kept.json["settled_by"]["kind"] == "key"
    assert not kept.json["is_held_back"]
    assert (await world.call("POST", "/v1/check", asked)).json["decision"] == "allow"


async def test_an_opt_out_by_review_is_as_any_other(world: World) -> None:
    """The exact sentence, consents marked where the number is wrong, and no way to take it back."""
    newer, older = await list_ids(world)
    for review, answer in ((newer, "opt_out"), (older, "wrong_number")):
        told = await world.call("POST", f"/v1/reviews/{review}/answer", {"answer": answer})
        assert told.status == 200
    send = {"sender": LONG_CODE, "recipient": OTHER_PERSON, "body": "Hello"}
    refused = await world.call("POST", "/v1/messages", send)
    assert (refused.status, refused.json["code"]) == (403, "opted_out")
    shown = (await world.call("GET", f"/v1/recipients/{PERSON}")).json
    assert [s["cause"] for s in shown["suppressions"]] == ["wrong_number"]
    assert all(consent["not_subscriber"] for consent in shown["consents"])
    again = await world.call("POST", f"/v1/reviews/{newer}/answer", {"answer": "keep"})
    assert (again.status, again.json["code"]) == (409, "already_settled")


async def test_a_text_that_was_kept_is_not_held_against_a_newer_opt_in(world: World) -> None:
    """The person came back by themselves."""
    _, review = await list_ids(world)
    await world.call("POST", f"/v1/reviews/{review}/answer", {"answer": "keep"})
    world.clock.advance(60)
    await world.text("START")
    late = await world.call("POST", f"/v1/reviews/{review}/answer", {"answer": "opt_out"})
    assert (late.status, late.json["code"]) == (409, "opted_in_since")


async def test_what_is_wrong_is_said(world: World) -> None:
    """No such review, and no such answer."""
    for method, path, body in (
        ("GET", "/v1/reviews/rev_none", None),
        ("POST", "/v1/reviews/rev_none/answer", {"answer": "keep"}),
    ):
        missing = await world.call(method, path, body)
        assert (missing.status, missing.json["code"]) == (404, "not_found")
    (review, _) = await list_ids(world)
    wrong = await world.call("POST", f"/v1/reviews/{review}/answer", {"answer": "perhaps"})
    assert wrong.status == 422


async def test_answers_teach_the_reader(world: World) -> None:
    """Each text with what it was taken for, page by page."""
    newer, older = await list_ids(world)
    assert (await world.call("GET", "/v1/test-cases", key="read")).json["items"] == []
    for review, answer in ((newer, "opt_out"), (older, "keep")):
        await world.call("POST", f"/v1/reviews/{review}/answer", {"answer": answer})
    first = (await world.call("GET", "/v1/test-cases?limit=1", key="read")).json
    assert first["items"] == [
        {"text": "not interested", "language": "und", "expected": "opt_out", "tier": "phrase"}
    ]
    rest = (await world.call("GET", f"/v1/test-cases?cursor={first['next']}", key="read")).json
    assert rest["items"] == [
        {"text": "who is this", "language": "und", "expected": "none", "tier": "none"}
    ]
