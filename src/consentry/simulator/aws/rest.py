"""AWS's API for texts and its opt-out list, and what SNS answers beside what it posts."""

import asyncio
import hmac
from datetime import UTC, datetime, timedelta
from typing import TypeVar

import msgspec
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from consentry.simulator.acceptance import accept_message
from consentry.simulator.aws.dialect import (
    AWS_DIALECT,
    OPT_OUT_LIST,
    make_key_id,
    make_signer,
    wrap,
)
from consentry.simulator.carrier import Carrier, build_sid
from consentry.simulator.dialect import Speaker, Told
from consentry.simulator.faults import FaultKind, WebhookKind
from consentry.simulator.requests import (
    BadRequestError,
    DroppedAnswer,
    answer_json,
    bad_request,
    build_route,
    read_body,
    read_json,
)
from consentry.simulator.state import BlockLifted, BlockSet, MessageKept
from consentry.simulator.values import Account, Block, BlockCause, BlockLayer
from consentry.simulator.webhooks import Job, Webhook
from consentry.wire.sigv4 import SigningKey, sign_request
from consentry.wire.sns import SUBSCRIPTION_CONFIRMATION, render_envelope
from consentry.wire.twilio_create import CreateMessage
from consentry.wire.twilio_errors import UNSUBSCRIBED_RECIPIENT_CODE, TwilioRefusedError
from consentry.wire.webhook_address import WebhookAddressError

SERVICE = "sms-voice"
TARGET = "PinpointSMSVoiceV2."
CLOCK_SKEW_MAX = timedelta(minutes=5)
TAKEN_OFF_AGAIN_AFTER = timedelta(days=30)
PAGE_SIZE_MAX = 100
_OPTED_OUT = "DESTINATION_PHONE_NUMBER_OPTED_OUT"
# Twilio's code for what `accept_message` refuses: exception and reason of AWS.
_REFUSALS = {
    UNSUBSCRIBED_RECIPIENT_CODE: ("ConflictException", _OPTED_OUT),
    21211: ("ValidationException", "INVALID_PARAMETER"),
    21212: ("ResourceNotFoundException", ""),
    21606: ("ResourceNotFoundException", ""),
    21617: ("ValidationException", "MAXIMUM_SIZE_EXCEEDED"),
}


class _Refused(Exception):
    """An answer that says no."""

    def __init__(self, kind: str, message: str, *, reason: str = "", status: int = 400) -> None:
        self.answer = _answer_error(kind, message, reason=reason, status=status)
        super().__init__(message)


class _Send(msgspec.Struct, frozen=True, rename="pascal"):
    destination_phone_number: str
    origination_identity: str | None = None
    message_body: str = ""
    media_urls: tuple[str, ...] = ()
    configuration_set_name: str | None = None
    context: dict[str, str] = {}


class _Listing(msgspec.Struct, frozen=True, rename="pascal"):
    opt_out_list_name: str
    next_token: str | None = None
    max_results: int = PAGE_SIZE_MAX


class _Change(msgspec.Struct, frozen=True, rename="pascal"):
    opt_out_list_name: str
    opted_out_number: str


_Asked = TypeVar("_Asked", _Send, _Listing, _Change)


