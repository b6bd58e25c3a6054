"""What an SMSC delivers: a text, a part of one, or a receipt; each durable before it is answered.

The answer has status 0 only when the intake has made it durable, and waited for what an opt-out
forbids. Where that fails, it is a temporary error, so that the SMSC delivers it again.
"""

import asyncio
import logging
import secrets
from collections.abc import Callable, Coroutine
from typing import Final
from weakref import WeakValueDictionary

import msgspec

from consentry.carriers.smpp.errors import Codes
from consentry.carriers.smpp.numbers import UnreadableNumber, read_own, read_person
from consentry.carriers.smpp.reassembly import WAIT_SECONDS, Group, Pair, Reassembly
from consentry.carriers.smpp.session import Session
from consentry.domain.keywords import read_legal
from consentry.domain.messages import MessageStatus
from consentry.domain.reading import LegalMeaning, Tier
from consentry.ports import (
    Carrier,
    CarrierEvent,
    InboundText,
    Intake,
    StatusReport,
    StoreUnavailable,
)
from consentry.wire.smpp.pdu import PDU, BodyError, Command, Status
from consentry.wire.smpp.receipts import State, claims_receipt, read_receipt
from consentry.wire.smpp.requests import (
    ShortMessage,
    decode_data_message,
    decode_short_message,
    encode_message_id,
)
from consentry.wire.smpp.texts import Default, Part, read_text

AT_ONCE_MAX: Final = 500
HOLD_SECONDS: Final = 1.0
"""How long the answer to a part waits for the rest, so that all are durable before any answer."""

SETTLED_SECONDS: Final = 5.0
"""How long a connection lives on after an answer that has surely arrived."""

_KEPT_MAX: Final = 1_000
_RETRY_SECONDS: Final = 1.0
_OPT_OUTS: Final = frozenset({LegalMeaning.OPT_OUT, LegalMeaning.WRONG_NUMBER})
_STATES: Final = {
    State.SCHEDULED: MessageStatus.SENT,
    State.EN_ROUTE: MessageStatus.SENT,
    State.ACCEPTED: MessageStatus.SENT,
    State.UNKNOWN: MessageStatus.SENT,
    State.DELIVERED: MessageStatus.DELIVERED,
    State.EXPIRED: MessageStatus.UNDELIVERED,
    State.DELETED: MessageStatus.UNDELIVERED,
    State.UNDELIVERABLE: MessageStatus.UNDELIVERED,
    State.SKIPPED: MessageStatus.UNDELIVERED,
    State.REJECTED: MessageStatus.FAILED,
    State.FAILED: MessageStatus.FAILED,
}
_FAILURES: Final = frozenset({MessageStatus.UNDELIVERED, MessageStatus.FAILED})
_logger = logging.getLogger(__name__)


class InboxOptions(msgspec.Struct, frozen=True):
    """How an account's SMSC writes things.

    `name_message` gives an id of a receipt the form that ids of answers have here.
    """

    country_code: str
    default: Default
    codes: Codes
    name_message: Callable[[str], str]
    wait_seconds: float = WAIT_SECONDS
    hold_seconds: float = HOLD_SECONDS
    retry_seconds: float = _RETRY_SECONDS
    settled_seconds: float = SETTLED_SECONDS


