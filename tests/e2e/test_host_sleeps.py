"""A host of two on one PostgreSQL is stopped in the middle, taken for dead, and wakes up."""

import os
import signal
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import pytest
from load_world import SharedSite, read_acknowledged
from real_processes import Running
from real_site import LONG_CODE, find_free_port
from real_world import eventually
from several_world import ALIVE, CLAIMED, ask, texts_to

from postgres_server import PostgresServer

pytestmark = pytest.mark.e2e

_HELD_BACK = """
import pathlib, sys, time

class HeldBack:
    @staticmethod
    def find_spec(name, path=None, target=None):
        while name == "aiohttp" and not pathlib.Path({let_go!r}).exists():
            time.sleep(0.02)

sys.meta_path.insert(0, HeldBack)
"""


def test_a_host_that_was_stopped_and_wakes_up_sends_nothing(
    site: SharedSite, postgres_server: PostgresServer, tmp_path: Path
) -> None:
    """It had claimed a text when it was stopped; the STOP at the other host was acknowledged.

    The other one waited for as long as the text could still leave, took the process for dead, and
    cleared up after it. Awake again, it finds its claim too old, and goes on as a new process.
    """
    phone, other_phone = "+12125550142", "+12125550143"
    port, let_go = find_free_port(), tmp_path / "let-go"
    with ExitStack() as servers:
        sleeper = start_held_back(site, servers, let_go)
        awake = site.start(servers, port=port)
        eventually(lambda: ask(postgres_server, site, ALIVE) == "2", "")
        # The second host may send nothing, so that the first one claims.
        awake.process.send_signal(signal.SIGSTOP)
        site.carrier.type_heard(phone, LONG_CODE, "Hello")
        eventually(lambda: ask(postgres_server, site, CLAIMED) == "1", "it has claimed the text")
        sleeper.process.send_signal(signal.SIGSTOP)
        awake.process.send_signal(signal.SIGCONT)
        assert texts_to(site, phone) == []
        let_go.touch()
        point_carrier_to(site, port)
        sid = site.carrier.type(phone, LONG_CODE, "STOP")["message"]["sid"]
        # Where it was stopped in the middle of a batch, the carrier has to try a second time.
        eventually(lambda: read_acknowledged(site).get(sid), "the STOP was heard")
        waited = ("still_with_the_carrier", "process_taken_for_dead")
        assert any(why in awake.log() for why in waited), awake.said()
        eventually(
            lambda: ask(postgres_server, site, ALIVE) == "1", "the sleeper was taken for dead"
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


def start_held_back(site: SharedSite, servers: ExitStack, let_go: Path) -> Running:
    """Start a server that hands over no text before a file is there.

    The first text of a process waits for its HTTP client to be loaded: here for as long as that.
    """
    folder = let_go.parent
    (folder / "sitecustomize.py").write_text(_HELD_BACK.format(let_go=str(let_go)))
    path = os.pathsep.join(filter(None, (str(folder), os.environ.get("PYTHONPATH"))))
    return replace(site, settings={**site.settings, "PYTHONPATH": path}).start(servers)


def point_carrier_to(site: SharedSite, port: int) -> None:
    """Have the carrier send what people type to another host."""
    (sender,) = [
        s for s in site.at(port).product.get("/v1/senders")["items"] if s["number"] == LONG_CODE
    ]
    url = sender["webhook_url"].replace(f":{site.port}/", f":{port}/")
    site.carrier.set_sender(LONG_CODE, "long_code", url)
