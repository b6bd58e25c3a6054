"""Consents told in bulk: an opt-out counts at once, an opt-in never lifts the person's own."""

import json
from typing import Any

import pytest
from door_world import LONG_CODE, MEMBERS, MESSAGES, PERSON, SERVICE, STRANGER, World

from consentry.domain.entries import EntryKind, Medium
from consentry.domain.standing import ConsentState

pytestmark = pytest.mark.integration

PATH = "/v1/Consents/Bulk"
CORRELATION = "0123456789abcdef0123456789abcdef"


def item(**changes: str) -> tuple[str, str]:
    """One parameter with an item in it."""
    told = {
        "contact_id": PERSON,
        "correlation_id": CORRELATION,
        "sender_id": LONG_CODE,
        "status": "opt-out",
        "source": "website",
        "date_of_consent": "2026-05-01T12:00:00Z",
    }
    return "Items", json.dumps(told | changes)


async def tell(world: World, *items: tuple[str, str]) -> list[dict[str, Any]]:
    """Tell consents; every answer repeats the correlation id."""
    reply = await world.call("POST", PATH, list(items))
    assert reply.status == 201
    assert set(reply.json) == {"items"}
    told: list[dict[str, Any]] = reply.json["items"]
    assert [one["correlation_id"] for one in told] == [CORRELATION] * len(items)
    return told


async def test_an_opt_out_counts_at_once(world: World) -> None:
    """It is recorded with its source, and the next text is refused; nothing is under way."""
    await world.text("Hello")
    assert await tell(world, item()) == [
        {"correlation_id": CORRELATION, "error_code": 0, "error_messages": []}
    ]
    assert (await world.create()).refusal == (400, 21610)
    (entry,) = [e for e in await world.entries() if e.kind is EntryKind.CONSENT_REVOKED]
    assert entry.evidence is not None
    assert (entry.evidence.medium, entry.sender) == (Medium.WEB, LONG_CODE)
    assert CORRELATION in (entry.evidence.note or "")
    assert world.delivery.waited == [()]


async def test_an_opt_in_never_lifts_the_persons_own_opt_out(world: World) -> None:
    """After STOP it is an error that says what the person must do, and nothing can be sent."""
    await world.text("Hello")
    await world.text("STOP")
    (told,) = await tell(world, item(status="opt-in", date_of_consent=""))
    assert told["error_code"] == 21610
    assert "START" in told["error_messages"][0]
    (older,) = await tell(world, item(status="opt-in"))
    assert older["error_code"] == 21610
    assert (await world.create()).refusal == (400, 21610)


async def test_an_opt_in_waits_for_the_handset(world: World) -> None:
    """Of somebody who never wrote it is kept as pending; each source is evidence of its kind."""
    for source, medium in (
        ("website", Medium.WEB),
        ("offline", Medium.PAPER),
        ("opt-in-message", Medium.IMPORT),
        ("others", Medium.IMPORT),
    ):
        told = await tell(world, item(contact_id=STRANGER, status="opt-in", source=source))
        assert told[0]["error_code"] == 0
        entry = (await world.entries(STRANGER))[0]
        assert entry.evidence is not None
        assert entry.evidence.medium is medium
    standing = await world.store.read_standing(STRANGER)
    assert [consent.state for consent in standing.consents] == [ConsentState.PENDING]
    assert (await world.create(To=STRANGER)).refusal == (400, 30007)


async def test_a_service_stands_for_all_its_numbers(world: World) -> None:
    """An opt-out of a messaging service is one of each of its numbers."""
    for number in MEMBERS:
        await world.text("Hello", sender=number)
    await tell(world, item(sender_id=SERVICE))
    for number in MEMBERS:
        assert (await world.create(From=number)).refusal == (400, 21610)


async def test_every_item_has_its_own_outcome(world: World) -> None:
    """Items that cannot be used say why; the others are recorded all the same."""
    told = await tell(
        world,
        item(contact_id="nobody"),
        item(sender_id="+12025550999"),
        item(status="perhaps"),
        item(),
    )
    assert [one["error_code"] for one in told] == [21211, 21606, 20001, 0]
    assert all(one["error_messages"] for one in told[:3])


async def test_a_request_that_is_none(world: World) -> None:
    """No item, 26 of them and what is no JSON are refused whole; a consent is told by POST."""
    for pairs in ([], [item()] * 26, [("Items", "{")]):
        assert (await world.call("POST", PATH, pairs)).refusal == (400, 20001)
    assert (await world.call("GET", PATH)).refusal == (405, 20004)
    assert (await world.call("GET", MESSAGES)).status == 200
