"""The parts of longer texts that have come, until they are whole."""

import asyncio
from collections.abc import Callable
from itertools import pairwise
from typing import Final

from consentry.wire.smpp.texts import Part

GROUPS_MAX: Final = 1_000
WAIT_SECONDS: Final = 60.0
_GAP: Final = " … "

Pair = tuple[str, str]
"""Recipient and sender."""


class Group:
    """What has come of one text."""

    def __init__(self, pair: Pair, total: int) -> None:
        """Begin with nothing."""
        self.pair = pair
        self.parts: dict[int, str] = {}
        self.whole = asyncio.Event()
        self.is_opt_out_taken = False
        self._total = total

    @property
    def is_whole(self) -> bool:
        """Tell whether all parts have come."""
        return len(self.parts) == self._total

    @property
    def beginning(self) -> str:
        """What it reads up to the first part that is missing."""
        read = []
        for number in range(1, self._total + 1):
            if number not in self.parts:
                break
            read.append(self.parts[number])
        return "".join(read)

    @property
    def text(self) -> str:
        """What it reads; where a part is missing there is a gap."""
        if self.is_whole:
            return self.beginning
        numbers = sorted(self.parts)
        text = self.parts[numbers[0]]
        for before, number in pairwise(numbers):
            text += ("" if number == before + 1 else _GAP) + self.parts[number]
        return text


class Reassembly:
    """Keeps groups, so many and so long; `on_over` is given what did not become whole in time."""

    def __init__(self, on_over: Callable[[Group], None], wait_seconds: float) -> None:
        """Wait so long for the rest of a text, counted from its first part."""
        self._on_over = on_over
        self._wait_seconds = wait_seconds
        self._groups: dict[tuple[Pair, int, int], tuple[Group, asyncio.TimerHandle]] = {}

    def add(self, pair: Pair, part: Part, body: str) -> Group:
        """Add a part and give its group.

        References come again soon: where the place is taken by another wording, the group there
        is that of an older text, and over.
        """
        key = (pair, part.reference, part.total)
        kept = self._groups.get(key)
        if kept is not None and kept[0].parts.get(part.number, body) != body:
            self._give_up(key)
            kept = None
        if kept is None:
            if len(self._groups) >= GROUPS_MAX:
                self._give_up(next(iter(self._groups)))
            timer = asyncio.get_running_loop().call_later(self._wait_seconds, self._give_up, key)
            kept = self._groups[key] = (Group(pair, part.total), timer)
        group = kept[0]
        group.parts[part.number] = body
        return group

    def remove(self, pair: Pair, part: Part) -> None:
        """Forget a group that was taken."""
        kept = self._groups.pop((pair, part.reference, part.total), None)
        if kept is not None:
            kept[1].cancel()

    def give_up_all(self) -> None:
        """Hand out all that is left."""
        for key in list(self._groups):
            self._give_up(key)

    def _give_up(self, key: tuple[Pair, int, int]) -> None:
        group, timer = self._groups.pop(key)
        timer.cancel()
        self._on_over(group)
