"""A link to an SMSC that behaves as none should: binding, the window, answers, and its end."""

import asyncio
import ssl
from contextlib import suppress
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path

import msgspec
import pytest
from carrier_loopback import OPEN, Gate
from carrier_table import NOW
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from recording_intake import RecordingIntake
from smpp_scene import LONG, OURS, PERSON, TEXT, scene

from consentry.carriers.shared.way_out import NoAnswer, NothingSent
from consentry.carriers.smpp.link import SMPPLink
from consentry.carriers.smpp.options import read_link_options, read_submit_options
from consentry.carriers.smpp.session import Session, SessionLimits
from consentry.carriers.smpp.settings import SMPPCarrier
from consentry.domain.messages import MessageStatus
from consentry.ports import (
    Accepted,
    CarrierAccount,
    CarrierRefusal,
    CarrierUnreachable,
    Fence,
    Forged,
    Handshake,
    NoList,
    OutboundText,
    StatusReport,
    Submission,
    Unanswered,
    WebhookRequest,
    Withheld,
)
from consentry.wire.smpp.pdu import PDU, Command, FrameReader, Status, encode_pdu
from consentry.wire.smpp.requests import encode_message_id
from fuzzing import make_inputs
from scripted_smsc import Answer, accept, scripted_smsc

pytestmark = pytest.mark.integration


def only(command: Command, answer: Answer) -> Answer:
    """Answer one kind of request so, and accept all others."""
    return lambda pdu: answer(pdu) if pdu.command == command else accept(pdu)


def silent(_pdu: PDU) -> None:
    """Say nothing."""


class Latch:
    """Implements `ports.Fence`: open the first times that it is asked."""

    def __init__(self, times: int) -> None:
        self._times = times

    @property
    def is_open(self) -> bool:
        """Tell, and count."""
        self._times -= 1
        return self._times >= 0


def refused(answer: Submission) -> tuple[str, bool]:
    """The code of a refusal, and whether it is for good."""
    assert isinstance(answer, CarrierRefusal)
    assert not answer.opted_out
    return answer.code, answer.permanent


async def test_no_more_texts_wait_for_answers_than_the_window_lets() -> None:
    """Of five texts three go out; the others go when there are answers."""
    async with scene(only(Command.SUBMIT_SM, silent), more={"window": "3"}) as made:
        texts = [asyncio.create_task(made.carrier.submit(TEXT, OPEN)) for _ in range(5)]
        await made.smsc.until(lambda: made.smsc.count(Command.SUBMIT_SM) == 3)
        await asyncio.sleep(0.05)
        assert made.smsc.count(Command.SUBMIT_SM) == 3
        for pdu in [p for p in made.smsc.seen if p.command == Command.SUBMIT_SM]:
            made.smsc.write(pdu.answer(body=encode_message_id(f"M{pdu.sequence}")))
        await made.smsc.until(lambda: made.smsc.count(Command.SUBMIT_SM) == 5)
        made.smsc.answer = accept
        for pdu in [p for p in made.smsc.seen if p.command == Command.SUBMIT_SM][3:]:
            made.smsc.write(pdu.answer(body=encode_message_id(f"M{pdu.sequence}")))
        answers = await asyncio.gather(*texts)
        assert all(isinstance(answer, Accepted) for answer in answers)
        assert len({a.carrier_message_id for a in answers if isinstance(a, Accepted)}) == 5


async def test_a_text_that_gets_no_turn_was_not_sent() -> None:
    """While the window stays full nothing of a further text is written: it waits in line again."""
    silence = only(Command.SUBMIT_SM, silent)
    async with scene(silence, more={"window": "1"}, limits={"window_seconds": 0.1}) as made:
        first = asyncio.create_task(made.carrier.submit(TEXT, OPEN))
        await made.smsc.until(lambda: made.smsc.count(Command.SUBMIT_SM))
        assert isinstance(await made.carrier.submit(TEXT, OPEN), Withheld)
        assert made.smsc.count(Command.SUBMIT_SM) == 1
        first.cancel()


