"""A SignalWire project, and the carrier that is built from it."""

from typing import Final

from consentry.carriers.shared.http_carrier import HTTPCarrier
from consentry.carriers.shared.twilio_like import NO_REPLY
from consentry.carriers.shared.twilio_like_history import TwilioLikeHistory
from consentry.carriers.shared.way_out import WayOut
from consentry.carriers.signalwire.inbound import build_webhooks
from consentry.carriers.signalwire.outbound import build_requests
from consentry.ports import AccountField, CarrierAccount, CarrierKind

KIND: Final = "signalwire"


def build_signalwire(
    account: CarrierAccount, callback_base: str, way_out: WayOut | None = None
) -> HTTPCarrier:
    """Build the carrier of an account.

    `account.account` is the project's id, `account.secret` its signing key, `account.key_secret`
    an API token. `callback_base` is the public URL of this server, without a slash at its end.
    """
    requests = build_requests(account, callback_base=callback_base, way_out=way_out or WayOut())
    return HTTPCarrier(
        account.id,
        KIND,
        webhooks=build_webhooks(account),
        requests=requests,
        acknowledgement=NO_REPLY,
        history=TwilioLikeHistory(requests),
    )


SIGNALWIRE: Final = CarrierKind(
    name=KIND,
    title="SignalWire",
    base_url="https://SPACE.signalwire.com",
    fields=(
        AccountField("account", "Project ID"),
        AccountField(
            "secret",
            "Signing key",
            "Signs what the carrier sends, so it must be right.",
            is_secret=True,
        ),
        AccountField("key_secret", "API token", "With the scope Messaging.", is_secret=True),
    ),
    where="In SignalWire's dashboard, at API Credentials: project ID, signing key, API token.",
    build=build_signalwire,
)
