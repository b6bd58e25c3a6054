"""Many rows of a list in one transaction, each decided as if it had come by itself.

A slice either counts wholly or not at all, and with it how far the import has come: an import that
is killed at any point goes on behind the last slice that is durable.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import Final, cast

import msgspec

from consentry.actions.import_alike import Strangers
from consentry.actions.import_opt_outs import (
    Fate,
    ImportOptOut,
    ImportSource,
    tell_provenance,
)
from consentry.actions.import_words import ListedRow, ReadyRows
from consentry.actions.outgoing import join
from consentry.actions.record_audit import build_entry
from consentry.actions.record_consent import ConsentRecorded, GrantConsent, Statement
from consentry.domain.directory import is_conversation
from consentry.domain.entries import Actor, ActorKind, Entry, EntryKind, Evidence, Medium
from consentry.domain.expiry import may_run_out
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


class Decided(msgspec.Struct, frozen=True, gc=False):
    """What became of a row: `why` says more, `in_flight` are texts that were with the carrier."""

    row: ListedRow
    outcome: RowOutcome
    why: str | None = None
    in_flight: tuple[str, ...] = ()


_FATES: Final = {
    Fate.NEW: RowOutcome.RECORDED,
    Fate.LISTED: RowOutcome.STANDS,
    Fate.CAME_BACK: RowOutcome.CAME_BACK,
}
_STATES: Final = {
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

    def strangers(self, recipients: Iterable[str]) -> AbstractSet[str]:
        """Tell of whom nothing is known, and no row so far has led to anything."""
        return self._facts.strangers(n for n in recipients if n not in self.standings)

    def apply(self, change: Change) -> None:
        """Suppose that a row's change is made."""
        for entry in change.entries:
            before = self.standing(entry.recipient)
            self.standings[entry.recipient] = apply_pieces(before, entry.pieces)


def decide_rows(
    ready: ReadyRows,
    run_id: str,
    aim: ImportAim,
    facts: Facts,
    *,
    repeated: AbstractSet[str] = frozenset(),
) -> tuple[list[Decided], Change]:
    """Decide row by row, in order; raises `Rejected` for a brand or program that is not there.

    `repeated` are numbers that come more than once: `facts` must show each of their rows what those
    before it led to, as `Supposing` does.
    """
    deciding = _Deciding(run_id, aim, facts)
    decided = deciding.decide_all(ready, repeated)
    return decided, join(deciding.strangers.gather(), *deciding.changes)


class _Deciding:
    """Decides rows one after the other, and gathers what they change.

    What is written about somebody of whom nothing is known is gathered by itself: that is most of a
    long list.
    """

    def __init__(self, run_id: str, aim: ImportAim, facts: Facts) -> None:
        self.changes: list[Change] = []
        self._run = run_id
        self._aim = aim
        self._facts = facts
        self._supposing = facts if isinstance(facts, Supposing) else None
        self._source = ImportSource(
            id=run_id,
            name=aim.source,
            digest=aim.digest,
            agent=aim.by,
            brand=_find_brand(aim, facts),
            by_person=aim.by_person,
        )
        is_opt_out = aim.kind is ImportKind.OPT_OUTS
        self._decide: Final = self._opt_out if is_opt_out else self._grant
        self._may_be_alike = is_opt_out or _are_grants_alike(aim)
        # A list of opt-outs may have any words: nothing hangs on them.
        self._are_texts_read = not is_opt_out
        self.strangers: Final = Strangers(self._exemplify, facts)

    def decide_all(self, ready: ReadyRows, repeated: AbstractSet[str]) -> list[Decided]:
        """Decide rows in their order, and keep what they change."""
        unseen = self._facts.strangers(ready.numbers) if self._may_be_alike else frozenset[str]()
        if repeated:
            unseen = unseen - repeated
        if self._are_texts_read and ready.texted:
            unseen = unseen - ready.texted
        # Distinct strangers all: so it is with most of a long list.
        group = self.strangers.take_all(ready) if len(unseen) == len(ready.rows) else None
        if group is not None:
            outcome, why = group.outcome, group.why
            return [Decided(row, outcome, why) for row in ready.rows]
        return self._decide_each(ready, unseen)

    def _decide_each(self, ready: ReadyRows, unseen: AbstractSet[str]) -> list[Decided]:
        take, decided = self.strangers.take, list[Decided]()
        for row, words, time in zip(ready.rows, ready.words, ready.times, strict=True):
            if isinstance(row, UnreadableLine):
                decided.append(Decided(row, RowOutcome.UNREADABLE, row.why))
                continue
            group = take(row, words, time) if row.recipient in unseen else None
            decided.append(
                self._decide_alone(row) if group is None else Decided(row, group.outcome, group.why)
            )
        return decided

    def _decide_alone(self, row: ListedNumber) -> Decided:
        decided, change = self._decide(row, self._facts)
        if change is not None:
            self.changes.append(change)
            if self._supposing is not None:
                self._supposing.apply(change)
        return decided

    def _exemplify(self, row: ListedNumber, facts: Facts) -> tuple[RowOutcome, str | None, Change]:
        decided, change = self._decide(row, facts)
        return decided.outcome, decided.why, change or Change()

    def _opt_out(self, row: ListedNumber, facts: Facts) -> tuple[Decided, Change | None]:
        imported, change = ImportOptOut(row, self._source).decide(facts)
        if imported.fate is not Fate.NEW:
            return Decided(row, _FATES[imported.fate]), None
        return Decided(row, RowOutcome.RECORDED, None, imported.in_flight), change

    def _grant(self, row: ListedNumber, facts: Facts) -> tuple[Decided, Change | None]:
        instead = find_no_consent(row.text)
        if instead is NoConsent.OPT_OUT:
            return self._say_stop(row, facts)
        if instead is not None:
            why = f"This text is {WHY[instead]}, and no consent."
            return Decided(row, RowOutcome.REFUSED, why), None
        return _grant(row, self._run, self._aim, facts)

    def _say_stop(self, row: ListedNumber, facts: Facts) -> tuple[Decided, Change]:
        """Take an opt-out among texts as one, whoever vouches: a log of texts has those too."""
        imported, change = ImportOptOut(row, self._source, row.text).decide(facts)
        outcome = RowOutcome.WITHDREW if imported.fate is Fate.NEW else _FATES[imported.fate]
        why = "This text is an opt-out, and counts as one."
        return Decided(row, outcome, why, imported.in_flight), change


