"""Sending by submit_sm: a text in its parts, one after the other, and what the answers mean.

The first part decides: refused, nothing has gone out. When it was taken, the text is on its way,
and nothing of it may be sent again. So a later part that is refused for the moment is tried again
right here, for as long as the fence is open; what cannot be finished is a failure for good, never
something to send anew. A part without an answer leaves the text unanswered, and no further part
goes out (docs/decisions/0026-smpp.md).
"""

import asyncio
import secrets
from collections.abc import Callable
from datetime import datetime
from itertools import count
from typing import Final, Never

import msgspec

from consentry.carriers.shared.way_out import FenceClosed, NoAnswer, NothingSent
from consentry.carriers.smpp.errors import Codes
from consentry.carriers.smpp.link import SMPPLink
from consentry.carriers.smpp.numbers import write_recipient, write_sender
from consentry.carriers.smpp.session import Session
from consentry.domain.messages import MessageStatus
from consentry.ports import (
    Accepted,
    CarrierRefusal,
    Fence,
    NoList,
    OutboundText,
    StatusReport,
    Submission,
    Unanswered,
    Withheld,
)
from consentry.wire.smpp.pdu import PDU, Command, Status
from consentry.wire.smpp.requests import ShortMessage, decode_message_id, encode_short_message
from consentry.wire.smpp.texts import Default, encode_text

BIND_SECONDS: Final = 2.0
"""How long a text waits for a session that is being bound."""

_RECEIPT: Final = 1
_REFERENCES: Final = 256
_PASSING: Final = frozenset({Status.THROTTLED, Status.MESSAGE_QUEUE_FULL})


class SubmitOptions(msgspec.Struct, frozen=True):
    """How an account's texts are written; `name_message` gives an id of an answer its form."""

    codes: Codes
    default: Default
    short_code: tuple[int, int]
    name_message: Callable[[str], str]
    service_type: str = ""
    bind_seconds: float = BIND_SECONDS
    throttle_seconds: float = 1.0


class _Part(msgspec.Struct, frozen=True):
    """A submit_sm's body, and of what text; the last one's answer is the text's."""

    body: bytes
    text: OutboundText
    is_last: bool


