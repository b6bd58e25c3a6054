"""A text typed on a handset: what the carrier makes of it, answers, and passes on."""

import msgspec

from consentry.simulator.acceptance import send_reply
from consentry.simulator.blocks import find_blocks, lift_blocks, set_blocks
from consentry.simulator.carrier import Carrier, build_sid, read_address
from consentry.simulator.faults import WebhookKind
from consentry.simulator.profiles import Reading, compose_answer, read_keyword
from consentry.simulator.state import MessageKept, TextKept
from consentry.simulator.values import (
    BlockCause,
    KeywordAction,
    Message,
    Origin,
    Sender,
    SenderKind,
    Text,
    TextDirection,
)
from consentry.simulator.webhooks import Answer, Job, Webhook
from consentry.wire.gsm7 import count_segments
from consentry.wire.twilio_form import (
    InboundMessage,
    Media,
    MessageStatus,
    OptOutType,
    build_inbound_pairs,
)
from consentry.wire.twilio_message import Direction, MessageResource
from consentry.wire.twiml import TwimlError, parse_twiml

_OPT_OUT_TYPES = {
    KeywordAction.OPT_OUT: OptOutType.STOP,
    KeywordAction.OPT_IN: OptOutType.START,
    KeywordAction.HELP: OptOutType.HELP,
}


class UnknownSenderError(LookupError):
    """No number here, or none that can be texted; str() says which can."""


class Typed(msgspec.Struct, frozen=True):
    """A text on its way, what the carrier took it for, and what it answered."""

    text: Text
    reading: Reading | None
    answer: Text | None


class _Effect(msgspec.Struct, frozen=True):
    """What a keyword did: words for the small print, and whether the carrier answers."""

    note: str
    answers: bool


def receive_text(
    carrier: Carrier, phone: str, number: str, *, body: str, media: tuple[Media, ...] = ()
) -> Typed:
    """Take a text from a handset; raises UnknownSenderError."""
    sender = _find_sender(carrier, number)
    service = carrier.service_of(sender)
    reading = read_keyword(sender.kind, body, carrier.keywords_as_of(), service)
    effect = None if reading is None else _obey(carrier, sender, phone, reading)
    text = Text(
        order=carrier.state.next_order(),
        direction=TextDirection.OUT,
        phone=phone,
        number=number,
        body=body,
        at=carrier.now(),
        origin=Origin.HANDSET,
        sid=build_sid("MM" if media else "SM"),
        note=None if effect is None else effect.note,
        media=media,
    )
    carrier.books.record(TextKept(text))
    answer = None
    if reading is not None and effect is not None and effect.answers:
        answer = _answer(carrier, text, compose_answer(sender.kind, reading, service))
    _pass_on(carrier, sender, text, reading)
    return Typed(text, reading, answer)


def _find_sender(carrier: Carrier, number: str) -> Sender:
    senders = carrier.state.senders
    sender = senders.get(number)
    if sender is None:
        known = ", ".join(senders) or "none yet; configure one with POST /api/senders"
        raise UnknownSenderError(f"{number} is not a number here; there are: {known}")
    if sender.kind is SenderKind.ALPHANUMERIC:
        raise UnknownSenderError(f"{number} is an alphanumeric sender and cannot be texted")
    return sender


def _obey(carrier: Carrier, sender: Sender, phone: str, reading: Reading) -> _Effect:
    word = reading.word.upper()
    match reading.action:
        case KeywordAction.OPT_OUT:
            added = set_blocks(
                carrier.books,
                sender,
                phone,
                layers=reading.layers,
                cause=BlockCause.TEXT,
                now=carrier.now(),
                word=reading.word,
            )
            # Twilio answers an opt-out once: who has opted out already hears nothing more, though
            # the text is still passed on.
            if not added:
                return _Effect(f"Carrier read {word}: already blocked, no answer", answers=False)
            layers = " and ".join(block.layer for block in added)
            return _Effect(f"Carrier read {word}: blocked ({layers})", answers=True)
        case KeywordAction.OPT_IN:
            lifted = lift_blocks(carrier.books, sender, phone, reading.layers)
            # Without a block there is nothing to re-subscribe to, and YES is an ordinary word.
            if not lifted:
                return _Effect(f"Carrier read {word}: nothing was blocked", answers=False)
            return _Effect(f"Carrier read {word}: unblocked", answers=True)
        case KeywordAction.HELP:
            blocked = bool(find_blocks(carrier.state, sender, phone))
            outcome = "opted out, no answer" if blocked else "answered"
            return _Effect(f"Carrier read {word}: {outcome}", answers=not blocked)


def _answer(carrier: Carrier, text: Text, body: str) -> Text:
    answer = Text(
        order=carrier.state.next_order(),
        direction=TextDirection.IN,
        phone=text.phone,
        number=text.number,
        body=body,
        at=carrier.now(),
        origin=Origin.CARRIER,
    )
    carrier.books.record(TextKept(answer))
    return answer


def _pass_on(carrier: Carrier, sender: Sender, text: Text, reading: Reading | None) -> None:
    """Log the text in the account and post it to the number's webhook."""
    account = carrier.account_of(sender)
    inbound = _build_inbound(carrier, sender, text, reading)
    carrier.books.record(MessageKept(_log_entry(inbound, text)))
    if sender.inbound_url is None:
        return
    webhook = Webhook(
        token=build_sid(""),
        kind=WebhookKind.INBOUND,
        sid=inbound.message_sid,
        sender=sender.number,
        recipient=text.phone,
        url=sender.inbound_url,
        pairs=build_inbound_pairs(inbound),
        created_at=text.at,
        created_order=text.order,
    )

    def show_answer(answer: Answer) -> None:
        for body in _read_answer(answer):
            send_reply(carrier, sender, text.phone, body)

    job = Job(webhook, read_address(sender.inbound_url), account, show_answer)
    carrier.webhooks.post(job, (text.phone, sender.number))


def _build_inbound(
    carrier: Carrier, sender: Sender, text: Text, reading: Reading | None
) -> InboundMessage:
    service = carrier.service_of(sender)
    advanced = service is not None and service.advanced_opt_out is not None
    return InboundMessage(
        message_sid=text.sid or "",
        account_sid=carrier.account_of(sender).sid,
        from_number=text.phone,
        to_number=sender.number,
        body=text.body,
        messaging_service_sid=sender.messaging_service_sid,
        num_segments=max(1, count_segments(text.body).segments),
        media=text.media,
        opt_out_type=_OPT_OUT_TYPES[reading.action] if advanced and reading else None,
    )


def _log_entry(inbound: InboundMessage, text: Text) -> Message:
    resource = MessageResource(
        sid=inbound.message_sid,
        account_sid=inbound.account_sid,
        status=MessageStatus.RECEIVED,
        direction=Direction.INBOUND,
        to_number=inbound.to_number,
        from_number=inbound.from_number,
        body=inbound.body,
        date_created=text.at,
        date_updated=text.at,
        date_sent=text.at,
        messaging_service_sid=inbound.messaging_service_sid,
        num_segments=inbound.num_segments,
        num_media=len(inbound.media),
    )
    return Message(resource, accepted_at=text.at, accepted_order=text.order)


def _read_answer(answer: Answer) -> tuple[str, ...]:
    """Read which texts a webhook asks for; like Twilio, send nothing for what is not TwiML."""
    if answer.content_type == "text/plain":
        text = answer.body.decode("utf-8", "replace").strip()
        return (text,) if text else ()
    if answer.content_type not in {"application/xml", "text/xml", "text/html"}:
        return ()
    try:
        return parse_twiml(answer.body)
    except TwimlError:
        return ()
