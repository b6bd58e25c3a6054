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
    PassingOn,
    RefusedAnswer,
    Store,
)


@dataclass(frozen=True, slots=True)
class DoorServices:
    """The inside as the door sees it.

    `default_region`: the country of numbers written without one. `passing_on`: what hands other
    requests on to Twilio; None where nothing is.
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
    passing_on: PassingOn | None = None
