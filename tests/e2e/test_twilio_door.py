"""The move from Twilio: the official client at the product's own door, from handset to ledger."""

from pathlib import Path
from urllib.parse import quote

import pytest
from real_processes import running
from real_world import Carrier, Demo, Product, eventually
from twilio.base.exceptions import TwilioRestException
from twilio.rest import Client

from loopback_program import program_in_a_thread

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("e2e-twilio-door")]


def connect(demo: Demo, sid: str, token: str) -> Client:
    """Point Twilio's client at the door: the one change that a program needs."""
    client = Client(sid, token)
    client.api.base_url = demo.told["url"]
    return client


@pytest.fixture
def client(demo: Demo) -> Client:
    """The client with the credentials that the program has at Twilio."""
    return connect(demo, demo.told["twilio_account_sid"], demo.told["twilio_auth_token"])


def test_a_program_that_moved_reaches_only_who_wants_it(
    demo: Demo, client: Client, phone: str
) -> None:
    """A text arrives; after STOP it is 21610 and recorded; after START it arrives again."""
    number = demo.number("long_code")
    demo.carrier.type_heard(phone, number, "Hello")
    made = client.messages.create(to=phone, from_=number, body="Your table is ready.")
    eventually(
        lambda: client.messages(made.sid).fetch().status == "delivered", "the text is delivered"
    )
    assert ("sender", "Your table is ready.") in demo.carrier.shown(phone, number)
    demo.carrier.type_heard(phone, number, "STOP")
    with pytest.raises(TwilioRestException) as refused:
        client.messages.create(to=phone, from_=number, body="Are you sure?")
    assert (refused.value.status, refused.value.code) == (400, 21610)
    assert demo.carrier.refusals(phone, number) == []
    eventually(lambda: demo.product.entries(phone, "send_refused"), "the refusal is recorded")
    (entry,) = demo.product.entries(phone, "send_refused")
    assert (entry["text"], entry["reason"]) == ("Are you sure?", "opted_out")
    demo.carrier.type_heard(phone, number, "START")
    again = client.messages.create(to=phone, from_=number, body="Welcome back.")
    eventually(
        lambda: client.messages(again.sid).fetch().status == "delivered", "the text is delivered"
    )
    ours = [m.body for m in client.messages.list(to=phone, from_=number)]
    assert ours[0] == "Welcome back."
    assert "Are you sure?" not in ours
    assert [m.body for m in client.messages.list(from_=phone)] == ["START", "STOP", "Hello"]


def test_a_key_made_for_the_door_opens_it_at_once(demo: Demo, phone: str) -> None:
    """A key from the API works as account sid and token, and is refused once it is revoked."""
    number = demo.number("toll_free")
    demo.carrier.type_heard(phone, number, "Hello")
    asked = {"name": f"shop {phone}", "scopes": ["send", "read"], "twilio": True}
    key = demo.product.call("POST", "/v1/keys", asked).json()
    client = connect(demo, key["account_sid"], key["secret"])
    made = client.messages.create(to=phone, from_=number, body="Hi")
    assert client.messages(made.sid).fetch().account_sid == key["account_sid"]
    assert demo.product.call("DELETE", f"/v1/keys/{key['id']}").status_code == 204
    with pytest.raises(TwilioRestException) as refused:
        client.messages.create(to=phone, from_=number, body="Hi")
    assert (refused.value.status, refused.value.code) == (401, 20003)


def test_what_is_no_message_is_not_there_unless_it_is_handed_on(client: Client) -> None:
    """Nothing is handed on by default: calls are 20404."""
    with pytest.raises(TwilioRestException) as refused:
        client.calls("CA" + "0" * 32).fetch()
    assert (refused.value.status, refused.value.code) == (404, 20404)


def test_the_door_as_close_to_twilio_as_it_can_be_set(tmp_path: Path) -> None:
    """A service's text is accepted and told as failed with 21610; what is no message goes on."""
    words = ("demo", "--json", "--port", "0", "--data", str(tmp_path / "data"))
    settings = {
        "CONSENTRY_TWILIO_REFUSALS": "by_callback",
        "CONSENTRY_TWILIO_PASS_THROUGH": "on",
    }
    with (
        program_in_a_thread() as program,
        running(*words, folder=tmp_path, settings=settings) as process,
    ):
        told = process.told
        demo = Demo(
            process,
            tmp_path / "data",
            Product(told["url"], told["api_key"]),
            Carrier(told["simulator_url"]),
        )
        number, phone, service = demo.number("long_code"), "+14155550142", "MG" + "1" * 32
        changed = demo.product.call(
            "PATCH", f"/v1/senders/{quote(number)}", {"messaging_service_sid": service}
        )
        assert changed.status_code == 200, changed.text
        demo.carrier.type_heard(phone, number, "Hello")
        demo.carrier.type_heard(phone, number, "STOP")
        client = connect(demo, told["twilio_account_sid"], told["twilio_auth_token"])
        url = f"{program.url}/status"
        made = client.messages.create(
            to=phone, messaging_service_sid=service, body="Hi", status_callback=url
        )
        assert made.status == "accepted"
        eventually(lambda: program.heard, "the program is told")
        (heard,) = program.heard
        assert heard.is_signed(url, told["twilio_auth_token"])
        expected = {"MessageSid": made.sid, "MessageStatus": "failed", "ErrorCode": "21610"}
        assert expected.items() <= heard.form.items()
        assert client.messages(made.sid).fetch().error_code == 21610
        assert demo.carrier.refusals(phone, number) == []
        account = client.api.accounts(told["twilio_account_sid"]).fetch()
        assert account.friendly_name == "Simulated account"
        process.stop()
