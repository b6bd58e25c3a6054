"""Creating a message: Twilio's checks with Twilio's codes, then the gate."""

import hashlib
from datetime import datetime, timedelta
from typing import Final, TypeVar

import msgspec

from consentry.actions.describe_message import refusal_code
from consentry.actions.outgoing import Draft, request_of_draft
from consentry.actions.send_message import (
    Idempotency,
    RecordRefusal,
    RepeatAnswer,
    SendMessage,
    Sent,
)
from consentry.domain.directory import Purpose
from consentry.domain.gate import Decision, Door, Facts, Verdict, decide
from consentry.domain.messages import Callback, MessageStatus
from consentry.domain.phone import InvalidNumber, normalize_phone
from consentry.domain.reasons import OPTED_OUT_SENTENCE
from consentry.ports import Command, DeferredAnswer, RefusedAnswer, Rejected, Scope
from consentry.twilio_door.calls import Call
from consentry.twilio_door.choosing import choose_sender
from consentry.twilio_door.exchange import Answer, Header, answer_error
from consentry.twilio_door.services import DoorServices
from consentry.wire.forms import Form
from consentry.wire.gsm7 import count_segments
from consentry.wire.twilio_create import CreateMessage, parse_create_message
from consentry.wire.twilio_errors import TwilioRefusedError, build_twilio_error, refuse
from consentry.wire.twilio_form import MessageStatus as TwilioStatus
from consentry.wire.twilio_message import Direction, MessageResource, render_message
from consentry.wire.twilio_sids import build_message_sid
from consentry.wire.webhook_address import WebhookAddressError, parse_webhook_address

_Outcome = TypeVar("_Outcome")

SCHEDULE_MIN: Final = timedelta(minutes=5)
SCHEDULE_MAX: Final = timedelta(days=35)
VALIDITY_SECONDS_MAX: Final = 36_000
URL_CHARACTERS_MAX: Final = 2048
PROGRAM_CHARACTERS_MAX: Final = 200
PURPOSE_PARAMETER: Final = "ConsentryPurpose"
PROGRAM_PARAMETER: Final = "ConsentryProgram"
_PURPOSE_HEADER: Final = b"x-consentry-purpose"
_PROGRAM_HEADER: Final = b"x-consentry-program"
_KEY_HEADERS: Final = (b"idempotency-key", b"i-twilio-idempotency-token")
_KEY_CHARACTERS_MAX: Final = 255
_REPLAYED: Final[Header] = (b"idempotent-replayed", b"true")
_EXACT: Final = frozenset({21211, 21606, 21610, 21617})
"""Codes whose sentence says it all, word for word as Twilio says it."""

_INTENTS: Final = {
    "customercare": Purpose.CONVERSATIONAL,
    **dict.fromkeys(
        ("otp", "notifications", "fraud", "security", "delivery", "education", "events", "polling"),
        Purpose.INFORMATIONAL,
    ),
    **dict.fromkeys(("announcements", "marketing"), Purpose.MARKETING),
}
"""What Twilio calls the intent of a message (`MessageIntent`), and what the law calls it."""


class Wish(msgspec.Struct, frozen=True, gc=False):
    """What a program asks for, read and checked as far as that needs no look at the store."""

    create: CreateMessage
    recipient: str
    purpose: Purpose | None
    program: str | None
    validity_seconds: int | None


async def create_message(call: Call) -> Answer:
    """Let a text in or refuse it; a refused attempt is kept, as at every door."""
    call.require(Scope.SEND)
    form, services = await call.read_form(), call.services
    wish = _read_wish(call, form)
    once = _read_idempotency(call, wish, form)
    now = services.clock.now()
    directory, standing = await services.store.read_facts(wish.recipient)
    try:
        _check_schedule(wish.create, now)
        sender = choose_sender(call, wish.create, directory, standing)
    except TwilioRefusedError:
        # A retry may come when it is too late to ask for the first time, and is no new request.
        repeated = None if once is None else await _repeat(call, wish, once, now)
        if repeated is None:
            raise
        return repeated
    draft = _build_draft(call, wish, sender.number, now)
    later = _refuses_later(wish.create, services)
    if once is None and not later:
        # A refusal is answered at once: it changes nothing that the caller could wait for.
        decision = decide(request_of_draft(draft), Facts(directory, standing), services.policy, now)
        if not goes_on(decision, services.deferred):
            services.store.post(RecordRefusal(draft, decision))
            raise refuse_decision(decision)
    may_wait = services.deferred is DeferredAnswer.SCHEDULE
    command = SendMessage(draft, once, keeps_refused=later, may_wait=may_wait)
    sent = await _submit(call, command)
    return _answer(call, wish, draft, sent)


