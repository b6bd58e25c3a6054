"""One batch of commands: one transaction on SQLite, an outcome or an error for each command."""

from collections.abc import Sequence
from typing import Final

import apsw

from consentry.domain.policy import Policy
from consentry.ports import (
    UNMEASURED,
    Clock,
    Command,
    EntryCounts,
    Ids,
    Measuring,
    Needs,
    StoreUnavailable,
    count_entries,
)
from consentry.store.loaded import gather
from consentry.store.loading import DirectoryReader, load
from consentry.store.sqlite_connection import transaction
from consentry.store.watching import Watchers
from consentry.store.working_set import Surroundings, WorkingSet
from consentry.store.writing import write

AnyCommand = Command[object]

_FAULTS: Final = (
    apsw.ConstraintError,
    apsw.MismatchError,
    apsw.RangeError,
    apsw.SQLError,
    apsw.TooBigError,
)
"""Errors of SQLite that are a fault of ours or of one command's rows, not of the database."""


class Failure:
    """Marks an outcome that is an exception, so that a command may also return one."""

    __slots__ = ("error",)

    def __init__(self, error: Exception) -> None:
        self.error = error


class Batches:
    """Carries out batches on one connection; everything here runs in the writer's thread."""

    def __init__(
        self,
        connection: apsw.Connection,
        *,
        clock: Clock,
        ids: Ids,
        policy: Policy,
        watchers: Watchers,
        measuring: Measuring = UNMEASURED,
    ) -> None:
        """Write through this connection, which nobody else uses.

        `watchers` are told the recipients of each batch that changed something, once it is durable.
        """
        self._connection = connection
        self._clock = clock
        self._ids = ids
        self._policy = policy
        self._watchers = watchers
        self._measuring = measuring
        self._written = EntryCounts()
        self._directory = DirectoryReader(connection)

    def carry_out(self, commands: Sequence[AnyCommand]) -> list[object]:
        """Carry out commands in order, durably; return the outcome or `Failure` of each.

        A command that fails changes nothing and takes no other along. What the database itself
        cannot do (disk full, locked) is `StoreUnavailable` for all of them. Where the rows of
        one command break a rule of the schema, the batch is begun again command by command.
        """
        began = self._clock.monotonic()
        self._written = EntryCounts()
        outcomes = self._carry_out(commands)
        seconds = self._clock.monotonic() - began
        is_durable = not any(map(_is_outage, outcomes))
        self._measuring.note_batch(len(commands), seconds, self._written, is_durable=is_durable)
        return outcomes

    def _carry_out(self, commands: Sequence[AnyCommand]) -> list[object]:
        try:
            return self._carry_out_together(commands)
        except Exception as error:  # noqa: BLE001 - whatever it is, every caller must be told
            if _is_unavailable(error):
                return [Failure(_unavailable(error)) for _ in commands]
            if len(commands) == 1:
                return [Failure(error)]
        return [outcome for command in commands for outcome in self._carry_out([command])]

    def _carry_out_together(self, commands: Sequence[AnyCommand]) -> list[object]:
        needs = [_needs_of(command) for command in commands]
        wanted = gather(need for need in needs if isinstance(need, Needs))
        with transaction(self._connection):
            now = self._clock.now()
            surroundings = Surroundings(now, self._ids, self._policy, self._directory.read())
            facts = WorkingSet(surroundings, wanted, load(self._connection, wanted, now))
            outcomes = [
                _decide(command, need, facts) if isinstance(need, Needs) else need
                for command, need in zip(commands, needs, strict=True)
            ]
            write(self._connection, facts.changed)
        self._written += count_entries(facts.changed.changes)
        if self._watchers:
            self._tell(facts.changed.touched())
        return outcomes

    def _tell(self, touched: frozenset[str]) -> None:
        if touched:
            self._watchers.tell(touched)


def _needs_of(command: AnyCommand) -> Needs | Failure:
    try:
        return command.needs()
    except Exception as error:  # noqa: BLE001 - a faulty command fails alone
        return Failure(error)


def _decide(command: AnyCommand, needs: Needs, facts: WorkingSet) -> object:
    """Let one command decide and apply its change; a failure is an outcome like any other."""
    facts.asking = needs
    try:
        outcome, change = command.decide(facts)
        facts.apply(change)
    except Exception as error:  # noqa: BLE001 - a faulty command fails alone
        return Failure(error)
    return outcome


def _is_outage(outcome: object) -> bool:
    return isinstance(outcome, Failure) and isinstance(outcome.error, StoreUnavailable)


def _is_unavailable(error: Exception) -> bool:
    """Tell a database that cannot write now from rows that it may not write."""
    return isinstance(error, apsw.Error) and not isinstance(error, _FAULTS)


def _unavailable(error: Exception) -> StoreUnavailable:
    return StoreUnavailable(
        f"The database could not make the change durable ({error}). Nothing of it was kept; "
        "check the disk and try again."
    )
