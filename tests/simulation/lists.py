"""Lists that are brought in: what their rows say, and how they come in slice by slice."""

from collections.abc import Awaitable, Callable, Iterable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final, NamedTuple

from simulated_chance import Chance

from consentry.actions.import_rows import FinishImport, ImportSlice
from consentry.actions.import_words import make_ready
from consentry.actions.run_import import ImportOrder, begin_import
from consentry.domain.entries import Actor
from consentry.domain.imports import ImportAim
from consentry.domain.listed_numbers import ListedNumber

if TYPE_CHECKING:
    from simulated_server import Server
    from simulated_world import World

_AGES: Final = (None, None, timedelta(minutes=3), timedelta(days=40))


def write_rows(people: Iterable[str], now: datetime, chance: Chance) -> list[ListedNumber]:
    """Write a row for each of them, with an older time, a newer one, or none."""
    rows = []
    for line, number in enumerate(people, start=1):
        age = chance.pick(_AGES)
        at = None if age is None else now - age
        rows.append(ListedNumber(line, number, "list", "" if at is None else str(at), at))
    return rows


class List(NamedTuple):
    """One list, for what it is brought in, and who does it."""

    aim: ImportAim
    rows: list[ListedNumber]
    by: Actor

    def bring_in(self, world: "World") -> "Callable[[Server], Awaitable[None]]":
        """Go on with it where it was left; another may do so at the same time."""

        async def bring_in(server: "Server") -> None:
            store, rows = server.store, self.rows
            order = ImportOrder(self.aim, self.by, self.aim.digest)
            run = await begin_import(store, world.ids, order)
            while run.position < len(rows):
                part = rows[run.position : run.position + world.chance.pick([10, 60, 150])]
                command = ImportSlice(run.id, run.position, 0, make_ready(part), self.aim)
                run, _ = await store.submit(command, is_patient=True)
            await store.submit(FinishImport(run.id, len(rows), self.by))

        return bring_in
