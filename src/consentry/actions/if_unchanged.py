"""A change of a setting that is made only while the setting is as its editor saw it."""

from typing import assert_never

import msgspec

from consentry.actions.administer import SaveBrand, SaveProgram, SaveSender
from consentry.actions.keep_agents import SaveAgent
from consentry.domain.agents import Agent
from consentry.domain.directory import Brand, Program, Sender
from consentry.ports import Change, Facts, Needs, Rejected

Setting = Brand | Sender | Program | Agent


class IfUnchanged(msgspec.Struct, frozen=True):
    """Save a setting unless somebody else changed it meanwhile.

    `seen` is the setting as it was when the change was made up; None where it is to be new.
    """

    command: SaveBrand | SaveSender | SaveProgram | SaveAgent
    seen: Setting | None

    def needs(self) -> Needs:
        """Ask for what the change itself needs."""
        return self.command.needs()

    def decide(self, facts: Facts) -> tuple[Setting, Change]:
        """Decide; raises `Rejected` where the setting is another by now, or there already."""
        saved, change = self.command.decide(facts)
        stored = _find_stored(saved, facts)
        if stored == self.seen:
            return saved, change
        if self.seen is None:
            raise Rejected("already_exists", "It is set up already. Change it in the list.")
        raise Rejected(
            "changed_meanwhile",
            "Somebody else changed this meanwhile, so nothing was saved. "
            "Look at what it is now, then save again.",
        )


def _find_stored(saved: Setting, facts: Facts) -> Setting | None:
    match saved:
        case Brand():
            return facts.directory.brands.get(saved.id)
        case Sender():
            return facts.directory.senders.get(saved.number)
        case Program():
            return facts.directory.programs.get(saved.id)
        case Agent():
            return next((agent for agent in facts.agents() if agent.id == saved.id), None)
        case never:
            assert_never(never)
