"""What Amazon SNS posts to a web address: an envelope around a message, signed by a certificate.

Source: AWS's "Parsing Amazon SNS message formats" and "Verifying the signatures of Amazon SNS
messages". Version 1 of the signature is RSA over SHA-1, version 2 over SHA-256. The certificate
is at an address that the envelope names, so that address must be looked at first: see
`is_certificate_address`.
"""

import re
from base64 import b64decode, b64encode
from binascii import Error as Base64Error
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Protocol
from urllib.parse import parse_qs

import msgspec

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

NOTIFICATION = "Notification"
SUBSCRIPTION_CONFIRMATION = "SubscriptionConfirmation"
UNSUBSCRIBE_CONFIRMATION = "UnsubscribeConfirmation"
KEY_BITS_MIN = 2048
_HASHES = {"1": "sha1", "2": "sha256"}
_AMAZON = r"https://sns\.[a-z0-9-]{3,}\.amazonaws\.com(\.cn)?"
_CERTIFICATE_PATH = r"/SimpleNotificationService-[0-9a-zA-Z]{1,64}\.pem"
_QUERY = r"/?\?(?P<query>[0-9A-Za-z%&=._~:+-]*)"


class SNSError(ValueError):
    """What is not an envelope, or not a certificate that can sign one; str() says why."""


class Envelope(msgspec.Struct, frozen=True, rename="pascal"):
    """What SNS posts. `message` is what was published, or a sentence for people."""

    type: str
    message_id: str
    topic_arn: str
    message: str
    timestamp: str
    signature_version: str
    signature: str
    signing_cert_url: str = msgspec.field(name="SigningCertURL")
    subject: str | None = None
    token: str | None = None
    subscribe_url: str | None = msgspec.field(name="SubscribeURL", default=None)


class Certificate(Protocol):
    """What envelopes are verified with."""

    def is_valid_at(self, moment: datetime) -> bool:
        """Tell whether it may sign at an aware time."""

    def verifies(self, signature: bytes, signed: bytes, hash_name: str) -> bool:
        """Tell whether a signature is its own; False, never an exception."""


_decoder = msgspec.json.Decoder(Envelope)


def parse_envelope(body: bytes) -> Envelope:
    """Read what was posted; raises `SNSError`. Nothing of it is to be believed yet."""
    try:
        return _decoder.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise SNSError(f"not an SNS message: {error}") from None


def render_envelope(envelope: Envelope) -> bytes:
    """Write what is posted; what is not there is left out."""
    fields: dict[str, object] = msgspec.to_builtins(envelope)
    return msgspec.json.encode({name: text for name, text in fields.items() if text is not None})


def write_signed_text(envelope: Envelope) -> bytes:
    """Write what the signature covers: names and values, a line each, in the order of names."""
    if envelope.type == NOTIFICATION:
        more = {"Subject": envelope.subject}
    else:
        more = {"SubscribeURL": envelope.subscribe_url, "Token": envelope.token}
    fields = more | {
        "Message": envelope.message,
        "MessageId": envelope.message_id,
        "Timestamp": envelope.timestamp,
        "TopicArn": envelope.topic_arn,
        "Type": envelope.type,
    }
    lines = [f"{name}\n{fields[name]}\n" for name in sorted(fields) if fields[name] is not None]
    return "".join(lines).encode("utf-8", "surrogatepass")


def envelope_matches(envelope: Envelope, certificate: Certificate) -> bool:
    """Check the signature; False, never an exception, whatever the envelope holds."""
    hash_name = _HASHES.get(envelope.signature_version)
    try:
        signature = b64decode(envelope.signature, validate=True)
    except (Base64Error, ValueError):
        return False
    if hash_name is None:
        return False
    return certificate.verifies(signature, write_signed_text(envelope), hash_name)


def is_certificate_address(url: str, own_base: str | None = None) -> bool:
    """Tell whether certificates may come from there: from SNS itself, or from `own_base`.

    `own_base` is the address of whatever stands for SNS, without a path.
    """
    return re.fullmatch(_base_pattern(own_base) + _CERTIFICATE_PATH, url) is not None


