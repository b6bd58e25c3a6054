"""Batches of commands on SQLite: one transaction each, on one connection."""

from collections.abc import Sequence
from typing import Final

import apsw

from consentry.domain.policy import Policy
from consentry.ports import (
    UNMEASURED,
    Clock,
    EntryCounts,
    Ids,
    Measuring,
    StoreUnavailable,
    count_entries,
)
from consentry.store.batch import AnyCommand, Batch, Failure, fail_all, is_outage
from consentry.store.erased import NO_KEYS
from consentry.store.sqlite.connection import transaction
from consentry.store.sqlite.encoding import JSON_ROWS
from consentry.store.sqlite.erasing import load_held
from consentry.store.sqlite.loading import DirectoryReader, load, recall, recall_texts
from consentry.store.sqlite.writing import write
from consentry.store.watching import Watchers
from consentry.store.working_set import Surroundings, WorkingSet
from consentry.wire.keyed_hash import HashKeys

_FAULTS: Final = (
    apsw.ConstraintError,
    apsw.MismatchError,
    apsw.RangeError,
    apsw.SQLError,
    apsw.TooBigError,
)
"""Errors of SQLite that are a fault of ours or of one command's rows, not of the database."""


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
        hash_keys: HashKeys = NO_KEYS,
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
        self._directory = DirectoryReader(connection, hash_keys)

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
        is_durable = not any(map(is_outage, outcomes))
        self._measuring.note_batch(len(commands), seconds, self._written, is_durable=is_durable)
        return outcomes

    def _carry_out(self, commands: Sequence[AnyCommand]) -> list[object]:
        try:
            return self._carry_out_together(commands)
        except Exception as error:  # noqa: BLE001 - whatever it is, every caller must be told
            if _is_unavailable(error):
                return fail_all(commands, _unavailable(error))
            if len(commands) == 1:
                return [Failure(error)]
        return [outcome for command in commands for outcome in self._carry_out([command])]

    def _carry_out_together(self, commands: Sequence[AnyCommand]) -> list[object]:
        batch = Batch(commands)
        wanted = batch.gather()
        with transaction(self._connection):
            now = self._clock.now()
            directory = self._directory.read()
            surroundings = Surroundings(now, self._ids, self._policy, directory)
            found = load(self._connection, wanted, now)
            if directory.erased_keys:
                asked = self._directory.asked
                recall(self._connection, wanted, found, asked)
                recall_texts(self._connection, batch.list_texts(), found, asked)
            for number in wanted.held:
                found.held[number] = load_held(self._connection, number, self._directory.asked)
            facts = WorkingSet(surroundings, wanted, found, encoder=JSON_ROWS)
            outcomes = batch.decide(facts)
            write(self._connection, facts.changed)
        self._written += count_entries(facts.changed.changes)
        if self._watchers:
            self._tell(facts.changed.touched())
        return outcomes

    def _tell(self, touched: frozenset[str]) -> None:
        if touched:
            self._watchers.tell(touched)


def _is_unavailable(error: Exception) -> bool:
    """Tell a database that cannot write now from rows that it may not write."""
    return isinstance(error, apsw.Error) and not isinstance(error, _FAULTS)


def _unavailable(error: Exception) -> StoreUnavailable:
    return StoreUnavailable(
        f"The database could not make the change durable ({error}). Nothing of it was kept; "
        "check the disk and try again."
    )
