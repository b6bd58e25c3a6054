"""Commands that wait for a writer, in two lines: what is patient lets the others go first.

While a large send runs, claims, answers and delivery reports come by the thousand. Whoever opts out
meanwhile stands behind those of them that share a batch, and behind no others.
"""

from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from math import inf
from typing import TYPE_CHECKING, Final, NamedTuple

from consentry.store.batch import AnyCommand

if TYPE_CHECKING:
    from asyncio import Future

BATCH_COMMANDS_MAX: Final = 256
"""Short enough that the event loop gets the interpreter back every few milliseconds."""

PATIENT_MAX: Final = 16
"""How many patient commands share a batch with others: few enough to hold nobody up, and never
none, so that they get on however many others come.
"""


class Submitted(NamedTuple):
    """A command, who waits for its outcome, and since when it is here."""

    command: AnyCommand
    future: "Future[object] | None"
    since: float


class Line:
    """Put into from any thread, and taken out of by one."""

    def __init__(self, commands_max: int) -> None:
        """Give at most so many commands at a time, and a few patient ones beside them.

        `pressed_at`: when the last one came that is not patient, and that somebody waits for.
        """
        self.pressed_at = -inf
        self._commands_max = commands_max
        self._patient_max = min(PATIENT_MAX, commands_max)
        self._pressing: deque[Submitted] = deque()
        self._patient: deque[Submitted] = deque()

    def __len__(self) -> int:
        """Count those that wait."""
        return len(self._pressing) + len(self._patient)

    def join(self, submitted: Submitted, *, is_patient: bool) -> None:
        """Put a command at the end."""
        if is_patient:
            self._patient.append(submitted)
        else:
            self._pressing.append(submitted)
            if submitted.future is not None:
                self.pressed_at = submitted.since

    def take(self) -> list[Submitted]:
        """Take what goes into the next batch, in its order."""
        taken = _take(self._pressing, self._commands_max)
        return taken + _take(self._patient, self._patient_max if taken else self._commands_max)

    def may_gather(self) -> bool:
        """Tell whether nobody waits for any of these, and more would fit into a batch."""
        if self._patient or len(self._pressing) >= self._commands_max:
            return False
        return all(submitted.future is None for submitted in tuple(self._pressing))

    def waiting_since(self) -> float | None:
        """Tell since when the first of each line waits, and so the oldest of all."""
        first: list[Submitted] = []
        for line in (self._pressing, self._patient):
            # Whoever takes may have been faster.
            with suppress(IndexError):
                first.append(line[0])
        return oldest_of(first)


def _take(line: deque[Submitted], count: int) -> list[Submitted]:
    return [line.popleft() for _ in range(min(len(line), count))]


def oldest_of(batch: Sequence[Submitted]) -> float | None:
    """Tell since when the oldest waits."""
    return min((submitted.since for submitted in batch), default=None)
