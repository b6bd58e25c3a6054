"""What tests of several workers and hosts on one PostgreSQL look at, and how."""

import itertools
import re
from collections.abc import Iterator
from contextlib import contextmanager

from load_world import SharedSite
from real_processes import Running, read_descendants
from real_world import JSON, eventually

from postgres_server import PostgresServer

CLAIMED = "SELECT count(*) FROM jobs WHERE state = 'claimed'"
WORKERS = ("--workers", "2")
ALIVE = "SELECT count(*) FROM processes"

_numbers = itertools.count(1)


@contextmanager
def shared_database(server: PostgresServer, template: str) -> Iterator[str]:
    """Make a database for several tests, with all tables and no rows; gives its name."""
    name = f"shared_{next(_numbers)}"
    server.copy_database(template, name)
    yield name
    server.execute(f"DROP DATABASE {name} WITH (FORCE)")


def read_workers(server: Running) -> list[int]:
    """List the processes of a server's workers."""
    return sorted(read_descendants(server.process.pid))


def ask(postgres_server: PostgresServer, site: SharedSite, sql: str) -> str:
    """Ask the database of a site itself."""
    database = re.search(r"/(\w+)(\?|$)", site.settings["CONSENTRY_DATABASE"])
    assert database is not None
    return postgres_server.execute(sql, database[1]).strip()


def until_again(server: Running, before: list[int]) -> None:
    """Wait until another worker has taken the place of the one that was killed."""
    eventually(
        lambda: (
            len(set(read_workers(server)) - set(before)) == 1 and len(read_workers(server)) == 2
        ),
        "the worker was started again",
    )


def texts_to(site: SharedSite, phone: str) -> list[JSON]:
    """List the texts that the carrier accepted for a phone."""
    return [m for m in site.carrier.messages() if m["to"] == phone and m["direction"] != "inbound"]
