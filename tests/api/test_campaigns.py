"""/v1/keywords: words that ask for a program."""

import pytest
from api_world import LONG_CODE, PERSON, World

pytestmark = pytest.mark.integration

NEWS = {"word": "news", "sender": LONG_CODE, "program": "prg_news"}


async def test_a_word_is_added_used_and_removed(world: World) -> None:
    """Who texts it is asked; taken away, it is a word like any other."""
    added = await world.call("POST", "/v1/keywords", NEWS)
    shown = {"word": "NEWS", "sender": LONG_CODE, "program": "prg_news", "call_to_action": None}
    assert (added.status, added.json) == (201, shown)
    listed = await world.call("GET", "/v1/keywords/campaigns")
    assert listed.json["items"] == [shown]
    await world.text("News")
    standing = (await world.call("GET", f"/v1/recipients/{PERSON}")).json
    (consent,) = [c for c in standing["consents"] if c["program"] == "prg_news"]
    assert consent["state"] == "pending"
    path = f"/v1/keywords/{LONG_CODE}/news"
    assert (await world.call("DELETE", path)).json == shown
    again = await world.call("DELETE", path)
    assert (again.status, again.json["code"]) == (404, "not_found")
    assert (await world.call("GET", "/v1/keywords/campaigns")).json["items"] == []


async def test_a_word_that_means_something_is_refused(world: World) -> None:
    """The answer says what it means."""
    refused = await world.call("POST", "/v1/keywords", {**NEWS, "word": "Quit"})
    assert (refused.status, refused.json["code"]) == (422, "keyword_invalid")
    assert "opt-out" in refused.json["detail"]