class Submitter:
    """Hands texts over by a link's session."""

    def __init__(self, link: SMPPLink, options: SubmitOptions) -> None:
        """Use whatever session is bound when a text is handed over."""
        self._link = link
        self._options = options
        self._references = count(secrets.randbelow(_REFERENCES))
        self._held_until = 0.0

    async def submit(self, text: OutboundText, fence: Fence) -> Submission:
        """Hand one text over, once, in as many parts as it takes."""
        if text.media:
            return _refuse_here("media_not_carried", "SMPP carries no pictures; send a link.")
        try:
            bodies = self._write(text)
        except ValueError as error:
            return _refuse_here("not_sendable", str(error))
        session = await self._link.wait_bound(self._options.bind_seconds)
        if session is None:
            return _refuse_now("unreachable", "No session is bound at the SMSC.")
        parts = [_Part(body, text, body is bodies[-1]) for body in bodies]
        try:
            async with session.place():
                return await self._send_all(session, parts, fence)
        except FenceClosed as error:
            return Withheld(str(error))

    async def _send_all(self, session: Session, parts: list[_Part], fence: Fence) -> Submission:
        answer = await self._send(session, parts[0], fence)
        for sent, part in enumerate(parts[1:], start=1):
            if not isinstance(answer, Accepted):
                return answer
            answer = await self._send_on(session, part, fence)
            if isinstance(answer, CarrierRefusal | Withheld):
                return _tell_broken_off(answer, sent, len(parts))
        return answer

    async def find(
        self, text: OutboundText, *, since: datetime, known: frozenset[str] = frozenset()
    ) -> Never:
        """There is no list: raises `NoList`."""
        del text, since, known
        raise NoList("SMPP has no list of texts: only a receipt can tell.")

    def _write(self, text: OutboundText) -> list[bytes]:
        """Write the bodies. The last asks for a receipt: it is the one whose id is kept."""
        encoded = encode_text(text.body, next(self._references), self._options.default)
        last = len(encoded.parts) - 1
        return [
            encode_short_message(
                ShortMessage(
                    source=write_sender(text.sender, self._options.short_code),
                    destination=write_recipient(text.recipient),
                    message=part,
                    esm_class=encoded.esm_class,
                    data_coding=encoded.data_coding,
                    registered_delivery=_RECEIPT if at == last else 0,
                    service_type=self._options.service_type,
                )
            )
            for at, part in enumerate(encoded.parts)
        ]

    async def _send_on(self, session: Session, part: _Part, fence: Fence) -> Submission:
        """Send a later part; where the SMSC is only too busy for it, again until it is too late."""
        passing = {self._options.codes.refuse(status).code for status in _PASSING}
        while True:
            answer = await self._send(session, part, fence)
            if not isinstance(answer, CarrierRefusal) or answer.code not in passing:
                return answer
            if not fence.is_open:
                return answer

    async def _send(self, session: Session, part: _Part, fence: Fence) -> Submission:
        """Send one part, once."""
        await self._wait_while_throttled()

        def hear_late(pdu: PDU) -> None:
            is_taken = pdu.status == Status.OK and pdu.command == Command.SUBMIT_SM_RESP
            if part.is_last and is_taken:
                self._tell_late(part.text, pdu)

        try:
            pdu = await session.submit(part.body, fence, hear_late)
        except FenceClosed as error:
            return Withheld(str(error))
        except NothingSent as error:
            return _refuse_now("unreachable", str(error))
        except NoAnswer as error:
            return Unanswered(str(error))
        return self._read(pdu, part.text)

    async def _wait_while_throttled(self) -> None:
        wait_seconds = self._held_until - asyncio.get_running_loop().time()
        if wait_seconds > 0:
            await asyncio.sleep(wait_seconds)

    def _read(self, pdu: PDU, text: OutboundText) -> Submission:
        if pdu.status in _PASSING:
            now = asyncio.get_running_loop().time()
            self._held_until = now + self._options.throttle_seconds
        if pdu.status != Status.OK:
            return self._options.codes.refuse(pdu.status)
        if pdu.command != Command.SUBMIT_SM_RESP:
            return Unanswered("The SMSC answered with something else than was asked.")
        return Accepted(self._name(pdu, text))

    def _name(self, pdu: PDU, text: OutboundText) -> str:
        """Read the id; a text that was taken without one is named here, so that it has one."""
        named = decode_message_id(pdu.body)
        return self._options.name_message(named) if named else f"unnamed-{text.message}"

    def _tell_late(self, text: OutboundText, pdu: PDU) -> None:
        """Say that a text went out after all, whose answer was not waited for any more."""
        self._link.tell(
            StatusReport(
                carrier_message_id=self._name(pdu, text),
                recipient=text.recipient,
                sender=text.sender,
                status=MessageStatus.SENT,
                message=text.message,
            )
        )


def _refuse_here(code: str, why: str) -> CarrierRefusal:
    return CarrierRefusal(permanent=True, opted_out=False, code=code, text=why)


def _refuse_now(code: str, why: str) -> CarrierRefusal:
    return CarrierRefusal(permanent=False, opted_out=False, code=code, text=why)


def _tell_broken_off(answer: CarrierRefusal | Withheld, sent: int, total: int) -> CarrierRefusal:
    """Say that only the beginning of a text went out: it must not be sent again."""
    refusal = answer if isinstance(answer, CarrierRefusal) else _refuse_now("too_late", answer.text)
    return msgspec.structs.replace(
        refusal,
        permanent=True,
        text=f"{sent} of {total} parts were taken, so it is not sent again. {refusal.text}",
    )
