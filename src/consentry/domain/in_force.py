"""What was in force when: brands, senders, programs and the policy, as the ledger has them.

Every change of them is an entry that carries the new value. So a past question is answered by what
was set up then, and not by what is set up now (I5).
"""

from bisect import bisect_right
from collections.abc import Iterable
from datetime import datetime
from typing import Final

import msgspec

from consentry.domain.directory import Brand, Directory, Program, Sender
from consentry.domain.policy import Policy


class InForce(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """What is in force from an entry on.

    `is_whole`: it is all that there was; otherwise each value takes the place of the one with its
    id, and the rest stays.
    """

    brands: tuple[Brand, ...] = ()
    senders: tuple[Sender, ...] = ()
    programs: tuple[Program, ...] = ()
    policy: Policy | None = None
    is_whole: bool = False


class Step(msgspec.Struct, frozen=True):
    """One change of what is in force: the entry that tells of it, and when it was recorded."""

    recorded_at: datetime
    entry: str
    in_force: InForce


class Then(msgspec.Struct, frozen=True):
    """What the gate is told of a past time besides the standing.

    `is_recorded` is false where the ledger does not reach back so far: it is then what was
    recorded first, or what is in force now.
    """

    directory: Directory
    policy: Policy
    is_recorded: bool


_NOTHING: Final = Directory()


def hold_whole(directory: Directory, policy: Policy) -> InForce:
    """Write down everything that is in force."""
    return InForce(
        brands=tuple(directory.brands.values()),
        senders=tuple(directory.senders.values()),
        programs=tuple(directory.programs.values()),
        policy=policy,
        is_whole=True,
    )


def apply_in_force(directory: Directory, changed: InForce) -> Directory:
    """Put what an entry tells in the place of what was there."""
    before = _NOTHING if changed.is_whole else directory
    return msgspec.structs.replace(
        directory,
        brands={**before.brands, **{brand.id: brand for brand in changed.brands}},
        senders={**before.senders, **{sender.number: sender for sender in changed.senders}},
        programs={**before.programs, **{program.id: program for program in changed.programs}},
    )


class History:
    """All that was ever in force, as far as the ledger tells; `now` is what is in force today."""

    def __init__(self, steps: Iterable[Step], now: Then) -> None:
        """Fold the steps, whose order does not matter, once."""
        self._now = now
        self._marks: list[tuple[datetime, str]] = []
        self._thens: list[Then] = []
        directory: Directory | None = None
        policy: Policy | None = None
        for step in sorted(steps, key=lambda step: (step.recorded_at, step.entry)):
            policy = step.in_force.policy or policy
            # What changed before everything was written down once is a part of an unknown whole.
            if directory is None and not step.in_force.is_whole:
                continue
            directory = apply_in_force(directory or _NOTHING, step.in_force)
            self._marks.append((step.recorded_at, step.entry))
            self._thens.append(Then(directory, policy or now.policy, policy is not None))

    def at(self, at: datetime) -> Then:
        """Tell what was in force at a time, what was recorded at that very time included."""
        return self._find((at, "\U0010ffff"))

    def before(self, recorded_at: datetime, entry: str) -> Then:
        """Tell what an entry was decided by."""
        return self._find((recorded_at, entry))

    def _find(self, mark: tuple[datetime, str]) -> Then:
        place = bisect_right(self._marks, mark)
        if place > 0:
            return self._thens[place - 1]
        first = self._thens[0] if self._thens else self._now
        return msgspec.structs.replace(first, is_recorded=False)

    def policy_of(self, version: str, recorded_at: datetime, entry: str) -> Policy | None:
        """Find the newest policy of a version that was in force before an entry.

        A program with settings of its own (the command line) may have decided by another one than
        the server that was running.
        """
        place = bisect_right(self._marks, (recorded_at, entry))
        for then in reversed(self._thens[:place]):
            if then.policy.version == version:
                return then.policy
        return None
