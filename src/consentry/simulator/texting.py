"""A text typed on a handset: what the carrier makes of it, answers, and passes on."""

import msgspec

from consentry.simulator.acceptance import send_reply
from consentry.simulator.blocks import find_blocks, lift_blocks, set_blocks
from consentry.simulator.carrier import Carrier, build_sid
from consentry.simulator.dialect import Answer, Arrival
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
from consentry.simulator.webhooks import Job, Webhook
from consentry.wire.gsm7 import count_segments
from consentry.wire.twilio_form import Media, MessageStatus
from consentry.wire.twilio_message import Direction, MessageResource


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
    keywords = carrier.dialect.keywords
    reading = read_keyword(
        keywords, sender.kind, body, at=carrier.keywords_as_of(), service=service
    )
    effect = None if reading is None else _obey(carrier, sender, phone, reading)
    text = Text(
        order=carrier.state.next_order(),
        direction=TextDirection.OUT,
        phone=phone,
        number=number,
        body=body,
        at=carrier.now(),
        origin=Origin.HANDSET,
        sid=carrier.dialect.make_id(bool(media)),
        note=None if effect is None else effect.note,
        media=media,
    )
    carrier.books.record(TextKept(text))
    answer = None
    if reading is not None and effect is not None and effect.answers:
        written = compose_answer(keywords, sender.kind, reading, service)
        answer = None if written is None else _answer(carrier, text, written)
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
    carrier.books.record(MessageKept(_log_entry(carrier, sender, text)))
    if sender.inbound_url is None:
        return
    arrival = Arrival(account, sender, carrier.service_of(sender), text, reading)
    letter = carrier.dialect.write_inbound(arrival)
    webhook = Webhook(
        token=build_sid(""),
        kind=WebhookKind.INBOUND,
        sid=text.sid or "",
        sender=sender.number,
        recipient=text.phone,
        url=sender.inbound_url,
        pairs=letter.pairs,
        json=letter.json,
        created_at=text.at,
        created_order=text.order,
    )

    def show_answer(answer: Answer) -> None:
        for body in carrier.dialect.read_answer(answer):
            send_reply(carrier, sender, text.phone, body)

    job = Job(webhook, carrier.dialect.read_address(sender.inbound_url), account, show_answer)
    carrier.webhooks.post(job, (text.phone, sender.number))


def _log_entry(carrier: Carrier, sender: Sender, text: Text) -> Message:
    resource = MessageResource(
        sid=text.sid or "",
        account_sid=carrier.account_of(sender).sid,
        status=MessageStatus.RECEIVED,
        direction=Direction.INBOUND,
        to_number=sender.number,
        from_number=text.phone,
        body=text.body,
        date_created=text.at,
        date_updated=text.at,
        date_sent=text.at,
        messaging_service_sid=sender.messaging_service_sid,
        num_segments=max(1, count_segments(text.body).segments),
        num_media=len(text.media),
    )
    return Message(resource, accepted_at=text.at, accepted_order=text.order)
