"""Twilio's REST interface, as `shared.twilio_like_requests` uses it: who asks."""

from consentry.carriers.shared.twilio_like_requests import TwilioLikeRequests
from consentry.carriers.shared.way_out import WayOut
from consentry.carriers.twilio.inbound import DIALECT
from consentry.ports import CarrierAccount


def build_requests(
    account: CarrierAccount, *, callback_base: str, way_out: WayOut
) -> TwilioLikeRequests:
    """Build what sends and asks: by the account's key pair where it has one, else by its token."""
    login = find_login(account)
    return TwilioLikeRequests(
        account, DIALECT, login=login, callback_base=callback_base, way_out=way_out
    )


def find_login(account: CarrierAccount) -> tuple[str, str]:
    """Find the name and secret to ask with: the key pair's where there is one."""
    if account.key_id is not None and account.key_secret is not None:
        return account.key_id, account.key_secret
    return account.account, account.secret
