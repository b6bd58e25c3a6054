"""What the door is given: the inside as it sees it, and how the operator wants it to answer."""

from dataclasses import dataclass

from consentry.actions.find_account import AccountRing
from consentry.domain.policy import Policy
from consentry.ports import (
    Clock,
    DeferredAnswer,
    Delivery,
    Ids,
    Measuring,
    RefusedAnswer,
    Store,
)


@dataclass(frozen=True, slots=True)
class DoorServices:
    """The inside as the door sees it.

    `default_region`: the country of numbers written without one.
    """

    store: Store
    accounts: AccountRing
    delivery: Delivery
    clock: Clock
    ids: Ids
    policy: Policy
    measuring: Measuring
    default_region: str | None
    deferred: DeferredAnswer = DeferredAnswer.SCHEDULE
    refused: RefusedAnswer = RefusedAnswer.AT_ONCE
