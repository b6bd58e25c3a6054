"""A token bucket: how many texts a sender may send now, and when the next one."""

from typing import Final, Self

import msgspec

# Adding up many small refills must not leave 0.9999999999 of a token.
_TINY: Final = 1e-9


class TokenBucket(msgspec.Struct, frozen=True):
    """Tokens of one sender at one moment: `rate` is per second, `at` monotonic seconds.

    It holds `burst` tokens and starts with none. The burst of a sender is one second's worth and
    at least one token, so that a sender slower than one a second can send at all and no sender
    sends more than twice its rate in any second.
    """

    rate: float
    burst: float
    tokens: float
    at: float

    @classmethod
    def empty(cls, rate: float, burst: float, at: float) -> Self:
        """Start with nothing; a bucket that stands since ever (`at` is -inf) is full."""
        return cls(rate, burst, 0.0, at)

    def refill(self, rate: float, burst: float, at: float) -> Self:
        """Add what has dripped in since, and go on at `rate`; time that turns back adds none."""
        dripped = self.tokens + max(0.0, at - self.at) * self.rate
        return type(self)(rate, burst, min(dripped, burst), max(at, self.at))

    def take(self, count: int) -> Self:
        """Take tokens out, no more than `whole` of them."""
        return msgspec.structs.replace(self, tokens=max(0.0, self.tokens - count))

    @property
    def whole(self) -> int:
        """How many texts may go now."""
        return int(self.tokens + _TINY)

    @property
    def seconds_to_next(self) -> float:
        """How long until one more text may go; 0 where one may go now."""
        return 0.0 if self.whole else (1.0 - self.tokens) / self.rate
