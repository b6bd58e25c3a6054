"""A STOP whose webhook is lost: found at the carrier, held back, applied, and then no drift."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator

import pytest
from real_world import JSON, SENTENCE, Demo, eventually

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.xdist_group("e2e-reconciling"),
    pytest.mark.usefixtures("faults"),
]


@pytest.fixture
def number(demo: Demo) -> str:
    """Give the long code, which these tests text from."""
    return demo.number("long_code")


@pytest.fixture
def account(demo: Demo) -> str:
    """Give the carrier account's id."""
    return str(demo.product.get("/v1/carriers")["items"][0]["id"])


@pytest.fixture
def unheard(demo: Demo, number: str, phone: str) -> Iterator[str]:
    """Give a phone whose Hello we heard, and whose STOP no webhook tells of."""
    demo.carrier.type_heard(phone, number, "Hello")
    demo.shown(phone, number)
    demo.carrier.fault("lost_webhook", recipient=phone, webhook="inbound")
    demo.carrier.type(phone, number, "STOP")
    assert demo.carrier.blocks(phone, number) == {"keyword"}
    yield phone
    for drift in open_drifts(demo, phone):
        settle(demo, f"/v1/drifts/{drift['id']}/dismiss")


def compare(demo: Demo, account: str) -> JSON:
    """Compare the account, by the API, and wait until it is over."""
    answer = demo.product.call("POST", "/v1/reconciliations", {"carrier": account})
    assert answer.status_code == 202, answer.text
    path = f"/v1/reconciliations/{answer.json()['id']}"
    eventually(lambda: demo.product.get(path)["state"] != "running", "it was compared")
    report = demo.product.get(path)
    assert (report["state"], report["error"]) == ("finished", None)
    return report


def open_drifts(demo: Demo, phone: str) -> list[JSON]:
    """List what differs about a phone and is not settled."""
    path = f"/v1/drifts?state=open&recipient={phone.replace('+', '%2B')}"
    items: list[JSON] = demo.product.get(path)["items"]
    return items


def settle(demo: Demo, path: str) -> JSON:
    """Settle a drift or a report with a reason."""
    answer = demo.product.call("POST", path, {"reason": "the webhook was lost"})
    assert answer.status_code == 200, answer.text
    settled: JSON = answer.json()
    return settled


def test_a_lost_stop_is_found_held_back_and_applied(
    demo: Demo, unheard: str, number: str, account: str
) -> None:
    """Nothing is sent from when it is found; applied, the gate refuses with the exact sentence."""
    assert demo.product.standing(unheard, number)["state"] == "opted_in"
    report = compare(demo, account)
    assert report["found"] == {"missed_opt_out": 1}
    (drift,) = open_drifts(demo, unheard)
    assert (drift["kind"], drift["severity"], drift["text"]) == (
        "missed_opt_out",
        "critical",
        "STOP",
    )
    assert drift["carrier_message_id"].startswith("SM")
    assert drift["is_held_back"] is True
    problem = demo.product.try_send(number, unheard, "News")
    assert (problem.status_code, problem.json()["code"]) == (403, "paused_for_review")
    assert demo.product.standing(unheard, number)["state"] == "paused"
    settled = settle(demo, f"/v1/drifts/{drift['id']}/apply")
    assert (settled["state"], settled["is_held_back"]) == ("applied", False)
    problem = demo.product.try_send(number, unheard, "News")
    assert (problem.json()["code"], problem.json()["detail"]) == ("opted_out", SENTENCE)
    (stop,) = demo.product.entries(unheard, "opted_out")
    assert (stop["text"], stop["at"]) == ("STOP", drift["since"])
    assert ("sender", "News") not in demo.shown(unheard, number)
    assert compare(demo, account)["found"] == {}
    assert open_drifts(demo, unheard) == []
    again = demo.product.call("POST", f"/v1/drifts/{drift['id']}/apply", {"reason": "x"})
    assert (again.status_code, again.json()["code"]) == (409, "already_settled")


def test_their_start_ends_what_is_held_back(
    demo: Demo, unheard: str, number: str, account: str
) -> None:
    """The person comes back by themselves; applying the older STOP then undoes nothing."""
    compare(demo, account)
    assert demo.product.standing(unheard, number)["state"] == "paused"
    demo.carrier.clear_faults()
    demo.carrier.type_heard(unheard, number, "START")
    assert demo.product.standing(unheard, number)["state"] == "opted_in"
    (drift,) = open_drifts(demo, unheard)
    assert settle(demo, f"/v1/drifts/{drift['id']}/apply")["state"] == "applied"
    assert demo.product.standing(unheard, number)["state"] == "opted_in"
    assert compare(demo, account)["found"] == {}
    demo.product.wait_for(demo.product.send(number, unheard, "Welcome back."), "delivered")


def test_a_whole_report_is_dismissed(demo: Demo, unheard: str, number: str, account: str) -> None:
    """Texts go on, and the same evidence is not raised again."""
    report = compare(demo, account)
    settled = settle(demo, f"/v1/reconciliations/{report['id']}/dismiss")
    assert settled == {"settled": 1, "refused": [], "is_all": True}
    assert demo.product.standing(unheard, number)["state"] == "opted_in"
    assert compare(demo, account)["found"] == {}


def test_the_command_compares_lists_and_settles_beside_the_server(
    demo: Demo, unheard: str, account: str
) -> None:
    """`consentry reconcile` on the server's own database, as somebody at the terminal."""
    (report,) = reconcile(demo, account, "--json")
    assert report["found"] == {"missed_opt_out": 1}
    (drift,) = reconcile(demo, "--list", "--json")
    assert (drift["recipient"], drift["text"]) == (unheard, "STOP")
    words = ("--apply", drift["id"], "--reason", "the webhook was lost", "--json")
    (settled,) = reconcile(demo, *words)
    assert settled["state"] == "applied"
    assert reconcile(demo, "--list", "--json") == []
    assert demo.product.get(f"/v1/drifts/{drift['id']}")["reason"] == "the webhook was lost"


def reconcile(demo: Demo, *words: str) -> list[JSON]:
    """Call the command; each line of its output is a value."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith("CONSENTRY_")}
    environment["CONSENTRY_DATABASE"] = f"sqlite:///{demo.data / 'consentry.db'}"
    environment["CONSENTRY_DRIFT_GRACE_MINUTES"] = "0"
    done = subprocess.run(
        [sys.executable, "-m", "consentry", "reconcile", *words],
        capture_output=True,
        text=True,
        timeout=120,
        env=environment,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]
