"""AWS: what SNS posts, signed with a certificate of the tests' own, and sent texts.

AWS ships no verifier for Python, so the envelopes are signed here by `cryptography` alone, after
AWS's description; requests are compared with those of botocore in test_aws_outbound.py.
"""

import json
from base64 import b64encode
from datetime import UTC, datetime
from functools import cache
from hashlib import sha256
from typing import Any

import msgspec
from carrier_table import CarrierTable, Posted, Sent, json_body
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.x509.oid import NameOID

from consentry.carriers.aws.certificates import KNOWN
from consentry.carriers.aws.settings import AWS
from consentry.domain.messages import MessageStatus
from consentry.ports import (
    Accepted,
    CarrierAccount,
    CarrierRefusal,
    Handshake,
    InboundText,
    OutboundText,
    StatusReport,
    Unanswered,
    WebhookRequest,
)
from consentry.wire.sns import RSACertificate

TOPIC = "arn:aws:sns:us-east-1:123456789012:texts"
ACCOUNT = CarrierAccount(
    id="main",
    kind="aws",
    account=TOPIC,
    secret="",
    base_url="http://127.0.0.1:1",
    key_id="AKIDEXAMPLE",
    key_secret="fictitious-secret",
    more={"opt_in_keywords": "UNSTOP, start", "configuration_set": "texts"},
)
SENDER, PERSON = "+14155550100", "+12125550142"
SNS = "https://sns.us-east-1.amazonaws.com"
CERTIFICATE_URL = f"{SNS}/SimpleNotificationService-{'0' * 32}.pem"
FAST_URL = f"{SNS}/SimpleNotificationService-{'f' * 32}.pem"
ID = "862a8790-60c0-4430-9b2b-658bd0000001"
TIME = "2026-05-01T11:59:58.123Z"


@cache
def make_key(name: str) -> rsa.RSAPrivateKey:
    """Make a key once for each name."""
    del name
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def make_certificate(
    key: rsa.RSAPrivateKey,
    *,
    since: datetime = datetime(2026, 1, 1, tzinfo=UTC),
    until: datetime = datetime(2027, 1, 1, tzinfo=UTC),
) -> bytes:
    """Write a certificate for a key, as PEM."""
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "sns.amazonaws.com")])
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name)
    builder = builder.public_key(key.public_key()).serial_number(7)
    builder = builder.not_valid_before(since).not_valid_after(until)
    return builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)


class FastCertificate:
    """Stands for a certificate where 100,000 envelopes are signed: RSA would take a minute."""

    def is_valid_at(self, _moment: datetime) -> bool:
        """It is always valid."""
        return True

    def verifies(self, signature: bytes, signed: bytes, _hash_name: str) -> bool:
        """Compare with a plain hash."""
        return signature == sha256(signed).digest()


KNOWN.keep(CERTIFICATE_URL, RSACertificate(make_certificate(make_key("sns"))))
KNOWN.keep(FAST_URL, FastCertificate())

_NOTIFIED = ("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type")
_ASKED = ("Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type")


def sign_fields(fields: dict[str, Any], key: rsa.RSAPrivateKey, url: str) -> dict[str, Any]:
    """Sign as AWS's page says: names and values in order, a line each."""
    names = _NOTIFIED if fields.get("Type") == "Notification" else _ASKED
    text = "".join(f"{n}\n{fields[n]}\n" for n in names if fields.get(n) is not None)
    version = fields.get("SignatureVersion", "1")
    chosen = hashes.SHA256() if version == "2" else hashes.SHA1()  # noqa: S303 - AWS does
    signed = key.sign(text.encode("utf-8", "surrogatepass"), padding.PKCS1v15(), chosen)
    return {
        "SignatureVersion": version,
        **fields,
        "Signature": b64encode(signed).decode(),
        "SigningCertURL": url,
    }


