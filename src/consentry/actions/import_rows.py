"""Many rows of a list in one transaction, each decided as if it had come by itself.

A slice either counts wholly or not at all, and with it how far the import has come: an import that
is killed at any point goes on behind the last slice that is durable.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Final, cast

import msgspec

from consentry.actions.import_opt_outs import (
    Fate,
    ImportOptOut,
    ImportSource,
    decide_fate,
    suppress_unseen,
    tell_provenance,
)
from consentry.actions.outgoing import join
from consentry.actions.record_audit import build_entry
from consentry.actions.record_consent import ConsentRecorded, GrantConsent, Statement
from consentry.domain.directory import is_conversation
from consentry.domain.entries import Actor, ActorKind, Entry, EntryKind, Evidence, Medium
from consentry.domain.imports import (
    ImportAim,
    ImportKind,
    ImportPart,
    ImportRun,
    RowOutcome,
)
from consentry.domain.levels import STRENGTH
from consentry.domain.listed_numbers import ListedNumber, UnreadableLine
from consentry.domain.standing import Consent, ConsentLevel, ConsentState, Standing, apply_pieces
from consentry.domain.vouched_words import WHY, NoConsent, find_no_consent
from consentry.ports import Change, Facts, Needs, Rejected

ListedRow = ListedNumber | UnreadableLine


class Decided(msgspec.Struct, frozen=True, gc=False):
    """What became of a row: `why` says more, `in_flight` are texts that were with the carrier."""

    row: ListedRow
    outcome: RowOutcome
    why: str | None = None
    in_flight: tuple[str, ...] = ()


_UNSEEN: Final = Standing()
_FATES = {
    Fate.NEW: RowOutcome.RECORDED,
    Fate.LISTED: RowOutcome.STANDS,
    Fate.CAME_BACK: RowOutcome.CAME_BACK,
}
_STATES = {
    ConsentState.ACTIVE: RowOutcome.RECORDED,
    ConsentState.PENDING: RowOutcome.PENDING,
    ConsentState.PENDING_CARRIER: RowOutcome.PENDING,
}


class Supposing:
    """Facts as they are, but for standings that earlier rows would have led to."""

    def __init__(self, facts: Facts, standings: dict[str, Standing]) -> None:
        self._facts = facts
        self.standings = standings

    def __getattr__(self, name: str) -> object:
        """Give every other fact as it is."""
        return getattr(self._facts, name)

    def standing(self, recipient: str) -> Standing:
        """Return the standing after the rows so far."""
        known = self.standings.get(recipient)
        return self._facts.standing(recipient) if known is None else known

    def apply(self, change: Change) -> None:
        """Suppose that a row's change is made."""
        for entry in change.entries:
            before = self.standing(entry.recipient)
            self.standings[entry.recipient] = apply_pieces(before, entry.pieces)


def decide_rows(
    rows: Sequence[ListedRow], run_id: str, aim: ImportAim, facts: Facts
) -> tuple[list[Decided], Change]:
    """Decide row by row, in order; raises `Rejected` for a brand or program that is not there.

    `facts` show each row what those before it led to: give them as `Supposing` where a number may
    come twice.
    """
    deciding = _Deciding(run_id, aim, facts)
    decided = [
        Decided(row, RowOutcome.UNREADABLE, row.why)
        if isinstance(row, UnreadableLine)
        else deciding.decide(row)
        for row in rows
    ]
    return decided, join(Change(entries=tuple(deciding.entries)), *deciding.changes)


class _Deciding:
    """Decides rows one after the other, and gathers what they change.

    What is written about somebody of whom nothing is known is gathered as an entry alone: that is
    most of a long list.
    """

    def __init__(self, run_id: str, aim: ImportAim, facts: Facts) -> None:
        self.entries: list[Entry] = []
        self.changes: list[Change] = []
        self._run = run_id
        self._aim = aim
        self._facts = facts
        self._supposing = facts if isinstance(facts, Supposing) else None
        self._actor = Actor(ActorKind.IMPORT, run_id)
        self._source = ImportSource(
            id=run_id,
            name=aim.source,
            digest=aim.digest,
            agent=aim.by,
            brand=_find_brand(aim, facts),
            by_person=aim.by_person,
        )
        is_opt_out = aim.kind is ImportKind.OPT_OUTS
        self.decide: Final = self._opt_out if is_opt_out else self._grant

    def _opt_out(self, row: ListedNumber) -> Decided:
        facts = self._facts
        standing = facts.standing(row.recipient)
        if standing == _UNSEEN and not facts.queued_work(row.recipient):
            in_flight = facts.in_flight(row.recipient)
            entry = suppress_unseen(row, self._source, self._actor, facts)
            self.entries.append(entry)
            if self._supposing is not None:
                self._supposing.apply(Change(entries=(entry,)))
            return Decided(row, RowOutcome.RECORDED, None, in_flight)
        fate = decide_fate(standing, row, self._source, facts.directory)
        if fate is not Fate.NEW:
            return Decided(row, _FATES[fate])
        imported, change = ImportOptOut(row, self._source).decide(facts)
        self._keep(change)
        return Decided(row, RowOutcome.RECORDED, None, imported.in_flight)

    def _grant(self, row: ListedNumber) -> Decided:
        instead = None if self._aim.texted is None else find_no_consent(row.text)
        if instead is NoConsent.OPT_OUT:
            return self._say_stop(row)
        if instead is not None:
            return Decided(row, RowOutcome.REFUSED, f"This text is {WHY[instead]}, and no consent.")
        decided, change = _grant(row, self._run, self._aim, self._facts)
        if change is not None:
            self._keep(change)
        return decided

    def _say_stop(self, row: ListedNumber) -> Decided:
        """Take an opt-out among texts that are vouched for as one: a log of texts has those too."""
        imported, change = ImportOptOut(row, self._source).decide(self._facts)
        self._keep(change)
        outcome = RowOutcome.WITHDREW if imported.fate is Fate.NEW else _FATES[imported.fate]
        return Decided(
            row, outcome, "This text is an opt-out, and counts as one.", imported.in_flight
        )

    def _keep(self, change: Change) -> None:
        self.changes.append(change)
        if self._supposing is not None:
            self._supposing.apply(change)


