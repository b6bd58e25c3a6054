"""Loads what a batch needs from PostgreSQL: one statement, a JSON text for each kind of fact."""

from collections.abc import Callable, Iterable
from datetime import datetime
from hashlib import blake2b
from typing import TYPE_CHECKING, Final

from consentry.domain.directory import Directory
from consentry.domain.microseconds import to_microseconds
from consentry.ports import CarrierText
from consentry.store import rows
from consentry.store.erased import Asked, Hashed, HashedTexts, list_strangers, tell_missing
from consentry.store.loaded import Loaded, Wanted
from consentry.store.postgres.connection import Connection
from consentry.store.postgres.statements import (
    ask_together,
    clean,
    clean_all,
    read_statements,
)
from consentry.store.sealing import SEALING
from consentry.wire.keyed_hash import HashKeys, KeyedHash

if TYPE_CHECKING:
    import asyncpg

_LOAD: Final = read_statements("load")

_DECODE: Final[dict[str, Callable[[str], object]]] = {
    "standings": rows.decode_standings,
    "inbound": rows.decode_messages,
    "outbound": rows.decode_messages,
    "messages": rows.decode_messages,
    "holders": rows.decode_pairs,
    "customers": rows.decode_customers,
    "idempotency": rows.decode_idempotency,
    "receipts": rows.decode_receipts,
    "refusals": rows.decode_times,
    "agents": rows.decode_agents,
    "processes": rows.decode_processes,
    "links": rows.decode_links,
    "sessions": rows.decode_sessions,
    "marks": rows.decode_marks,
    "drifts": rows.decode_drifts,
    "reviews": rows.decode_reviews,
    "imports": rows.decode_imports,
}
"""By query, whose name is the fact's in `Loaded`: who reads its answer. Work is apart."""

_TEXTS: Final = frozenset({"inbound", "outbound", "messages", "drifts", "reviews"})
"""Those in which texts may stand sealed; what cannot be opened is kept as it is."""


def key_of(name: str) -> int:
    """Say under which key of the database something is held."""
    return int.from_bytes(blake2b(name.encode(), digest_size=8).digest(), "big", signed=True)


def list_keys(wanted: Wanted, others: list[str]) -> list[int]:
    """List what a batch holds while it decides, in the one order that all go by.

    Whatever a batch is shown and may write again is held: recipients, and what is not a
    recipient's under a name that no number has. `others` are recipients not named before.
    """
    names = [clean(recipient) for recipient in wanted.recipients] + others
    names += [f"customer:{clean(customer)}" for customer in wanted.customers]
    names += [f"answer:{clean(owner)}:{clean(key)}" for owner, key in wanted.idempotency]
    names += [f"mark:{recipient}:{sender}" for recipient, sender in wanted.marks]
    names += [f"link:{link}" for link in wanted.links]
    names += [f"session:{session}" for session in wanted.sessions]
    names += [f"import:{run}" for run in wanted.imports]
    if wanted.agents:
        names.append("agents")
    if wanted.processes:
        names.append("processes")
    return sorted({key_of(name) for name in names})


def asks_for_work(wanted: Wanted) -> bool:
    """Tell whether it is not known yet for whom the messages of a batch are."""
    return bool(wanted.messages or wanted.outbound)


async def find_recipients(connection: Connection, wanted: Wanted) -> list[str]:
    """Find for whom the messages are: they are held before they are loaded."""
    query = _LOAD["recipients_of"]
    found: list[str] = await connection.fetchval(query.sql, *query.bind(_values(wanted)))
    return found


async def hold_due(connection: Connection, wanted: Wanted, now: datetime) -> list[str]:
    """Hold the recipients of due jobs, most urgent first, but those whom others hold."""
    largest = max(wanted.due_jobs.values())
    values: dict[str, object] = {
        "due_senders": clean_all(list(wanted.due_jobs)),
        "due_limit": 4 * largest + 16,
        "now": to_microseconds(now),
    }
    query = _LOAD["due_recipients"]
    found: list[str] = await connection.fetchval(query.sql, *query.bind(values))
    by_key = {key_of(recipient): recipient for recipient in found}
    limit = largest * len(wanted.due_jobs)
    query = _LOAD["hold_if_free"]
    bound = query.bind({"lock_keys": list(by_key), "hold_limit": limit})
    held: list[int] = await connection.fetchval(query.sql, *bound)
    return [by_key[key] for key in held]


def _values(wanted: Wanted) -> dict[str, object]:
    """Give what the queries ask by."""
    return {
        "recipients": clean_all(list(wanted.recipients)),
        "queues": clean_all(list(wanted.queues)),
        "profiles": clean_all(list(wanted.profiles)),
        "messages": clean_all(list(wanted.messages)),
        "customers": clean_all(list(wanted.customers)),
        "links": list(wanted.links),
        "sessions": list(wanted.sessions),
        "drifts_of": clean_all(list(wanted.drifts)),
        "review_ids": clean_all(list(wanted.reviews)),
        "import_ids": clean_all(list(wanted.imports)),
        "refusals": clean_all(list(wanted.refusals)),
        **_pairs("inbound_carriers", "inbound_ids", wanted.inbound),
        **_pairs("outbound_carriers", "outbound_ids", wanted.outbound),
        **_pairs("receipt_carriers", "receipt_ids", wanted.receipts),
        **_pairs("owners", "keys", wanted.idempotency),
        **_pairs("mark_recipients", "mark_senders", wanted.marks),
    }


