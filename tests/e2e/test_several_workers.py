"""Several workers, and several hosts, on one PostgreSQL: killed, stopped, and told to end.

The carrier lives on and knows the order of everything: which opt-out was acknowledged when, and
which text it accepted when.
"""

import asyncio
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from random import Random

import aiohttp
import pytest
import requests
from load_world import (
    Load,
    Person,
    SharedSite,
    assert_stops_kept,
    count_ends,
    draw_people,
    read_acknowledged,
    running_site,
    wait_until_all_is_over,
)
from real_processes import Running, clean_environment, is_alive, read_descendants
from real_site import LONG_CODE, find_free_port
from real_world import JSON, eventually, fictional_phones

from postgres_server import PostgresServer

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("e2e-workers")]

ROUNDS = 4
SEED = 20_261_129
END_SECONDS_MAX = 20.0
CLAIMED = "SELECT count(*) FROM jobs WHERE state = 'claimed'"
ALIVE = "SELECT count(*) FROM processes"


@pytest.fixture
def workers(tmp_path: Path, postgres_url: str) -> Iterator[SharedSite]:
    """A server with two workers, and a carrier."""
    with running_site(tmp_path, postgres_url, "--workers", "2") as made:
        yield made


@pytest.fixture
def hosts(tmp_path: Path, postgres_url: str) -> Iterator[SharedSite]:
    """A database, a carrier, and room for several servers."""
    with running_site(tmp_path, postgres_url) as made:
        yield made


def new_session() -> aiohttp.ClientSession:
    """Open a session that never uses a connection twice: one that idled may just be closed."""
    connector = aiohttp.TCPConnector(force_close=True, limit=0)
    return aiohttp.ClientSession(connector=connector, timeout=aiohttp.ClientTimeout(total=30))


def read_workers(server: Running) -> list[int]:
    """List the processes of a server's workers."""
    return sorted(read_descendants(server.process.pid))


def ask(postgres_server: PostgresServer, url: str, sql: str) -> str:
    """Ask the database itself."""
    database = re.search(r"/(\w+)(\?|$)", url)
    assert database is not None
    return postgres_server.execute(sql, database[1]).strip()


async def test_a_worker_killed_under_load_again_and_again(workers: SharedSite) -> None:
    """Nothing is sent twice, nothing after an acknowledged STOP, and every text ends somewhere."""
    workers.carrier.fault("slow_answer", rate=0.5, seconds=0.25)
    dice, phones = Random(SEED), fictional_phones()
    everybody: list[Person] = []
    indeterminate = 0
    with ExitStack() as servers:
        server = workers.start(servers)
        async with new_session() as session:
            load = Load(workers, session)
            for _ in range(ROUNDS):
                people = draw_people(dice, phones)
                under_way = asyncio.create_task(load.run(people))
                await asyncio.sleep(dice.uniform(0.3, 0.8))
                before = await asyncio.to_thread(read_workers, server)
                os.kill(dice.choice(before), signal.SIGKILL)
                await under_way
                await asyncio.to_thread(until_again, server, before)
                found = await asyncio.to_thread(workers.product.messages, None, "indeterminate")
                indeterminate += len(found)
                await load.repeat_sends(people)
                everybody += people
        workers.carrier.clear_faults()
        wait_until_all_is_over(workers)
        acknowledged = read_acknowledged(workers)
        assert_stops_kept(workers, everybody, acknowledged)
        ends = count_ends(workers, everybody, acknowledged)
        server.stop()
    print(dict(ends), "indeterminate:", indeterminate)  # noqa: T201 - shown where it fails
    assert ends["stops given up"] == 0
    assert ends["stops kept"] >= ROUNDS * 10
    assert ends["delivered"] >= ROUNDS * 30
    recovered = server.errors.read_text(encoding="utf-8").count("jobs_recovered")
    assert recovered >= 1, "no worker was killed with a text at the carrier"


def until_again(server: Running, before: list[int]) -> None:
    """Wait until another worker has taken the place of the one that was killed."""
    eventually(
        lambda: (
            len(set(read_workers(server)) - set(before)) == 1 and len(read_workers(server)) == 2
        ),
        "the worker was started again",
    )


async def test_a_host_that_dies_is_found_out(hosts: SharedSite) -> None:
    """Nobody tells the other host, which watches it, looks its texts up, and lets STOPs wait."""
    hosts.carrier.fault("slow_answer", rate=1.0, seconds=0.4)
    dice, phones = Random(SEED + 1), fictional_phones()
    port = find_free_port()
    with ExitStack() as servers:
        hosts.start(servers)
        dying = hosts.start(servers, port=port)
        people = draw_people(dice, phones)
        async with new_session() as session:
            load = Load(hosts, session)
            under_way = asyncio.create_task(load.run(people))
            await asyncio.sleep(0.7)
            dying.kill()
            await under_way
            await load.repeat_sends(people)
        hosts.carrier.clear_faults()
        wait_until_all_is_over(hosts)
        acknowledged = read_acknowledged(hosts)
        assert_stops_kept(hosts, people, acknowledged)
        ends = count_ends(hosts, people, acknowledged)
    assert ends["stops given up"] == 0
    assert ends["delivered"] >= 10


