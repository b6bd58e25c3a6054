"""Twilio's webhooks, as `shared.twilio_like_webhooks` reads them: how Twilio signs and repeats."""

from typing import Final

from consentry.carriers.shared.twilio_like import Dialect
from consentry.carriers.shared.twilio_like_webhooks import TwilioLikeWebhooks
from consentry.carriers.twilio.errors import TABLE
from consentry.ports import CarrierAccount
from consentry.wire.signatures import SIGNATURE_HEADER, SIGNATURE_SETTINGS_HEADER
from consentry.wire.twilio_form import API_VERSION

REPEAT_FRAGMENT: Final = "#rc=5&rp=ct,rt,5xx"
"""Asks Twilio to repeat a report that got no answer: it may be the one that tells of an opt-out.

Source: Twilio's "Webhooks connection overrides". The fragment is not sent and not signed.
"""

DIALECT: Final = Dialect(
    title="Twilio",
    codes=TABLE,
    path=f"/{API_VERSION}",
    signature_headers=(SIGNATURE_HEADER.lower(),),
    settings_header=SIGNATURE_SETTINGS_HEADER.lower(),
    report_fragment=REPEAT_FRAGMENT,
)


def build_webhooks(account: CarrierAccount) -> TwilioLikeWebhooks:
    """Build the reader of an account's webhooks."""
    return TwilioLikeWebhooks(account, DIALECT)
