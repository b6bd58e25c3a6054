"""A Vonage account, and the carrier that is built from it."""

from typing import Final

from consentry.carriers.shared.http_carrier import HTTPCarrier
from consentry.carriers.shared.way_out import WayOut
from consentry.carriers.vonage.inbound import VonageWebhooks
from consentry.carriers.vonage.outbound import VonageREST
from consentry.carriers.vonage.signing import METHODS
from consentry.ports import AccountField, CarrierAccount, CarrierKind

KIND: Final = "vonage"


def build_vonage(account: CarrierAccount, callback_base: str) -> HTTPCarrier:
    """Build the carrier of an account.

    `account.account` is the API key, `account.key_secret` its API secret, `account.secret` the
    signature secret, with which webhooks are signed by `signature_method`.
    """
    return HTTPCarrier(
        account.id,
        KIND,
        webhooks=VonageWebhooks(account),
        requests=VonageREST(account, callback_base=callback_base, way_out=WayOut()),
    )


VONAGE = CarrierKind(
    name=KIND,
    title="Vonage",
    base_url="https://rest.nexmo.com",
    fields=(
        AccountField("account", "API key", "Eight letters and digits."),
        AccountField(
            "secret",
            "Signature secret",
            "Signs what Vonage sends, so it must be right.",
            is_secret=True,
        ),
        AccountField(
            "signature_method",
            "Signature method",
            f"One of {', '.join(METHODS)}; {METHODS[0]} if it is not given.",
            is_needed=False,
        ),
        AccountField("key_secret", "API secret", "What we send with.", is_secret=True),
    ),
    where="In Vonage's dashboard, at API Settings.",
    build=build_vonage,
)