def test_a_host_that_was_stopped_and_wakes_up_sends_nothing(
    hosts: SharedSite, postgres_server: PostgresServer
) -> None:
    """It had claimed a text when it was stopped; the STOP at the other host was acknowledged.

    The other one waited for as long as the text could still leave, took the process for dead, and
    cleared up after it. Awake again, it finds its claim too old, and goes on as a new process.
    """
    url = hosts.settings["CONSENTRY_DATABASE"]
    phone, other_phone = "+12125550142", "+12125550143"
    port = find_free_port()
    with ExitStack() as servers:
        sleeper = hosts.start(servers)
        awake = hosts.start(servers, port=port)
        eventually(lambda: ask(postgres_server, url, ALIVE) == "2", "")
        # The second host may send nothing, so that the first one claims.
        awake.process.send_signal(signal.SIGSTOP)
        hosts.carrier.type_heard(phone, LONG_CODE, "Hello")
        deadline = time.monotonic() + 10
        while ask(postgres_server, url, CLAIMED) == "0":
            assert time.monotonic() < deadline
        # The first text of a process waits for its HTTP client to be loaded.
        sleeper.process.send_signal(signal.SIGSTOP)
        awake.process.send_signal(signal.SIGCONT)
        assert texts_to(hosts, phone) == [], "it was stopped too late for this test"
        point_carrier_to(hosts, port)
        began = time.monotonic()
        sid = hosts.carrier.type(phone, LONG_CODE, "STOP")["message"]["sid"]
        # Where it was stopped in the middle of a batch, the carrier has to try a second time.
        eventually(lambda: read_acknowledged(hosts).get(sid), "the STOP was heard", seconds=45)
        assert time.monotonic() - began > 10
        eventually(
            lambda: ask(postgres_server, url, ALIVE) == "1",
            "the sleeper was taken for dead",
            seconds=20,
        )
        sleeper.process.send_signal(signal.SIGCONT)
        eventually(
            lambda: ask(postgres_server, url, ALIVE) == "2",
            "it has come again",
        )
        hosts.carrier.type_heard(other_phone, LONG_CODE, "Hello")
        eventually(lambda: len(texts_to(hosts, other_phone)) == 1, "others are texted")
        after = read_acknowledged(hosts)[sid]
        bodies = [m["body"] for m in texts_to(hosts, phone) if m["accepted_order"] > after]
        assert len(bodies) <= 1, "one confirmation may follow an opt-out"
        assert not [body for body in bodies if "got your message" in body]
        assert "taken_for_dead" in sleeper.said()


def texts_to(site: SharedSite, phone: str) -> list[JSON]:
    """List the texts that the carrier accepted for a phone."""
    return [m for m in site.carrier.messages() if m["to"] == phone and m["direction"] != "inbound"]


def point_carrier_to(site: SharedSite, port: int) -> None:
    """Have the carrier send what people type to another host."""
    (sender,) = [
        s for s in site.at(port).product.get("/v1/senders")["items"] if s["number"] == LONG_CODE
    ]
    url = sender["webhook_url"].replace(f":{site.port}/", f":{port}/")
    site.carrier.set_sender(LONG_CODE, "long_code", url)


@pytest.mark.parametrize("words", [(), ("--workers", "2")], ids=["one", "workers"])
def test_a_server_that_is_told_to_end_finishes_its_texts(
    tmp_path: Path, postgres_server: PostgresServer, postgres_url: str, words: tuple[str, ...]
) -> None:
    """What is with the carrier is waited for, what waits in line stays there, and it ends well."""
    with running_site(tmp_path, postgres_url, *words) as site, ExitStack() as servers:
        server = site.start(servers)
        phone = "+12125550142"
        site.carrier.type_heard(phone, LONG_CODE, "Hello")
        eventually(lambda: len(texts_to(site, phone)) == 1, "the initial reply")
        site.carrier.fault("slow_answer", rate=1.0, seconds=4)
        sent = [site.product.send(LONG_CODE, phone, f"text {number}") for number in range(5)]
        eventually(lambda: ask(postgres_server, postgres_url, CLAIMED) == "5", "all are claimed")
        children = read_workers(server)
        began = time.monotonic()
        server.process.send_signal(signal.SIGTERM)
        assert server.process.wait(END_SECONDS_MAX) == 0, server.said()
        assert 2 < time.monotonic() - began < 12
        assert [pid for pid in children if is_alive(pid)] == []
        site.carrier.clear_faults()
        site.start(servers)
        statuses = {site.product.message(message)["status"] for message in sent}
        assert statuses <= {"sent", "delivered"}
        assert Counter(m["body"] for m in texts_to(site, phone))["text 0"] == 1


