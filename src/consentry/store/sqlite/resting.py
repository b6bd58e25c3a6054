"""What the writer's thread does between commands."""

from consentry.store.sqlite.foreign import ForeignChanges
from consentry.store.sqlite.indexing import SearchIndexer
from consentry.store.sqlite.integrating import LogIntegrator


class Resting:
    """Looks for other processes' changes, and brings the search index and the log up to date."""

    def __init__(
        self,
        foreign: ForeignChanges,
        indexer: SearchIndexer,
        integrator: LogIntegrator | None = None,
    ) -> None:
        """Do all of them, each as often as it asks for."""
        self._foreign = foreign
        self._indexer = indexer
        self._integrator = integrator

    def __call__(self, idle: bool) -> float | None:
        """Do what is due; say in how many seconds to be called again if no command comes."""
        logs = None if self._integrator is None else self._integrator.rest(idle=idle)
        waits = (self._foreign.rest(), self._indexer.rest(idle=idle), logs)
        return min((wait for wait in waits if wait is not None), default=None)
