"""Every parser against thousands of inputs that nobody should send.

What reads webhooks is tried behind their signatures, with every carrier's readers.
"""

import socket
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import pytest

from consentry.domain.import_columns import Column, guess_columns
from consentry.domain.listed_numbers import ListedNumber, read_listed
from consentry.wire.delimited import EncodingFinder, find_delimiter, read_records
from consentry.wire.forms import FormError, build_form, parse_form
from consentry.wire.json_rows import read_json_records
from consentry.wire.public_address import AddressRefused, read_networks, read_target
from consentry.wire.rfc2822 import parse_rfc2822
from consentry.wire.signatures import read_algorithm, twilio_json_signature_matches
from consentry.wire.signed_note import (
    NoteError,
    is_signed_by,
    read_note,
    read_tree,
    read_verifier_key,
    write_note,
    write_tree,
    write_verifier_key,
)
from consentry.wire.sns import (
    SNSError,
    is_certificate_address,
    is_subscribe_address,
    parse_envelope,
    read_timestamp,
    write_signed_text,
)
from consentry.wire.standard_webhooks import read_retry_after
from consentry.wire.telnyx import parse_telnyx_errors, read_public_key
from consentry.wire.twilio_create import build_create_pairs, parse_create_message
from consentry.wire.twilio_errors import TwilioRefusedError
from consentry.wire.twilio_listing import ListingError, parse_listing
from consentry.wire.twiml import TwimlError, parse_asked_texts, parse_twiml, render_twiml
from consentry.wire.webhook_address import WebhookAddressError, parse_webhook_address
from fuzzing import INPUT_BYTES_MAX, Mutator, fuzz, make_inputs

# Measuring which lines run would take most of the time, and other tests run them all.
pytestmark = [pytest.mark.property, pytest.mark.no_cover]

ACCOUNT = "AC0123456789abcdef0123456789abcdef"
SID = "SM00000000000000000000000000000001"
INBOUND = (
    f"ToCountry=US&SmsMessageSid={SID}&NumMedia=0&ToCity=&Body=Stop+it%21&From=%2B12125550142"
    f"&To=%2B14155550100&NumSegments=1&MessageSid={SID}&AccountSid={ACCOUNT}&OptOutType=STOP"
).encode()
PICTURES = (
    f"MessageSid={SID}&AccountSid={ACCOUNT}&From=%2B12125550142&To=55555&NumMedia=2&MediaUrl0=https"
    "%3A%2F%2Fmedia.example.com%2Fone&MediaContentType0=image%2Fjpeg&MediaUrl1=x"
).encode()
STATUS = (
    f"SmsSid={SID}&SmsStatus=undelivered&MessageStatus=undelivered&To=%2B12125550142&MessageSid="
    f"{SID}&AccountSid={ACCOUNT}&From=%2B14155550100&ErrorCode=30005&RawDlrDoneDate=2602281301"
).encode()
CREATE = (
    b"To=%2B12125550142&From=%2B14155550100&Body=Hi+%F0%9F%9B%91&StatusCallback=https%3A%2F%2Fexample"
    b".com%2Fstatus%3Fid%3D7&ValidityPeriod=60&MediaUrl=https%3A%2F%2Fexample.com%2Fa.png"
)
SCHEDULED = (
    b"To=%2B12125550142&MessagingServiceSid=MG0123456789abcdef0123456789abcdef&Body=Hi"
    b"&ScheduleType=fixed&SendAt=2026-05-01T12%3A00%3A00%2B02%3A00"
)
MESSAGE = (
    f'{{"sid":"{SID}","account_sid":"{ACCOUNT}","status":"sent","direction":"outbound-api",'
    '"to":"+12125550142","from":"+14155550100","body":"Hi","date_created":'
    '"Fri, 01 May 2026 12:00:00 +0000","date_updated":"Fri, 01 May 2026 12:00:01 +0000",'
    '"date_sent":null,"num_segments":"1","num_media":"0","error_code":null,"price":"-0.0079",'
    f'"uri":"/2010-04-01/Accounts/{ACCOUNT}/Messages/{SID}.json","subresource_uris":{{"media":"x"}}'
    "}"
).encode()
PAGE = b'{"messages":[' + MESSAGE + b'],"page":0,"page_size":50,"uri":"/","next_page_uri":null}'
TELNYX_ERRORS = (
    b'{"errors":[{"code":"40300","title":"Blocked","detail":"by a STOP","meta":{"url":"x"}}]}'
)
TWIML = (
    b'<?xml version="1.0" encoding="UTF-8"?><Response><Message>Hi &amp; bye</Message></Response>',
    b"<Response><Message to='+1'><Body>Hi</Body><Media>x</Media></Message><Sms>o</Sms></Response>",
    b"<Response/>",
)
SNS = (
    b'{"Type":"SubscriptionConfirmation","MessageId":"165545c9","Token":"2336","TopicArn":"arn:aws:'
    b'sns:us-east-1:1:t","Message":"Hi","SubscribeURL":"https://sns.us-east-1.amazonaws.com/?Action'
    b'=ConfirmSubscription&TopicArn=arn:aws:sns:us-east-1:1:t&Token=2336","Timestamp":"2012-04-26T20'
    b':45:04.751Z","SignatureVersion":"1","Signature":"AAAA","SigningCertURL":"https://sns.us-east-1'
    b'.amazonaws.com/SimpleNotificationService-f3ecfb7224c7233fe7bb5f59f96de52f.pem"}'
)
ADDRESSES = (
    b"https://example.com/in?shop=1#rc=5&rp=ct,rt,5xx",
    b"http://user@[::1]:8000/a/b#tt=1500&ct=200&rt=300",
)


