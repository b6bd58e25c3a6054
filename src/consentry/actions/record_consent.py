"""Consent told by an agent, a program or paper: granted, withdrawn, suppressed, tagged."""

from datetime import datetime

import msgspec

from consentry.actions.outgoing import cancel_forbidden, join
from consentry.domain.directory import Program
from consentry.domain.double_opt_in import Fate
from consentry.domain.entries import Actor, ActorKind, Entry, EntryKind, Evidence
from consentry.domain.expiry import earlier_end, end_of, find_expiry
from consentry.domain.intake import (
    Told,
    decide_grant,
    decide_lift,
    decide_revocation,
    decide_suppression,
    decide_tag,
    missing_in_grant,
    ran_out,
)
from consentry.domain.reasons import OPTED_OUT_SENTENCE
from consentry.domain.rules.places import find_whereabouts
from consentry.domain.standing import (
    EVERYTHING,
    Cause,
    Consent,
    ConsentLevel,
    ConsentState,
    Piece,
    Place,
    apply_pieces,
)
from consentry.domain.vouched_words import WHY, NoConsent, find_no_consent
from consentry.domain.written_consent import look_up, with_words
from consentry.ports import Change, Expiry, Facts, Needs, Rejected


class ConsentRecorded(msgspec.Struct, frozen=True):
    """Where it led: the entry, the consent's state, and what is missing if it is not active.

    `expires_at` is when the consent runs out, if the grant changed it. `opt_out` is the entry
    itself where it takes consent away: the legal clock is read from it. `message` is the text that
    asks the person, where one was put in the outbox. `grant` is the entry of a grant or a request,
    for its checklist, `fate` what became of the wish that a person be asked.
    """

    entry: str
    state: ConsentState | None
    note: str | None = None
    in_flight: tuple[str, ...] = ()
    expires_at: datetime | None = None
    opt_out: Entry | None = None
    message: str | None = None
    grant: Entry | None = None
    fate: Fate | None = None


class Statement(msgspec.Struct, frozen=True):
    """Who told what about whom: `by_person` is false where the company acts on its own."""

    recipient: str
    actor: Actor
    reason: str
    evidence: Evidence | None = None
    by_person: bool = True

    @property
    def cause(self) -> Cause:
        """The cause that the standing shows."""
        return Cause.IMPORT if self.actor.kind is ActorKind.IMPORT else Cause.AGENT

    def told(self, entry: str, now: datetime) -> Told:
        """Take the claimed time of the evidence, but never one that is still to come."""
        claimed = None if self.evidence is None else self.evidence.at
        at = now if claimed is None else min(claimed, now)
        return Told(at=at, entry=entry, cause=self.cause, by_person=self.by_person)


def told_entry(
    statement: Statement,
    entry_id: str,
    kind: EntryKind,
    *,
    at: datetime,
    facts: Facts,
    pieces: tuple[Piece, ...],
    program: Program | None = None,
    superseded: bool = False,
) -> Entry:
    """Write down what was told, by whom and how it is known."""
    return Entry(
        id=entry_id,
        recipient=statement.recipient,
        kind=kind,
        at=at,
        recorded_at=facts.now,
        actor=statement.actor,
        sender=None if program is None else program.sender,
        program=None if program is None else program.id,
        evidence=statement.evidence,
        reason=statement.reason,
        superseded=superseded,
        pieces=pieces,
    )


def find_program(program_id: str, facts: Facts) -> Program:
    """Find a program; raises `Rejected` where there is none."""
    program = facts.directory.program(program_id)
    if program is None:
        raise Rejected(
            "unknown_program",
            f"There is no program {program_id!r}. Add it first, or name a sender's conversation "
            "as conversation:+14155550100.",
            status=404,
        )
    return program


