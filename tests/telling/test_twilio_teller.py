"""What programs hear: Twilio's forms, signed so that Twilio's own validator believes them."""

import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import msgspec
import pytest
from twilio.request_validator import RequestValidator

from consentry.actions.find_signer import Signer
from consentry.domain.entries import Actor, ActorKind
from consentry.domain.messages import Callback, Direction, Message, MessageStatus
from consentry.domain.notices import ReceivedNotice, StatusNotice, notice_of_text
from consentry.ports import StoreUnavailable, Told, Untold
from consentry.telling.posting import ANSWER_BYTES_MAX, Poster
from consentry.telling.resolving import Guard, SystemResolver
from consentry.telling.twilio_teller import TEXTS_MAX, TwilioTeller, idempotency_token
from consentry.wire.public_address import LOOPBACK
from consentry.wire.signatures import twilio_signature
from consentry.wire.twilio_form import Media, encode_form, parse_form, parse_inbound_message
from consentry.wire.twiml import AskedText
from consentry.wire.webhook_address import RetryCause
from loopback_program import Program, Says, running_program

pytestmark = pytest.mark.integration

NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
GUARD = Guard(SystemResolver(), LOOPBACK)
ACCOUNT, TOKEN = "AC" + "1" * 32, "12345"
SID = "SM" + "0" * 30 + "20"
MESSAGE = Message(
    id="msg_00000000000000000000000010",
    recipient="+14155550142",
    sender="+14155550100",
    direction=Direction.OUTBOUND,
    status=MessageStatus.SENT,
    body="Hello",
    created_at=NOON,
    updated_at=NOON,
    actor=Actor(ActorKind.KEY, "key_1"),
    carrier="car_1",
)
TEXT = msgspec.structs.replace(
    MESSAGE,
    direction=Direction.INBOUND,
    status=MessageStatus.RECEIVED,
    body="Ünïcode & more = +?\n🙂",
    service="MG1",
)


async def find_signer(account: str, carrier: str | None) -> Signer | None:
    """Know one account, which is the carrier's too."""
    if account == "away":
        raise StoreUnavailable("The disk is away.")
    known = account == ACCOUNT or (not account and carrier == "car_1")
    return Signer(ACCOUNT, TOKEN) if known else None


def status_notice(url: str, **changes: object) -> StatusNotice:
    """Make a notice of a status."""
    message = msgspec.structs.replace(MESSAGE, **changes)
    callback = Callback(url, ACCOUNT)
    return StatusNotice(id="ntc", made_at=NOON, callback=callback, message=message)


def text_notice(url: str, account: str = ACCOUNT, **changes: object) -> ReceivedNotice:
    """Make a notice of a text that came in."""
    message = msgspec.structs.replace(TEXT, **changes)
    return notice_of_text(message, Callback(url, account), opt_out_type="stop")


@asynccontextmanager
async def telling() -> AsyncIterator[tuple[TwilioTeller, Program]]:
    """Run a teller and a program."""
    teller = TwilioTeller(find_signer, Poster(GUARD))
    async with running_program() as program:
        yield teller, program
        await teller.close()


async def test_a_program_inside_that_nobody_named_is_told_nothing() -> None:
    """Neither what becomes of a text nor what came in; it runs, and hears nothing."""
    teller = TwilioTeller(find_signer, Poster(Guard(SystemResolver())))
    async with running_program() as program:
        for notice in (status_notice(program.url), text_notice(program.url)):
            told = await teller.tell(notice)
            assert isinstance(told, Untold)
            assert "CONSENTRY_WEBHOOK_PRIVATE_NETWORKS" in told.why
            assert told.cause is RetryCause.CONNECT
        assert program.heard == []
    await teller.close()


async def test_a_programs_redirect_is_not_followed() -> None:
    """It could lead inside."""
    async with telling() as (teller, program):
        program.says = lambda _heard: Says(307, headers=(f"Location: {program.url}/inside",))
        assert isinstance(await teller.tell(status_notice(f"{program.url}/told")), Untold)
        assert {heard.target for heard in program.heard} == {"/told"}


