"""A carrier account is compared with our ledger: what people wrote, and whom it blocks.

Differences are kept as drifts (`record_drift`) and nothing is mended. The load is bounded: a few
hundred texts or lines at a time, with a rest between, and every command patient. A comparison that
was cut off goes on where it was.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Iterable
from datetime import datetime, timedelta
from typing import Final, TypeVar

import msgspec

from consentry.actions.receive_message import read_text
from consentry.actions.record_audit import build_entry
from consentry.actions.record_drift import (
    Account,
    Recording,
    RecordListedBlock,
    RecordMissedText,
    RecordUnlistedBlocks,
)
from consentry.domain.directory import Sender
from consentry.domain.drift import (
    Drift,
    DriftKind,
    Heard,
    Place,
    Reconciliation,
    ReconciliationState,
    list_unlisted,
    list_words,
    settled_before,
)
from consentry.domain.entries import Actor, EntryKind
from consentry.domain.reading import BlockLayer
from consentry.ports import (
    BlockList,
    Carrier,
    CarrierBlock,
    CarrierUnreachable,
    Change,
    Clock,
    Facts,
    Ids,
    InboundHistory,
    InboundText,
    Needs,
    NoList,
    OptOutFilter,
    Page,
    Rejected,
    Store,
)

T = TypeVar("T")

FIRST_HOURS: Final = 48
"""How far back the first comparison looks where nobody says."""

_OVERLAP: Final = timedelta(hours=1)
"""Each comparison looks back so far behind the beginning of the one before."""

_AT_ONCE: Final = 200
_READ_AT_ONCE: Final = 10
"""After so many texts that were read others have a turn: it takes some milliseconds."""

ADVICE: Final = (
    "Consent may be wrong on one side. Texts to these people are held back where an opt-out may be "
    "missing. Look at them with `consentry reconcile --list` or under Reports, Carrier drift, and "
    "apply or dismiss each."
)

_log = logging.getLogger(__name__)


class KeepReconciliation(msgspec.Struct, frozen=True):
    """Write down how far a comparison is."""

    report: Reconciliation

    def needs(self) -> Needs:
        """Ask for nothing."""
        return Needs()

    def decide(self, facts: Facts) -> tuple[Reconciliation, Change]:
        """Keep it; one that is over is told to the audit."""
        report = msgspec.structs.replace(self.report, updated_at=facts.now)
        if report.state is ReconciliationState.RUNNING:
            return report, Change(records=(report,))
        report = msgspec.structs.replace(report, finished_at=facts.now)
        kind = EntryKind.RECONCILED
        entry = build_entry(kind, facts, report.actor, text=tell_report(report))
        return report, Change(entries=(entry,), records=(report,))


def tell_report(report: Reconciliation) -> str:
    """Say in a sentence what a comparison came to."""
    looked = f"{report.texts} texts and {report.lines} lines of its list of opt-outs"
    if report.state is ReconciliationState.FAILED:
        return f"{report.carrier} could not be compared ({report.error}), after {looked}."
    kinds = ", ".join(f"{count} {kind}" for kind, count in sorted(report.found.items()))
    return f"{report.carrier} was compared by {looked}: {kinds or 'no new drift'}."


class Limits(msgspec.Struct, frozen=True):
    """How careful a comparison is.

    `grace_seconds`: what is newer counts only next time. `rest_seconds`: between one few hundred
    and the next.
    """

    grace_seconds: float = 900.0
    rest_seconds: float = 0.05


class Reconciler:
    """Compares carrier accounts, one at a time."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        ids: Ids,
        limits: Limits | None = None,
        *,
        watch: Callable[[Reconciliation], None] = lambda _report: None,
    ) -> None:
        """Compare with this store; `watch` is told how far it is."""
        self._store = store
        self._clock = clock
        self._ids = ids
        self._limits = limits or Limits()
        self._watch = watch

    async def begin(
        self, carrier: Carrier, *, actor: Actor, since: datetime | None = None
    ) -> Reconciliation:
        """Begin a comparison, or take one up that was cut off.

        Raises `Rejected` where the carrier can be asked for nothing.
        """
        if carrier.history is None and carrier.block_list is None:
            raise Rejected(
                "nothing_to_compare",
                f"The carrier of {carrier.id} can be asked neither what people wrote nor whom it "
                "blocks, so there is nothing to compare. See docs/howto/reconcile.md.",
            )
        now = self._clock.now()
        known = await self._store.read_reconciliations(Page(limit=50), carrier=carrier.id)
        cut_off = known[0] if known and known[0].is_cut_off(now) else None
        if cut_off is not None and since is None:
            return await self._keep(cut_off)
        report = Reconciliation(
            id=self._ids.new("rec"),
            carrier=carrier.id,
            since=since or _since(known, now),
            started_at=now,
            updated_at=now,
            actor=actor,
        )
        return await self._keep(report)

    async def run(self, carrier: Carrier, report: Reconciliation) -> Reconciliation:
        """Carry a comparison out and tell what was found; raises `StoreUnavailable`."""
        comparing = _Comparing(self._store, carrier, report, self._limits)
        try:
            async for further in comparing.steps():
                report = await self._keep(further)
            over = msgspec.structs.replace(report, state=ReconciliationState.FINISHED)
        except (CarrierUnreachable, NoList) as error:
            over = msgspec.structs.replace(
                comparing.report, state=ReconciliationState.FAILED, error=str(error)
            )
        over = await self._keep(over)
        _tell_log(over)
        return over

    async def _keep(self, report: Reconciliation) -> Reconciliation:
        kept = await self._store.submit(KeepReconciliation(report), is_patient=True)
        self._watch(kept)
        return kept


