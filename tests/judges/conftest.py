"""Whoever claims to speak Twilio's REST, set up so that Twilio's clients can judge it."""

from collections.abc import Iterator

import pytest
import requests
from real_world import WAIT_SECONDS, Demo, fictional_phones, running_demo
from rest_scenario import Served

SERVICE = "MG" + "5" * 32


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
    for path, told in (
        ("services", {"sid": SERVICE}),
        ("senders", {"number": number, "kind": "long_code", "messaging_service_sid": SERVICE}),
    ):
        answer = requests.post(f"{demo.carrier.url}/api/{path}", json=told, timeout=WAIT_SECONDS)
        assert answer.status_code == 201, answer.text
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


@pytest.fixture(params=["simulator"])
def served(request: pytest.FixtureRequest) -> Served:
    """Each that is judged, in turn."""
    found: Served = request.getfixturevalue(request.param)
    return found
