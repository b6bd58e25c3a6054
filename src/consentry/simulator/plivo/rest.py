"""Plivo's REST interface: messages, their list, and the account itself."""

import asyncio
import hmac
from collections.abc import Awaitable, Callable

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp

from consentry.simulator.acceptance import accept_message
from consentry.simulator.carrier import Carrier, build_uuid
from consentry.simulator.dialect import Speaker, Told
from consentry.simulator.faults import FaultKind
from consentry.simulator.plivo.dialect import (
    PLIVO_DIALECT,
    STATUSES,
    write_number,
    write_time,
)
from consentry.simulator.requests import (
    BadRequestError,
    DroppedAnswer,
    Endpoint,
    answer_json,
    read_body,
    read_login,
    read_parameters,
)
from consentry.simulator.values import Account, Message
from consentry.wire.forms import Form, FormError
from consentry.wire.twilio_create import CreateMessage
from consentry.wire.twilio_errors import TwilioRefusedError
from consentry.wire.twilio_message import Direction

PAGE_SIZE_MAX = 20
_Authorized = Callable[[Carrier, Account, Request], Awaitable[ASGIApp]]


class _Send(msgspec.Struct, frozen=True):
    src: str
    dst: str
    text: str = ""
    media_urls: tuple[str, ...] = ()
    url: str | None = None
    type: str = "sms"


class _Refused(Exception):
    """An answer that says no."""

    def __init__(self, status: int, error: str) -> None:
        self.answer = _answer_error(status, error)
        super().__init__(error)


def build_plivo_routes(carrier: Carrier) -> list[Route]:
    """List the routes below /v1/Account."""
    root = "/v1/Account/{auth_id}"
    return [
        Route(f"{root}/", _guard(carrier, _fetch_account), methods=["GET"]),
        Route(f"{root}/Message/", _guard(carrier, _send), methods=["POST"]),
        Route(f"{root}/Message/", _guard(carrier, _list), methods=["GET"]),
        Route(f"{root}/Message/{{uuid}}/", _guard(carrier, _fetch), methods=["GET"]),
    ]


def _answer_error(status: int, error: str) -> Response:
    return answer_json({"api_id": build_uuid(), "error": error}, status)


def _guard(carrier: Carrier, endpoint: _Authorized) -> Endpoint:
    async def guarded(request: Request) -> ASGIApp:
        try:
            return await endpoint(carrier, _authenticate(carrier, request), request)
        except _Refused as refused:
            return refused.answer
        except (TwilioRefusedError, BadRequestError, FormError) as error:
            return _answer_error(400, str(error))

    return guarded


def _authenticate(carrier: Carrier, request: Request) -> Account:
    auth_id, token = read_login(request)
    account = carrier.accounts.get(auth_id)
    if account is None or not hmac.compare_digest(token, account.token.encode()):
        raise _Refused(401, "authentication failed")
    if request.path_params["auth_id"] != account.sid:
        raise _Refused(401, "authentication failed")
    return account


async def _fetch_account(_carrier: Carrier, account: Account, _request: Request) -> Response:
    names = {"auth_id": account.sid, "name": "Simulated account", "account_type": "standard"}
    return answer_json({"api_id": build_uuid(), "state": "active", **names})


async def _send(carrier: Carrier, account: Account, request: Request) -> ASGIApp:
    send = _read_send(await read_body(request))
    parties = (_find_number(carrier, send.src), _read_number(send.dst))
    if carrier.faults.draw(FaultKind.RATE_LIMITED, *parties) is not None:
        raise _Refused(429, "too many requests")
    if carrier.faults.draw(FaultKind.SERVER_ERROR, *parties) is not None:
        return Response(status_code=503)
    create = CreateMessage(
        to_number=parties[1],
        from_number=parties[0],
        body=send.text,
        media_urls=send.media_urls,
        status_callback=send.url,
    )
    message = accept_message(carrier, account, create)
    if slow := carrier.faults.draw(FaultKind.SLOW_ANSWER, *parties):
        await asyncio.sleep(slow.delay_seconds)
    if carrier.faults.draw(FaultKind.LOST_ANSWER, *parties) is not None:
        # Both happen: a gateway in between gives up, or the connection is cut.
        cut = carrier.faults.dice(FaultKind.LOST_ANSWER).random() < 0.5
        return DroppedAnswer() if cut else _answer_error(500, "server error")
    taken = {"message": "message(s) queued", "message_uuid": [message.resource.sid]}
    return answer_json({"api_id": build_uuid(), **taken}, 202)


def _read_send(body: bytes) -> _Send:
    try:
        send = msgspec.json.decode(body, type=_Send)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise _Refused(400, str(error)) from None
    if not send.text and not send.media_urls:
        raise _Refused(400, "text or media_urls parameter not present")
    return send


def _read_number(number: str) -> str:
    return number if number.startswith("+") else f"+{number}"


def _find_number(carrier: Carrier, number: str) -> str:
    """Find a number of ours as it is known here: with its plus, or a short code as it is."""
    return number if number in carrier.state.senders else _read_number(number)


async def _list(carrier: Carrier, account: Account, request: Request) -> Response:
    query = read_parameters(request)
    limit = min(query.get_integer("limit") or PAGE_SIZE_MAX, PAGE_SIZE_MAX)
    offset = query.get_integer("offset") or 0
    shown = [
        _show(message)
        for message in reversed(list(carrier.state.messages.values()))
        if message.resource.account_sid == account.sid
    ]
    chosen = [one for one in shown if _is_wanted(one, query)]
    meta = {"limit": limit, "offset": offset, "total_count": len(chosen)}
    objects = chosen[offset : offset + limit]
    return answer_json({"api_id": build_uuid(), "meta": meta, "objects": objects})


def _is_wanted(shown: dict[str, str], query: Form) -> bool:
    """Compare with what a list is asked for; a time of one format compares as text."""
    for name in ("message_direction", "message_state", "from_number", "to_number"):
        wanted = query.get(name)
        if wanted is not None and wanted != shown[name]:
            return False
    return shown["message_time"] >= (query.get("message_time__gte") or "")


async def _fetch(carrier: Carrier, account: Account, request: Request) -> Response:
    message = carrier.state.messages.get(request.path_params["uuid"])
    if message is None or message.resource.account_sid != account.sid:
        raise _Refused(404, "not found")
    return answer_json({"api_id": build_uuid(), **_show(message)})


def _show(message: Message) -> dict[str, str]:
    """Show what Plivo keeps of a message: not its words."""
    resource = message.resource
    is_inbound = resource.direction is Direction.INBOUND
    code = "000" if resource.error_code is None else str(resource.error_code)
    return {
        "message_uuid": resource.sid,
        "message_direction": "inbound" if is_inbound else "outbound",
        "message_state": STATUSES.get(resource.status, "queued"),
        "message_time": write_time(resource.date_created) + "+00:00",
        "message_type": "mms" if resource.num_media else "sms",
        "from_number": write_number(resource.from_number or ""),
        "to_number": write_number(resource.to_number),
        "error_code": code,
    }


def _tell(account: Account) -> list[Told]:
    return [Told("account", "Auth ID", account.sid), Told("token", "auth token", account.token)]


def _answer_wrong(status: int, _path: str) -> Response:
    return _answer_error(status, "not found" if status == 404 else "method not allowed")


PLIVO = Speaker(
    dialect=PLIVO_DIALECT,
    account=Account(f"MA{'0' * 17}1", "simulated-auth-token"),
    tell=_tell,
    build_routes=build_plivo_routes,
    root="/v1/Account",
    answer_wrong=_answer_wrong,
)
