"""The API as one ASGI application: finds the operation, checks the key, reads, answers.

Every request costs one look-up of the route, one keyed hash, one decoding and one encoding;
there is no stack of middleware to go through.
"""

import logging
from dataclasses import replace
from ipaddress import ip_address
from typing import Any, Final

import msgspec
from starlette.types import ASGIApp, Receive, Send
from starlette.types import Scope as HTTPScope

from consentry.actions.find_key import KeyRing
from consentry.actions.limited_store import limit_store, refuse_limited
from consentry.api.bodies import (
    JSON,
    JSON_LINES,
    ClientGone,
    decode_json,
    read_body,
    read_media_type,
)
from consentry.api.documentation import DOCUMENTATION
from consentry.api.operations import Answer, Call, Operation, find_header
from consentry.api.parameters import read_query
from consentry.api.problems import (
    MEDIA_TYPE,
    Header,
    Problem,
    describe_fault,
    describe_outage,
    describe_problem,
    describe_rejection,
)
from consentry.api.routing import Endpoint, Match, Routes
from consentry.api.services import Services
from consentry.api.table import OPERATIONS
from consentry.api.views import ProblemDetails
from consentry.ports import (
    APIKey,
    Ids,
    LogDamaged,
    MetricsAccess,
    Rejected,
    Scope,
    StoreUnavailable,
    TextSealed,
)
from consentry.ports.log_context import read_log_fields, set_log_context

_log = logging.getLogger(__name__)
_ENCODER: Final = msgspec.json.Encoder()
_OWN: Final = ("/v1/", "/carriers/")
_BEARER: Final = b"bearer "
_FORWARDED: Final = (b"forwarded", b"x-forwarded-for", b"x-real-ip", b"via")
_CARRIER_CHARACTERS_MAX: Final = 64
_UNKNOWN_ROUTE: Final = "unknown"
_POLICY_NAME: Final = b"content-security-policy"
SAFE: Final[tuple[Header, ...]] = (
    (b"cache-control", b"no-store"),
    (b"x-content-type-options", b"nosniff"),
    (_POLICY_NAME, b"default-src 'none'; frame-ancestors 'none'"),
)
"""Of every answer: kept nowhere, taken for nothing else, and a page for nobody."""

_CHALLENGE: Final[Header] = (b"www-authenticate", b'Bearer realm="consentry"')


class _Request(msgspec.Struct):
    """Implements `LogContext` for a request; its id is made when first asked for.

    A struct, because one is made for every request and takes half as long.
    """

    scope: HTTPScope
    match: Match | None
    ids: Ids
    request_id: str = ""

    def log_fields(self) -> dict[str, object]:
        """Tell the id and the route; the path's own numbers stay out."""
        match = self.match
        self.request_id = self.request_id or self.ids.new("req")
        fields: dict[str, object] = {
            "request_id": self.request_id,
            "method": self.scope["method"],
            "route": None if match is None else match.resource.path,
        }
        if match is not None and "carrier" in match.parameters:
            fields["carrier"] = match.parameters["carrier"][:_CARRIER_CHARACTERS_MAX]
        return fields


