"""What the measured databases hold: a brand, a sender, a key, and a million people.

What stands of a person is not made up: a few are texted with through the product's own actions,
and their standings are given to everybody else.
"""

import os
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

import msgspec

from consentry.actions.administer import (
    SaveBrand,
    SaveCarrier,
    SaveKey,
    SaveProgram,
    SaveSender,
)
from consentry.actions.make_key import SECRET_BYTES, make_key
from consentry.actions.receive_message import ReceiveMessage
from consentry.cli.bench.databases import Database, SQLiteDatabase
from consentry.cli.bench.requests import (
    ACCOUNT_SID,
    AUTH_TOKEN,
    BRAND,
    CARRIER,
    SENDER,
    known_number,
)
from consentry.cli.bench.servers import environment_of
from consentry.clock import SystemClock
from consentry.domain.directory import Brand, Program, Purpose, Sender
from consentry.domain.reading import SenderKind
from consentry.domain.standing import Standing
from consentry.opening import open_store, read_secret_key
from consentry.ports import CarrierAccount, InboundText, Scope, Store
from consentry.settings import Settings, read_settings

_ACTIVE_OF_TEN: Final = 8
TEXTS_PER_SECOND: Final = 10_000.0


class Content(msgspec.Struct, frozen=True):
    """What the databases hold: an API key, and of each ten people who stands how.

    `randomness` makes the same key in each database; `carrier_port` is where the carrier listens.
    """

    key: str
    shapes: tuple[Standing, ...]
    people: int
    randomness: bytes
    carrier_port: int

    @property
    def opted_out(self) -> Iterator[str]:
        """Name the people who may not be texted."""
        shapes = len(self.shapes)
        return (known_number(i) for i in range(self.people) if i % shapes >= _ACTIVE_OF_TEN)

    @property
    def active(self) -> Iterator[str]:
        """Name the people who may be texted, all through the run."""
        shapes, last = len(self.shapes), self._last_place
        places = (i for i in range(self.people) if i % shapes < _ACTIVE_OF_TEN and i != last)
        return map(known_number, places)

    @property
    def last(self) -> str:
        """Name one more person who may be texted: whose STOP is compared."""
        return known_number(self._last_place)

    @property
    def _last_place(self) -> int:
        shapes = len(self.shapes)
        return (self.people - 1) // shapes * shapes


async def take_content(folder: Path, people: int, carrier_port: int) -> Content:
    """Text with two people on a database that is thrown away, and see how they stand then."""
    sample = SQLiteDatabase(folder)
    randomness = os.urandom(SECRET_BYTES)
    async with _opened(sample) as (store, settings):
        key = await _set_up(store, settings, randomness, carrier_port)
        shapes = await _take_shapes(store)
    return Content(key, shapes, people, randomness, carrier_port)


async def prepare_database(database: Database, content: Content, people: int) -> None:
    """Make the product's database with a sender, a key, and so many people."""
    database.folder.mkdir(parents=True, exist_ok=True)
    async with _opened(database) as (store, settings):
        await _set_up(store, settings, content.randomness, content.carrier_port)
    database.fill(content.shapes, 0, people)


async def add_program(database: Database, program: str) -> None:
    """Add a program that people can consent to."""
    added = Program(id=program, brand=BRAND, purpose=Purpose.INFORMATIONAL, name=program)
    async with _opened(database) as (store, _):
        await store.submit(SaveProgram(added))


@asynccontextmanager
async def _opened(database: Database) -> AsyncIterator[tuple[Store, Settings]]:
    settings = read_settings(environment_of(database), database.folder / "none.toml")
    store = open_store(settings)
    try:
        yield store, settings
    finally:
        await store.close()


async def _set_up(store: Store, settings: Settings, randomness: bytes, carrier_port: int) -> str:
    account = CarrierAccount(
        id=CARRIER,
        kind="twilio",
        account=ACCOUNT_SID,
        secret=AUTH_TOKEN,
        base_url=f"http://127.0.0.1:{carrier_port}",
    )
    sender = Sender(
        number=SENDER,
        kind=SenderKind.LONG_CODE,
        brand=BRAND,
        carrier=CARRIER,
        messages_per_second=TEXTS_PER_SECOND,
    )
    now = SystemClock().now()
    secret, key = make_key(
        "bench",
        (Scope.ADMIN,),
        secret_key=read_secret_key(settings),
        randomness=randomness,
        now=now,
    )
    await store.submit(SaveBrand(Brand(id=BRAND, name="Bench")))
    await store.submit(SaveCarrier(account))
    await store.submit(SaveSender(sender))
    await store.submit(SaveKey(key))
    return secret


async def _take_shapes(store: Store) -> tuple[Standing, ...]:
    """Let two people text us, one of whom opts out, and see how they stand then."""
    active, opted_out = "+14155550142", "+14155550143"
    for number, bodies in ((active, ("Hello",)), (opted_out, ("Hello", "STOP"))):
        for body in bodies:
            text = InboundText(
                carrier_message_id=f"{number}{body}", recipient=number, sender=SENDER, body=body
            )
            now = SystemClock().now()
            await store.submit(ReceiveMessage(CARRIER, "twilio", text, now))
    may = await store.read_standing(active)
    may_not = await store.read_standing(opted_out)
    return (may,) * _ACTIVE_OF_TEN + (may_not,) * (10 - _ACTIVE_OF_TEN)
