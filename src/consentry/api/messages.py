"""Sending a text, and looking at what became of texts."""

import hashlib
from datetime import UTC, datetime, timedelta
from typing import Annotated, Final

import msgspec
from msgspec import UNSET, UnsetType

from consentry.actions.check import check
from consentry.actions.outgoing import Draft, request_of_draft
from consentry.actions.send_message import Idempotency, RecordRefusal, SendMessage, Sent
from consentry.api.idempotency import owner_of, read_idempotency_key
from consentry.api.listing import Listing, next_cursor
from consentry.api.operations import Answer, Call, Operation, Tag
from consentry.api.parameters import (
    PageQuery,
    PhoneText,
    id_in_path,
    page_after,
    read_number_wanted,
    read_phone,
    to_utc,
)
from consentry.api.problems import Header, Problem, refused
from consentry.api.questions import find_sender
from consentry.api.views import CheckAnswer, view_decision
from consentry.domain.directory import Purpose
from consentry.domain.gate import Decision, Door, Verdict
from consentry.domain.messages import Message, MessageStatus
from consentry.domain.reasons import REASONS, Reason
from consentry.domain.templates import ValuesMissing, fill_template, purpose_of
from consentry.ports import MessageFilter, Scope

MEDIA_MAX: Final = 10
TTL_SECONDS_MAX: Final = 30 * 24 * 3600
# Beyond this a text is not even kept as a refused attempt: nobody reads it in a timeline.
_BODY_CHARACTERS_KEPT: Final = 10_000
_REPLAYED: Final[Header] = (b"idempotent-replayed", b"true")

MediaURL = Annotated[str, msgspec.Meta(max_length=2048, pattern=r"^https?://[!-~]+$")]


class SendRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A text to send. `send_at`: not before then. `ttl`: seconds after which it is given up.

    `template` names a kept wording in place of a body; `values` fills its names in braces.
    """

    sender: Annotated[str, msgspec.Meta(max_length=64)]
    recipient: PhoneText
    body: Annotated[str, msgspec.Meta(extra_json_schema={"maxLength": 1600})] = ""
    media: Annotated[tuple[MediaURL, ...], msgspec.Meta(max_length=MEDIA_MAX)] = ()
    purpose: Purpose | None = None
    program: Annotated[str, msgspec.Meta(max_length=200)] | None = None
    send_at: Annotated[datetime, msgspec.Meta(tz=True)] | None = None
    ttl: Annotated[float, msgspec.Meta(ge=1, le=TTL_SECONDS_MAX)] | None = None
    template: Annotated[str, msgspec.Meta(min_length=1, max_length=200)] | None = None
    values: dict[str, Annotated[str, msgspec.Meta(max_length=1600)]] = {}


class SendAnswer(msgspec.Struct, frozen=True):
    """The text is in the outbox; the gate is asked again when it leaves."""

    id: str
    status: MessageStatus
    decision: CheckAnswer


class MessageQuery(PageQuery, frozen=True, forbid_unknown_fields=True):
    """Which messages to list."""

    sender: str | UnsetType = UNSET
    recipient: PhoneText | UnsetType = UNSET
    status: MessageStatus | UnsetType = UNSET


async def send_message(call: Call[SendRequest, None]) -> Answer:
    """Let a text in or refuse it; a refused attempt is kept where the person can be named."""
    services = call.services
    draft = await _draft(call)
    once = _read_idempotency(call)
    if once is None or draft.sender not in (await services.store.read_directory()).senders:
        # A refusal is answered at once: it changes nothing that the caller could wait for.
        now = services.clock.now()
        decision = await check(request_of_draft(draft), services.store, services.policy, now)
        if decision.decision is Verdict.DENY:
            raise _keep_refusal(call, draft, decision)
    sent = await services.store.submit(SendMessage(draft, once))
    return _answer(call, sent)


def _answer(call: Call[SendRequest, None], sent: Sent) -> Answer:
    headers = (_REPLAYED,) if sent.repeated else ()
    if sent.message is None or sent.status is None:
        raise refused(sent.decision, headers=headers)
    call.services.delivery.wake()
    accepted = SendAnswer(sent.message, sent.status, view_decision(sent.decision))
    return Answer(accepted, status=202, headers=headers)


def _keep_refusal(call: Call[SendRequest, None], draft: Draft, decision: Decision) -> Problem:
    if decision.reason is not Reason.STORE_UNAVAILABLE:
        call.services.store.post(RecordRefusal(draft, decision))
    return refused(decision)


async def _draft(call: Call[SendRequest, None]) -> Draft:
    asked, services = call.body, call.services
    if len(asked.body) > _BODY_CHARACTERS_KEPT:
        raise Problem(str(Reason.BODY_INVALID), REASONS[Reason.BODY_INVALID].detail)
    send_at = None if asked.send_at is None else to_utc(asked.send_at, "send_at")
    sender = await find_sender(asked.sender, services)
    body, purpose = asked.body, asked.purpose
    if asked.template is not None:
        body, purpose = await _word(call, asked.template, sender)
    return Draft(
        recipient=read_phone(asked.recipient, services.default_region).normalized,
        sender=sender,
        body=body,
        actor=call.actor,
        media=asked.media,
        door=Door.API,
        purpose=purpose,
        program=asked.program,
        send_at=send_at,
        expires_at=_expiry(send_at, asked.ttl, services.clock.now()),
    )


async def _word(call: Call[SendRequest, None], wanted: str, sender: str) -> tuple[str, Purpose]:
    """Fill the template in that a request names; what it is for is the template's to say."""
    asked, store = call.body, call.services.store
    kept = {one.id: one for one in await store.read_templates() if one.deleted_at is None}
    template, directory = kept.get(wanted), await store.read_directory()
    if template is None:
        raise Problem("unknown_template", f"There is no template {wanted!a}. List the templates.")
    purpose, ours = purpose_of(template), directory.senders.get(sender)
    wrong = ""
    if asked.body:
        wrong = "Give a body or a template, not both."
    elif purpose is None:
        wrong = f"{template.name} words a {template.kind.replace('_', ' ')}, which is ours to send."
    elif asked.purpose not in (None, purpose):
        wrong = f"{template.name} is {purpose}, and the request says {asked.purpose}."
    elif ours is not None and ours.brand != template.brand:
        wrong = f"{template.name} is of brand {template.brand}, and the sender is of another."
    if purpose is None or wrong:
        raise Problem("template_unusable", wrong)
    try:
        return fill_template(template, directory.brands[template.brand], asked.values), purpose
    except ValuesMissing as error:
        raise Problem("template_unusable", f"There is no value for: {error}.") from None