@pytest.mark.parametrize(
    "path",
    [
        "/status",
        "/status?order=1&x=a%20b",
        "/?b=2&a=1#rc=2&rp=all",
        "/%7ea%2Fb/c;d?x=%c3%a9+y&empty=",
        "/a b/é?q=ü 1",
        "?x=1",
        "",
    ],
)
async def test_a_status_is_told_in_twilios_form_and_signed(path: str) -> None:
    """With a query, with a port, and without the fragment, as Twilio signs."""
    async with telling() as (teller, program):
        assert await teller.tell(status_notice(program.url + path)) == Told()
        (heard,) = program.heard
        # A program knows the address it was called at from the request alone.
        url = program.url + heard.target
        assert heard.is_signed(url, TOKEN)
        assert not heard.is_signed(f"{url}x", TOKEN)
        assert not heard.is_signed(url, "54321")
        if path.startswith("/") and path.isascii() and " " not in path:
            assert heard.target == path.partition("#")[0]
        assert heard.headers["content-type"].startswith("application/x-www-form-urlencoded")
        assert heard.form == {
            "MessageSid": SID,
            "SmsSid": SID,
            "MessageStatus": "sent",
            "SmsStatus": "sent",
            "AccountSid": ACCOUNT,
            "From": "+14155550100",
            "To": "+14155550142",
            "ApiVersion": "2010-04-01",
        }


def test_the_port_may_be_left_out_of_what_is_believed() -> None:
    """A program behind a proxy knows its address with or without it: the validator tries both."""
    url, pairs = "https://shop.example/status?order=1", {"MessageSid": SID, "MessageStatus": "sent"}
    signature = twilio_signature(TOKEN, url, list(pairs.items()))
    for believed in (url, url.replace(".example/", ".example:443/")):
        assert RequestValidator(TOKEN).validate(believed, pairs, signature)


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"status": MessageStatus.SENDING}, {"MessageStatus": "queued"}),
        ({"status": MessageStatus.DELIVERED}, {"MessageStatus": "delivered"}),
        (
            {"status": MessageStatus.CANCELED, "error_code": "opted_out", "service": "MG1"},
            {"MessageStatus": "failed", "ErrorCode": "21610", "MessagingServiceSid": "MG1"},
        ),
        (
            {"status": MessageStatus.CANCELED, "error_code": "canceled_by_program"},
            {"MessageStatus": "canceled"},
        ),
        (
            {"status": MessageStatus.UNDELIVERED, "error_code": "30003"},
            {"MessageStatus": "undelivered", "ErrorCode": "30003"},
        ),
        (
            {"status": MessageStatus.FAILED, "media": ("http://a.example",)},
            {"ErrorCode": "30008"},
        ),
    ],
)
async def test_what_became_of_it_is_said_in_twilios_words(
    changes: dict[str, object], told: dict[str, str]
) -> None:
    """A text the gate stopped has failed with the code of the reason."""
    async with telling() as (teller, program):
        await teller.tell(status_notice(program.url, **changes))
        (heard,) = program.heard
        assert {name: heard.form.get(name) for name in told} == told
        assert heard.is_signed(program.url + heard.target, TOKEN)
        assert heard.form["MessageSid"].startswith("MM" if "media" in changes else "SM")


