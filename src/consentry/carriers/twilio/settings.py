"""A Twilio account, and the carrier that is built from it."""

from datetime import datetime

from consentry.carriers.shared import WayOut
from consentry.carriers.twilio import inbound
from consentry.carriers.twilio.outbound import TwilioREST
from consentry.ports import (
    Accepted,
    AccountField,
    CarrierAccount,
    CarrierKind,
    Fence,
    InboundText,
    OutboundText,
    StatusReport,
    Submission,
    WebhookRequest,
)

KIND = "twilio"


class TwilioCarrier:
    """One account with Twilio; implements `ports.Carrier`.

    `account.account` is the account sid, `account.secret` its auth token, which signs webhooks;
    a key pair, where there is one, authenticates requests. `callback_base` is the public URL of
    this server, without a slash at its end.
    """

    kind = KIND

    def __init__(
        self, account: CarrierAccount, *, callback_base: str, way_out: WayOut | None = None
    ) -> None:
        """Build it; no connection is made before the first request."""
        self.id = account.id
        self._account = account
        self._way_out = way_out or WayOut()
        self._rest = TwilioREST(account, callback_base=callback_base, way_out=self._way_out)

    def read_inbound(self, request: WebhookRequest) -> InboundText:
        """Verify and read an inbound webhook; raises `Forged`, `Malformed`."""
        return inbound.read_inbound(request, self._account)

    def read_status(self, request: WebhookRequest) -> StatusReport:
        """Verify and read a status webhook; raises `Forged`, `Malformed`."""
        return inbound.read_status(request, self._account)

    async def submit(self, text: OutboundText, fence: Fence) -> Submission:
        """Hand one text over, once, while the fence is open."""
        return await self._rest.submit(text, fence)

    async def find(
        self, text: OutboundText, *, since: datetime, known: frozenset[str] = frozenset()
    ) -> Accepted | None:
        """Look for a text in Twilio's list; raises `CarrierUnreachable`."""
        return await self._rest.find(text, since=since, known=known)

    async def close(self) -> None:
        """Close connections."""
        await self._way_out.close()


def build_twilio(account: CarrierAccount, callback_base: str) -> TwilioCarrier:
    """Build the carrier of an account."""
    return TwilioCarrier(account, callback_base=callback_base)


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
)
