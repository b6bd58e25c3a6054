"""The databases that are measured: a brand, a sender, a key, and a million people.

What stands of a person is not made up: a few are texted with through the product's own actions,
and their standings are given to everybody else.
"""

import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

import msgspec

from consentry.actions.administer import SaveBrand, SaveCarrier, SaveKey, SaveSender
from consentry.actions.make_key import SECRET_BYTES, make_key
from consentry.actions.receive_message import ReceiveMessage
from consentry.bootstrap import open_store, read_secret_key
from consentry.cli.bench.requests import (
    ACCOUNT_SID,
    AUTH_TOKEN,
    BRAND,
    CARRIER,
    KNOWN_FIRST,
    KNOWN_PREFIX,
    SENDER,
    known_number,
)
from consentry.clock import SystemClock
from consentry.domain.directory import Brand, Sender
from consentry.domain.entries import EntryKind
from consentry.domain.reading import SenderKind
from consentry.domain.standing import Standing
from consentry.ports import CarrierAccount, InboundText, Scope, Store
from consentry.settings import Settings
from consentry.store.derived import encode_standing
from consentry.store.queries import read_queries
from consentry.store.sqlite.connection import open_connection, transaction

_ACTIVE_OF_TEN: Final = 8
_CHUNK_PEOPLE: Final = 20_000
_NOWHERE: Final = "http://127.0.0.1:9"
"""Nothing listens there: whatever went wrong, no text leaves this machine."""

_WRITE_STANDINGS: Final = read_queries("sqlite", "write")["write_standings"]


class Content(msgspec.Struct, frozen=True):
    """What the databases hold: an API key, and of each ten people who stands how."""

    key: str
    shapes: tuple[Standing, ...]
    people: int

    @property
    def opted_out(self) -> Iterator[str]:
        """Name the people who may not be texted."""
        shapes = len(self.shapes)
        return (known_number(i) for i in range(self.people) if i % shapes >= _ACTIVE_OF_TEN)


async def prepare_database(settings: Settings, people: int) -> Content:
    """Make the product's database with a sender and a key; the people come in after it.

    So many will be there in the end; a first few are there at once.
    """
    path = settings.database_path
    sample = msgspec.structs.replace(
        settings, database=f"sqlite:///{path.with_name('sample')}/consentry.db"
    )
    # The sample is another database, so that no answer of ours is left waiting in this one.
    async with _opened(sample) as store:
        await _set_up(store, sample)
        shapes = await _take_shapes(store)
    async with _opened(settings) as store:
        key = await _set_up(store, settings)
    content = Content(key, shapes, people)
    write_people(path, content, len(shapes))
    return content


@asynccontextmanager
async def _opened(settings: Settings) -> AsyncIterator[Store]:
    store = open_store(settings)
    try:
        yield store
    finally:
        await store.close()


async def _set_up(store: Store, settings: Settings) -> str:
    account = CarrierAccount(
        id=CARRIER, kind="twilio", account=ACCOUNT_SID, secret=AUTH_TOKEN, base_url=_NOWHERE
    )
    sender = Sender(number=SENDER, kind=SenderKind.LONG_CODE, brand=BRAND, carrier=CARRIER)
    now = SystemClock().now()
    secret, key = make_key(
        "bench",
        (Scope.ADMIN,),
        secret_key=read_secret_key(settings),
        randomness=os.urandom(SECRET_BYTES),
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


def write_people(path: Path, content: Content, people: int) -> None:
    """Give everybody their standing, in one transaction."""
    values = [encode_standing(shape) for shape in content.shapes]
    connection = open_connection(path)
    try:
        with transaction(connection):
            for start in range(0, people, _CHUNK_PEOPLE):
                places = range(start, min(start + _CHUNK_PEOPLE, people))
                rows = [
                    b'"%s":%s' % (known_number(i).encode(), values[i % len(values)]) for i in places
                ]
                document = f"{{{b','.join(rows).decode()}}}"
                connection.execute(_WRITE_STANDINGS, {"rows": document})
    finally:
        connection.close()


def count_entries(path: Path, kind: EntryKind) -> int:
    """Count what is durable in the ledger, on a connection that shares nothing with the server."""
    connection = open_connection(path)
    try:
        ((count,),) = connection.execute("SELECT count(*) FROM entries WHERE kind = ?", (kind,))
        return int(str(count))
    finally:
        connection.close()


def fill_handwritten(service: Path, database: Path, content: Content) -> None:
    """Fill the hand-written service's database with the same people; raises where it cannot."""
    told = {
        "key": content.key,
        "senders": [{"number": SENDER, "brand": BRAND}],
        "people": content.people,
        "prefix": KNOWN_PREFIX,
        "first": KNOWN_FIRST,
        "shapes": msgspec.to_builtins(content.shapes),
    }
    subprocess.run(  # noqa: S603 - our own service, with our own arguments
        [sys.executable, service, "fill", database],
        input=json.dumps(told).encode(),
        check=True,
        env={},
    )
