"""Double opt-in: a person is asked once whether a program may text them, and answers by texting."""

from datetime import datetime, timedelta

import msgspec

from consentry.actions.outgoing import Draft, Queued, join, queue_text
from consentry.actions.record_consent import (
    ConsentRecorded,
    Statement,
    find_program,
    need_evidence,
    told_entry,
)
from consentry.domain.calls_to_action import CallToAction
from consentry.domain.directory import Program, Purpose
from consentry.domain.double_opt_in import (
    Fate,
    Requested,
    Wish,
    decide_request,
    level_for,
    word_request,
)
from consentry.domain.entries import Actor, ActorKind, EntryKind, Evidence, Medium
from consentry.domain.gate import Door, MessageKind
from consentry.domain.intake import missing_evidence
from consentry.domain.standing import Consent, ConsentLevel, Standing, apply_pieces
from consentry.ports import Change, Facts, Needs, Rejected

_FROM_A_PILE = (Medium.PAPER, Medium.MAIL, Medium.IMPORT)
_JUST_NOW = timedelta(hours=1)


class RequestConsent(msgspec.Struct, frozen=True):
    """Ask a person, over their own handset, for the consent that they are told to have given.

    `call_to_action` is the id of what they were shown, or of one version of it (`id/3`).
    `sender` is the number to ask over; without it, the one that the person texted last.
    """

    statement: Statement
    program: str
    level: ConsentLevel | None = None
    call_to_action: str | None = None
    sender: str | None = None

    def needs(self) -> Needs:
        """Ask for the standing."""
        return Needs(recipients=(self.statement.recipient,))

    def decide(self, facts: Facts) -> tuple[ConsentRecorded, Change]:
        """Decide; raises `Rejected` for what cannot be asked for, or lacks its evidence."""
        return self.decide_on(facts, facts.standing(self.statement.recipient))

    def decide_on(self, facts: Facts, standing: Standing) -> tuple[ConsentRecorded, Change]:
        """Decide on a standing that an earlier part of the same command has changed."""
        program = find_program(self.program, facts)
        _check_askable(program)
        statement = msgspec.structs.replace(self.statement, evidence=self._complete(program, facts))
        level = self.level or level_for(program)
        _check_evidence(statement.evidence, level, program, facts)
        entry_id = facts.ids.new("ent")
        wish = self._wish(statement, level, facts)
        told = statement.told(entry_id, facts.now)
        requested = decide_request(
            standing,
            program,
            facts.directory,
            wish=wish,
            told=told,
            reach=facts.policy.revocation_reach,
        )
        if requested.consent is None:
            why = f"{statement.reason.rstrip('.')}. {requested.note}"
            statement = msgspec.structs.replace(statement, reason=why)
        requested, queued = self._ask(requested, standing, facts)
        entry = told_entry(
            statement,
            entry_id,
            EntryKind.CONSENT_REQUESTED,
            at=told.at,
            facts=facts,
            pieces=() if requested.consent is None else (requested.consent,),
            program=program,
            superseded=requested.superseded,
        )
        if requested.sender is not None:
            entry = msgspec.structs.replace(entry, sender=requested.sender.number)
        asks = None if queued is None or queued.message is None else queued.message.id
        outcome = ConsentRecorded(
            entry_id,
            requested.state,
            requested.note,
            message=asks,
            fate=requested.fate,
            grant=entry,
        )
        change = Change(entries=(entry,))
        return outcome, change if queued is None else join(change, queued.change)

    def _complete(self, program: Program, facts: Facts) -> Evidence | None:
        """Put the wording of the call to action in the evidence, where it does not have it."""
        evidence = self.statement.evidence
        if self.call_to_action is None or evidence is None:
            return evidence
        call = _find_call(self.call_to_action, program, facts)
        if not _is_version(self.call_to_action, call):
            return evidence
        return msgspec.structs.replace(
            evidence,
            call_to_action=evidence.call_to_action or call.text,
            call_to_action_version=call.version_id,
            call_to_action_sha256=call.sha256,
        )

    def _wish(self, statement: Statement, level: ConsentLevel, facts: Facts) -> Wish:
        evidence, shown = statement.evidence, self.call_to_action
        call = None if shown is None else facts.directory.calls_to_action.get(shown)
        return Wish(
            level=level,
            medium=Medium.IMPORT if evidence is None else evidence.medium,
            now=facts.now,
            ends_at=facts.now + timedelta(hours=facts.policy.opt_in_hours),
            message=facts.ids.new("msg"),
            is_dated=_is_dated(statement),
            call_to_action=shown if call is None else call.version_id,
            sender=self.sender,
        )

    def _acts_now(self, now: datetime) -> bool:
        """Tell whether the person is there: they filled in a form, or are on the phone."""
        statement, evidence = self.statement, self.statement.evidence
        if evidence is None or evidence.medium in _FROM_A_PILE:
            return False
        acted_at = now if evidence.at is None else evidence.at
        return statement.actor.kind is not ActorKind.IMPORT and now - acted_at <= _JUST_NOW

    def _ask(
        self, requested: Requested, standing: Standing, facts: Facts
    ) -> tuple[Requested, Queued | None]:
        """Put the question in the outbox; where the gate says no, the consent waits unasked."""
        consent, sender = requested.consent, requested.sender
        if consent is None or sender is None:
            return requested, None
        queued = queue_request(
            self.statement.recipient,
            consent,
            apply_pieces(standing, (consent,)),
            facts,
            door=Door.REPLY if self._acts_now(facts.now) else Door.API,
        )
        if queued.message is not None or consent.request is None:
            return requested, queued
        unasked = msgspec.structs.replace(consent.request, message=None)
        before = standing.consent(consent.program)
        asked_at = None if before is None else before.asked_at
        kept = msgspec.structs.replace(consent, request=unasked, asked_at=asked_at)
        refused = msgspec.structs.replace(
            requested, consent=kept, note=queued.decision.detail, fate=Fate.HELD
        )
        return refused, queued


