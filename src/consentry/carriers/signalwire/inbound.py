"""SignalWire's webhooks, as `shared.twilio_like_webhooks` reads them: how SignalWire signs.

Its signature is Twilio's, with the project's signing key. The header has its own name; the older
one that Twilio uses is sent for programs that were moved.
"""

from typing import Final

from consentry.carriers.shared.twilio_like import Dialect
from consentry.carriers.shared.twilio_like_webhooks import TwilioLikeWebhooks
from consentry.carriers.signalwire.errors import TABLE
from consentry.ports import CarrierAccount
from consentry.wire.signatures import SIGNATURE_HEADER
from consentry.wire.twilio_form import API_VERSION

DIALECT: Final = Dialect(
    title="SignalWire",
    codes=TABLE,
    path=f"/api/laml/{API_VERSION}",
    signature_headers=("x-signalwire-signature", SIGNATURE_HEADER.lower()),
)


def build_webhooks(account: CarrierAccount) -> TwilioLikeWebhooks:
    """Build the reader of an account's webhooks."""
    return TwilioLikeWebhooks(account, DIALECT)
