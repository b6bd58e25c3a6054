"""Processes that serve one database: each keeps a lease there, and they agree on one that leads.

Nobody's clock is trusted: a lease has no end of its own. A process that lives renews it, and
whoever has watched for long enough, by its own clock, that one is not renewed may end it. How
long that is, and what a process may do with a lease of what age, is the caller's to know
(`consentry.delivery.membership`).
"""

import msgspec

from consentry.ports import Change, Facts, Needs, ServerProcess


class Lease(msgspec.Struct, frozen=True):
    """What a process knows when it has renewed its lease: itself, and who else has one."""

    process: ServerProcess
    others: tuple[ServerProcess, ...] = ()

    @property
    def is_known(self) -> bool:
        """Tell whether all others know of this process."""
        return all(other.seen >= self.process.joined for other in self.others)


class RenewLease(msgspec.Struct, frozen=True):
    """Show that a process lives; `is_new` takes the first lease.

    `dead` are those that were watched for long enough, each with its beats as they were all the
    time. `gone` are those that have surely ended. `is_alone`: there can be nobody else alive.
    `home` is kept with the first lease.
    """

    process: str
    is_new: bool = False
    dead: tuple[tuple[str, int], ...] = ()
    gone: tuple[str, ...] = ()
    is_alone: bool = False
    home: str = ""

    def needs(self) -> Needs:
        """Ask for all processes."""
        return Needs(processes=True)

    def decide(self, facts: Facts) -> tuple[Lease | None, Change]:
        """Renew it; None where it was ended: somebody took this process for dead."""
        others = [process for process in facts.processes() if process.id != self.process]
        mine = [process for process in facts.processes() if process.id == self.process]
        left = tuple(process for process in others if not self._is_over(process))
        ended = tuple(process.id for process in others if process not in left)
        if not mine and not self.is_new:
            return None, Change(ended_processes=ended)
        new = ServerProcess(self.process, _next_place(others), home=self.home)
        before = mine[0] if mine else new
        renewed = msgspec.structs.replace(
            before,
            beats=before.beats + 1,
            seen=max(process.joined for process in (*left, before)),
            leads=not any(process.leads for process in left),
        )
        return Lease(renewed, left), Change(records=(renewed,), ended_processes=ended)

    def _is_over(self, process: ServerProcess) -> bool:
        is_dead = (process.id, process.beats) in self.dead
        return self.is_alone or is_dead or process.id in self.gone


def name_of(process: str) -> str:
    """Tell the name that a process was started under: after it was taken for dead it adds `.2`."""
    return process.partition(".")[0]


def _next_place(others: list[ServerProcess]) -> int:
    return max((process.joined for process in others), default=0) + 1


class EndLease(msgspec.Struct, frozen=True):
    """Say that a process ends in order: it carries nothing any more."""

    process: str

    def needs(self) -> Needs:
        """Ask for all processes, so that nobody renews a lease meanwhile."""
        return Needs(processes=True)

    def decide(self, facts: Facts) -> tuple[None, Change]:
        """End it; what was ended already stays so."""
        del facts
        return None, Change(ended_processes=(self.process,))
