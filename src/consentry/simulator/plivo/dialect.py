"""How Plivo writes and signs: forms, numbers without their plus, the third version's signature.

It blocks a pair of numbers, and takes a text to somebody who opted out: a report refuses it.
"""

from datetime import datetime

from consentry.simulator.carrier import build_uuid
from consentry.simulator.dialect import Arrival, Dialect, Letter, Stamp
from consentry.simulator.profiles import PLIVO_KEYWORDS
from consentry.simulator.values import Account, KeywordAction, Message, Service
from consentry.wire.gsm7 import count_segments
from consentry.wire.plivo import (
    MAIN_ACCOUNT_SIGNATURE_HEADER,
    NONCE_HEADER,
    SIGNATURE_HEADER,
    plivo_signature,
)
from consentry.wire.twilio_form import MessageStatus
from consentry.wire.webhook_address import parse_webhook_address

STATUSES = {
    MessageStatus.QUEUED: "queued",
    MessageStatus.SENT: "sent",
    MessageStatus.DELIVERED: "delivered",
    MessageStatus.UNDELIVERED: "undelivered",
    MessageStatus.FAILED: "failed",
    MessageStatus.RECEIVED: "received",
}
_INTENTS = {
    KeywordAction.OPT_OUT: "optout",
    KeywordAction.OPT_IN: "optin",
    KeywordAction.HELP: "help",
}
# Opted out; refused by the network; unknown; filtered; handset off; no reason.
_CODES = {21610: 200, 30004: 100, 30005: 70, 30007: 30, 30003: 80, 30008: 1000}


def write_number(number: str) -> str:
    """Write a number as Plivo does."""
    return number.removeprefix("+")


def write_time(at: datetime) -> str:
    """Write a time as Plivo does, in UTC."""
    return at.strftime("%Y-%m-%d %H:%M:%S.%f")


def _make_id(_has_media: bool) -> str:
    return build_uuid()


def _find_group(_account: Account) -> Service | None:
    return None


def _write_inbound(arrival: Arrival) -> Letter:
    text, reading = arrival.text, arrival.reading
    pairs = [
        ("From", write_number(text.phone)),
        ("MessageIntent", "" if reading is None else _INTENTS[reading.action]),
        ("MessageUUID", text.sid or ""),
        ("PowerpackUUID", ""),
        ("To", write_number(arrival.sender.number)),
        ("TotalAmount", "0"),
        ("TotalRate", "0"),
        ("Units", str(max(1, count_segments(text.body).segments))),
    ]
    if not text.media:
        return Letter([*pairs, ("Text", text.body), ("Type", "sms")])
    pictures = [(f"Media{n}", media.url) for n, media in enumerate(text.media)]
    count = ("MediaCount", str(len(text.media)))
    return Letter([*pairs, ("Body", text.body), ("Type", "mms"), count, *pictures])


def _write_report(message: Message) -> Letter | None:
    resource = message.resource
    status = STATUSES.get(resource.status)
    if status is None:
        return None
    code = "" if resource.error_code is None else str(resource.error_code)
    return Letter(
        [
            ("ErrorCode", "000" if resource.status is MessageStatus.DELIVERED else code),
            ("From", write_number(resource.from_number or "")),
            ("MessageTime", write_time(resource.date_created)),
            ("MessageUUID", resource.sid),
            ("ParentMessageUUID", resource.sid),
            ("PartInfo", "1 of 1"),
            ("Status", status),
            ("To", write_number(resource.to_number)),
            ("Type", "mms" if resource.num_media else "sms"),
            ("Units", str(resource.num_segments)),
        ]
    )


def _sign(account: Account, url: str, letter: Letter, stamp: Stamp) -> dict[str, str]:
    signature = plivo_signature(account.token, url, letter.pairs, stamp.token)
    return {
        "User-Agent": "PlivoAPIClient",
        SIGNATURE_HEADER: signature,
        MAIN_ACCOUNT_SIGNATURE_HEADER: signature,
        NONCE_HEADER: stamp.token,
    }


PLIVO_DIALECT = Dialect(
    name="plivo",
    keywords=PLIVO_KEYWORDS,
    refuses_at_once=False,
    codes=_CODES,
    make_id=_make_id,
    find_group=_find_group,
    write_inbound=_write_inbound,
    write_report=_write_report,
    sign=_sign,
    read_address=parse_webhook_address,
)