def notification(message: object, **more: Any) -> dict[str, Any]:
    """Write what was published as an envelope, unsigned."""
    text = message if isinstance(message, str) else json.dumps(message)
    fields = {
        "Type": "Notification",
        "MessageId": "5f3c1d9e-0000-5000-8000-000000000001",
        "TopicArn": TOPIC,
        "Message": text,
        "Timestamp": TIME,
        "UnsubscribeURL": f"{SNS}/?Action=Unsubscribe",
    }
    return fields | more


def _sign(request: WebhookRequest, key_name: str = "sns") -> WebhookRequest:
    fields = json.loads(request.body)
    body = json_body(sign_fields(fields, make_key(key_name), CERTIFICATE_URL))
    return msgspec.structs.replace(request, body=body)


def _forge(request: WebhookRequest) -> WebhookRequest:
    return _sign(request, "another")


def _sign_fast(request: WebhookRequest) -> WebhookRequest:
    """Sign an envelope that is still one, else what it has become as the message in one."""
    try:
        fields = json.loads(request.body)
        fields = fields if isinstance(fields, dict) and "Type" in fields else None
    except (ValueError, RecursionError):
        fields = None
    if fields is None:
        fields = notification(request.body.decode("utf-8", "replace"))
    names = _NOTIFIED if fields.get("Type") == "Notification" else _ASKED
    text = "".join(f"{n}\n{fields[n]}\n" for n in names if fields.get(n) is not None)
    signature = b64encode(sha256(text.encode("utf-8", "surrogatepass")).digest()).decode()
    signed = {"SignatureVersion": "1", **fields, "Signature": signature, "SigningCertURL": FAST_URL}
    return msgspec.structs.replace(request, body=json.dumps(signed).encode())


def text_message(**changes: Any) -> dict[str, Any]:
    """A text of a person as AWS publishes it."""
    fields = {
        "originationNumber": PERSON,
        "destinationNumber": SENDER,
        "messageKeyword": "KEYWORD_123456789012",
        "messageBody": "Hi \U0001f44b",
        "inboundMessageId": ID,
        "previousPublishedMessageId": "abc",
    }
    return fields | changes


def event(event_type: str, **changes: Any) -> dict[str, Any]:
    """An event of a sent text as AWS publishes it."""
    fields = {
        "eventType": event_type,
        "eventVersion": "1.0",
        "eventTimestamp": 1777636798000,
        "isFinal": True,
        "originationPhoneNumber": SENDER,
        "destinationPhoneNumber": PERSON,
        "messageId": ID,
        "messageStatus": "SUCCESSFUL",
        "context": {"message": "msg_1", "sender": SENDER},
        "totalMessagePrice": 0.09582,
    }
    return fields | changes


_AT = datetime(2026, 5, 1, 11, 59, 58, 123000, tzinfo=UTC)


def _read(name: str, message: object, event: Any, **more: Any) -> Posted:
    return Posted(name, json_body(notification(message, **more)), events=(event,))


def _text(body: str, keyword: str | None, sender: str = SENDER) -> InboundText:
    return InboundText(ID, PERSON, sender, body, sent_at=_AT, opt_out_type=keyword)


def _became(event_type: str, status: MessageStatus, *, has_failed: bool = False) -> Posted:
    code = event_type if has_failed else None
    report = StatusReport(ID, PERSON, SENDER, status, error_code=code, message="msg_1")
    return _read(event_type, event(event_type), report)


