"""Keep what is in force in the ledger: a past question is answered by the rules of its time."""

import msgspec

from consentry.actions.record_audit import SYSTEM, build_entry
from consentry.domain.entries import EntryKind
from consentry.domain.in_force import InForce, hold_whole
from consentry.domain.policy import Policy
from consentry.ports import Change, Facts, Needs, Page, Store


class RecordRules(msgspec.Struct, frozen=True):
    """Write down the policy with all that is set up, unless `known` is the policy already."""

    known: Policy | None

    def needs(self) -> Needs:
        """Ask for nothing: policy and directory are always there."""
        return Needs()

    def decide(self, facts: Facts) -> tuple[InForce | None, Change]:
        """Decide; None where the ledger has it."""
        if self.known == facts.policy:
            return None, Change()
        whole = hold_whole(facts.directory, facts.policy)
        text = f"policy {facts.policy.version}"
        entry = build_entry(EntryKind.RULES_RECORDED, facts, SYSTEM, text=text)
        return whole, Change(entries=(msgspec.structs.replace(entry, in_force=whole),))


async def record_rules(store: Store) -> None:
    """Have the ledger say what this process decides by; raises `StoreUnavailable`."""
    newest = await store.read_audit(Page(limit=1), kinds=(EntryKind.RULES_RECORDED,))
    in_force = newest[0].in_force if newest else None
    await store.submit(RecordRules(None if in_force is None else in_force.policy))
