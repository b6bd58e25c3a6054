"""Tin cans: recorded webhooks and sent texts."""

import msgspec
from carrier_table import CarrierTable, Posted, Sent, json_body

from consentry.carriers.tin_can.settings import TIN_CAN
from consentry.domain.messages import MessageStatus
from consentry.ports import (
    Accepted,
    CarrierAccount,
    CarrierRefusal,
    InboundText,
    OutboundText,
    StatusReport,
    WebhookRequest,
)

PERSON, NUMBER = "+12125550142", "+14155550100"
ACCOUNT = CarrierAccount("can", "tin_can", "left", "hush", "http://127.0.0.1:1")
TEXT = OutboundText("msg_1", PERSON, NUMBER, "Hello")


def sign(request: WebhookRequest, secret: str = ACCOUNT.secret) -> WebhookRequest:
    """Whisper the secret."""
    return msgspec.structs.replace(request, headers={**request.headers, "x-tin-can-secret": secret})


def refused(code: str, text: str, *, permanent: bool, opted_out: bool = False) -> Sent:
    """A text that is refused with a code."""
    refusal = CarrierRefusal(permanent, opted_out, code, f"Tin Can refused it ({code}): {text}")
    return Sent(f"refused: {code}", TEXT, 403, json_body({"refused": code}), refusal)


TABLE = CarrierTable(
    kind=TIN_CAN,
    account=ACCOUNT,
    sign=sign,
    forge=lambda request: sign(request, "shout"),
    posted=(
        Posted(
            "a text",
            json_body({"id": "1", "from": PERSON, "to": NUMBER, "words": "Hello"}),
            (InboundText("1", PERSON, NUMBER, "Hello"),),
        ),
        Posted("half a text", b'{"id": "1"', reason="body: "),
        Posted(
            "a report of somebody who has cut the string",
            json_body({"id": "2", "from": NUMBER, "to": PERSON, "state": "lost", "code": "cut"}),
            (StatusReport("2", PERSON, NUMBER, MessageStatus.UNDELIVERED, "cut", opted_out=True),),
            to="status",
        ),
    ),
    sent=(
        Sent(
            "taken",
            TEXT,
            200,
            json_body({"id": "3"}),
            Accepted("3"),
            path="/texts",
            body_json={"from": NUMBER, "to": PERSON, "words": "Hello"},
        ),
        refused("cut", "the person has cut the string", permanent=True, opted_out=True),
        refused("tangled", "the string is tangled", permanent=False),
        refused("who knows", "no reason is given", permanent=False),
    ),
)
