"""Answering a whole list: scrub."""

import os
import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import msgspec
import typer

from consentry.cli.database import with_store
from consentry.cli.output import JSONFlag, fail, print_json, print_table
from consentry.clock import SystemClock
from consentry.domain.directory import Directory, Purpose
from consentry.domain.gate import Request
from consentry.domain.phone import find_number
from consentry.opening import build_policy, open_everybody
from consentry.settings import Settings

if TYPE_CHECKING:
    from consentry.scrubbing.run import Scrub, Scrubbed


class Keep(StrEnum):
    """Which rows are written."""

    ALL = "all"
    ALLOWED = "allowed"


def register(app: typer.Typer) -> None:
    """Add this command."""
    app.command("scrub")(scrub)


def scrub(
    file: Annotated[
        Path, typer.Argument(metavar="IN", help="CSV with a header, or Parquet, by its name.")
    ],
    out: Annotated[Path, typer.Argument(metavar="OUT", help="What to write: .csv or .parquet.")],
    *,
    sender: Annotated[str, typer.Option(help="Over which number the texts would go.")],
    purpose: Annotated[Purpose | None, typer.Option(help="What the texts are for.")] = None,
    program: Annotated[str | None, typer.Option(help="The program consented to.")] = None,
    number_column: Annotated[
        str | None, typer.Option(help="The column with the numbers; found by its name if empty.")
    ] = None,
    keep: Annotated[
        Keep, typer.Option(help="Write all rows, or only those that may be texted now.")
    ] = Keep.ALL,
    as_json: JSONFlag = False,
) -> None:
    """Write for every row of a list whether its number may be texted, and why not.

    OUT has all rows and columns of IN in the same order, and decision, reason, until and
    normalized. Beside it OUT.json says of when and by which rules the answers are. It asks and
    sends nothing: the gate is asked again when a text leaves.

    Example: consentry scrub customers.csv answers.csv --sender +14155550100 --purpose marketing
    """
    # Imported here: other commands need none of it.
    from consentry.scrubbing.lists import ListError  # noqa: PLC0415
    from consentry.scrubbing.run import Scrub  # noqa: PLC0415

    plan = Scrub(
        list=file,
        out=out,
        request=Request(None, sender, purpose, program),
        number=number_column,
        only_allowed=keep is Keep.ALLOWED,
        processes=_count_cores(),
    )
    try:
        scrubbed = with_store(lambda _, settings: _scrub(plan, settings))
    except ListError as error:
        fail(str(error), code=2)
    if as_json:
        print_json(scrubbed)
    else:
        _print(scrubbed, out)


def _count_cores() -> int:
    return max(1, len(os.sched_getaffinity(0)))


async def _scrub(plan: "Scrub", settings: Settings) -> "Scrubbed":
    # Imported here: see above.
    from consentry.cli.progress import Steps  # noqa: PLC0415
    from consentry.domain.many_answers import ManyAnswers  # noqa: PLC0415
    from consentry.scrubbing.run import STEPS, answer_from, scrub_list  # noqa: PLC0415

    async with open_everybody(settings) as everybody:
        asked = _find_sender(plan.request, everybody.directory, settings.default_region)
        many = ManyAnswers(asked, everybody.directory, build_policy(settings), SystemClock().now())
        plan = msgspec.structs.replace(
            plan,
            request=asked,
            region=settings.default_region,
            checkpoint=everybody.checkpoint,
        )
        steps = Steps(STEPS)
        with steps.shown():
            return await scrub_list(plan, many, answer_from(everybody), steps.step)


def _find_sender(asked: Request, directory: Directory, region: str | None) -> Request:
    """Find the sender however its number is written, and see that the program is there."""
    sender = asked.sender
    if sender not in directory.senders:
        sender = find_number(sender, region) or sender
    if sender not in directory.senders:
        fail(f"There is no sender {asked.sender}. List them: consentry sender list", code=2)
    if asked.program is not None and directory.program(asked.program) is None:
        fail(f"There is no program {asked.program}. List them: consentry program list", code=2)
    return msgspec.structs.replace(asked, sender=sender)


def _print(scrubbed: "Scrubbed", out: Path) -> None:
    rows = [(one.decision.value, one.reason or "", f"{one.rows:,}") for one in scrubbed.counts]
    print_table(("decision", "reason", "rows"), rows, empty="The list has no rows.")
    sys.stdout.write(
        f"{scrubbed.rows_written:,} of {scrubbed.rows:,} rows are in {out}, as of "
        f"{scrubbed.as_of:%Y-%m-%d %H:%M:%S} UTC. {scrubbed.ask_again}\n"
    )
