"""What the opt-in pages are given: the ports and settings they work with, as one value."""

from dataclasses import dataclass, field

from consentry.actions.count_try import TryLimits
from consentry.ports import UNMEASURED, Clock, Delivery, Ids, Measuring, Store


@dataclass(frozen=True, slots=True)
class OptInServices:
    """The inside as the opt-in pages see it.

    `default_region`: the country of numbers written without one. `public_url`: under which people
    reach us; None takes each request's own. `limits`: how many forms are taken, per number and
    per address.
    """

    store: Store
    delivery: Delivery
    clock: Clock
    ids: Ids
    default_region: str | None
    public_url: str | None
    limits: TryLimits = field(default_factory=lambda: TryLimits(5, 30, window_seconds=3600))
    measuring: Measuring = UNMEASURED