async def test_the_parts_of_a_text_have_one_place_together() -> None:
    """In a window of one a long text goes out whole, and no other one between its parts."""
    async with scene(more={"window": "1"}) as made:
        texts = [msgspec.structs.replace(TEXT, body=letter * 400) for letter in "abc"]
        answers = await asyncio.gather(*(made.carrier.submit(text, OPEN) for text in texts))
        assert all(isinstance(answer, Accepted) for answer in answers)
        letters = [message.octets[-1:].decode() for message in made.smsc.texts()]
        assert letters == [*"aaabbbccc"]


async def fill(session: Session) -> None:
    """Write what nobody reads, until the system holds no more of it between the two."""
    for _ in range(1000):
        with suppress(NoAnswer):
            await session.submit(bytes(60_000), OPEN, silent)


async def test_what_the_smsc_does_not_read_was_not_sent() -> None:
    """When the connection takes nothing more, a text waits for its turn and then lets it be."""
    async with scene(limits={"write_seconds": 0.2, "close_seconds": 0.1}) as made:
        made.smsc.pause()
        session = await made.carrier.link.wait_bound(60)
        assert session is not None
        hasty = msgspec.structs.replace(session._limits, answer_seconds=0.001)  # noqa: SLF001
        session._limits = hasty  # noqa: SLF001 - now that the bind has had its time
        with pytest.raises(NothingSent, match="takes nothing at the moment"):
            await fill(session)
        assert refused(await made.carrier.submit(TEXT, OPEN)) == ("unreachable", False)


async def test_an_answer_that_comes_late_still_counts() -> None:
    """The text was left unanswered; when the answer comes, it is told that it went out."""
    async with scene(only(Command.SUBMIT_SM, silent), limits={"answer_seconds": 0.05}) as made:
        assert isinstance(await made.carrier.submit(TEXT, OPEN), Unanswered)
        [submit] = [pdu for pdu in made.smsc.seen if pdu.command == Command.SUBMIT_SM]
        made.smsc.write(submit.answer(body=encode_message_id("late")))
        assert await made.intake.until(1) == [
            StatusReport("late", PERSON, OURS, MessageStatus.SENT, message="msg_1")
        ]


async def test_a_late_refusal_and_a_late_answer_to_a_part_say_nothing() -> None:
    """Only the last part's answer tells that the whole text went out."""
    async with scene(only(Command.SUBMIT_SM, silent), limits={"answer_seconds": 0.05}) as made:
        for text in (TEXT, LONG):
            assert isinstance(await made.carrier.submit(text, OPEN), Unanswered)
        refused_one, first_part = [p for p in made.smsc.seen if p.command == Command.SUBMIT_SM]
        made.smsc.write(refused_one.answer(0x08))
        made.smsc.write(first_part.answer(body=encode_message_id("part")))
        made.smsc.write(first_part.answer(body=encode_message_id("twice")))
        assert (await made.smsc.ask(Command.ENQUIRE_LINK)).status == 0
        assert made.intake.events == []


async def test_a_late_answer_that_cannot_be_kept_is_let_go() -> None:
    """Nothing depends on it: the text stays as it was, and the link lives."""
    async with scene(only(Command.SUBMIT_SM, silent), limits={"answer_seconds": 0.05}) as made:
        await made.carrier.submit(TEXT, OPEN)
        made.intake.is_away = True
        [submit] = [pdu for pdu in made.smsc.seen if pdu.command == Command.SUBMIT_SM]
        made.smsc.write(submit.answer(body=encode_message_id("late")))
        assert (await made.smsc.ask(Command.ENQUIRE_LINK)).status == 0


async def test_a_text_that_is_broken_off_while_it_waits_is_heard_of_late_too() -> None:
    """The delivery stops waiting before the session does; the answer counts all the same."""
    async with scene(only(Command.SUBMIT_SM, silent)) as made:
        waiting = asyncio.create_task(made.carrier.submit(TEXT, OPEN))
        await made.smsc.until(lambda: made.smsc.count(Command.SUBMIT_SM))
        waiting.cancel()
        await asyncio.sleep(0)
        [submit] = [pdu for pdu in made.smsc.seen if pdu.command == Command.SUBMIT_SM]
        made.smsc.write(submit.answer(body=encode_message_id("late")))
        assert len(await made.intake.until(1)) == 1


