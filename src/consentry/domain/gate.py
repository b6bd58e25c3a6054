"""The gate: may this text go to this recipient, now? One pure function decides, for every door."""

from collections.abc import Callable
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final, assert_never

import msgspec

from consentry.domain.conversation_window import is_in_conversation
from consentry.domain.directory import Directory, Program, Purpose, Sender
from consentry.domain.levels import NEEDED_LEVEL, STRENGTH
from consentry.domain.obstacles import standing_blocks, standing_suppression, worst_of
from consentry.domain.opt_in_question import refuse_question
from consentry.domain.policy import Policy, RevocationReach
from consentry.domain.reading import BlockLayer
from consentry.domain.reasons import REASONS, Reason
from consentry.domain.solicitations import Asked, judge_solicitation
from consentry.domain.standing import (
    CARRIER_CAUSES,
    Block,
    Cause,
    Consent,
    ConsentState,
    Review,
    Standing,
    Suppression,
)


class Verdict(StrEnum):
    """What the gate says."""

    ALLOW = "allow"
    DEFER = "defer"
    DENY = "deny"

    __hash__ = str.__hash__
    """An enum's own is slow, and every decision is counted by it."""


class Door(StrEnum):
    """Through which a text wants to leave; agents answer people, programs must name a purpose."""

    API = "api"
    CONSOLE = "console"
    REPLY = "reply"


class MessageKind(StrEnum):
    """A text somebody wrote, or one of our own answers."""

    MESSAGE = "message"
    INITIAL_REPLY = "initial_reply"
    OPT_OUT_CONFIRMATION = "opt_out_confirmation"
    OPT_IN_CONFIRMATION = "opt_in_confirmation"
    HELP_REPLY = "help_reply"
    OPT_IN_REQUEST = "opt_in_request"
    PROGRAM_CONFIRMATION = "program_confirmation"


