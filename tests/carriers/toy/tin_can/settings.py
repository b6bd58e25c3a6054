"""An account with a tin can, and the carrier that is built from it."""

from typing import Final

from consentry.carriers.shared.http_carrier import HTTPCarrier
from consentry.carriers.shared.way_out import WayOut
from consentry.carriers.tin_can.inbound import TinCanWebhooks
from consentry.carriers.tin_can.outbound import TinCanRequests
from consentry.ports import AccountField, CarrierAccount, CarrierKind

KIND: Final = "tin_can"


def build_tin_can(account: CarrierAccount, callback_base: str) -> HTTPCarrier:
    """Build the carrier of an account."""
    del callback_base
    return HTTPCarrier(
        account.id,
        KIND,
        webhooks=TinCanWebhooks(account),
        requests=TinCanRequests(account, WayOut()),
    )


TIN_CAN: Final = CarrierKind(
    name=KIND,
    title="Tin Can",
    base_url="http://127.0.0.1:1",
    fields=(
        AccountField("account", "Can", "Which of the two."),
        AccountField("secret", "Secret", "What is whispered first.", is_secret=True),
    ),
    where="On the lid.",
    build=build_tin_can,
)