def queue_request(
    recipient: str, consent: Consent, after: Standing, facts: Facts, *, door: Door = Door.REPLY
) -> Queued:
    """Put the one question of a consent in the outbox; `after` has the consent pending.

    It is no marketing: it says who would text, what and how often, and how to say yes or no.
    """
    request, program = consent.request, facts.directory.program(consent.program)
    if request is None or program is None:
        raise LookupError(f"{consent.program} has no request to send.")
    draft = Draft(
        recipient=recipient,
        sender=request.sender,
        body=word_request(facts.directory.brands[program.brand], program),
        actor=Actor(ActorKind.SYSTEM),
        kind=MessageKind.OPT_IN_REQUEST,
        door=door,
        purpose=Purpose.INFORMATIONAL,
        program=program.id,
        expires_at=request.answer_by,
        message=request.message,
    )
    return queue_text(draft, after, facts)


def _is_dated(statement: Statement) -> bool:
    """Tell whether it is known when the person acted: at this moment, or as the evidence says."""
    evidence = statement.evidence
    named = evidence is not None and evidence.at is not None
    return named or statement.actor.kind is ActorKind.PERSON


def _check_askable(program: Program) -> None:
    if program.is_conversation:
        raise Rejected(
            "conversation_is_built_in",
            "A conversation is not asked for: who texts a number opts in to it by that alone. "
            "Name a program.",
            status=422,
        )
    if not program.enabled:
        raise Rejected(
            "program_disabled",
            f"Program {program.name} is switched off, so nobody is asked for it. Switch it on "
            "first.",
        )


def _check_evidence(
    evidence: Evidence | None, level: ConsentLevel, program: Program, facts: Facts
) -> None:
    missing = missing_evidence(
        level,
        need_evidence(evidence),
        program,
        facts.directory.brands[program.brand],
        senders=facts.directory.senders_of(program),
    )
    if missing:
        raise Rejected("evidence_missing", f"Missing: {'; '.join(missing)}.", status=422)


def _find_call(shown: str, program: Program, facts: Facts) -> CallToAction:
    call = facts.directory.calls_to_action.get(shown.partition("/")[0])
    if call is None or call.program != program.id or not _is_past_or_present(shown, call):
        raise Rejected(
            "unknown_call_to_action",
            f"Program {program.name} has no call to action {shown!a}. Add it first, or leave it "
            "out and give the wording as evidence.call_to_action.",
            status=404,
        )
    return call


def _is_version(shown: str, call: CallToAction) -> bool:
    return shown in (call.id, call.version_id)


def _is_past_or_present(shown: str, call: CallToAction) -> bool:
    _, slash, version = shown.partition("/")
    if not slash:
        return True
    return version.isascii() and version.isdigit() and 0 < int(version) <= call.version
