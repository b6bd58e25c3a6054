"""The whole run: stories are played, people told of, rows written, indexes built."""

from datetime import datetime
from pathlib import Path
from typing import Final

import apsw
import msgspec

from consentry.cli.generate.filling import Filler, Timeline, without_scattered_indexes
from consentry.cli.generate.people import Narrator, spread
from consentry.cli.generate.scripts import SCRIPTS
from consentry.cli.generate.stage import found_company, open_stage
from consentry.cli.generate.stories import Story
from consentry.cli.progress import Steps
from consentry.domain.microseconds import to_microseconds
from consentry.store.migrate import read_migrations
from consentry.store.sqlite.connection import open_connection
from consentry.store.sqlite.indexing import index_some
from consentry.store.sqlite.migrating import apply_migrations

_TEXTING_SHARE: Final = 0.8
_STORIES_MAX: Final = 700
_STEPS: Final = 50
_INDEXED_AT_ONCE: Final = 20_000
_CHATTY_EXCHANGES_MAX: Final = 2500
_CHATTY_ONE_IN: Final = 2000
_AFTERWARDS_MICROSECONDS: Final = 60_000_000


class Plan(msgspec.Struct, frozen=True):
    """How much is made, of when, and where; the stage is an empty folder that is thrown away."""

    database: Path
    stage: Path
    customers: int
    messages: int
    begin: datetime
    end: datetime
    seed: int


class Made(msgspec.Struct, frozen=True):
    """What was made."""

    customers: int
    messages: int
    entries: int
    seconds: float


def generate_database(plan: Plan) -> Made:
    """Make the database."""
    steps = Steps(_STEPS + 4)
    connection = open_connection(plan.database)
    with steps.shown():
        try:
            steps.step("playing stories")
            apply_migrations(connection, read_migrations("sqlite"), plan.begin)
            found_company(connection, plan.begin, plan.seed)
            played = _play(plan)
            with without_scattered_indexes(connection) as statements:
                messages = _write_people(connection, plan, played, steps)
                steps.step("building indexes")
                for statement in statements:
                    connection.execute(statement)
                steps.step("indexing for search")
                while index_some(connection, _INDEXED_AT_ONCE):
                    pass
                steps.step("closing")
            ((entries,),) = connection.execute("SELECT max(seq) FROM entries")
        finally:
            connection.close()
    return Made(plan.customers, messages, int(str(entries or 0)), steps.seconds)


def _play(plan: Plan) -> tuple[list[Story], Story]:
    """Play the stories there are, and one of somebody who writes all the time."""
    mean = plan.messages / (plan.customers * _TEXTING_SHARE)
    count = min(_STORIES_MAX, max(20, plan.customers // 20))
    with open_stage(plan.stage, plan.begin, plan.seed) as stage:
        stories = stage.play_many(count, mean)
        exchanges = min(_CHATTY_EXCHANGES_MAX, max(5, plan.messages // _CHATTY_ONE_IN))
        return stories, stage.play(SCRIPTS[0], exchanges)


def _write_people(
    connection: apsw.Connection, plan: Plan, played: tuple[list[Story], Story], steps: Steps
) -> int:
    """Tell of everybody in the order in which their stories end; return how many texts it were."""
    stories, chatty = played
    begin, end = to_microseconds(plan.begin), to_microseconds(plan.end)
    mean = sum(story.messages for story in stories) / len(stories)
    share = min(1.0, plan.messages / plan.customers / mean) if plan.messages else 0.0
    narrator = Narrator(stories, texting_share=share, seed=plan.seed)
    timeline, filler = Timeline(), Filler(connection)
    longest = max(story.length for story in stories)
    if plan.messages:
        timeline.add(narrator.tell_of(chatty, end - _AFTERWARDS_MICROSECONDS))
    every = max(1, plan.customers // _STEPS)
    first = begin + longest
    for place, time in enumerate(spread(plan.customers - 1, first, end, plan.seed)):
        if place % every == 0:
            steps.step(f"{place:,} of {plan.customers:,} people")
        timeline.add(narrator.tell(time))
        for rows in timeline.take_before(time - longest):
            filler.add(rows)
    for rows in timeline.take_before(end + 2 * longest):
        filler.add(rows)
    filler.close()
    return narrator.messages
