"""How AWS tells: SNS posts an envelope, signed with a certificate of this simulator's own.

An account's sid is the ARN of its topic; its token is the secret access key, and the key's id is
made from it. All numbers of an account share one opt-out list.
"""

import json
from datetime import UTC, datetime, timedelta
from functools import cache
from hashlib import sha256

import msgspec

from consentry.simulator.aws.keywords import AWS_KEYWORDS
from consentry.simulator.carrier import build_sid, build_uuid
from consentry.simulator.dialect import Arrival, Dialect, Letter, Stamp
from consentry.simulator.values import Account, Message, Service
from consentry.wire.sns import Envelope, parse_envelope, render_envelope, sign_envelope
from consentry.wire.twilio_form import MessageStatus
from consentry.wire.webhook_address import RetryCause, WebhookAddress, parse_webhook_address

OPT_OUT_LIST = "Default"
# SNS gives an address 15 seconds, and tells again three times.
ATTEMPTS = 4
READ_TIMEOUT_MS = 15_000
_EVENTS = {
    MessageStatus.QUEUED: "TEXT_QUEUED",
    MessageStatus.SENT: "TEXT_SUCCESSFUL",
    MessageStatus.DELIVERED: "TEXT_DELIVERED",
}
_FAILURES = {
    21610: "TEXT_BLOCKED",
    30003: "TEXT_UNREACHABLE",
    30004: "TEXT_CARRIER_BLOCKED",
    30005: "TEXT_INVALID",
    30007: "TEXT_SPAM",
}


class Signer(msgspec.Struct, frozen=True):
    """What SNS signs with: the private key, the certificate, and the path where that is."""

    private_key: bytes
    certificate: bytes
    path: str


@cache
def make_signer() -> Signer:
    """Make the key of this process."""
    # Imported here, because no other simulated carrier needs it.
    from cryptography import x509  # noqa: PLC0415
    from cryptography.hazmat.primitives import hashes, serialization  # noqa: PLC0415
    from cryptography.hazmat.primitives.asymmetric import rsa  # noqa: PLC0415
    from cryptography.x509.oid import NameOID  # noqa: PLC0415

    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "sns.amazonaws.com")])
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name)
    builder = builder.public_key(key.public_key()).serial_number(x509.random_serial_number())
    builder = builder.not_valid_before(datetime(2020, 1, 1, tzinfo=UTC))
    builder = builder.not_valid_after(datetime(2020, 1, 1, tzinfo=UTC) + timedelta(days=36_500))
    certificate = builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    mark = sha256(certificate).hexdigest()[:32]
    return Signer(private, certificate, f"/SimpleNotificationService-{mark}.pem")


def make_key_id(account: Account) -> str:
    """Make the id of an account's access key."""
    return f"AKIA{sha256(account.token.encode()).hexdigest()[:16].upper()}"


def wrap(topic: str, message: str, *, at: datetime, kind: str = "Notification") -> Envelope:
    """Put a message into an envelope, not yet signed; by SHA-256 where its id says so.

    Both versions of the signature are used in turn: a topic has one, but who reads must know both.
    """
    message_id = build_sid("")
    return Envelope(
        type=kind,
        message_id=message_id,
        topic_arn=topic,
        message=message,
        timestamp=at.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        signature_version="2" if message_id[0] in "01234567" else "1",
        signature="",
        signing_cert_url="",
    )


def _make_id(_has_media: bool) -> str:
    return build_uuid()


def _find_group(_account: Account) -> Service:
    return Service(OPT_OUT_LIST)


def _write_inbound(arrival: Arrival) -> Letter:
    text, reading = arrival.text, arrival.reading
    nobodys = f"KEYWORD_{sha256(arrival.account.sid.encode()).hexdigest()[:12].upper()}"
    message = {
        "originationNumber": text.phone,
        "destinationNumber": arrival.sender.number,
        "messageKeyword": nobodys if reading is None else reading.word.upper(),
        "messageBody": text.body,
        "inboundMessageId": text.sid,
    }
    envelope = wrap(arrival.account.sid, json.dumps(message), at=text.at)
    return Letter(json=render_envelope(envelope).decode())


def _write_report(message: Message) -> Letter | None:
    resource = message.resource
    event_type = _EVENTS.get(resource.status)
    if resource.status in {MessageStatus.FAILED, MessageStatus.UNDELIVERED}:
        event_type = _FAILURES.get(resource.error_code or 0, "TEXT_CARRIER_UNREACHABLE")
    if event_type is None:
        return None
    event = {
        "eventType": event_type,
        "eventVersion": "1.0",
        "eventTimestamp": int(resource.date_updated.timestamp() * 1000),
        "isFinal": resource.status not in _EVENTS or resource.status is MessageStatus.DELIVERED,
        "originationPhoneNumber": resource.from_number,
        "destinationPhoneNumber": resource.to_number,
        "messageId": resource.sid,
        "messageStatus": event_type.removeprefix("TEXT_"),
        "context": message.context,
        "totalMessageParts": resource.num_segments,
    }
    envelope = wrap(resource.account_sid, json.dumps(event), at=resource.date_updated)
    return Letter(json=render_envelope(envelope).decode())


def _seal(letter: Letter, stamp: Stamp) -> Letter:
    """Sign the envelope: where the certificate is, is known only when it is posted."""
    signer = make_signer()
    envelope = parse_envelope((letter.json or "").encode())
    named = msgspec.structs.replace(envelope, signing_cert_url=stamp.home + signer.path)
    signed = sign_envelope(named, signer.private_key)
    return Letter(json=render_envelope(signed).decode())


def _sign(account: Account, _url: str, letter: Letter, _stamp: Stamp) -> dict[str, str]:
    envelope = parse_envelope((letter.json or "").encode())
    return {
        "User-Agent": "Amazon Simple Notification Service Agent",
        "Content-Type": "text/plain; charset=UTF-8",
        "x-amz-sns-message-type": envelope.type,
        "x-amz-sns-message-id": envelope.message_id,
        "x-amz-sns-topic-arn": account.sid,
    }


def _read_address(url: str) -> WebhookAddress:
    return msgspec.structs.replace(
        parse_webhook_address(url),
        retry_count=ATTEMPTS - 1,
        # SNS takes 4xx for a refusal, and does not tell that again.
        retry_causes=frozenset(RetryCause) - {RetryCause.CLIENT_ERROR},
        read_timeout_ms=READ_TIMEOUT_MS,
    )


AWS_DIALECT = Dialect(
    name="aws",
    keywords=AWS_KEYWORDS,
    refuses_at_once=True,
    codes={},
    make_id=_make_id,
    find_group=_find_group,
    write_inbound=_write_inbound,
    write_report=_write_report,
    sign=_sign,
    read_address=_read_address,
    seal=_seal,
)
