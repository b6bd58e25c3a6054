"""Destroys what is held of a number in SQLite: the one place where the ledger changes."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import apsw
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
from consentry.store.queries import read_queries
from consentry.store.sqlite.integrating import destroy_salts

_ERASE: Final = read_queries("sqlite", "erase")
_DESTROY: Final = tuple(
    sql for name, sql in _ERASE.items() if name.startswith("destroy_") and ":number" in sql
)
_ROWS_AT_ONCE: Final = 5000


def load_held(connection: apsw.Connection, number: str, asked: Asked) -> Held:
    """Load what is held of a number."""
    (text,) = next(connection.execute(_ERASE["held"], {"number": number}))
    return decode_held(str(text), number, asked)


def find_mentions(connection: apsw.Connection, numbers: list[str]) -> list[Mentions]:
    """Look where numbers are named beside their own rows: a walk through what is about nobody."""
    naming = Naming({number: _read_customers(connection, number) for number in numbers})
    bindings = {"others": _array(naming.others)}
    for row in connection.execute(_ERASE["entries_that_may_mention"], bindings):
        place, recipient, kind, value = map(str, row)
        naming.look_at_entry(int(place), recipient, kind, value)
    for answer in _walk_answers(connection):
        naming.look_at_answer(*answer)
    if naming.gone:
        found = connection.execute(_ERASE["merged_customers"], {"gone": _array(naming.gone)})
        for merged, into in found:
            naming.note_merged(str(merged), str(into))
    return [naming.of(number) for number in numbers]


def _read_customers(connection: apsw.Connection, number: str) -> tuple[Customer, ...]:
    (text,) = next(connection.execute(_ERASE["customers_of"], {"number": number}))
    return tuple(rows.decode_customers(str(text)))


def _walk_answers(connection: apsw.Connection) -> Iterator[tuple[str, str, str]]:
    owner, key = "", ""
    while True:
        bindings = {"owner": owner, "key": key, "limit": _ROWS_AT_ONCE}
        found = connection.execute(_ERASE["answers_after"], bindings).fetchall()
        for row in found:
            owner, key, value = map(str, row)
            yield owner, key, value
        if len(found) < _ROWS_AT_ONCE:
            return


def read_last_seen(connection: apsw.Connection, after: str, limit: int) -> list[LastSeen]:
    """List numbers from behind one, with when something last happened with each."""
    found = connection.execute(_ERASE["last_seen"], {"after": after, "limit": limit})
    return [LastSeen(str(number), from_microseconds(int(str(at)))) for number, at in found]


def read_rows_of(connection: apsw.Connection, number: str) -> dict[str, list[msgspec.Raw]]:
    """Read all rows that are held of a number, by table."""
    (text,) = next(connection.execute(_ERASE["rows_of_number"], {"number": number}))
    return decode_rows_of(str(text))


@contextmanager
def permission(connection: apsw.Connection, purpose: str) -> Iterator[None]:
    """Let rows of the ledger change within the transaction that is under way: `erase`, `reseal`.

    What was there is written over with zeros. A permission that is left at the end of the
    transaction cannot be committed.
    """
    connection.execute(_ERASE["permit"], {"purpose": purpose})
    with zeroing(connection):
        yield
    connection.execute(_ERASE["forbid"])


@contextmanager
def zeroing(connection: apsw.Connection) -> Iterator[None]:
    """Write zeros over what is deleted or replaced within the block."""
    before = connection.pragma("secure_delete")
    connection.pragma("secure_delete", 1)
    try:
        yield
    finally:
        connection.pragma("secure_delete", before)


def destroy(connection: apsw.Connection, destroyed: Destroyed) -> None:
    """Destroy what is held of a number, and keep what stands against it; in a transaction."""
    with permission(connection, "erase"):
        places = {"places": rows.encode(destroyed.places).decode()}
        connection.execute(_ERASE["destroy_audited"], places)
        connection.execute(_ERASE["destroy_entries"], places)
        with reading_log("the table log_leaves"):
            destroy_salts(connection, sorted(set(destroyed.places)))
        for statement in _DESTROY:
            connection.execute(statement, {"number": destroyed.recipient})
        hashes = {"hashes": rows.encode(destroyed.hashes).decode()}
        connection.execute(_ERASE["let_go"], hashes)
        if destroyed.kept is not None:
            _keep(connection, destroyed)
        if destroyed.texts:
            _keep_texts(connection, destroyed)


def _keep_texts(connection: apsw.Connection, destroyed: Destroyed) -> None:
    texts = [(t.key, t.hash, to_microseconds(t.until)) for t in destroyed.texts]
    connection.execute(_ERASE["use_key"], {"key": texts[0][0]})
    connection.execute(_ERASE["keep_texts"], {"texts": rows.encode(texts).decode()})


def _keep(connection: apsw.Connection, destroyed: Destroyed) -> None:
    key, hash_ = destroyed.hashes[0]
    connection.execute(_ERASE["use_key"], {"key": key})
    row = {
        "key": key,
        "hash": hash_,
        "erased_at": to_microseconds(destroyed.at),
        "value": rows.encode(destroyed.kept).decode(),
    }
    connection.execute(_ERASE["keep"], row)


def _array(texts: list[str]) -> str:
    return rows.encode(texts).decode()