def need_evidence(evidence: Evidence | None) -> Evidence:
    """Give the evidence of a consent; raises `Rejected` for none, and for words that are none."""
    if evidence is None:
        raise Rejected(
            "evidence_missing",
            "Evidence is needed: how is it known that the person wants these texts?",
            status=422,
        )
    instead = find_no_consent(evidence.verbatim)
    if instead is None:
        return evidence
    told = f"What the person said (evidence.verbatim) is {WHY[instead]}, and no consent."
    if instead is NoConsent.HELP:
        raise Rejected(
            "not_a_consent", f"{told} Give the words by which the person agreed.", status=422
        )
    raise Rejected(
        "not_a_consent",
        f"{told} Record it as a withdrawal; where the person agreed later, give those words.",
        status=422,
    )


class GrantConsent(msgspec.Struct, frozen=True):
    """Record a grant; it is active at once only where the handset itself has spoken."""

    statement: Statement
    program: str
    level: ConsentLevel | None = None
    expires_at: datetime | None = None

    def needs(self) -> Needs:
        """Ask for the standing."""
        return Needs(recipients=(self.statement.recipient,))

    def decide(self, facts: Facts) -> tuple[ConsentRecorded, Change]:
        """Decide; raises `Rejected` for an unknown program or a grant without its evidence."""
        program = find_program(self.program, facts)
        evidence = with_words(facts.directory, need_evidence(self.statement.evidence))
        statement = msgspec.structs.replace(self.statement, evidence=evidence)
        level = self.level or (ConsentLevel.IMPLIED if evidence.basis else ConsentLevel.EXPRESS)
        granting = look_up(facts.directory, program, evidence)
        missing = missing_in_grant(level, granting)
        if missing:
            raise Rejected("evidence_missing", f"Missing: {'; '.join(missing)}.", status=422)
        entry_id = facts.ids.new("ent")
        told = statement.told(entry_id, facts.now)
        standing = facts.standing(statement.recipient)
        expires_at = _find_end(self, level, told.at, standing.place)
        if expires_at is not None and expires_at <= facts.now:
            granted = ran_out(expires_at)
        else:
            granted = decide_grant(
                standing,
                program,
                facts.directory,
                level=level,
                medium=evidence.medium,
                told=told,
                expires_at=expires_at,
                reach=facts.policy.revocation_reach,
            )
        entry = told_entry(
            statement,
            entry_id,
            EntryKind.CONSENT_GRANTED,
            at=told.at,
            facts=facts,
            pieces=granted.pieces,
            program=program,
            superseded=granted.superseded,
        )
        ends = tuple(
            Expiry(entry.recipient, piece.program, piece.expires_at)
            for piece in granted.pieces
            if isinstance(piece, Consent) and piece.expires_at is not None
        )
        outcome = ConsentRecorded(
            entry_id,
            granted.state,
            granted.note,
            expires_at=ends[0].expires_at if ends else None,
            grant=entry,
        )
        return outcome, Change(entries=(entry,), records=ends)


def _find_end(
    grant: GrantConsent, level: ConsentLevel, at: datetime, place: Place | None
) -> datetime | None:
    """Say when a grant runs out: as it says itself, or as the law says where the person is."""
    statement = grant.statement
    basis = None if statement.evidence is None else statement.evidence.basis
    where = find_whereabouts(statement.recipient, place)
    row = find_expiry(level, basis, where.jurisdictions)
    return earlier_end(grant.expires_at, None if row is None else end_of(row, at))


class RevokeConsent(msgspec.Struct, frozen=True):
    """Record a withdrawal from one program; effective at once."""

    statement: Statement
    program: str

    def needs(self) -> Needs:
        """Ask for the standing and for what waits in the outbox."""
        return Needs(recipients=(self.statement.recipient,), queued_jobs=True)

    def decide(self, facts: Facts) -> tuple[ConsentRecorded, Change]:
        """Decide; raises `Rejected` for an unknown program."""
        program = find_program(self.program, facts)
        entry_id = facts.ids.new("ent")
        told = self.statement.told(entry_id, facts.now)
        standing = facts.standing(self.statement.recipient)
        pieces = decide_revocation(
            standing, program, facts.directory, told=told, reach=facts.policy.revocation_reach
        )
        entry = told_entry(
            self.statement,
            entry_id,
            EntryKind.CONSENT_REVOKED,
            at=told.at,
            facts=facts,
            pieces=pieces,
            program=program,
        )
        return _narrowed(entry, ConsentState.REVOKED, facts)