def _since(known: list[Reconciliation], now: datetime) -> datetime:
    """Say up to when all was compared without a gap, less a little; `known` is newest first.

    One that came to its end counts where it began before that time: after nights that failed, a
    short look back must not pass for all of them.
    """
    if not known:
        return now - timedelta(hours=FIRST_HOURS)
    since = known[-1].since
    for report in reversed(known):
        if report.state is ReconciliationState.FINISHED and report.since <= since:
            since = report.started_at - _OVERLAP
    return since


def _tell_log(report: Reconciliation) -> None:
    told = {"carrier": report.carrier, "report": report.id}
    if report.state is ReconciliationState.FAILED:
        advice = "Check the account with `consentry carrier test`; it is tried again next night."
        _log.error("reconcile_failed", extra={**told, "error": report.error, "advice": advice})
    elif report.drifts:
        found = {str(kind): count for kind, count in report.found.items()}
        _log.error("drift_found", extra={**told, **found, "advice": ADVICE})
    else:
        _log.info("reconciled", extra={**told, "texts": report.texts, "lines": report.lines})


class _Comparing:
    """One comparison under way."""

    def __init__(
        self, store: Store, carrier: Carrier, report: Reconciliation, limits: Limits
    ) -> None:
        self.report = report
        self._store = store
        self._carrier = carrier
        self._limits = limits
        self._recording = Recording(
            Account(carrier.id, carrier.kind),
            report.id,
            settled_before(report.started_at, limits.grace_seconds),
        )

    async def steps(self) -> AsyncIterator[Reconciliation]:
        """Compare step by step, and tell after each how far it is."""
        directory = await self._store.read_directory()
        senders = [s for s in directory.senders.values() if s.carrier == self._carrier.id]
        history, block_list = self._carrier.history, self._carrier.block_list
        failure: CarrierUnreachable | NoList | None = None
        if history is not None:
            try:
                async for _ in self._replay_all(history, senders):
                    yield self.report
            except (CarrierUnreachable, NoList) as error:
                # The list is looked at all the same: it may show what the texts would have.
                failure = error
        if block_list is not None and senders:
            async for _ in self._compare_list(block_list, tuple(senders)):
                yield self.report
        if failure is not None:
            raise failure

    def _advance(self, **fields: object) -> None:
        self.report = msgspec.structs.replace(self.report, **fields)

    def _note(self, drifts: Iterable[Drift]) -> None:
        found: dict[DriftKind, int] = dict(self.report.found)
        for drift in drifts:
            found[drift.kind] = found.get(drift.kind, 0) + 1
        self._advance(found=found)

    # --- What people wrote ------------------------------------------------------------------

    async def _replay_all(
        self, history: InboundHistory, senders: list[Sender]
    ) -> AsyncIterator[None]:
        """Replay what was not replayed yet before the comparison was cut off."""
        for group in _group(senders):
            numbers = tuple(sender.number for sender in group)
            if set(numbers) <= set(self.report.replayed):
                continue
            async for _ in self._replay(history, group):
                yield
            self._advance(replayed=(*self.report.replayed, *numbers))
            yield

    async def _replay(
        self, history: InboundHistory, senders: tuple[Sender, ...]
    ) -> AsyncIterator[None]:
        """Look at all texts to senders that share a block, then keep those that we lack."""
        missed: list[InboundText] = []
        heard: dict[str, dict[Place, Heard]] = {}
        for sender in senders:
            texts = history.replay(sender.number, since=self.report.since)
            async for some in _in_batches(texts, _AT_ONCE):
                for count, text in enumerate(some):
                    _hear(text, sender, self._carrier.kind, heard)
                    if count % _READ_AT_ONCE == 0:
                        await asyncio.sleep(0)
                missed += await self._find_missed(some)
                self._advance(texts=self.report.texts + len(some))
                yield
                await asyncio.sleep(self._limits.rest_seconds)
        for text in sorted(missed, key=_in_time):
            words = tuple(heard.get(text.recipient, {}).values())
            command = RecordMissedText(self._recording, text, words)
            self._note(await self._store.submit(command, is_patient=True))

    async def _find_missed(self, texts: list[InboundText]) -> list[InboundText]:
        ids = [text.carrier_message_id for text in texts]
        found = await self._store.read_inbound(self._carrier.id, ids)
        known = {(message.carrier_message_id, message.recipient) for message in found}
        return [
            text
            for text in texts
            if (text.carrier_message_id, text.recipient) not in known
            and (text.sent_at is None or text.sent_at <= self._recording.settled_by)
        ]

    # --- Whom it blocks ---------------------------------------------------------------------

    async def _compare_list(
        self, block_list: BlockList, senders: tuple[Sender, ...]
    ) -> AsyncIterator[None]:
        """Look at every line, then at our own blocks that no line was of."""
        listed: dict[str, set[str]] = {}
        lines = block_list.read(tuple(sender.number for sender in senders))
        async for some in _in_batches(lines, _AT_ONCE):
            for line in some:
                scopes = listed.setdefault(line.recipient, set())
                scopes.update(s.scope_of(BlockLayer.PROVIDER) for s in _senders_of(line, senders))
            await self._look_at_lines(some, senders)
            self._advance(lines=self.report.lines + len(some))
            yield
            await asyncio.sleep(self._limits.rest_seconds)
        async for _ in self._look_at_blocks(listed, senders):
            yield

    async def _look_at_lines(self, lines: list[CarrierBlock], senders: tuple[Sender, ...]) -> None:
        standings = await self._store.read_standings([line.recipient for line in lines])
        for line, standing in zip(lines, standings, strict=True):
            concerned = _senders_of(line, senders)
            command = RecordListedBlock(self._recording, line, concerned)
            if concerned and command.judge(standing) is not None:
                self._note(await self._store.submit(command, is_patient=True))

    async def _look_at_blocks(
        self, listed: dict[str, set[str]], senders: tuple[Sender, ...]
    ) -> AsyncIterator[None]:
        """Look along our own opt-outs for blocks that the carrier lists no more."""
        by_scope = {sender.scope_of(BlockLayer.PROVIDER): sender for sender in senders}
        wanted = OptOutFilter(scopes=tuple(by_scope))
        page = await self._store.read_opt_outs(wanted, Page(limit=_AT_ONCE))
        while True:
            for item in page.items:
                lacking = by_scope.keys() - listed.get(item.recipient, set())
                settled_by = self._recording.settled_by
                if not list_unlisted(item.standing, lacking, settled_by=settled_by):
                    continue
                concerned = tuple(by_scope[scope] for scope in sorted(lacking))
                command = RecordUnlistedBlocks(self._recording, item.recipient, concerned)
                self._note(await self._store.submit(command, is_patient=True))
            yield
            if page.next is None:
                return
            await asyncio.sleep(self._limits.rest_seconds)
            page = await self._store.read_opt_outs(wanted, Page(limit=_AT_ONCE, before=page.next))


