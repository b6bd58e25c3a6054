"""Whoever claims to speak Twilio's REST, set up so that Twilio's clients can judge it."""

from collections.abc import Iterator
from dataclasses import replace

import pytest
import requests
from real_world import WAIT_SECONDS, Demo, fictional_phones, running_demo
from rest_scenario import RecordingClient, Served

SERVICE = "MG" + "5" * 32
DOOR_SERVICE = "MG" + "6" * 32


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    """Run one demo for all tests of a module: a server, and a simulated carrier."""
    with running_demo(tmp_path_factory.mktemp("demo")) as running:
        yield running


@pytest.fixture(scope="module")
def phones() -> Iterator[str]:
    """Hand out phone numbers of fiction, each once."""
    return fictional_phones()


@pytest.fixture(scope="module")
def simulator(demo: Demo, phones: Iterator[str]) -> Served:
    """The simulated carrier, with a number that is in a messaging service."""
    number, stopped = "+14155550111", next(phones)
    told = {"number": number, "kind": "long_code", "messaging_service_sid": SERVICE}
    post(demo.carrier.url, "services", {"sid": SERVICE})
    post(demo.carrier.url, "senders", told)
    demo.carrier.type(stopped, number, "STOP")
    return Served(
        url=demo.carrier.url,
        account=demo.told["twilio_account_sid"],
        token=demo.told["twilio_auth_token"],
        sender=number,
        phones=phones,
        stopped=stopped,
        service=SERVICE,
    )


@pytest.fixture(scope="module")
def door(demo: Demo, phones: Iterator[str]) -> Served:
    """The door of the product, with a number of its own in a messaging service."""
    number, stopped = "+14155550112", next(phones)
    inbound = f"{demo.product.url}/carriers/simulated/inbound#rc=5&rp=ct,rt,5xx"
    told = {"number": number, "kind": "long_code", "messaging_service_sid": DOOR_SERVICE}
    post(demo.carrier.url, "services", {"sid": DOOR_SERVICE})
    post(demo.carrier.url, "senders", {**told, "inbound_url": inbound})
    ours = {**told, "brand": "retale", "carrier": "simulated", "messages_per_second": 100}
    assert demo.product.call("POST", "/v1/senders", ours).status_code == 201
    demo.carrier.type_heard(stopped, number, "STOP")
    return Served(
        url=demo.product.url,
        account=demo.told["twilio_account_sid"],
        token=demo.told["twilio_auth_token"],
        sender=number,
        phones=write_first(demo, phones, number),
        stopped=stopped,
        service=DOOR_SERVICE,
    )


def write_first(demo: Demo, phones: Iterator[str], number: str) -> Iterator[str]:
    """Give phones from which somebody has texted a number, so that it may answer."""
    for phone in phones:
        demo.carrier.type_heard(phone, number, "Hello")
        yield phone


def post(url: str, path: str, told: dict[str, str]) -> None:
    """Set something up at the simulated carrier."""
    answer = requests.post(f"{url}/api/{path}", json=told, timeout=WAIT_SECONDS)
    assert answer.status_code == 201, answer.text


@pytest.fixture(scope="module")
def door_by_key(demo: Demo, door: Served) -> Served:
    """The door again, by a key of ours made for it: an account that no carrier knows."""
    asked = {"name": "judged", "scopes": ["send", "read"], "twilio": True}
    answer = demo.product.call("POST", "/v1/keys", asked)
    assert answer.status_code == 201, answer.text
    key = answer.json()
    http = RecordingClient()
    return replace(door, account=key["account_sid"], token=key["secret"], http=http)


@pytest.fixture(params=["simulator", "door", "door_by_key"])
def served(request: pytest.FixtureRequest) -> Served:
    """Each that is judged, in turn."""
    found: Served = request.getfixturevalue(request.param)
    return found
