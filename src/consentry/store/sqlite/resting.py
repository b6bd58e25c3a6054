"""What the writer's thread does between commands."""

from consentry.store.sqlite.foreign import ForeignChanges
from consentry.store.sqlite.indexing import SearchIndexer


class Resting:
    """Looks for other processes' changes and brings the search index up to date."""

    def __init__(self, foreign: ForeignChanges, indexer: SearchIndexer) -> None:
        """Do both, each as often as it asks for."""
        self._foreign = foreign
        self._indexer = indexer

    def __call__(self, idle: bool) -> float | None:
        """Do what is due; say in how many seconds to be called again if no command comes."""
        waits = (self._foreign.rest(), self._indexer.rest(idle=idle))
        return min((wait for wait in waits if wait is not None), default=None)
