"""The gate of a past time: asked again from the ledger, by the rules that were in force then."""

from collections.abc import Iterator
from datetime import datetime

import msgspec

from consentry.actions.read_ledger import read_all_entries, read_history
from consentry.domain.entries import Entry, EntryKind, fold
from consentry.domain.gate import Decision, Facts, Request, decide, refuse_unavailable
from consentry.domain.in_force import History
from consentry.domain.policy import Policy
from consentry.domain.standing import Standing, apply_pieces
from consentry.ports import Store, StoreUnavailable


class PastDecision(msgspec.Struct, frozen=True):
    """What the gate would have said at a time.

    `by_recorded_rules` is false where what was in force then was not recorded, so that what was
    recorded first, or is in force now, stands in for it.
    """

    decision: Decision
    by_recorded_rules: bool


class Past:
    """Asks the gate about past times; what was in force when is read once, with the first."""

    def __init__(self, store: Store, policy: Policy) -> None:
        """Ask this ledger; `policy` is the one in force now."""
        self._store = store
        self._policy = policy
        self._history: History | None = None

    async def check(self, request: Request, at: datetime) -> PastDecision:
        """Answer as it would have been; where the ledger cannot be read, the answer is no."""
        try:
            history = self._history or await read_history(self._store, self._policy)
            self._history = history
            entries = []
            if request.recipient is not None:
                entries = await read_all_entries(request.recipient, self._store, until=at)
        except StoreUnavailable:
            return PastDecision(refuse_unavailable(self._policy, at), by_recorded_rules=False)
        then = history.at(at)
        decision = decide(request, Facts(then.directory, fold(entries)), then.policy, at)
        return PastDecision(decision, then.is_recorded)


class Replayed(msgspec.Struct, frozen=True):
    """A decision of the ledger beside the one that is made now of the entries before it.

    `by_recorded_rules` as in `PastDecision`.
    """

    entry: str
    sender: str
    kind: EntryKind
    recorded_at: datetime
    decided: Decision
    again: Decision
    by_recorded_rules: bool

    @property
    def is_same(self) -> bool:
        """Tell whether both are the same in every part."""
        return self.decided == self.again


async def replay_decisions(recipient: str, store: Store, policy: Policy) -> list[Replayed]:
    """Decide everything again that the gate ever decided about a recipient, oldest first.

    Raises `StoreUnavailable`.
    """
    history = await read_history(store, policy)
    return list(_replay(await read_all_entries(recipient, store), history))


def _replay(entries: list[Entry], history: History) -> Iterator[Replayed]:
    standing = Standing()
    for entry in entries:
        if entry.decision is not None and entry.request is not None:
            yield _decide_again(entry, entry.request, entry.decision, standing, history=history)
        standing = apply_pieces(standing, entry.pieces)


def _decide_again(
    entry: Entry, request: Request, decided: Decision, standing: Standing, *, history: History
) -> Replayed:
    then = history.before(entry.recorded_at, entry.id)
    named = history.policy_of(decided.policy_version, entry.recorded_at, entry.id)
    facts = Facts(then.directory, standing)
    return Replayed(
        entry=entry.id,
        sender=request.sender,
        kind=entry.kind,
        recorded_at=entry.recorded_at,
        decided=decided,
        again=decide(request, facts, named or then.policy, decided.as_of),
        by_recorded_rules=then.is_recorded,
    )
