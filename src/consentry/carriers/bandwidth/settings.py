"""A Bandwidth account, and the carrier that is built from it."""

from typing import Final

from consentry.carriers.bandwidth.inbound import BandwidthWebhooks
from consentry.carriers.bandwidth.outbound import BandwidthREST
from consentry.carriers.shared.http_carrier import HTTPCarrier
from consentry.carriers.shared.way_out import WayOut
from consentry.ports import AccountField, CarrierAccount, CarrierKind

KIND: Final = "bandwidth"


def build_bandwidth(account: CarrierAccount, _callback_base: str) -> HTTPCarrier:
    """Build the carrier of an account.

    `account.account` is the account id; `callback_user` and `account.secret` are what Bandwidth
    names itself by; `key_id` and `key_secret` are the API user and password that we send with.
    Reports come to the address that is set at Bandwidth's application, so none is given here.
    """
    return HTTPCarrier(
        account.id,
        KIND,
        webhooks=BandwidthWebhooks(account),
        requests=BandwidthREST(account, way_out=WayOut()),
    )


BANDWIDTH = CarrierKind(
    name=KIND,
    title="Bandwidth",
    base_url="https://messaging.bandwidth.com",
    fields=(
        AccountField("account", "Account ID", "A number, shown beside the account's name."),
        AccountField("application_id", "Application ID", "Of the messaging application."),
        AccountField(
            "callback_user", "Callback user", "Chosen by you, and set at the application."
        ),
        AccountField(
            "secret",
            "Callback password",
            "Chosen by you: who knows it can say that somebody texted.",
            is_secret=True,
        ),
        AccountField("key_id", "API username", "Of a user who may send texts."),
        AccountField("key_secret", "API password", is_secret=True),
    ),
    where="In Bandwidth's dashboard: the account ID at Account, the application at Applications.",
    build=build_bandwidth,
)