def test_workers_end_with_their_parent(workers: SharedSite) -> None:
    """Killed so that it can tell nobody: the workers notice, and end in order."""
    with ExitStack() as servers:
        server = workers.start(servers)
        children = read_workers(server)
        assert len(children) == 2
        server.kill()
        eventually(lambda: not any(map(is_alive, children)), "the workers have ended")


def test_requests_are_spread_and_survive_a_worker(workers: SharedSite) -> None:
    """Both workers answer; one that is killed is started again, and nobody waits there for ever."""
    with ExitStack() as servers:
        server = workers.start(servers)
        before = read_workers(server)
        seen = Counter(read_worker(workers) for _ in range(60))
        assert set(seen) == set(before)
        assert min(seen.values()) >= 10
        os.kill(before[0], signal.SIGKILL)
        for _ in range(20):
            assert requests.get(f"{workers.product.url}/healthz", timeout=10).ok
        until_again(server, before)
        server.stop()


def read_worker(site: SharedSite) -> int:
    """Tell which process answers on a new connection."""
    with requests.Session() as session:
        session.get(f"{site.product.url}/healthz", timeout=10)
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
        timeout=30,
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
        timeout=30,
        check=False,
    )
    assert done.returncode == 1
    assert "CONSENTRY_OIDC_CLIENT_ID is not. Set it" in done.stderr


def test_the_same_key_at_two_hosts_at_once_is_one_text(hosts: SharedSite) -> None:
    """A program that repeats itself at another host is given the first answer again."""
    port = find_free_port()
    with ExitStack() as servers, ThreadPoolExecutor(2) as pool:
        hosts.start(servers)
        hosts.start(servers, port=port)
        phone = "+12125550142"
        hosts.carrier.type_heard(phone, LONG_CODE, "Hello")
        products = (hosts.product, hosts.at(port).product)
        for number in range(20):
            body = {"sender": LONG_CODE, "recipient": phone, "body": f"text {number}"}
            headers = {"Idempotency-Key": f"key {number}"}
            answers = [
                pool.submit(product.call, "POST", "/v1/messages", body, headers=headers)
                for product in products
            ]
            told = [json.loads(answer.result().text) for answer in answers]
            assert told[0]["id"] == told[1]["id"], told
        bodies = Counter(m["body"] for m in hosts.product.messages(phone))
        assert all(bodies[f"text {number}"] == 1 for number in range(20))


def test_two_hosts_keep_a_senders_rate_together(hosts: SharedSite) -> None:
    """In no second more than the rate and the bucket, whoever sends."""
    port = find_free_port()
    with ExitStack() as servers:
        hosts.start(servers)
        hosts.start(servers, port=port)
        phone = "+12125550142"
        hosts.carrier.type_heard(phone, LONG_CODE, "Hello")
        eventually(lambda: len(texts_to(hosts, phone)) == 1, "the initial reply")
        answer = hosts.product.call(
            "PATCH", f"/v1/senders/{LONG_CODE}", {"messages_per_second": 10}
        )
        assert answer.ok, answer.text
        time.sleep(1.5)
        for number in range(60):
            hosts.at((hosts.port, port)[number % 2]).product.send(LONG_CODE, phone, f"t {number}")
        eventually(lambda: len(texts_to(hosts, phone)) == 61, "all have gone", seconds=20)
        times = sorted(
            time.mktime(time.strptime(m["accepted_at"][:19], "%Y-%m-%dT%H:%M:%S"))
            + float(m["accepted_at"][19:].rstrip("Z"))
            for m in texts_to(hosts, phone)[1:]
        )
        for first in range(60):
            for last in range(first, 60):
                seconds = times[last] - times[first]
                # Half a second for what lies between a token and the carrier's own clock.
                assert last - first + 1 <= 10 + 10 * (seconds + 0.5)
        assert times[-1] - times[0] > 4


def sign_in(url: str, console_link: str) -> requests.Session:
    """Sign in at a host by a link, as a browser does."""
    session = requests.Session()
    token = console_link.rpartition("#")[2].rpartition("=")[2]
    answer = session.post(
        f"{url}/console/sign-in",
        data={"token": token},
        headers={"Origin": url},
        allow_redirects=False,
        timeout=10,
    )
    assert answer.status_code == 303, answer.text
    return session


