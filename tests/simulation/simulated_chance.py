"""Every choice of a world, drawn from its seed; and the count of what was done to it."""

import random
from collections import Counter
from collections.abc import Sequence
from typing import TypeVar

T = TypeVar("T")


class Chance:
    """Draws; `strikes` counts what it does. Each world has faults of its own: some, many, none."""

    def __init__(self, seed: int, counts: Counter[str]) -> None:
        self.random = random.Random(seed)
        self.counts = counts
        self._fault_level = self.pick([0.0, 0.02, 0.08, 0.25])
        self._likelihoods: dict[str, float] = {}
        self.slowness = self.pick([0.0, 0.0, 0.1, 0.4])

    def pick(self, options: Sequence[T]) -> T:
        """Take one of them."""
        return options[int(self.random.random() * len(options))]

    def happens(self, likelihood: float) -> bool:
        """Tell whether something of this likelihood happens."""
        return self.random.random() < likelihood

    def strikes(self, fault: str) -> bool:
        """Tell whether a fault happens now; each kind is frequent in some worlds only."""
        likelihood = self._likelihoods.get(fault)
        if likelihood is None:
            likelihood = self._fault_level * self.pick([0.0, 0.5, 1.0, 1.5])
            self._likelihoods[fault] = likelihood
        if likelihood and self.random.random() < likelihood:
            self.counts[fault] += 1
            return True
        return False

    def spare(self) -> None:
        """Have nothing go wrong from now on."""
        self._fault_level = self.slowness = 0.0
        self._likelihoods.clear()

    def delay(self, longest: float) -> float:
        """Draw how long something takes: nearly always a moment, now and then up to `longest`."""
        if self.slowness and self.random.random() < self.slowness:
            self.counts["delay on the network"] += 1
            return self.random.random() * longest
        return 0.02 + self.random.random() * 0.1
