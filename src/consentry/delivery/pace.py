"""How many texts each sender may send from this process now."""

from consentry.delivery.bucket import TokenBucket
from consentry.delivery.membership import Membership
from consentry.ports import Clock


class Pace:
    """A token bucket for each sender that this process has a share of.

    Where the shares change, nobody's bucket grows before the others' have shrunk: who gets a share
    starts with an empty bucket.
    """

    def __init__(self, membership: Membership, clock: Clock) -> None:
        """Start with no bucket."""
        self._membership = membership
        self._clock = clock
        self._buckets: dict[str, TokenBucket] = {}

    def count_free(self, sender: str, rate: float) -> int:
        """Count the texts that may go now, of a sender with this rate over all processes."""
        share = self._membership.share(sender, rate)
        if share is None:
            self._buckets.pop(sender, None)
            return 0
        bucket = self._buckets.get(sender) or TokenBucket.empty(
            share.rate, share.burst, self._membership.settled_at
        )
        bucket = bucket.refill(share.rate, share.burst, self._clock.monotonic())
        self._buckets[sender] = bucket
        return bucket.whole

    def take(self, sender: str) -> None:
        """Take note of a text."""
        bucket = self._buckets.get(sender)
        if bucket is not None:
            self._buckets[sender] = bucket.take(1)

    def seconds_to_next(self, sender: str) -> float | None:
        """How long until one more may go; None: only the other processes can tell."""
        bucket = self._buckets.get(sender)
        return None if bucket is None else bucket.seconds_to_next
