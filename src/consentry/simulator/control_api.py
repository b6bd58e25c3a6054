"""The carrier's back office: configure numbers and services, set faults, see the blocks."""

import re
from datetime import datetime

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from consentry.simulator.acceptance import block_behind_our_back
from consentry.simulator.carrier import Carrier
from consentry.simulator.faults import Fault, FaultError, FaultKind, describe_kinds
from consentry.simulator.requests import (
    PHONE_SHAPE,
    answer_json,
    bad_request,
    build_route,
    decode_json,
    read_body,
    read_json,
    read_parameters,
    read_phone,
)
from consentry.simulator.state import ServiceSet
from consentry.simulator.values import Block, BlockLayer, Sender, SenderKind, Service
from consentry.wire.webhook_address import WebhookAddressError

_NUMBERS = {
    SenderKind.LONG_CODE: PHONE_SHAPE,
    SenderKind.TOLL_FREE: PHONE_SHAPE,
    SenderKind.SHORT_CODE: re.compile(r"[1-9][0-9]{2,7}"),
    SenderKind.ALPHANUMERIC: re.compile(r"(?=.*[A-Za-z])[A-Za-z0-9 ]{1,11}"),
}
_SERVICE_SID = re.compile(r"MG[0-9a-fA-F]{32}")


class BlockView(msgspec.Struct, frozen=True):
    """A block, with every sender it silences; `sender` is the one whose text set it."""

    sender: str
    recipient: str
    layer: BlockLayer
    cause: str
    since: datetime
    word: str | None
    messaging_service_sid: str | None
    senders: list[str]


class FaultView(msgspec.Struct, frozen=True):
    """A fault that is on, how often it has hit and may still hit; `left` null is no end."""

    fault: Fault
    hits: int
    left: int | None


class _KindOnly(msgspec.Struct, frozen=True):
    kind: str


def build_control_routes(carrier: Carrier) -> list[Route]:
    """List the routes for numbers, services, faults and blocks."""
    return [
        build_route(carrier, "/healthz", "GET", _tell_health),
        build_route(carrier, "/api/senders", "GET", _list_senders),
        build_route(carrier, "/api/senders", "POST", _set_sender),
        build_route(carrier, "/api/services", "POST", _set_service),
        build_route(carrier, "/api/faults", "GET", _list_faults),
        build_route(carrier, "/api/faults", "POST", _set_fault),
        build_route(carrier, "/api/faults", "DELETE", _clear_faults),
        build_route(carrier, "/api/blocks", "GET", _list_blocks),
    ]


def list_faults(carrier: Carrier) -> list[FaultView]:
    """List the faults that are on."""
    return [FaultView(*standing) for standing in carrier.faults.list_standing()]


async def _tell_health(_carrier: Carrier, _request: Request) -> Response:
    return answer_json({"status": "ok"})


async def _list_senders(carrier: Carrier, _request: Request) -> Response:
    senders = list(carrier.state.senders.values())
    return answer_json({"senders": senders, "services": list(carrier.state.services.values())})


async def _set_sender(carrier: Carrier, request: Request) -> Response:
    sender = await read_json(request, Sender)
    _check_sender(carrier, sender)
    return answer_json(carrier.place(sender), 201)


async def _set_service(carrier: Carrier, request: Request) -> Response:
    service = await read_json(request, Service)
    if _SERVICE_SID.fullmatch(service.sid) is None:
        raise bad_request("service_invalid", "sid must be MG and 32 hex digits")
    carrier.books.record(ServiceSet(service))
    return answer_json(service, 201)


async def _list_faults(carrier: Carrier, _request: Request) -> Response:
    return answer_json({"faults": list_faults(carrier), "kinds": describe_kinds()})


async def _set_fault(carrier: Carrier, request: Request) -> Response:
    body = await read_body(request)
    _read_kind(decode_json(body, _KindOnly).kind)
    fault = decode_json(body, Fault)
    try:
        if fault.kind is FaultKind.BLOCK_BEHIND_OUR_BACK and fault.sender and fault.recipient:
            _block_pair(carrier, fault, fault.sender, fault.recipient)
        else:
            carrier.faults.switch_on(fault)
    except FaultError as error:
        raise bad_request("fault_invalid", str(error)) from None
    return answer_json(fault, 201)


async def _clear_faults(carrier: Carrier, request: Request) -> Response:
    kind = read_parameters(request).get("kind")
    carrier.faults.clear(None if kind is None else _read_kind(kind))
    return Response(status_code=204)


async def _list_blocks(carrier: Carrier, _request: Request) -> Response:
    blocks = carrier.state.blocks.values()
    return answer_json({"blocks": [_show_block(carrier, block) for block in blocks]})


def _block_pair(carrier: Carrier, fault: Fault, number: str, recipient: str) -> None:
    """Block a named pair at once: there is no message to wait for."""
    sender = carrier.state.senders.get(number)
    if sender is None:
        raise FaultError(f"sender: {number} is not a number here")
    block_behind_our_back(carrier, sender, read_phone(recipient), fault.layer)


def _show_block(carrier: Carrier, block: Block) -> BlockView:
    service = block.scope if block.scope in carrier.state.services else None
    members = [] if service is None else carrier.senders_of(service)
    return BlockView(
        sender=block.sender,
        recipient=block.recipient,
        layer=block.layer,
        cause=block.cause,
        since=block.since,
        word=block.word,
        messaging_service_sid=service,
        senders=[member.number for member in members] or [block.sender],
    )


def _check_sender(carrier: Carrier, sender: Sender) -> None:
    if _NUMBERS[sender.kind].fullmatch(sender.number) is None:
        raise bad_request("sender_invalid", f"{sender.number!r} is not a {sender.kind} number")
    if sender.account_sid is not None and sender.account_sid not in carrier.accounts:
        raise bad_request("sender_invalid", f"there is no account {sender.account_sid} here")
    service = sender.messaging_service_sid
    if service is not None and service not in carrier.state.services:
        raise bad_request("sender_invalid", f"configure {service} with POST /api/services first")
    if sender.inbound_url is not None:
        try:
            carrier.dialect.read_address(sender.inbound_url)
        except WebhookAddressError as error:
            raise bad_request("sender_invalid", f"inbound_url: {error}") from None


def _read_kind(text: str) -> FaultKind:
    try:
        return FaultKind(text)
    except ValueError:
        known = ", ".join(FaultKind)
        raise bad_request("fault_unknown", f"{text!r} is not a fault; there are: {known}") from None
