"""Commands that change consent beside the servers that deliver."""

from consentry.delivery.limits import LIMITS
from consentry.delivery.quiet import wait_unclaimed
from consentry.ports import Store


class FromOutside:
    """Implements `Delivery` for a command: servers look for due work by themselves."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def wake(self) -> None:
        """Nothing: a server looks soon."""

    async def wait_quiet(self, messages: tuple[str, ...]) -> None:
        """Wait until no server has these with a carrier."""
        await wait_unclaimed(self._store, messages, seconds=LIMITS.quiet_seconds)
