"""Everybody who is told something, each in their own form; and how that is put together."""

import msgspec

from consentry.actions.find_account import AccountRing
from consentry.actions.find_key import KeyRing
from consentry.actions.find_signer import Signers
from consentry.actions.keep_webhooks import WebhookWays
from consentry.domain.notices import EventNotice, Notice
from consentry.ports import Clock, Store, Told, Untold
from consentry.telling.posting import Poster
from consentry.telling.resolving import Guard, SystemResolver, URLCheck
from consentry.telling.twilio_teller import TwilioTeller
from consentry.telling.webhook_teller import WebhookTeller
from consentry.wire.public_address import PrivateNetworks


class Tellers:
    """Implements `ports.Teller`. `ways` is for whoever sets webhooks up and tries them."""

    def __init__(self, programs: TwilioTeller, webhooks: WebhookTeller, ways: WebhookWays) -> None:
        self._programs = programs
        self._webhooks = webhooks
        self.ways = ways

    async def tell(self, notice: Notice) -> Told | Untold:
        """Tell it once."""
        match notice:
            case EventNotice():
                return await self._webhooks.tell(notice)
            case _:
                return await self._programs.tell(notice)

    async def close(self) -> None:
        """Close connections."""
        await self._programs.close()
        await self._webhooks.close()


def build_webhook_teller(store: Store, clock: Clock, allowed: PrivateNetworks) -> WebhookTeller:
    """Build what tells webhooks: encrypted to the internet, in plain to named networks alone."""
    guard = Guard(SystemResolver(), allowed)
    plain = msgspec.structs.replace(guard, needs_allowed=True)
    return WebhookTeller(store, clock, poster=Poster(guard), plain=Poster(plain))


def build_tellers(
    store: Store, clock: Clock, *, allowed: PrivateNetworks, keys: KeyRing
) -> Tellers:
    """Build what tells programs and webhooks.

    Programs are told as whoever opens the Twilio-compatible door, whose token `keys` give.
    """
    accounts = AccountRing(store, clock, keys)
    poster = Poster(Guard(SystemResolver(), allowed))
    programs = TwilioTeller(Signers(store, accounts).find, poster)
    webhooks = build_webhook_teller(store, clock, allowed)
    return Tellers(programs, webhooks, build_ways(webhooks, allowed))


def build_ways(webhooks: WebhookTeller, allowed: PrivateNetworks) -> WebhookWays:
    """Build what is needed to set webhooks up and to try them."""
    return WebhookWays(URLCheck(SystemResolver(), allowed), webhooks)