_BECAME = {
    "TEXT_PENDING": MessageStatus.SENDING,
    "TEXT_QUEUED": MessageStatus.SENDING,
    "TEXT_SENT": MessageStatus.SENT,
    "TEXT_SUCCESSFUL": MessageStatus.SENT,
    "TEXT_UNKNOWN": MessageStatus.SENT,
    "TEXT_DELIVERED": MessageStatus.DELIVERED,
    "MEDIA_DELIVERED": MessageStatus.DELIVERED,
    "RCS_READ": MessageStatus.READ,
    "RCS_FALLEN_BACK_TO_SMS": MessageStatus.SENDING,
}
_FAILED = {
    "TEXT_INVALID": MessageStatus.FAILED,
    "TEXT_INVALID_MESSAGE": MessageStatus.FAILED,
    "TEXT_UNREACHABLE": MessageStatus.UNDELIVERED,
    "TEXT_CARRIER_UNREACHABLE": MessageStatus.UNDELIVERED,
    "TEXT_BLOCKED": MessageStatus.UNDELIVERED,
    "TEXT_CARRIER_BLOCKED": MessageStatus.UNDELIVERED,
    "TEXT_SPAM": MessageStatus.UNDELIVERED,
    "TEXT_TTL_EXPIRED": MessageStatus.UNDELIVERED,
    "TEXT_PROTECT_BLOCKED": MessageStatus.FAILED,
    "MEDIA_FILE_INACCESSIBLE": MessageStatus.FAILED,
    "MEDIA_FILE_TYPE_UNSUPPORTED": MessageStatus.FAILED,
    "MEDIA_FILE_SIZE_EXCEEDED": MessageStatus.FAILED,
    "RCS_FAILED": MessageStatus.FAILED,
}
SUBSCRIBE_URL = f"{SNS}/?Action=ConfirmSubscription&TopicArn={TOPIC}&Token=2336412f37"
SUBSCRIPTION = {
    "Type": "SubscriptionConfirmation",
    "MessageId": "165545c9-0000-5000-8000-000000000002",
    "Token": "2336412f37",
    "TopicArn": TOPIC,
    "Message": f"You have chosen to subscribe to the topic {TOPIC}.",
    "SubscribeURL": SUBSCRIBE_URL,
    "Timestamp": TIME,
}

_POSTED = (
    _read("a text", text_message(), _text("Hi \U0001f44b", "KEYWORD_123456789012")),
    _read(
        "STOP, by version 2 of the signature, with a subject",
        text_message(messageBody="Stop it", messageKeyword="STOP"),
        _text("Stop it", "STOP"),
        SignatureVersion="2",
        Subject="texts",
    ),
    _read(
        "a keyword that was set up to opt in",
        text_message(messageBody="start", messageKeyword="Start"),
        _text("start", "OPT_IN"),
    ),
    _read(
        "to a short code, without a keyword",
        text_message(destinationNumber="55555", messageKeyword=None),
        _text("Hi \U0001f44b", None, "55555"),
    ),
    *(_became(name, status) for name, status in _BECAME.items()),
    *(_became(name, status, has_failed=True) for name, status in _FAILED.items()),
    _read(
        "an event of a text that is not ours",
        event("TEXT_DELIVERED", context=None),
        StatusReport(ID, PERSON, SENDER, MessageStatus.DELIVERED),
    ),
    Posted("a call", json_body(notification(event("VOICE_ANSWERED")))),
    Posted("an event that is new to us", json_body(notification(event("TEXT_FOLDED")))),
    Posted("something else published there", json_body(notification({"any": "thing"}))),
    Posted(
        "asks whether the address is ours",
        json_body(SUBSCRIPTION),
        events=(Handshake(SUBSCRIBE_URL),),
    ),
    Posted(
        "the subscription has ended",
        json_body({**SUBSCRIPTION, "Type": "UnsubscribeConfirmation"}),
    ),
    Posted(
        "would have us fetch something else",
        json_body({**SUBSCRIPTION, "SubscribeURL": "https://evil.example.com/?Action=x"}),
        reason="SubscribeURL:",
    ),
    Posted(
        "a kind that SNS does not have",
        json_body({**SUBSCRIPTION, "Type": "Advertisement"}),
        reason="Type: 'Advertisement'",
    ),
    Posted("no JSON published", json_body(notification("hello")), reason="Message.body:"),
    Posted(
        "a text from nobody",
        json_body(notification(text_message(originationNumber=""))),
        reason="Message.originationNumber:",
    ),
    Posted(
        "an event without an id",
        json_body(notification(event("TEXT_SENT", messageId=""))),
        reason="Message.messageId: is empty",
    ),
    Posted(
        "an event to nobody",
        json_body(
            notification(
                {k: v for k, v in event("TEXT_SENT").items() if k != "destinationPhoneNumber"}
            )
        ),
        reason="Message.destinationPhoneNumber: is missing",
    ),
)

