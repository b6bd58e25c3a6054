"""What is asked in a confirmation, and wordings from where they are kept to a registration."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from real_processes import clean_environment
from real_world import Demo, running_demo

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("e2e-answers")]

BRAND = "retale"
PLAIN = "Retalé: you are opted out and will get no further messages."
SALE = "{brand}: 20% off on Friday. Reply STOP to opt out."


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    """Run a demo whose confirmations ask what an opt-out meant."""
    folder = tmp_path_factory.mktemp("answers")
    (folder / "consentry.toml").write_text('scope_question = "on"\n', encoding="utf-8")
    with running_demo(folder) as running:
        yield running


def add_program(demo: Demo, name: str, phone: str) -> str:
    """Set up a program and have a person agree to it, as their own text says."""
    made = demo.product.call(
        "POST", "/v1/programs", {"brand": BRAND, "purpose": "informational", "name": name}
    ).json()
    told = {
        "recipient": phone,
        "program": made["id"],
        "action": "grant",
        "reason": "texted the keyword",
        "evidence": {"medium": "text", "verbatim": f"JOIN {name}", "action": "texted a keyword"},
    }
    answer = demo.product.call("POST", "/v1/consents", told)
    assert answer.json()["state"] == "active", answer.text
    return str(made["id"])


def test_a_person_keeps_one_program_of_several(demo: Demo, phone: str) -> None:
    """STOP ends all and asks; a digit gives back that program alone; a second STOP ends it."""
    number = demo.number("short_code")
    demo.carrier.type_heard(phone, number, "Hello")
    parcels, repairs = (add_program(demo, name, phone) for name in ("Parcels", "Repairs"))
    demo.carrier.type_heard(phone, number, "STOP")
    question = (
        "You're opted out of all texts from Retalé. Reply 1 to keep Parcels, 2 to keep Repairs."
    )
    assert demo.shown(phone, number)[-2:] == [("handset", "STOP"), ("sender", question)]
    for program in (parcels, repairs):
        refused = demo.product.try_send(number, phone, "News", program=program)
        assert (refused.status_code, refused.json()["code"]) == (403, "opted_out")
    demo.carrier.type_heard(phone, number, "2")
    assert demo.product.try_send(number, phone, "News", program=parcels).status_code == 403
    assert demo.product.try_send(number, phone, "Hi", purpose="conversational").status_code == 403
    demo.product.send(number, phone, "Your kettle is repaired.", program=repairs)
    assert demo.shown(phone, number)[-2:] == [
        ("handset", "2"),
        ("sender", "Your kettle is repaired."),
    ]
    kept = demo.product.entries(phone, "opted_in")[-1]
    assert (kept["text"], kept["program"], kept["sender"]) == ("2", repairs, number)
    demo.carrier.type_heard(phone, number, "STOP")
    assert demo.shown(phone, number)[-2:] == [("handset", "STOP"), ("sender", PLAIN)]
    assert demo.product.try_send(number, phone, "News", program=repairs).status_code == 403


def test_a_carrier_that_answers_is_not_answered_beside(demo: Demo, phone: str) -> None:
    """On a long code STOP is Twilio's to answer, so nothing is asked and a digit keeps nothing."""
    number = demo.number("long_code")
    demo.carrier.type_heard(phone, number, "Hello")
    kept, _ = (add_program(demo, name, phone) for name in ("Alerts", "Visits"))
    demo.carrier.type_heard(phone, number, "STOP")
    demo.carrier.type_heard(phone, number, "1")
    origins = [origin for origin, _ in demo.shown(phone, number)[-3:]]
    assert origins == ["handset", "carrier", "handset"]
    assert demo.product.try_send(number, phone, "News", program=kept).status_code == 403


def test_a_wording_that_is_kept_is_a_sample_of_the_registration(demo: Demo, tmp_path: Path) -> None:
    """Kept over HTTP, judged there, and found in the packet that the command writes."""
    refused = demo.product.call(
        "POST",
        "/v1/templates",
        {"brand": BRAND, "name": "Sale", "kind": "marketing", "body": "20% off"},
    )
    assert (refused.status_code, refused.json()["code"]) == (422, "wording_invalid")
    made = demo.product.call(
        "POST", "/v1/templates", {"brand": BRAND, "name": "Sale", "kind": "marketing", "body": SALE}
    )
    assert (made.status_code, made.json()["findings"]) == (201, [])
    number = demo.number("long_code")
    done = subprocess.run(
        [sys.executable, "-m", "consentry", "register", "10dlc", number, "--out", "packet"],
        env={
            **clean_environment(),
            "CONSENTRY_DATABASE": f"sqlite:///{demo.data / 'consentry.db'}",
        },
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 1, done.stderr
    assert "missing: BrandRegistrationSid." in done.stdout
    packet = json.loads((tmp_path / "packet" / "packet.json").read_text(encoding="utf-8"))
    assert packet["fields"]["MessageSamples"] == [
        "Retalé: 20% off on Friday. Reply STOP to opt out."
    ]