def _expiry(send_at: datetime | None, ttl_seconds: float | None, now: datetime) -> datetime | None:
    if ttl_seconds is None:
        return None
    start = now if send_at is None else max(now, send_at)
    try:
        return start + timedelta(seconds=ttl_seconds)
    except OverflowError:
        return datetime.max.replace(tzinfo=UTC)


def _read_idempotency(call: Call[SendRequest, None]) -> Idempotency | None:
    key = read_idempotency_key(call, "message")
    if key is None:
        return None
    # Of the values, not of the bytes: the same request written with other spaces is the same.
    fingerprint = hashlib.sha256(msgspec.json.encode(call.body)).hexdigest()
    return Idempotency(owner=owner_of(call), key=key, fingerprint=fingerprint)


async def read_message(call: Call[None, None]) -> Answer:
    """Show one message."""
    message = await call.services.store.read_message(id_in_path(call))
    if message is None:
        raise Problem("not_found", f"There is no message {call.path['id']!a}. Check its id.")
    return Answer(message)


async def list_messages(call: Call[None, MessageQuery]) -> Answer:
    """List messages, newest first."""
    query, services = call.query, call.services
    recipient = read_number_wanted(query.recipient, services.default_region)
    wanted = MessageFilter(
        recipient=recipient,
        sender=None if query.sender is UNSET else await find_sender(query.sender, services),
        status=None if query.status is UNSET else query.status,
    )
    found = await services.store.read_messages(wanted, page_after(query))
    after = next_cursor(found, query, lambda message: message.id)
    return Answer(Listing(found[: query.limit], after))


OPERATIONS: Final = (
    Operation(
        method="POST",
        path="/v1/messages",
        tag=Tag.MESSAGES,
        summary="Send a text",
        description="The gate is asked now and again when the text leaves. A refusal is a problem "
        "whose `code` is the reason, with the `decision`. Marketing outside the hours of the "
        "person's place, or beyond a cap, is 202 `scheduled` and leaves at `decision.until` or "
        "soon after; where its `ttl` ends before, it is refused. Nothing is dropped silently: what "
        "becomes of the text is under its id.",
        handler=send_message,
        scope=Scope.SEND,
        for_brands=True,
        body=SendRequest,
        headers={
            "Idempotency-Key": "Makes a retry safe: for 24 hours the same key and request get the "
            "first answer again, with the header `Idempotent-Replayed: true`."
        },
        answers={202: SendAnswer},
        errors=(
            *(str(reason) for reason in Reason if reason is not Reason.STORE_UNAVAILABLE),
            "invalid_time",
            "unknown_template",
            "template_unusable",
            "idempotency_key_invalid",
            "idempotency_key_reused",
        ),
        example={
            "sender": "+12025550199",
            "recipient": "+14155550142",
            "body": "Your table is ready.",
            "purpose": "conversational",
        },
        answer_example={
            "id": "msg_01KAPZ5V0Q3M9X8ZC4T2N6R7HD",
            "status": "queued",
            "decision": {
                "decision": "allow",
                "reason": None,
                "detail": "Allowed: implied consent with conversation:+12025550199 is active.",
                "rules": ["consent/conversation:+12025550199"],
                "policy_version": "2026-11-30/brand/w24h/d300s/b1600/per-state@2026-11-30.1",
                "as_of": "2026-05-01T12:00:00Z",
            },
        },
    ),
    Operation(
        method="GET",
        path="/v1/messages/{id}",
        tag=Tag.MESSAGES,
        summary="One message",
        handler=read_message,
        scope=Scope.READ,
        for_brands=True,
        answers={200: Message},
        errors=("not_found",),
    ),
    Operation(
        method="GET",
        path="/v1/messages",
        tag=Tag.MESSAGES,
        summary="Messages, newest first",
        handler=list_messages,
        scope=Scope.READ,
        for_brands=True,
        query=MessageQuery,
        answers={200: Listing[Message]},
        errors=("invalid_number",),
    ),
)
