"""Destroys what is held of a number in PostgreSQL: the one place where the ledger changes."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Final

import msgspec

from consentry.domain.customers import Customer
from consentry.domain.microseconds import from_microseconds, to_microseconds
from consentry.ports import Destroyed, Held, LastSeen, Mentions
from consentry.store import rows
from consentry.store.erased import (
    Asked,
    Naming,
    decode_held,
    decode_rows_of,
)
from consentry.store.log_damage import reading_log
from consentry.store.postgres.connection import Connection
from consentry.store.postgres.integrating import destroy_salts
from consentry.store.postgres.statements import clean, clean_all, read_statements

if TYPE_CHECKING:
    import asyncpg

_ERASE: Final = read_statements("erase")
_DESTROY: Final = tuple(
    statement
    for name, statement in _ERASE.items()
    if name.startswith("destroy_") and statement.names == ("number",)
)
_ROWS_AT_ONCE: Final = 5000


async def load_held(connection: Connection, number: str, asked: Asked) -> Held:
    """Load what is held of a number."""
    text = await _value(connection, "held", number=clean(number))
    return decode_held(text, number, asked)


async def find_mentions(connection: Connection, numbers: list[str]) -> list[Mentions]:
    """Look where numbers are named beside their own rows: a walk through what is about nobody."""
    naming = Naming({number: await _read_customers(connection, number) for number in numbers})
    async for entry in _walk_entries(connection, naming.others):
        naming.look_at_entry(*entry)
    async for answer in _walk_answers(connection):
        naming.look_at_answer(*answer)
    if naming.gone:
        for merged, into in await _fetch(connection, "merged_customers", gone=naming.gone):
            naming.note_merged(merged, into)
    return [naming.of(number) for number in numbers]


async def _read_customers(connection: Connection, number: str) -> tuple[Customer, ...]:
    text = await _value(connection, "customers_of", number=clean(number))
    return tuple(rows.decode_customers(text))


async def _walk_entries(
    connection: Connection, others: list[str]
) -> AsyncIterator[tuple[int, str, str, str]]:
    place = 0
    while True:
        found = await _fetch(
            connection,
            "entries_that_may_mention",
            others=clean_all(others),
            after=place,
            limit=_ROWS_AT_ONCE,
        )
        for place, recipient, kind, value in found:
            yield place, recipient, kind, value
        if len(found) < _ROWS_AT_ONCE:
            return


async def _walk_answers(connection: Connection) -> AsyncIterator[tuple[str, str, str]]:
    owner, key = "", ""
    while True:
        found = await _fetch(connection, "answers_after", owner=owner, key=key, limit=_ROWS_AT_ONCE)
        for owner, key, value in found:
            yield owner, key, value
        if len(found) < _ROWS_AT_ONCE:
            return


async def read_last_seen(connection: Connection, after: str, limit: int) -> list[LastSeen]:
    """List numbers from behind one, with when something last happened with each."""
    found = await _fetch(connection, "last_seen", after=after, limit=limit)
    return [LastSeen(number, from_microseconds(at)) for number, at in found]


async def read_rows_of(connection: Connection, number: str) -> dict[str, list[msgspec.Raw]]:
    """Read all rows that are held of a number, by table."""
    return decode_rows_of(await _value(connection, "rows_of_number", number=clean(number)))


@asynccontextmanager
async def permission(connection: Connection, purpose: str) -> AsyncIterator[None]:
    """Let rows of the ledger change within the transaction that is under way: `erase`, `reseal`."""
    await _value(connection, "permit", purpose=purpose)
    yield
    await _value(connection, "permit", purpose="")


async def destroy(connection: Connection, destroyed: Destroyed) -> None:
    """Destroy what is held of a number, and keep what stands against it; in a transaction."""
    async with permission(connection, "erase"):
        places = {"places": list(destroyed.places), "recipients": clean_all(destroyed.about)}
        await _execute(connection, "destroy_audited", **places)
        await _execute(connection, "destroy_entries", **places)
    with reading_log("the table log_leaves"):
        await destroy_salts(connection, sorted(set(destroyed.places)))
    for statement in _DESTROY:
        await connection.execute(statement.sql, clean(destroyed.recipient))
    keys, hashes = zip(*destroyed.hashes, strict=True)
    await _execute(connection, "let_go", hash_keys=list(keys), hashes=list(hashes))
    if destroyed.kept is not None:
        await _execute(connection, "use_key", key=keys[0])
        await _execute(
            connection,
            "keep",
            key=keys[0],
            hash=hashes[0],
            erased_at=to_microseconds(destroyed.at),
            value=rows.encode(destroyed.kept).decode(),
        )
    if destroyed.texts:
        await _keep_texts(connection, destroyed)


async def _keep_texts(connection: Connection, destroyed: Destroyed) -> None:
    texts = destroyed.texts
    await _execute(connection, "use_key", key=texts[0].key)
    await _execute(
        connection,
        "keep_texts",
        hash_keys=[text.key for text in texts],
        hashes=[text.hash for text in texts],
        until=[to_microseconds(text.until) for text in texts],
    )


async def _value(connection: Connection, name: str, **values: object) -> str:
    query = _ERASE[name]
    return str(await connection.fetchval(query.sql, *query.bind(values)))


async def _execute(connection: Connection, name: str, **values: object) -> None:
    query = _ERASE[name]
    await connection.execute(query.sql, *query.bind(values))


async def _fetch(connection: Connection, name: str, **values: object) -> "list[asyncpg.Record]":
    query = _ERASE[name]
    found: list[asyncpg.Record] = await connection.fetch(query.sql, *query.bind(values))
    return found
