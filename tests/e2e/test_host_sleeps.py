"""A host of two on one PostgreSQL is stopped in the middle, taken for dead, and wakes up."""

import signal
import time
from contextlib import ExitStack

import pytest
from load_world import SharedSite, read_acknowledged
from real_site import LONG_CODE, find_free_port
from real_world import eventually
from several_world import ALIVE, CLAIMED, ask, texts_to

from postgres_server import PostgresServer

pytestmark = pytest.mark.e2e


def test_a_host_that_was_stopped_and_wakes_up_sends_nothing(
    site: SharedSite, postgres_server: PostgresServer
) -> None:
    """It had claimed a text when it was stopped; the STOP at the other host was acknowledged.

    The other one waited for as long as the text could still leave, took the process for dead, and
    cleared up after it. Awake again, it finds its claim too old, and goes on as a new process.
    """
    phone, other_phone = "+12125550142", "+12125550143"
    port = find_free_port()
    with ExitStack() as servers:
        sleeper = site.start(servers)
        awake = site.start(servers, port=port)
        eventually(lambda: ask(postgres_server, site, ALIVE) == "2", "")
        # The second host may send nothing, so that the first one claims.
        awake.process.send_signal(signal.SIGSTOP)
        site.carrier.type_heard(phone, LONG_CODE, "Hello")
        deadline = time.monotonic() + 10
        while ask(postgres_server, site, CLAIMED) == "0":
            assert time.monotonic() < deadline
        # The first text of a process waits for its HTTP client to be loaded.
        sleeper.process.send_signal(signal.SIGSTOP)
        awake.process.send_signal(signal.SIGCONT)
        assert texts_to(site, phone) == [], "it was stopped too late for this test"
        point_carrier_to(site, port)
        began = time.monotonic()
        sid = site.carrier.type(phone, LONG_CODE, "STOP")["message"]["sid"]
        # Where it was stopped in the middle of a batch, the carrier has to try a second time.
        eventually(lambda: read_acknowledged(site).get(sid), "the STOP was heard", seconds=45)
        assert time.monotonic() - began > 10
        eventually(
            lambda: ask(postgres_server, site, ALIVE) == "1",
            "the sleeper was taken for dead",
            seconds=20,
        )
        sleeper.process.send_signal(signal.SIGCONT)
        eventually(
            lambda: ask(postgres_server, site, ALIVE) == "2",
            "it has come again",
        )
        site.carrier.type_heard(other_phone, LONG_CODE, "Hello")
        eventually(lambda: len(texts_to(site, other_phone)) == 1, "others are texted")
        after = read_acknowledged(site)[sid]
        bodies = [m["body"] for m in texts_to(site, phone) if m["accepted_order"] > after]
        assert len(bodies) <= 1, "one confirmation may follow an opt-out"
        assert not [body for body in bodies if "got your message" in body]
        assert "taken_for_dead" in sleeper.said()


def point_carrier_to(site: SharedSite, port: int) -> None:
    """Have the carrier send what people type to another host."""
    (sender,) = [
        s for s in site.at(port).product.get("/v1/senders")["items"] if s["number"] == LONG_CODE
    ]
    url = sender["webhook_url"].replace(f":{site.port}/", f":{port}/")
    site.carrier.set_sender(LONG_CODE, "long_code", url)