class Request(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """One question to the gate.

    `recipient` is E.164, or None where what was given is no phone number. `body` is None where
    only consent is asked. `segments` is the body's size on the wire, for the confirmation.
    `message` is the text's own id where it is an opt-in request (a consent waits for one text), or
    where it was handed over before. `send_at`: it is not to leave before then; `expires_at`: it
    must have left by then.
    """

    recipient: str | None
    sender: str
    purpose: Purpose | None = None
    program: str | None = None
    door: Door = Door.API
    kind: MessageKind = MessageKind.MESSAGE
    body: str | None = None
    media: int = 0
    segments: int = 0
    send_at: datetime | None = None
    expires_at: datetime | None = None
    message: str | None = None


class Facts(msgspec.Struct, frozen=True, gc=False):
    """What the gate is told: the directory and the recipient's standing."""

    directory: Directory
    standing: Standing


class Decision(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """The gate's answer with what it rests on; it can be replayed from the ledger."""

    decision: Verdict
    reason: Reason | None
    detail: str
    policy_version: str
    as_of: datetime
    rules: tuple[str, ...] = ()
    purpose: Purpose | None = None
    program: str | None = None
    block: Block | None = None
    consent: Consent | None = None
    suppression: Suppression | None = None
    until: datetime | None = None
    review: Review | None = None


class Denial(msgspec.Struct, frozen=True, gc=False):
    """A reason to say no, the rule that found it, and the piece it rests on."""

    reason: Reason
    rule: str
    block: Block | None = None
    consent: Consent | None = None
    suppression: Suppression | None = None
    review: Review | None = None


class _Case(msgspec.Struct, frozen=True, gc=False):
    """One question with its sender looked up: what each rule is shown."""

    request: Request
    sender: Sender
    facts: Facts
    policy: Policy
    now: datetime


_WITHOUT_CONSENT: Final = {
    ConsentState.NONE: Reason.NO_CONSENT,
    ConsentState.PENDING: Reason.CONSENT_PENDING,
    ConsentState.PENDING_CARRIER: Reason.CONSENT_PENDING,
    ConsentState.REVOKED: Reason.NO_CONSENT,
    ConsentState.EXPIRED: Reason.CONSENT_EXPIRED,
}
OUR_ANSWERS: Final = frozenset(
    {
        MessageKind.INITIAL_REPLY,
        MessageKind.OPT_OUT_CONFIRMATION,
        MessageKind.OPT_IN_CONFIRMATION,
        MessageKind.HELP_REPLY,
    }
)
"""What we answer by ourselves: no part of what somebody talks with the person about."""
_PASS_REVIEW: Final = frozenset({MessageKind.OPT_OUT_CONFIRMATION, MessageKind.HELP_REPLY})


def _check_switched_on(case: _Case) -> Denial | None:
    if not case.sender.enabled:
        return Denial(Reason.SENDER_DISABLED, "sender/enabled")
    named = case.request.program
    program = None if named is None else case.facts.directory.program(named)
    if program is None or program.enabled:
        return None
    return Denial(Reason.SENDER_DISABLED, "program/enabled")


def _deny_blocks(blocks: tuple[Block, ...], rule: str | None = None) -> Denial:
    """Name the block that weighs most."""
    worst = worst_of(blocks)
    refused = worst.cause in CARRIER_CAUSES
    reason = Reason.CARRIER_BLOCKED if refused else Reason.OPTED_OUT
    return Denial(reason, rule or f"block/{worst.layer}", block=worst)


def _check_blocks(case: _Case) -> Denial | None:
    found = standing_blocks(case.facts.standing, case.sender)
    blocks = tuple(block for block in found if not block.is_paused)
    if not blocks or case.request.kind is MessageKind.OPT_OUT_CONFIRMATION:
        return None
    return _deny_blocks(blocks)


def _check_revoked_conversation(case: _Case) -> Denial | None:
    """A withdrawn conversation is an opt-out of this sender, whatever the purpose asked for."""
    consent = case.facts.standing.consent(case.sender.conversation)
    if consent is None or not consent.is_withdrawn:
        return None
    if case.request.kind is MessageKind.OPT_OUT_CONFIRMATION:
        return None
    return Denial(Reason.OPTED_OUT, "consent/conversation_revoked", consent=consent)


def _check_suppressed(case: _Case) -> Denial | None:
    suppression = standing_suppression(case.facts.standing, case.sender)
    if suppression is None or _is_confirmed(suppression, case):
        return None
    if suppression.cause is Cause.REASSIGNED:
        reason = Reason.NUMBER_REASSIGNED
    else:
        reason = Reason.SUPPRESSED
    return Denial(reason, f"suppression/{suppression.scope}", suppression=suppression)


def _is_confirmed(suppression: Suppression, case: _Case) -> bool:
    """Tell whether the confirmation that is asked for confirms the very word that listed them."""
    if case.request.kind is not MessageKind.OPT_OUT_CONFIRMATION:
        return False
    block = case.facts.standing.block(case.sender.number, BlockLayer.OURS)
    return block is not None and (block.entry, block.cause) == (
        suppression.entry,
        suppression.cause,
    )


def _check_paused(case: _Case) -> Denial | None:
    """Hold back what may be forbidden: by a drift, or by a text that is not reviewed yet."""
    standing = case.facts.standing
    for block in standing_blocks(standing, case.sender) if standing.blocks else ():
        if block.is_paused:
            return Denial(Reason.PAUSED_FOR_REVIEW, f"paused/{block.layer}", block=block)
    return _check_review(case) if standing.reviews else None


def _check_review(case: _Case) -> Denial | None:
    """Hold back what is no direct reply, while a text that may be an opt-out is not reviewed.

    Over other senders, what the opt-out would reach is held back: all but conversations.
    """
    if case.request.kind in _PASS_REVIEW or case.request.kind is MessageKind.PROGRAM_CONFIRMATION:
        return None  # The last answers their exact yes, and comes before marketing or never.
    is_conversation = _purpose_of(case) is Purpose.CONVERSATIONAL
    for review in case.facts.standing.reviews:
        if review.sender == case.sender.number:
            is_held = not (is_conversation and _is_direct_reply(case))
        else:
            is_held = not is_conversation and _reaches(review, case)
        if is_held:
            return Denial(Reason.PAUSED_FOR_REVIEW, "paused/review", review=review)
    return None


def _is_direct_reply(case: _Case) -> bool:
    """Tell what an agent answers in this conversation from what machines send."""
    request = case.request
    if request.kind is not MessageKind.MESSAGE or request.door is not Door.CONSOLE:
        return False
    return request.program in (None, case.sender.conversation)


def _reaches(review: Review, case: _Case) -> bool:
    """Tell whether an opt-out of the reviewed sender would take what this one may send."""
    match case.policy.revocation_reach:
        case RevocationReach.SENDER:
            return False
        case RevocationReach.ALL:
            return True
        case RevocationReach.BRAND:
            reviewed = case.facts.directory.senders.get(review.sender)
            return reviewed is None or reviewed.brand == case.sender.brand
        case never:
            assert_never(never)


def _check_confirmation(case: _Case) -> Denial | None:
    """One confirmation may pass after our own opt-out (I2, 47 CFR 64.1200(a)(12)).

    It passes the block and the revocation it confirms, and those alone: where the carrier
    blocks as well, or the opt-out was lifted meanwhile, there is nothing for us to confirm.
    """
    if case.request.kind is not MessageKind.OPT_OUT_CONFIRMATION:
        return None
    blocks = standing_blocks(case.facts.standing, case.sender)
    if not blocks:
        return Denial(Reason.NO_CONSENT, "confirmation/nothing_to_confirm")
    if any(block.layer is not BlockLayer.OURS for block in blocks):
        return _deny_blocks(blocks, "confirmation/carrier_answers")
    broken = _broken_condition(case, blocks[0])
    return None if broken is None else Denial(Reason.OPTED_OUT, broken, block=blocks[0])


def _broken_condition(case: _Case, block: Block) -> str | None:
    """Name the condition that a confirmation breaks: in time, only once, small, no marketing."""
    deadline = block.since + timedelta(seconds=case.policy.confirmation_deadline_seconds)
    if not block.since <= case.now <= deadline:
        return "confirmation/deadline_missed"
    sent_at = case.facts.standing.thread(case.sender.number).confirmation_at
    if sent_at is not None and sent_at >= block.since:
        return "confirmation/already_sent"
    request = case.request
    if request.segments != 1 or request.media > 0:
        return "confirmation/one_segment"
    if request.purpose not in (None, Purpose.CONVERSATIONAL):
        return "confirmation/no_marketing"
    return None


def _purpose_of(case: _Case) -> Purpose | None:
    """Take the purpose named, the program's, or what the door may assume."""
    request = case.request
    if request.purpose is not None:
        return request.purpose
    if request.program is not None:
        program = case.facts.directory.program(request.program)
        return None if program is None else program.purpose
    if request.door is not Door.API:
        return Purpose.CONVERSATIONAL
    last = case.facts.standing.thread(case.sender.number).last_inbound_at
    if last is not None and is_in_conversation(last, case.policy, case.now):
        return Purpose.CONVERSATIONAL
    return None


def _programs_for(case: _Case, purpose: Purpose) -> tuple[Program, ...]:
    """List the programs whose consent would carry this text: the one named, else the brand's."""
    directory = case.facts.directory
    if case.request.program is not None:
        named = directory.program(case.request.program)
        fits = (
            named is not None
            and named.brand == case.sender.brand
            and named.purpose is purpose
            and named.sender in (None, case.sender.number)
        )
        return (named,) if named is not None and fits else ()
    if purpose is Purpose.CONVERSATIONAL:
        own = directory.program(case.sender.conversation)
        return () if own is None else (own,)
    return tuple(
        p
        for p in directory.programs.values()
        if p.brand == case.sender.brand
        and p.purpose is purpose
        and p.sender in (None, case.sender.number)
    )


def _judge_consent(consent: Consent, purpose: Purpose, now: datetime) -> Denial | None:
    """Say why one consent does not carry a text, or None where it does."""
    if consent.state is not ConsentState.ACTIVE:
        state = consent.state_at(now)
        return Denial(_WITHOUT_CONSENT[state], "consent/state", consent=consent)
    if not consent.is_active(now):
        return Denial(Reason.CONSENT_EXPIRED, "consent/expires_at", consent=consent)
    if STRENGTH[consent.level] < STRENGTH[NEEDED_LEVEL[purpose]]:
        return Denial(Reason.CONSENT_LEVEL, "consent/level", consent=consent)
    return None


def _check_opt_in_request(case: _Case) -> Denial | Consent | None:
    """Let the one question go that a consent waits for."""
    consent = case.facts.standing.consent(case.request.program or "")
    refused = refuse_question(consent, case.request.sender, case.request.message, case.now)
    return consent if refused is None else Denial(refused[0], refused[1], consent=consent)


def _check_consent(case: _Case) -> Denial | Consent | None:
    """Find a consent that carries the text, or the strongest reason why none does."""
    if case.request.kind is MessageKind.OPT_IN_REQUEST:
        return _check_opt_in_request(case)
    if case.request.kind in (MessageKind.HELP_REPLY, MessageKind.OPT_OUT_CONFIRMATION):
        return None
    purpose = _purpose_of(case)
    if purpose is None:
        return Denial(Reason.NO_CONSENT, "purpose/not_named")
    denials: list[Denial] = []
    for program in _programs_for(case, purpose):
        consent = case.facts.standing.consent(program.id)
        if consent is None:
            continue
        denial = _judge_consent(consent, purpose, case.now)
        if denial is None and not program.enabled:
            denial = Denial(Reason.SENDER_DISABLED, "program/enabled", consent=consent)
        if denial is None:
            return consent
        denials.append(denial)
    if not denials:
        return Denial(Reason.NO_CONSENT, f"consent/{purpose}")
    return min(denials, key=lambda denial: list(Reason).index(denial.reason))


def _check_body(case: _Case) -> Denial | None:
    body = case.request.body
    if body is None:
        return None
    empty = not body.strip() and case.request.media == 0
    if empty or len(body) > case.policy.body_characters_max:
        return Denial(Reason.BODY_INVALID, "body/length")
    return None


_BEFORE_CONSENT: Final[tuple[Callable[[_Case], Denial | None], ...]] = (
    _check_switched_on,
    _check_confirmation,
    _check_blocks,
    _check_revoked_conversation,
    _check_suppressed,
    _check_paused,
)


def _deny(denial: Denial, purpose: Purpose | None, policy: Policy, now: datetime) -> Decision:
    return Decision(
        decision=Verdict.DENY,
        reason=denial.reason,
        detail=REASONS[denial.reason].detail,
        policy_version=policy.version,
        as_of=now,
        rules=(denial.rule,),
        purpose=purpose,
        block=denial.block,
        consent=denial.consent,
        suppression=denial.suppression,
        review=denial.review,
    )


def decide(request: Request, facts: Facts, policy: Policy, now: datetime) -> Decision:
    """Decide whether a text may go; total, and a function of its arguments alone."""
    if request.recipient is None:
        denial = Denial(Reason.INVALID_NUMBER, "recipient/number")
        return _deny(denial, request.purpose, policy, now)
    sender = facts.directory.senders.get(request.sender)
    if sender is None:
        return _deny(Denial(Reason.UNKNOWN_SENDER, "sender/known"), request.purpose, policy, now)
    case = _Case(request, sender, facts, policy, now)
    for check in _BEFORE_CONSENT:
        found = check(case)
        if found is not None:
            return _deny(found, request.purpose, policy, now)
    carried = _check_consent(case)
    if isinstance(carried, Denial):
        return _deny(carried, request.purpose, policy, now)
    return _decide_carried(case, carried)


def _decide_carried(case: _Case, consent: Consent | None) -> Decision:
    """Decide about a text that consent carries: its body, then hours and caps of marketing."""
    bad_body = _check_body(case)
    if bad_body is not None:
        return _deny(bad_body, case.request.purpose, case.policy, case.now)
    purpose = _purpose_of(case)
    is_question = case.request.kind is MessageKind.OPT_IN_REQUEST
    if (purpose is Purpose.MARKETING or is_question) and is_solicitation(case.request):
        return _rule(case, consent)
    return _allow(case, consent, purpose)


def is_solicitation(request: Request) -> bool:
    """Tell whether a text is one that nobody asked for just now; our own answers are none."""
    may_be = request.kind in (MessageKind.MESSAGE, MessageKind.OPT_IN_REQUEST)
    return may_be and request.door is not Door.REPLY


def _rule(case: _Case, consent: Consent | None) -> Decision:
    """Decide about a solicitation by what the rules say of the time when it is to leave."""
    request = case.request
    asked = Asked(
        recipient=request.recipient or "",
        brand=case.sender.brand,
        at=case.now if request.send_at is None else max(case.now, request.send_at),
        expires_at=request.expires_at,
        message=request.message,
        is_question=request.kind is MessageKind.OPT_IN_REQUEST,
    )
    ruling = judge_solicitation(asked, case.facts.standing, case.policy)
    allowed = _allow(case, consent, _purpose_of(case))
    rules = (*allowed.rules, *ruling.rules)
    if ruling.reason is None:
        return msgspec.structs.replace(allowed, rules=rules)
    return msgspec.structs.replace(
        allowed,
        decision=Verdict.DENY if ruling.is_final else Verdict.DEFER,
        reason=ruling.reason,
        detail=ruling.detail,
        rules=rules,
        until=ruling.until,
    )


def _allow(case: _Case, consent: Consent | None, purpose: Purpose | None) -> Decision:
    if consent is None:
        rule, detail = f"reply/{case.request.kind}", "Allowed: our one answer to the person's word."
    elif case.request.kind is MessageKind.OPT_IN_REQUEST:
        rule = f"request/{consent.program}"
        detail = f"Allowed: the one question whether {consent.program} may text."
    else:
        detail = f"Allowed: {consent.level} consent with {consent.program} is active."
        rule = f"consent/{consent.program}"
    return Decision(
        decision=Verdict.ALLOW,
        reason=None,
        detail=detail,
        policy_version=case.policy.version,
        as_of=case.now,
        rules=(rule,),
        purpose=purpose,
        program=None if consent is None else consent.program,
        consent=consent,
    )


def refuse_unavailable(policy: Policy, now: datetime) -> Decision:
    """Answer for a store that cannot be asked: no (I7)."""
    return _deny(Denial(Reason.STORE_UNAVAILABLE, "store/answers"), None, policy, now)
