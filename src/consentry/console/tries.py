"""How often somebody may try to sign in: so many times in a while, per account and per address."""

from collections import OrderedDict, deque
from dataclasses import dataclass
from ipaddress import IPv6Address, ip_address
from math import ceil
from typing import Final

_KEYS_MAX: Final = 10_000


@dataclass(frozen=True, slots=True)
class Limits:
    """How many tries within the last `window_seconds` are let through."""

    per_account: int = 10
    per_address: int = 50
    window_seconds: int = 900


@dataclass(frozen=True, slots=True)
class Wait:
    """No more tries for now. `is_news` is true for the first that is turned away."""

    seconds: int
    is_news: bool


class Tries:
    """Counts in memory, over a sliding window, and never more than so many names."""

    def __init__(self, limits: Limits) -> None:
        """Start with nobody having tried."""
        self._limits = limits
        self._made: OrderedDict[str, deque[float]] = OrderedDict()
        self._turned_away: OrderedDict[str, float] = OrderedDict()

    def begin(self, address: str, account: str | None, now_seconds: float) -> Wait | None:
        """Count one try, or tell how long to wait; a try that is turned away does not count."""
        keys = [(f"address {_network(address)}", self._limits.per_address)]
        if account is not None:
            keys.append((f"account {account}", self._limits.per_account))
        waits = {key: self._wait(key, most, now_seconds) for key, most in keys}
        longest = max(waits, key=lambda key: waits[key])
        if waits[longest] > 0:
            news = self._is_news(longest, now_seconds)
            return Wait(ceil(waits[longest]), is_news=news)
        for key, _ in keys:
            self._made.setdefault(key, deque()).append(now_seconds)
            self._made.move_to_end(key)
        while len(self._made) > _KEYS_MAX:
            self._made.popitem(last=False)
        return None

    def succeed(self, account: str) -> None:
        """Forget the tries of an account whose owner has shown who they are."""
        self._made.pop(f"account {account}", None)

    def _wait(self, key: str, most: int, now_seconds: float) -> float:
        made = self._made.get(key)
        if made is None:
            return 0.0
        while made and made[0] <= now_seconds - self._limits.window_seconds:
            made.popleft()
        if len(made) < most:
            return 0.0
        return made[-most] + self._limits.window_seconds - now_seconds

    def _is_news(self, key: str, now_seconds: float) -> bool:
        """Tell whether it was turned away within the window before: the audit is told once."""
        before = self._turned_away.get(key)
        if before is not None and now_seconds - before < self._limits.window_seconds:
            return False
        self._turned_away[key] = now_seconds
        self._turned_away.move_to_end(key)
        while len(self._turned_away) > _KEYS_MAX:
            self._turned_away.popitem(last=False)
        return True


def _network(address: str) -> str:
    """Take a whole IPv6 network for one address: its owner has all of the addresses in it."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return address
    if isinstance(parsed, IPv6Address) and parsed.ipv4_mapped is None:
        return str(int(parsed) >> 64)
    return address