def test_a_page_at_one_host_hears_of_a_text_at_another(hosts: SharedSite) -> None:
    """Within a second, and it is the page's own stream that tells it."""
    port = find_free_port()
    phone = "+12125550142"
    with ExitStack() as servers, ThreadPoolExecutor(1) as pool:
        hosts.start(servers)
        elsewhere = hosts.start(servers, port=port)
        hosts.carrier.type_heard(phone, LONG_CODE, "Hello")
        url = f"http://127.0.0.1:{port}"
        session = sign_in(url, elsewhere.told["console_link"])
        with session.get(f"{url}/console/live", stream=True, timeout=20) as stream:
            assert stream.status_code == 200
            lines = stream.iter_lines(chunk_size=1)
            # The first word is for what happened before, and what followed the text is let pass.
            until_told(lines)
            time.sleep(3)
            for number in range(3):
                heard = pool.submit(hear, lines)
                time.sleep(1.5)
                began = time.time()
                hosts.carrier.type_heard(phone, LONG_CODE, f"text {number}")
                assert heard.result(timeout=10) - began < 1.0


def until_told(lines: Iterator[bytes]) -> None:
    """Read on until the stream says that something changed."""
    for line in lines:
        if line == b"event: changed":
            return


def hear(lines: Iterator[bytes]) -> float:
    """Say when the stream said that something changed."""
    until_told(lines)
    return time.time()


def test_a_revoked_key_is_refused_everywhere_when_it_is_answered(hosts: SharedSite) -> None:
    """Also by a host that had just let it in."""
    port = find_free_port()
    with ExitStack() as servers:
        hosts.start(servers)
        hosts.start(servers, port=port)
        for _ in range(3):
            made = hosts.product.call("POST", "/v1/keys", {"name": "short", "scopes": ["read"]})
            assert made.status_code == 201, made.text
            other = replace(hosts.at(port).product, key=made.json()["secret"])
            eventually(lambda one=other: one.call("GET", "/v1/messages").ok, "it is let in")
            revoked = hosts.product.call("DELETE", f"/v1/keys/{made.json()['id']}")
            assert revoked.status_code == 204
            assert other.call("GET", "/v1/messages").status_code == 401


def test_tries_to_sign_in_are_counted_over_all_hosts(hosts: SharedSite) -> None:
    """Who is turned away at one host is turned away at the other."""
    hosts.settings["CONSENTRY_SIGN_IN_TRIES"] = "4"
    port = find_free_port()
    with ExitStack() as servers:
        hosts.start(servers)
        hosts.start(servers, port=port)
        statuses = [
            requests.post(
                f"http://127.0.0.1:{where}/console/sign-in",
                data={"email": "ada@example.org", "password": "guess"},
                timeout=20,
            ).status_code
            for where in (hosts.port, port) * 3
        ]
        assert statuses == [401] * 4 + [429] * 2


def test_the_command_line_waits_for_what_servers_hand_over(
    hosts: SharedSite, postgres_server: PostgresServer
) -> None:
    """`consentry opt-out` is done when no server has a text to that person with its carrier."""
    url = hosts.settings["CONSENTRY_DATABASE"]
    phone = "+12125550142"
    with ExitStack() as servers:
        hosts.start(servers)
        hosts.carrier.type_heard(phone, LONG_CODE, "Hello")
        eventually(lambda: len(texts_to(hosts, phone)) == 1, "the initial reply")
        hosts.carrier.fault("slow_answer", rate=1.0, seconds=5)
        hosts.product.send(LONG_CODE, phone, "Hi")
        eventually(lambda: ask(postgres_server, url, CLAIMED) == "1", "it is under way")
        done = subprocess.run(
            [sys.executable, "-m", "consentry", "opt-out", phone, "--reason", "asked by phone"],
            cwd=hosts.folder,
            env={**clean_environment(), **hosts.settings},
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        assert ask(postgres_server, url, CLAIMED) == "0"
        refused = hosts.product.try_send(LONG_CODE, phone, "More")
        assert refused.status_code == 403


def test_metrics_tell_of_all_workers(workers: SharedSite) -> None:
    """Whichever worker is asked, the sum is the same."""
    with ExitStack() as servers:
        workers.start(servers)
        for _ in range(20):
            with requests.Session() as session:
                key = {"Authorization": f"Bearer {workers.product.key}"}
                body = {"sender": LONG_CODE, "recipient": "+12125550142"}
                url = f"{workers.product.url}/v1/check"
                assert session.post(url, json=body, headers=key, timeout=10).ok
        time.sleep(2.5)
        sums = set()
        for _ in range(10):
            page = requests.get(f"{workers.product.url}/metrics", headers=key, timeout=10)
            assert page.ok, page.text
            lines = [line for line in page.text.splitlines() if 'route="/v1/check"' in line]
            sums |= {float(line.split()[-1]) for line in lines if "requests_total" in line}
        assert sums == {20.0}
