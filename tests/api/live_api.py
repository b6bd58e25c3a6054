"""The API under a real server on loopback, in a thread of its own, with Twilio's signatures."""

import asyncio
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import uvicorn
from api_world import FakeBook, World, build_world

from consentry.api.app import build_api
from consentry.carriers.twilio.settings import build_twilio
from consentry.clock import SystemClock
from consentry.ports import CarrierAccount, Scope

TWILIO = CarrierAccount("fake", "twilio", "AC" + "1" * 32, "secret token", "http://127.0.0.1:1")
START_SECONDS_MAX = 60


@dataclass(frozen=True)
class Live:
    """A server that answers, and the world inside it."""

    url: str
    secrets: dict[Scope, str]
    world: World

    def headers(self, scope: Scope = Scope.ADMIN) -> dict[str, str]:
        """The header of a key with this scope."""
        return {"authorization": f"Bearer {self.secrets[scope]}"}


class _Running:
    """A server in a thread: started when `live` is set, stopped by `stop`."""

    def __init__(self, folder: Path) -> None:
        self.live: Live | None = None
        self._folder = folder
        self._ready = threading.Event()
        self._server: uvicorn.Server | None = None
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()), daemon=True)

    def start(self) -> Live:
        self._thread.start()
        assert self._ready.wait(START_SECONDS_MAX)
        assert self.live is not None
        return self.live

    def stop(self) -> None:
        assert self._server is not None
        self._server.should_exit = True
        self._thread.join(START_SECONDS_MAX)
        assert not self._thread.is_alive()

    async def _serve(self) -> None:
        # Named as TCP, or the event loop leaves each answer waiting for an acknowledgement.
        listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        listener.bind(("127.0.0.1", 0))
        listener.listen(128)
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        world = await build_world(self._folder, clock=SystemClock())
        carrier = build_twilio(TWILIO, url)
        services = replace(world.services, book=FakeBook({"fake": carrier}))
        config = uvicorn.Config(
            build_api(services), lifespan="on", log_level="error", access_log=False
        )
        self._server = uvicorn.Server(config)
        self.live = Live(url, world.secrets, world)
        self._ready.set()
        await self._server.serve(sockets=[listener])
        await carrier.close()
        await world.store.close()


@contextmanager
def running_api(folder: Path) -> Iterator[Live]:
    """Run the API on a new database until the block ends."""
    running = _Running(folder)
    try:
        yield running.start()
    finally:
        running.stop()