def is_subscribe_address(url: str, topic_arn: str, own_base: str | None = None) -> bool:
    """Tell whether to fetch it confirms the subscription to this topic, and does nothing else."""
    found = re.fullmatch(_base_pattern(own_base) + _QUERY, url)
    if found is None:
        return False
    asked = parse_qs(found["query"])
    return asked.get("Action") == ["ConfirmSubscription"] and asked.get("TopicArn") == [topic_arn]


def _base_pattern(own_base: str | None) -> str:
    """Give what an address must begin with.

    It is compared letter by letter and not taken apart: readers of addresses differ in what they
    pass over, and whoever fetches it must not find another host in it.
    """
    return re.escape(own_base) if own_base else _AMAZON


class RSACertificate:
    """A certificate as SNS publishes it."""

    def __init__(self, pem: bytes) -> None:
        """Read it; raises `SNSError` where it is none, or its key is not RSA of 2048 bits."""
        # Imported here: it takes 40 ms, which no command without such a webhook should wait for.
        from cryptography import x509  # noqa: PLC0415
        from cryptography.exceptions import UnsupportedAlgorithm  # noqa: PLC0415
        from cryptography.hazmat.primitives.asymmetric import rsa  # noqa: PLC0415

        try:
            certificate = x509.load_pem_x509_certificate(pem)
            key = certificate.public_key()
        except (ValueError, UnsupportedAlgorithm) as error:
            raise SNSError(f"not a certificate: {error}") from None
        if not isinstance(key, rsa.RSAPublicKey) or key.key_size < KEY_BITS_MIN:
            raise SNSError(f"the certificate's key is not RSA of {KEY_BITS_MIN} bits or more")
        self._key: RSAPublicKey = key
        self._not_before = certificate.not_valid_before_utc
        self._not_after = certificate.not_valid_after_utc

    def is_valid_at(self, moment: datetime) -> bool:
        """Tell whether it may sign at an aware time."""
        return self._not_before <= moment <= self._not_after

    def verifies(self, signature: bytes, signed: bytes, hash_name: str) -> bool:
        """Tell whether a signature is its own; False, never an exception."""
        from cryptography.exceptions import InvalidSignature  # noqa: PLC0415 - as above
        from cryptography.hazmat.primitives import hashes  # noqa: PLC0415 - as above
        from cryptography.hazmat.primitives.asymmetric import padding  # noqa: PLC0415 - as above

        # SHA-1 is what SNS signs with unless the topic is set to version 2.
        algorithm = hashes.SHA256() if hash_name == "sha256" else hashes.SHA1()  # noqa: S303
        try:
            self._key.verify(signature, signed, padding.PKCS1v15(), algorithm)
        except InvalidSignature:
            return False
        return True


def sign_envelope(envelope: Envelope, private_key_pem: bytes) -> Envelope:
    """Sign as SNS does, by the version that the envelope names: 1 or 2."""
    from cryptography.hazmat.primitives import hashes, serialization  # noqa: PLC0415 - as above
    from cryptography.hazmat.primitives.asymmetric import padding, rsa  # noqa: PLC0415 - as above

    key = serialization.load_pem_private_key(private_key_pem, None)
    if not isinstance(key, rsa.RSAPrivateKey):
        raise SNSError("the key is not RSA")
    name = _HASHES[envelope.signature_version]
    algorithm = hashes.SHA256() if name == "sha256" else hashes.SHA1()  # noqa: S303 - as above
    signature = key.sign(write_signed_text(envelope), padding.PKCS1v15(), algorithm)
    return msgspec.structs.replace(envelope, signature=b64encode(signature).decode("ascii"))


def read_timestamp(text: str) -> datetime | None:
    """Read when SNS was given the message; None where it is not a time."""
    try:
        moment = datetime.fromisoformat(text)
        return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        return None