class API:
    """The HTTP door for programs and carriers.

    `pages` answers every path that is neither in the table of operations nor below `/v1/` and
    `/carriers/` (the console's pages, say), and everything that is not HTTP.
    """

    def __init__(
        self, services: Services, pages: ASGIApp | None = None, keys: KeyRing | None = None
    ) -> None:
        self._services = services
        self._pages = pages
        self._routes = Routes((*OPERATIONS, *DOCUMENTATION))
        self._ids = services.ids
        self._note_request = services.measuring.note_request
        self._tells_all = _log.isEnabledFor(logging.DEBUG)
        self._keys = keys or KeyRing(services.store, services.clock, services.secret_key)

    async def __call__(self, scope: HTTPScope, receive: Receive, send: Send) -> None:
        """Answer one request; every error becomes a problem before anything is sent."""
        if scope["type"] != "http":
            await self._pass_on(scope, receive, send)
            return
        match = self._routes.find(scope["path"])
        if match is None and self._pages is not None and not scope["path"].startswith(_OWN):
            await self._pages(scope, receive, send)
            return
        set_log_context(_Request(scope, match, self._ids))
        try:
            answer = await self._answer(scope, receive, match)
        except ClientGone:
            return
        self._note_request(_UNKNOWN_ROUTE if match is None else match.resource.path, answer.status)
        if self._tells_all:
            _log.debug("request_answered", extra={"status": answer.status})
        await send_answer(answer, send, head=scope["method"] == "HEAD")

    async def _pass_on(self, scope: HTTPScope, receive: Receive, send: Send) -> None:
        if self._pages is not None:
            await self._pages(scope, receive, send)
        elif scope["type"] == "lifespan":
            await _live(receive, send)
        else:
            await send({"type": "websocket.close", "code": 1000})

    async def _answer(self, scope: HTTPScope, receive: Receive, match: Match | None) -> Answer:
        """Call the operation and turn every error into the problem that tells it."""
        try:
            return await self._route(scope, receive, match)
        except Problem as problem:
            return _tell(describe_problem(problem), problem.headers)
        except Rejected as rejected:
            return _tell(describe_rejection(rejected))
        except (LogDamaged, TextSealed) as error:
            return _tell_unreadable(error)
        except StoreUnavailable:
            return _tell(describe_outage(), ((b"retry-after", b"2"),))
        except ClientGone:
            raise
        except Exception:  # noqa: BLE001 - the last resort: whatever broke, the caller is answered
            # Logged under an id, and only that is told.
            _log.exception("request_failed")
            return _tell(describe_fault(str(read_log_fields()["request_id"])))

    async def _route(self, scope: HTTPScope, receive: Receive, match: Match | None) -> Answer:
        if match is None:
            raise Problem("not_found", "There is nothing at this path. /docs lists what is.")
        method, resource = scope["method"], match.resource
        endpoint = resource.methods.get("GET" if method == "HEAD" else method)
        if endpoint is not None:
            return await self._call(scope, receive, endpoint, match.parameters)
        allowed: Header = (b"allow", resource.allowed.encode())
        if method == "OPTIONS":
            return Answer(status=204, headers=(allowed,))
        raise Problem(
            "method_not_allowed",
            f"{method[:20]!a} is not for this path. Use one of: {resource.allowed}.",
            headers=(allowed,),
        )

    async def _call(
        self, scope: HTTPScope, receive: Receive, endpoint: Endpoint, parameters: dict[str, str]
    ) -> Answer:
        operation = endpoint.operation
        key, services = None, self._services
        if operation.scope is not None:
            key = await self._authenticate(scope, operation.scope)
            if key is not None and key.brands:
                services = _limit(services, key, operation)
        query = None
        if operation.query is not None:
            query = read_query(scope["query_string"], operation.query)
        handler, body = operation.handler, None
        if endpoint.decoder is not None:
            media_type = read_media_type(scope)
            if media_type == JSON_LINES and operation.stream is not None:
                handler = operation.stream
            elif media_type == JSON:
                body = decode_json(await read_body(scope, receive), endpoint.decoder)
            else:
                raise _unsupported(media_type, operation)
        elif operation.body is bytes:
            body = await read_body(scope, receive)
        return await handler(
            Call(services, self._keys, scope, receive, parameters, key, query, body)
        )

    async def _authenticate(self, scope: HTTPScope, needed: Scope) -> APIKey | None:
        given = find_header(scope, b"authorization")
        if given is None and needed is Scope.METRICS and self._shows_metrics_to(scope):
            return None
        if given is None or given[:7].lower() != _BEARER:
            raise Problem(
                "unauthorized",
                "No API key is given. Send the header `Authorization: Bearer csk_…`.",
                headers=(_CHALLENGE,),
            )
        key = await self._keys.find(given[7:].strip().decode("latin-1"))
        if key is None:
            client = scope.get("client")
            seconds = self._keys.turn_away(client[0] if client else "")
            if seconds:
                raise _hold_up(seconds)
            raise Problem(
                "unauthorized",
                "This API key is not known, or revoked. Make a new one: consentry key create.",
                headers=(_CHALLENGE,),
            )
        if needed not in key.scopes and Scope.ADMIN not in key.scopes:
            raise Problem(
                "scope_missing",
                f"The key {key.name!a} lacks the scope {needed}. Use a key that has it.",
            )
        seconds = self._keys.hold_up(key)
        if seconds:
            raise _hold_up(seconds)
        return key

    def _shows_metrics_to(self, scope: HTTPScope) -> bool:
        access = self._services.metrics_access
        if access is MetricsAccess.LOOPBACK:
            return _is_from_this_machine(scope)
        return access is MetricsAccess.OPEN


