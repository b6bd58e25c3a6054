"""Twilio's own clients for Python and Node, and its OpenAPI description, against who speaks it."""

import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Final

import node_programs
import pytest
from openapi_description import write_description
from rest_scenario import SCENARIO, UNKNOWN_SID, Exchanged, RecordingClient, Served

from needed import need

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("judges")]

_CHECKS: Final = (
    "not_a_server_error",
    "response_schema_conformance",
    "content_type_conformance",
    "ignored_auth",
)
_REFUSALS: Final = {
    "removedAgain": (404, 20404),
    "unsubscribed": (400, 21610),
    "wrongToken": (401, 20003),
}


@pytest.mark.parametrize("step", SCENARIO, ids=lambda step: step.__name__)
def test_a_program_written_for_twilio_works(step: Callable[[Served], None], served: Served) -> None:
    """With Twilio's client for Python, each step of the scenario does what it does at Twilio."""
    step(served)


def test_a_program_for_node_works(served: Served) -> None:
    """It creates, fetches, lists in three pages, redacts and removes, and reads every refusal."""
    need(node_programs.IS_THERE, node_programs.NEEDED)
    phone = next(served.phones)
    told = {"url": served.url, "account": served.account, "token": served.token}
    people = {"sender": served.sender, "phone": phone, "stopped": served.stopped}
    saw = node_programs.run_script("scenario.mjs", told | people)
    sids = [message["sid"] for message in saw["created"]]
    assert [message["status"] for message in saw["created"]] == ["queued"] * 5
    assert [message["body"] for message in saw["created"]] == [f"No. {n} 👋" for n in range(5)]
    fetched = saw["fetched"]
    assert (fetched["sid"], fetched["status"], fetched["to"]) == (sids[0], "delivered", phone)
    assert fetched["dateSent"].endswith("Z")
    newest = sids[::-1]
    # Behind the five there may be a first reply, which the server itself has sent.
    assert [page[:2] for page in saw["pages"][:2]] == [newest[:2], newest[2:4]]
    assert [page[0] for page in saw["pages"][2:]] == newest[4:]
    assert saw["listed"][:5] == newest
    assert (saw["redacted"], saw["removed"]) == ("", True)
    refused = {name: (saw[name]["status"], saw[name]["code"]) for name in _REFUSALS}
    assert refused == _REFUSALS
    assert saw["unsubscribed"]["message"] == "Attempt to send to unsubscribed recipient"
    assert saw["unsubscribed"]["moreInfo"] == "https://www.twilio.com/docs/errors/21610"


def list_violations(exchanged: Exchanged) -> list[str]:
    """List what the proxy found in an answer."""
    found = json.loads(exchanged.headers.get("sl-violations", "[]"))
    return [f"{exchanged}: {one}" for one in found if one["location"][0] != "request"]


@pytest.mark.parametrize("served", ["simulator", "door"], indirect=True)
def test_nothing_deviates_from_twilios_openapi_description(served: Served, tmp_path: Path) -> None:
    """A validating proxy sees the whole scenario, and finds nothing in what is answered.

    The description has no refusals: of those the proxy can only say that they are not in it. What
    it says of requests is about Twilio's own client: it takes a list in a form for one text.
    """
    need(node_programs.IS_THERE, node_programs.NEEDED)
    with node_programs.running_proxy(write_description(tmp_path), served.url) as address:
        proxied = replace(served, url=address, http=RecordingClient())
        for step in SCENARIO:
            step(proxied)
    answered = [one for one in proxied.http.exchanged if one.status < 400]
    assert {(one.method, one.status) for one in answered} == {
        ("POST", 201),
        ("POST", 200),
        ("GET", 200),
        ("DELETE", 204),
    }
    assert [found for one in answered for found in list_violations(one)] == []
    # The proxy does look: what it was never told of, it tells.
    assert any(list_violations(one) for one in proxied.http.exchanged)


@pytest.mark.parametrize("served", ["simulator", "door"], indirect=True)
def test_schemathesis_finds_no_answer_that_is_not_twilios(served: Served, tmp_path: Path) -> None:
    """Made-up requests get answers of the described shape and type; none is a server error.

    The description has no refusals, so that a status code which is not in it is no finding here.
    """
    client, phone = served.client(), next(served.phones)
    made = client.messages.create(to=phone, from_=served.sender, body="Hello")
    known = {
        "AccountSid": (served.account,),
        "Sid": (made.sid, UNKNOWN_SID),
        "To": (phone, served.stopped, "nobody"),
        "From": (served.sender, "+14155550199"),
        "MessagingServiceSid": (served.service, ""),
        "ContentSid": ("",),
        "ValidityPeriod": ("60", "0"),
        "MediaUrl": ("https://example.com/a.png",),
        "StatusCallback": ("https://example.com/status", "nowhere"),
        "ScheduleType": ("", "fixed"),
        "SendAt": ("",),
        "MessageIntent": ("", "otp"),
    }
    description = write_description(tmp_path, known)
    program = Path(sys.executable).with_name("schemathesis")
    command = [
        *(str(program), "--no-color", "run", str(description), "--url", served.url),
        *("--auth", f"{served.account}:{served.token}", "--checks", ",".join(_CHECKS)),
        *("--seed", "20261130", "--max-examples", "10", "--generation-database", "none"),
    ]
    ran = subprocess.run(
        command, cwd=tmp_path, capture_output=True, text=True, timeout=300, check=False
    )
    assert ran.returncode == 0, ran.stdout[-8000:] + ran.stderr[-2000:]
    assert "Tested: 5" in ran.stdout, ran.stdout[-4000:]
    # Some of it was taken: what is only ever refused says nothing about the answers.
    assert len(client.messages.list(to=phone, from_=served.sender)) > 1