@pytest.mark.parametrize("times", [1, 2, 3])
async def test_the_fence_is_asked_before_every_part(times: int) -> None:
    """Closed after the first part, no more goes out, and the text is not sent again."""
    async with scene() as made:
        text = msgspec.structs.replace(TEXT, body="x" * 500)
        answer = await made.carrier.submit(text, Latch(times))
        assert refused(answer) == ("too_late", True)
        assert isinstance(answer, CarrierRefusal)
        assert answer.text.startswith(f"{times} of 4 parts were taken, so it is not sent again.")
        assert made.smsc.count(Command.SUBMIT_SM) == times


async def test_a_closed_fence_lets_not_an_octet_through() -> None:
    """The whole text is held back, and waits in line again."""
    async with scene() as made:
        assert isinstance(await made.carrier.submit(LONG, Latch(0)), Withheld)
        assert made.smsc.count(Command.SUBMIT_SM) == 0


async def test_a_busy_smsc_is_asked_again_for_a_later_part_until_it_is_too_late() -> None:
    """The fence bounds it: then the text has failed, and how much of it went out is told."""

    def answer(pdu: PDU) -> PDU | None:
        is_first = pdu.sequence == 2
        return accept(pdu) if is_first else pdu.answer(Status.THROTTLED)

    async with scene(only(Command.SUBMIT_SM, answer)) as made:
        assert refused(await made.carrier.submit(LONG, Latch(6))) == ("0x00000058", True)
        assert 2 <= made.smsc.count(Command.SUBMIT_SM) <= 6


async def test_a_part_without_an_answer_leaves_the_text_unanswered() -> None:
    """No part goes out after it."""

    text = msgspec.structs.replace(TEXT, body="x" * 500)
    async with scene() as made:

        def answer(pdu: PDU) -> PDU | None:
            if pdu.sequence == 2:
                return accept(pdu)
            made.smsc.drop()
            return None

        made.smsc.answer = only(Command.SUBMIT_SM, answer)
        assert isinstance(await made.carrier.submit(text, OPEN), Unanswered)
        assert made.smsc.count(Command.SUBMIT_SM) == 2


async def test_a_session_lost_between_parts_breaks_the_text_off() -> None:
    """The first part was taken: with no session to go on by, the text has failed for good."""
    async with scene(link={"pause_seconds": 9.0}) as made:

        def answer(pdu: PDU) -> PDU | None:
            if pdu.command == Command.SUBMIT_SM:
                made.smsc.write(pdu.answer(body=encode_message_id("M")))
                made.smsc.write(PDU(Command.UNBIND, 99))
                return None
            return accept(pdu)

        made.smsc.answer = answer
        assert refused(await made.carrier.submit(LONG, OPEN)) == ("unreachable", True)


async def test_a_text_taken_without_an_id_is_named_here() -> None:
    """It went out, so it has an id: one that no other text has."""
    async with scene(only(Command.SUBMIT_SM, lambda pdu: pdu.answer(body=b"\0"))) as made:
        assert await made.carrier.submit(TEXT, OPEN) == Accepted("unnamed-msg_1")


@pytest.mark.parametrize(("status", "code"), [(0x03, "0x00000003"), (0x4D2, "0x000004D2")])
async def test_generic_nack_is_an_answer(status: int, code: str) -> None:
    """It says that the text was not taken; an unknown code may pass."""
    nack = only(Command.SUBMIT_SM, lambda p: PDU(Command.GENERIC_NACK, p.sequence, status))
    async with scene(nack) as made:
        assert refused(await made.carrier.submit(TEXT, OPEN)) == (code, False)


async def test_an_answer_of_another_kind_tells_nothing() -> None:
    """Whether the text was taken is not known then."""
    odd = only(Command.SUBMIT_SM, lambda p: PDU(Command.ENQUIRE_LINK_RESP, p.sequence))
    async with scene(odd) as made:
        assert isinstance(await made.carrier.submit(TEXT, OPEN), Unanswered)


