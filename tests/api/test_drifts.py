"""Where carriers and our ledger differ, as programs see it: compared, listed, settled."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from api_world import (
    LONG_CODE,
    NOW,
    OTHER_PERSON,
    PERSON,
    SECRET_KEY,
    FakeBook,
    World,
    build_world,
)

from consentry.actions.reconcile import Limits
from consentry.api.app import build_api
from consentry.delivery.reconciling import NightlyReconciling
from consentry.ports import InboundText

pytestmark = pytest.mark.integration

STOP = InboundText("SM9", PERSON, LONG_CODE, "STOP", sent_at=NOW - timedelta(hours=2))
HELLO = InboundText("SM8", OTHER_PERSON, LONG_CODE, "Hi", sent_at=NOW - timedelta(hours=1))
WHY = {"reason": "the webhook was lost"}


class History:
    """What people wrote, as the carrier keeps it."""

    def __init__(self, *texts: InboundText) -> None:
        self._texts = texts

    async def replay(self, sender: str, *, since: datetime) -> AsyncIterator[InboundText]:
        """Tell the texts to a sender since then."""
        for text in self._texts:
            if text.sender == sender and text.sent_at is not None and text.sent_at >= since:
                yield text


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    """An API whose carrier has two texts that never came in."""
    made = await build_world(tmp_path)
    made.carrier.history = History(STOP, HELLO)  # type: ignore[assignment]
    services = made.services
    nightly = NightlyReconciling(
        made.store,
        FakeBook({"fake": made.carrier}),
        made.clock,
        services.ids,
        hour=None,
        limits=Limits(rest_seconds=0),
        leads=lambda: True,
    )
    made.services = replace(services, reconciling=nightly, secret_key=SECRET_KEY)
    made.api = build_api(made.services)
    yield made
    await made.store.close()


async def compare(world: World, **more: object) -> dict[str, object]:
    """Compare the account and wait until it is over."""
    begun = await world.call("POST", "/v1/reconciliations", {"carrier": "fake", **more})
    assert (begun.status, begun.json["state"]) == (202, "running")
    async with asyncio.timeout(60):
        while True:
            shown = await world.call("GET", f"/v1/reconciliations/{begun.json['id']}", key="read")
            if shown.json["state"] != "running":
                return dict(shown.json)
            await asyncio.sleep(0.002)


async def test_a_comparison_is_begun_shown_and_listed(world: World) -> None:
    """It goes on by itself; what it found is in it, and in the list of drifts, newest first."""
    report = await compare(world)
    assert (report["state"], report["texts"]) == ("finished", 2)
    assert report["found"] == {"missed_opt_out": 1, "missed_text": 1}
    listed = await world.call("GET", "/v1/reconciliations?carrier=fake", key="read")
    assert [one["id"] for one in listed.json["items"]] == [report["id"]]
    assert (await world.call("GET", "/v1/reconciliations?carrier=x")).json["items"] == []
    drifts = (await world.call("GET", "/v1/drifts?state=open", key="read")).json["items"]
    assert [(one["kind"], one["recipient"], one["text"]) for one in drifts] == [
        ("missed_text", OTHER_PERSON, "Hi"),
        ("missed_opt_out", PERSON, "STOP"),
    ]
    assert [one["is_held_back"] for one in drifts] == [False, True]
    page = (await world.call("GET", "/v1/drifts?limit=1")).json
    rest = (await world.call("GET", f"/v1/drifts?limit=1&cursor={page['next']}")).json
    assert [page["items"][0], rest["items"][0]] == drifts
    assert rest["next"] is None


async def test_drifts_are_filtered(world: World) -> None:
    """By kind, recipient, carrier and report."""
    report = await compare(world)
    for query, count in (
        ("kind=missed_opt_out", 1),
        (f"recipient=%2B{PERSON[1:]}", 1),
        ("carrier=fake", 2),
        (f"report={report['id']}", 2),
        ("report=rec_none", 0),
        ("state=applied", 0),
    ):
        found = await world.call("GET", f"/v1/drifts?{query}")
        assert len(found.json["items"]) == count, query
    assert (await world.call("GET", "/v1/drifts?recipient=nobody")).json["code"] == "invalid_number"
    assert (await world.call("GET", "/v1/drifts?kind=other")).status == 422


async def test_a_drift_is_applied_and_dismissed_with_a_reason(world: World) -> None:
    """By a key that may administer; the answer is given when nothing is under way any more."""
    await compare(world)
    plain, stop = (await world.call("GET", "/v1/drifts")).json["items"]
    refused = await world.call("POST", f"/v1/drifts/{stop['id']}/apply", WHY, key="read")
    assert (refused.status, refused.json["code"]) == (403, "scope_missing")
    blank = await world.call("POST", f"/v1/drifts/{stop['id']}/apply", {"reason": " "})
    assert blank.status == 422
    applied = await world.call("POST", f"/v1/drifts/{stop['id']}/apply", WHY)
    assert (applied.json["state"], applied.json["reason"]) == ("applied", WHY["reason"])
    assert applied.json["settled_by"]["kind"] == "key"
    assert world.delivery.waited == [()]
    dismissed = await world.call("POST", f"/v1/drifts/{plain['id']}/dismiss", WHY)
    assert dismissed.json["state"] == "dismissed"
    for path in ("apply", "dismiss"):
        again = await world.call("POST", f"/v1/drifts/{stop['id']}/{path}", WHY)
        assert (again.status, again.json["code"]) == (409, "already_settled")
    shown = await world.call("GET", f"/v1/drifts/{stop['id']}", key="read")
    assert shown.json == applied.json
    check = await world.call(
        "POST", "/v1/check", {"sender": LONG_CODE, "recipient": PERSON, "purpose": "conversational"}
    )
    assert check.json["reason"] == "opted_out"


async def test_a_whole_comparison_is_applied_or_dismissed(world: World) -> None:
    """Each with what it came to."""
    report = await compare(world)
    path = f"/v1/reconciliations/{report['id']}"
    applied = await world.call("POST", f"{path}/apply", WHY)
    assert applied.json == {"settled": 2, "refused": [], "is_all": True}
    nothing = await world.call("POST", f"{path}/dismiss", WHY)
    assert nothing.json == {"settled": 0, "refused": [], "is_all": True}
    assert world.delivery.woken == 1


async def test_what_is_not_there_is_said_so(world: World) -> None:
    """A drift, a comparison, a carrier; and a carrier that can be asked nothing."""
    for method, path in (
        ("GET", "/v1/drifts/drf_x"),
        ("POST", "/v1/drifts/drf_x/apply"),
        ("POST", "/v1/drifts/drf_x/dismiss"),
        ("GET", "/v1/reconciliations/rec_x"),
        ("POST", "/v1/reconciliations/rec_x/apply"),
        ("POST", "/v1/reconciliations/rec_x/dismiss"),
    ):
        reply = await world.call(method, path, WHY if method == "POST" else None)
        assert (reply.status, reply.json["code"]) == (404, "not_found"), path
    unknown = await world.call("POST", "/v1/reconciliations", {"carrier": "other"})
    assert (unknown.status, unknown.json["code"]) == (404, "unknown_carrier")
    world.carrier.history = None
    nothing = await world.call("POST", "/v1/reconciliations", {"carrier": "fake"})
    assert (nothing.status, nothing.json["code"]) == (409, "nothing_to_compare")


async def test_since_bounds_what_is_compared(world: World) -> None:
    """By the carrier's time; a time without a zone is refused."""
    report = await compare(world, since="2026-05-01T10:30:00Z")
    assert (report["texts"], report["since"]) == (1, "2026-05-01T10:30:00Z")
    bad = {"carrier": "fake", "since": "2026-05-01T10:30:00"}
    assert (await world.call("POST", "/v1/reconciliations", bad)).status == 422


async def test_a_server_that_compares_nothing_says_so(tmp_path: Path) -> None:
    """One that was built without it."""
    made = await build_world(tmp_path)
    reply = await made.call("POST", "/v1/reconciliations", {"carrier": "fake"})
    assert reply.json["code"] == "nothing_to_compare"
    await made.store.close()
