"""Two hosts behind pgbouncer in transaction mode: nothing is kept in a session, and all holds.

Notifications do not come through there; each host looks for what the other has changed.
"""

import time
from collections.abc import Iterator
from contextlib import ExitStack

import pytest
from load_world import SharedSite, read_acknowledged, running_site, wait_until_all_is_over
from open_page import open_page, wait_until_quiet
from real_processes import Running
from real_site import LONG_CODE, OPT_OUT_CONFIRMATION, SHORT_CODE, find_free_port
from real_world import eventually, noting_lateness
from several_world import shared_database, texts_to

from needed import need
from pooler import is_installed, running_pooler
from postgres_server import PostgresServer

pytestmark = pytest.mark.e2e

TOLD_WITHIN_SECONDS = 2.0
Pair = tuple[SharedSite, SharedSite, Running]


@pytest.fixture(scope="module")
def pair(
    tmp_path_factory: pytest.TempPathFactory,
    postgres_server: PostgresServer,
    postgres_template: str,
) -> Iterator[Pair]:
    """Run two hosts, of which the carrier knows the first; gives the second's process too."""
    need(is_installed(), "pgbouncer")
    folder, port = tmp_path_factory.mktemp("pooled"), find_free_port()
    with ExitStack() as until:
        name = until.enter_context(shared_database(postgres_server, postgres_template))
        pooler = until.enter_context(running_pooler(postgres_server))
        url = pooler.url(name) + "&prepared_statements=off"
        here = until.enter_context(running_site(folder, url))
        first, second = here.start(until), here.start(until, port=port)
        yield here, here.at(port), second
        first.stop()
        second.stop()


def test_a_page_at_one_host_hears_of_a_stop_at_the_other(pair: Pair, phone: str) -> None:
    """Within two seconds of the opt-out's acknowledgement, and the gate there refuses at once."""
    here, there, process = pair
    here.carrier.type_heard(phone, LONG_CODE, "Hello")
    wait_until_all_is_over(here)
    with open_page(there.product.url, process.told["console_link"]) as told:
        before = wait_until_quiet(told)
        with noting_lateness(here.carrier) as late:
            here.carrier.type_heard(phone, LONG_CODE, "STOP")
            acknowledged_at = time.time()
            assert there.product.check(LONG_CODE, phone)["reason"] == "opted_out"
            eventually(lambda: len(told) > before, "the page was told")
        assert told[before] - acknowledged_at - sum(late) < TOLD_WITHIN_SECONDS


def test_nothing_leaves_a_host_after_the_stop_at_the_other(pair: Pair, phone: str) -> None:
    """A hundred texts wait when it is acknowledged: what has not left by then never does."""
    here, there, _ = pair
    slower = {"messages_per_second": 2}
    answer = here.product.call("PATCH", f"/v1/senders/{SHORT_CODE}", slower)
    assert answer.ok, answer.text
    here.carrier.type_heard(phone, SHORT_CODE, "Hello")
    sent = [
        site.product.send(SHORT_CODE, phone, f"text {number} of {site.port}")
        for number in range(50)
        for site in (here, there)
    ]
    eventually(lambda: len(texts_to(here, phone)) > 5, "they leave")
    sid = here.carrier.type_heard(phone, SHORT_CODE, "STOP")["message"]["sid"]
    acknowledged = read_acknowledged(here)[sid]
    eventually(
        lambda: {m["status"] for m in there.product.messages(phone)}.isdisjoint(
            {"queued", "sending", "sent", "indeterminate"}
        ),
        "all have ended",
    )
    late = [m["body"] for m in texts_to(here, phone) if m["accepted_order"] > acknowledged]
    assert [body for body in late if body != OPT_OUT_CONFIRMATION] == []
    statuses = [there.product.message(message)["status"] for message in sent]
    assert statuses.count("canceled") > 20
    assert statuses.count("canceled") + statuses.count("delivered") == len(sent)
