"""A Twilio account, and the carrier that is built from it."""

from typing import Final

from consentry.carriers.shared.http_carrier import HTTPCarrier
from consentry.carriers.shared.twilio_like import NO_REPLY
from consentry.carriers.shared.twilio_like_history import TwilioLikeHistory
from consentry.carriers.shared.way_out import WayOut
from consentry.carriers.twilio.inbound import build_webhooks
from consentry.carriers.twilio.outbound import build_requests
from consentry.ports import AccountField, CarrierAccount, CarrierKind
from consentry.wire.webhook_address import RETRY_FRAGMENT

KIND: Final = "twilio"


def build_twilio(
    account: CarrierAccount, callback_base: str, way_out: WayOut | None = None
) -> HTTPCarrier:
    """Build the carrier of an account.

    `account.account` is the account sid, `account.secret` its auth token, which signs webhooks;
    a key pair, where there is one, authenticates requests. `callback_base` is the public URL of
    this server, without a slash at its end.
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


TWILIO = CarrierKind(
    name=KIND,
    title="Twilio",
    base_url="https://api.twilio.com",
    fields=(
        AccountField("account", "Account SID", "It begins with AC."),
        AccountField(
            "secret",
            "Auth token",
            "Signs what the carrier sends, so it must be right.",
            is_secret=True,
        ),
        AccountField(
            "key_id",
            "API key SID",
            "Optional: to send with a key and not with the auth token.",
            is_needed=False,
        ),
        AccountField(
            "key_secret",
            "API key secret",
            "Only with an API key.",
            is_secret=True,
            is_needed=False,
        ),
    ),
    where="In Twilio's console, at Account Info: the account SID and the auth token.",
    build=build_twilio,
    address_fragment=RETRY_FRAGMENT,
)
