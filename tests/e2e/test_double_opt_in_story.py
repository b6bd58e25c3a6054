"""Double opt-in with real processes: a program asks, the handset answers, marketing may go."""

import json
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from real_world import Demo, eventually

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("e2e-opt-in")]

ASKS = (
    "Retalé: reply YES to get Offers (up to 4 msgs/month). Msg & data rates may apply. "
    "Reply HELP for help, STOP to opt out."
)
WELCOME = (
    "Retalé: you get Offers now, up to 4 msgs/month. Msg & data rates may apply. "
    "Reply HELP for help, STOP to opt out."
)


@pytest.fixture
def number(demo: Demo) -> str:
    """Give the long code, over which the program asks."""
    return demo.number("long_code")


def ask(demo: Demo, phone: str, number: str) -> dict[str, object]:
    """Have a person asked who signed up on a page."""
    answer = demo.product.call(
        "POST",
        "/v1/consents",
        {
            "recipient": phone,
            "program": "offers",
            "action": "request",
            "sender": number,
            "reason": "Signed up on the web",
            "evidence": {"medium": "web"},
            "call_to_action": "offers-web",
        },
    )
    assert answer.status_code == 201, answer.text
    told: dict[str, object] = answer.json()
    return told


def state(demo: Demo, phone: str) -> str:
    """Read where consent with the offers stands."""
    consents = demo.product.recipient(phone)["consents"]
    return next(str(one["state"]) for one in consents if one["program"] == "offers")


def refusal(demo: Demo, phone: str, number: str) -> str | None:
    """Say why the gate lets no offer go; None: consent carries it, whatever the hour is."""
    about = {"sender": number, "recipient": phone, "program": "offers"}
    decision = demo.product.call("POST", "/v1/check", about).json()
    return None if decision["decision"] in ("allow", "defer") else str(decision["reason"])


def is_shown(demo: Demo, phone: str, number: str, body: str) -> None:
    """Wait until a text is on the handset, and see that it is there once."""
    eventually(
        lambda: ("sender", body) in demo.carrier.shown(phone, number),
        f"{body!r} is on the handset",
    )
    assert demo.shown(phone, number).count(("sender", body)) == 1


def test_a_program_asks_and_the_handset_says_yes(demo: Demo, phone: str, number: str) -> None:
    """Pending until the answer; then active, with the first text of the program."""
    told = ask(demo, phone, number)
    assert told["state"] == "pending"
    is_shown(demo, phone, number, ASKS)
    assert refusal(demo, phone, number) == "consent_pending"
    assert ask(demo, phone, number)["message"] is None
    demo.carrier.type_heard(phone, number, "yes please")
    assert state(demo, phone) == "pending"
    demo.carrier.type_heard(phone, number, "Yes")
    assert state(demo, phone) == "active"
    is_shown(demo, phone, number, WELCOME)
    assert demo.shown(phone, number).count(("sender", ASKS)) == 1
    assert refusal(demo, phone, number) is None
    (granted,) = demo.product.entries(phone, "consent_granted")
    assert granted["evidence"]["verbatim"] == "Yes"


def test_stop_instead_of_yes_ends_it(demo: Demo, phone: str, number: str) -> None:
    """No later yes brings it back, and nobody can have them asked again without a new act."""
    ask(demo, phone, number)
    is_shown(demo, phone, number, ASKS)
    demo.carrier.type_heard(phone, number, "STOP")
    assert state(demo, phone) == "revoked"
    demo.carrier.type_heard(phone, number, "YES")
    assert state(demo, phone) == "revoked"
    assert refusal(demo, phone, number) == "no_consent"
    assert ask(demo, phone, number)["message"] is None
    assert demo.shown(phone, number).count(("sender", ASKS)) == 1


def test_all_of_it_is_proved_to_whoever_has_python(
    demo: Demo, phone: str, number: str, tmp_path: Path
) -> None:
    """The bundle of the whole story checks out by its own verify.py, and not with a byte turned."""
    ask(demo, phone, number)
    is_shown(demo, phone, number, ASKS)
    demo.carrier.type_heard(phone, number, "YES")
    is_shown(demo, phone, number, WELCOME)
    demo.carrier.type_heard(phone, number, "please stop texting me")
    reply = {"sender": number, "recipient": phone, "body": "Are you sure?"}
    assert demo.product.call("POST", "/v1/messages", reply).status_code == 403
    answer = demo.product.call("GET", f"/v1/evidence/{phone}")
    assert answer.status_code == 200, answer.text
    packed = tmp_path / "bundle.zip"
    packed.write_bytes(answer.content)
    with zipfile.ZipFile(packed) as bundle:
        bundle.extractall(tmp_path / "bundle")
        page = bundle.read("evidence.html").decode()
        gaps = {gap["id"] for gap in json.loads(bundle.read("gaps.json"))}
        assert json.loads(bundle.read("proofs.json"))["not_covered"] == []
        assert bundle.read("calls-to-action/offers-web-1.html").startswith(b"<section")
    assert "please stop texting me" in page
    assert "opted out" in page
    assert not gaps & {"no_checkpoint", "not_covered", "wording_not_stored", "policy_unknown"}
    verify = [sys.executable, "-I", "-S", str(tmp_path / "bundle" / "verify.py")]
    checked = subprocess.run([*verify, str(packed)], capture_output=True, text=True, check=False)
    assert (checked.returncode, checked.stderr) == (0, ""), checked.stdout
    turned = bytearray(answer.content)
    turned[len(turned) // 2] ^= 1
    packed.write_bytes(turned)
    checked = subprocess.run([*verify, str(packed)], capture_output=True, text=True, check=False)
    assert checked.returncode == 1, checked.stdout


def test_who_texts_a_campaigns_word_is_asked(demo: Demo, phone: str, number: str) -> None:
    """JOIN, the question, YES: one text of ours for each word."""
    poster = {
        "id": "poster",
        "program": "offers",
        "medium": "keyword",
        "locale": "en",
        "heading": "Offers by text",
        "keyword": "JOIN",
    }
    made = demo.product.call("POST", "/v1/calls-to-action", poster)
    assert made.status_code == 201, made.text
    word = {"word": "join", "sender": number, "program": "offers", "call_to_action": "poster"}
    assert demo.product.call("POST", "/v1/keywords", word).status_code == 201
    demo.carrier.type_heard(phone, number, "Join")
    is_shown(demo, phone, number, ASKS)
    demo.carrier.type_heard(phone, number, "YES")
    is_shown(demo, phone, number, WELCOME)
    ours = [body for who, body in demo.shown(phone, number) if who == "sender"]
    assert ours == [ASKS, WELCOME]
    assert state(demo, phone) == "active"
    assert refusal(demo, phone, number) is None
