"""A TCP proxy that can drop its connections, or stall: nothing is said, and nothing is closed."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress


class StallingProxy:
    """Passes bytes on to a port of loopback; it runs in a thread of its own."""

    def __init__(self, target: int) -> None:
        """Pass on to this port; `running` starts it."""
        self._target = target
        self._loop = asyncio.new_event_loop()
        self._flowing = asyncio.Event()
        self._writers: set[asyncio.StreamWriter] = set()
        self._server: asyncio.Server | None = None

    @property
    def port(self) -> int:
        """Where it listens."""
        assert self._server is not None
        return int(self._server.sockets[0].getsockname()[1])

    def stall(self) -> None:
        """Pass nothing on from now on, in no direction; new connections are taken, and stall."""
        self._ask(self._hold())

    async def _hold(self) -> None:
        self._flowing.clear()

    def flow(self) -> None:
        """Pass on again, first what was held back."""
        self._loop.call_soon_threadsafe(self._flowing.set)

    def cut(self) -> None:
        """Close every connection as it is."""
        self._loop.call_soon_threadsafe(self._cut)

    def _cut(self) -> None:
        for writer in self._writers:
            writer.transport.abort()

    @contextmanager
    def running(self) -> Iterator[None]:
        """Run until the end."""
        thread = threading.Thread(target=self._loop.run_forever, name="proxy", daemon=True)
        thread.start()
        self._ask(self._start())
        try:
            yield
        finally:
            self._ask(self._close())
            self._loop.call_soon_threadsafe(self._loop.stop)
            thread.join()
            self._loop.close()

    def _ask(self, work: "asyncio._CoroutineLike[None]") -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result(60)

    async def _start(self) -> None:
        self._flowing.set()
        self._server = await asyncio.start_server(self._take, "127.0.0.1", 0)

    async def _close(self) -> None:
        assert self._server is not None
        self._server.close()
        self._flowing.set()
        self._cut()
        await asyncio.gather(*asyncio.all_tasks() - {asyncio.current_task()})

    async def _take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            await self._flowing.wait()
            away, back = await asyncio.open_connection("127.0.0.1", self._target)
            await asyncio.gather(
                self._pass_on(reader, back, writer), self._pass_on(away, writer, back)
            )
        writer.transport.abort()

    async def _pass_on(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        other: asyncio.StreamWriter,
    ) -> None:
        """Pass on until one end is closed; then both are."""
        self._writers.add(writer)
        try:
            with suppress(OSError):
                while data := await reader.read(65536):
                    await self._flowing.wait()
                    writer.write(data)
                    await writer.drain()
        finally:
            self._writers.discard(writer)
            writer.transport.abort()
            other.transport.abort()
