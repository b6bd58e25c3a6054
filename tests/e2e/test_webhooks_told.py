"""Webhooks told by real servers: whatever happens to these, a program hears of every opt-out."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from load_world import running_site
from real_site import LONG_CODE, Site, create
from real_world import eventually
from several_world import WORKERS

from loopback_program import Heard, Program, Says, program_in_a_thread

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("e2e-webhooks")]


@pytest.fixture
def program() -> Iterator[Program]:
    """Run a program for one test."""
    with program_in_a_thread() as running:
        yield running


def hook(site: Site, program: Program) -> dict[str, Any]:
    """Have a program told of blocks and of texts that come in."""
    events = ["block.changed", "message.received"]
    return create(site.product, "/v1/webhooks", url=f"{program.url}/events", events=events)


def stops_of(heard: list[Heard], secret: str) -> list[str]:
    """List who opted out, as often as it was told; each is believed by the official library."""
    told = [one.open_event(secret) for one in heard]
    return [
        event["data"]["recipient"]
        for event in told
        if event["type"] == "block.changed" and event["data"]["state"] == "blocked"
    ]


def test_killed_between_no_opt_out_is_lost(
    tmp_path: Path, phones: Iterator[str], program: Program
) -> None:
    """Kill -9 while the program is slow, and after it was down: it hears of everybody, in order."""
    people = [next(phones) for _ in range(8)]
    with (
        running_site(tmp_path, f"sqlite:///{tmp_path / 'consentry.db'}") as site,
        ExitStack() as servers,
    ):
        server = site.start(servers)
        secret = hook(site, program)["secret"]
        program.says = lambda _heard: Says(status=500)
        for person in people[:4]:
            site.carrier.type_heard(person, LONG_CODE, "STOP")
        eventually(lambda: program.heard, "the program was asked")
        program.says = lambda _heard: Says(status=204, body="", waits=0.3)
        for person in people[4:]:
            site.carrier.type_heard(person, LONG_CODE, "STOP")
        eventually(lambda: program.busy, "the program is at work")
        server.kill()
        site.start(servers)
        eventually(
            lambda: {*people} <= {*stops_of(program.heard, secret)},
            "the program hears of everybody",
        )
        ids: dict[tuple[str, str], set[str]] = {}
        for heard in program.heard:
            event = heard.open_event(secret)
            key = event["type"], event["data"]["recipient"]
            ids.setdefault(key, set()).add(heard.headers["webhook-id"])
        assert {len(known) for (kind, _), known in ids.items() if kind == "message.received"} == {1}


def test_of_several_processes_one_tells(
    tmp_path: Path,
    phones: Iterator[str],
    program: Program,
    postgres_url: str,
) -> None:
    """Two workers on PostgreSQL: nobody is told twice, as long as nobody is killed."""
    people = [next(phones) for _ in range(12)]
    with running_site(tmp_path, postgres_url) as site, ExitStack() as servers:
        site.start(servers, *WORKERS)
        secret = hook(site, program)["secret"]
        program.says = lambda _heard: Says(status=204, body="", waits=0.05)
        for person in people:
            site.carrier.type_heard(person, LONG_CODE, "STOP")
        eventually(lambda: {*people} <= {*stops_of(program.heard, secret)}, "all are told")
        waiting = "/v1/webhook-deliveries?status=waiting"
        eventually(lambda: not site.product.get(waiting)["items"], "nothing waits")
        told = [heard.headers["webhook-id"] for heard in program.heard]
        assert len(told) == len(set(told))