async def test_pictures_and_texts_without_end_are_refused_here() -> None:
    """SMPP carries no pictures, and a header counts 255 parts."""
    async with scene() as made:
        picture = msgspec.structs.replace(TEXT, media=("https://example.com/a.png",))
        assert refused(await made.carrier.submit(picture, OPEN)) == ("media_not_carried", True)
        endless = msgspec.structs.replace(TEXT, body="x" * 40_000)
        assert refused(await made.carrier.submit(endless, OPEN)) == ("not_sendable", True)
        assert made.smsc.count(Command.SUBMIT_SM) == 0


async def test_an_smsc_that_says_nothing_is_left_for_a_new_session() -> None:
    """enquire_link without an answer ends the connection; what waited is unanswered."""
    mute = only(Command.ENQUIRE_LINK, silent)
    limits = {"enquire_seconds": 0.05, "answer_seconds": 0.1}
    async with scene(mute, limits=limits) as made:
        await made.smsc.until_bound(2)
        assert made.smsc.count(Command.ENQUIRE_LINK) >= 1


async def test_an_smsc_that_takes_leave_is_bound_again() -> None:
    """unbind is answered, and a new session begins."""
    async with scene() as made:
        assert (await made.smsc.ask(Command.UNBIND)).command == Command.UNBIND_RESP
        await made.smsc.until_bound(2)
        assert isinstance(await made.carrier.submit(TEXT, OPEN), Accepted)


async def test_a_bind_that_is_refused_is_tried_with_growing_pauses() -> None:
    """A passing refusal: soon, and then less and less often."""
    times: list[float] = []

    def answer(pdu: PDU) -> PDU:
        times.append(asyncio.get_running_loop().time())
        return pdu.answer(0x08)

    async with scene(
        only(Command.BIND_TRANSCEIVER, answer),
        link={"pause_seconds": 0.01, "pause_seconds_max": 0.8},
        is_bound=False,
    ) as made:
        await made.smsc.until_bound(7)
    gaps = [b - a for a, b in pairwise(times)]
    assert gaps[-1] >= max(0.16, min(gaps[:3]))


@pytest.mark.parametrize("status", [Status.INVALID_PASSWORD, Status.INVALID_SYSTEM_ID])
async def test_a_wrong_account_is_not_hammered_with(status: Status) -> None:
    """The longest pause comes at once, because vendors lock accounts."""
    async with scene(
        only(Command.BIND_TRANSCEIVER, lambda pdu: pdu.answer(status)), is_bound=False
    ) as made:
        await made.smsc.until_bound()
        await asyncio.sleep(0.4)
        assert made.smsc.connections == 1


async def test_a_bind_answered_by_something_else_is_none() -> None:
    """Only bind_transceiver_resp with status 0 makes a session."""
    odd = only(Command.BIND_TRANSCEIVER, lambda pdu: PDU(Command.SUBMIT_SM_RESP, pdu.sequence))
    async with scene(odd, is_bound=False) as made:
        await made.smsc.until_bound(2)
        assert await made.carrier.link.wait_bound(0.05) is None


@pytest.mark.parametrize(
    "url", ["smpp://127.0.0.1:1", "http://127.0.0.1:1", "smpp://127.0.0.1:99999", "smpp://"]
)
async def test_an_address_where_nothing_is_is_told(url: str) -> None:
    """`carrier test` names it, and the link goes on trying."""
    account = CarrierAccount("main", "smpp", "us", "ours", url)
    with pytest.raises(CarrierUnreachable, match=r"The SMSC at (smpp|http)"):
        await SMPPCarrier(account).probe()


async def test_a_link_to_nowhere_goes_on_trying() -> None:
    """It does not end, and a text is refused for now."""
    account = CarrierAccount("main", "smpp", "us", "ours", "smpp://127.0.0.1:1")
    options = msgspec.structs.replace(read_link_options(account), pause_seconds=0.01)
    carrier = SMPPCarrier(account)
    rolled, often = list[float](), asyncio.Event()

    def roll() -> float:
        rolled.append(0.5)
        if len(rolled) == 3:
            often.set()
        return 0.5

    link = SMPPLink(carrier, options, roll)
    keeping = asyncio.create_task(link.keep(RecordingIntake()))
    async with asyncio.timeout(60):
        await often.wait()
    assert not keeping.done()
    keeping.cancel()
    await asyncio.gather(keeping, return_exceptions=True)


