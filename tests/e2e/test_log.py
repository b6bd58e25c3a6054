"""The log of a real server that a story is played on: JSON lines that name nobody."""

import json
import re
import subprocess
import sys
from pathlib import Path
from urllib.parse import quote

import pytest
import requests
from real_processes import clean_environment, running
from real_world import JSON, WAIT_SECONDS, Carrier, Demo, Product, eventually, fictional_phones

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("e2e-log")]

WORDS = "our secret plans for the weekend"


def play(demo: Demo, phones: list[str]) -> None:
    """Play opt-ins, refusals, faults, forgeries and nonsense with each of these phones."""
    product, sender = demo.product, demo.number("long_code")
    for phone in phones:
        demo.carrier.type_heard(phone, sender, "Hello there")
        sent = product.send(sender, phone, WORDS)
        product.wait_for(sent, "delivered")
        product.get(f"/v1/recipients/{quote(phone)}/entries")
        product.call("GET", f"/v1/unknown/{phone}")
        demo.carrier.type_heard(phone, sender, "STOP")
        assert product.try_send(sender, phone, WORDS).status_code == 403
        url = f"{product.url}/carriers/simulated/inbound?From={quote(phone)}"
        forged = requests.post(url, data={"From": phone, "Body": WORDS}, timeout=WAIT_SECONDS)
        assert forged.status_code == 403


def test_a_server_whose_output_is_collected_prints_no_sign_in_link(tmp_path: Path) -> None:
    """Into a file or a pipe goes the address alone, and how to get a link."""
    process = subprocess.Popen(
        [sys.executable, "-m", "consentry", "serve", "--port", "0"],
        cwd=tmp_path,
        env=clean_environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert process.stdout is not None
    told = []
    while not told or not told[-1].startswith("Sign in"):
        told.append(process.stdout.readline())
        assert told[-1], told
    process.terminate()
    rest, _ = process.communicate(timeout=10)
    assert process.returncode == 0
    assert "consentry agent link" in told[-1]
    assert "token" not in "".join([*told, rest])


def test_no_line_of_a_real_story_tells_a_number_a_text_or_a_secret(tmp_path: Path) -> None:
    """At its most talkative: every line is JSON; no number, text, key or token is in any."""
    phones = [phone for phone, _ in zip(fictional_phones(), range(4), strict=False)]
    settings = {"CONSENTRY_LOG_LEVEL": "debug"}
    words = ("demo", "--json", "--port", "0", "--data", str(tmp_path / "data"))
    with running(*words, folder=tmp_path, settings=settings) as process:
        told = process.told
        product = Product(told["url"], told["api_key"])
        demo = Demo(process, tmp_path / "data", product, Carrier(told["simulator_url"]))
        play(demo, phones)
        eventually(lambda: "text_settled" in process.errors.read_text(), "texts were settled")
        process.stop()
    log = process.errors.read_text(encoding="utf-8")
    lines: list[JSON] = [json.loads(line) for line in log.splitlines()]
    events = {line["event"] for line in lines}
    assert {"request_answered", "text_received", "text_settled"} <= events
    assert all({"timestamp", "level", "logger"} <= set(line) for line in lines)
    senders = [str(sender["number"]) for sender in told["senders"]]
    for number in (*phones, *(s for s in senders if s.startswith("+"))):
        assert number[2:] not in re.sub(r"[^0-9a-z]", "", log)
    secret_key = (tmp_path / "data" / "secret.key").read_text().strip()
    link_secret = told["console_link"].rpartition("=")[2]
    for private in (WORDS, told["api_key"], told["twilio_auth_token"], secret_key, link_secret):
        assert private not in log