def _pairs(first: str, second: str, pairs: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    listed = list(pairs)
    return {
        first: [clean(one) for one, _ in listed],
        second: [clean(other) for _, other in listed],
    }


def _name_queries(wanted: Wanted, held: list[str]) -> tuple[list[str], list[str]]:
    """Name the queries that a batch needs: those with a place of their own, and those for work."""
    asked: tuple[tuple[str, object], ...] = (
        ("standings", wanted.recipients),
        ("inbound", wanted.inbound),
        ("outbound", wanted.outbound),
        ("messages", wanted.messages),
        ("holders", wanted.profiles),
        ("customers", wanted.customers),
        ("idempotency", wanted.idempotency),
        ("receipts", wanted.receipts),
        ("refusals", wanted.refusals),
        ("agents", wanted.agents),
        ("processes", wanted.processes),
        ("links", wanted.links),
        ("sessions", wanted.sessions),
        ("marks", wanted.marks),
        ("drifts", wanted.drifts),
        ("reviews", wanted.reviews),
        ("imports", wanted.imports),
    )
    works: tuple[tuple[str, object], ...] = (
        ("work_of_messages", wanted.messages),
        ("work_of_outbound", wanted.outbound),
        ("work_of_recipients", wanted.queues),
        ("due_work", wanted.due_jobs and held),
    )
    return [name for name, is_asked in asked if is_asked], [n for n, is_asked in works if is_asked]


async def load(
    connection: Connection, wanted: Wanted, held: list[str], now: datetime
) -> tuple[Loaded, int]:
    """Load what is wanted, and the version of the directory; whom `held` names is held."""
    for recipient in held:
        wanted.recipients[recipient] = None
    asked, works = _name_queries(wanted, held)
    values = _values(wanted) | {
        "held": held,
        "now": to_microseconds(now),
        "due_senders": clean_all(list(wanted.due_jobs)),
        "due_limit": max(wanted.due_jobs.values(), default=0),
    }
    query = ask_together(("directory_version", *asked, *works))
    (answer,) = await connection.fetch(query.sql, *query.bind(values))
    found = Loaded()
    for name in asked:
        text = answer[name]
        if name in _TEXTS:
            text = SEALING.open_or_keep(text)
        setattr(found, name, _DECODE[name](text))
    for name in works:
        found.works += rows.decode_works(SEALING.open_or_keep(answer[name]))
    return found, answer["directory_version"]


async def recall(connection: Connection, wanted: Wanted, found: Loaded, asked: Asked) -> None:
    """Find what stands against those whose standing was not found: they may have been erased."""
    strangers = list_strangers(wanted.recipients, found.standings)
    known = await find_erased(connection, strangers, asked)
    found.recalled = {number: rows.decode_standing(value) for number, value in known.items()}


async def recall_texts(
    connection: Connection, texts: list[CarrierText], found: Loaded, asked: Asked
) -> None:
    """Find those of the texts that were not found because they were erased."""
    hashed = HashedTexts(asked, texts, found)
    if hashed.hashes:
        rows_found = await _match(connection, "erased_texts", hashed.hashes)
        found.erased_texts = hashed.name((key, hash_) for key, hash_ in rows_found)


async def find_erased(
    connection: Connection, numbers: Iterable[str], asked: Asked
) -> dict[str, str]:
    """Find what was kept of numbers that were erased: standings as JSON, by number."""
    hashed = Hashed(asked, numbers)
    if not hashed.hashes:
        return {}
    found = await _match(connection, "erased", hashed.hashes)
    return hashed.name(tuple(row) for row in found)


async def _match(
    connection: Connection, name: str, wanted: list[KeyedHash]
) -> "list[asyncpg.Record]":
    keys, hashes = zip(*wanted, strict=True)
    query = _LOAD[name]
    bound = query.bind({"hash_keys": list(keys), "hashes": list(hashes)})
    found: list[asyncpg.Record] = await connection.fetch(query.sql, *bound)
    return found


class DirectoryReader:
    """Brands, senders and programs in memory, read again as soon as anybody changed them."""

    def __init__(self, keys: HashKeys) -> None:
        """Know nothing yet; `keys` find who was erased."""
        self._keys = keys
        self._version = -1
        self._directory = Directory()

    def known(self, version: int) -> Directory | None:
        """Give the directory of a version that was just read; None where it must be read."""
        return self._directory if version == self._version else None

    @property
    def asked(self) -> Asked:
        """By which keys to look for numbers that have no standing."""
        return Asked(self._keys, self._directory.erased_keys)

    async def read(self, connection: Connection) -> tuple[Directory, int]:
        """Read it as it is now, with its version, and remember it."""
        ((version, text),) = await connection.fetch(_DIRECTORY.sql)
        self._directory, self._version = rows.decode_directory(text), int(version)
        tell_missing(self.asked)
        return self._directory, self._version


_DIRECTORY: Final = _LOAD["directory"]
