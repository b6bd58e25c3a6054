"""Destroys what is held of a number in SQLite: the one place where the ledger changes."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import apsw
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
from consentry.store.queries import read_queries
from consentry.store.sqlite.integrating import destroy_salts

_ERASE: Final = read_queries("sqlite", "erase")
_DESTROY: Final = tuple(
    sql for name, sql in _ERASE.items() if name.startswith("destroy_") and ":number" in sql
)
_ROWS_AT_ONCE: Final = 5000

_decode_answer: Final = msgspec.json.Decoder(IdempotencyRecord).decode


def load_held(connection: apsw.Connection, number: str, asked: Asked) -> Held:
    """Load what is held of a number."""
    (text,) = next(connection.execute(_ERASE["held"], {"number": number}))
    return decode_held(str(text), hash_everywhere(asked, number))


def find_mentions(connection: apsw.Connection, number: str) -> Mentions:
    """Look where a number is named beside its own rows: a walk through what is about nobody."""
    (text,) = next(connection.execute(_ERASE["held"], {"number": number}))
    customers = decode_held(str(text), ()).customers
    others, words = name_mentions(customers, number)
    naming = Naming(number, words)
    looked_at = connection.execute(_ERASE["entries_that_may_mention"], {"others": _array(others)})
    return Mentions(
        places=tuple(
            int(str(place))
            for place, kind, value in looked_at
            if naming.is_in(str(kind), str(value))
        ),
        others=tuple(others),
        answers=tuple(_find_answers(connection, number)),
        merged=_find_merged(connection, customers, number),
    )


def _find_merged(
    connection: apsw.Connection, customers: tuple[Customer, ...], number: str
) -> tuple[str, ...]:
    gone = [c.id for c in customers if all(p.normalized == number for p in c.phones)]
    if not gone:
        return ()
    (merged,) = next(connection.execute(_ERASE["merged_customers"], {"gone": _array(gone)}))
    return tuple(rows.decode_ids(str(merged)))


def _find_answers(connection: apsw.Connection, number: str) -> Iterator[tuple[str, str]]:
    owner, key = "", ""
    while True:
        bindings = {"owner": owner, "key": key, "limit": _ROWS_AT_ONCE}
        found = connection.execute(_ERASE["answers_after"], bindings).fetchall()
        for row in found:
            owner, key, value = map(str, row)
            if names_number(_decode_answer(value), number):
                yield owner, key
        if len(found) < _ROWS_AT_ONCE:
            return


@contextmanager
def permission(connection: apsw.Connection, purpose: str) -> Iterator[None]:
    """Let rows of the ledger change within the transaction that is under way: `erase`, `reseal`.

    What was there is written over with zeros. A permission that is left at the end of the
    transaction cannot be committed.
    """
    connection.execute(_ERASE["permit"], {"purpose": purpose})
    connection.pragma("secure_delete", True)
    try:
        yield
    finally:
        connection.pragma("secure_delete", False)
    connection.execute(_ERASE["forbid"])


def destroy(connection: apsw.Connection, destroyed: Destroyed) -> None:
    """Destroy what is held of a number, and keep what stands against it; in a transaction."""
    with permission(connection, "erase"):
        places = {"places": rows.encode(destroyed.places).decode()}
        connection.execute(_ERASE["destroy_audited"], places)
        connection.execute(_ERASE["destroy_entries"], places)
        destroy_salts(connection, sorted(set(destroyed.places)))
        for statement in _DESTROY:
            connection.execute(statement, {"number": destroyed.recipient})
        hashes = {"hashes": rows.encode(destroyed.hashes).decode()}
        connection.execute(_ERASE["let_go"], hashes)
        if destroyed.kept is not None:
            _keep(connection, destroyed)


def _keep(connection: apsw.Connection, destroyed: Destroyed) -> None:
    key, hash_ = destroyed.hashes[0]
    connection.execute(_ERASE["use_key"], {"key": key})
    row = {
        "key": key,
        "hash": hash_,
        "erased_at": rows.to_microseconds(destroyed.at),
        "value": rows.encode(destroyed.kept).decode(),
    }
    connection.execute(_ERASE["keep"], row)


def _array(texts: list[str]) -> str:
    return rows.encode(texts).decode()
