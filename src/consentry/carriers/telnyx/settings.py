"""A messaging profile of Telnyx's, and the carrier that is built from it."""

from typing import Final

from consentry.carriers.shared.http_carrier import HTTPCarrier
from consentry.carriers.shared.way_out import WayOut
from consentry.carriers.telnyx.inbound import TelnyxWebhooks
from consentry.carriers.telnyx.outbound import TelnyxREST
from consentry.ports import AccountField, CarrierAccount, CarrierKind

KIND: Final = "telnyx"


def build_telnyx(
    account: CarrierAccount, callback_base: str, way_out: WayOut | None = None
) -> HTTPCarrier:
    """Build the carrier of an account.

    `account.account` is the id of a messaging profile, `account.secret` the public key that
    webhooks are verified with, `account.key_secret` the API key. `callback_base` is the public URL
    of this server, without a slash at its end.
    """
    rest = TelnyxREST(account, callback_base=callback_base, way_out=way_out or WayOut())
    return HTTPCarrier(
        account.id, KIND, webhooks=TelnyxWebhooks(account), requests=rest, block_list=rest
    )


TELNYX = CarrierKind(
    name=KIND,
    title="Telnyx",
    base_url="https://api.telnyx.com",
    fields=(
        AccountField("account", "Messaging profile ID", "The profile that the numbers are in."),
        AccountField(
            "secret",
            "Public key",
            "What the carrier sends is verified with it, so it must be right.",
            is_secret=True,
        ),
        AccountField("key_secret", "API key", "It begins with KEY.", is_secret=True),
    ),
    where=(
        "In Telnyx's portal: the profile's id at Messaging, the API key at API Keys, and the "
        "public key beside it."
    ),
    build=build_telnyx,
)