async def test_a_text_is_passed_on_as_twilio_posts_it() -> None:
    """Our own reader of Twilio's form reads all of it again; a carrier's account signs too."""
    async with telling() as (teller, program):
        media = ("https://a.example/a.png", "https://a.example/b")
        notice = text_notice(f"{program.url}/sms", media=media)
        notice = msgspec.structs.replace(notice, media_types=("image/png",))
        assert await teller.tell(notice) == Told()
        (heard,) = program.heard
        assert heard.is_signed(f"{program.url}/sms", TOKEN)
        read = parse_inbound_message(parse_form(encode_form(list(heard.form.items()))))
        assert (read.from_number, read.to_number, read.body) == (
            TEXT.recipient,
            TEXT.sender,
            TEXT.body,
        )
        assert (read.account_sid, read.messaging_service_sid) == (ACCOUNT, "MG1")
        assert read.opt_out_type == "STOP"
        assert read.media == (Media(media[0], "image/png"), Media(media[1], ""))
        assert await teller.tell(text_notice(f"{program.url}/sms", account="")) == Told()
        assert program.heard[1].form["AccountSid"] == ACCOUNT


async def test_the_token_is_the_same_each_time_it_is_told() -> None:
    """So a program that was told twice after a crash can tell."""
    async with telling() as (teller, program):
        notice = status_notice(program.url)
        again = msgspec.structs.replace(notice, attempts=3)
        other = msgspec.structs.replace(notice, id="other")
        for one in (notice, again, other):
            await teller.tell(one)
        first, second, third = (heard.token for heard in program.heard)
        assert first == second == idempotency_token(notice) != third


TWO = "<Response><Message>one</Message><Message><Body>two</Body></Message></Response>"


@pytest.mark.parametrize(
    ("said", "texts", "unread"),
    [
        (Says(body=TWO), ("one", "two"), None),
        (Says(body=TWO, media_type="application/xml; charset=utf-8"), ("one", "two"), None),
        (Says(body=""), (), None),
        (Says(status=204, body=""), (), None),
        (Says(body="<Response/>"), (), None),
        (Says(body="<Response><Redirect>http://x.example</Redirect></Response>"), (), None),
        (Says(body="OK", media_type="text/plain"), (), "text/plain and not TwiML"),
        (Says(body="<html>", media_type="text/html"), (), "not TwiML"),
        (Says(body="<Response><Message>one"), (), "not TwiML"),
        (Says(body=f"<Response>{'<Message>a</Message>' * 11}</Response>"), ("a",) * 10, "11 texts"),
        (Says(body=f"<Response>{' ' * ANSWER_BYTES_MAX}</Response>"), (), "longer than"),
    ],
)
async def test_what_an_answer_asks_for(
    said: Says, texts: tuple[str, ...], unread: str | None
) -> None:
    """TwiML's texts, bounded; whatever is no TwiML asks for nothing, and that is said."""
    async with telling() as (teller, program):
        program.says = lambda _heard: said
        told = await teller.tell(text_notice(program.url))
        assert isinstance(told, Told)
        assert tuple(text.body for text in told.texts) == texts
        assert len(told.texts) <= TEXTS_MAX
        assert (told.unread is None) if unread is None else (unread in str(told.unread))


async def test_an_answer_is_read_with_all_that_it_names() -> None:
    """Pictures and callbacks are relative to the address that answered."""
    twiml = (
        '<Response><Message to="+14155550143" from="55555" statusCallback="done?x=1">Hi'
        "<Media>/a.png</Media><Media>https://b.example/b</Media></Message>"
        "<Message><Media>c.png</Media></Message></Response>"
    )
    async with telling() as (teller, program):
        program.says = lambda _heard: Says(body=twiml)
        told = await teller.tell(text_notice(f"{program.url}/in/sms?shop=1"))
        assert isinstance(told, Told)
        assert told.texts == (
            AskedText(
                "Hi",
                (f"{program.url}/a.png", "https://b.example/b"),
                "+14155550143",
                "55555",
                f"{program.url}/in/done?x=1",
            ),
            AskedText("", (f"{program.url}/in/c.png",)),
        )