class Never(Exception):
    """What a parser raises that answers everything with a value."""


@dataclass(frozen=True)
class Parser:
    """A parser, what it is shown before it is changed, and its own error."""

    name: str
    parse: Callable[[bytes], object]
    recorded: Sequence[bytes]
    error: type[Exception] | tuple[type[Exception], ...]


def read_form(body: bytes) -> None:
    """Read a form and every kind of value in it; what was read is written and read back."""
    form = parse_form(body)
    assert build_form(form.pairs) == form
    form.get_all("MediaUrl0")
    form.get_integer("NumMedia")
    form.require("MessageSid")


def read_create(body: bytes) -> None:
    """Read a request to send; it can be written again, and says the same."""
    message = parse_create_message(parse_form(body))
    assert parse_create_message(build_form(build_create_pairs(message))) == message


def read_sns(body: bytes) -> None:
    """Read an envelope of SNS: whatever it names, only SNS itself is believed."""
    envelope = parse_envelope(body)
    write_signed_text(envelope)
    read_timestamp(envelope.timestamp)
    believed = [envelope.signing_cert_url] * is_certificate_address(envelope.signing_cert_url)
    subscribe_url = envelope.subscribe_url or ""
    believed += [subscribe_url] * is_subscribe_address(subscribe_url, envelope.topic_arn)
    for url in believed:
        host = url.removeprefix("https://").partition("/")[0].partition("?")[0]
        assert url.startswith("https://sns.")
        assert host.endswith((".amazonaws.com", ".amazonaws.com.cn"))


def read_signature(body: bytes) -> None:
    """Read an address, a body and headers of which nothing can be trusted: none of it matches."""
    text = body.decode("utf-8", "surrogateescape")
    assert not twilio_json_signature_matches("token", text, body, text, settings_header=text)
    if read_algorithm(text) is None:
        raise Never


LISTS = (
    b'Name;Phone;Opted out at\r\n"Lovelace; Ada";+14155550142;2026-05-01\r\nBen;x;03/04/2025\r\n',
    b'number,note\n+14155550143,"over\ntwo lines"\n+14155550144,5" pipe\n',
    b'{"number":"+14155550142","date":"2026-05-01T10:00:00Z","text":"STOP"}\n"+14155550143"\n',
)


def read_any_list(body: bytes) -> None:
    """Read a list as CSV and as lines of JSON; one that names no number is none."""
    finder = EncodingFinder()
    finder.feed(body)
    lines = body.decode(finder.found(), "replace").split("\n")
    found = 0
    for records in (
        read_records(lines, find_delimiter(lines[0])),
        read_json_records(lines, tuple(Column)),
    ):
        rows = list(records)
        columns = guess_columns([cells for _, cells in rows[:20]])
        listed = [read_listed(line, cells, columns) for line, cells in rows]
        assert [row.line for row in listed] == sorted({row.line for row in listed})
        found += sum(isinstance(row, ListedNumber) for row in listed)
    if not found:
        raise Never


KEY_LINE = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
CHECKPOINT = (
    "example.com/ledger\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n\n"
    "\u2014 example.com/ledger Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gG"
    "zGku9nTo+zyWE+xeMcTOAYQ8=\n"
).encode()


def read_checkpoint(given: bytes) -> None:
    """Read a signed tree; what was read is written and read back, and nobody else signed it."""
    note = read_note(given.decode("utf-8", "surrogateescape"))
    assert read_note(write_note(note)) == note
    assert not is_signed_by(note, read_verifier_key(KEY_LINE))
    tree = read_tree(note.text)
    assert read_tree(write_tree(tree)) == tree


def read_key(given: bytes) -> None:
    """Read a key as verifiers take it; it is written the same."""
    text = given.decode("utf-8", "surrogateescape")
    assert write_verifier_key(read_verifier_key(text)) == text.strip()


def read_url(given: bytes) -> None:
    """Read where a URL leads: what counts as a name is not read as an address by the system."""
    target = read_target(given.decode("latin-1"))
    if target.address is None:
        with pytest.raises(OSError, match="illegal IP address"):
            socket.inet_aton(target.host)


