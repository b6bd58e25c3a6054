"""One connection to an SMSC: requests go out in a window, and what comes in is passed on.

Whatever goes wrong with a request is one of three things (`shared.way_out`): nothing was sent,
the fence was closed, or no answer came. Reading never waits for what was read to be dealt with,
because the answer to a text of ours comes by the same connection as the STOP that waits for it.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Final

import msgspec

from consentry.carriers.shared.way_out import FenceClosed, NoAnswer, NothingSent, WayOutError
from consentry.ports import Fence
from consentry.wire.smpp.pdu import (
    PDU,
    SEQUENCE_MAX,
    Command,
    FrameError,
    FrameReader,
    Status,
    encode_pdu,
)

_READ_BYTES: Final = 65_536
_UNREAD_BYTES_MAX: Final = 1_048_576
_LATE_MAX: Final = 1_000
_logger = logging.getLogger(__name__)


class SessionLimits(msgspec.Struct, frozen=True):
    """Bounds of a connection.

    `window` is how many texts may wait for their answers, and `window_seconds` how long one waits
    for a place among them: short enough that the parts of a long one go out before it is too
    late. `write_seconds` is how long one waits for the connection to take it. With both of them
    a text is written, or surely not, well before the delivery stops waiting; `answer_seconds`
    is a little less than that.
    """

    window: int = 10
    connect_seconds: float = 10.0
    answer_seconds: float = 9.0
    window_seconds: float = 3.0
    write_seconds: float = 2.0
    enquire_seconds: float = 30.0
    close_seconds: float = 2.0


Heard = Callable[["Session", PDU], None]
"""Who is given each text and receipt that comes in; must return at once."""

Late = Callable[[PDU], None]
"""Who is given an answer that came after it was waited for."""


class Session:
    """A connection, from when it is made to its end."""

    def __init__(
        self,
        streams: tuple[asyncio.StreamReader, asyncio.StreamWriter],
        limits: SessionLimits,
        on_heard: Heard,
    ) -> None:
        """Talk over these streams; nothing is read before `run`."""
        self._reader, self._writer = streams
        # What cannot be written at once is waited for, so that the fence is asked after it.
        self._writer.transport.set_write_buffer_limits(high=0)
        self._limits = limits
        self._on_heard = on_heard
        self._frames = FrameReader()
        self._asked: dict[int, asyncio.Future[PDU]] = {}
        self._late: dict[int, Late] = {}
        self._window = asyncio.Semaphore(limits.window)
        self._writing = asyncio.Lock()
        self._sequence = 0
        self._ended = asyncio.Event()
        self.end_reason: str | None = None

    @property
    def is_over(self) -> bool:
        """Tell whether nothing can be sent or heard by it any more."""
        return self.end_reason is not None

    # --- Reading ----------------------------------------------------------------------------

    async def run(self) -> None:
        """Read until it ends, whatever ends it; then nobody waits for an answer any more."""
        reading = asyncio.create_task(self._read())
        others = [asyncio.create_task(self._watch()), asyncio.create_task(self._ended.wait())]
        try:
            await asyncio.wait({reading, *others}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (reading, *others):
                task.cancel()
            ended = await asyncio.gather(reading, *others, return_exceptions=True)
            for fault in [one for one in ended if isinstance(one, Exception)]:
                # Whatever it is, a new session begins without it.
                _logger.error("smpp_session_failed", exc_info=fault)
            self._end("The SMSC closed the connection.")

    async def _read(self) -> None:
        try:
            while octets := await self._reader.read(_READ_BYTES):
                for pdu in self._frames.read(octets):
                    self._take(pdu)
                # A length that cannot be is told only when the frames before it were taken.
                for pdu in self._frames.read(b""):
                    self._take(pdu)
        except FrameError as error:
            _logger.warning("smpp_frame_unreadable", extra={"why": str(error)})
            self._write(PDU(Command.GENERIC_NACK, 0, Status.INVALID_COMMAND_LENGTH))
            self._end("What came over the connection cannot be read.")
        except OSError as error:
            self._end(f"The connection broke: {error}.")

    def _take(self, pdu: PDU) -> None:
        if pdu.is_response:
            self._take_answer(pdu)
            return
        match pdu.command:
            case Command.DELIVER_SM | Command.DATA_SM:
                self._on_heard(self, pdu)
            case Command.ENQUIRE_LINK:
                self._write(pdu.answer())
            case Command.UNBIND:
                self._write(pdu.answer())
                self._end("The SMSC ended the session.")
            case Command.ALERT_NOTIFICATION | Command.OUTBIND:
                # Neither asks for an answer, and neither says anything that is needed here.
                pass
            case _:
                self._write(PDU(Command.GENERIC_NACK, pdu.sequence, Status.INVALID_COMMAND_ID))

    def _take_answer(self, pdu: PDU) -> None:
        asked = self._asked.get(pdu.sequence)
        if asked is not None:
            if not asked.done():
                asked.set_result(pdu)
            return
        late = self._late.pop(pdu.sequence, None)
        if late is not None:
            late(pdu)

    async def _watch(self) -> None:
        """Ask now and then whether the other side is there, and end where it is not."""
        while not self.is_over:
            await asyncio.sleep(self._limits.enquire_seconds)
            try:
                await self.ask(Command.ENQUIRE_LINK)
            except WayOutError:
                self._end("The SMSC does not answer any more.")
                self._writer.transport.abort()

    # --- Writing ----------------------------------------------------------------------------

    def answer(self, pdu: PDU) -> bool:
        """Answer a request; tell whether the connection was there to do it."""
        return self._write(pdu)

    async def ask(self, command: Command, body: bytes = b"") -> PDU:
        """Make a request that is no text; raises `NothingSent`, `NoAnswer`."""
        return await self._request(command, body, None, None)

    @asynccontextmanager
    async def place(self) -> AsyncIterator[None]:
        """Have a place in the window for a text; raises `FenceClosed` where none gets free.

        Nothing is wrong then, and nothing was sent: the text waits in line again.
        """
        try:
            async with asyncio.timeout(self._limits.window_seconds):
                await self._window.acquire()
        except TimeoutError:
            raise FenceClosed("Too many texts wait for the SMSC's answers.") from None
        try:
            yield
        finally:
            self._window.release()

    async def submit(self, body: bytes, fence: Fence, on_late: Late) -> PDU:
        """Hand over a text, or a part of one, once, while the fence is open; needs a place.

        `on_late` hears the answer that comes too late. Raises `NothingSent`, `FenceClosed`,
        `NoAnswer`.
        """
        return await self._request(Command.SUBMIT_SM, body, fence, on_late)

    async def _request(
        self, command: Command, body: bytes, fence: Fence | None, on_late: Late | None
    ) -> PDU:
        sequence = await self._write_request(command, body, fence)
        answered = self._asked[sequence]
        try:
            async with asyncio.timeout(self._limits.answer_seconds):
                return await answered
        except TimeoutError:
            self._wait_on(sequence, on_late)
            raise NoAnswer("The SMSC did not answer in time.") from None
        except asyncio.CancelledError:
            self._wait_on(sequence, on_late)
            raise
        finally:
            del self._asked[sequence]

    def _wait_on(self, sequence: int, on_late: Late | None) -> None:
        if on_late is not None and not self.is_over:
            self._late[sequence] = on_late
            if len(self._late) > _LATE_MAX:
                del self._late[next(iter(self._late))]

    async def _write_request(self, command: Command, body: bytes, fence: Fence | None) -> int:
        """Write a request when all before it has gone out, and give its number."""
        try:
            async with asyncio.timeout(self._limits.write_seconds), self._writing:
                await self._writer.drain()
                if self.end_reason is not None:
                    raise NothingSent(self.end_reason)
                if fence is not None and not fence.is_open:
                    raise FenceClosed("It was too late when it was its turn.")
                self._sequence = self._sequence % SEQUENCE_MAX + 1
                self._asked[self._sequence] = asyncio.get_running_loop().create_future()
                self._writer.write(encode_pdu(PDU(command, self._sequence, body=body)))
                return self._sequence
        except TimeoutError:
            raise NothingSent("The SMSC takes nothing at the moment.") from None
        except OSError as error:
            raise NothingSent(f"The connection broke: {error}.") from error

    def _write(self, pdu: PDU) -> bool:
        if self.is_over:
            return False
        self._writer.write(encode_pdu(pdu))
        if self._writer.transport.get_write_buffer_size() > _UNREAD_BYTES_MAX:
            self._end("The SMSC reads nothing any more.")
            self._writer.transport.abort()
        return True

    # --- Its end ----------------------------------------------------------------------------

    async def close(self) -> None:
        """Take leave, for a bounded time, and close the connection."""
        if not self.is_over:
            await self._try_to(self.ask(Command.UNBIND))
            self._end("The session was ended here.")
        self._writer.close()
        if not await self._try_to(self._writer.wait_closed()):
            self._writer.transport.abort()

    async def _try_to(self, work: Coroutine[None, None, object]) -> bool:
        """Do what belongs to the end, for a bounded time; tell whether it was done.

        A link ends by being cancelled, and within what is cancelled the time limits of Python
        3.11.2 end in CancelledError: the connection would be left open. So it has its own task.
        """
        task = asyncio.create_task(work)
        await asyncio.wait({task}, timeout=self._limits.close_seconds)
        task.cancel()
        [outcome] = await asyncio.gather(task, return_exceptions=True)
        return not isinstance(outcome, BaseException)

    def _end(self, reason: str) -> None:
        """Note why it ended, and let go of whoever waits: what was written may have arrived."""
        if self.end_reason is not None:
            return
        self.end_reason = reason
        self._late.clear()
        self._ended.set()
        for asked in self._asked.values():
            if not asked.done():
                asked.set_exception(NoAnswer(reason))
                # Nobody may be left who waits for it.
                asked.exception()