def _are_grants_alike(aim: ImportAim) -> bool:
    """Tell grants that strangers give alike: none that somebody vouches for, or the law ends."""
    return aim.texted is None and not may_run_out(_level_of(aim) or ConsentLevel.EXPRESS)


def _level_of(aim: ImportAim) -> ConsentLevel | None:
    # Who wrote first agreed to be answered, and to no more.
    return ConsentLevel.IMPLIED if is_conversation(aim.program or "") else None


def _find_brand(aim: ImportAim, facts: Facts) -> str | None:
    """Find whom opt-outs of a list are for: those among consents to a program, its brand."""
    program = facts.directory.program(aim.program or "")
    return aim.brand if program is None else program.brand


def _grant(
    row: ListedNumber, run_id: str, aim: ImportAim, facts: Facts
) -> tuple[Decided, Change | None]:
    """Grant what somebody is told to have given; nothing is written where nothing changes."""
    if aim.texted is not None and (row.at is None or not row.text):
        missing = "A text moved from elsewhere needs its date and what the person texted."
        return Decided(row, RowOutcome.REFUSED, missing), None
    program = aim.program or ""
    grant = GrantConsent(_state(row, run_id, aim), program, _level_of(aim))
    recorded, change = grant.decide(facts)
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


def needs_of(ready: ReadyRows, aim: ImportAim, *runs: str) -> Needs:
    """Ask for the standings of the rows, and for what waits in the outbox for opted-out people."""
    return Needs(
        recipients=ready.numbers,
        queued_jobs=aim.kind is ImportKind.OPT_OUTS or bool(ready.texted),
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
    ready: ReadyRows
    aim: ImportAim

    def needs(self) -> Needs:
        """Ask for the standings and the import."""
        return needs_of(self.ready, self.aim, self.run)

    def decide(self, facts: Facts) -> tuple[tuple[ImportRun, list[Decided]], Change]:
        """Decide; raises `Rejected` where the import is not where it was left."""
        run = facts.import_run(self.run)
        if run is None or run.position != self.start or run.finished_at is not None:
            raise Rejected(
                "import_moved_on",
                "Somebody else goes on with this import. Look at where it is and wait for it.",
            )
        ready, repeated = self.ready, self.ready.repeated
        seen = cast("Facts", Supposing(facts, {})) if repeated else facts
        decided, change = decide_rows(ready, self.run, self.aim, seen, repeated=repeated)
        part = _build_part(run, self.block, decided)
        moved = msgspec.structs.replace(
            run,
            changed_at=facts.now,
            position=run.position + len(ready.rows),
            parts=run.parts + 1,
            counts=_add_counts(run.counts, part.rows),
        )
        return (moved, decided), join(change, Change(records=(moved, part)))


def _build_part(run: ImportRun, block: int, decided: Sequence[Decided]) -> ImportPart:
    lines: dict[RowOutcome, list[int]] = defaultdict(list)
    said: dict[RowOutcome, list[str | None]] = defaultdict(list)
    for one in decided:
        lines[one.outcome].append(one.row.line)
        said[one.outcome].append(one.why)
    # What a row that names no number has in its place may be somebody's all the same.
    said.pop(RowOutcome.UNREADABLE, None)
    shared: dict[str, str] = {}
    why: dict[int, str] = {}
    for outcome, whys in said.items():
        first = whys[0]
        if whys.count(first) < len(whys):
            why |= {at: told for at, told in zip(lines[outcome], whys, strict=True) if told}
        elif first is not None:
            shared[outcome.value] = first
    named = {outcome.value: found for outcome, found in lines.items()}
    return ImportPart(run.id, run.parts, block, named, why, shared)


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

    `repeated` are numbers that come more than once in the list. `supposed` are standings that
    earlier rows of it would have led to, by number.
    """

    ready: ReadyRows
    aim: ImportAim
    repeated: frozenset[str] = frozenset()
    supposed: dict[str, Standing] = {}

    def needs(self) -> Needs:
        """Ask for the standings."""
        return needs_of(self.ready, self.aim)

    def decide(self, facts: Facts) -> tuple[tuple[list[Decided], dict[str, Standing]], Change]:
        """Decide; gives the standings that rows of repeated numbers would lead to."""
        check_aim(self.aim, facts)
        supposing = Supposing(facts, dict(self.supposed))
        seen = cast("Facts", supposing) if self.repeated else facts
        decided, _ = decide_rows(self.ready, "imp_dry_run", self.aim, seen, repeated=self.repeated)
        standings = {n: supposing.standings[n] for n in self.repeated & supposing.standings.keys()}
        return (decided, standings), Change()
