"""Consent told by programs: granted, withdrawn, put on the do-not-text list, tagged."""

from datetime import datetime
from typing import Annotated, Final

import msgspec
from msgspec import UNSET, UnsetType

from consentry.actions.record_consent import (
    ConsentRecorded,
    GrantConsent,
    LiftSuppression,
    RevokeConsent,
    Statement,
    SuppressRecipient,
    TagPhone,
)
from consentry.actions.request_consent import RequestConsent
from consentry.api.operations import Answer, Call, Operation, Tag
from consentry.api.parameters import NOT_BLANK, PhoneText, phone_in_path, read_phone, to_utc
from consentry.api.problems import Problem
from consentry.api.views import ChecklistView, ClockView, view_checklist, view_clock
from consentry.domain.entries import Actor, Evidence
from consentry.domain.legal_clock import read_clock
from consentry.domain.standing import ConsentLevel, ConsentState, SMSPreference
from consentry.ports import Scope

ReasonText = Annotated[
    str,
    msgspec.Meta(
        min_length=1, max_length=1000, pattern=NOT_BLANK, description="Why, in words; it is kept."
    ),
]
Id = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]


class ConsentRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A person's consent, its withdrawal, or the wish that the person be asked for it.

    `evidence`: how it is known that the person said so; a grant and a request need it. A request is
    sent to the handset as one text over `sender`, or over the number that the person texted last;
    `call_to_action` is what they were shown, or one version of it (`id/3`). A withdrawal is taken
    for the person's word, which the person alone lifts; `by_person` false makes it the company's
    own act, which a program may take back.
    """

    recipient: PhoneText
    program: Id
    action: Annotated[str, msgspec.Meta(extra_json_schema={"enum": ["grant", "revoke", "request"]})]
    reason: ReasonText
    evidence: Evidence | None = None
    level: ConsentLevel | None = None
    expires_at: Annotated[datetime, msgspec.Meta(tz=True)] | None = None
    by_person: bool = True
    call_to_action: Id | None = None
    sender: Id | None = None


class SuppressionRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A number not to be texted: by one brand, or by none (`brand` left out)."""

    recipient: PhoneText
    reason: ReasonText
    brand: Id | None = None
    evidence: Evidence | None = None
    by_person: bool = True


class LiftQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What to take off the list, and why."""

    reason: ReasonText
    brand: Id | UnsetType = UNSET


class TagRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The SMS tag of a number."""

    sms: bool
    reason: ReasonText


class Recorded(msgspec.Struct, frozen=True):
    """The ledger entry, where the consent stands now, and what is missing if it is not active.

    `expires_at`: when it runs out, where the grant or the law of the person's country says so.
    `checklist`: what express written consent needs, held against the evidence of a grant.
    `clock`: of an opt-out that the person told to somebody, how fast it came into force.
    `message`: the text that asks the person, where one goes out.
    """

    entry: str
    recipient: str
    state: ConsentState | None
    note: str | None
    expires_at: datetime | None = None
    clock: ClockView | None = None
    message: str | None = None
    checklist: ChecklistView | None = None


class TagAnswer(msgspec.Struct, frozen=True):
    """The ledger entry and how the number shows now."""

    entry: str
    recipient: str
    sms_preference: SMSPreference


def _statement(
    asked: ConsentRequest | SuppressionRequest, actor: Actor, region: str | None
) -> Statement:
    evidence = asked.evidence
    if evidence is not None and evidence.at is not None:
        at = to_utc(evidence.at, "evidence.at")
        evidence = msgspec.structs.replace(evidence, at=at)
    return Statement(
        recipient=read_phone(asked.recipient, region).normalized,
        actor=actor,
        reason=asked.reason,
        evidence=evidence,
        by_person=asked.by_person,
    )


def _build_command(
    asked: ConsentRequest, actor: Actor, region: str | None
) -> GrantConsent | RevokeConsent | RequestConsent:
    match asked.action:
        case "grant":
            until = asked.expires_at
            expires_at = None if until is None else to_utc(until, "expires_at")
            statement = _statement(asked, actor, region)
            return GrantConsent(statement, asked.program, asked.level, expires_at)
        case "revoke":
            return RevokeConsent(_statement(asked, actor, region), asked.program)
        case "request":
            statement = _statement(asked, actor, region)
            shown, sender = asked.call_to_action, asked.sender
            return RequestConsent(statement, asked.program, asked.level, shown, sender)
        case _:
            raise Problem("invalid_body", "`action` is no grant, revoke or request. Choose one.")


async def record_consent(call: Call[ConsentRequest, None]) -> Answer:
    """Record a grant or a withdrawal; a withdrawal is answered once nothing is under way."""
    services = call.services
    command = _build_command(call.body, call.actor, services.default_region)
    recorded = await services.store.submit(command)
    await services.delivery.wait_quiet(recorded.in_flight)
    view = _view(command.statement, recorded)
    if recorded.grant is not None:
        directory = await services.store.read_directory()
        checklist = view_checklist(recorded.grant, recorded.grant.evidence, directory)
        view = msgspec.structs.replace(view, checklist=checklist)
    return Answer(view, status=201)


