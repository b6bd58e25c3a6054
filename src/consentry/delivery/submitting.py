"""One text to its carrier: whatever goes wrong, there is one of four answers."""

import asyncio
import logging
from typing import Final

from consentry.delivery.fence import ClaimFence
from consentry.domain.directory import Directory
from consentry.domain.messages import Message
from consentry.ports import (
    Carrier,
    CarrierBook,
    CarrierRefusal,
    OutboundText,
    Submission,
    Unanswered,
    Withheld,
)

_FIND_SECONDS: Final = 1.0
_logger = logging.getLogger(__name__)


def write_text(message: Message, directory: Directory) -> OutboundText:
    """Write a message as the text that a carrier is given."""
    sender = directory.senders.get(message.sender)
    return OutboundText(
        message=message.id,
        recipient=message.recipient,
        sender=message.sender,
        body=message.body,
        media=message.media,
        messaging_service_sid=None if sender is None else sender.messaging_service_sid,
    )


def without_carrier(message: Message) -> CarrierRefusal:
    """Say that the account that should carry this is not set up."""
    return CarrierRefusal(
        permanent=True,
        opted_out=False,
        code="carrier_missing",
        text=(
            f"Sender {message.sender} is carried by account {message.carrier!r}, which is not set "
            "up. Add that account, or set another one for the sender, and send the text again."
        ),
    )


async def submit_text(
    text: OutboundText, message: Message, book: CarrierBook, fence: ClaimFence
) -> Submission:
    """Find the carrier and hand the text over, once; bounded in time, and it never raises."""
    try:
        async with asyncio.timeout(_FIND_SECONDS):
            carrier = await book.find(message.carrier or "")
    except Exception as error:  # noqa: BLE001 - nothing was sent, so it may be tried again
        _logger.warning("carrier_not_found", extra={"why": repr(error)})
        return CarrierRefusal(
            permanent=False,
            opted_out=False,
            code="carrier_unavailable",
            text=f"The carrier account {message.carrier!r} could not be looked up: {error}",
        )
    if carrier is None:
        _logger.error("carrier_missing", extra={"sender": message.sender})
        return without_carrier(message)
    if not fence.is_open:
        return Withheld("It was claimed too long ago to be handed over.")
    return await _hand_over(carrier, text, fence)


async def _hand_over(carrier: Carrier, text: OutboundText, fence: ClaimFence) -> Submission:
    seconds = fence.seconds_left
    try:
        async with asyncio.timeout(seconds):
            return await carrier.submit(text, fence)
    except TimeoutError:
        return Unanswered(f"The carrier did not answer within {seconds:.1f} seconds.")
    except Exception as error:
        # A fault in a carrier's code is no reason to send a text twice, or to stop all others.
        _logger.exception("submission_failed")
        return Unanswered(f"The text was being handed over when this went wrong: {error!r}")