def _find_brand(aim: ImportAim, facts: Facts) -> str | None:
    """Find whom opt-outs of a list are for: those among texts to a number, its brand."""
    program = None if aim.texted is None else facts.directory.program(aim.program or "")
    return aim.brand if program is None else program.brand


def _grant(
    row: ListedNumber, run_id: str, aim: ImportAim, facts: Facts
) -> tuple[Decided, Change | None]:
    """Grant what somebody is told to have given; nothing is written where nothing changes."""
    if aim.texted is not None and (row.at is None or not row.text):
        missing = "A text moved from elsewhere needs its date and what the person texted."
        return Decided(row, RowOutcome.REFUSED, missing), None
    program = aim.program or ""
    # Who wrote first agreed to be answered, and to no more.
    level = ConsentLevel.IMPLIED if is_conversation(program) else None
    recorded, change = GrantConsent(_state(row, run_id, aim), program, level).decide(facts)
    known = facts.standing(row.recipient).consent(program)
    return _judge_grant(row, recorded, change, known)


def _judge_grant(
    row: ListedNumber, recorded: ConsentRecorded, change: Change, known: Consent | None
) -> tuple[Decided, Change | None]:
    pieces = change.entries[0].pieces
    given = next((piece for piece in pieces if isinstance(piece, Consent)), None)
    if given is None:
        return Decided(row, _judge_unwritten(recorded, change.entries[0]), recorded.note), None
    if known is not None and known.state is given.state and _is_as_strong(known, given):
        return Decided(row, RowOutcome.STANDS, recorded.note), None
    return Decided(row, _STATES[given.state], recorded.note), change


def _judge_unwritten(recorded: ConsentRecorded, entry: Entry) -> RowOutcome:
    """Say why a grant changed nothing."""
    if recorded.state is ConsentState.EXPIRED:
        return RowOutcome.EXPIRED
    if entry.superseded or recorded.state is ConsentState.REVOKED:
        return RowOutcome.WITHDREW
    return RowOutcome.STANDS


def _is_as_strong(known: Consent, given: Consent) -> bool:
    return STRENGTH[known.level] >= STRENGTH[given.level] and known.expires_at == given.expires_at


def _state(row: ListedNumber, run_id: str, aim: ImportAim) -> Statement:
    note = tell_provenance(row, name=aim.source, digest=aim.digest, by=aim.by)
    evidence = Evidence(medium=Medium.IMPORT, at=row.at, note=note)
    if aim.texted is not None:
        # Somebody vouches that the handset itself spoke: the text stands as evidence of that.
        evidence = msgspec.structs.replace(
            evidence,
            medium=Medium.TEXT,
            verbatim=row.text,
            clock="the other system's",
            note=f"{note}; texted by this handset according to {aim.texted}",
        )
    return Statement(
        recipient=row.recipient,
        actor=Actor(ActorKind.IMPORT, run_id),
        reason=row.reason or aim.source,
        evidence=evidence,
    )


def needs_of(rows: Sequence[ListedRow], aim: ImportAim, *runs: str) -> Needs:
    """Ask for the standings of the rows, and for what waits in the outbox for opted-out people."""
    return Needs(
        recipients=tuple(row.recipient for row in rows if isinstance(row, ListedNumber)),
        queued_jobs=aim.kind is ImportKind.OPT_OUTS or aim.texted is not None,
        imports=runs,
    )


class BeginImport(msgspec.Struct, frozen=True):
    """Keep that a list is being brought in, under this id, for this aim, by whom."""

    id: str
    key: str
    aim: ImportAim
    by: Actor

    def needs(self) -> Needs:
        """Ask for nothing."""
        return Needs()

    def decide(self, facts: Facts) -> tuple[ImportRun, Change]:
        """Keep it; raises `Rejected` for a brand or program that is not there."""
        check_aim(self.aim, facts)
        run = ImportRun(self.id, self.key, self.aim, self.by, facts.now, facts.now)
        return run, Change(records=(run,))


