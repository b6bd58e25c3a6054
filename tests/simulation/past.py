"""The days before a world begins: a company with hundreds of people on file, brought in and heard.

They are made by the product itself, on a machine that has no faults, and once in a process for each
size: every world goes on from a copy of the disk and of what the witness knows.
"""

import asyncio
from functools import lru_cache
from typing import Final, NamedTuple

import apsw
import msgspec
from lists import List, write_rows
from simulated_carrier import CARRIER
from simulated_company import (
    AGENTS,
    COMPANY,
    CROWDED,
    MARKETING,
    NEWS_OF,
    NUMBERS,
    PEOPLE,
)
from simulated_server import Server
from simulated_world import World, simulated_vfs

from consent_world import NEWS, PROMO
from consentry.actions.record_consent import GrantConsent
from consentry.actions.set_place import SetPlace
from consentry.domain.entries import Medium
from consentry.domain.imports import ImportAim, ImportKind
from consentry.domain.standing import ConsentLevel
from consentry.ports import CarrierAccount, Change, Facts, Needs

SIZES: Final = (160, 220, 300, 480)
"""So many people are on file when a world begins; one of these, by its seed."""

_DAYS_SECONDS: Final = 3 * 86_400.0
_IN_WRITING: Final = 24
_TEXTS: Final = 18


class SetUp(msgspec.Struct, frozen=True):
    """The company as it is set up before its first day."""

    def needs(self) -> Needs:
        """Ask for nothing."""
        return Needs()

    def decide(self, facts: Facts) -> tuple[None, Change]:
        """Write its brands, senders and programs."""
        del facts
        account = CarrierAccount(CARRIER, "twilio", "AC1", "secret", "http://carrier.example")
        company = COMPANY
        records = (
            *company.brands.values(),
            account,
            *company.senders.values(),
            *company.programs.values(),
        )
        return None, Change(records=records)


class Past(NamedTuple):
    """What the days before have left: the disk, and the world with all that was seen in it."""

    image: dict[str, bytes]
    world: World


@lru_cache(maxsize=len(SIZES))
def live_past(size: int) -> Past:
    """Live the days before a world; where something is wrong then already, its world says so."""
    world = World(0)
    simulated_vfs()
    world.chance.spare()
    world.carrier.keep_time()
    world.loop.go_back(_DAYS_SECONDS)
    assert world.boot()
    server = world.server
    assert server is not None
    world.loop.run_until_complete(_fill(world, server, PEOPLE[:size]))
    world.look_for_failures()
    world.judge(lambda: world.witness.see_disk(server, thoroughly=True))
    server.rest(idle=True)
    world.judge(world.see_log_lead_on)
    world.server = None
    server.connection.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_TRUNCATE)
    server.die()
    image = world.disk.image()
    world.close()
    return Past(image, world)


async def _fill(world: World, server: Server, people: tuple[str, ...]) -> None:
    """Bring lists in, write down what some agreed to, and hear some of them."""
    await server.store.submit(SetUp())
    for one in _lists(world, people):
        await one.bring_in(world)(server)
    for place, phone in enumerate(people[::7][:_IN_WRITING]):
        program = MARKETING[place % len(MARKETING)] if place % 3 == 0 else PROMO.id
        told = world.actors.state(phone, Medium.TEXT, program=program)
        await server.store.submit(GrantConsent(told, program, ConsentLevel.EXPRESS_WRITTEN))
    for phone in people[3::29]:
        world.witness.placed.add(phone)
        await server.store.submit(SetPlace(phone, AGENTS[1], zone="Europe/London"))
    for place, phone in enumerate(people[5::11][:_TEXTS]):
        numbers = NUMBERS if place % 3 == 0 else CROWDED
        world.carrier.hear(phone, numbers[place % len(numbers)], ("Hello", "STOP")[place % 4 == 1])
    await asyncio.sleep(400.0)


def _lists(world: World, people: tuple[str, ...]) -> list[List]:
    """Write the lists: everybody is on one of them, some on two."""
    now, chance = world.clock.now(), world.chance
    aims = (
        (ImportAim(ImportKind.CONSENTS, "old.csv", "p1", AGENTS[0].id, program=PROMO.id), 2, 0),
        (ImportAim(ImportKind.CONSENTS, "news.csv", "p2", AGENTS[1].id, program=NEWS.id), 4, 1),
        (ImportAim(ImportKind.CONSENTS, "shop.csv", "p3", AGENTS[2].id, program=NEWS_OF[-1]), 4, 3),
        (ImportAim(ImportKind.OPT_OUTS, "outs.csv", "p4", AGENTS[3].id), 13, 2),
        (ImportAim(ImportKind.OPT_OUTS, "a.csv", "p5", AGENTS[4].id, "acme", False), 17, 6),
    )
    return [
        List(aim, write_rows(people[first::step], now, chance), agent)
        for (aim, step, first), agent in zip(aims, AGENTS, strict=False)
    ]
