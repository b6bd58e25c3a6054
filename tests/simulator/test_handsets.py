"""The handsets: their interface, their page, and what they remember when started again."""

import signal
import socket
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import requests
from carrier_world import (
    ACCOUNT,
    LONG_CODE,
    OTHER_PHONE,
    PHONE,
    SERVICE,
    SHORT_CODE,
    TOLL_FREE,
    World,
    eventually,
    running_receiver,
    running_world,
    service,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from consentry.simulator import Sender, SenderKind, SimulatorConfig, build_simulator
from consentry.simulator.journal import JournalError

pytestmark = pytest.mark.integration


def test_a_thread_reads_as_promised(world: World) -> None:
    """Each text has direction, from, to, body, at and origin, in order."""
    world.type("Hi")
    world.send("Hello")
    thread = world.thread()
    assert [text["direction"] for text in thread] == ["out", "in"]
    assert [text["origin"] for text in thread] == ["handset", "sender"]
    assert (thread[0]["from"], thread[0]["to"]) == (PHONE, LONG_CODE)
    assert (thread[1]["from"], thread[1]["to"]) == (LONG_CODE, PHONE)
    assert thread[0]["at"] < thread[1]["at"]
    assert thread[0]["at"].endswith("Z")


def test_a_plus_in_a_query_is_a_plus(world: World) -> None:
    """`?with=+1415…` works escaped and as people write it; without it all threads come."""
    world.type("Hi")
    world.type("Hi", to=SHORT_CODE)
    base = f"{world.url}/api/handsets/{PHONE}/messages"
    for query in (f"?with={LONG_CODE}", "?with=%2B14155550100", f"?with={SHORT_CODE}"):
        assert len(requests.get(base + query, timeout=5).json()["messages"]) == 1
    escaped = base.replace("+", "%2B")
    assert len(requests.get(escaped, timeout=5).json()["messages"]) == 2


def test_what_was_typed_is_answered_with_its_reading(world: World) -> None:
    """The answer to typing tells what the carrier read, and its own answer."""
    typed = world.type("stop", to=TOLL_FREE)
    assert typed["keyword"] == {
        "action": "opt_out",
        "word": "stop",
        "layers": ["network", "provider"],
    }
    assert typed["answer"]["origin"] == "carrier"
    assert world.type("hello")["keyword"] is None


@pytest.mark.parametrize(
    ("phone", "body", "expected"),
    [
        (PHONE, {"to": "+14159999999", "body": "x"}, (404, "unknown_sender")),
        (PHONE, {"to": "Retale", "body": "x"}, (404, "unknown_sender")),
        (PHONE, {"to": LONG_CODE}, (400, "body_invalid")),
        (PHONE, {"to": LONG_CODE, "body": ""}, (400, "body_invalid")),
        (PHONE, {"to": LONG_CODE, "body": "a\0b"}, (400, "body_invalid")),
        (PHONE, {"to": LONG_CODE, "body": "a" * 10_001}, (400, "body_invalid")),
        (PHONE, {"to": LONG_CODE, "body": 7}, (400, "body_invalid")),
        (PHONE, {"to": LONG_CODE, "body": "x", "extra": 1}, (400, "body_invalid")),
        (PHONE, ["to"], (400, "body_invalid")),
        ("555", {"to": LONG_CODE, "body": "x"}, (400, "phone_invalid")),
        ("+0123456789", {"to": LONG_CODE, "body": "x"}, (400, "phone_invalid")),
    ],
)
def test_wrong_texts_are_named(
    shared_world: World, phone: str, body: object, expected: tuple[int, str]
) -> None:
    """Each mistake is a problem with a code and a sentence."""
    answer = shared_world.post(f"/api/handsets/{phone}/messages", body)
    assert (answer.status_code, answer.json()["code"]) == expected
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.json()["detail"]


@given(body=st.binary(max_size=60) | st.text(max_size=60).map(str.encode))
@settings(max_examples=150, deadline=None)
def test_no_body_breaks_it(shared_world: World, body: bytes) -> None:
    """Whatever bytes are posted to whatever door, the answer is a 4xx, never a 500."""
    for path in (f"/api/handsets/{PHONE}/messages", "/api/faults", "/api/senders"):
        answer = requests.post(shared_world.url + path, data=body, timeout=5)
        assert 400 <= answer.status_code < 500
        assert answer.json()["detail"]


def test_unpaired_surrogates_are_refused(world: World) -> None:
    """JSON can write what no text can hold; it is refused."""
    answer = requests.post(
        f"{world.url}/api/handsets/{PHONE}/messages",
        data=b'{"to":"+14155550100","body":"\\ud800"}',
        timeout=5,
    )
    assert answer.status_code == 400


def test_senders_can_be_configured_while_it_runs(world: World) -> None:
    """A number and its webhook can be added, and pointed elsewhere, at any time."""
    with running_receiver() as receiver:
        number = "+14155550177"
        sender = {"number": number, "kind": "long_code", "inbound_url": receiver.url + "#rc=1"}
        assert world.post("/api/senders", sender).status_code == 201
        world.type("Hi", to=number)
        eventually(lambda: len(receiver.received) == 1)
        listed = world.get("/api/senders").json()["senders"]
        assert sender["number"] in {one["number"] for one in listed}


@pytest.mark.parametrize(
    ("sender", "detail"),
    [
        ({"number": "12", "kind": "long_code"}, "not a long_code number"),
        ({"number": "+14155550100", "kind": "short_code"}, "not a short_code number"),
        ({"number": "123", "kind": "alphanumeric"}, "not a alphanumeric number"),
        ({"number": LONG_CODE, "kind": "pigeon"}, "kind"),
        ({"number": LONG_CODE, "kind": "long_code", "inbound_url": "x"}, "inbound_url"),
        ({"number": LONG_CODE, "kind": "long_code", "account_sid": "AC"}, "no account"),
        (
            {"number": LONG_CODE, "kind": "long_code", "messaging_service_sid": SERVICE},
            "POST /api/services",
        ),
    ],
)
def test_wrong_senders_are_named(shared_world: World, sender: dict, detail: str) -> None:
    """A sender that cannot be is refused with the reason."""
    answer = shared_world.post("/api/senders", sender)
    assert answer.status_code == 400
    assert detail in answer.json()["detail"]


def test_an_alphanumeric_sender_only_sends(world: World) -> None:
    """A name can text a phone, and cannot be texted."""
    world.post("/api/senders", {"number": "Retale", "kind": "alphanumeric"})
    world.send(sender="Retale")
    assert world.shown("Retale") == [("sender", "Hello")]
    answer = world.post(f"/api/handsets/{PHONE}/messages", {"to": "Retale", "body": "Hi"})
    assert "cannot be texted" in answer.json()["detail"]


def test_wrong_service(world: World) -> None:
    """A messaging service needs a sid of Twilio's shape."""
    assert world.post("/api/services", {"sid": "x"}).status_code == 400


def test_phones_are_added_and_listed(world: World) -> None:
    """A phone is on the table once, added or by its first text."""
    for _ in range(2):
        assert world.post("/api/handsets", {"phone": OTHER_PHONE}).status_code == 201
    world.type("Hi")
    phones = [one["phone"] for one in world.get("/api/handsets").json()["handsets"]]
    assert phones == [OTHER_PHONE, PHONE]


def test_the_page_is_strict_and_whole(world: World) -> None:
    """The page and its files are served with a policy that allows nothing inline or foreign."""
    for path in ("/", "/handsets", "/page/handsets.css", "/page/handsets.js", "/page/icon.svg"):
        answer = world.get(path)
        assert answer.status_code == 200
        policy = answer.headers["Content-Security-Policy"]
        assert "default-src 'none'; script-src 'self'; style-src 'self'" in policy
        assert "unsafe" not in policy
    page = world.get("/").text
    assert 'src="/page/handsets.js"' in page
    assert "http://" not in page
    assert "https://" not in page


def test_the_view_tells_what_the_carrier_did(world: World) -> None:
    """The small print says delivered, refused, blocked and lost."""
    world.type("STOP")
    world.client.messages.list()
    refused = requests.post(
        f"{world.url}/2010-04-01/Accounts/{ACCOUNT.sid}/Messages.json",
        data={"To": PHONE, "From": LONG_CODE, "Body": "Sale"},
        auth=(ACCOUNT.sid, ACCOUNT.token),
        timeout=5,
    )
    assert refused.status_code == 400
    world.fault("lost_webhook")
    world.type("Anyone?")

    def view() -> dict:
        return world.get("/api/view", {"open": f"{PHONE}~{LONG_CODE}"}).json()

    eventually(lambda: "Delivered in" in str(view()))
    phone = view()["open"][0]
    assert phone["blocks"] == ["keyword"]
    lines = {line["body"]: line for line in phone["lines"]}
    assert lines["STOP"]["notes"][0] == "Carrier read STOP: blocked (keyword)"
    assert lines["Sale"]["origin"] == "refused"
    assert "21610" in lines["Sale"]["notes"][0]
    assert lines["Anyone?"]["notes"] == ["Lost on its way (fault)"]
    assert lines["Anyone?"]["mark"] == "failed"
    assert lines["Sale"]["mark"] == "refused"
    assert lines["STOP"]["mark"] == "delivered"
    revision = view()["revision"]
    unchanged = world.get("/api/view", {"open": f"{PHONE}~{LONG_CODE}", "since": revision})
    assert unchanged.status_code == 204


def test_the_view_names_other_troubles(world: World) -> None:
    """A number without a webhook and a server that fails are told apart."""
    world.post("/api/senders", {"number": SHORT_CODE, "kind": "short_code"})
    world.post(
        "/api/senders",
        {"number": TOLL_FREE, "kind": "toll_free", "inbound_url": "http://127.0.0.1:1/"},
    )
    world.type("Hi", to=SHORT_CODE)
    world.type("Hi", to=TOLL_FREE)
    world.send()
    eventually(lambda: world.client.messages.list()[0].status == "delivered")
    world.client.messages.list()[0].delete()

    def notes(number: str) -> str:
        view = world.get("/api/view", {"open": f"{PHONE}~{number}"}).json()
        return str(view["open"][0]["lines"])

    assert "No webhook is set" in notes(SHORT_CODE)
    eventually(lambda: "Not delivered" in notes(TOLL_FREE))
    assert "Deleted from the log" in notes(LONG_CODE)


def test_wrong_addresses_and_lists(world: World) -> None:
    """What is not served is 404 or 405 in JSON, and says where the handsets are."""
    assert "the handsets are at /" in world.get("/nothing").json()["detail"]
    assert requests.put(f"{world.url}/api/faults", timeout=5).status_code == 405
    for path in ("/api/webhooks?limit=x", "/api/messages?limit=x", "/api/view?open=x"):
        assert world.get(path).status_code == 400
    assert requests.get(f"{world.url}/api/view?open=%ff", timeout=5).status_code == 400
    assert requests.delete(f"{world.url}/api/faults?kind=x", timeout=5).status_code == 400
    too_large = requests.post(f"{world.url}/api/faults", data=b"x" * 300_000, timeout=5)
    assert too_large.status_code == 413
    assert world.get("/healthz").json() == {"status": "ok"}


def test_it_remembers_when_started_again(tmp_path: Path) -> None:
    """Blocks, threads, messages and numbers are there after a restart; a torn line is dropped."""
    state_file = str(tmp_path / "carrier" / "state.jsonl")
    with running_world(state_file=state_file) as world:
        world.send("Hello")
        world.type("STOP")
        eventually(lambda: world.client.messages.list()[-1].status == "delivered")
        thread, blocks = world.thread(), world.blocks()
        sids = [message.sid for message in world.client.messages.list()]
    with Path(state_file).open("ab") as journal:
        journal.write(b'{"type":"TextKept","text":{"or')
    with running_world(state_file=state_file) as world:
        assert world.thread() == thread
        assert world.blocks() == blocks
        assert [message.sid for message in world.client.messages.list()] == sids
        world.type("START")
        assert world.thread()[-1]["order"] > thread[-1]["order"]
        assert world.blocks() == set()
        view = world.get("/api/view", {"open": f"{PHONE}~{LONG_CODE}"}).json()
        assert "started again" in str(view["open"][0]["lines"])


def test_a_broken_journal_is_named(tmp_path: Path) -> None:
    """A file that is no journal stops the start, with its line and what to do."""
    state_file = tmp_path / "state.jsonl"
    state_file.write_bytes(b'{"type":"Nonsense"}\n')
    config = SimulatorConfig(accounts=(ACCOUNT,), state_file=str(state_file))
    with pytest.raises(JournalError, match=r"line 1: .*move the file away"):
        build_simulator(config)


def test_it_needs_an_account() -> None:
    """Without an account nobody could send."""
    with pytest.raises(ValueError, match="at least one account"):
        build_simulator(SimulatorConfig(accounts=()))


def test_scheduled_messages_survive_a_restart(tmp_path: Path) -> None:
    """A message scheduled before a restart can still be canceled after it."""
    state_file = str(tmp_path / "state.jsonl")
    sender = Sender(LONG_CODE, SenderKind.LONG_CODE, None, SERVICE, None)
    config = {"senders": (sender,), "services": (service(),), "state_file": state_file}
    with running_world(**config) as world:
        sid = world.client.messages.create(
            to=PHONE,
            messaging_service_sid=SERVICE,
            body="later",
            schedule_type="fixed",
            send_at=datetime.now(UTC) + timedelta(minutes=10),
        ).sid
    with running_world(**config) as world:
        assert world.client.messages(sid).update(status="canceled").status == "canceled"


PROGRAM = """
import sys
from consentry.simulator import Account, SimulatorConfig, run
config = SimulatorConfig(accounts=(Account("AC" + "1" * 32, "token"),), port=int(sys.argv[1]))
run(config, lambda address: print(address, flush=True))
"""


def test_it_runs_as_a_program() -> None:
    """Port 0 takes a free port, which is announced; SIGTERM ends it within five seconds."""
    with subprocess.Popen(
        [sys.executable, "-c", PROGRAM, "0"], stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            address = process.stdout.readline().strip()
            assert requests.get(f"{address}/healthz", timeout=5).json() == {"status": "ok"}
            process.send_signal(signal.SIGTERM)
            process.wait(5)
        finally:
            process.kill()


def test_a_taken_port_is_an_error() -> None:
    """A port that is in use stops the start, and the test that asked for it."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        config = SimulatorConfig(accounts=(ACCOUNT,), port=taken.getsockname()[1])
        simulator = build_simulator(config)
        assert simulator.config.port == taken.getsockname()[1]
        result = subprocess.run(
            [sys.executable, "-c", PROGRAM, str(config.port)],
            capture_output=True,
            text=True,
            check=False,
            timeout=10,
        )
    assert result.returncode != 0
    assert "Address already in use" in result.stderr