def read_wait(given: bytes) -> None:
    """Read for how long a server wants to be left alone: never less than not at all."""
    seconds = read_retry_after(given.decode("latin-1"), datetime(2026, 11, 30, tzinfo=UTC))
    if seconds is None:
        raise Never
    assert seconds >= 0


URLS = (
    b"https://shop.example.com:8443/a?b=c",
    b"http://127.0.0.1/",
    b"https://[2606:4700::1111]/x",
    b"https://0x7f.0.0.1/",
)

PARSERS = (
    Parser("list", read_any_list, LISTS, Never),
    Parser("target", read_url, URLS, AddressRefused),
    Parser(
        "networks",
        lambda b: read_networks(b.decode("latin-1")),
        (b"10.0.0.0/8,fd00::/8",),
        ValueError,
    ),
    Parser("retry-after", read_wait, (b"120", b"Mon, 30 Nov 2026 10:01:30 GMT"), Never),
    Parser("checkpoint", read_checkpoint, (CHECKPOINT,), NoteError),
    Parser("verifier key", read_key, (KEY_LINE.encode(),), NoteError),
    Parser("form", read_form, (INBOUND, PICTURES, STATUS, CREATE), FormError),
    Parser("create", read_create, (CREATE, SCHEDULED), (FormError, TwilioRefusedError)),
    Parser("listing", parse_listing, (PAGE,), ListingError),
    Parser("sns", read_sns, (SNS,), SNSError),
    Parser("twiml", lambda b: render_twiml(*parse_twiml(b)), TWIML, TwimlError),
    Parser("asked texts", parse_asked_texts, (*TWIML, b" "), TwimlError),
    Parser(
        "address", lambda b: parse_webhook_address(b.decode("latin-1")), ADDRESSES,
        WebhookAddressError,
    ),
    Parser(
        "date",
        lambda b: parse_rfc2822(b.decode("latin-1")),
        (b"Fri, 01 May 2026 12:00:00 +0000", b"01 May 26 12:00 EST"),
        ValueError,
    ),
    Parser(
        "signature",
        read_signature,
        (b"https://a.example/in?bodySHA256=00#rc=1", b"key=webhooks_1,algorithm=HMAC_SHA256"),
        Never,
    ),
)  # fmt: skip


@pytest.mark.fuzz
@pytest.mark.parametrize("parser", PARSERS, ids=lambda parser: parser.name)
def test_all_inputs_are_values_or_clean_errors(parser: Parser) -> None:
    """Each input gives a value or the parser's own error, in bounded time, and nothing else."""
    fuzz(parser.parse, parser.recorded, clean=parser.error)


@pytest.mark.fuzz
def test_an_error_body_is_an_error_or_none() -> None:
    """What a carrier answers with is its error, or it is said to be none; it never raises."""

    def read(body: bytes) -> None:
        if not parse_telnyx_errors(body):
            raise Never

    fuzz(read, (TELNYX_ERRORS,), clean=Never)


@pytest.mark.fuzz
def test_a_public_key_is_one_or_none() -> None:
    """Whatever a person pastes is a key of Telnyx's, or is said to be none."""

    def read(body: bytes) -> None:
        if read_public_key(body.decode("utf-8", "surrogateescape")) is None:
            raise Never

    fuzz(read, (b"G3xqLnzpBBhN/HgPnIhFuIeumr75Y8edQAzRlYP5QWM=",), clean=Never)


def test_the_same_seed_makes_the_same_inputs() -> None:
    """A failure can be made again from its seed; no input is made twice or grows without bound."""
    made = list(make_inputs((INBOUND, PAGE), seed=7, count=3000))
    assert made == list(make_inputs((INBOUND, PAGE), seed=7, count=3000))
    assert made != list(make_inputs((INBOUND, PAGE), seed=8, count=3000))
    assert len(set(made)) == 3000
    assert max(map(len, made)) <= INPUT_BYTES_MAX
    assert Mutator(7).mutate(b"") is not None


@pytest.mark.parametrize("fault", [b"\0", b"\\ud800", b"9" * 400, b"[" * 99, b"<!DOCTYPE", b"%ff"])
def test_a_parser_with_a_fault_is_found_out(fault: bytes) -> None:
    """Each kind of damage comes up, so a parser that falls over it does not pass."""

    def parse(body: bytes) -> None:
        if fault in body:
            raise KeyError(fault)
        if len(body) % 2:
            raise Never

    with pytest.raises(AssertionError, match="of seed 20261130"):
        fuzz(parse, (INBOUND,), clean=Never)


@pytest.mark.parametrize(("taken", "told"), [(True, "refused"), (False, "taken")])
def test_a_parser_that_does_the_same_with_all_is_found_out(*, taken: bool, told: str) -> None:
    """Taking everything and refusing everything are no parsers."""

    def parse(_body: bytes) -> None:
        if not taken:
            raise Never

    with pytest.raises(AssertionError, match=f"no input was {told}"):
        fuzz(parse, (INBOUND,), clean=Never, count=100)
