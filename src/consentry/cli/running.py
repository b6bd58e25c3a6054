"""Commands that keep running: serve, simulate, demo."""

import sys
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from consentry.cli.event_loop import run_fast
from consentry.cli.lifeline import stop_with_parent
from consentry.cli.output import JSONFlag, fail, shows_link, tell_address
from consentry.opening import start_logging, warn_of_exposed
from consentry.settings import read_settings


def register(app: typer.Typer) -> None:
    """Add these commands."""
    app.command("demo")(demo)
    app.command("serve")(serve)
    app.command("simulate")(simulate)


def serve(
    *,
    host: Annotated[str | None, typer.Option(help="The address to listen on.")] = None,
    port: Annotated[int | None, typer.Option(min=0, max=65535, help="The port; 0: any.")] = None,
    workers: Annotated[int, typer.Option(min=1, max=256, help="Processes; SQLite serves one.")] = 1,
    as_json: JSONFlag = False,
    worker_from_stdin: Annotated[bool, typer.Option(hidden=True)] = False,
) -> None:
    """Start the server, and print its address when it answers.

    On a terminal, and with --json, a one-time sign-in link too: elsewhere it would be kept in
    whatever collects the output.

    Example: consentry serve --port 8000
    """
    settings = read_settings()
    if worker_from_stdin:
        from consentry.cli.worker import run_worker  # noqa: PLC0415 - heavy, and only needed here

        run_worker(settings)
        return
    if workers != 1 and not settings.is_postgres:
        fail(
            f"SQLite serves one process, and CONSENTRY_DATABASE is {settings.database}. Start with "
            "--workers 1, or keep the data on PostgreSQL.",
            code=2,
        )
    settings = msgspec.structs.replace(
        settings,
        host=settings.host if host is None else host,
        port=settings.port if port is None else port,
    )
    # The server's modules are imported here so that the other commands start without them.
    from consentry.bootstrap import Server  # noqa: PLC0415
    from consentry.cli.workers import run_workers  # noqa: PLC0415
    from consentry.hosting import bind  # noqa: PLC0415

    start_logging(settings)
    warn_of_exposed(settings)
    try:
        if workers > 1:
            raise typer.Exit(run_fast(run_workers(settings, workers, as_json=as_json)))
        listener = bind(settings.host, settings.port)
    except OSError as error:
        fail(f"cannot listen on {settings.host}:{settings.port}: {error.strerror}.", code=1)
    server = Server(settings, listener)

    async def run() -> None:
        link = await server.make_console_link() if shows_link(as_json=as_json) else None
        await server.run(lambda: tell_address(server.url, link, as_json=as_json))

    run_fast(run())


def simulate(
    *,
    host: Annotated[str, typer.Option(help="The address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="The port; 0: any.")] = 8010,
    carrier: Annotated[
        str, typer.Option(help="Whom it speaks like: twilio, telnyx, plivo or aws.")
    ] = "twilio",
    account: Annotated[
        str | None, typer.Option(help="Its account; else one that it names.")
    ] = None,
    token: Annotated[
        str | None, typer.Option(help="What its requests are made with; else one that it names.")
    ] = None,
    data: Annotated[Path | None, typer.Option(help="A file that keeps blocks and threads.")] = None,
    seed: Annotated[int, typer.Option(help="The seed of all faults.")] = 0,
    as_json: JSONFlag = False,
    config_from_stdin: Annotated[bool, typer.Option(hidden=True)] = False,
) -> None:
    """Start a carrier with virtual handsets, for tests and demos; it speaks Twilio unless told.

    Example: consentry simulate --port 8010
    """
    from consentry.simulator.server import run  # noqa: PLC0415 - the server's modules are heavy
    from consentry.simulator.speakers import SPEAKERS  # noqa: PLC0415
    from consentry.simulator.values import Account, SimulatorConfig  # noqa: PLC0415

    if config_from_stdin:
        config = msgspec.json.decode(sys.stdin.readline(), type=SimulatorConfig)
        stop_with_parent()
    else:
        if carrier not in SPEAKERS:
            fail(f"{carrier!r} is not simulated. Simulated are: {', '.join(SPEAKERS)}.", code=2)
        usual = SPEAKERS[carrier].account
        config = SimulatorConfig(
            accounts=(Account(sid=account or usual.sid, token=token or usual.token),),
            carrier=carrier,
            host=host,
            port=port,
            state_file=None if data is None else str(data),
            seed=seed,
        )

    def announce(url: str) -> None:
        told = SPEAKERS[config.carrier].tell(config.accounts[0])
        if as_json or config_from_stdin:
            values = {"url": url, **{thing.name: thing.value for thing in told}}
            sys.stdout.write(msgspec.json.encode(values).decode() + "\n")
        else:
            sys.stdout.write(f"The simulator answers at {url}, its handsets at {url}/handsets\n")
            sys.stdout.write(", ".join(f"{thing.label} {thing.value}" for thing in told) + "\n")
        sys.stdout.flush()

    try:
        run(config, announce)
    except OSError as error:
        fail(f"cannot listen on {config.host}:{config.port}: {error.strerror}.", code=1)


def demo(
    *,
    port: Annotated[int, typer.Option(min=0, max=65535, help="The port; 0: any.")] = 8000,
    data: Annotated[Path, typer.Option(help="The folder that keeps everything.")] = Path("var"),
    as_json: JSONFlag = False,
) -> None:
    """Start server, simulated carrier and sample data; print where to look.

    Example: consentry demo --port 0
    """
    from consentry.cli.demo import run_demo  # noqa: PLC0415 - the server's modules are heavy

    try:
        run_fast(run_demo(port=port, data=data, as_json=as_json))
    except OSError as error:
        fail(f"cannot start on port {port}: {error.strerror}. Try --port 0.", code=1)
