"""Which rules of the grammar a text could match, told by its words before any rule is tried.

Each rule needs a word of each of some sets. A word is a number with a bit for every need that it
meets, so the words of a text, put together, show which rules have all that they need.
"""

from collections.abc import Iterable, Sequence

from consentry.domain.phrase_rules import Rule

_NEEDS_IN_BITS = 3


class RuleChoice:
    """Chooses among rules by the words of a text."""

    def __init__(self, rules: Iterable[Rule]) -> None:
        """Give each rule a bit in a plane for each of its three most telling needs.

        Whoever needs less has the bit of the others already.
        """
        self._rules: Sequence[Rule] = sorted(rules, key=lambda rule: rule.id)
        self._count = len(self._rules)
        self._bits: dict[str, int] = {}
        self._always = 0
        for place, rule in enumerate(self._rules):
            for plane in range(_NEEDS_IN_BITS):
                bit = 1 << (plane * self._count + place)
                if plane >= len(rule.needs):
                    self._always |= bit
                    continue
                for word in rule.needs[plane]:
                    self._bits[word] = self._bits.get(word, 0) | bit

    def choose(self, present: set[str]) -> list[Rule]:
        """Give the rules all of whose needs the words of a text meet, in the order of their ids."""
        bits = self._bits
        met = self._always
        for word in present:
            if word in bits:
                met |= bits[word]
        whole = met & ((1 << self._count) - 1)
        for plane in range(1, _NEEDS_IN_BITS):
            whole &= met >> (plane * self._count)
        return self._list(whole, present) if whole else []

    def _list(self, whole: int, present: set[str]) -> list[Rule]:
        """Name the rules by their bits, but those that need still more."""
        chosen = []
        while whole:
            lowest = whole & -whole
            whole ^= lowest
            rule = self._rules[lowest.bit_length() - 1]
            if not any(need.isdisjoint(present) for need in rule.needs[_NEEDS_IN_BITS:]):
                chosen.append(rule)
        return chosen
