"""Telnyx's REST interface: messages, the messaging profile, and the list of opt-outs."""

import asyncio
import hmac
from collections.abc import Awaitable, Callable

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp

from consentry.simulator.acceptance import accept_message
from consentry.simulator.carrier import Carrier
from consentry.simulator.dialect import Speaker, Told
from consentry.simulator.faults import FaultKind
from consentry.simulator.requests import (
    BadRequestError,
    DroppedAnswer,
    Endpoint,
    answer_json,
    read_body,
    read_parameters,
)
from consentry.simulator.telnyx.dialect import (
    BLOCKED,
    TELNYX_DIALECT,
    make_private_key,
    show_message,
)
from consentry.simulator.values import Account, Block, BlockLayer
from consentry.wire.forms import FormError
from consentry.wire.telnyx import TelnyxError, render_telnyx_errors, show_public_key
from consentry.wire.twilio_create import CreateMessage
from consentry.wire.twilio_errors import UNSUBSCRIBED_RECIPIENT_CODE, TwilioRefusedError

PAGE_SIZE_DEFAULT = 20
PAGE_SIZE_MAX = 250
_Authorized = Callable[[Carrier, Account, Request], Awaitable[ASGIApp]]
# Twilio's code for what `accept_message` refuses: HTTP status, code and title of Telnyx.
_REFUSALS = {
    UNSUBSCRIBED_RECIPIENT_CODE: (409, BLOCKED, "Blocked due to STOP message"),
    21211: (400, 40310, "Invalid 'to' address"),
    21212: (400, 40305, "Invalid 'from' address"),
    21606: (400, 40305, "Invalid 'from' address"),
    21609: (400, 10003, "Invalid URL"),
}


class _Send(msgspec.Struct, frozen=True, rename={"from_": "from"}):
    to: str
    from_: str
    text: str = ""
    media_urls: tuple[str, ...] = ()
    webhook_url: str | None = None
    messaging_profile_id: str | None = None


class _Refused(Exception):
    """An answer that says no."""

    def __init__(self, status: int, code: int, title: str) -> None:
        self.answer = _answer_error(status, code, title)
        super().__init__(title)


def build_telnyx_routes(carrier: Carrier) -> list[Route]:
    """List the routes below /v2."""
    return [
        Route("/v2/messages", _guard(carrier, _send), methods=["POST"]),
        Route("/v2/messages/{id}", _guard(carrier, _fetch), methods=["GET"]),
        Route("/v2/messaging_profiles/{id}", _guard(carrier, _fetch_profile), methods=["GET"]),
        Route("/v2/messaging_optouts", _guard(carrier, _list_opt_outs), methods=["GET"]),
    ]


def _answer_error(status: int, code: int, title: str) -> Response:
    body = render_telnyx_errors([TelnyxError(str(code), title, title)])
    return Response(body, status, media_type="application/json")


def _guard(carrier: Carrier, endpoint: _Authorized) -> Endpoint:
    async def guarded(request: Request) -> ASGIApp:
        try:
            return await endpoint(carrier, _authenticate(carrier, request), request)
        except _Refused as refused:
            return refused.answer
        except TwilioRefusedError as refused:
            known = _REFUSALS.get(refused.error.code, (400, 10015, refused.error.message))
            return _answer_error(*known)
        except (BadRequestError, FormError) as error:
            return _answer_error(400, 10015, str(error))

    return guarded


def _authenticate(carrier: Carrier, request: Request) -> Account:
    scheme, _, key = request.headers.get("Authorization", "").partition(" ")
    for account in carrier.accounts.values():
        fits = hmac.compare_digest(key.strip().encode(), account.token.encode())
        if scheme.lower() == "bearer" and fits:
            return account
    raise _Refused(401, 10009, "Authentication failed")