async def _repeat(call: Call, wish: Wish, once: Idempotency, now: datetime) -> Answer | None:
    """Give the first answer to a key again; None where there is none."""
    sent = await _submit(call, RepeatAnswer(once))
    if sent is None:
        return None
    message = None if sent.message is None else await call.services.store.read_message(sent.message)
    number = "" if message is None else message.sender
    return _answer(call, wish, _build_draft(call, wish, number, now), sent)


def _answer(call: Call, wish: Wish, draft: Draft, sent: Sent) -> Answer:
    headers = (_REPLAYED,) if sent.repeated else ()
    if sent.message is None or sent.status is None:
        refusal = answer_error(refuse_decision(sent.decision).error)
        return msgspec.structs.replace(refusal, headers=headers)
    call.services.delivery.wake()
    resource = describe_sent(draft, sent, wish.create, call.account.sid)
    return Answer(render_message(resource), 201, headers)


def goes_on(decision: Decision, deferred: DeferredAnswer) -> bool:
    """Tell whether a text is worth asking the store to take it."""
    if decision.decision is Verdict.DEFER:
        return deferred is DeferredAnswer.SCHEDULE
    return decision.decision is Verdict.ALLOW


def _refuses_later(create: CreateMessage, services: DoorServices) -> bool:
    """Tell whether a program learns of a refusal by callback, as from Twilio's own services."""
    by_service = create.messaging_service_sid is not None
    return by_service and services.refused is RefusedAnswer.BY_CALLBACK


async def _submit(call: Call, command: Command[_Outcome]) -> _Outcome:
    try:
        return await call.services.store.submit(command)
    except Rejected as rejected:
        raise refuse(20001, f"Idempotency-Key: {rejected}") from rejected


def refuse_decision(decision: Decision) -> TwilioRefusedError:
    """Build the refusal that tells the gate's no: its code, and what to do next."""
    code = refusal_code(decision.reason)
    error = build_twilio_error(code)
    if decision.detail and decision.detail != OPTED_OUT_SENTENCE and code not in _EXACT:
        error = msgspec.structs.replace(error, message=f"{error.message}: {decision.detail}")
    return TwilioRefusedError(error)


def describe_sent(
    draft: Draft, sent: Sent, create: CreateMessage, account_sid: str
) -> MessageResource:
    """Describe a text that was just let in, as Twilio does: a service has chosen no sender yet."""
    by_service = create.messaging_service_sid is not None
    chosen_later = by_service and create.from_number is None
    status = TwilioStatus.SCHEDULED
    if sent.status is not MessageStatus.SCHEDULED:
        status = TwilioStatus.ACCEPTED if by_service else TwilioStatus.QUEUED
    at = sent.decision.as_of
    return MessageResource(
        sid=build_message_sid(sent.message or "", media=len(draft.media)),
        account_sid=account_sid,
        status=status,
        direction=Direction.OUTBOUND_API,
        to_number=draft.recipient,
        from_number=None if chosen_later else draft.sender,
        body=draft.body,
        date_created=at,
        date_updated=at,
        messaging_service_sid=create.messaging_service_sid,
        num_segments=0 if chosen_later else max(1, count_segments(draft.body).segments),
        num_media=len(draft.media),
    )


