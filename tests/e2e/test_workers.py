"""`serve --workers`: how workers start and end, and how they share what is asked of them."""

import os
import signal
import subprocess
import sys
from collections import Counter
from contextlib import ExitStack
from pathlib import Path

import pytest
import requests
from load_world import SharedSite
from real_processes import clean_environment, is_alive
from real_site import LONG_CODE
from real_world import WAIT_SECONDS, eventually
from several_world import CLAIMED, WORKERS, ask, read_workers, texts_to, until_again

from postgres_server import PostgresServer

pytestmark = pytest.mark.e2e


@pytest.mark.parametrize("words", [(), WORKERS], ids=["one", "workers"])
def test_a_server_that_is_told_to_end_finishes_its_texts(
    site: SharedSite, postgres_server: PostgresServer, phone: str, words: tuple[str, ...]
) -> None:
    """What is with the carrier is waited for, what waits in line stays there, and it ends well."""
    with ExitStack() as servers:
        server = site.start(servers, *words)
        site.carrier.type_heard(phone, LONG_CODE, "Hello")
        eventually(lambda: len(texts_to(site, phone)) == 1, "the initial reply")
        site.carrier.fault("slow_answer", rate=1.0, seconds=8)
        sent = [site.product.send(LONG_CODE, phone, f"text {number}") for number in range(5)]
        eventually(lambda: ask(postgres_server, site, CLAIMED) == "5", "all are claimed")
        children = read_workers(server)
        server.process.send_signal(signal.SIGTERM)
        assert ask(postgres_server, site, CLAIMED) == "5", "too late: they are no longer under way"
        assert server.process.wait(WAIT_SECONDS) == 0, server.said()
        assert ask(postgres_server, site, CLAIMED) == "0"
        assert [pid for pid in children if is_alive(pid)] == []
        site.carrier.clear_faults()
        server = site.start(servers)
        statuses = {site.product.message(message)["status"] for message in sent}
        assert statuses <= {"sent", "delivered"}
        assert Counter(m["body"] for m in texts_to(site, phone))["text 0"] == 1
        server.stop()


def test_workers_end_with_their_parent(site: SharedSite) -> None:
    """Killed so that it can tell nobody: the workers notice, and end in order."""
    with ExitStack() as servers:
        server = site.start(servers, *WORKERS)
        children = read_workers(server)
        assert len(children) == 2
        server.kill()
        eventually(lambda: not any(map(is_alive, children)), "the workers have ended")


def test_requests_are_spread_and_survive_a_worker(site: SharedSite) -> None:
    """Both workers answer; one that is killed is started again, and nobody waits there for ever."""
    with ExitStack() as servers:
        server = site.start(servers, *WORKERS)
        before = read_workers(server)
        seen = Counter(read_worker(site) for _ in range(60))
        assert set(seen) == set(before)
        assert min(seen.values()) >= 10
        os.kill(before[0], signal.SIGKILL)
        eventually(lambda: not is_alive(before[0]), "it has ended")
        for _ in range(20):
            assert requests.get(f"{site.product.url}/healthz", timeout=WAIT_SECONDS).ok
        until_again(server, before)
        server.stop()


def test_the_leases_of_killed_workers_end_soon(
    site: SharedSite, postgres_server: PostgresServer
) -> None:
    """Also where the one that came in its place was killed before it had a lease itself."""
    with ExitStack() as servers:
        server = site.start(servers, *WORKERS)

        def read_leases() -> set[str]:
            return set(ask(postgres_server, site, "SELECT id FROM processes").split())

        eventually(lambda: len(read_leases()) == 2, "both have a lease")
        leases, before = read_leases(), read_workers(server)
        os.kill(before[0], signal.SIGKILL)
        eventually(lambda: set(read_workers(server)) - set(before), "another one was started")
        (successor,) = set(read_workers(server)) - set(before)
        os.kill(successor, signal.SIGKILL)
        eventually(lambda: len(leases & read_leases()) == 1, "its lease is over")
        # That it has ended was seen at once; whoever is watched counts as dead after 13 seconds.
        assert "process_taken_for_dead" not in server.log()
        until_again(server, [*before, successor])
        server.stop()


def read_worker(site: SharedSite) -> int:
    """Tell which process answers on a new connection."""
    with requests.Session() as session:
        session.get(f"{site.product.url}/healthz", timeout=WAIT_SECONDS)
        (connection,) = session.get_adapter("http://").poolmanager.pools._container.values()  # noqa: SLF001 - to know our own port
        port = connection.pool.queue[-1].sock.getsockname()[1]
        return find_owner(site.port, port)


def find_owner(port: int, peer: int) -> int:
    """Find the process that holds the server's end of a connection."""
    wanted = f":{port:04X} 0100007F:{peer:04X}"
    lines = Path("/proc/net/tcp").read_text(encoding="ascii").splitlines()
    inode = next(line.split()[9] for line in lines if wanted in line)
    for link in Path("/proc").glob("[0-9]*/fd/*"):
        try:
            if link.readlink().name == f"socket:[{inode}]":
                return int(link.parts[2])
        except OSError:
            continue
    raise AssertionError(f"nobody holds {inode}")


def test_sqlite_refuses_several_workers(tmp_path: Path) -> None:
    """It says what it was asked for, and what to do."""
    done = subprocess.run(
        [sys.executable, "-m", "consentry", "serve", "--workers", "2"],
        cwd=tmp_path,
        env=clean_environment(),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 2
    assert "SQLite serves one process" in done.stderr
    assert "--workers 1" in done.stderr
    assert "PostgreSQL" in done.stderr


def test_workers_that_cannot_start_end_the_server(tmp_path: Path, postgres_url: str) -> None:
    """What is wrong stands on standard error; nothing is tried again and again."""
    settings = {
        "CONSENTRY_DATABASE": postgres_url,
        "CONSENTRY_SECRET_KEY": "a secret key of the tests, long enough",
        "CONSENTRY_OIDC_ISSUER": "https://idp.example.org",
    }
    done = subprocess.run(
        [sys.executable, "-m", "consentry", "serve", "--workers", "2", "--port", "0"],
        cwd=tmp_path,
        env={**clean_environment(), **settings},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 1
    assert "CONSENTRY_OIDC_CLIENT_ID is not. Set it" in done.stderr


def test_metrics_tell_of_all_workers(site: SharedSite) -> None:
    """Whichever worker is asked, the sum is the same."""
    with ExitStack() as servers:
        server = site.start(servers, *WORKERS)
        key = {"Authorization": f"Bearer {site.product.key}"}
        for _ in range(20):
            with requests.Session() as session:
                body = {"sender": LONG_CODE, "recipient": "+12125550142"}
                url = f"{site.product.url}/v1/check"
                assert session.post(url, json=body, headers=key, timeout=WAIT_SECONDS).ok
        eventually(
            lambda: {count_checks(site, key) for _ in range(10)} == {20.0}, "all tell of all"
        )
        server.stop()


def count_checks(site: SharedSite, key: dict[str, str]) -> float:
    """Read from the metrics how many questions to the gate were answered."""
    page = requests.get(f"{site.product.url}/metrics", headers=key, timeout=WAIT_SECONDS)
    assert page.ok, page.text
    lines = [line for line in page.text.splitlines() if 'route="/v1/check"' in line]
    return sum(float(line.split()[-1]) for line in lines if "requests_total" in line)
