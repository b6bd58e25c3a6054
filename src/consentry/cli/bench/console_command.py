"""The command `consentry bench-console`."""

import sys
import tempfile
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Final

import typer

from consentry.cli.output import JSONFlag, fail, print_json, print_table
from consentry.clock import SystemClock

_QUICK_PEOPLE: Final = 300
_QUICK_TEXTS: Final = 1500
_QUICK_ROUNDS: Final = 3
_QUICK_DAYS: Final = 30


def register(app: typer.Typer) -> None:
    """Add this command."""
    app.command("bench-console")(bench_console)


def bench_console(
    *,
    data: Annotated[
        Path | None, typer.Option(help="A folder made by `generate`; an agent is added to it.")
    ] = None,
    rounds: Annotated[int, typer.Option(min=1, max=1000, help="How often each is opened.")] = 30,
    quick: Annotated[bool, typer.Option("--quick", help="A few people, a few rounds.")] = False,
    as_json: JSONFlag = False,
) -> None:
    """Measure the console's pages on a database of made-up people: time, p95, weight.

    The real server runs on loopback and an agent signs in. Without --data, or with --quick, a
    small database is made first and thrown away.

    Example: consentry bench-console --data big
    """
    if data is not None and not quick:
        database = data.resolve() / "consentry.db"
        if not database.exists():
            fail(
                f"There is no {database}. Make it with `consentry generate --data {data}`.", code=1
            )
        _measure(database, rounds, as_json=as_json)
        return
    with tempfile.TemporaryDirectory(prefix="consentry-bench-") as folder:
        database = Path(folder) / "consentry.db"
        _make_small(database, Path(folder))
        _measure(database, _QUICK_ROUNDS if quick else rounds, as_json=as_json)


def _make_small(database: Path, folder: Path) -> None:
    # Imported here, as below: other commands need none of it.
    from consentry.cli.generate.whole import Plan, generate_database  # noqa: PLC0415

    stage = folder / "stage"
    stage.mkdir()
    end = SystemClock().now()
    begin = end - timedelta(days=_QUICK_DAYS)
    generate_database(Plan(database, stage, _QUICK_PEOPLE, _QUICK_TEXTS, begin, end, seed=1))


def _measure(database: Path, rounds: int, *, as_json: bool) -> None:
    from consentry.cli.bench.console_whole import count_steps, measure_console  # noqa: PLC0415
    from consentry.cli.bench.figures import to_json, to_rows  # noqa: PLC0415
    from consentry.cli.bench.servers import ServerFailed  # noqa: PLC0415
    from consentry.cli.progress import Steps  # noqa: PLC0415

    steps = Steps(count_steps())
    try:
        with steps.shown():
            figures = measure_console(database, rounds, steps)
    except (LookupError, ServerFailed) as error:
        fail(str(error), code=1)
    if as_json:
        print_json(to_json(figures, steps.seconds))
        return
    print_table(("what", "value", "goal", "note"), to_rows(figures), empty="")
    sys.stdout.write(f"\nMeasured in {steps.seconds:.0f} s.\n")