def _read_wish(call: Call, form: Form) -> Wish:
    """Read the form and headers; raises TwilioRefusedError with the code Twilio would answer."""
    create = parse_create_message(form)
    if create.content_sid is not None:
        raise refuse(20001, "ContentSid: content templates are not sent through this door")
    if not (create.body.strip() or create.media_urls):
        raise refuse(21602)
    for url in create.media_urls:
        if len(url) > URL_CHARACTERS_MAX or not (url.isascii() and url.isprintable()):
            raise refuse(21620, ascii(url[:100])[1:-1])
    return Wish(
        create=create,
        recipient=_read_recipient(create.to_number, call.services.default_region),
        purpose=_read_purpose(call, form),
        program=_read_program(call, form),
        validity_seconds=_read_validity(form),
    )


def _read_recipient(text: str, region: str | None) -> str:
    try:
        return normalize_phone(text, region=None if text.startswith("+") else region)
    except InvalidNumber:
        raise refuse(21211, text[:100]) from None


def _read_purpose(call: Call, form: Form) -> Purpose | None:
    """Read what the text is for: our parameter or header, else the intent Twilio knows."""
    given = form.get(PURPOSE_PARAMETER) or call.header(_PURPOSE_HEADER)
    if given is None:
        return _INTENTS.get((form.get("MessageIntent") or "").lower())
    try:
        return Purpose(given)
    except ValueError:
        raise refuse(20001, f"{PURPOSE_PARAMETER}: must be one of {', '.join(Purpose)}") from None


def _read_program(call: Call, form: Form) -> str | None:
    program = form.get(PROGRAM_PARAMETER) or call.header(_PROGRAM_HEADER)
    if program is not None and len(program) > PROGRAM_CHARACTERS_MAX:
        raise refuse(20001, f"{PROGRAM_PARAMETER}: has at most {PROGRAM_CHARACTERS_MAX} characters")
    return program


def _read_validity(form: Form) -> int | None:
    text = form.get("ValidityPeriod")
    if text is None:
        return None
    if not (text.isascii() and text.isdecimal() and len(text) <= 5):
        raise refuse(21624)
    if not 1 <= int(text) <= VALIDITY_SECONDS_MAX:
        raise refuse(21624)
    return int(text)


def _read_idempotency(call: Call, wish: Wish, form: Form) -> Idempotency | None:
    """Read the program's key for a retry; it is good for the same request of the same account."""
    for name in _KEY_HEADERS:
        key = call.header(name)
        if key is None:
            continue
        if not 0 < len(key) <= _KEY_CHARACTERS_MAX or not (key.isascii() and key.isprintable()):
            raise refuse(20001, f"Idempotency-Key: must be 1 to {_KEY_CHARACTERS_MAX} characters")
        # Of the values, not of the bytes: the same request in another order is the same.
        asked = msgspec.json.encode((sorted(form.pairs), wish.purpose, wish.program))
        fingerprint = hashlib.sha256(asked).hexdigest()
        return Idempotency(f"twilio:{call.account.sid}", key, fingerprint)
    return None


def _check_schedule(create: CreateMessage, now: datetime) -> None:
    if create.send_at is None:
        return
    if create.messaging_service_sid is None:
        raise refuse(35118)
    if not now + SCHEDULE_MIN <= create.send_at <= now + SCHEDULE_MAX:
        raise refuse(35115, create.send_at.isoformat())


def _build_draft(call: Call, wish: Wish, number: str, now: datetime) -> Draft:
    create = wish.create
    expires_at = None
    if wish.validity_seconds is not None:
        expires_at = (create.send_at or now) + timedelta(seconds=wish.validity_seconds)
    return Draft(
        recipient=wish.recipient,
        sender=number,
        body=create.body,
        actor=call.actor,
        media=create.media_urls,
        door=Door.API,
        purpose=wish.purpose,
        program=wish.program,
        send_at=create.send_at,
        expires_at=expires_at,
        callback=_read_callback(create, call.account.sid),
        service=create.messaging_service_sid,
    )


def _read_callback(create: CreateMessage, account_sid: str) -> Callback | None:
    url = create.status_callback
    if url is None:
        return None
    try:
        parse_webhook_address(url)
    except WebhookAddressError:
        raise refuse(21609, url[:100]) from None
    if len(url) > URL_CHARACTERS_MAX:
        raise refuse(21609, url[:100])
    return Callback(url, account_sid)
