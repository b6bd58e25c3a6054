"""What the handsets page shows: phones, threads, and in small print what the carrier did."""

from datetime import datetime
from enum import StrEnum

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from consentry.simulator.blocks import find_blocks
from consentry.simulator.carrier import Carrier
from consentry.simulator.control_api import FaultView, list_faults
from consentry.simulator.requests import answer_json, build_route, read_parameters, read_phone
from consentry.simulator.values import Origin, Refusal, Sender, Text, TextDirection
from consentry.simulator.webhooks import Outcome, Webhook
from consentry.wire.twilio_errors import UNSUBSCRIBED_RECIPIENT_CODE, describe_error
from consentry.wire.twilio_form import MessageStatus

TEXTS_SHOWN_MAX = 200


class SenderView(msgspec.Struct, frozen=True):
    """A number one can text."""

    number: str
    kind: str
    textable: bool
    has_webhook: bool


class Mark(StrEnum):
    """What became of a text, as an icon beside the last of its notes."""

    PENDING = "pending"
    DELIVERED = "delivered"
    REFUSED = "refused"
    FAILED = "failed"


class LineView(msgspec.Struct, frozen=True):
    """One bubble, or a message that never became one; notes are the small print below it."""

    order: int
    origin: str
    body: str
    at: datetime
    notes: list[str]
    mark: Mark | None = None


class ThreadView(msgspec.Struct, frozen=True):
    """A number a phone has a thread with; `order` is that of the last text that came in."""

    number: str
    order: int


class PhoneView(msgspec.Struct, frozen=True):
    """One phone, with the thread it has open and its threads, the latest first."""

    phone: str
    number: str | None
    lines: list[LineView]
    blocks: list[str]
    threads: list[ThreadView]


class PageView(msgspec.Struct, frozen=True):
    """Everything on the page; `revision` changes whenever any of it may have."""

    revision: str
    senders: list[SenderView]
    phones: list[str]
    open: list[PhoneView]
    faults: list[FaultView]


def build_view_routes(carrier: Carrier) -> list[Route]:
    """List the route that the page asks several times a second."""
    return [build_route(carrier, "/api/view", "GET", _show_page)]


async def _show_page(carrier: Carrier, request: Request) -> Response:
    """Answer with the page, or 204 where nothing changed since the revision named.

    Each `open=+14155550142~+14155550100` is a phone and the thread shown on it.
    """
    parameters = read_parameters(request)
    revision = _revision(carrier)
    if parameters.get("since") == revision:
        return Response(status_code=204)
    view = PageView(
        revision=revision,
        senders=[_show_sender(sender) for sender in carrier.state.senders.values()],
        phones=list(carrier.state.phones),
        open=[_show_phone(carrier, asked) for asked in parameters.get_all("open")],
        faults=list_faults(carrier),
    )
    return answer_json(view)


def _revision(carrier: Carrier) -> str:
    faults = hash(tuple(carrier.faults.list_standing()))
    return f"{carrier.state.revision}.{carrier.webhooks.revision}.{faults}"


def _show_sender(sender: Sender) -> SenderView:
    return SenderView(
        number=sender.number,
        kind=sender.kind,
        textable=sender.kind != "alphanumeric",
        has_webhook=sender.inbound_url is not None,
    )


def _show_phone(carrier: Carrier, asked: str) -> PhoneView:
    name, _, number = asked.partition("~")
    phone = read_phone(name)
    texts = carrier.state.texts.get(phone, [])
    refusals = carrier.state.refusals.get(phone, [])
    sender = carrier.state.senders.get(number)
    lines = [_show_text(carrier, text) for text in texts if text.number == number]
    lines += [_show_refusal(carrier, refusal) for refusal in refusals if refusal.number == number]
    lines.sort(key=lambda line: line.order)
    blocks = [] if sender is None else find_blocks(carrier.state, sender, phone)
    return PhoneView(
        phone=phone,
        number=number or None,
        lines=lines[-TEXTS_SHOWN_MAX:],
        blocks=[block.layer.value for block in blocks],
        threads=_list_threads(texts),
    )


def _list_threads(texts: list[Text]) -> list[ThreadView]:
    heard = {text.number: text.order for text in texts if text.direction is TextDirection.IN}
    numbers = dict.fromkeys(text.number for text in reversed(texts))
    return [ThreadView(number, heard.get(number, 0)) for number in numbers]


def _show_text(carrier: Carrier, text: Text) -> LineView:
    notes = [] if text.note is None else [text.note]
    mark = None
    match text.origin:
        case Origin.CARRIER:
            notes.append("Answered by the carrier")
        case Origin.HANDSET:
            note, mark = _describe_webhook(carrier, text)
            notes.append(note)
        case Origin.SENDER:
            note, mark = _describe_message(carrier, text)
            notes.append(note)
    return LineView(text.order, text.origin, text.body, text.at, notes, mark)


def _describe_message(carrier: Carrier, text: Text) -> tuple[str, Mark | None]:
    """Say what the sender has been told of a text that arrived."""
    message = carrier.state.messages.get(text.sid or "")
    if message is None:
        return "Deleted from the log", None
    status = message.resource.status
    match status:
        case MessageStatus.DELIVERED | MessageStatus.READ:
            return status, Mark.DELIVERED
        case MessageStatus.UNDELIVERED | MessageStatus.FAILED:
            return status, Mark.FAILED
        case _:
            return status, Mark.PENDING


def _describe_webhook(carrier: Carrier, text: Text) -> tuple[str, Mark | None]:
    """Say whether the number's owner got a text."""
    webhooks = carrier.webhooks.by_sid.get(text.sid or "", [])
    if webhooks:
        return _describe_outcome(webhooks[0])
    sender = carrier.state.senders.get(text.number)
    if sender is None or sender.inbound_url is None:
        return "No webhook is set for this number", Mark.FAILED
    return "Sent before the simulator was started again", None


def _describe_outcome(webhook: Webhook) -> tuple[str, Mark]:
    attempts = webhook.attempts
    last = attempts[-1] if attempts else None
    count = f", {len(attempts)} attempts" if len(attempts) > 1 else ""
    match webhook.outcome:
        case Outcome.PENDING:
            return f"On its way{count}", Mark.PENDING
        case Outcome.LOST:
            return "Lost on its way (fault)", Mark.FAILED
        case Outcome.ACKNOWLEDGED:
            took = "" if last is None else f" in {max(1, round(last.milliseconds))} ms"
            return f"Delivered{took}{count}", Mark.DELIVERED
        case Outcome.FAILED:
            return f"Not delivered: {last.error if last else 'no attempt'}{count}", Mark.FAILED


def _show_refusal(carrier: Carrier, refusal: Refusal) -> LineView:
    code = carrier.dialect.common_code(refusal.code)
    if code == UNSUBSCRIBED_RECIPIENT_CODE:
        note, mark = f"Refused by the carrier: opted out ({refusal.code})", Mark.REFUSED
    else:
        note = f"Not delivered: {describe_error(code).lower()} ({refusal.code})"
        mark = Mark.FAILED
    return LineView(refusal.order, "refused", refusal.body, refusal.at, [note], mark)
