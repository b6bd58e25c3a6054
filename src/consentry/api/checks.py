"""The gate's doors: one question, many questions, a stream of questions."""

import asyncio
from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Final

import msgspec

from consentry.actions.check import check, check_same
from consentry.actions.replay import Past
from consentry.api.check_stream import stream_checks
from consentry.api.listing import Listing
from consentry.api.operations import Answer, Call, Operation, Tag
from consentry.api.parameters import to_utc
from consentry.api.questions import (
    CheckRequest,
    LineQuery,
    Question,
    build_request,
)
from consentry.api.views import (
    CheckAnswer,
    CheckedRecipient,
    view_checked,
    view_decision,
    view_past,
    view_past_checked,
)
from consentry.domain.directory import Purpose
from consentry.domain.phone import find_number
from consentry.ports import Scope

RECIPIENTS_MAX: Final = 10_000
_BATCH_RECIPIENTS: Final = 200


class ChecksRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """May a text go to each of these recipients? The same question of each."""

    sender: str
    recipients: Annotated[list[str], msgspec.Meta(max_length=RECIPIENTS_MAX)]
    purpose: Purpose | None = None
    program: str | None = None
    at: Annotated[datetime, msgspec.Meta(tz=True)] | None = None


async def check_one(call: Call[CheckRequest, None]) -> Answer:
    """Answer one question; any well-formed one has an answer."""
    asked, services = call.body, call.services
    request = await build_request(asked, services)
    if asked.at is not None:
        past = Past(services.store, services.policy)
        return Answer(view_past(await past.check(request, to_utc(asked.at, "at"))))
    decision = await check(request, services.store, services.policy, services.clock.now())
    services.measuring.note_decisions((decision,))
    return Answer(view_decision(decision))


async def check_each(call: Call[ChecksRequest, LineQuery]) -> Answer:
    """Answer the same question of each recipient, in the same order."""
    asked = call.body
    then = None
    if asked.at is not None:
        then = (Past(call.services.store, call.services.policy), to_utc(asked.at, "at"))
    items: list[CheckedRecipient] = []
    for start in range(0, len(asked.recipients), _BATCH_RECIPIENTS):
        batch = asked.recipients[start : start + _BATCH_RECIPIENTS]
        items += await _check_batch(call, batch, then)
        # Others' questions come between: ten thousand at once would hold them all up.
        await asyncio.sleep(0)
    return Answer(Listing(items))


async def _check_batch(
    call: Call[ChecksRequest, LineQuery],
    recipients: Sequence[str],
    then: tuple[Past, datetime] | None,
) -> list[CheckedRecipient]:
    asked, services = call.body, call.services
    question = Question(asked.sender, recipients[0], asked.purpose, asked.program)
    request = await build_request(question, services)
    known = [find_number(recipient, services.default_region) for recipient in recipients]
    if then is not None:
        past, at = then
        return [
            view_past_checked(
                recipient, await past.check(msgspec.structs.replace(request, recipient=one), at)
            )
            for recipient, one in zip(recipients, known, strict=True)
        ]
    ruled = await check_same(
        request, known, services.store, services.policy, now=services.clock.now()
    )
    services.measuring.note_decisions([one.ruling for one in ruled])
    return list(map(view_checked, recipients, ruled))


_ALLOWED: Final = {
    "decision": "allow",
    "reason": None,
    "detail": "Allowed: implied consent with conversation:+12025550199 is active.",
    "rules": ["consent/conversation:+12025550199"],
    "policy_version": "2026-11-30/brand/w24h/d300s/b1600/per-state@2026-11-30.1",
    "as_of": "2026-05-01T12:00:00Z",
}

OPERATIONS: Final = (
    Operation(
        method="POST",
        path="/v1/check",
        tag=Tag.GATE,
        summary="May this text go?",
        description="Asks the gate and writes nothing. The answer is 200 with the decision for "
        "any well-formed question, also for a sender or recipient that is not known. With `at` "
        "it is the answer of that time, replayed from the ledger by the rules in force then.",
        handler=check_one,
        scope=Scope.CHECK,
        for_brands=True,
        body=CheckRequest,
        answers={200: CheckAnswer},
        errors=("invalid_time",),
        example={
            "sender": "+12025550199",
            "recipient": "+14155550142",
            "purpose": "conversational",
        },
        answer_example=_ALLOWED,
    ),
    Operation(
        method="POST",
        path="/v1/checks",
        tag=Tag.GATE,
        summary="May a text go to each of these?",
        description=f"Up to {RECIPIENTS_MAX} recipients in one body, answered in the same order. "
        "As `application/x-ndjson` any number of lines: each is a question as for /v1/check, or "
        "just a recipient in quotes, with `sender` and the rest in the query. Each line is "
        "answered by a line with its `recipient`; a line that cannot be read is answered by a "
        "problem with its `line` number, and the stream goes on.",
        handler=check_each,
        stream=stream_checks,
        scope=Scope.CHECK,
        for_brands=True,
        body=ChecksRequest,
        query=LineQuery,
        answers={200: Listing[CheckedRecipient]},
        errors=("invalid_time",),
        example={"sender": "+12025550199", "recipients": ["+14155550142", "+14155550143"]},
        answer_example={"items": [{**_ALLOWED, "recipient": "+14155550142"}], "next": None},
    ),
)