async def test_what_is_too_long_for_a_bind_is_told() -> None:
    """A password longer than the field is no secret of ours: it says so."""
    async with scripted_smsc() as smsc:
        account = CarrierAccount("main", "smpp", "us", "x" * 70, smsc.url)
        with pytest.raises(CarrierUnreachable, match="The password is too long"):
            await SMPPCarrier(account).probe()


async def test_an_smsc_without_tls_is_not_spoken_to_in_the_clear() -> None:
    """smpps:// means TLS or nothing: the account's password is not written."""
    async with scripted_smsc() as smsc:
        account = CarrierAccount("main", "smpp", "us", "ours", f"smpps://127.0.0.1:{smsc.port}")
        options = read_link_options(account)
        short = msgspec.structs.replace(options.limits, connect_seconds=0.5)
        carrier = SMPPCarrier(account, link=msgspec.structs.replace(options, limits=short))
        with pytest.raises(CarrierUnreachable):
            await carrier.probe()
        assert smsc.seen == []
    assert issubclass(ssl.SSLError, OSError)


def certify(folder: Path, host: str) -> ssl.SSLContext:
    """Make a certificate for a host, signed by itself, in `folder`/cert.pem; serve with it."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, host)])
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(datetime(2020, 1, 1, tzinfo=UTC))
        .not_valid_after(datetime(2126, 1, 1, tzinfo=UTC))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(host)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem, kind = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    (folder / "cert.pem").write_bytes(made.public_bytes(pem))
    (folder / "key.pem").write_bytes(key.private_bytes(pem, kind, serialization.NoEncryption()))
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(folder / "cert.pem", folder / "key.pem")
    return context


@pytest.mark.parametrize("host", ["localhost", "smsc.example.net"])
async def test_tls_is_spoken_with_whom_the_certificate_is_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, host: str
) -> None:
    """A trusted certificate of this host lets the bind through; one of another does not."""
    tls = certify(tmp_path, host)
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "cert.pem"))
    async with scripted_smsc(tls=tls) as smsc:
        url = f"smpps://localhost:{smsc.port}"
        carrier = SMPPCarrier(CarrierAccount("main", "smpp", "us", "ours", url))
        if host == "localhost":
            await carrier.probe()
            assert smsc.count(Command.BIND_TRANSMITTER) == 1
        else:
            with pytest.raises(CarrierUnreachable, match="certificate"):
                await carrier.probe()
            assert smsc.seen == []


@pytest.mark.parametrize(
    ("option", "kind"), [("6/0", (6, 0)), ("", (3, 0)), ("7/0", (3, 0)), ("x", (3, 0))]
)
def test_short_codes_have_the_kind_that_the_vendor_wants(
    option: str, kind: tuple[int, int]
) -> None:
    """3/0 unless the account says otherwise; what cannot be is as if it were not there."""
    more = {"short_code": option}
    account = CarrierAccount("main", "smpp", "us", "ours", "smpp://127.0.0.1:1", more=more)
    assert read_submit_options(account).short_code == kind


async def test_an_option_that_is_none_is_told_and_not_used(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """In the log when the account is built, and by `carrier test`; else the usual holds."""
    wrong = {
        "vendor": "flowroot",
        "default_alphabet": "ascii",
        "message_ids": "octal",
        "short_code": "9/9",
        "country_code": "+1",
        "window": "0",
        "enquire_seconds": "often",
    }
    account = CarrierAccount("main", "smpp", "us", "ours", "smpp://127.0.0.1:1", more=wrong)
    carrier = SMPPCarrier(account)
    told = [str(record.__dict__["why"]) for record in caplog.records]
    assert [why.partition(" ")[0] for why in told] == list(wrong)
    assert told[0] == "vendor is 'flowroot' and is not used. Write one of standard, flowroute."
    with pytest.raises(CarrierUnreachable, match="window is '0' and is not used"):
        await carrier.probe()
    usual = msgspec.structs.replace(account, more={})
    assert read_link_options(account).limits == read_link_options(usual).limits
    assert read_submit_options(account).short_code == (3, 0)


async def test_it_takes_leave_also_of_one_that_does_not_answer() -> None:
    """The end is bounded in time, and the connection is closed."""
    async with asyncio.timeout(60), scripted_smsc(only(Command.UNBIND, silent)) as smsc:
        account = CarrierAccount("main", "smpp", "us", "ours", smsc.url)
        options = read_link_options(account)
        short = msgspec.structs.replace(options.limits, close_seconds=0.1)
        carrier = SMPPCarrier(account, link=msgspec.structs.replace(options, limits=short))
        keeping = asyncio.create_task(carrier.link.keep(RecordingIntake()))
        await smsc.until_bound()
        keeping.cancel()
        await asyncio.gather(keeping, return_exceptions=True)
        await smsc.until(lambda: smsc.ended == smsc.connections == 1)


async def test_what_http_has_smpp_has_not() -> None:
    """Nothing posted is an SMSC's, nothing can be confirmed, there is no list."""
    carrier = SMPPCarrier(CarrierAccount("main", "smpp", "us", "ours", "smpp://127.0.0.1:1"))
    request = WebhookRequest("https://texts.example.com/x", {}, b"", received_at=NOW)
    for read in (carrier.read_inbound, carrier.read_status):
        with pytest.raises(Forged):
            read(request)
    with pytest.raises(CarrierUnreachable):
        await carrier.confirm(Handshake("https://example.com"))
    with pytest.raises(NoList):
        await carrier.find(TEXT, since=NOW)
    assert (carrier.history, carrier.block_list) == (None, None)
    await carrier.close()


