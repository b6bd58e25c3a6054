"""An SMSC on loopback that does what a test says, frame by frame, by our own codec."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

from consentry.wire.smpp.pdu import PDU, Command, FrameReader, encode_pdu
from consentry.wire.smpp.requests import (
    Address,
    ShortMessage,
    decode_short_message,
    encode_message_id,
    encode_short_message,
)

PERSON, OURS = Address("12125550142", 1, 1), Address("14155550100", 1, 1)
WAIT_SECONDS = 60.0

Answer = Callable[[PDU], PDU | None]
"""What is answered to a request; None: nothing."""


def accept(pdu: PDU) -> PDU | None:
    """Take every text, under its frame's number, and everything else that is asked."""
    if pdu.command == Command.SUBMIT_SM:
        return pdu.answer(body=encode_message_id(f"M{pdu.sequence}"))
    if pdu.command in (Command.BIND_TRANSCEIVER, Command.BIND_TRANSMITTER):
        return pdu.answer(body=b"scripted\0")
    return pdu.answer()


@dataclass
class ScriptedSMSC:
    """One connection at a time; `answer` may be changed at any time."""

    answer: Answer = accept
    port: int = 0
    seen: list[PDU] = field(default_factory=list)
    connections: int = 0
    ended: int = 0
    _changed: asyncio.Condition = field(default_factory=asyncio.Condition)
    _writer: asyncio.StreamWriter | None = None
    _asked: dict[int, "asyncio.Future[PDU]"] = field(default_factory=dict)
    _sequence: int = 0

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"smpp://127.0.0.1:{self.port}"

    def texts(self) -> list[ShortMessage]:
        """The texts that were handed over, refused ones too."""
        return [decode_short_message(p.body) for p in self.seen if p.command == Command.SUBMIT_SM]

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection to its end."""
        self._writer, frames = writer, FrameReader()
        self.connections += 1
        with suppress(ConnectionError):
            while octets := await reader.read(65536):
                for pdu in frames.read(octets):
                    self._take(pdu)
                async with self._changed:
                    self._changed.notify_all()
        writer.close()
        self.ended += 1
        async with self._changed:
            self._changed.notify_all()

    def _take(self, pdu: PDU) -> None:
        self.seen.append(pdu)
        if pdu.is_response:
            asked = self._asked.pop(pdu.sequence, None)
            if asked is not None:
                asked.set_result(pdu)
        elif (answer := self.answer(pdu)) is not None:
            self.write(answer)

    def write(self, pdu: PDU) -> None:
        """Write a frame, whatever it is."""
        self.write_octets(encode_pdu(pdu))

    def write_octets(self, octets: bytes) -> None:
        """Write octets that may be no frame at all."""
        assert self._writer is not None
        self._writer.write(octets)

    def drop(self) -> None:
        """Cut the connection."""
        assert self._writer is not None
        self._writer.transport.abort()

    def pause(self) -> None:
        """Read nothing any more."""
        assert self._writer is not None
        transport = self._writer.transport
        assert isinstance(transport, asyncio.ReadTransport)
        transport.pause_reading()

    async def ask(self, command: Command, body: bytes = b"") -> PDU:
        """Ask something of the other side, and give its answer."""
        self._sequence += 1
        asked = self._asked[self._sequence] = asyncio.get_running_loop().create_future()
        self.write(PDU(command, self._sequence, body=body))
        async with asyncio.timeout(WAIT_SECONDS):
            return await asked

    async def deliver(self, body: bytes, **more: object) -> PDU:
        """Deliver a person's text; `more` are fields of `ShortMessage`."""
        fields = {"source": PERSON, "destination": OURS, "message": body, **more}
        message = ShortMessage(**fields)  # type: ignore[arg-type]
        return await self.ask(Command.DELIVER_SM, encode_short_message(message))

    async def until(self, condition: Callable[[], object]) -> None:
        """Wait until something is so, looked at whenever a frame came or a connection ended."""
        async with asyncio.timeout(WAIT_SECONDS), self._changed:
            await self._changed.wait_for(condition)

    async def until_bound(self, times: int = 1) -> None:
        """Wait until it was bound so often."""
        await self.until(lambda: self.count(Command.BIND_TRANSCEIVER) >= times)

    def count(self, command: Command) -> int:
        """Count the frames of a kind."""
        return sum(pdu.command == command for pdu in self.seen)


@asynccontextmanager
async def scripted_smsc(
    answer: Answer = accept, tls: ssl.SSLContext | None = None
) -> AsyncIterator[ScriptedSMSC]:
    """Run it as long as the block."""
    smsc = ScriptedSMSC(answer)
    server = await asyncio.start_server(smsc.serve, "127.0.0.1", 0, ssl=tls)
    smsc.port = server.sockets[0].getsockname()[1]
    try:
        yield smsc
    finally:
        server.close()
        await server.wait_closed()
        writer = smsc._writer  # noqa: SLF001 - its own
        # Python 3.11.2 falls over where what has ended over TLS is ended once more.
        if writer is not None and not (tls and writer.transport.is_closing()):
            writer.transport.abort()
        await asyncio.sleep(0.01)
