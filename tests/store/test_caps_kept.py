"""Caps hold however many claim at once: the count stands in the transaction that claims."""

import asyncio
from datetime import timedelta

import pytest
from store_world import CARRIER, SENDER, START, Database, entry, job, message, write

from consentry.actions.deliver_job import ClaimJobs
from consentry.clock import SystemIds
from consentry.domain.directory import Brand, Program, Purpose, Sender
from consentry.domain.entries import EntryKind, fold
from consentry.domain.messages import MessageStatus
from consentry.domain.reading import SenderKind
from consentry.domain.standing import Consent, ConsentLevel, ConsentState, Place
from consentry.ports import Change, Page, Store

pytestmark = pytest.mark.integration

FLORIDIANS = ("+13055550101", "+13055550102", "+13055550103")
AT_NOON = Place(zone="Europe/London")
"""Where it is noon at the start; the law is that of the number, three in 24 hours."""
TEXTS = 7
LEAVE = 3


def queue_offers() -> Change:
    """Make a change that sets up the company and queues offers to people who agreed to them."""
    agreed = Consent(
        "promo", ConsentState.ACTIVE, ConsentLevel.EXPRESS_WRITTEN, START, START, "ent"
    )
    numbers = range(len(FLORIDIANS) * TEXTS)
    offers = {"purpose": Purpose.MARKETING, "program": "promo"}
    to = {n: FLORIDIANS[n % len(FLORIDIANS)] for n in numbers}
    return Change(
        records=(
            Brand("acme", "Acme"),
            Sender(SENDER, SenderKind.TOLL_FREE, "acme", CARRIER),
            Program("promo", "acme", Purpose.MARKETING, "Deals"),
        ),
        entries=tuple(entry(n, who, AT_NOON, agreed) for n, who in enumerate(FLORIDIANS)),
        messages=tuple(message(n, to[n], **offers) for n in numbers),
        jobs=tuple(job(n, to[n]) for n in numbers),
    )


async def claim_until_nothing_is_due(stores: list[Store]) -> list[str]:
    """Let all claim at once, again and again; returns whose texts were claimed."""
    claimed: list[str] = []
    tomorrow = START + timedelta(hours=12)
    while any(due_at < tomorrow for _, due_at in await stores[0].next_due()):
        claims = [
            store.submit(ClaimJobs(((SENDER, 4),), f"prc_{place}"))
            for place, store in enumerate(stores)
            for _ in range(3)
        ]
        for works in await asyncio.gather(*claims):
            claimed += [work.message.recipient for work in works]
    return claimed


async def test_exactly_three_of_many_leave_whoever_claims_them(database: Database) -> None:
    """Two processes, several claims of each at once: three a person, the rest is put back."""
    stores = [database.open(ids=SystemIds()) for _ in range(2)]
    store = stores[0]
    await store.submit(write(queue_offers()))
    claimed = await claim_until_nothing_is_due(stores)
    assert sorted(claimed) == sorted(FLORIDIANS * LEAVE)
    kept = await store.read_messages_by_id([f"msg_{n:05d}" for n in range(len(FLORIDIANS) * TEXTS)])
    statuses = [text.status for text in kept.values()]
    assert statuses.count(MessageStatus.SENDING) == len(FLORIDIANS) * LEAVE
    assert statuses.count(MessageStatus.SCHEDULED) == len(FLORIDIANS) * (TEXTS - LEAVE)
    for recipient in FLORIDIANS:
        standing = await store.read_standing(recipient)
        times = [text.at for text in standing.solicitations("acme")]
        assert len(times) == LEAVE
        entries = await store.read_entries(recipient, Page(limit=100))
        assert fold(reversed(entries)) == standing
        waits = [e.decision for e in entries if e.kind is EntryKind.JOB_DEFERRED]
        assert len(waits) == TEXTS - LEAVE
        untils = {decision.until for decision in waits if decision is not None}
        assert untils == {times[0] + timedelta(days=1)}
    for opened in stores:
        await opened.close()
