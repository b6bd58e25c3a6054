"""`serve --workers N`: a parent that binds the port, starts the workers, and keeps them running.

Each worker has a socket of its own on the one port, and the system spreads connections over them.
The parent holds all of them: what comes in while a worker is started again waits for it.
"""

import asyncio
import logging
import signal
import socket
import sys
from collections.abc import Callable
from contextlib import suppress
from tempfile import TemporaryDirectory
from typing import Final

import msgspec

from consentry.bootstrap import (
    address_of,
    make_identity,
)
from consentry.cli.output import shows_link, tell_address
from consentry.cli.worker import READY, WorkerConfig
from consentry.hosting import bind
from consentry.opening import find_admin, make_sign_in_link, read_secret_key
from consentry.opening import open_store as open_database
from consentry.settings import Settings

_LIVED_SECONDS: Final = 10.0
_PAUSE_SECONDS: Final = 0.1
_PAUSE_SECONDS_MAX: Final = 10.0
_FAILURES_KEPT_WAITING: Final = 2
_KILL_SECONDS: Final = 5.0

_log = logging.getLogger(__name__)


async def run_workers(settings: Settings, count: int, *, as_json: bool) -> int:
    """Run until a signal comes and all have ended; return the exit code. Raises OSError."""
    read_secret_key(settings)
    with bind(settings.host, settings.port) as probe:
        # Sockets that share a port would share it with another server too, so it is asked first.
        port = probe.getsockname()[1]
        url = address_of(settings, probe)
    slots = [_Slot(settings, port) for _ in range(count)]
    link = await _prepare(settings, url, makes_link=shows_link(as_json=as_json))
    with TemporaryDirectory(prefix="consentry-") as folder:
        workers = Workers(settings, slots, tallies_folder=folder)
        return await workers.run(lambda: tell_address(url, link, as_json=as_json))


async def _prepare(settings: Settings, url: str, *, makes_link: bool) -> str | None:
    """Bring the tables up to date, once; make a link for the first admin if it is wanted."""
    store = open_database(settings)
    try:
        if not makes_link:
            return None
        return await make_sign_in_link(store, await find_admin(store), settings, url)
    finally:
        await store.close()


class _Slot:
    """The place of one worker, and its socket."""

    def __init__(self, settings: Settings, port: int) -> None:
        self._where = settings.host, port
        self.listener = self._bind()
        self.process: asyncio.subprocess.Process | None = None
        self.failures = 0

    def _bind(self) -> socket.socket:
        return bind(*self._where, is_shared=True)

    def make_ready(self) -> socket.socket:
        """Give the socket, bound anew where it was let go of."""
        if self.listener.fileno() < 0:
            self.listener = self._bind()
        return self.listener

    def note_end(self, lived_seconds: float) -> float:
        """Take note that the worker ended; say how long to wait before the next one.

        Where it fails again and again its socket is let go of, so that nobody waits there.
        """
        self.failures = 0 if lived_seconds > _LIVED_SECONDS else self.failures + 1
        if self.failures >= _FAILURES_KEPT_WAITING:
            self.listener.close()
        return min(_PAUSE_SECONDS * 2.0**self.failures, _PAUSE_SECONDS_MAX)


class Workers:
    """Keeps a worker in each slot."""

    def __init__(self, settings: Settings, slots: list[_Slot], *, tallies_folder: str) -> None:
        """Build it; nothing is started before `run`. The folder is where they share tallies."""
        self._settings = settings
        self._tallies_folder = tallies_folder
        self._slots = slots
        self._stopping = asyncio.Event()
        self._waiting = len(slots)
        self._on_ready: Callable[[], None] = lambda: None
        self._exit_code = 0

    async def run(self, on_ready: Callable[[], None]) -> int:
        """Run until a signal comes; `on_ready` is called once, when all answer."""
        self._on_ready = on_ready
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._begin_stop)
        kept = [asyncio.create_task(self._keep(slot)) for slot in self._slots]
        await self._stopping.wait()
        patience = self._settings.shutdown_grace_seconds + _KILL_SECONDS
        _, late = await asyncio.wait(kept, timeout=patience)
        if late:
            self._signal(signal.SIGKILL)
        await asyncio.gather(*kept)
        return self._exit_code

    def _begin_stop(self) -> None:
        """Take on nothing new, and tell the workers to end."""
        self._stopping.set()
        for slot in self._slots:
            slot.listener.close()
        self._signal(signal.SIGTERM)

    def _signal(self, number: signal.Signals) -> None:
        for slot in self._slots:
            if slot.process is not None:
                with suppress(ProcessLookupError):
                    slot.process.send_signal(number)

    async def _keep(self, slot: _Slot) -> None:
        """Start a worker, and another one whenever it ends."""
        loop = asyncio.get_running_loop()
        while not self._stopping.is_set():
            began = loop.time()
            code = await self._run_one(slot)
            if self._stopping.is_set():
                # One that was told to end before it could hear it ends by the signal itself.
                self._exit_code = self._exit_code or int(code not in {0, -signal.SIGTERM})
                return
            if self._waiting > 0:
                # It never answered, so neither would the next one: what it said is on stderr.
                self._exit_code = 1
                self._begin_stop()
                return
            wait_seconds = slot.note_end(loop.time() - began)
            _log.error("worker_ended", extra={"exit_code": code, "again_in": wait_seconds})
            with suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), wait_seconds)

    async def _run_one(self, slot: _Slot) -> int:
        """Run one worker to its end, and return its exit code."""
        listener = slot.make_ready()
        identity = make_identity(self._settings)
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "consentry", "serve", "--worker-from-stdin"),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            pass_fds=(listener.fileno(),),
            # A terminal's Ctrl-C is for us alone: we pass it on, once.
            start_new_session=True,
        )
        slot.process = process
        if self._stopping.is_set():
            process.terminate()
        config = WorkerConfig(listener.fileno(), identity, self._tallies_folder)
        with suppress(ConnectionError):
            await self._tell(process, config)
        try:
            return await process.wait()
        finally:
            slot.process = None

    async def _tell(self, process: asyncio.subprocess.Process, config: WorkerConfig) -> None:
        """Tell a worker what it is to do, and wait until it answers. Its input stays open."""
        if process.stdin is None or process.stdout is None:
            raise ConnectionError
        process.stdin.write(msgspec.json.encode(config) + b"\n")
        await process.stdin.drain()
        if await process.stdout.readline() != READY:
            return
        self._waiting -= 1
        if self._waiting == 0:
            self._on_ready()