def _narrowed(
    entry: Entry, state: ConsentState | None, facts: Facts
) -> tuple[ConsentRecorded, Change]:
    """Write an entry that takes something away, and cancel what it forbids."""
    after = apply_pieces(facts.standing(entry.recipient), entry.pieces)
    change = join(Change(entries=(entry,)), cancel_forbidden(entry.recipient, after, facts))
    in_flight = facts.in_flight(entry.recipient)
    return ConsentRecorded(entry.id, state, in_flight=in_flight, opt_out=entry), change


class SuppressRecipient(msgspec.Struct, frozen=True):
    """Put a recipient on the do-not-text list of a brand, or of everything."""

    statement: Statement
    brand: str | None = None

    def needs(self) -> Needs:
        """Ask for the standing and for what waits in the outbox."""
        return Needs(recipients=(self.statement.recipient,), queued_jobs=True)

    def decide(self, facts: Facts) -> tuple[ConsentRecorded, Change]:
        """Decide; raises `Rejected` for an unknown brand."""
        if self.brand is not None and self.brand not in facts.directory.brands:
            raise Rejected("unknown_brand", f"There is no brand {self.brand!r}.", status=404)
        entry_id = facts.ids.new("ent")
        told = self.statement.told(entry_id, facts.now)
        standing = facts.standing(self.statement.recipient)
        scope = self.brand or EVERYTHING
        pieces = decide_suppression(standing, facts.directory, scope=scope, told=told)
        entry = told_entry(
            self.statement, entry_id, EntryKind.SUPPRESSED, at=told.at, facts=facts, pieces=pieces
        )
        return _narrowed(entry, ConsentState.REVOKED, facts)


class LiftSuppression(msgspec.Struct, frozen=True):
    """Take a recipient off the list where the company had put it there."""

    statement: Statement
    brand: str | None = None

    def needs(self) -> Needs:
        """Ask for the standing."""
        return Needs(recipients=(self.statement.recipient,))

    def decide(self, facts: Facts) -> tuple[ConsentRecorded, Change]:
        """Decide; raises `Rejected` where nothing is listed, or only the person may lift it."""
        scope = self.brand or EVERYTHING
        standing = facts.standing(self.statement.recipient)
        listed = standing.suppression(scope)
        if listed is None or not listed.active:
            raise Rejected(
                "not_found",
                f"{self.statement.recipient} is not on this do-not-text list. Look up the "
                "recipient for those it is on.",
                status=404,
            )
        entry_id = facts.ids.new("ent")
        told = self.statement.told(entry_id, facts.now)
        lifted = decide_lift(standing, scope=scope, told=told)
        if lifted is None:
            raise Rejected(
                "opted_out", f"Only the person can lift this. {OPTED_OUT_SENTENCE}", status=403
            )
        entry = told_entry(
            self.statement,
            entry_id,
            EntryKind.SUPPRESSED,
            at=told.at,
            facts=facts,
            pieces=(lifted,),
        )
        return ConsentRecorded(entry_id, None), Change(entries=(entry,))


class TagPhone(msgspec.Struct, frozen=True):
    """Set or remove the SMS tag by hand."""

    statement: Statement
    sms: bool

    def needs(self) -> Needs:
        """Ask for the standing."""
        return Needs(recipients=(self.statement.recipient,))

    def decide(self, facts: Facts) -> tuple[ConsentRecorded, Change]:
        """Decide; raises `Rejected` where the number is forbidden."""
        standing = facts.standing(self.statement.recipient)
        tag = decide_tag(standing, sms=self.sms)
        if tag is None:
            raise Rejected("opted_out", OPTED_OUT_SENTENCE, status=403)
        entry_id = facts.ids.new("ent")
        entry = told_entry(
            self.statement,
            entry_id,
            EntryKind.TAG_CHANGED,
            at=facts.now,
            facts=facts,
            pieces=(tag,),
        )
        return ConsentRecorded(entry_id, None), Change(entries=(entry,))
