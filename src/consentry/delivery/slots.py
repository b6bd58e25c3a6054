"""Who may use the free slots: the sender that uses the fewest goes first."""

import heapq
from collections.abc import Mapping


def share_slots(
    wanted: Mapping[str, int], busy: Mapping[str, int], free: int
) -> tuple[tuple[str, int], ...]:
    """Share `free` slots among senders that want some, one at a time, the least busy first.

    `busy` says how many each uses already. So a campaign on one sender never keeps the replies of
    another one waiting. Among equals the order of `wanted` counts.
    """
    granted: dict[str, int] = {}
    heap = [(busy.get(sender, 0), place, sender) for place, sender in enumerate(wanted)]
    heapq.heapify(heap)
    while heap and free > 0:
        used, place, sender = heapq.heappop(heap)
        if granted.get(sender, 0) >= wanted[sender]:
            continue
        granted[sender] = granted.get(sender, 0) + 1
        free -= 1
        heapq.heappush(heap, (used + 1, place, sender))
    return tuple(granted.items())
