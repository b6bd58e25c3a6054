"""The connection that is kept to an SMSC: bound anew whenever it ends, with growing pauses."""

import asyncio
import logging
import secrets
import ssl
from collections.abc import Callable
from typing import Final
from urllib.parse import urlsplit

import msgspec

from consentry.carriers.shared.way_out import WayOutError
from consentry.carriers.smpp.inbound import Inbox, InboxOptions
from consentry.carriers.smpp.session import Heard, Session, SessionLimits
from consentry.ports import Carrier, CarrierEvent, CarrierUnreachable, Intake, StoreUnavailable
from consentry.wire.smpp.pdu import PDU, Command, Status
from consentry.wire.smpp.requests import Bind, encode_bind

PORT: Final = 2775
TLS_PORT: Final = 3550
_WRONG_ACCOUNT: Final = frozenset(
    {Status.INVALID_PASSWORD, Status.INVALID_SYSTEM_ID, Status.BIND_FAILED}
)
_logger = logging.getLogger(__name__)


class LinkOptions(msgspec.Struct, frozen=True):
    """Where an SMSC is and how to bind there; pauses grow from the first to the longest.

    After a bind that was refused because of the account the pause is the longest at once: many
    vendors lock accounts that go on trying.
    """

    url: str
    bind: Bind
    limits: SessionLimits
    inbox: InboxOptions
    pause_seconds: float = 1.0
    pause_seconds_max: float = 60.0
    settled_seconds: float = 10.0


class BindRefused(Exception):
    """The SMSC did not let us in; str() says why. `is_account`: it is no passing trouble."""

    def __init__(self, why: str, *, is_account: bool) -> None:
        """Say why."""
        super().__init__(why)
        self.is_account = is_account


def _roll() -> float:
    return secrets.randbelow(1001) / 1000


class SMPPLink:
    """Implements `ports.CarrierLink` for one account; texts go out by the bound session."""

    def __init__(
        self, carrier: Carrier, options: LinkOptions, roll: Callable[[], float] = _roll
    ) -> None:
        """Build it; nothing connects before `keep`. `roll` gives chance between 0 and 1."""
        self._carrier = carrier
        self._options = options
        self._roll = roll
        self._bound: Session | None = None
        self._is_bound = asyncio.Event()
        self._intake: Intake | None = None
        self._telling: set[asyncio.Task[None]] = set()

    async def keep(self, intake: Intake) -> None:
        """Keep a connection and take what comes by it, until cancelled; then take leave."""
        self._intake = intake
        inbox = Inbox(self._carrier, intake, self._options.inbox)
        pause = self._options.pause_seconds
        try:
            while True:
                pause = await self._keep_once(inbox, pause)
                await asyncio.sleep(pause * (0.5 + self._roll() / 2))
                pause = min(pause * 2, self._options.pause_seconds_max)
        finally:
            await inbox.close(self._options.limits.close_seconds)

    async def wait_bound(self, seconds: float) -> Session | None:
        """Give the bound session; None where there is none within that time."""
        try:
            async with asyncio.timeout(seconds):
                await self._is_bound.wait()
        except TimeoutError:
            return None
        return self._bound

    def tell(self, event: CarrierEvent) -> None:
        """Hand in what is learnt of a text beside its answer; nothing depends on its arrival."""
        task = asyncio.create_task(self._hand_in(event))
        self._telling.add(task)
        task.add_done_callback(self._telling.discard)

    async def _hand_in(self, event: CarrierEvent) -> None:
        if self._intake is None:
            return
        try:
            await self._intake.take(self._carrier, (event,))
        except StoreUnavailable as error:
            _logger.warning("smpp_late_answer_lost", extra={"why": str(error)})

    async def probe(self) -> None:
        """Bind once as a transmitter and take leave; raises `CarrierUnreachable`."""
        try:
            session = await self._connect(_ignore)
            running = asyncio.create_task(session.run())
            try:
                await self._bind(session, Command.BIND_TRANSMITTER)
            finally:
                await _leave(session, running)
        except (OSError, TimeoutError, ValueError, BindRefused) as error:
            why = str(error) or "it does not answer."
            raise CarrierUnreachable(f"The SMSC at {self._options.url}: {why}") from error

    # --- One connection ---------------------------------------------------------------------

    async def _keep_once(self, inbox: Inbox, pause: float) -> float:
        """Connect, bind and stay until it ends; give the pause before the next."""
        began = asyncio.get_running_loop().time()
        try:
            await self._stay(inbox)
        except BindRefused as error:
            told = {"carrier": self._carrier.id, "why": str(error)}
            _logger.warning("smpp_bind_refused", extra=told)
            return self._options.pause_seconds_max if error.is_account else pause
        except (OSError, TimeoutError, ValueError) as error:
            told = {"carrier": self._carrier.id, "why": str(error) or type(error).__name__}
            _logger.warning("smpp_not_connected", extra=told)
            return pause
        lasted = asyncio.get_running_loop().time() - began
        return self._options.pause_seconds if lasted >= self._options.settled_seconds else pause

    async def _stay(self, inbox: Inbox) -> None:
        session = await self._connect(inbox.hear)
        running = asyncio.create_task(session.run())
        try:
            await self._bind(session, Command.BIND_TRANSCEIVER)
            self._bound = session
            self._is_bound.set()
            _logger.info("smpp_bound", extra={"carrier": self._carrier.id})
            await asyncio.wait({running})
            _logger.warning(
                "smpp_ended", extra={"carrier": self._carrier.id, "why": session.end_reason}
            )
        except asyncio.CancelledError:
            # What has come is taken and answered before leave is taken.
            await inbox.close(self._options.limits.close_seconds)
            raise
        finally:
            self._is_bound.clear()
            self._bound = None
            await _leave(session, running)

    async def _connect(self, on_heard: Heard) -> Session:
        """Connect; raises OSError, TimeoutError, and ValueError where the address is none."""
        parts = urlsplit(self._options.url)
        if parts.scheme not in ("smpp", "smpps") or not parts.hostname:
            raise ValueError("The address must be smpp://host:port or smpps://host:port.")
        context = None
        if parts.scheme == "smpps":
            context = await asyncio.to_thread(ssl.create_default_context)
        async with asyncio.timeout(self._options.limits.connect_seconds):
            streams = await asyncio.open_connection(
                parts.hostname, parts.port or (TLS_PORT if context else PORT), ssl=context
            )
        return Session(streams, self._options.limits, on_heard)

    async def _bind(self, session: Session, command: Command) -> None:
        """Bind; raises `BindRefused`."""
        try:
            answer = await session.ask(command, encode_bind(self._options.bind))
        except (WayOutError, ValueError) as error:
            raise BindRefused(str(error), is_account=isinstance(error, ValueError)) from error
        if answer.status != Status.OK or answer.command != command | Command.GENERIC_NACK:
            raise BindRefused(
                f"The SMSC refused to bind (0x{answer.status:08X}). Check system id, password and "
                "how many binds the vendor allows.",
                is_account=answer.status in _WRONG_ACCOUNT,
            )


async def _leave(session: Session, running: "asyncio.Task[None]") -> None:
    await session.close()
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


def _ignore(session: Session, pdu: PDU) -> None:
    """Hear nothing: who only looks whether it can bind leaves texts to those who stay."""
    session.answer(pdu.answer(Status.TEMPORARY_FAILURE))
