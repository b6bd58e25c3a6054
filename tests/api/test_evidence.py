"""GET /v1/evidence/{phone}: the bundle, of the period and the sender that were asked for."""

from datetime import UTC, datetime

import pytest
from api_world import LONG_CODE, PERSON, World

from consentry.ports import EvidenceWanted
from fake_evidence import FakeEvidence

pytestmark = pytest.mark.integration


def asked(world: World) -> FakeEvidence:
    """Give what makes the bundles here."""
    maker = world.services.evidence
    assert isinstance(maker, FakeEvidence)
    return maker


async def test_the_bundle_of_a_number_is_a_zip(world: World) -> None:
    """It comes as a file of that name which nobody keeps, and the key is who took it."""
    reply = await world.call("GET", f"/v1/evidence/{PERSON}", key="read")
    assert (reply.status, reply.body) == (200, b"PK")
    assert reply.headers["content-type"] == "application/zip"
    assert reply.headers["content-disposition"] == 'attachment; filename="evidence.zip"'
    assert reply.headers["cache-control"] == "no-store"
    ((wanted, by),) = asked(world).asked
    assert wanted == EvidenceWanted(PERSON)
    assert by.kind == "key"


async def test_a_period_and_a_sender_may_be_asked_for(world: World) -> None:
    """Times have a zone; `from`, `until`, `sender` and `brand` reach what makes the bundle."""
    query = (
        f"?from=2026-01-01T00:00:00Z&until=2026-02-01T01:00:00%2B01:00&sender=%2B{LONG_CODE[1:]}"
        "&brand=brd_a"
    )
    reply = await world.call("GET", f"/v1/evidence/{PERSON}{query}", key="read")
    assert reply.status == 200
    ((wanted, _),) = asked(world).asked
    assert wanted == EvidenceWanted(
        PERSON,
        datetime(2026, 1, 1, tzinfo=UTC),
        datetime(2026, 2, 1, tzinfo=UTC),
        sender=LONG_CODE,
        brand="brd_a",
    )


@pytest.mark.parametrize(
    ("path", "key", "code"),
    [
        (f"{PERSON}?from=yesterday", "read", "invalid_time"),
        (f"{PERSON}?since=2026-01-01T00:00:00Z", "read", "invalid_parameter"),
        ("12", "read", "invalid_number"),
        (PERSON, "send", "scope_missing"),
    ],
)
async def test_what_does_not_fit_is_refused(world: World, path: str, key: str, code: str) -> None:
    """A wrong time, an unknown parameter, no number, a key that may not read: no bundle is made."""
    reply = await world.call("GET", f"/v1/evidence/{path}", key=key)
    assert reply.json["code"] == code
    assert asked(world).asked == []