def check_aim(aim: ImportAim, facts: Facts) -> None:
    """Raise `Rejected` where a list could not be brought in at all."""
    if aim.brand is not None and aim.brand not in facts.directory.brands:
        raise Rejected("unknown_brand", f"There is no brand {aim.brand!r}.", status=404)
    if aim.kind is ImportKind.CONSENTS and facts.directory.program(aim.program or "") is None:
        raise Rejected(
            "unknown_program",
            f"There is no program {aim.program!r}. Name the one that people consented to.",
            status=404,
        )


class ImportSlice(msgspec.Struct, frozen=True):
    """Decide the next rows of an import and keep how far it has come, all or nothing.

    `start` is where the import must be: somebody else may have gone on with it.
    """

    run: str
    start: int
    block: int
    rows: Sequence[ListedRow]
    aim: ImportAim

    def needs(self) -> Needs:
        """Ask for the standings and the import."""
        return needs_of(self.rows, self.aim, self.run)

    def decide(self, facts: Facts) -> tuple[tuple[ImportRun, list[Decided]], Change]:
        """Decide; raises `Rejected` where the import is not where it was left."""
        run = facts.import_run(self.run)
        if run is None or run.position != self.start or run.finished_at is not None:
            raise Rejected(
                "import_moved_on",
                "Somebody else goes on with this import. Look at where it is and wait for it.",
            )
        seen = facts if _is_each_once(self.rows) else cast("Facts", Supposing(facts, {}))
        decided, change = decide_rows(self.rows, self.run, self.aim, seen)
        part = _build_part(run, self.block, decided)
        moved = msgspec.structs.replace(
            run,
            changed_at=facts.now,
            position=run.position + len(self.rows),
            parts=run.parts + 1,
            counts=_add_counts(run.counts, part.rows),
        )
        return (moved, decided), join(change, Change(records=(moved, part)))


def _is_each_once(rows: Sequence[ListedRow]) -> bool:
    numbers = {row.recipient for row in rows if isinstance(row, ListedNumber)}
    return len(numbers) == sum(1 for row in rows if isinstance(row, ListedNumber))


def _build_part(run: ImportRun, block: int, decided: Sequence[Decided]) -> ImportPart:
    rows: dict[str, list[int]] = defaultdict(list)
    why: dict[int, str] = {}
    for one in decided:
        rows[one.outcome.value].append(one.row.line)
        # What a row that names no number has in its place may be somebody's all the same.
        if one.why is not None and one.outcome is not RowOutcome.UNREADABLE:
            why[one.row.line] = one.why
    return ImportPart(run.id, run.parts, block, dict(rows), why)


def _add_counts(counts: Mapping[str, int], rows: Mapping[str, list[int]]) -> dict[str, int]:
    return dict(counts) | {name: counts.get(name, 0) + len(found) for name, found in rows.items()}


class FinishImport(msgspec.Struct, frozen=True):
    """Say that all rows of a list were decided; the audit lists the import as one entry."""

    run: str
    rows: int
    by: Actor

    def needs(self) -> Needs:
        """Ask for the import."""
        return Needs(imports=(self.run,))

    def decide(self, facts: Facts) -> tuple[ImportRun, Change]:
        """Finish it; raises `Rejected` where rows are left. Doing it again changes nothing."""
        run = facts.import_run(self.run)
        if run is None or run.position != self.rows:
            raise Rejected("import_moved_on", "This import has rows left. Go on with it.")
        if run.finished_at is not None:
            return run, Change()
        finished = msgspec.structs.replace(run, changed_at=facts.now, finished_at=facts.now)
        return finished, Change(entries=(_audit(finished, facts, self.by),), records=(finished,))


def _audit(run: ImportRun, facts: Facts, by: Actor) -> Entry:
    aim = run.aim
    what = "opt-outs" if aim.kind is ImportKind.OPT_OUTS else f"consents to {aim.program}"
    counts = ", ".join(f"{count:,} {name}" for name, count in run.counts.items()) or "no rows"
    text = f"{what} (from {aim.source}, SHA-256 {aim.digest}, import {run.id}): {counts}"
    return build_entry(EntryKind.IMPORTED, facts, by, text=text)


class TryRows(msgspec.Struct, frozen=True):
    """Decide rows as an import would, and write nothing.

    `supposed` are standings that earlier rows of the list would have led to, by number.
    """

    rows: Sequence[ListedRow]
    aim: ImportAim
    supposed: dict[str, Standing] = {}

    def needs(self) -> Needs:
        """Ask for the standings."""
        return needs_of(self.rows, self.aim)

    def decide(self, facts: Facts) -> tuple[tuple[list[Decided], dict[str, Standing]], Change]:
        """Decide; gives the standings that the rows would lead to."""
        check_aim(self.aim, facts)
        supposing = Supposing(facts, dict(self.supposed))
        decided, _ = decide_rows(self.rows, "imp_dry_run", self.aim, cast("Facts", supposing))
        return (decided, supposing.standings), Change()