def _group(senders: Iterable[Sender]) -> list[tuple[Sender, ...]]:
    """Put senders together whose texts open and close the same block."""
    groups: dict[str, list[Sender]] = {}
    for sender in senders:
        groups.setdefault(sender.scope_of(BlockLayer.PROVIDER), []).append(sender)
    return [tuple(group) for group in groups.values()]


def _hear(
    text: InboundText, sender: Sender, kind: str, heard: dict[str, dict[Place, Heard]]
) -> None:
    """Note what a text says, in the order of the carrier's clock."""
    if text.sent_at is None:
        return
    for word in list_words(read_text(text, kind, sender, received_at=text.sent_at), sender):
        known = heard.setdefault(text.recipient, {})
        before = known.get(word.place)
        known[word.place] = word if before is None else before.join(word)


def _in_time(text: InboundText) -> tuple[bool, datetime | None, str]:
    """Order texts by the carrier's time, those without one first, each in an order of its own."""
    return text.sent_at is not None, text.sent_at, text.carrier_message_id


def _senders_of(line: CarrierBlock, senders: tuple[Sender, ...]) -> tuple[Sender, ...]:
    """List the senders that a line holds for; none where it is of a number that is not ours."""
    if line.sender is None:
        return senders
    return tuple(sender for sender in senders if sender.number == line.sender)


async def _in_batches(items: AsyncIterator[T], size: int) -> AsyncIterator[list[T]]:
    batch: list[T] = []
    async for item in items:
        batch.append(item)
        if len(batch) == size:
            yield batch
            batch = []
    if batch:
        yield batch
