"""What a test may ask the witness: every message accepted, every webhook and its attempts.

`accepted_order`, `created_order` and `acknowledged_order` count everything that happens here in
one row of numbers, so that what came first needs no clock.
"""

from datetime import datetime

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from consentry.simulator.carrier import Carrier
from consentry.simulator.requests import answer_json, build_route, read_limit, read_parameters
from consentry.simulator.values import Message


class MessageView(msgspec.Struct, frozen=True, rename={"from_": "from"}):
    """A message in the account's log, and exactly when it was accepted."""

    sid: str
    from_: str | None
    to: str
    body: str
    status: str
    direction: str
    error_code: int | None
    accepted_at: datetime
    accepted_order: int


def build_witness_routes(carrier: Carrier) -> list[Route]:
    """List the routes for what happened."""
    return [
        build_route(carrier, "/api/messages", "GET", _list_messages),
        build_route(carrier, "/api/webhooks", "GET", _list_webhooks),
    ]


async def _list_messages(carrier: Carrier, request: Request) -> Response:
    messages = list(carrier.state.messages.values())[-read_limit(request) :]
    return answer_json({"messages": [_show_message(message) for message in messages]})


async def _list_webhooks(carrier: Carrier, request: Request) -> Response:
    sid = read_parameters(request).get("sid")
    if sid is not None:
        return answer_json({"webhooks": carrier.webhooks.by_sid.get(sid, [])})
    return answer_json({"webhooks": carrier.webhooks.list_records(read_limit(request))})


def _show_message(message: Message) -> MessageView:
    resource = message.resource
    return MessageView(
        sid=resource.sid,
        from_=resource.from_number,
        to=resource.to_number,
        body=resource.body,
        status=resource.status,
        direction=resource.direction,
        error_code=resource.error_code,
        accepted_at=message.accepted_at,
        accepted_order=message.accepted_order,
    )
