"""What a balancer and Prometheus see of a real server whose PostgreSQL goes away and comes back."""

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest
import requests
from prometheus_client.parser import text_string_to_metric_families
from real_processes import clean_environment, running
from real_world import WAIT_SECONDS, eventually

from postgres_server import PostgresServer, running_postgres

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("e2e-readiness")]


class Watched:
    """A server, as it is asked from outside."""

    def __init__(self, url: str, key: str) -> None:
        self._url = url
        self._key = key

    def ready(self) -> tuple[int, str]:
        """Ask /readyz; give the status, and the code where it is not ready."""
        answer = requests.get(f"{self._url}/readyz", timeout=WAIT_SECONDS)
        return answer.status_code, answer.json().get("code", "")

    def alive(self) -> int:
        """Ask /healthz."""
        return requests.get(f"{self._url}/healthz", timeout=WAIT_SECONDS).status_code

    def metric(self, name: str) -> float:
        """Read a metric as Prometheus does."""
        headers = {"Authorization": f"Bearer {self._key}"}
        answer = requests.get(f"{self._url}/metrics", headers=headers, timeout=WAIT_SECONDS)
        assert answer.status_code == 200
        families = text_string_to_metric_families(answer.text)
        return next(s.value for family in families for s in family.samples if s.name == name)

    def until(self, expected: tuple[int, str], what: str) -> None:
        """Wait until /readyz answers so."""
        eventually(lambda: self.ready() == expected, what)


@contextmanager
def watched(database: PostgresServer, folder: Path) -> Iterator[Watched]:
    """Run a server on this database."""
    settings = {
        "CONSENTRY_DATABASE": database.url(),
        "CONSENTRY_SECRET_KEY": "a secret key for tests, 32 characters",
        "CONSENTRY_READY_LAG_SECONDS": "1",
        "CONSENTRY_LOG_LEVEL": "error",
    }
    made = subprocess.run(
        [sys.executable, "-m", "consentry", "key", "create", "p", "--scope", "metrics", "--json"],
        cwd=folder,
        env={**clean_environment(), **settings},
        capture_output=True,
        text=True,
        check=True,
    )
    secret = json.loads(made.stdout)["secret"]
    with running("serve", "--port", "0", "--json", folder=folder, settings=settings) as process:
        yield Watched(process.told["url"], secret)
        process.stop()


@contextmanager
def held(database: PostgresServer, table: str) -> Iterator[None]:
    """Hold a lock on a table as long as the block."""
    hold = f"BEGIN; LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE; SELECT pg_sleep(600)"
    sleepers = "FROM pg_stat_activity WHERE wait_event = 'PgSleep'"
    with ThreadPoolExecutor(1) as pool:
        holding = pool.submit(database.execute, hold)
        try:
            eventually(
                lambda: holding.done() or database.execute(f"SELECT pid {sleepers}").strip(),
                "the lock is held",
            )
            yield
        finally:
            database.execute(f"SELECT pg_cancel_backend(pid) {sleepers}")
    assert "canceling statement" in str(holding.exception())


def test_readiness_follows_the_database(tmp_path: Path) -> None:
    """Gone, read-only, stalled: each is told with its reason, and over when it is over."""
    with running_postgres() as database, watched(database, tmp_path) as server:
        server.until((200, ""), "ready")
        assert server.metric("consentry_ready") == 1

        database.stop(signal.SIGQUIT)
        server.until((503, "store_unavailable"), "told that the database is gone")
        assert server.alive() == 200
        assert server.metric("consentry_ready") == 0
        database.start()
        server.until((200, ""), "ready again after the database came back")

        database.execute("ALTER SYSTEM SET default_transaction_read_only = on")
        database.execute("SELECT pg_reload_conf()")
        server.until((503, "store_unavailable"), "told that the database takes no writes")
        database.execute("ALTER SYSTEM RESET default_transaction_read_only")
        database.execute("SELECT pg_reload_conf()")
        server.until((200, ""), "ready again after it takes writes")


def test_a_writer_that_is_held_up_is_told(tmp_path: Path) -> None:
    """Somebody holds a lock on a table for long: reading goes on, the writer is stuck, told so."""
    with running_postgres() as database, watched(database, tmp_path) as server:
        server.until((200, ""), "ready")
        with held(database, "idempotency"):
            server.until((503, "writer_stuck"), "told that the writer is stuck")
            eventually(
                lambda: server.metric("consentry_writer_lag_seconds") > 1, "told for how long"
            )
        server.until((200, ""), "ready again when the lock was let go")
