"""What SNS posts: read, signed, and believed only from where SNS is."""

from base64 import b64decode
from datetime import UTC, datetime

import msgspec
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.x509.oid import NameOID

from consentry.wire.sns import (
    Envelope,
    RSACertificate,
    SNSError,
    envelope_matches,
    is_certificate_address,
    is_subscribe_address,
    parse_envelope,
    read_timestamp,
    render_envelope,
    sign_envelope,
    write_signed_text,
)

pytestmark = pytest.mark.unit

TOPIC = "arn:aws:sns:us-west-2:123456789012:MyTopic"
SNS = "https://sns.us-west-2.amazonaws.com"
CERTIFICATE_URL = f"{SNS}/SimpleNotificationService-{'a' * 32}.pem"
ENVELOPE = Envelope(
    type="Notification",
    message_id="22b80b92",
    topic_arn=TOPIC,
    message="Hello\nworld \U0001f44b",
    timestamp="2012-05-02T00:54:06.655Z",
    signature_version="2",
    signature="",
    signing_cert_url=CERTIFICATE_URL,
)
KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
SINCE, UNTIL = datetime(2026, 1, 1, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC)


def certificate(key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey) -> bytes:
    """Write a certificate for a key."""
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "sns.amazonaws.com")])
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).serial_number(7)
    builder = builder.public_key(key.public_key()).not_valid_before(SINCE).not_valid_after(UNTIL)
    return builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)


def pem(key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey) -> bytes:
    """Write a private key."""
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )


SHA1 = hashes.SHA1()  # noqa: S303 - SNS signs so unless the topic is set to version 2
SHORT = rsa.generate_private_key(public_exponent=65537, key_size=1024)  # noqa: S505 - too short
CERTIFICATE = RSACertificate(certificate(KEY))
PRIVATE = pem(KEY)


@pytest.mark.parametrize(
    ("changes", "signed"),
    [
        (
            {},
            (
                "Message\nHello\nworld \U0001f44b\nMessageId\n22b80b92\n"
                f"Timestamp\n2012-05-02T00:54:06.655Z\nTopicArn\n{TOPIC}\nType\nNotification\n"
            ),
        ),
        (
            {"subject": "Hi", "token": "not signed"},
            (
                "Message\nHello\nworld \U0001f44b\nMessageId\n22b80b92\nSubject\nHi\n"
                f"Timestamp\n2012-05-02T00:54:06.655Z\nTopicArn\n{TOPIC}\nType\nNotification\n"
            ),
        ),
        (
            {
                "type": "SubscriptionConfirmation",
                "token": "t",
                "subscribe_url": "u",
                "subject": "x",
            },
            (
                "Message\nHello\nworld \U0001f44b\nMessageId\n22b80b92\nSubscribeURL\nu\n"
                f"Timestamp\n2012-05-02T00:54:06.655Z\nToken\nt\nTopicArn\n{TOPIC}\n"
                "Type\nSubscriptionConfirmation\n"
            ),
        ),
    ],
)
def test_what_is_signed_depends_on_the_type(changes: dict[str, str], signed: str) -> None:
    """Names and values in order, a line each, as AWS's page has them."""
    envelope = msgspec.structs.replace(ENVELOPE, **changes)
    assert write_signed_text(envelope).decode() == signed


@pytest.mark.parametrize(("version", "chosen"), [("1", SHA1), ("2", hashes.SHA256())])
def test_a_signature_is_rsa_over_the_hash_of_its_version(
    version: str, chosen: hashes.HashAlgorithm
) -> None:
    """Version 1 is SHA-1, version 2 SHA-256; a change of anything that is signed breaks it."""
    envelope = msgspec.structs.replace(ENVELOPE, signature_version=version)
    signed = sign_envelope(envelope, PRIVATE)
    KEY.public_key().verify(
        b64decode(signed.signature), write_signed_text(envelope), padding.PKCS1v15(), chosen
    )
    assert envelope_matches(signed, CERTIFICATE)
    for changes in ({"message": "x"}, {"topic_arn": "y"}, {"timestamp": "z"}, {"subject": "s"}):
        assert not envelope_matches(msgspec.structs.replace(signed, **changes), CERTIFICATE)


@pytest.mark.parametrize(
    ("version", "signature"),
    [("2", "AAAA"), ("2", "not base64!"), ("2", "é"), ("3", "AAAA"), ("2", "")],
)
def test_what_is_no_signature_does_not_match(version: str, signature: str) -> None:
    """Neither another's, nor garbage, nor a version that there is not."""
    envelope = msgspec.structs.replace(ENVELOPE, signature_version=version, signature=signature)
    assert not envelope_matches(envelope, CERTIFICATE)


def test_an_envelope_is_written_as_it_is_read() -> None:
    """What is not there is left out, and what is more is passed over."""
    body = render_envelope(ENVELOPE)
    assert b"Subject" not in body
    assert b'"SigningCertURL":' in body
    assert parse_envelope(body) == ENVELOPE
    assert parse_envelope(body[:-1] + b',"UnsubscribeURL":"x"}') == ENVELOPE


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'{"Type": 1}', b"\xff", b'{"a":' * 5000])
def test_anything_else_is_no_envelope(body: bytes) -> None:
    """A body that SNS has not made, or one that was delivered raw."""
    with pytest.raises(SNSError, match="not an SNS message"):
        parse_envelope(body)


