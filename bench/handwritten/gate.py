"""May a text go? The questions, the answers, and how it is decided."""

import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Literal

from directory import Directory
from pydantic import BaseModel, field_validator
from sqlalchemy import RowMapping

CONVERSATION_WINDOW = timedelta(hours=24)
POLICY_VERSION = "handwritten"
OPTED_OUT = (
    "The destination number has disabled receiving messages from this number and must text "
    "'START' to this number to enable"
)
DETAILS = {
    "unknown_sender": "No such sender is set up here. List the senders, or add this one first.",
    "carrier_blocked": OPTED_OUT,
    "opted_out": OPTED_OUT,
    "suppressed": "This number is on the do-not-text list. Do not text it.",
    "no_consent": "There is no consent for this text. The person must text this sender first.",
    "consent_expired": "The consent has expired. Ask the person for it again.",
    "consent_level": "The consent is too weak for this purpose.",
}
LEVELS = ("implied", "express", "express_written")
NEEDED_LEVEL = {"conversational": 0, "informational": 1, "marketing": 2}
E164 = re.compile(r"\+[1-9][0-9]{6,14}")


class Purpose(StrEnum):
    """What a text is for."""

    CONVERSATIONAL = "conversational"
    INFORMATIONAL = "informational"
    MARKETING = "marketing"


class Question(BaseModel):
    """The body of a check."""

    sender: str
    recipient: str
    purpose: Purpose | None = None

    @field_validator("recipient")
    @classmethod
    def check_recipient(cls, value: str) -> str:
        """Let only E.164 through."""
        if E164.fullmatch(value) is None:
            raise ValueError("Send the number as E.164, such as +14155550142.")
        return value


class Consent(BaseModel):
    """The consent that a decision rests on."""

    program: str
    state: str
    level: str
    since: datetime
    changed_at: datetime
    expires_at: datetime | None
    entry: str


class Block(BaseModel):
    """The block that a decision rests on."""

    scope: str
    layer: str
    state: str
    cause: str
    since: datetime
    changed_at: datetime
    entry: str


class Answer(BaseModel):
    """The gate's answer."""

    decision: Literal["allow", "deny"]
    reason: str | None = None
    detail: str
    rules: list[str]
    policy_version: str = POLICY_VERSION
    as_of: datetime
    consent: Consent | None = None
    block: Block | None = None


def deny(
    reason: str,
    rule: str,
    now: datetime,
    *,
    block: Block | None = None,
    consent: Consent | None = None,
) -> Answer:
    """Say no, with the piece that the answer rests on."""
    return Answer(
        decision="deny",
        reason=reason,
        detail=DETAILS[reason],
        rules=[rule],
        as_of=now,
        block=block,
        consent=consent,
    )


def read_block(row: RowMapping) -> Block | None:
    """Read the block of a row, if it has one."""
    if row["blocks_scope"] is None:
        return None
    return Block(
        scope=row["blocks_scope"],
        layer=row["blocks_layer"],
        state=row["blocks_state"],
        cause=row["blocks_cause"],
        since=row["blocks_since"].replace(tzinfo=UTC),
        changed_at=row["blocks_changed_at"].replace(tzinfo=UTC),
        entry=row["blocks_entry"],
    )


def read_consent(row: RowMapping) -> Consent:
    """Read the consent of a row that has one."""
    expires_at = row["consents_expires_at"]
    return Consent(
        program=row["consents_program"],
        state=row["consents_state"],
        level=row["consents_level"],
        since=row["consents_since"].replace(tzinfo=UTC),
        changed_at=row["consents_changed_at"].replace(tzinfo=UTC),
        expires_at=None if expires_at is None else expires_at.replace(tzinfo=UTC),
        entry=row["consents_entry"],
    )


def decide(
    question: Question, rows: Sequence[RowMapping], directory: Directory, now: datetime
) -> Answer:
    """Decide in the product's order: block, revoked conversation, suppression, consent."""
    first = rows[0]
    block = read_block(first)
    if block is not None:
        reason = "carrier_blocked" if block.cause == "carrier_refusal" else "opted_out"
        return deny(reason, f"block/{block.layer}", now, block=block)
    conversation = f"conversation:{question.sender}"
    kept = {row["consents_program"]: row for row in rows if row["consents_program"] is not None}
    own = kept.get(conversation)
    if own is not None and own["consents_state"] == "revoked":
        consent = read_consent(own)
        return deny("opted_out", "consent/conversation_revoked", now, consent=consent)
    if first["suppressions_scope"] is not None:
        return deny("suppressed", f"suppression/{first['suppressions_scope']}", now)
    purpose = find_purpose(question, first["threads_last_inbound_at"], now)
    if purpose is None:
        return deny("no_consent", "purpose/not_named", now)
    names = [conversation]
    if purpose is not Purpose.CONVERSATIONAL:
        names = directory.programs_for(directory.senders[question.sender], purpose)
    return judge_consents([kept[name] for name in names if name in kept], purpose, now)


def find_purpose(
    question: Question, last_inbound_at: datetime | None, now: datetime
) -> Purpose | None:
    """Take the purpose named; within the window after the person's text it is a conversation."""
    if question.purpose is not None:
        return question.purpose
    if last_inbound_at is None or now - last_inbound_at.replace(tzinfo=UTC) > CONVERSATION_WINDOW:
        return None
    return Purpose.CONVERSATIONAL


def judge_consents(rows: list[RowMapping], purpose: Purpose, now: datetime) -> Answer:
    """Allow by the first consent that is active, in time and strong enough."""
    refusal: Answer | None = None
    for row in rows:
        consent = read_consent(row)
        if consent.state != "active":
            reason, rule = "no_consent", "consent/state"
        elif consent.expires_at is not None and consent.expires_at <= now:
            reason, rule = "consent_expired", "consent/expires_at"
        elif LEVELS.index(consent.level) < NEEDED_LEVEL[purpose]:
            reason, rule = "consent_level", "consent/level"
        else:
            return Answer(
                decision="allow",
                detail=f"Allowed: {consent.level} consent with {consent.program} is active.",
                rules=[f"consent/{consent.program}"],
                as_of=now,
                consent=consent,
            )
        refusal = refusal or deny(reason, rule, now, consent=consent)
    return refusal or deny("no_consent", f"consent/{purpose}", now)
