"""Loads what a batch needs from SQLite: one query, one step, one decode for each kind of fact."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Final

import apsw

from consentry.domain.directory import Directory
from consentry.domain.microseconds import to_microseconds
from consentry.domain.standing import Standing
from consentry.ports import CarrierText
from consentry.store import rows
from consentry.store.erased import (
    Asked,
    Hashed,
    HashedTexts,
    decode_erased,
    has_standing,
    list_strangers,
    tell_missing,
)
from consentry.store.loaded import Loaded, Wanted
from consentry.store.queries import read_queries
from consentry.store.sealing import SEALING
from consentry.wire.keyed_hash import HashKeys

_LOAD: Final = read_queries("sqlite", "load")


def _fetch(connection: apsw.Connection, name: str, keys: Iterable[object]) -> str:
    """Run a query for a set of keys and return its one JSON text."""
    bindings = {"keys": rows.encode(list(keys)).decode()}
    (text,) = next(connection.execute(_LOAD[name], bindings))
    return str(text)


def _fetch_texts(connection: apsw.Connection, name: str, keys: Iterable[object]) -> str:
    """Fetch values in which texts may stand sealed; what cannot be opened is kept as it is."""
    return SEALING.open_or_keep(_fetch(connection, name, keys))


def load(connection: apsw.Connection, wanted: Wanted, now: datetime) -> Loaded:
    """Load what is wanted; adds the recipients of due jobs to those whose standing is wanted."""
    found = Loaded()
    _load_messages(connection, wanted, found)
    _load_works(connection, wanted, found, now)
    _load_profiles(connection, wanted, found)
    _load_console(connection, wanted, found)
    for work in found.works:
        wanted.recipients[work.job.recipient] = None
    if wanted.recipients:
        text = _fetch(connection, "load_standings", wanted.recipients)
        found.standings = rows.decode_standings(text)
    if wanted.idempotency:
        text = _fetch(connection, "load_idempotency", wanted.idempotency)
        found.idempotency = rows.decode_idempotency(text)
    if wanted.receipts:
        text = _fetch(connection, "load_unmatched_receipts", wanted.receipts)
        found.receipts = rows.decode_receipts(text)
    if wanted.drifts:
        found.drifts = rows.decode_drifts(_fetch_texts(connection, "load_drifts", wanted.drifts))
    if wanted.reviews:
        found.reviews = rows.decode_reviews(
            _fetch_texts(connection, "load_reviews", wanted.reviews)
        )
    if wanted.imports:
        found.imports = rows.decode_imports(_fetch(connection, "load_imports", wanted.imports))
    if wanted.refusals:
        found.refusals = rows.decode_times(_fetch(connection, "load_refusals", wanted.refusals))
    return found


def _load_messages(connection: apsw.Connection, wanted: Wanted, found: Loaded) -> None:
    if wanted.inbound:
        found.inbound = rows.decode_messages(
            _fetch_texts(connection, "load_inbound", wanted.inbound)
        )
    if wanted.outbound:
        text = _fetch_texts(connection, "load_outbound", wanted.outbound)
        found.outbound = rows.decode_messages(text)
    if wanted.messages:
        found.messages = rows.decode_messages(
            _fetch_texts(connection, "load_messages", wanted.messages)
        )


def _load_works(connection: apsw.Connection, wanted: Wanted, found: Loaded, now: datetime) -> None:
    """Load jobs with their messages; a job may be found in more than one way."""
    messages = [*wanted.messages, *(message.id for message in found.outbound)]
    if messages:
        found.works += rows.decode_works(
            _fetch_texts(connection, "load_work_of_messages", messages)
        )
    if wanted.queues:
        text = _fetch_texts(connection, "load_work_of_recipients", wanted.queues)
        found.works += rows.decode_works(text)
    if wanted.due_jobs:
        bindings = {
            "keys": rows.encode(list(wanted.due_jobs)).decode(),
            "now": to_microseconds(now),
            "limit": max(wanted.due_jobs.values()),
        }
        (text,) = next(connection.execute(_LOAD["load_due_work"], bindings))
        found.works += rows.decode_works(SEALING.open_or_keep(str(text)))


def _load_profiles(connection: apsw.Connection, wanted: Wanted, found: Loaded) -> None:
    if wanted.profiles:
        found.holders = rows.decode_pairs(_fetch(connection, "load_holders", wanted.profiles))
    if wanted.customers:
        text = _fetch(connection, "load_customers", wanted.customers)
        found.customers = rows.decode_customers(text)


def _load_console(connection: apsw.Connection, wanted: Wanted, found: Loaded) -> None:
    if wanted.agents:
        (text,) = next(connection.execute(_LOAD["load_agents"]))
        found.agents = rows.decode_agents(str(text))
    if wanted.processes:
        (text,) = next(connection.execute(_LOAD["load_processes"]))
        found.processes = rows.decode_processes(str(text))
    if wanted.links:
        found.links = rows.decode_links(_fetch(connection, "load_sign_in_links", wanted.links))
    if wanted.sessions:
        found.sessions = rows.decode_sessions(_fetch(connection, "load_sessions", wanted.sessions))
    if wanted.marks:
        found.marks = rows.decode_marks(_fetch(connection, "load_marks", wanted.marks))


def recall(connection: apsw.Connection, wanted: Wanted, found: Loaded, asked: Asked) -> None:
    """Find what stands against those whose standing was not found: they may have been erased."""
    strangers = list_strangers(wanted.recipients, found.standings)
    if strangers:
        known = find_erased(connection, asked, strangers)
        found.recalled = {n: rows.decode_standing(value) for n, value in known.items()}


def recall_texts(
    connection: apsw.Connection, texts: list[CarrierText], found: Loaded, asked: Asked
) -> None:
    """Find those of the texts that were not found because they were erased."""
    hashed = HashedTexts(asked, texts, found)
    if hashed.hashes:
        text = _fetch(connection, "load_erased_texts", hashed.hashes)
        found.erased_texts = hashed.name(rows.decode_pairs(text))


def find_erased(
    connection: apsw.Connection, asked: Asked, numbers: Iterable[str]
) -> dict[str, str]:
    """Find what was kept of numbers that were erased: standings as JSON, by number."""
    hashed = Hashed(asked, numbers)
    return hashed.name(decode_erased(_fetch(connection, "load_erased", hashed.hashes)))


class DirectoryReader:
    """Brands, senders and programs in memory, read again as soon as anybody changed them."""

    def __init__(self, connection: apsw.Connection, keys: HashKeys) -> None:
        """Read through this connection; nothing is read yet. `keys` find who was erased."""
        self._connection = connection
        self._keys = keys
        self._version = -1
        self._directory = Directory()

    def read(self) -> Directory:
        """Return the directory as it is in the database now, whichever process changed it."""
        (version,) = next(self._connection.execute(_LOAD["load_directory_version"]))
        return self.at(version)

    def at(self, version: object) -> Directory:
        """Return the directory of a version that was just read, or a newer one."""
        if version != self._version:
            self._directory, self._version = self._load()
            tell_missing(self.asked)
        return self._directory

    @property
    def asked(self) -> Asked:
        """By which keys to look for numbers that have no standing."""
        return Asked(self._keys, self._directory.erased_keys)

    def recall(self, recipients: Sequence[str], standings: list[Standing]) -> None:
        """Put what was kept of erased numbers in the place of standings that were not found.

        Asked where anybody was erased; from another snapshot than the standings, which may show
        what was kept of somebody who has a standing again by now, and never less.
        """
        strangers = [
            r
            for r, standing in zip(recipients, standings, strict=True)
            if not has_standing(standing)
        ]
        known = find_erased(self._connection, self.asked, filter(None, strangers))
        if known:
            for place, recipient in enumerate(recipients):
                if recipient in known and not has_standing(standings[place]):
                    standings[place] = rows.decode_standing(known[recipient])

    def _load(self) -> tuple[Directory, int]:
        version, text = next(self._connection.execute(_LOAD["load_directory"]))
        return rows.decode_directory(str(text)), int(str(version))
