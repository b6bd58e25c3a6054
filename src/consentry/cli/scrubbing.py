"""Answering a whole list: scrub; and how everybody stands, in files: snapshot."""

import asyncio
import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import msgspec
import typer

from consentry.actions.prove_entry import bring_log_up
from consentry.cli.cores import count_cores
from consentry.cli.database import with_store
from consentry.cli.output import JSONFlag, fail, print_json, print_table, tell
from consentry.clock import SystemClock
from consentry.domain.directory import Directory, Purpose
from consentry.domain.gate import Request
from consentry.domain.phone import find_number
from consentry.opening import build_policy, open_everybody, read_hash_keys
from consentry.ports import Everybody, Store
from consentry.settings import Settings, read_settings

if TYPE_CHECKING:
    from consentry.domain.many_answers import ManyAnswers
    from consentry.scrubbing.run import Answering, Scrub, Scrubbed


class Keep(StrEnum):
    """Which rows are written."""

    ALL = "all"
    ALLOWED = "allowed"


def register(app: typer.Typer) -> None:
    """Add these commands."""
    app.command("scrub")(scrub)
    app.command("snapshot")(write_snapshot)


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
    snapshot: Annotated[
        Path | None,
        typer.Option(help="Answer from a folder of `snapshot`, as of then."),
    ] = None,
    ray: Annotated[
        str | None,
        typer.Option(
            metavar="ADDRESS",
            help="With --snapshot: have a Ray cluster answer, bucket by bucket; `local` is one on "
            "this machine.",
        ),
    ] = None,
    as_json: JSONFlag = False,
) -> None:
    """Write for every row of a list whether its number may be texted, and why not.

    OUT has all rows and columns of IN in the same order, and decision, reason, until and
    normalized. Beside it OUT.json says of when and by which rules the answers are. Nothing is
    sent, and the gate is asked again when a text leaves.

    Example: consentry scrub customers.csv answers.csv --sender +14155550100 --purpose marketing
    """
    # Imported here: other commands need none of it.
    from consentry.scrubbing.engine import ListError  # noqa: PLC0415
    from consentry.scrubbing.run import Scrub  # noqa: PLC0415

    plan = Scrub(
        list=file,
        out=out,
        request=Request(None, sender, purpose, program),
        number=number_column,
        only_allowed=keep is Keep.ALLOWED,
        processes=count_cores(),
    )
    if ray is not None and snapshot is None:
        fail("--ray needs --snapshot: what all machines answer from.", code=2)
    try:
        if snapshot is None:
            scrubbed = with_store(lambda _, settings: _scrub(plan, settings))
        else:
            scrubbed = asyncio.run(_scrub_snapshot(plan, snapshot, ray))
    except ListError as error:
        fail(str(error), code=2)
    except OSError as error:
        fail(f"{error.filename or out} cannot be used: {error.strerror}.", code=2)
    if as_json:
        print_json(scrubbed)
    else:
        _print(scrubbed, out)


def write_snapshot(
    folder: Annotated[Path, typer.Argument(help="The folder to make; it may not be there yet.")],
    *,
    buckets: Annotated[
        int, typer.Option(min=1, max=4096, help="Into how many parts, by the numbers' hash.")
    ] = 16,
    as_json: JSONFlag = False,
) -> None:
    """Write how everybody stands into a folder of Parquet, for scrubs elsewhere.

    It has the numbers as they are and only what decides: no texts, names or entries. Keep it as
    private as the database. Its manifest has a checkpoint of the ledger, signed just before.

    Example: consentry snapshot /mnt/shared/monday
    """
    # Imported here: other commands need none of it.
    from consentry.scrubbing import snapshot  # noqa: PLC0415
    from consentry.scrubbing.engine import ListError  # noqa: PLC0415

    async def write(store: Store, settings: Settings) -> snapshot.Manifest:
        await bring_log_up(store)
        async with open_everybody(settings) as everybody:
            policy, now = build_policy(settings), SystemClock().now()
            return await snapshot.write_snapshot(everybody, folder, policy, now, buckets=buckets)

    try:
        made = with_store(write, keeps_log=True)
    except ListError as error:
        fail(str(error), code=2)
    except OSError as error:
        fail(f"{error.filename or folder} cannot be used: {error.strerror}.", code=2)
    tell(
        made,
        f"How {made.standings:,} numbers stand is in {folder}, in {len(made.parts)} parts, as of "
        f"{made.as_of:%Y-%m-%d %H:%M:%S} UTC. Answer from it: consentry scrub IN OUT "
        f"--snapshot {folder} --sender NUMBER",
        as_json=as_json,
    )


async def _scrub(plan: "Scrub", settings: Settings) -> "Scrubbed":
    # Imported here: see above.
    from consentry.domain.many_answers import ManyAnswers  # noqa: PLC0415
    from consentry.scrubbing.run import answer_from  # noqa: PLC0415

    async with open_everybody(settings) as everybody:
        plan = _complete(plan, everybody, settings)
        policy, now = build_policy(settings), SystemClock().now()
        many = ManyAnswers(plan.request, everybody.directory, policy, now)
        return await _run(plan, many, answer_from(everybody))


async def _scrub_snapshot(plan: "Scrub", folder: Path, ray: str | None) -> "Scrubbed":
    # Imported here: see above.
    from consentry.domain.many_answers import ManyAnswers  # noqa: PLC0415
    from consentry.scrubbing.run import answer_from  # noqa: PLC0415
    from consentry.scrubbing.snapshot import Snapshot  # noqa: PLC0415

    settings = read_settings()
    snapshot = Snapshot(folder, read_hash_keys(settings))
    plan = _complete(plan, snapshot, settings)
    made = snapshot.manifest
    many = ManyAnswers(plan.request, snapshot.directory, made.policy, made.as_of)
    if ray is None:
        return await _run(plan, many, answer_from(snapshot))
    from consentry.scrubbing.many_machines import answer_over  # noqa: PLC0415
    from consentry.scrubbing.ray_machines import RayMachines  # noqa: PLC0415

    machines = RayMachines(ray, processes=plan.processes)
    return await _run(plan, many, answer_over(snapshot, machines))


def _complete(plan: "Scrub", everybody: Everybody, settings: Settings) -> "Scrub":
    """Say of what everybody it is, and find the sender there."""
    region = settings.default_region
    return msgspec.structs.replace(
        plan,
        request=_find_sender(plan.request, everybody.directory, region),
        region=region,
        checkpoint=everybody.checkpoint,
    )


async def _run(plan: "Scrub", many: "ManyAnswers", answering: "Answering") -> "Scrubbed":
    from consentry.cli.progress import Steps  # noqa: PLC0415 - see above
    from consentry.scrubbing.run import STEPS, scrub_list  # noqa: PLC0415 - see above

    steps = Steps(STEPS)
    with steps.shown():
        return await scrub_list(plan, many, answering, steps.step)


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
