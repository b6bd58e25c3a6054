"""May this text go, now? A question: nothing is written. Of past times: `actions/replay.py`."""

from collections.abc import Sequence
from datetime import datetime

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
from consentry.ports import Store, StoreUnavailable

EMPTY = Standing()


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
