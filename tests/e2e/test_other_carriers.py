"""The story by carriers that do not speak like Twilio: simulated Telnyx, Plivo and AWS."""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
import requests
from real_processes import clean_environment, running
from real_site import create, find_free_port
from real_world import JSON, SENTENCE, WAIT_SECONDS, Carrier, Product, eventually

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("e2e-other-carriers")]

NUMBER, OTHER = "+14155550100", "+14155550101"
PHONE, SECOND_PHONE, THIRD_PHONE = "+12125550142", "+12125550143", "+12125550144"
SETTINGS = {"CONSENTRY_DRIFT_GRACE_MINUTES": "0"}
INITIAL_REPLY = "Thanks for texting Crash!"


@dataclass(frozen=True)
class Kind:
    """What is particular to a carrier.

    `stops_both`: whether a STOP to one number of an account blocks the others. `code`: how it says
    that somebody opted out. `word`: one that it has in its list and Twilio has not.
    """

    name: str
    stops_both: bool
    code: str
    word: str


TELNYX = Kind("telnyx", stops_both=True, code="40300", word="stop all")
PLIVO = Kind("plivo", stops_both=False, code="200", word="unsub")
AWS = Kind(
    "aws", stops_both=True, code="DESTINATION_PHONE_NUMBER_OPTED_OUT", word="remove me, please"
)


@dataclass
class Site:
    """A server with an account at a simulated carrier."""

    kind: Kind
    product: Product
    carrier: Carrier

    def send(self, body: str, sender: str = NUMBER, phone: str = PHONE) -> str:
        """Send a text that is let in; gives its id."""
        return self.product.send(sender, phone, body)