class _Subscription(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An address that the account's topic is to be told at."""

    url: str


class Subscriptions:
    """Who asked to be told by SNS, and who has said yes."""

    def __init__(self) -> None:
        """Begin with nobody."""
        self.urls: dict[str, str] = {}
        self.confirmed: set[str] = set()


def build_aws_routes(carrier: Carrier) -> list[Route]:
    """List the routes: one for the API, and those of SNS."""
    subscriptions = Subscriptions()

    async def call(request: Request) -> ASGIApp:
        try:
            return await _call(carrier, request)
        except _Refused as refused:
            return refused.answer
        except TwilioRefusedError as refused:
            kind, reason = _REFUSALS.get(refused.error.code, ("ValidationException", "OTHER"))
            return _answer_error(kind, refused.error.message, reason=reason)
        except BadRequestError as error:
            return _answer_error("ValidationException", error.detail, reason="CANNOT_PARSE")

    async def give_certificate(_request: Request) -> Response:
        return Response(make_signer().certificate, media_type="application/x-pem-file")

    async def confirm(request: Request) -> Response:
        return _confirm(subscriptions, request)

    async def subscribe(carrier: Carrier, request: Request) -> Response:
        return await _subscribe(carrier, subscriptions, request)

    async def list_subscriptions(_carrier: Carrier, _request: Request) -> Response:
        listed = [
            {"url": url, "confirmed": token in subscriptions.confirmed}
            for token, url in subscriptions.urls.items()
        ]
        return answer_json({"subscriptions": listed})

    return [
        Route("/", call, methods=["POST"]),
        Route("/", confirm, methods=["GET"]),
        Route(make_signer().path, give_certificate, methods=["GET"]),
        build_route(carrier, "/api/subscriptions", "POST", subscribe),
        build_route(carrier, "/api/subscriptions", "GET", list_subscriptions),
    ]


def _answer_error(kind: str, message: str, *, reason: str = "", status: int = 400) -> Response:
    body = {"__type": kind, "Message": message} | ({"Reason": reason} if reason else {})
    return Response(msgspec.json.encode(body), status, media_type="application/x-amz-json-1.0")


async def _call(carrier: Carrier, request: Request) -> ASGIApp:
    body = await read_body(request)
    account = _authenticate(carrier, request, body)
    name = request.headers.get("X-Amz-Target", "").removeprefix(TARGET)
    if name in ("SendTextMessage", "SendMediaMessage"):
        return await _send(carrier, account, _read(body, _Send))
    if name == "DescribeOptedOutNumbers":
        return _list_opted_out(carrier, _read(body, _Listing))
    if name == "PutOptedOutNumber":
        return _put(carrier, _read(body, _Change))
    if name == "DeleteOptedOutNumber":
        return _take_off(carrier, _read(body, _Change))
    raise _Refused("UnknownOperationException", f"{name!r} is not simulated")


def _read(body: bytes, kind: type[_Asked]) -> _Asked:
    try:
        return msgspec.json.decode(body, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise _Refused(
            "ValidationException", str(error), reason="FIELD_VALIDATION_FAILED"
        ) from None


def _authenticate(carrier: Carrier, request: Request, body: bytes) -> Account:
    """Find whose request it is by its signature; every signed header is held to what came."""
    given = request.headers.get("Authorization", "")
    parts = dict(part.strip().partition("=")[::2] for part in given.partition(" ")[2].split(","))
    scope = parts.get("Credential", "").split("/")
    account = next((a for a in carrier.accounts.values() if scope[0] == make_key_id(a)), None)
    if account is None or len(scope) != 5:
        raise _Refused("UnrecognizedClientException", "The access key is not known", status=403)
    at = _read_stamp(request.headers.get("X-Amz-Date", ""))
    if at is None or abs(carrier.now() - at) > CLOCK_SKEW_MAX:
        raise _Refused("InvalidSignatureException", "The signature has expired", status=403)
    names = parts.get("SignedHeaders", "").split(";")
    given_anyway = {"host", "x-amz-date"}
    signed = sign_request(
        SigningKey(scope[0], account.token, scope[2], scope[3]),
        request.method,
        str(request.url),
        headers={n: request.headers.get(n, "") for n in names if n not in given_anyway},
        body=body,
        at=at,
    )
    if scope[3] != SERVICE or not hmac.compare_digest(signed["authorization"], given):
        raise _Refused("InvalidSignatureException", "The signature does not match", status=403)
    return account


def _read_stamp(text: str) -> datetime | None:
    try:
        return datetime.strptime(text, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    except ValueError:
        return None


async def _send(carrier: Carrier, account: Account, send: _Send) -> ASGIApp:
    number = send.origination_identity or next(iter(carrier.state.senders), "")
    parties = (number, send.destination_phone_number)
    if carrier.faults.draw(FaultKind.RATE_LIMITED, *parties) is not None:
        raise _Refused("ThrottlingException", "Rate exceeded")
    if carrier.faults.draw(FaultKind.SERVER_ERROR, *parties) is not None:
        raise _Refused("ServiceUnavailableException", "Try again", status=503)
    if not send.message_body.strip() and not send.media_urls:
        raise _Refused("ValidationException", "Nothing to send", reason="MISSING_PARAMETER")
    sender = carrier.state.senders.get(number)
    create = CreateMessage(
        to_number=send.destination_phone_number,
        from_number=number,
        body=send.message_body,
        media_urls=send.media_urls,
        # Without a configuration set nothing is told of what becomes of a text.
        status_callback=sender.inbound_url if sender and send.configuration_set_name else None,
    )
    message = accept_message(carrier, account, create)
    # It is on its way already; what is reported later is read from here.
    current = carrier.state.messages[message.resource.sid]
    carrier.books.record(MessageKept(msgspec.structs.replace(current, context=send.context)))
    if slow := carrier.faults.draw(FaultKind.SLOW_ANSWER, *parties):
        await asyncio.sleep(slow.delay_seconds)
    if carrier.faults.draw(FaultKind.LOST_ANSWER, *parties) is not None:
        # Both happen: a gateway in between gives up, or the connection is cut.
        cut = carrier.faults.dice(FaultKind.LOST_ANSWER).random() < 0.5
        return DroppedAnswer() if cut else _answer_error("InternalServerException", "", status=500)
    return answer_json({"MessageId": message.resource.sid})


def _check_list(name: str) -> None:
    if name.rpartition("/")[2] != OPT_OUT_LIST:
        raise _Refused("ResourceNotFoundException", f"There is no opt-out list {name}")


def _find_listed(carrier: Carrier) -> list[Block]:
    """List who is on the opt-out list; the toll-free network keeps its blocks to itself."""
    return [b for b in carrier.state.blocks.values() if b.layer is not BlockLayer.NETWORK]


def _list_opted_out(carrier: Carrier, asked: _Listing) -> Response:
    _check_list(asked.opt_out_list_name)
    if not 1 <= asked.max_results <= PAGE_SIZE_MAX or not (asked.next_token or "0").isdecimal():
        raise _Refused("ValidationException", "MaxResults", reason="FIELD_VALIDATION_FAILED")
    start = int(asked.next_token or 0)
    blocks = _find_listed(carrier)
    shown = blocks[start : start + asked.max_results]
    end = start + len(shown)
    page = {
        "OptOutListName": OPT_OUT_LIST,
        "OptedOutNumbers": [_show(block) for block in shown],
    }
    return answer_json(page | ({"NextToken": str(end)} if end < len(blocks) else {}))


def _show(block: Block) -> dict[str, object]:
    return {
        "OptedOutNumber": block.recipient,
        "OptedOutTimestamp": block.since.timestamp(),
        "EndUserOptedOut": block.cause is BlockCause.TEXT,
    }


def _put(carrier: Carrier, change: _Change) -> Response:
    _check_list(change.opt_out_list_name)
    number, now = change.opted_out_number, carrier.now()
    block = Block(OPT_OUT_LIST, number, BlockLayer.KEYWORD, BlockCause.CARRIER, now, "")
    carrier.books.record(BlockSet(block))
    return answer_json({"OptOutListName": OPT_OUT_LIST, **_show(block)})


def _take_off(carrier: Carrier, change: _Change) -> Response:
    """Take a number off, once in 30 days."""
    _check_list(change.opt_out_list_name)
    number, now = change.opted_out_number, carrier.now()
    found = [block for block in _find_listed(carrier) if block.recipient == number]
    if not found:
        raise _Refused("ResourceNotFoundException", f"{number} is not on the list")
    before = carrier.state.taken_off.get(number)
    if before is not None and now - before < TAKEN_OFF_AGAIN_AFTER:
        raise _Refused(
            "ValidationException",
            f"{number} was taken off within 30 days",
            reason="PHONE_NUMBER_CANNOT_BE_OPTED_IN",
        )
    for block in found:
        carrier.books.record(BlockLifted(block.scope, block.recipient, block.layer, now))
    return answer_json({"OptOutListName": OPT_OUT_LIST, **_show(found[0])})


async def _subscribe(carrier: Carrier, subscriptions: Subscriptions, request: Request) -> Response:
    """Subscribe an address to the first account's topic: it is asked whether it wants that."""
    url = (await read_json(request, _Subscription)).url
    account, token = next(iter(carrier.accounts.values())), build_sid("")
    topic, now = account.sid, carrier.now()
    try:
        address = carrier.dialect.read_address(url)
    except WebhookAddressError as error:
        raise bad_request("url_invalid", str(error)) from None
    envelope = msgspec.structs.replace(
        wrap(topic, f"You have chosen to subscribe to {topic}.", at=now),
        type=SUBSCRIPTION_CONFIRMATION,
        token=token,
        subscribe_url=(
            f"{carrier.webhooks.home}/?Action=ConfirmSubscription&TopicArn={topic}&Token={token}"
        ),
    )
    subscriptions.urls[token] = url
    webhook = Webhook(
        token=token,
        kind=WebhookKind.INBOUND,
        sid=token,
        sender="",
        recipient="",
        url=url,
        pairs=[],
        json=render_envelope(envelope).decode(),
        created_at=now,
        created_order=carrier.state.next_order(),
    )
    carrier.webhooks.post(Job(webhook, address, account), ("subscription", url))
    return answer_json({"url": url, "confirmed": False}, 201)


def _confirm(subscriptions: Subscriptions, request: Request) -> Response:
    """Take the yes of an address; whoever comes without one wants the handsets."""
    asked = request.query_params
    if "Action" not in asked:
        return RedirectResponse("/handsets")
    token = asked.get("Token", "")
    if asked["Action"] != "ConfirmSubscription" or token not in subscriptions.urls:
        return Response("<ErrorResponse/>", 400, media_type="text/xml")
    subscriptions.confirmed.add(token)
    return Response("<ConfirmSubscriptionResponse/>", media_type="text/xml")


def _tell(account: Account) -> list[Told]:
    return [
        Told("account", "Topic ARN", account.sid),
        Told("key_id", "access key ID", make_key_id(account)),
        Told("key_secret", "secret access key", account.token),
    ]


def _answer_wrong(status: int, path: str) -> Response:
    return _answer_error("UnknownOperationException", f"{path} is not served", status=status)


AWS = Speaker(
    dialect=AWS_DIALECT,
    account=Account("arn:aws:sns:us-east-1:000000000001:texts", "simulated-secret-access-key"),
    tell=_tell,
    build_routes=build_aws_routes,
    root="/SimpleNotificationService-",
    answer_wrong=_answer_wrong,
)
