"""The hand-written service of `bench/`, to compare with: filled with the same people, and run."""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from consentry.cli.bench.databases import Database
from consentry.cli.bench.plan import StoreKind
from consentry.cli.bench.population import Content
from consentry.cli.bench.requests import (
    ACCOUNT_SID,
    AREAS,
    AUTH_TOKEN,
    BRAND,
    KNOWN_FIRST,
    PEOPLE_OF_AREA,
    SENDER,
    build_health_check,
)
from consentry.cli.bench.servers import Running, find_port, run_process, wait_for_answer

_DRIVERS = {StoreKind.SQLITE: "sqlite+aiosqlite", StoreKind.POSTGRESQL: "postgresql+asyncpg"}


def address_of(database: Database) -> str:
    """Say where a database is, as SQLAlchemy takes it."""
    return f"{_DRIVERS[database.store]}:{database.url.partition(':')[2]}"


def fill_handwritten(service: Path, database: Database, content: Content) -> None:
    """Fill the hand-written service's database with the same people; raises where it cannot."""
    told = {
        "key": content.key,
        "account": {"sid": ACCOUNT_SID, "token": AUTH_TOKEN},
        "senders": [{"number": SENDER, "brand": BRAND}],
        "people": content.people,
        "areas": AREAS,
        "people_of_area": PEOPLE_OF_AREA,
        "first": KNOWN_FIRST,
        "shapes": msgspec.to_builtins(content.shapes),
    }
    subprocess.run(  # noqa: S603 - our own service, with our own arguments
        [sys.executable, service, "fill", address_of(database)],
        input=json.dumps(told).encode(),
        check=True,
        env={},
    )


@contextmanager
def run_handwritten(service: Path, database: Database) -> Iterator[Running]:
    """Run the hand-written service on a free port."""
    port = find_port()
    arguments = [str(service), "serve", address_of(database), "--port", str(port)]
    with run_process(arguments, {}, database.folder) as process:
        wait_for_answer(port, process, build_health_check(port))
        yield Running(port, process.pid, database.server_pid)