@pytest.mark.parametrize(
    "inside",
    [
        "<Message>a<Media>mailto:a@b.example</Media></Message>",
        '<Message statusCallback="http://a.example#rc=9">a</Message>',
        f"<Message>{'<Media>a</Media>' * 11}</Message>",
        "<Message><Media>http://[</Media></Message>",
    ],
)
async def test_an_answer_with_an_address_that_is_none_asks_for_nothing(inside: str) -> None:
    """Half of what a program wanted to say is not said in its name."""
    async with telling() as (teller, program):
        program.says = lambda _heard: Says(body=f"<Response>{inside}</Response>")
        told = await teller.tell(text_notice(program.url))
        assert isinstance(told, Told)
        assert told.texts == ()
        assert "not TwiML" in str(told.unread)


async def test_an_answer_to_a_status_asks_for_nothing() -> None:
    """Whatever it says."""
    async with telling() as (teller, program):
        program.says = lambda _heard: Says(body=TWO)
        assert await teller.tell(status_notice(program.url)) == Told()


@pytest.mark.parametrize(
    ("status", "cause", "is_down"),
    [
        (500, RetryCause.SERVER_ERROR, True),
        (503, RetryCause.SERVER_ERROR, True),
        (404, RetryCause.CLIENT_ERROR, False),
        (302, RetryCause.CLIENT_ERROR, False),
    ],
)
async def test_whoever_does_not_say_2xx_does_not_have_it(
    status: int, cause: RetryCause, *, is_down: bool
) -> None:
    """A redirect is not followed: where it leads, nobody has allowed."""
    async with telling() as (teller, program):
        program.says = lambda _heard: Says(status, headers=(f"Location: {program.url}/other",))
        told = await teller.tell(status_notice(program.url))
        why = f"It answered with HTTP {status}."
        assert told == Untold(why, cause, is_server_down=is_down, status=status)
        assert len(program.heard) == 1


async def test_who_does_not_answer_in_time_does_not_have_it() -> None:
    """The address says how long that is."""
    async with telling() as (teller, program):
        program.says = lambda _heard: Says(waits=0.6)
        for override in ("#rt=100", "#tt=100"):
            told = await teller.tell(status_notice(program.url + override))
            assert isinstance(told, Untold)
            assert (told.cause, told.is_server_down) == (RetryCause.READ_TIMEOUT, True)


async def test_where_nobody_listens_there_is_no_connection() -> None:
    """Neither at a port that is closed, nor under a name that is none, which is said plainly."""
    teller = TwilioTeller(find_signer, Poster(GUARD))
    with socket.socket() as closed:
        # Nobody else gets the port meanwhile, and nobody listens.
        closed.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{closed.getsockname()[1]}"
        ways = {url: "No connection: Connection refused.", "http://nowhere.invalid/x": ""}
        for url, why in ways.items():
            told = await teller.tell(status_notice(url))
            assert isinstance(told, Untold)
            assert told.why.startswith(why)
            assert (told.cause, told.is_server_down) == (RetryCause.CONNECT, True)
    await teller.close()


async def test_an_answer_that_breaks_off_is_none() -> None:
    """The program may have it, so it is told again under the same token."""
    async with telling() as (teller, program):
        program.says = lambda _heard: Says(headers=("Content-Length: 9999",))
        told = await teller.tell(text_notice(program.url))
        assert isinstance(told, Untold)
        assert told.cause is RetryCause.READ_TIMEOUT


async def test_what_cannot_be_told_is_said() -> None:
    """No address, no sid, nobody to sign, no store to ask."""
    async with telling() as (teller, program):
        for notice, cause, why in (
            (status_notice("shop.example"), None, "not an http"),
            (status_notice(f"{program.url}/\ud800"), None, "surrogates not allowed"),
            (status_notice(program.url, id="msg_1"), None, "not the id of a message"),
            (text_notice(program.url, account="ACgone"), RetryCause.CLIENT_ERROR, "ACgone"),
            (text_notice(program.url, account="", carrier="x"), RetryCause.CLIENT_ERROR, "carrier"),
            (text_notice(program.url, account="away"), RetryCause.CONNECT, "disk is away"),
        ):
            told = await teller.tell(notice)
            assert isinstance(told, Untold)
            assert (told.cause, why in told.why) == (cause, True), told
        assert program.heard == []
