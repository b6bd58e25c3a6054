"""Several hosts on one PostgreSQL: what is asked of one holds at the others."""

import json
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import datetime

import pytest
import requests
from load_world import SharedSite
from open_page import open_page, wait_until_quiet
from real_processes import clean_environment
from real_site import LONG_CODE, SHORT_CODE, find_free_port
from real_world import WAIT_SECONDS, eventually, noting_lateness
from several_world import CLAIMED, ask, texts_to

from postgres_server import PostgresServer

pytestmark = pytest.mark.e2e


@dataclass(frozen=True)
class Pair:
    """Two hosts that run on one database; each is the same site as another host shows it."""

    here: SharedSite
    there: SharedSite
    console_link: str


@pytest.fixture(scope="module")
def pair(site: SharedSite) -> Iterator[Pair]:
    """Run two hosts for all of these tests; the link signs somebody in at the second."""
    site.settings["CONSENTRY_SIGN_IN_TRIES"] = "4"
    with ExitStack() as servers:
        first, port = site.start(servers), find_free_port()
        second = site.start(servers, port=port)
        yield Pair(site, site.at(port), second.told["console_link"])
        first.stop()
        second.stop()


def test_the_same_key_at_two_hosts_at_once_is_one_text(pair: Pair, phone: str) -> None:
    """A program that repeats itself at another host is given the first answer again."""
    with ThreadPoolExecutor(2) as pool:
        pair.here.carrier.type_heard(phone, LONG_CODE, "Hello")
        for number in range(20):
            body = {"sender": LONG_CODE, "recipient": phone, "body": f"text {number}"}
            headers = {"Idempotency-Key": f"key {number}"}
            answers = [
                pool.submit(site.product.call, "POST", "/v1/messages", body, headers=headers)
                for site in (pair.here, pair.there)
            ]
            told = [json.loads(answer.result().text) for answer in answers]
            assert told[0]["id"] == told[1]["id"], told
        bodies = Counter(m["body"] for m in pair.here.product.messages(phone))
        assert all(bodies[f"text {number}"] == 1 for number in range(20))


def test_two_hosts_keep_a_senders_rate_together(pair: Pair, phone: str) -> None:
    """In no second more than the rate and the bucket, whoever sends."""
    site = pair.here
    site.carrier.type_heard(phone, SHORT_CODE, "Hello")
    eventually(lambda: len(texts_to(site, phone)) == 1, "the initial reply")
    answer = site.product.call("PATCH", f"/v1/senders/{SHORT_CODE}", {"messages_per_second": 10})
    assert answer.ok, answer.text
    for number in range(60):
        (pair.here, pair.there)[number % 2].product.send(SHORT_CODE, phone, f"t {number}")
    eventually(lambda: len(texts_to(site, phone)) == 61, "all have gone")
    # When they were claimed, by the one clock of this machine: what lies between that and the
    # carrier hangs on how many others want its cores.
    claimed = site.product.entries(phone, "job_claimed")[1:]
    times = sorted(datetime.fromisoformat(entry["at"]).timestamp() for entry in claimed)
    assert len(times) == 60
    for first in range(60):
        for last in range(first, 60):
            seconds = times[last] - times[first]
            # Half a second for what lies between a token and its claim.
            assert last - first + 1 <= 10 + 10 * (seconds + 0.5)
    assert times[-1] - times[0] > 4


def test_a_page_at_one_host_hears_of_a_text_at_another(pair: Pair, phone: str) -> None:
    """Within a second, and it is the page's own stream that tells it."""
    pair.here.carrier.type_heard(phone, LONG_CODE, "Hello")
    with open_page(pair.there.product.url, pair.console_link) as told:
        for number in range(2):
            before = wait_until_quiet(told)
            with noting_lateness(pair.here.carrier) as late:
                began = time.time()
                pair.here.carrier.type_heard(phone, LONG_CODE, f"text {number}")
                eventually(lambda known=before: len(told) > known, "the page was told")
            assert told[before] - began - sum(late) < 1.0


def test_a_revoked_key_is_refused_everywhere_when_it_is_answered(pair: Pair) -> None:
    """Also by a host that had just let it in."""
    here = pair.here.product
    for _ in range(3):
        made = here.call("POST", "/v1/keys", {"name": "short", "scopes": ["read"]})
        assert made.status_code == 201, made.text
        other = replace(pair.there.product, key=made.json()["secret"])
        eventually(lambda one=other: one.call("GET", "/v1/messages").ok, "it is let in")
        revoked = here.call("DELETE", f"/v1/keys/{made.json()['id']}")
        assert revoked.status_code == 204
        assert other.call("GET", "/v1/messages").status_code == 401


def test_the_command_line_waits_for_what_servers_hand_over(
    pair: Pair, phone: str, postgres_server: PostgresServer
) -> None:
    """`consentry opt-out` is done when no server has a text to that person with its carrier."""
    site = pair.here
    site.carrier.type_heard(phone, LONG_CODE, "Hello")
    eventually(lambda: len(texts_to(site, phone)) == 1, "the initial reply")
    site.carrier.fault("slow_answer", rate=1.0, seconds=5)
    site.product.send(LONG_CODE, phone, "Hi")
    eventually(lambda: ask(postgres_server, site, CLAIMED) == "1", "it is under way")
    done = subprocess.run(
        [sys.executable, "-m", "consentry", "opt-out", phone, "--reason", "asked by phone"],
        cwd=site.folder,
        env={**clean_environment(), **site.settings},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    site.carrier.clear_faults()
    assert done.returncode == 0, done.stderr
    assert ask(postgres_server, site, CLAIMED) == "0"
    refused = site.product.try_send(LONG_CODE, phone, "More")
    assert refused.status_code == 403


def test_tries_to_sign_in_are_counted_over_all_hosts(pair: Pair) -> None:
    """Who is turned away at one host is turned away at the other."""
    statuses = [
        requests.post(
            f"{where.product.url}/console/sign-in",
            data={"email": "ada@example.org", "password": "guess"},
            timeout=WAIT_SECONDS,
        ).status_code
        for where in (pair.here, pair.there) * 3
    ]
    assert statuses == [401] * 4 + [429] * 2
