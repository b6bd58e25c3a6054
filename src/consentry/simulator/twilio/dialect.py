"""How Twilio writes, signs and reads."""

from datetime import datetime
from functools import lru_cache
from hashlib import sha256

from consentry.simulator.carrier import build_sid
from consentry.simulator.dialect import Answer, Arrival, Dialect, Letter, Stamp
from consentry.simulator.profiles import TWILIO_KEYWORDS
from consentry.simulator.values import Account, KeywordAction, Message, Service
from consentry.wire.gsm7 import count_segments
from consentry.wire.signatures import (
    SIGNATURE_HEADER,
    SIGNATURE_SETTINGS_HEADER,
    HashAlgorithm,
    twilio_signature,
)
from consentry.wire.twilio_form import (
    InboundMessage,
    MessageStatus,
    OptOutType,
    StatusCallback,
    build_inbound_pairs,
    build_status_pairs,
)
from consentry.wire.twiml import TwimlError, parse_twiml
from consentry.wire.webhook_address import WebhookAddress, parse_webhook_address

IDEMPOTENCY_HEADER = "I-Twilio-Idempotency-Token"
_OPT_OUT_TYPES = {
    KeywordAction.OPT_OUT: OptOutType.STOP,
    KeywordAction.OPT_IN: OptOutType.START,
    KeywordAction.HELP: OptOutType.HELP,
}


def _make_id(has_media: bool) -> str:
    return build_sid("MM" if has_media else "SM")


def _find_group(_account: Account) -> Service | None:
    """A number is in a messaging service only where it was put into one."""
    return None


def _write_inbound(arrival: Arrival) -> Letter:
    text, service, reading = arrival.text, arrival.service, arrival.reading
    advanced = service is not None and service.advanced_opt_out is not None
    inbound = InboundMessage(
        message_sid=text.sid or "",
        account_sid=arrival.account.sid,
        from_number=text.phone,
        to_number=arrival.sender.number,
        body=text.body,
        messaging_service_sid=arrival.sender.messaging_service_sid,
        num_segments=max(1, count_segments(text.body).segments),
        media=text.media,
        opt_out_type=_OPT_OUT_TYPES[reading.action] if advanced and reading else None,
    )
    return Letter(build_inbound_pairs(inbound))


def _write_report(message: Message) -> Letter:
    resource = message.resource
    callback = StatusCallback(
        message_sid=resource.sid,
        status=resource.status,
        to_number=resource.to_number,
        from_number=resource.from_number,
        account_sid=resource.account_sid,
        messaging_service_sid=resource.messaging_service_sid,
        error_code=resource.error_code,
        error_message=resource.error_message,
        raw_dlr_done_at=_done_at(message),
    )
    return Letter(build_status_pairs(callback))


def _done_at(message: Message) -> datetime | None:
    # Only a report from the far carrier carries its own time.
    done = message.resource.status in {MessageStatus.DELIVERED, MessageStatus.UNDELIVERED}
    return message.resource.date_updated if done else None


def _sign(account: Account, url: str, letter: Letter, stamp: Stamp) -> dict[str, str]:
    algorithm = account.signature_algorithm
    headers = {
        "User-Agent": "TwilioProxy/1.1",
        IDEMPOTENCY_HEADER: stamp.token,
        SIGNATURE_HEADER: twilio_signature(account.token, url, letter.pairs, algorithm=algorithm),
    }
    if algorithm is not HashAlgorithm.HMAC_SHA1:
        key = sha256(account.token.encode()).hexdigest()[:32]
        headers[SIGNATURE_SETTINGS_HEADER] = f"key=webhooks_sharedkey_{key},algorithm={algorithm}"
    return headers


@lru_cache(maxsize=1024)
def _read_address(url: str) -> WebhookAddress:
    """Read a webhook's address once for all the times it is called."""
    return parse_webhook_address(url)


def _read_answer(answer: Answer) -> tuple[str, ...]:
    """Read which texts a webhook asks for; like Twilio, send nothing for what is not TwiML."""
    if answer.content_type == "text/plain":
        text = answer.body.decode("utf-8", "replace").strip()
        return (text,) if text else ()
    if answer.content_type not in {"application/xml", "text/xml", "text/html"}:
        return ()
    try:
        return parse_twiml(answer.body)
    except TwimlError:
        return ()


TWILIO_DIALECT = Dialect(
    name="twilio",
    keywords=TWILIO_KEYWORDS,
    refuses_at_once=True,
    codes={},
    make_id=_make_id,
    find_group=_find_group,
    write_inbound=_write_inbound,
    write_report=_write_report,
    sign=_sign,
    read_address=_read_address,
    read_answer=_read_answer,
)
