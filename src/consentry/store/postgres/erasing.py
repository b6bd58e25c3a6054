"""Destroys what is held of a number in PostgreSQL: the one place where the ledger changes."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

import msgspec

from consentry.domain.customers import Customer
from consentry.ports import Destroyed, Held, IdempotencyRecord, Mentions
from consentry.store import rows
from consentry.store.erased import (
    Asked,
    Naming,
    decode_held,
    hash_everywhere,
    name_mentions,
    names_number,
)
from consentry.store.postgres.connection import Connection
from consentry.store.postgres.integrating import destroy_salts
from consentry.store.postgres.statements import clean, clean_all, read_statements

_ERASE: Final = read_statements("erase")
_DESTROY: Final = tuple(
    statement
    for name, statement in _ERASE.items()
    if name.startswith("destroy_") and statement.names == ("number",)
)
_ROWS_AT_ONCE: Final = 5000

_decode_answer: Final = msgspec.json.Decoder(IdempotencyRecord).decode


async def load_held(connection: Connection, number: str, asked: Asked) -> Held:
    """Load what is held of a number."""
    text = await _value(connection, "held", number=clean(number))
    return decode_held(text, hash_everywhere(asked, number))


async def find_mentions(connection: Connection, number: str) -> Mentions:
    """Look where a number is named beside its own rows: a walk through what is about nobody."""
    customers = decode_held(await _value(connection, "held", number=clean(number)), ()).customers
    others, words = name_mentions(customers, number)
    naming = Naming(number, words)
    return Mentions(
        places=tuple([place async for place in _find_places(connection, naming, others)]),
        others=tuple(others),
        answers=tuple([pair async for pair in _find_answers(connection, number)]),
        merged=await _find_merged(connection, customers, number),
    )


async def _find_places(
    connection: Connection, naming: Naming, others: list[str]
) -> AsyncIterator[int]:
    place = 0
    query = _ERASE["entries_that_may_mention"]
    while True:
        values = {"others": clean_all(others), "after": place, "limit": _ROWS_AT_ONCE}
        found = await connection.fetch(query.sql, *query.bind(values))
        for place, kind, value in found:
            if naming.is_in(kind, value):
                yield place
        if len(found) < _ROWS_AT_ONCE:
            return


async def _find_merged(
    connection: Connection, customers: tuple[Customer, ...], number: str
) -> tuple[str, ...]:
    gone = [c.id for c in customers if all(p.normalized == number for p in c.phones)]
    if not gone:
        return ()
    return tuple(rows.decode_ids(await _value(connection, "merged_customers", gone=gone)))


async def _find_answers(connection: Connection, number: str) -> AsyncIterator[tuple[str, str]]:
    owner, key = "", ""
    query = _ERASE["answers_after"]
    while True:
        values = {"owner": owner, "key": key, "limit": _ROWS_AT_ONCE}
        found = await connection.fetch(query.sql, *query.bind(values))
        for owner, key, value in found:
            if names_number(_decode_answer(value), number):
                yield owner, key
        if len(found) < _ROWS_AT_ONCE:
            return


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
            erased_at=rows.to_microseconds(destroyed.at),
            value=rows.encode(destroyed.kept).decode(),
        )


async def _value(connection: Connection, name: str, **values: object) -> str:
    query = _ERASE[name]
    return str(await connection.fetchval(query.sql, *query.bind(values)))


async def _execute(connection: Connection, name: str, **values: object) -> None:
    query = _ERASE[name]
    await connection.execute(query.sql, *query.bind(values))
