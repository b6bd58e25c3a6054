"""The command `consentry bench`."""

import shutil
import sys
import tempfile
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Final

import msgspec
import typer

from consentry.cli.bench.plan import Operation, Plan, StoreKind, shorten
from consentry.cli.event_loop import run_fast
from consentry.cli.output import JSONFlag, fail, print_json, print_table

_OPERATIONS: Final = tuple(map(str, Operation))
_SERVICE: Final = Path(__file__).parents[4] / "bench" / "handwritten"
_ONLY: Final = typer.Option(
    help=f"Only some operations, with commas between: {', '.join(_OPERATIONS)}.",
    show_default="all",
)


class Stores(StrEnum):
    """Which databases the product is measured on."""

    SQLITE = "sqlite"
    POSTGRESQL = "postgresql"
    BOTH = "both"


def register(app: typer.Typer) -> None:
    """Add this command."""
    app.command("bench")(bench)


def bench(
    *,
    seconds: Annotated[float, typer.Option(min=0.1, max=10, help="Length of a round.")] = 2.0,
    rounds: Annotated[
        int, typer.Option(min=1, max=9, help="Rounds with 32 in flight; medians are shown.")
    ] = 3,
    people: Annotated[
        int, typer.Option(min=100, max=24_000_000, help="People in each database.")
    ] = 1_000_000,
    texts: Annotated[
        int, typer.Option(min=10, max=1_000_000, help="Texts of the large send.")
    ] = 100_000,
    quick: Annotated[bool, typer.Option("--quick", help="Short rounds on few people.")] = False,
    store: Annotated[Stores, typer.Option(help="The product's database.")] = Stores.BOTH,
    workers: Annotated[
        str, typer.Option(help="With how many processes on PostgreSQL, with commas between.")
    ] = "1,2",
    only: Annotated[str | None, _ONLY] = None,
    grow: Annotated[
        int | None,
        typer.Option(
            min=100,
            max=24_000_000,
            help="Instead, the gate alone on 10,000, 1,000,000 and so many people. 20000000 take "
            "20 GB of disk, and about a quarter of an hour on two stores.",
        ),
    ] = None,
    data: Annotated[
        Path | None, typer.Option(help="A folder on the disk to measure; a new one inside it.")
    ] = None,
    handwritten: Annotated[
        Path,
        typer.Option(
            show_default="bench/handwritten", help="The hand-written service to compare with."
        ),
    ] = _SERVICE,
    pg_bindir: Annotated[
        Path | None, typer.Option(envvar="PG_BINDIR", help="Where PostgreSQL's programs are.")
    ] = None,
    as_json: JSONFlag = False,
) -> None:
    """Measure this machine with the product, on loopback, and print ratios with their goals.

    It takes about fifteen minutes and 8 GB of disk (`--quick`: half a minute), cleans up behind
    itself, and sends nothing out.

    Example: consentry bench --quick
    """
    plan = Plan(
        grows=grow is not None,
        seconds=seconds,
        rounds=rounds,
        starts=2 * rounds - 1,
        people=grow or people,
        texts=texts,
        stores=tuple(StoreKind) if store is Stores.BOTH else (StoreKind(store),),
        workers=_read_numbers(workers),
        only=_read_operations(only),
        handwritten=handwritten,
        pg_bindir=pg_bindir,
    )
    _measure_in(data, shorten(plan) if quick else plan, as_json=as_json)


def _measure_in(data: Path | None, plan: Plan, *, as_json: bool) -> None:
    """Measure in a new folder, which is taken away."""
    folder = Path(tempfile.mkdtemp(prefix="consentry-bench-", dir=data))
    try:
        # PostgreSQL may have to run as somebody else, who must get through.
        folder.chmod(0o711)
        _measure(msgspec.structs.replace(plan, folder=folder), as_json=as_json)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _read_numbers(text: str) -> tuple[int, ...]:
    try:
        numbers = tuple(int(part) for part in text.split(","))
    except ValueError:
        numbers = ()
    if not numbers or min(numbers) < 1:
        fail(f"--workers {text} is no list of numbers. Write it such as 1,2.", code=2)
    return numbers


def _read_operations(text: str | None) -> tuple[Operation, ...]:
    if text is None:
        return tuple(Operation)
    names = [part.strip() for part in text.split(",")]
    unknown = [name for name in names if name not in _OPERATIONS]
    if unknown:
        fail(f"--only {unknown[0]}: there are {', '.join(_OPERATIONS)}.", code=2)
    return tuple(Operation(name) for name in names)


def _measure(plan: Plan, *, as_json: bool) -> None:
    # Imported here: the servers' modules are heavy, and other commands need none of them.
    from consentry.cli.bench.figures import to_json, to_rows  # noqa: PLC0415
    from consentry.cli.bench.load import WrongAnswer  # noqa: PLC0415
    from consentry.cli.bench.servers import ServerFailed  # noqa: PLC0415
    from consentry.cli.bench.sheet import COLUMNS, to_table  # noqa: PLC0415
    from consentry.cli.bench.whole import measure_all  # noqa: PLC0415
    from consentry.cli.progress import Steps  # noqa: PLC0415

    steps = Steps(None)
    try:
        with steps.shown():
            report = run_fast(measure_all(plan, steps))
    except (WrongAnswer, ServerFailed) as error:
        fail(str(error), code=1)
    if as_json:
        print_json(to_json(report.figures, steps.seconds, report.table))
        return
    if report.table:
        print_table(COLUMNS, to_table(report.table), empty="")
        sys.stdout.write("\n")
    print_table(("what", "value", "goal", "note"), to_rows(report.figures), empty="")
    sys.stdout.write(f"\nMeasured in {steps.seconds:.0f} s.\n")
