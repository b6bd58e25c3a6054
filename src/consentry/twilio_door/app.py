"""The door as one ASGI application: finds the resource, lets the account in, answers.

What is not the door's goes on to the application behind it. Whatever is wrong with a request is
answered in Twilio's words, before anything is sent.
"""

import logging
from collections.abc import Mapping
from dataclasses import replace
from typing import Final

import msgspec
from starlette.types import ASGIApp, Receive, Send
from starlette.types import Scope as HTTPScope

from consentry.actions.find_account import Account
from consentry.actions.limited_store import limit_store
from consentry.ports import Ids, Rejected, StoreUnavailable
from consentry.ports.log_context import set_log_context
from consentry.twilio_door.calls import Call, Handler
from consentry.twilio_door.consents import record_consents
from consentry.twilio_door.exchange import (
    Answer,
    ClientGone,
    Header,
    Headers,
    answer_error,
    read_credentials,
    read_headers,
    send_answer,
)
from consentry.twilio_door.listing import list_messages
from consentry.twilio_door.one_message import delete_message, fetch_message, update_message
from consentry.twilio_door.passing_on import find_nothing, pass_on
from consentry.twilio_door.sending import create_message
from consentry.twilio_door.services import DoorServices
from consentry.wire.forms import FormError
from consentry.wire.twilio_errors import TwilioRefusedError, build_twilio_error, refuse

_log = logging.getLogger(__name__)

ROOT: Final = "/2010-04-01/"
_ACCOUNTS: Final = "/2010-04-01/Accounts/"
CONSENTS: Final = "/v1/Consents/Bulk"
_MESSAGES: Final = "Messages.json"
_ONE: Final = "Messages/"
_JSON: Final = ".json"


class Resource(msgspec.Struct, frozen=True):
    """What can be done at a kind of path; `route` is how logs and metrics name it."""

    route: str
    methods: Mapping[str, Handler]


_LIST: Final = Resource(
    f"{_ACCOUNTS}{{account}}/Messages.json", {"POST": create_message, "GET": list_messages}
)
_MESSAGE: Final = Resource(
    f"{_ACCOUNTS}{{account}}/Messages/{{sid}}.json",
    {"GET": fetch_message, "POST": update_message, "DELETE": delete_message},
)
_CONSENTS: Final = Resource(CONSENTS, {"POST": record_consents})
_OTHER: Final = Resource(
    f"{_ACCOUNTS}{{account}}/…", {"GET": pass_on, "POST": pass_on, "DELETE": pass_on}
)
_NOTHING: Final = Resource(
    f"{ROOT}…", {"GET": find_nothing, "POST": find_nothing, "DELETE": find_nothing}
)


class Target(msgspec.Struct, frozen=True):
    """What a path names: the resource, the account ("" for none), and what is below that."""

    resource: Resource
    account_sid: str = ""
    rest: str = ""


def find_target(path: str) -> Target:
    """Find what a path below `ROOT`, or `CONSENTS`, names; what names no account is nothing."""
    if path == CONSENTS:
        return Target(_CONSENTS)
    if not path.startswith(_ACCOUNTS):
        return Target(_NOTHING)
    account_sid, slash, rest = path[len(_ACCOUNTS) :].partition("/")
    if account_sid in ("", _JSON):
        return Target(_NOTHING)
    if rest == _MESSAGES:
        return Target(_LIST, account_sid, rest)
    if rest.startswith(_ONE) and rest.endswith(_JSON) and rest.count("/") == 1:
        return Target(_MESSAGE, account_sid, rest[len(_ONE) : -len(_JSON)])
    if not slash:
        account_sid = account_sid.removesuffix(_JSON)
    return Target(_OTHER, account_sid, rest)


class _Request(msgspec.Struct):
    """Implements `LogContext` for a request; its id is made when first asked for."""

    method: str
    route: str
    ids: Ids
    request_id: str = ""

    def log_fields(self) -> dict[str, object]:
        """Tell the id and the route; the path's own sids stay out."""
        self.request_id = self.request_id or self.ids.new("req")
        return {"request_id": self.request_id, "method": self.method, "route": self.route}


class TwilioDoor:
    """The Twilio-compatible door in front of another application."""

    def __init__(self, services: DoorServices, behind: ASGIApp) -> None:
        """Take what is below `/2010-04-01/` and the bulk consents; `behind` has all the rest."""
        self._services = services
        self._behind = behind
        self._note_request = services.measuring.note_request
        self._tells_all = _log.isEnabledFor(logging.DEBUG)

    async def __call__(self, scope: HTTPScope, receive: Receive, send: Send) -> None:
        """Answer a request of the door's, and pass every other one on."""
        if scope["type"] != "http":
            await self._behind(scope, receive, send)
            return
        path: str = scope["path"]
        if not path.startswith(ROOT) and path != CONSENTS:
            await self._behind(scope, receive, send)
            return
        target = find_target(path)
        route = target.resource.route
        method: str = scope["method"]
        set_log_context(_Request(method, route, self._services.ids))
        try:
            answer = await self._answer(scope, receive, target)
        except ClientGone:
            return
        self._note_request(route, answer.status)
        if self._tells_all:
            _log.debug("request_answered", extra={"status": answer.status})
        await send_answer(answer, send, head=method == "HEAD")

    async def _answer(self, scope: HTTPScope, receive: Receive, target: Target) -> Answer:
        """Let the account in and call the handler; turn every error into Twilio's."""
        try:
            return await self._route(scope, receive, target)
        except TwilioRefusedError as refused:
            return answer_error(refused.error)
        except FormError as error:
            return answer_error(build_twilio_error(20001, str(error)))
        except Rejected as rejected:
            return answer_error(build_twilio_error(20001, str(rejected)))
        except StoreUnavailable:
            return answer_error(build_twilio_error(20503))
        except ClientGone:
            raise
        except Exception:  # noqa: BLE001 - the last resort: whatever broke, the caller is answered
            # Logged under an id, with where it broke; Twilio's own body says no more.
            _log.exception("request_failed")
            return answer_error(build_twilio_error(20500))

    async def _route(self, scope: HTTPScope, receive: Receive, target: Target) -> Answer:
        headers = read_headers(scope)
        client = scope.get("client")
        account = await self._authenticate(headers, target.account_sid, client[0] if client else "")
        method, resource = scope["method"], target.resource
        handler = resource.methods.get("GET" if method == "HEAD" else method)
        if handler is None:
            return _refuse_method(method, resource)
        services = self._services
        if account.key is not None and account.key.brands:
            # What is passed on is the whole account's, so nothing is.
            store = limit_store(services.store, account.key.brands)
            services = replace(services, store=store, passing_on=None)
        return await handler(Call(services, account, scope, headers, receive, target.rest))

    async def _authenticate(self, headers: Headers, account_sid: str, client: str) -> Account:
        """Find the account by the request's credentials; it must be the one in the path."""
        credentials = read_credentials(headers)
        if credentials is None:
            raise refuse(20003)
        accounts = self._services.accounts
        account = await accounts.authenticate(*credentials)
        if account is None or account_sid not in ("", account.sid):
            raise refuse(20429 if accounts.turn_away(client) else 20003)
        if accounts.hold_up(account):
            raise refuse(20429)
        return account


def _refuse_method(method: str, resource: Resource) -> Answer:
    error = answer_error(build_twilio_error(20004, ascii(method[:20])[1:-1]))
    allowed: Header = (b"allow", ", ".join(resource.methods).encode())
    return msgspec.structs.replace(error, headers=(allowed,))