class Inbox:
    """Takes what is delivered, for one account, over all its connections."""

    def __init__(self, carrier: Carrier, intake: Intake, options: InboxOptions) -> None:
        """Hand everything to this intake, in the name of this carrier."""
        self._carrier = carrier
        self._intake = intake
        self._options = options
        self._tasks: set[asyncio.Task[None]] = set()
        self._turns: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        self._names = _Names(options.settled_seconds)
        self._reassembly = Reassembly(self._take_rest, options.wait_seconds)

    def hear(self, session: Session, pdu: PDU) -> None:
        """Begin to take a deliver_sm or data_sm; it is answered when that is done."""
        if len(self._tasks) >= AT_ONCE_MAX:
            session.answer(pdu.answer(Status.TEMPORARY_FAILURE))
            return
        self._start(self._take(session, pdu))

    async def close(self, seconds: float) -> None:
        """Take what is there of texts that are not whole, and end, for a bounded time."""
        self._reassembly.give_up_all()
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=seconds)
        left = list(self._tasks)
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)

    def _start(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    # --- One delivery -----------------------------------------------------------------------

    async def _take(self, session: Session, pdu: PDU) -> None:
        status = await self._take_safely(session, pdu)
        session.answer(pdu.answer(status, encode_message_id("")))

    async def _take_safely(self, session: Session, pdu: PDU) -> Status:
        """Take a delivery, and give the status to answer it with."""
        is_data = pdu.command == Command.DATA_SM
        try:
            message = decode_data_message(pdu.body) if is_data else decode_short_message(pdu.body)
        except BodyError as error:
            _logger.warning("smpp_delivery_unreadable", extra={"why": str(error)})
            return Status.INVALID_COMMAND_LENGTH
        try:
            if claims_receipt(message):
                return await self._take_receipt(message)
            return await self._take_message(message, session)
        except UnreadableNumber as error:
            _logger.warning("smpp_number_unreadable", extra={"why": str(error)})
        except StoreUnavailable as error:
            _logger.warning("smpp_not_taken", extra={"why": str(error)})
        except Exception:
            # Whatever it is, the text must come again: it may be an opt-out.
            _logger.exception("smpp_not_taken")
        return Status.TEMPORARY_FAILURE

    async def _hand_in(self, recipient: str, event: CarrierEvent) -> None:
        """Make an event durable; those of one person in the order in which they came."""
        turn = self._turns.get(recipient)
        if turn is None:
            turn = self._turns[recipient] = asyncio.Lock()
        async with turn:
            taken = await self._intake.take(self._carrier, (event,))
        for sender in taken.unknown_senders:
            _logger.warning(
                "sender_not_set_up",
                extra={"sender": sender, "advice": "The text is kept. Add the sender."},
            )

    # --- Receipts ---------------------------------------------------------------------------

    async def _take_receipt(self, message: ShortMessage) -> Status:
        receipt = read_receipt(message)
        recipient = read_person(message.source, self._options.country_code)
        if receipt is None or recipient is None:
            return await self._take_false_receipt(message, recipient)
        status = MessageStatus.SENT if receipt.state is None else _STATES[receipt.state]
        failed = status in _FAILURES
        error = receipt.error or (receipt.state.name if receipt.state else None)
        report = StatusReport(
            carrier_message_id=self._options.name_message(receipt.message_id),
            recipient=recipient,
            sender=read_own(message.destination, self._options.country_code),
            status=status,
            error_code=error if failed else None,
            opted_out=failed and self._options.codes.is_opted_out(receipt.error),
        )
        await self._hand_in(recipient, report)
        return Status.OK

    async def _take_false_receipt(self, message: ShortMessage, recipient: str | None) -> Status:
        """Look for an opt-out in what calls itself a receipt and is none; else nothing is in it.

        As an ordinary text it would count as somebody's first text, and so as their consent.
        """
        body, _ = read_text(message, self._options.default)
        if recipient is not None and _opts_out(body):
            await self._take_text((recipient, self._read_own(message)), body, None)
        else:
            _logger.error("smpp_receipt_unreadable", extra={"advice": "Which vendor writes it so?"})
        return Status.OK

    # --- Texts ------------------------------------------------------------------------------

    def _read_own(self, message: ShortMessage) -> str:
        return read_own(message.destination, self._options.country_code)

    async def _take_message(self, message: ShortMessage, session: Session) -> Status:
        recipient = read_person(message.source, self._options.country_code)
        if recipient is None:
            _logger.info("smpp_text_of_nobody", extra={"ton": message.source.ton})
            return Status.OK
        body, part = read_text(message, self._options.default)
        pair = (recipient, self._read_own(message))
        if part is None:
            await self._take_text(pair, body, session)
        else:
            await self._take_part(pair, part, body)
        return Status.OK

    async def _take_text(self, pair: Pair, body: str, session: Session | None) -> None:
        name = self._names.name(pair, body, session)
        await self._hand_in(pair[0], InboundText(name, pair[0], pair[1], body))
        if session is not None:
            self._names.settle(pair, body, session)

    async def _take_part(self, pair: Pair, part: Part, body: str) -> None:
        """Take the text when it is whole. Its parts wait for that a moment with their answers.

        An SMSC that sends the next part only after the answer gets it when that moment is over;
        an opt-out in what has come so far is durable before any answer.
        """
        group = self._reassembly.add(pair, part, body)
        if group.is_whole:
            try:
                await self._take_text(pair, group.text, None)
            except BaseException:
                # The SMSC will deliver this part again; the others it has been told are taken.
                group.parts.pop(part.number, None)
                raise
            self._reassembly.remove(pair, part)
            group.whole.set()
            return
        opt_out = None if group.is_opt_out_taken else _find_opt_out(group.beginning, body)
        if opt_out is not None:
            await self._take_text(pair, opt_out, None)
            group.is_opt_out_taken = True
            return
        try:
            async with asyncio.timeout(self._options.hold_seconds):
                await group.whole.wait()
        except TimeoutError:
            return

    def _take_rest(self, group: Group) -> None:
        """Take a text of which parts are missing, however long that takes: they were answered."""
        if group.parts:
            self._start(self._take_until_durable(group))

    async def _take_until_durable(self, group: Group) -> None:
        _logger.warning("smpp_parts_missing", extra={"parts": len(group.parts)})
        while True:
            try:
                await self._take_text(group.pair, group.text, None)
            except StoreUnavailable:
                await asyncio.sleep(self._options.retry_seconds)
            else:
                group.whole.set()
                return


class _Names:
    """Names texts, because SMPP has no ids for what comes in.

    What was not surely answered when its connection ended is delivered again, and has the same
    name then, so that it is known. An opt-out is never taken for a repeat.
    """

    def __init__(self, settled_seconds: float) -> None:
        self._settled_seconds = settled_seconds
        self._given: dict[tuple[Pair, str], tuple[str, Session]] = {}

    def name(self, pair: Pair, body: str, session: Session | None) -> str:
        name = f"smpp-{secrets.token_hex(12)}"
        if session is None or _opts_out(body):
            return name
        given = self._given.pop((pair, body), None)
        if given is not None and given[1] is not session and given[1].is_over:
            name = given[0]
        self._given[(pair, body)] = (name, session)
        if len(self._given) > _KEPT_MAX:
            del self._given[next(iter(self._given))]
        return name

    def settle(self, pair: Pair, body: str, session: Session) -> None:
        """Forget a text whose answer has surely arrived: its connection went on living."""
        loop = asyncio.get_running_loop()
        loop.call_later(self._settled_seconds, self._forget, (pair, body), session)

    def _forget(self, key: tuple[Pair, str], session: Session) -> None:
        given = self._given.get(key)
        if given is not None and given[1] is session and not session.is_over:
            del self._given[key]


def _opts_out(body: str) -> bool:
    return read_legal(body).meaning in _OPT_OUTS


def _find_opt_out(beginning: str, part: str) -> str | None:
    """Find an opt-out in what has come of a text: in its beginning, or in the newest part alone.

    In a part alone it must be a phrase: a lone word may be the end of somebody's sentence.
    """
    if _opts_out(beginning):
        return beginning
    read = read_legal(part)
    return part if read.meaning in _OPT_OUTS and read.tier is Tier.PHRASE else None
