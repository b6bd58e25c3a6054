"""Twilio's REST interface for messages, spoken exactly, so that its own clients cannot tell."""

import asyncio
import hmac
from collections.abc import Awaitable, Callable

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp

from consentry.simulator.acceptance import (
    accept_message,
    cancel_message,
    delete_message,
    redact_message,
)
from consentry.simulator.carrier import Carrier
from consentry.simulator.dialect import Speaker, Told
from consentry.simulator.faults import FaultKind
from consentry.simulator.requests import (
    BadRequestError,
    DroppedAnswer,
    Endpoint,
    answer_json,
    read_body,
    read_login,
)
from consentry.simulator.twilio.dialect import TWILIO_DIALECT
from consentry.simulator.twilio.rest_list import build_page, read_query
from consentry.simulator.values import Account, Message
from consentry.wire.forms import Form, FormError, parse_form
from consentry.wire.twilio_create import parse_create_message
from consentry.wire.twilio_errors import (
    TwilioError,
    TwilioRefusedError,
    build_twilio_error,
    refuse,
    render_twilio_error,
)
from consentry.wire.twilio_form import API_VERSION
from consentry.wire.twilio_message import MessageResource, render_message, render_page

_FORM_TYPE = "application/x-www-form-urlencoded"
_Authorized = Callable[[Carrier, Account, Request], Awaitable[ASGIApp]]


def build_rest_routes(carrier: Carrier) -> list[Route]:
    """List the routes below /2010-04-01."""
    root = f"/{API_VERSION}/Accounts/{{account_sid}}"
    return [
        Route(f"{root}.json", _guard(carrier, _fetch_account), methods=["GET"]),
        Route(f"{root}/Messages.json", _guard(carrier, _create), methods=["POST"]),
        Route(f"{root}/Messages.json", _guard(carrier, _list), methods=["GET"]),
        Route(f"{root}/Messages/{{sid}}.json", _guard(carrier, _fetch), methods=["GET"]),
        Route(f"{root}/Messages/{{sid}}.json", _guard(carrier, _update), methods=["POST"]),
        Route(f"{root}/Messages/{{sid}}.json", _guard(carrier, _delete), methods=["DELETE"]),
    ]


def answer_error(error: TwilioError) -> Response:
    """Answer with Twilio's error body."""
    headers = {"WWW-Authenticate": 'Basic realm="Twilio API"'} if error.status == 401 else None
    return Response(
        render_twilio_error(error), error.status, headers, media_type="application/json"
    )


def _guard(carrier: Carrier, endpoint: _Authorized) -> Endpoint:
    async def guarded(request: Request) -> ASGIApp:
        try:
            return await endpoint(carrier, _authenticate(carrier, request), request)
        except TwilioRefusedError as refused:
            return answer_error(refused.error)
        except FormError as error:
            return answer_error(build_twilio_error(20001, str(error)))
        except BadRequestError as error:
            return answer_error(build_twilio_error(20001, error.detail))

    return guarded


def _authenticate(carrier: Carrier, request: Request) -> Account:
    sid, token = read_login(request)
    account = carrier.accounts.get(sid)
    if account is None or not hmac.compare_digest(token, account.token.encode()):
        raise refuse(20003)
    if request.path_params["account_sid"] != account.sid:
        raise refuse(20003)
    return account


async def _fetch_account(_carrier: Carrier, account: Account, request: Request) -> Response:
    return answer_json(
        {
            "sid": account.sid,
            "friendly_name": "Simulated account",
            "status": "active",
            "type": "Full",
            "owner_account_sid": account.sid,
            "uri": request.url.path,
        }
    )


async def _create(carrier: Carrier, account: Account, request: Request) -> ASGIApp:
    form = await _read_form(request)
    parties = (form.get("From") or "", form.get("To") or "")
    if carrier.faults.draw(FaultKind.RATE_LIMITED, *parties) is not None:
        raise refuse(20429)
    if carrier.faults.draw(FaultKind.SERVER_ERROR, *parties) is not None:
        raise refuse(20503)
    message = accept_message(carrier, account, parse_create_message(form))
    if slow := carrier.faults.draw(FaultKind.SLOW_ANSWER, *parties):
        await asyncio.sleep(slow.delay_seconds)
    if carrier.faults.draw(FaultKind.LOST_ANSWER, *parties) is not None:
        # Both happen: a gateway in between gives up, or the connection is cut.
        cut = carrier.faults.dice(FaultKind.LOST_ANSWER).random() < 0.5
        return DroppedAnswer() if cut else answer_error(build_twilio_error(20500))
    return _answer_message(message.resource, 201)


async def _list(carrier: Carrier, account: Account, request: Request) -> Response:
    query = read_query(parse_form(request.scope["query_string"]))
    page = build_page(carrier.state, account.sid, query)
    return Response(render_page(page), media_type="application/json")


async def _fetch(carrier: Carrier, account: Account, request: Request) -> Response:
    return _answer_message(_find(carrier, account, request).resource)


async def _update(carrier: Carrier, account: Account, request: Request) -> Response:
    form = await _read_form(request)
    message = _find(carrier, account, request)
    status, body = form.get("Status"), form.first.get("Body")
    if status is not None and body is not None:
        raise refuse(30400, "cancel and redact in two requests")
    if status is not None:
        if status != "canceled":
            raise refuse(30400, "Status may only be 'canceled'")
        return _answer_message(cancel_message(carrier, message).resource)
    if body is None:
        raise refuse(30400, "give Status=canceled, or an empty Body")
    if body:
        raise refuse(30400, "a body can only be emptied")
    return _answer_message(redact_message(carrier, message).resource)


async def _delete(carrier: Carrier, account: Account, request: Request) -> Response:
    delete_message(carrier, _find(carrier, account, request))
    return Response(status_code=204)


def _find(carrier: Carrier, account: Account, request: Request) -> Message:
    message = carrier.state.messages.get(request.path_params["sid"])
    if message is None or message.resource.account_sid != account.sid:
        raise refuse(20404, request.url.path)
    return message


async def _read_form(request: Request) -> Form:
    content_type = request.headers.get("Content-Type", _FORM_TYPE).partition(";")[0].strip()
    if content_type.lower() != _FORM_TYPE:
        raise FormError("Content-Type", f"must be {_FORM_TYPE}")
    return parse_form(await read_body(request))


def _answer_message(resource: MessageResource, status: int = 200) -> Response:
    return Response(render_message(resource), status, media_type="application/json")


def _tell(account: Account) -> list[Told]:
    return [Told("account", "Account", account.sid), Told("token", "auth token", account.token)]


def _answer_wrong(status: int, path: str) -> Response:
    return answer_error(build_twilio_error(20004 if status == 405 else 20404, path))


TWILIO = Speaker(
    dialect=TWILIO_DIALECT,
    account=Account(f"AC{'0' * 31}1", "simulated-auth-token"),
    tell=_tell,
    build_routes=build_rest_routes,
    root=f"/{API_VERSION}",
    answer_wrong=_answer_wrong,
)
