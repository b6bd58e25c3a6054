"""A Sinch service plan, and the carrier that is built from it."""

from typing import Final

from consentry.carriers.shared.http_carrier import HTTPCarrier
from consentry.carriers.shared.way_out import WayOut
from consentry.carriers.sinch.inbound import SinchWebhooks
from consentry.carriers.sinch.outbound import SinchREST
from consentry.ports import AccountField, CarrierAccount, CarrierKind

KIND: Final = "sinch"


def build_sinch(account: CarrierAccount, callback_base: str) -> HTTPCarrier:
    """Build the carrier of a service plan.

    `account.account` is the plan's id, `account.key_secret` its API token, `account.secret` signs
    its webhooks. `account.base_url` names the plan's region.
    """
    rest = SinchREST(account, callback_base=callback_base, way_out=WayOut())
    return HTTPCarrier(
        account.id, KIND, webhooks=SinchWebhooks(account), requests=rest, history=rest
    )


SINCH = CarrierKind(
    name=KIND,
    title="Sinch",
    base_url="https://us.sms.api.sinch.com",
    fields=(
        AccountField("account", "Service plan ID", "32 letters and digits."),
        AccountField(
            "secret",
            "Webhook secret",
            "Signs what Sinch sends, so it must be right.",
            is_secret=True,
        ),
        AccountField("key_secret", "API token", "Of the service plan.", is_secret=True),
    ),
    where="In Sinch's dashboard, at SMS and then APIs: the service plan ID and its API token.",
    build=build_sinch,
)
