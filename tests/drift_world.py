"""A carrier that can be asked what people wrote and whom it blocks, beside a store."""

from collections.abc import AsyncIterator, Iterable
from datetime import datetime

from consent_world import LONG, PERSON
from consentry.actions.reconcile import Limits, Reconciler
from consentry.domain.directory import Sender
from consentry.domain.drift import Drift, DriftState, Reconciliation
from consentry.domain.entries import Actor, ActorKind
from consentry.ports import CarrierBlock, CarrierUnreachable, InboundText
from memory_store import MemoryStore

ACCOUNT = "twilio-1"
ADMIN = Actor(ActorKind.AGENT, "agt_admin")
AT_ONCE = Limits(grace_seconds=60, rest_seconds=0)


class AskedCarrier:
    """Tells texts and lines in the order it was given them; may break off after some."""

    def __init__(
        self,
        texts: Iterable[InboundText] | None = (),
        lines: Iterable[CarrierBlock] | None = None,
        *,
        breaks_after: int | None = None,
        breaks_once: bool = False,
    ) -> None:
        self.id = ACCOUNT
        self.kind = "twilio"
        self._texts = list(texts or ())
        self._lines = list(lines or ())
        self._breaks_after = breaks_after
        self._breaks_once = breaks_once
        self.asked_since: list[tuple[str, datetime]] = []
        self.asked_of: list[tuple[str, ...]] = []
        self.history = None if texts is None else self
        self.block_list = None if lines is None else self

    async def replay(self, sender: str, *, since: datetime) -> AsyncIterator[InboundText]:
        """Tell what came to a sender since then."""
        self.asked_since.append((sender, since))
        for text in self._texts:
            if text.sender == sender and (text.sent_at is None or text.sent_at >= since):
                self._break_off()
                yield text

    async def read(self, senders: tuple[str, ...]) -> AsyncIterator[CarrierBlock]:
        """Tell who is blocked."""
        self.asked_of.append(senders)
        for line in self._lines:
            self._break_off()
            yield line

    def _break_off(self) -> None:
        if self._breaks_after is not None:
            if self._breaks_after == 0:
                self._breaks_after = None if self._breaks_once else 0
                raise CarrierUnreachable("the carrier went away")
            self._breaks_after -= 1


def written(
    body: str,
    sent_at: datetime | None,
    *,
    known_as: str = "SM1",
    sender: Sender = LONG,
    recipient: str = PERSON,
) -> InboundText:
    """Make a text as the carrier's history has it."""
    return InboundText(known_as, recipient, sender.number, body, sent_at=sent_at)


async def reconcile(
    store: MemoryStore,
    carrier: AskedCarrier,
    *,
    since: datetime | None = None,
    limits: Limits = AT_ONCE,
) -> Reconciliation:
    """Compare a carrier with the store."""
    reconciler = Reconciler(store, store.clock, store.ids, limits)  # type: ignore[arg-type]
    report = await reconciler.begin(carrier, actor=ADMIN, since=since)  # type: ignore[arg-type]
    return await reconciler.run(carrier, report)  # type: ignore[arg-type]


def open_drifts(store: MemoryStore) -> list[Drift]:
    """List the drifts that nobody has settled."""
    return [drift for drift in store.drifts.values() if drift.state is DriftState.OPEN]
