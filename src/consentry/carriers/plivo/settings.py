"""A Plivo account, and the carrier that is built from it."""

from typing import Final

from consentry.carriers.plivo.inbound import PlivoWebhooks
from consentry.carriers.plivo.outbound import PlivoREST
from consentry.carriers.shared.http_carrier import HTTPCarrier
from consentry.carriers.shared.way_out import WayOut
from consentry.ports import AccountField, Acknowledgement, CarrierAccount, CarrierKind
from consentry.wire.twiml import EMPTY_RESPONSE

KIND: Final = "plivo"
NO_REPLY: Final = Acknowledgement(EMPTY_RESPONSE, b"application/xml")
"""An empty answer sends nothing: what is ours to say goes through the outbox and its gate."""


def build_plivo(
    account: CarrierAccount, callback_base: str, way_out: WayOut | None = None
) -> HTTPCarrier:
    """Build the carrier of an account.

    `account.account` is the auth id, `account.secret` the auth token: it signs webhooks and
    authenticates requests. `callback_base` is the public URL of this server, without a slash at
    its end.
    """
    rest = PlivoREST(account, callback_base=callback_base, way_out=way_out or WayOut())
    return HTTPCarrier(
        account.id,
        KIND,
        webhooks=PlivoWebhooks(account),
        requests=rest,
        acknowledgement=NO_REPLY,
    )


PLIVO = CarrierKind(
    name=KIND,
    title="Plivo",
    base_url="https://api.plivo.com",
    fields=(
        AccountField("account", "Auth ID", "It begins with MA, that of a subaccount with SA."),
        AccountField(
            "secret",
            "Auth token",
            "Signs what the carrier sends, so it must be right.",
            is_secret=True,
        ),
    ),
    where="In Plivo's console, on the first page: Auth ID and Auth Token.",
    build=build_plivo,
)
