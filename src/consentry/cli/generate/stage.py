"""Where stories are played: a database of its own, with the company as it is in the real one."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from random import Random  # noqa: TID251 - seeded, and handed on
from typing import Final

import apsw

from consentry.cli.generate.player import TEXTS_MAX, Pair, Player
from consentry.cli.generate.scripts import SCRIPTS, Cast, Script, draw_exchanges
from consentry.cli.generate.stories import STAGE_NUMBERS, Story, read_story
from consentry.cli.generate.world import SENDERS, SeededIds, SetClock, setting_up
from consentry.domain.agents import Agent, Role
from consentry.domain.directory import Sender
from consentry.domain.microseconds import to_microseconds
from consentry.domain.policy import Policy
from consentry.store.batch import Failure
from consentry.store.migrate import read_migrations
from consentry.store.sqlite.batches import Batches
from consentry.store.sqlite.connection import open_connection
from consentry.store.sqlite.migrating import apply_migrations
from consentry.store.watching import Watchers

BEGINNING: Final = datetime(2001, 1, 1, tzinfo=UTC)
"""When every story begins; whoever it is told of lives later."""


class StoryIds:
    """Ids that stand in for others; each remembers when in its story it was made."""

    def __init__(self, clock: SetClock) -> None:
        """Count from one: the number 0 stands for the profile."""
        self._clock = clock
        self.made: list[int] = [0]

    def new(self, prefix: str) -> str:
        """Make the next id."""
        self.made.append(_since_beginning(self._clock))
        return f"{prefix}_~{len(self.made) - 1:07}~"

    def new_many(self, prefix: str, count: int) -> list[str]:
        """Make the next ids."""
        return [self.new(prefix) for _ in range(count)]


def _since_beginning(clock: SetClock) -> int:
    return to_microseconds(clock.now()) - to_microseconds(BEGINNING)


class Stage:
    """Plays stories, one after the other, each of another person."""

    def __init__(self, connection: apsw.Connection, agents: tuple[Agent, ...], seed: int) -> None:
        """Play on a database that the company was set up in."""
        self._connection = connection
        self._agents = agents
        self._random = Random(seed)  # noqa: S311 - made-up data, the same for a seed
        self._clock = SetClock(BEGINNING)
        self._ids = StoryIds(self._clock)
        self._batches = Batches(
            connection, clock=self._clock, ids=self._ids, policy=Policy(), watchers=Watchers()
        )
        self._played = 0

    def play_many(self, count: int, mean_messages: float) -> list[Story]:
        """Play so many stories, of each kind as many as there are among people."""
        weights = [script.of_a_thousand for script in SCRIPTS]
        return [
            self.play(script, draw_exchanges(mean_messages / 2, self._random))
            for script in self._random.choices(SCRIPTS, weights, k=count)
        ]

    def play(self, script: Script, exchanges: int) -> Story:
        """Play a story over some sender and read what it left."""
        self._clock.time = BEGINNING
        self._played += 1
        number = f"{STAGE_NUMBERS}{2_000_000 + self._played}"
        sender = self._random.choice(SENDERS)
        pair = Pair(number, sender, first_text=self._played * TEXTS_MAX)
        player = Player(self._batches, self._clock, pair, self._random)
        cast = Cast(player, self._agent_for(sender), exchanges, self._random)
        script.play(cast)
        cast.put_away()
        return read_story(self._connection, number, self._ids.made, _since_beginning(self._clock))

    def _agent_for(self, sender: Sender) -> str:
        able = [a for a in self._agents if a.role is Role.AGENT and a.sees(sender.brand)]
        return self._random.choice(able).id


@contextmanager
def open_stage(folder: Path, founded_at: datetime, seed: int) -> Iterator[Stage]:
    """Open a stage in a folder that is thrown away."""
    connection = open_connection(folder / "stage.db")
    connection.pragma("synchronous", "off")
    try:
        apply_migrations(connection, read_migrations("sqlite"), founded_at)
        yield Stage(connection, found_company(connection, founded_at, seed), seed)
    finally:
        connection.close()


def found_company(
    connection: apsw.Connection, founded_at: datetime, seed: int
) -> tuple[Agent, ...]:
    """Set the company up; the same seed gives the same ids."""
    ids = SeededIds(founded_at, Random(seed))  # noqa: S311 - made-up data
    batches = Batches(
        connection, clock=SetClock(founded_at), ids=ids, policy=Policy(), watchers=Watchers()
    )
    agents: list[Agent] = []
    for command in setting_up(founded_at):
        (outcome,) = batches.carry_out([command])
        if isinstance(outcome, Failure):
            raise outcome.error
        if isinstance(outcome, Agent):
            agents.append(outcome)
    return tuple(agents)