def _view(statement: Statement, recorded: ConsentRecorded) -> Recorded:
    clock = None if recorded.opt_out is None else read_clock(recorded.opt_out)
    return Recorded(
        recorded.entry,
        statement.recipient,
        recorded.state,
        recorded.note,
        recorded.expires_at,
        None if clock is None else view_clock(clock),
        recorded.message,
    )


async def suppress(call: Call[SuppressionRequest, None]) -> Answer:
    """Put a number on the do-not-text list of a brand or of everything."""
    services = call.services
    statement = _statement(call.body, call.actor, services.default_region)
    recorded = await services.store.submit(SuppressRecipient(statement, call.body.brand))
    await services.delivery.wait_quiet(recorded.in_flight)
    return Answer(_view(statement, recorded), status=201)


async def lift_suppression(call: Call[None, LiftQuery]) -> Answer:
    """Take a number off the list, where a program or an agent had put it there."""
    number = phone_in_path(call).normalized
    statement = Statement(number, call.actor, call.query.reason, by_person=False)
    brand = None if call.query.brand is UNSET else call.query.brand
    recorded = await call.services.store.submit(LiftSuppression(statement, brand))
    return Answer(_view(statement, recorded))


async def tag_phone(call: Call[TagRequest, None]) -> Answer:
    """Set or remove the SMS tag by hand; refused while an opt-out stands."""
    number = phone_in_path(call).normalized
    statement = Statement(number, call.actor, call.body.reason, by_person=False)
    recorded = await call.services.store.submit(TagPhone(statement, call.body.sms))
    standing = await call.services.store.read_standing(number)
    return Answer(TagAnswer(recorded.entry, number, standing.sms_preference))


OPERATIONS: Final = (
    Operation(
        method="POST",
        path="/v1/consents",
        tag=Tag.CONSENT,
        summary="Record a consent or its withdrawal, or have it asked for",
        description="A withdrawal counts at once. A grant counts as far as the person's own last "
        "word leaves room: while the carrier or the person's opt-out blocks, it is "
        "`pending_carrier`, and `note` says what the person must text. A number that was typed in "
        "is `pending` until the handset has spoken. A `request` has it asked: one text goes out "
        "(`message`), and the person's exact YES makes the consent active. Nobody is asked twice, "
        "nor while their opt-out stands; `note` says what holds it back. Words in "
        "`evidence.verbatim` that are, or may be, an opt-out or a call for help are no consent: "
        "`not_a_consent`.",
        handler=record_consent,
        scope=Scope.CONSENT,
        for_brands=True,
        body=ConsentRequest,
        answers={201: Recorded},
        errors=(
            "invalid_number",
            "invalid_time",
            "unknown_program",
            "evidence_missing",
            "not_a_consent",
            "unknown_call_to_action",
            "program_disabled",
            "conversation_is_built_in",
        ),
        example={
            "recipient": "+14155550142",
            "program": "prg_01KAPZ5V0Q3M9X8ZC4T2N6R7HD",
            "action": "grant",
            "level": "express",
            "reason": "Signed up at the counter",
            "evidence": {"medium": "paper", "note": "Form 1142"},
        },
        answer_example={
            "entry": "ent_01KAPZ5V0Q3M9X8ZC4T2N6R7HD",
            "recipient": "+14155550142",
            "state": "pending",
            "note": "A number that was typed in counts once the handset confirms it.",
        },
    ),
    Operation(
        method="POST",
        path="/v1/suppressions",
        tag=Tag.CONSENT,
        summary="Put a number on the do-not-text list",
        description="Also where a person opted out by phone, by mail, on the web or in person: "
        "`evidence` then says over what, `at` when it was received, and `verbatim` what they "
        "said. It counts at once; `clock` says when the law asked for it at the latest.",
        handler=suppress,
        scope=Scope.CONSENT,
        for_brands=True,
        body=SuppressionRequest,
        answers={201: Recorded},
        errors=("invalid_number", "invalid_time", "unknown_brand"),
        example={
            "recipient": "+14155550142",
            "reason": "Asked by letter never to be texted",
            "evidence": {
                "medium": "mail",
                "at": "2026-11-23T15:00:00Z",
                "verbatim": "Never text me again",
            },
        },
    ),
    Operation(
        method="DELETE",
        path="/v1/suppressions/{phone}",
        tag=Tag.CONSENT,
        summary="Take a number off the do-not-text list",
        description="Only what the company put there itself; the person's own word is lifted by "
        "the person alone.",
        handler=lift_suppression,
        scope=Scope.CONSENT,
        for_brands=True,
        query=LiftQuery,
        answers={200: Recorded},
        errors=("invalid_number", "opted_out", "not_found"),
    ),
    Operation(
        method="PUT",
        path="/v1/recipients/{phone}/tag",
        tag=Tag.CONSENT,
        summary="Set or remove the SMS tag",
        handler=tag_phone,
        scope=Scope.CONSENT,
        body=TagRequest,
        answers={200: TagAnswer},
        errors=("invalid_number", "opted_out"),
        example={"sms": True, "reason": "Asked for texts at the counter"},
    ),
)
