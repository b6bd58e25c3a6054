"""What stands between a claimed text and its carrier: the age of its claim and of the lease."""

from consentry.delivery.limits import Limits
from consentry.delivery.membership import Membership
from consentry.ports import Clock


class ClaimFence:
    """Implements `ports.Fence` for the texts of one claim."""

    def __init__(self, membership: Membership, clock: Clock, limits: Limits) -> None:
        """Belong to a claim that begins now, under the lease that is held now."""
        self._membership = membership
        self._clock = clock
        self._limits = limits
        self._claimed_at = clock.monotonic()
        self.process = membership.id

    @property
    def is_open(self) -> bool:
        """Tell whether the claim is young, and the lease it was made under is still held."""
        age = self._clock.monotonic() - self._claimed_at
        is_young = age < self._limits.hand_over_seconds
        return is_young and self._membership.holds(self.process)

    @property
    def seconds_left(self) -> float:
        """How long an answer may be waited for: afterwards others take it that nothing is left."""
        since = min(self._claimed_at, self._membership.renewed_at)
        left = since + self._limits.flight_seconds - self._clock.monotonic()
        return min(self._limits.submit_seconds, max(left, 0.0))