@pytest.mark.parametrize(
    ("url", "own_base", "believed"),
    [
        (CERTIFICATE_URL, None, True),
        ("https://sns.cn-north-1.amazonaws.com.cn/SimpleNotificationService-a.pem", None, True),
        (CERTIFICATE_URL.replace("https", "http"), None, False),
        ("https://sns.evil.example.com/SimpleNotificationService-a.pem", None, False),
        (
            "https://sns.us-west-2.amazonaws.com.evil.example/SimpleNotificationService-a.pem",
            None,
            False,
        ),
        ("https://sns.a.b.amazonaws.com/SimpleNotificationService-a.pem", None, False),
        ("https://s3.amazonaws.com/SimpleNotificationService-a.pem", None, False),
        ("https://evil@sns.us-west-2.amazonaws.com/SimpleNotificationService-a.pem", None, False),
        (f"{SNS}:444/SimpleNotificationService-a.pem", None, False),
        (f"{SNS}/any.pem", None, False),
        (f"{SNS}/SimpleNotificationService-a.pem?x=y", None, False),
        ("https://[broken", None, False),
        (CERTIFICATE_URL.replace("https", "Https"), None, False),
        (CERTIFICATE_URL.replace("sns.", "sns.\t"), None, False),
        (f" {CERTIFICATE_URL}", None, False),
        (f"{CERTIFICATE_URL}\n", None, False),
        (f"{CERTIFICATE_URL}#x", None, False),
        ("", None, False),
        ("http://127.0.0.1:9/SimpleNotificationService-a.pem", "http://127.0.0.1:9", True),
        ("http://127.0.0.1:8/SimpleNotificationService-a.pem", "http://127.0.0.1:9", False),
        (CERTIFICATE_URL, "http://127.0.0.1:9", False),
    ],
)
def test_certificates_come_from_sns_alone(url: str, own_base: str | None, believed: bool) -> None:
    """Whoever may name the certificate may sign: so no other address will do."""
    assert is_certificate_address(url, own_base) is believed


@pytest.mark.parametrize(
    ("url", "believed"),
    [
        (f"{SNS}/?Action=ConfirmSubscription&TopicArn={TOPIC}&Token=1", True),
        (f"{SNS}/?Action=Unsubscribe&TopicArn={TOPIC}&Token=1", False),
        (f"{SNS}/?Action=ConfirmSubscription&TopicArn=other&Token=1", False),
        (f"{SNS}?Action=ConfirmSubscription&TopicArn={TOPIC}&Token=1", True),
        (f"{SNS}/?Action=ConfirmSubscription&TopicArn={TOPIC}&Token=1#@evil.example.com", False),
        (f"{SNS}\\@evil.example.com/?Action=ConfirmSubscription&TopicArn={TOPIC}", False),
        (f"{SNS}/elsewhere?Action=ConfirmSubscription&TopicArn={TOPIC}", False),
        (f"https://evil.example.com/?Action=ConfirmSubscription&TopicArn={TOPIC}", False),
    ],
)
def test_only_the_confirmation_of_this_topic_is_fetched(url: str, believed: bool) -> None:
    """Nobody may have us fetch anything else by it."""
    assert is_subscribe_address(url, TOPIC) is believed


def test_a_certificate_is_valid_for_a_time() -> None:
    """Before and after that it signs nothing."""
    assert CERTIFICATE.is_valid_at(SINCE)
    assert CERTIFICATE.is_valid_at(UNTIL)
    assert not CERTIFICATE.is_valid_at(datetime(2025, 12, 31, tzinfo=UTC))
    assert not CERTIFICATE.is_valid_at(datetime(2027, 1, 2, tzinfo=UTC))


@pytest.mark.parametrize(
    ("given", "why"),
    [
        (b"", "not a certificate"),
        (b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", "not a certificate"),
        (certificate(ec.generate_private_key(ec.SECP256R1())), "not RSA of 2048 bits"),
        (
            certificate(SHORT),
            "not RSA of 2048",
        ),
    ],
)
def test_what_cannot_sign_is_no_certificate(given: bytes, why: str) -> None:
    """Neither garbage, nor another kind of key, nor one that is too short."""
    with pytest.raises(SNSError, match=why):
        RSACertificate(given)


def test_only_rsa_signs() -> None:
    """SNS has no other signatures."""
    with pytest.raises(SNSError, match="not RSA"):
        sign_envelope(ENVELOPE, pem(ec.generate_private_key(ec.SECP256R1())))


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2012-05-02T00:54:06.655Z", datetime(2012, 5, 2, 0, 54, 6, 655000, tzinfo=UTC)),
        ("2012-05-02T02:54:06+02:00", datetime(2012, 5, 2, 0, 54, 6, tzinfo=UTC)),
        ("2012-05-02T00:54:06", datetime(2012, 5, 2, 0, 54, 6, tzinfo=UTC)),
        ("yesterday", None),
        ("0001-01-01T00:00:00+14:00", None),
    ],
)
def test_the_time_is_read_where_it_is_one(text: str, moment: datetime | None) -> None:
    """A text must not be lost for an odd time."""
    assert read_timestamp(text) == moment
