"""A day at a shop, made through the doors of phones and programs, for pages that look lived in."""

from dataclasses import dataclass
from typing import Final

from real_world import FINAL_STATUSES, JSON, Demo, eventually

PEOPLE: Final = (
    ("Dana Rivers", "dana@example.org", "+12125550110"),
    ("Elias Brandt", "elias@example.org", "+12125550111"),
    ("Fatima Nour", "fatima@example.org", "+12125550112"),
    ("Grace Okafor", "grace@example.org", "+12125550113"),
    ("Hugo Lindqvist", "hugo@example.org", "+12125550114"),
    ("Iris Tanaka", "iris@example.org", "+12125550115"),
    ("Jonas Weber", "jonas@example.org", "+12125550116"),
    ("Kavya Raman", "kavya@example.org", "+12125550117"),
)
STRANGER: Final = "+12125550118"
ODD: Final = ("<b>Zoë</b> " + "de la Cruz y " * 14 + "Ω", "+12125550119")
"""A name of about 200 characters with markup in it."""

TALKS: Final = (
    ("+14155550142", "Hi, is my order on its way?", "It left our warehouse this morning."),
    ("+14155550143", "Do you have the blue one in size 8?", "We do. Shall I put one aside?"),
    ("+12125550110", "The parcel came, thank you", "Glad to hear it, Dana."),
    ("+12125550111", "Can I return it without the box?", "Yes, any box will do."),
    ("+12125550112", "هل يمكنني تغيير عنوان التسليم؟", "We changed it for you."),
    ("+12125550113", "Is the shop open on Sunday?", "From ten to four."),
    ("+12125550114", "My discount code does not work", "Which code is it?"),
    ("+12125550115", "Please call me when it is repaired", "We will, tomorrow morning."),
)
STOPS: Final = (("+12125550113", "STOP"), ("+12125550114", "Unsubscribe"), (STRANGER, "Stop"))
SALE: Final = {
    "brand": "retale",
    "name": "Friday sale",
    "kind": "marketing",
    "body": "{brand}: 20% off on Friday, see bit.ly/sale. Reply STOP to opt out.",
}
TO_REVIEW: Final = ("+12125550123", "Who is this? Not interested")
UNCLEAR: Final = ("+12125550115", "Maybe stop with the offers, but tell me of the repair")


@dataclass(frozen=True)
class Life:
    """What there is to look at: ids, of customers by name, and of an agent and a key."""

    ids: dict[str, str]


def live_a_day(demo: Demo) -> Life:
    """Have people text, be answered, opt out, come back and be refused."""
    for name, email, phone in PEOPLE:
        _add_customer(demo, name, email, phone)
    _add_customer(demo, ODD[0], "zoe@example.org", ODD[1])
    _talk(demo)
    _opt_out_and_in(demo)
    _tell_consents(demo)
    _lose_texts(demo)
    ids = {one["name"]: one["id"] for one in demo.product.get("/v1/customers?limit=200")["items"]}
    ids["odd"] = ids[ODD[0]]
    ids["agent"] = demo.product.get("/v1/agents")["items"][0]["id"]
    ids["key"] = demo.product.get("/v1/keys")["items"][0]["id"]
    _hook(demo)
    ids["webhook"] = demo.product.get("/v1/webhooks")["items"][0]["id"]
    _tell(demo, "/v1/templates", SALE)
    ids["template"] = demo.product.get("/v1/templates")["items"][0]["id"]
    return Life(ids)


def _hook(demo: Demo) -> None:
    """Have programs told that nobody runs: one may not be posted to, so what it missed is kept."""
    url = "http://127.0.0.1:9/events"
    _tell(demo, "/v1/webhooks", {"url": url, "description": "The shop", "events": []})
    _tell(demo, "/v1/webhooks", {"url": "http://127.0.0.1:9/other", "enabled": False})


def _add_customer(demo: Demo, name: str, email: str, phone: str) -> None:
    told = {
        "name": name,
        "emails": [email],
        "phones": [{"original": phone, "type": "mobile", "primary": True}],
    }
    _tell(demo, "/v1/customers", told)


def _tell(demo: Demo, path: str, body: JSON) -> None:
    answer = demo.product.call("POST", path, body)
    assert answer.ok, answer.text


def _talk(demo: Demo) -> None:
    number = demo.number("long_code")
    for phone, asked, answered in TALKS:
        demo.carrier.type_heard(phone, number, asked)
        demo.product.send(number, phone, answered)
    demo.carrier.type_heard("+12125550116", demo.number("toll_free"), "Is this the right number?")
    demo.carrier.type_heard(ODD[1], number, "<script>alert('hi')</script> " + "word " * 340)
    _settle(demo)
    demo.carrier.fault("undelivered", count=1)
    demo.product.send(number, "+12125550112", "It arrives on Thursday.")
    _settle(demo)
    demo.carrier.clear_faults()


def _opt_out_and_in(demo: Demo) -> None:
    number = demo.number("long_code")
    for phone, word in STOPS:
        demo.carrier.type_heard(phone, number, word)
        refused = demo.product.try_send(number, phone, "One more thing")
        assert refused.status_code == 403, refused.text
    demo.carrier.type_heard("+14155550142", number, "STOP")
    demo.carrier.type_heard("+14155550142", number, "START")
    demo.carrier.type_heard(*_to(UNCLEAR, number))
    demo.carrier.type_heard(*_to(TO_REVIEW, number))
    demo.carrier.type_heard("+12125550111", number, "HELP")
    _settle(demo)
    demo.carrier.fault("block_behind_our_back", count=1)
    demo.product.send(number, "+14155550143", "It is waiting for you at the counter.")
    _settle(demo)
    demo.carrier.clear_faults()


def _to(text: tuple[str, str], number: str) -> tuple[str, str, str]:
    return text[0], number, text[1]


def _tell_consents(demo: Demo) -> None:
    told = {
        "recipient": "+12125550117",
        "program": "offers",
        "action": "grant",
        "reason": "Signed at the counter",
        "evidence": {"medium": "paper", "note": "Form 1142"},
    }
    _tell(demo, "/v1/consents", told)
    told = {"recipient": "+12125550199", "reason": "Asked by letter", "brand": "retale"}
    _tell(demo, "/v1/suppressions", told)


def _lose_texts(demo: Demo) -> None:
    """Have an opt-out and a question never reach us, and find them at the carrier."""
    demo.carrier.fault("lost_webhook", webhook="inbound")
    demo.carrier.type("+12125550121", demo.number("toll_free"), "STOP")
    demo.carrier.type("+12125550122", demo.number("long_code"), "Is it <b>ready</b>?")
    demo.carrier.clear_faults()
    _tell(demo, "/v1/reconciliations", {"carrier": "simulated"})
    drifts = "/v1/drifts?state=open"
    eventually(lambda: len(demo.product.get(drifts)["items"]) >= 2, "the lost texts are found")


def _settle(demo: Demo) -> None:
    def over() -> bool:
        messages = demo.product.messages()
        return all(one["status"] in FINAL_STATUSES | {"received"} for one in messages)

    eventually(over, "every message has ended")