async def _send(carrier: Carrier, account: Account, request: Request) -> ASGIApp:
    send = _read_send(await read_body(request))
    parties = (send.from_, send.to)
    if carrier.faults.draw(FaultKind.RATE_LIMITED, *parties) is not None:
        raise _Refused(429, 10011, "Too many requests")
    if carrier.faults.draw(FaultKind.SERVER_ERROR, *parties) is not None:
        return Response(status_code=503)
    sender = carrier.state.senders.get(send.from_)
    # A message without an address for its reports has them sent to that of the profile.
    address = send.webhook_url or (None if sender is None else sender.inbound_url)
    create = CreateMessage(
        to_number=send.to,
        from_number=send.from_,
        body=send.text,
        media_urls=send.media_urls,
        status_callback=address,
    )
    message = accept_message(carrier, account, create)
    if slow := carrier.faults.draw(FaultKind.SLOW_ANSWER, *parties):
        await asyncio.sleep(slow.delay_seconds)
    if carrier.faults.draw(FaultKind.LOST_ANSWER, *parties) is not None:
        # Both happen: a gateway in between gives up, or the connection is cut.
        cut = carrier.faults.dice(FaultKind.LOST_ANSWER).random() < 0.5
        return DroppedAnswer() if cut else _answer_error(500, 10007, "Unexpected error")
    return answer_json({"data": show_message(message)})


def _read_send(body: bytes) -> _Send:
    try:
        send = msgspec.json.decode(body, type=_Send)
    except msgspec.ValidationError as error:
        raise _Refused(400, 10004, f"Missing required parameter: {error}") from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise _Refused(400, 10015, "Bad Request") from None
    if not send.text and not send.media_urls:
        raise _Refused(400, 40316, "No content provided for message")
    return send


async def _fetch(carrier: Carrier, account: Account, request: Request) -> Response:
    message = carrier.state.messages.get(request.path_params["id"])
    if message is None or message.resource.account_sid != account.sid:
        raise _Refused(404, 10005, "Resource not found")
    return answer_json({"data": show_message(message)})


async def _fetch_profile(_carrier: Carrier, account: Account, request: Request) -> Response:
    if request.path_params["id"] != account.sid:
        raise _Refused(404, 10005, "Resource not found")
    profile = {"record_type": "messaging_profile", "id": account.sid, "enabled": True}
    return answer_json({"data": {**profile, "name": "Simulated profile"}})


async def _list_opt_outs(carrier: Carrier, account: Account, request: Request) -> Response:
    query = read_parameters(request)
    number = query.get_integer("page[number]") or 1
    size = min(query.get_integer("page[size]") or PAGE_SIZE_DEFAULT, PAGE_SIZE_MAX)
    profile, sender = query.get("filter[messaging_profile_id]"), query.get("filter[from]")
    # The toll-free network keeps its blocks to itself.
    blocks = [
        block
        for block in carrier.state.blocks.values()
        if block.layer is not BlockLayer.NETWORK
        and block.scope == account.sid
        and profile in (None, account.sid)
        and sender in (None, block.sender)
    ]
    meta = {
        "total_pages": max(1, -(-len(blocks) // size)),
        "total_results": len(blocks),
        "page_number": number,
        "page_size": size,
    }
    chosen = blocks[(number - 1) * size : number * size]
    return answer_json({"data": [_show_opt_out(block) for block in chosen], "meta": meta})


def _show_opt_out(block: Block) -> dict[str, str | None]:
    return {
        "from": block.sender,
        "to": block.recipient,
        "messaging_profile_id": block.scope,
        "keyword": None if block.word is None else block.word.upper(),
        "created_at": str(block.since),
    }


def _tell(account: Account) -> list[Told]:
    return [
        Told("account", "Messaging profile", account.sid),
        Told("token", "API key", account.token),
        Told("public_key", "public key", show_public_key(make_private_key(account))),
    ]


def _answer_wrong(status: int, _path: str) -> Response:
    if status == 404:
        return _answer_error(404, 10005, "Resource not found")
    return _answer_error(status, 10015, "Bad Request")


TELNYX = Speaker(
    dialect=TELNYX_DIALECT,
    account=Account("40000000-0000-4000-8000-000000000001", "KEY-simulated"),
    tell=_tell,
    build_routes=build_telnyx_routes,
    root="/v2",
    answer_wrong=_answer_wrong,
)
