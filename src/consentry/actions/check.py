"""May this text go, now or at a past time? A question: nothing is written."""

from collections.abc import Sequence
from datetime import datetime

from consentry.domain.entries import Entry, fold
from consentry.domain.gate import (
    Decision,
    Facts,
    Request,
    decide,
    refuse_unavailable,
)
from consentry.domain.policy import Policy
from consentry.domain.same_question import Ruled, SameQuestion
from consentry.domain.standing import Standing
from consentry.ports import Page, Store, StoreUnavailable

EMPTY = Standing()
_PAGE_ENTRIES = 500


async def check(request: Request, store: Store, policy: Policy, now: datetime) -> Decision:
    """Ask the gate; where the store cannot answer, the answer is no."""
    try:
        if request.recipient is None:
            return decide(request, Facts(await store.read_directory(), EMPTY), policy, now)
        directory, standing = await store.read_facts(request.recipient)
        return decide(request, Facts(directory, standing), policy, now)
    except StoreUnavailable:
        return refuse_unavailable(policy, now)


async def check_many(
    requests: list[Request], store: Store, policy: Policy, now: datetime
) -> list[Decision]:
    """Ask the gate of many recipients at once, in the same order."""
    known = [request.recipient or "" for request in requests]
    try:
        directory, standings = await store.read_facts_of(known)
    except StoreUnavailable:
        return [refuse_unavailable(policy, now) for _ in requests]
    return [
        decide(request, Facts(directory, standing), policy, now)
        for request, standing in zip(requests, standings, strict=True)
    ]


async def check_same(
    request: Request,
    recipients: Sequence[str | None],
    store: Store,
    policy: Policy,
    *,
    now: datetime,
) -> list[Ruled]:
    """Ask the gate the same question about many recipients, in the same order."""
    try:
        known = [recipient or "" for recipient in recipients]
        directory, standings = await store.read_facts_of(known)
    except StoreUnavailable:
        return [Ruled(refuse_unavailable(policy, now)) for _ in recipients]
    question = SameQuestion(request, directory, policy, now)
    return list(map(question.decide, recipients, standings))


async def check_at(request: Request, store: Store, policy: Policy, at: datetime) -> Decision:
    """Answer as it would have been at a past time, by replaying the ledger up to then."""
    if request.recipient is None:
        return await check(request, store, policy, at)
    try:
        entries = await read_all_entries(request.recipient, store, until=at)
        return decide(request, Facts(await store.read_directory(), fold(entries)), policy, at)
    except StoreUnavailable:
        return refuse_unavailable(policy, at)


async def read_all_entries(
    recipient: str, store: Store, *, until: datetime | None = None
) -> list[Entry]:
    """Read a recipient's whole ledger, oldest first."""
    entries: list[Entry] = []
    before: str | None = None
    while True:
        page = await store.read_entries(
            recipient, Page(limit=_PAGE_ENTRIES, before=before), until=until
        )
        entries.extend(page)
        if len(page) < _PAGE_ENTRIES:
            return entries[::-1]
        before = page[-1].id
