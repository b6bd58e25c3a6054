"""How Telnyx writes and signs: events in JSON, under Ed25519, three times within two seconds each.

An account's sid is the id of a messaging profile, in which all its numbers are and share their
blocks; its token is the API key, and the key that webhooks are signed with is made from it.
"""

from hashlib import sha256

import msgspec

from consentry.simulator.carrier import build_uuid
from consentry.simulator.dialect import Arrival, Dialect, Letter, Stamp
from consentry.simulator.profiles import TELNYX_KEYWORDS
from consentry.simulator.values import Account, KeywordAction, Message, Service
from consentry.wire.telnyx import (
    FINALIZED,
    RECEIVED,
    SENT,
    SIGNATURE_HEADER,
    TIMESTAMP_HEADER,
    TelnyxError,
    TelnyxMedia,
    TelnyxMessage,
    TelnyxParty,
    render_telnyx_event,
    sign_telnyx,
)
from consentry.wire.twilio_form import MessageStatus
from consentry.wire.webhook_address import RetryCause, WebhookAddress, parse_webhook_address

ATTEMPTS = 3
READ_TIMEOUT_MS = 2_000
BLOCKED = 40300
STATUSES = {
    MessageStatus.QUEUED: "queued",
    MessageStatus.SENDING: "sending",
    MessageStatus.SENT: "sent",
    MessageStatus.DELIVERED: "delivered",
    MessageStatus.UNDELIVERED: "delivery_failed",
    MessageStatus.FAILED: "sending_failed",
    MessageStatus.RECEIVED: "webhook_delivered",
}
_AUTORESPONSES = {
    KeywordAction.OPT_OUT: "STOP",
    KeywordAction.OPT_IN: "START",
    KeywordAction.HELP: "HELP",
}
# Opted out; refused by the network; unknown; filtered; handset off; no reason.
_CODES = {21610: BLOCKED, 30004: 40004, 30005: 40001, 30007: 40002, 30003: 40006, 30008: 40008}


def make_private_key(account: Account) -> bytes:
    """Make the key that an account's webhooks are signed with."""
    return sha256(f"simulated webhook key of {account.token}".encode()).digest()


def show_message(message: Message) -> TelnyxMessage:
    """Write a message as it stands in an answer and in a report."""
    resource = message.resource
    code = resource.error_code
    return TelnyxMessage(
        id=resource.sid,
        from_=TelnyxParty(resource.from_number or "", carrier="Telnyx", line_type="Wireless"),
        to=[TelnyxParty(resource.to_number, STATUSES.get(resource.status, "queued"))],
        direction="outbound",
        type="MMS" if resource.num_media else "SMS",
        text=resource.body,
        media=[],
        messaging_profile_id=resource.account_sid,
        received_at=resource.date_created.isoformat(),
        sent_at=None if resource.date_sent is None else resource.date_sent.isoformat(),
        completed_at=resource.date_updated.isoformat(),
        errors=[] if code is None else [TelnyxError(str(code), "Not delivered")],
        webhook_url=message.status_callback,
    )


def _make_id(_has_media: bool) -> str:
    return build_uuid()


def _find_group(account: Account) -> Service:
    return Service(account.sid)


def _write_inbound(arrival: Arrival) -> Letter:
    text, reading = arrival.text, arrival.reading
    at = text.at.isoformat()
    message = TelnyxMessage(
        id=text.sid or "",
        from_=TelnyxParty(text.phone, carrier="T-Mobile USA", line_type="Wireless"),
        to=[TelnyxParty(arrival.sender.number, "webhook_delivered", carrier="Telnyx")],
        direction="inbound",
        type="MMS" if text.media else "SMS",
        text=text.body,
        media=[TelnyxMedia(media.url, media.content_type) for media in text.media],
        messaging_profile_id=arrival.account.sid,
        received_at=at,
        errors=[],
        autoresponse_type=None if reading is None else _AUTORESPONSES[reading.action],
    )
    return Letter(
        json=render_telnyx_event(RECEIVED, message, event_id=build_uuid(), occurred_at=at)
    )


def _write_report(message: Message) -> Letter | None:
    resource = message.resource
    if resource.status in {MessageStatus.SENT, MessageStatus.DELIVERED, MessageStatus.UNDELIVERED}:
        kind = SENT if resource.status is MessageStatus.SENT else FINALIZED
    elif resource.status is MessageStatus.FAILED:
        kind = FINALIZED
    else:
        return None
    at = resource.date_updated.isoformat()
    shown = show_message(message)
    return Letter(json=render_telnyx_event(kind, shown, event_id=build_uuid(), occurred_at=at))


def _sign(account: Account, _url: str, letter: Letter, stamp: Stamp) -> dict[str, str]:
    timestamp = str(int(stamp.at.timestamp()))
    body = (letter.json or "").encode()
    return {
        "User-Agent": "telnyx-webhooks",
        TIMESTAMP_HEADER: timestamp,
        SIGNATURE_HEADER: sign_telnyx(make_private_key(account), timestamp=timestamp, body=body),
    }


def _read_address(url: str) -> WebhookAddress:
    return msgspec.structs.replace(
        parse_webhook_address(url),
        retry_count=ATTEMPTS - 1,
        retry_causes=frozenset(RetryCause),
        read_timeout_ms=READ_TIMEOUT_MS,
    )


TELNYX_DIALECT = Dialect(
    name="telnyx",
    keywords=TELNYX_KEYWORDS,
    refuses_at_once=True,
    codes=_CODES,
    make_id=_make_id,
    find_group=_find_group,
    write_inbound=_write_inbound,
    write_report=_write_report,
    sign=_sign,
    read_address=_read_address,
)
