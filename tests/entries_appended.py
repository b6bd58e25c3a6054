"""A command that appends entries about nobody, for tests of the log."""

from consentry.domain.entries import NOBODY, Actor, ActorKind, Entry, EntryKind
from consentry.ports import Change, Facts, Needs
from memory_store import START


class Append:
    """Appends entries."""

    def __init__(self, *ids: str) -> None:
        self._ids = ids

    def needs(self) -> Needs:
        """Need nothing."""
        return Needs()

    def decide(self, facts: Facts) -> tuple[None, Change]:
        """Append them."""
        del facts
        actor = Actor(ActorKind.SYSTEM)
        entries = (
            Entry(entry_id, NOBODY, EntryKind.EXPORTED, START, START, actor)
            for entry_id in self._ids
        )
        return None, Change(entries=tuple(entries))
