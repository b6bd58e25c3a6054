"""The log of a real server that a story is played on: JSON lines that name nobody."""

import json
import os
import re
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from urllib.parse import quote

import apsw
import pytest
import requests
from real_processes import clean_environment, running
from real_world import JSON, WAIT_SECONDS, Carrier, Demo, Product, eventually, fictional_phones

from consentry.store.sealing import KEY_BYTES, TextKey

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
    rest, _ = process.communicate(timeout=WAIT_SECONDS)
    assert process.returncode == 0
    assert "consentry agent link" in told[-1]
    assert "token" not in "".join([*told, rest])


def test_no_line_of_a_real_story_tells_a_number_a_text_or_a_secret(tmp_path: Path) -> None:
    """At its most talkative: every line is JSON; no number, text, key or token is in any."""
    phones = [phone for phone, _ in zip(fictional_phones(), range(4), strict=False)]
    text_key = TextKey(os.urandom(KEY_BYTES)).written
    settings = {"CONSENTRY_LOG_LEVEL": "debug", "CONSENTRY_TEXT_KEYS": text_key}
    words = ("demo", "--json", "--port", "0", "--data", str(tmp_path / "data"))
    with running(*words, folder=tmp_path, settings=settings) as process:
        told = process.told
        product = Product(told["url"], told["api_key"])
        demo = Demo(process, tmp_path / "data", product, Carrier(told["simulator_url"]))
        play(demo, phones)
        secrets = open_doors(demo, told["console_link"])
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
    secrets += [told["api_key"], told["twilio_auth_token"], secret_key, link_secret, text_key]
    for private in (WORDS, *secrets):
        assert len(private) > 8
        assert private not in log
    with closing(apsw.Connection(str(tmp_path / "data" / "consentry.db"))) as database:
        sealed = database.execute("SELECT count(*) FROM messages WHERE value LIKE '%sealed:%'").get
    assert sealed >= len(phones)


def open_doors(demo: Demo, link: str) -> list[str]:
    """Come in by every door, and knock in vain at each; returns what opens them."""
    product, url = demo.product, demo.product.url
    session = requests.Session()
    assert session.get(link, timeout=WAIT_SECONDS).status_code == 200
    cookie = session.cookies["consentry_session"]
    assert session.get(f"{url}/console/settings/keys", timeout=WAIT_SECONDS).status_code == 200
    made = product.call("POST", "/v1/keys", {"name": "till", "scopes": ["read"]}).json()
    carrier = {"id": "spare", "kind": "twilio", "account": "AC0", "secret": "carriers-own-token-9"}
    assert product.call("POST", "/v1/carriers", carrier).status_code == 201
    wrong = "csk_" + "w" * 43
    for headers in (
        {"authorization": f"Bearer {made['secret']}x"},
        {"authorization": f"Bearer {wrong}"},
        {"authorization": f"Basic {made['secret']}"},
        {"cookie": f"consentry_session={cookie}x"},
    ):
        for path in ("/v1/messages", "/console", f"/console/sign-in?token={wrong}"):
            requests.get(f"{url}{path}", headers=headers, timeout=WAIT_SECONDS)
    return [cookie, made["secret"], carrier["secret"], wrong]


def test_a_database_that_is_away_is_told_without_its_password(tmp_path: Path) -> None:
    """On both outputs, at its most talkative, wherever the address stands in what went wrong."""
    password = "hunter2-hunter2/x"
    settings = {
        "CONSENTRY_DATABASE": f"postgresql://me:{quote(password, safe='')}@127.0.0.1:1/consentry",
        "CONSENTRY_SECRET_KEY": "a secret key of the server, long enough",
        "CONSENTRY_LOG_LEVEL": "debug",
    }
    told = subprocess.run(
        [sys.executable, "-m", "consentry", "serve", "--port", "0"],
        cwd=tmp_path,
        env=clean_environment() | settings,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert told.returncode == 1
    assert "cannot be opened" in told.stderr
    for private in (password, quote(password, safe=""), "hunter2", "long enough"):
        assert private not in told.stdout + told.stderr
