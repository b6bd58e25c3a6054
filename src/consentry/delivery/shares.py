"""What part of a sender's rate each process has: all parts together are the rate, never more."""

from collections.abc import Collection
from zlib import crc32

import msgspec


class Share(msgspec.Struct, frozen=True):
    """What one process may send of a sender: texts per second, and how many at once."""

    rate: float
    burst: float


def divide(sender: str, rate: float, *, process: str, processes: Collection[str]) -> Share | None:
    """Tell the share of one of the processes; None where it has none.

    As many have one as can each send at least one text at once, so that all buckets together
    hold no more than the one of a single process would. Which ones is different for each sender,
    and stays the same for most of them when a process comes or goes.
    """
    burst = max(1.0, rate)
    hands = min(len(processes), int(burst))
    if hands < len(processes):
        ranked = sorted(processes, key=lambda name: (crc32(f"{sender} {name}".encode()), name))
        if process not in ranked[:hands]:
            return None
    return Share(rate / hands, burst / hands)