@contextmanager
def running_site(kind: Kind, folder: Path) -> Iterator[Site]:
    """Start both, and set up an account and two numbers of it by the API."""
    created = subprocess.run(
        [sys.executable, "-m", "consentry", "key", "create", "crash", "--json"],
        cwd=folder,
        env=clean_environment(),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert created.returncode == 0, created.stderr
    port = find_free_port()
    product = Product(f"http://127.0.0.1:{port}", json.loads(created.stdout)["secret"])
    simulate = ("simulate", "--json", "--port", "0", "--carrier", kind.name)
    with (
        running(*simulate, folder=folder) as simulator,
        running("serve", "--json", "--port", str(port), folder=folder, settings=SETTINGS),
    ):
        told = simulator.told
        site = Site(kind, product, Carrier(told["url"]))
        brand = create(product, "/v1/brands", name="Crash")
        account = create(
            product,
            "/v1/carriers",
            kind=kind.name,
            account=told["account"],
            base_url=told["url"],
            **name_secrets(kind, told),
        )
        for number in (NUMBER, OTHER):
            sender = create(
                product,
                "/v1/senders",
                number=number,
                kind="long_code",
                brand=brand["id"],
                carrier=account["id"],
                messaging_service_sid=told["account"] if kind.stops_both else None,
            )
            site.carrier.set_sender(number, "long_code", sender["webhook_url"])
        if kind is AWS:
            subscribe(site.carrier, sender["webhook_url"])
        yield site


def name_secrets(kind: Kind, told: JSON) -> dict[str, object]:
    """Name what an account needs beside itself, from what the simulator tells."""
    if kind is AWS:
        settings = {
            "configuration_set": "texts",
            "opt_in_keywords": "START,UNSTOP",
            "sns_base_url": told["url"],
        }
        return {"key_id": told["key_id"], "key_secret": told["key_secret"], "more": settings}
    if "public_key" in told:
        return {"secret": told["public_key"], "key_secret": told["token"]}
    return {"secret": told["token"]}


def subscribe(carrier: Carrier, url: str) -> None:
    """Have SNS ask the server whether it wants to be told; it says yes by itself."""
    answer = requests.post(
        f"{carrier.url}/api/subscriptions", json={"url": url}, timeout=WAIT_SECONDS
    )
    assert answer.status_code == 201, answer.text
    eventually(
        lambda: carrier.get("/api/subscriptions")["subscriptions"][0]["confirmed"],
        "the subscription is confirmed",
    )


def greet(site: Site, phone: str, number: str) -> None:
    """Text a number for the first time, and wait for the initial reply."""
    site.carrier.type_heard(phone, number, "Hello")
    eventually(lambda: len(site.carrier.shown(phone, number)) == 2, "the initial reply is shown")


@pytest.fixture(scope="module", params=[TELNYX, PLIVO, AWS], ids=lambda kind: kind.name)
def site(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Site]:
    """A site with one of the carriers, for all tests of it: each has a phone of its own."""
    with running_site(request.param, tmp_path_factory.mktemp(request.param.name)) as site:
        yield site


def test_the_story_from_the_handset_and_back_to_it(site: Site) -> None:
    """Opt in by writing, be answered, be texted; opt out, be refused; opt in again; be told on."""
    carrier, product = site.carrier, site.product
    greet(site, PHONE, NUMBER)
    origin, reply = carrier.shown(PHONE, NUMBER)[1]
    assert (origin, reply[: len(INITIAL_REPLY)]) == ("sender", INITIAL_REPLY)

    product.wait_for(site.send("How can we help? \N{WAVING HAND SIGN}"), "delivered")

    carrier.type_heard(PHONE, NUMBER, site.kind.word)
    assert carrier.shown(PHONE, NUMBER)[-1][0] == "carrier"
    assert carrier.blocks(PHONE, NUMBER) == {"keyword"}
    decision = product.check(NUMBER, PHONE)
    assert (decision["decision"], decision["reason"]) == ("deny", "opted_out")
    refused = product.try_send(NUMBER, PHONE, "One more thing")
    assert (refused.status_code, refused.json()["detail"]) == (403, SENTENCE)
    assert product.check(OTHER, PHONE)["reason"] == (
        "opted_out" if site.kind.stops_both else "no_consent"
    )
    # Nobody but the carrier answers a keyword that it read.
    assert carrier.shown(PHONE, NUMBER)[-2] == ("handset", site.kind.word)

    carrier.type_heard(PHONE, NUMBER, "UNSTOP")
    assert carrier.blocks(PHONE, NUMBER) == set()
    product.wait_for(site.send("Welcome back"), "delivered")

    told = [text for text in carrier.thread(PHONE, NUMBER) if text["origin"] == "sender"]
    assert [text["body"] for text in told[1:]] == [
        "How can we help? \N{WAVING HAND SIGN}",
        "Welcome back",
    ]
    assert all(one["outcome"] == "acknowledged" for one in carrier.webhooks())


def test_a_block_that_no_text_told_of_is_learnt_from_its_refusal(site: Site) -> None:
    """The text fails under the carrier's own code, and the next one is not even handed over."""
    carrier, product = site.carrier, site.product
    for number in (NUMBER, OTHER):
        greet(site, SECOND_PHONE, number)
    carrier.fault("block_behind_our_back", sender=NUMBER, recipient=SECOND_PHONE)
    failed = product.wait_for(site.send("Are you there?", phone=SECOND_PHONE), "failed")
    assert failed["error_code"] == site.kind.code
    eventually(
        lambda: product.check(NUMBER, SECOND_PHONE)["reason"] == "carrier_blocked",
        "the block is known",
    )
    assert product.try_send(NUMBER, SECOND_PHONE, "Hello?").status_code == 403
    if site.kind.stops_both:
        assert product.check(OTHER, SECOND_PHONE)["reason"] == "carrier_blocked"
    else:
        product.wait_for(site.send("From another number", OTHER, SECOND_PHONE), "delivered")


def test_an_opt_out_that_nobody_told_of_is_in_the_carriers_list(site: Site) -> None:
    """A STOP's webhook was lost; texts are held back from when the list shows it.

    Plivo shows no list, so there is nothing to compare with.
    """
    carrier, product = site.carrier, site.product
    greet(site, THIRD_PHONE, NUMBER)
    carrier.fault("lost_webhook", recipient=THIRD_PHONE, webhook="inbound")
    carrier.type(THIRD_PHONE, NUMBER, "quit")
    account = product.get("/v1/carriers")["items"][0]["id"]
    asked = product.call("POST", "/v1/reconciliations", {"carrier": account})
    if site.kind is PLIVO:
        assert (asked.status_code, asked.json()["code"]) == (409, "nothing_to_compare")
        return
    path = f"/v1/reconciliations/{asked.json()['id']}"
    eventually(lambda: product.get(path)["state"] != "running", "it was compared")
    assert product.get(path)["found"] == {"block_at_carrier": 1}
    assert product.check(NUMBER, THIRD_PHONE)["reason"] == "paused_for_review"
    applied = product.call("POST", f"{path}/apply", {"reason": "the webhook was lost"})
    assert applied.status_code == 200, applied.text
    assert product.check(NUMBER, THIRD_PHONE)["reason"] == "carrier_blocked"
