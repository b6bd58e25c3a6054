"""One batch of commands on any database: their needs, their decisions, who fails alone."""

from collections.abc import Iterable, Sequence
from typing import Final

from consentry.domain.messages import Direction
from consentry.ports import CarrierText, Command, Needs, StoreUnavailable
from consentry.store.changed import Row
from consentry.store.loaded import Wanted, gather
from consentry.store.working_set import WorkingSet

AnyCommand = Command[object]


class MustBeAlone(Exception):
    """A command changes what the others of its batch were shown: each is carried out by itself."""


class Failure:
    """Marks an outcome that is an exception, so that a command may also return one."""

    __slots__ = ("error",)

    def __init__(self, error: Exception) -> None:
        self.error = error


class Batch:
    """Commands with what each needs; a command whose needs cannot be told has failed already."""

    def __init__(self, commands: Sequence[AnyCommand]) -> None:
        """Ask each command for its needs."""
        self.commands: Final = commands
        self._needs: Final = [_needs_of(command) for command in commands]

    def gather(self) -> Wanted:
        """Put the needs of all together; raises `MustBeAlone`."""
        needs = [need for need in self._needs if isinstance(need, Needs)]
        if len(self.commands) > 1 and any(need.held for need in needs):
            raise MustBeAlone
        return gather(needs)

    def list_texts(self) -> list[CarrierText]:
        """List the texts that are asked for by a carrier's id."""
        return [
            CarrierText(direction, *pair, recipient)
            for need in self._needs
            if isinstance(need, Needs)
            for direction, pair in (
                (Direction.INBOUND, need.inbound),
                (Direction.OUTBOUND, need.outbound),
            )
            if pair is not None
            for recipient in need.recipients
        ]

    def decide(self, facts: WorkingSet[Row]) -> list[object]:
        """Let each command decide in order and apply its change; outcomes or `Failure`."""
        return [
            _decide(command, need, facts) if isinstance(need, Needs) else need
            for command, need in zip(self.commands, self._needs, strict=True)
        ]


def fail_all(commands: Iterable[AnyCommand], error: StoreUnavailable) -> list[object]:
    """Tell every command the same."""
    return [Failure(error) for _ in commands]


def is_outage(outcome: object) -> bool:
    """Tell the outcome of a command that the database could not carry out."""
    return isinstance(outcome, Failure) and isinstance(outcome.error, StoreUnavailable)


def _needs_of(command: AnyCommand) -> Needs | Failure:
    try:
        return command.needs()
    except Exception as error:  # noqa: BLE001 - a faulty command fails alone
        return Failure(error)


def _decide(command: AnyCommand, needs: Needs, facts: WorkingSet[Row]) -> object:
    """Let one command decide and apply its change; a failure is an outcome like any other."""
    facts.asking = needs
    try:
        outcome, change = command.decide(facts)
        facts.apply(change)
    except Exception as error:  # noqa: BLE001 - a faulty command fails alone
        return Failure(error)
    return outcome