_TEXT = OutboundText("msg_1", PERSON, SENDER, "Hello \U0001f44b")
_WRITTEN = {
    "DestinationPhoneNumber": PERSON,
    "OriginationIdentity": SENDER,
    "MessageBody": "Hello \U0001f44b",
    "ConfigurationSetName": "texts",
    "Context": {"message": "msg_1", "sender": SENDER},
}
_PICTURE = OutboundText(
    "msg_1", PERSON, SENDER, "", media=("https://pictures.s3.us-east-1.amazonaws.com/a/b.png",)
)


def _refused(
    kind: str, *, reason: str = "", permanent: bool, opted_out: bool = False, status: int = 400
) -> Sent:
    code = reason or kind
    body = {"__type": f"com.amazonaws.sms#{kind}", "Message": "No"} | (
        {"Reason": reason} if reason else {}
    )
    return Sent(
        f"refused with {code}",
        _TEXT,
        status,
        json_body(body),
        CarrierRefusal(permanent, opted_out, code, f"AWS refused it ({code}): No"),
    )


TABLE = CarrierTable(
    kind=AWS,
    account=ACCOUNT,
    sign=_sign,
    forge=_forge,
    sign_fast=_sign_fast,
    posted=_POSTED,
    sent=(
        Sent(
            "taken",
            _TEXT,
            200,
            json_body({"MessageId": ID}),
            Accepted(ID, MessageStatus.SENDING),
            path="/",
            body_json=_WRITTEN,
            headers={
                "content-type": "application/x-amz-json-1.0",
                "x-amz-target": "PinpointSMSVoiceV2.SendTextMessage",
            },
        ),
        Sent(
            "a picture in S3",
            _PICTURE,
            200,
            json_body({"MessageId": ID}),
            Accepted(ID, MessageStatus.SENDING),
            body_json={
                **{k: v for k, v in _WRITTEN.items() if k != "MessageBody"},
                "MediaUrls": ["s3://pictures/a/b.png"],
            },
            headers={"x-amz-target": "PinpointSMSVoiceV2.SendMediaMessage"},
        ),
        _refused(
            "ConflictException",
            reason="DESTINATION_PHONE_NUMBER_OPTED_OUT",
            permanent=True,
            opted_out=True,
        ),
        _refused("ConflictException", reason="MESSAGE_TYPE_MISMATCH", permanent=True),
        _refused("ConflictException", permanent=True),
        _refused("ConflictException", reason="NEW_REASON", permanent=False),
        _refused("ValidationException", reason="MAXIMUM_SIZE_EXCEEDED", permanent=True),
        _refused("ThrottlingException", permanent=False),
        _refused("NewException", permanent=False),
        _refused("ServiceUnavailableException", permanent=False, status=503),
        Sent(
            "too many at once, said by something in between",
            _TEXT,
            429,
            b"",
            CarrierRefusal(
                permanent=False,
                opted_out=False,
                code="http_429",
                text="AWS refused it (http_429): no reason is given",
                retry_after_seconds=2.0,
            ),
            answer_headers={"retry_after": "2"},
        ),
        Sent(
            "named in a header alone",
            _TEXT,
            403,
            b"<html>",
            CarrierRefusal(
                permanent=True,
                opted_out=False,
                code="AccessDeniedException",
                text="AWS refused it (AccessDeniedException): the access key may not do this",
            ),
            answer_headers={
                "x_amzn_errortype": "AccessDeniedException:http://internal.amazon.com/"
            },
        ),
        Sent(
            "something broke there",
            _TEXT,
            500,
            json_body({"__type": "InternalServerException", "message": "Oops"}),
            Unanswered("AWS refused it (InternalServerException): Oops"),
        ),
        Sent(
            "taken, it seems",
            _TEXT,
            200,
            b"{}",
            Unanswered("The answer, HTTP 200, does not say whether it was taken."),
        ),
    ),
)