def _hold_up(seconds: int) -> Problem:
    return Problem(
        "too_many_requests",
        f"There were too many requests. Wait {seconds} s, then go on more slowly.",
        headers=((b"retry-after", b"%d" % seconds),),
    )


def _limit(services: Services, key: APIKey, operation: Operation[Any, Any]) -> Services:
    """Show a key that is limited to brands its own alone; raises `Rejected`."""
    if not operation.for_brands:
        refuse_limited()
    return replace(services, store=limit_store(services.store, key.brands))


def _is_from_this_machine(scope: HTTPScope) -> bool:
    """Tell whether a caller is on this machine itself, and not behind a proxy that is."""
    client = scope.get("client")
    if client is None or any(find_header(scope, name) for name in _FORWARDED):
        return False
    try:
        return ip_address(client[0]).is_loopback
    except ValueError:
        return False


def build_api(services: Services, pages: ASGIApp | None = None, keys: KeyRing | None = None) -> API:
    """Build the API; `pages` answers the paths that are not the API's.

    `keys` is the ring that other doors ask too, so that all refuse a revoked key at once.
    """
    return API(services, pages, keys)


def _unsupported(media_type: bytes, operation: Operation[Any, Any]) -> Problem:
    taken = JSON if operation.stream is None else JSON + b" or " + JSON_LINES
    return Problem(
        "unsupported_media_type",
        f"The body is sent as {media_type.decode('latin-1')[:100]!a}. "
        f"Send it with Content-Type: {taken.decode()}.",
    )


def _tell(details: ProblemDetails, headers: tuple[Header, ...] = ()) -> Answer:
    return Answer(details, status=details.status, headers=headers, media_type=MEDIA_TYPE)


async def send_answer(answer: Answer, send: Send, *, head: bool = False) -> None:
    """Send an answer: encoded at once, or chunk by chunk where it is a stream."""
    body = answer.body if isinstance(answer.body, bytes) else _ENCODER.encode(answer.body)
    headers = [(b"content-type", answer.media_type), *SAFE, *answer.headers]
    if answer.headers and any(name == _POLICY_NAME for name, _ in answer.headers):
        # A page has a policy of its own, and two would both count.
        headers.remove(SAFE[-1])
    if answer.status == 204:
        headers = [*SAFE, *answer.headers]
    elif answer.stream is None:
        headers.append((b"content-length", b"%d" % len(body)))
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    if answer.stream is not None:
        async for chunk in answer.stream:
            await send({"type": "http.response.body", "body": chunk, "more_body": True})
        body = b""
    await send({"type": "http.response.body", "body": b"" if head else body})


async def _live(receive: Receive, send: Send) -> None:
    """Follow the server's start and end; there is nothing of the API's own to open or close."""
    while True:
        message = await receive()
        await send({"type": f"{message['type']}.complete"})
        if message["type"] == "lifespan.shutdown":
            return


def _tell_unreadable(error: LogDamaged | TextSealed) -> Answer:
    """Tell of stored bytes that cannot be read, and log it: an operator must see to them."""
    why = str(error)
    is_sealed = isinstance(error, TextSealed)
    problem = Problem("text_sealed", why) if is_sealed else Problem("ledger_damaged", why)
    _log.error(problem.code, extra={"why": why})
    return _tell(describe_problem(problem))
