"""Which database the worlds of other tests keep their things in.

SQLite, in the folder that a test gives; with `pytest --database=postgres` it is PostgreSQL, a
database of its own for each.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from consentry.ports import Store
from consentry.store.postgres.store import PostgresStore
from consentry.store.sqlite.store import SQLiteStore
from consentry.wire.keyed_hash import HashKeys, derive_hash_key

SECRET_KEY = "a secret key of the server, long enough"
HASH_KEYS = HashKeys([derive_hash_key(SECRET_KEY)])
"""By which numbers are erased, if not told otherwise."""

make_postgres: list[Callable[[], str]] = []
"""How to make a database on PostgreSQL, where that was asked for: it gives the URL."""

_urls: dict[Path, str] = {}


def forget_postgres() -> None:
    """Forget a test's databases: the next one may be given a folder of the same name."""
    make_postgres.clear()
    _urls.clear()


def open_database(file: Path, **options: Any) -> Store:
    """Open this file, or in its place a database on PostgreSQL; the same again by the same name."""
    options.setdefault("hash_keys", HASH_KEYS)
    if not make_postgres:
        return SQLiteStore.open(file, **options)
    if file not in _urls:
        _urls[file] = make_postgres[0]()
    return PostgresStore.open(_urls[file], **options)
