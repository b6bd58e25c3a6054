"""The command `consentry bench`."""

import shutil
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from consentry.cli.event_loop import run_fast
from consentry.cli.output import JSONFlag, fail, print_json, print_table

if TYPE_CHECKING:
    from consentry.cli.bench.plan import Plan

_SERVICE: Final = Path(__file__).parents[4] / "bench" / "handwritten_service.py"
_QUICK_SECONDS: Final = 0.3


def register(app: typer.Typer) -> None:
    """Add this command."""
    app.command("bench")(bench)


def bench(
    *,
    seconds: Annotated[float, typer.Option(min=0.1, max=10, help="Length of a round.")] = 2.0,
    rounds: Annotated[int, typer.Option(min=1, max=9, help="Rounds; medians are shown.")] = 3,
    people: Annotated[
        int, typer.Option(min=10, max=8_000_000, help="People in the database.")
    ] = 1_000_000,
    quick: Annotated[bool, typer.Option("--quick", help="One short round on few people.")] = False,
    data: Annotated[
        Path | None, typer.Option(help="A folder on the disk to measure; a new one inside it.")
    ] = None,
    handwritten: Annotated[
        Path,
        typer.Option(
            show_default="bench/handwritten_service.py",
            help="The hand-written service to compare with.",
        ),
    ] = _SERVICE,
    pg_bindir: Annotated[
        Path | None, typer.Option(envvar="PG_BINDIR", help="Where PostgreSQL's programs are.")
    ] = None,
    as_json: JSONFlag = False,
) -> None:
    """Measure this machine with the product, on loopback, and print ratios with their goals.

    It takes about two minutes and 2 GB of disk, cleans up behind itself, and sends nothing out.

    Example: consentry bench --quick
    """
    # Imported here: the servers' modules are heavy, and other commands need none of them.
    from consentry.cli.bench.plan import Plan  # noqa: PLC0415

    folder = Path(tempfile.mkdtemp(prefix="consentry-bench-", dir=data))
    plan = Plan(
        folder=folder,
        seconds=_QUICK_SECONDS if quick else seconds,
        rounds=1 if quick else rounds,
        starts=1 if quick else 2 * rounds - 1,
        people=5_000 if quick else people,
        handwritten=handwritten,
        pg_bindir=pg_bindir,
    )
    try:
        # PostgreSQL may have to run as somebody else, who must get through.
        folder.chmod(0o711)
        _measure(plan, as_json=as_json)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _measure(plan: "Plan", *, as_json: bool) -> None:
    from consentry.cli.bench.figures import to_json, to_rows  # noqa: PLC0415 - as above
    from consentry.cli.bench.load import WrongAnswer  # noqa: PLC0415
    from consentry.cli.bench.servers import ServerFailed  # noqa: PLC0415
    from consentry.cli.bench.whole import count_steps, measure_all  # noqa: PLC0415
    from consentry.cli.progress import Steps  # noqa: PLC0415

    steps = Steps(count_steps(plan))
    try:
        with steps.shown():
            figures = run_fast(measure_all(plan, steps))
    except (WrongAnswer, ServerFailed) as error:
        fail(str(error), code=1)
    if as_json:
        print_json(to_json(figures, steps.seconds))
        return
    print_table(("what", "value", "goal", "note"), to_rows(figures), empty="")
    sys.stdout.write(f"\nMeasured in {steps.seconds:.0f} s.\n")
