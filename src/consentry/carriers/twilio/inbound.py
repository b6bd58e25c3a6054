"""Twilio's webhooks, as `shared.twilio_like_webhooks` reads them: how Twilio signs and repeats."""

from typing import Final

from consentry.carriers.shared.twilio_like import Dialect
from consentry.carriers.shared.twilio_like_webhooks import TwilioLikeWebhooks
from consentry.carriers.twilio.errors import TABLE
from consentry.ports import CarrierAccount
from consentry.wire.signatures import SIGNATURE_HEADER, SIGNATURE_SETTINGS_HEADER
from consentry.wire.twilio_form import API_VERSION
from consentry.wire.webhook_address import RETRY_FRAGMENT

DIALECT: Final = Dialect(
    title="Twilio",
    codes=TABLE,
    path=f"/{API_VERSION}",
    signature_headers=(SIGNATURE_HEADER.lower(),),
    settings_header=SIGNATURE_SETTINGS_HEADER.lower(),
    report_fragment=RETRY_FRAGMENT,
)


def build_webhooks(account: CarrierAccount) -> TwilioLikeWebhooks:
    """Build the reader of an account's webhooks."""
    return TwilioLikeWebhooks(account, DIALECT)
