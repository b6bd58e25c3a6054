"""The command `consentry generate`."""

import sys
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated

import typer

from consentry.cli.output import JSONFlag, fail, print_json
from consentry.clock import SystemClock


def register(app: typer.Typer) -> None:
    """Add this command."""
    app.command("generate")(generate)


def generate(
    *,
    data: Annotated[Path, typer.Option(help="The folder to make; it may not be there yet.")],
    customers: Annotated[int, typer.Option(min=1, max=8_000_000, help="How many people.")] = 10_000,
    messages: Annotated[
        int, typer.Option(min=0, max=80_000_000, help="About how many texts, in and out.")
    ] = 50_000,
    days: Annotated[int, typer.Option(min=4, max=3650, help="Over how many days.")] = 180,
    until: Annotated[
        datetime | None,
        typer.Option(formats=["%Y-%m-%d"], help="The day after the last; today and now if empty."),
    ] = None,
    seed: Annotated[int, typer.Option(help="Another seed makes other people.")] = 1,
    as_json: JSONFlag = False,
) -> None:
    """Make a database of made-up people, texts and opt-outs, for measurements.

    The same seed, numbers and day make the same rows. A million people with five million texts
    take some minutes and about 12 GB. Nothing is sent: the carrier of its numbers is nowhere.

    Example: consentry generate --data big --customers 1000000 --messages 5000000
    """
    # Imported here: other commands need none of it.
    from consentry.cli.generate.whole import Plan, generate_database  # noqa: PLC0415

    database = data / "consentry.db"
    if database.exists():
        fail(f"{database} is there already. Name another folder, or remove it first.", code=1)
    if messages > customers * 300:
        fail(f"{messages:,} texts are too many for {customers:,} people; 300 each at most.", code=2)
    data.mkdir(parents=True, exist_ok=True)
    end = SystemClock().now() if until is None else until.replace(tzinfo=UTC)
    begin = end - timedelta(days=days)
    with tempfile.TemporaryDirectory(prefix="consentry-stage-") as stage:
        plan = Plan(
            database,
            Path(stage),
            customers,
            messages,
            begin,
            end,
            seed,
        )
        made = generate_database(plan)
    if as_json:
        print_json(made)
        return
    sys.stdout.write(
        f"{made.customers:,} people, {made.messages:,} texts and {made.entries:,} entries in "
        f"{database}, made in {made.seconds:.0f} s.\n"
        f"Look at them: CONSENTRY_DATABASE=sqlite:///{database} consentry serve\n"
    )