class Nowhere(asyncio.Transport):
    """A transport whose octets go nowhere."""

    def __init__(self) -> None:
        super().__init__()
        self.written = bytearray()

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        """Hold nothing back."""

    def get_write_buffer_size(self) -> int:
        """Nothing waits."""
        return 0

    def is_closing(self) -> bool:
        """There is nothing to close."""
        return True

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Keep what was written."""
        self.written += data


async def test_ten_thousand_broken_streams_are_survived() -> None:
    """Whatever comes, the session ends with its stream, and has answered in whole frames."""
    recorded = [
        encode_pdu(PDU(Command.ENQUIRE_LINK, 1)) + encode_pdu(PDU(Command.UNBIND, 2)),
        encode_pdu(PDU(Command.SUBMIT_SM_RESP, 7, body=b"x\0")) * 2,
        encode_pdu(PDU(0x99, 5)) + encode_pdu(PDU(Command.GENERIC_NACK, 0, 3)),
        encode_pdu(PDU(Command.DELIVER_SM, 3, body=b"\0\1\0019\0\3\0009\0" + bytes(10))),
    ]
    loop, heard = asyncio.get_running_loop(), list[PDU]()
    for octets in make_inputs(recorded, seed=9, count=10_000):
        reader, transport = asyncio.StreamReader(), Nowhere()
        reader.feed_data(octets)
        reader.feed_eof()
        protocol = asyncio.StreamReaderProtocol(reader)
        writer = asyncio.StreamWriter(transport, protocol, reader, loop)
        session = Session((reader, writer), SessionLimits(), lambda _, pdu: heard.append(pdu))
        await session.run()
        assert session.is_over
        assert all(pdu.is_response for pdu in FrameReader().read(bytes(transport.written)))
    assert {pdu.command for pdu in heard} <= {Command.DELIVER_SM, Command.DATA_SM}
    assert len(heard) > 500


def test_the_fences_of_these_tests_are_fences() -> None:
    """What stands for a fence here is one."""
    fences: list[Fence] = [Latch(1), Gate()]
    assert all(fence.is_open for fence in fences)
    assert isinstance(TEXT, OutboundText)
