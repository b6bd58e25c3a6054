"""The simulator as a program: one Starlette application, served by uvicorn."""

import asyncio
import socket
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from http import HTTPStatus
from pathlib import Path

import uvicorn
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from consentry.clock import SystemClock
from consentry.simulator.carrier import Carrier
from consentry.simulator.control_api import build_control_routes
from consentry.simulator.delivery import wait_for_schedule
from consentry.simulator.faults import Faults
from consentry.simulator.handset_api import build_handset_routes
from consentry.simulator.journal import open_books
from consentry.simulator.page_files import build_page_routes
from consentry.simulator.page_view import build_view_routes
from consentry.simulator.requests import BadRequestError, answer_problem
from consentry.simulator.speakers import SPEAKERS
from consentry.simulator.values import SimulatorConfig
from consentry.simulator.webhooks import Clock
from consentry.simulator.witness_api import build_witness_routes
from consentry.wire.twilio_form import MessageStatus

START_SECONDS_MAX = 10.0
SHUTDOWN_SECONDS_MAX = 2


class Simulator:
    """A carrier and its application, not yet served."""

    def __init__(self, config: SimulatorConfig, clock: Clock) -> None:
        """Open the books and build the application; raises JournalError."""
        if not config.accounts:
            raise ValueError("a simulator needs at least one account; add a sid and a token")
        if config.carrier not in SPEAKERS:
            raise ValueError(
                f"{config.carrier!r} is not simulated; there are: {', '.join(SPEAKERS)}"
            )
        self.speaker = SPEAKERS[config.carrier]
        path = None if config.state_file is None else Path(config.state_file)
        self.config = config
        self.on_ready: Callable[[], None] = lambda: None
        self.carrier = Carrier(
            config,
            self.speaker.dialect,
            clock=clock,
            books=open_books(path),
            faults=Faults(config.seed),
        )
        self.app = Starlette(
            routes=[
                *self.speaker.build_routes(self.carrier),
                *build_handset_routes(self.carrier),
                *build_control_routes(self.carrier),
                *build_witness_routes(self.carrier),
                *build_view_routes(self.carrier),
                *build_page_routes(),
            ],
            exception_handlers={HTTPException: self._answer_wrong_address},
            lifespan=self._live,
        )

    @asynccontextmanager
    async def _live(self, _app: Starlette) -> AsyncIterator[None]:
        carrier = self.carrier
        await carrier.webhooks.start()
        flushing = asyncio.create_task(carrier.books.journal.flush_forever())
        for message in list(carrier.state.messages.values()):
            if message.resource.status is MessageStatus.SCHEDULED:
                wait_for_schedule(carrier, message)
        self.on_ready()
        try:
            yield
        finally:
            flushing.cancel()
            await carrier.webhooks.close()
            carrier.books.journal.close()

    async def _answer_wrong_address(self, request: Request, error: Exception) -> Response:
        """Answer what no route takes, in the manner of the door it came to."""
        status = HTTPStatus(error.status_code if isinstance(error, HTTPException) else 500)
        path = request.url.path
        if path.startswith(self.speaker.root):
            return self.speaker.answer_wrong(status, path)
        detail = f"{request.method} {path} is not served here; the handsets are at /"
        return answer_problem(BadRequestError(status, status.name.lower(), detail))


def build_simulator(config: SimulatorConfig, clock: Clock | None = None) -> Simulator:
    """Build a simulator; its `.app` is an ASGI application. Raises JournalError, ValueError."""
    return Simulator(config, clock or SystemClock())


def run(config: SimulatorConfig, announce: Callable[[str], None]) -> None:
    """Serve until SIGINT or SIGTERM; `announce` gets the address once it answers."""
    simulator = build_simulator(config)
    _run_until_stopped(simulator, announce, _build_server(simulator))


@contextmanager
def running_simulator(config: SimulatorConfig, clock: Clock | None = None) -> Iterator[str]:
    """Serve in a thread of one's own, for tests; yields the address."""
    simulator = build_simulator(config, clock)
    server = _build_server(simulator)
    addresses: list[str] = []
    answering = threading.Event()

    def announce(address: str) -> None:
        addresses.append(address)
        answering.set()

    def serve() -> None:
        try:
            _run_until_stopped(simulator, announce, server)
        finally:
            answering.set()

    thread = threading.Thread(target=serve, name="simulator")
    thread.start()
    try:
        answering.wait(START_SECONDS_MAX)
        if not addresses:
            raise RuntimeError("the simulator did not start; its own error is above")
        yield addresses[0]
    finally:
        server.should_exit = True
        thread.join()


def _build_server(simulator: Simulator) -> uvicorn.Server:
    return uvicorn.Server(
        uvicorn.Config(
            simulator.app,
            log_level="warning",
            access_log=False,
            lifespan="on",
            timeout_graceful_shutdown=SHUTDOWN_SECONDS_MAX,
        )
    )


def _run_until_stopped(
    simulator: Simulator, announce: Callable[[str], None], server: uvicorn.Server
) -> None:
    # uvicorn knows the fastest event loop that is installed here.
    with asyncio.Runner(loop_factory=server.config.get_loop_factory()) as runner:
        runner.run(_serve(simulator, announce, server))


async def _serve(
    simulator: Simulator, announce: Callable[[str], None], server: uvicorn.Server
) -> None:
    listener = socket.create_server((simulator.config.host, simulator.config.port), backlog=2048)
    host, port = listener.getsockname()[:2]
    simulator.carrier.webhooks.home = f"http://{host}:{port}"
    # The socket takes connections from here on; who is told before the first is served may wait.
    simulator.on_ready = lambda: announce(f"http://{host}:{port}")
    await server.serve(sockets=[listener])
