"""SignalWire's Compatibility API, as `shared.twilio_like_requests` uses it: who asks."""

from consentry.carriers.shared.twilio_like_requests import TwilioLikeRequests
from consentry.carriers.shared.way_out import WayOut
from consentry.carriers.signalwire.inbound import DIALECT
from consentry.ports import CarrierAccount


def build_requests(
    account: CarrierAccount, *, callback_base: str, way_out: WayOut
) -> TwilioLikeRequests:
    """Build what sends and asks, by the project's id and an API token of it."""
    return TwilioLikeRequests(
        account,
        DIALECT,
        login=(account.account, account.key_secret or ""),
        callback_base=callback_base,
        way_out=way_out,
    )
