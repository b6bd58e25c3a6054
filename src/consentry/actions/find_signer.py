"""Whose token signs what a program is told."""

from typing import Final

import msgspec

from consentry.actions.find_account import TWILIO, AccountRing
from consentry.ports import Store

SIGNING: Final = frozenset({TWILIO, "signalwire"})
"""The kinds of carriers whose accounts have a token that signs as Twilio's does.

What other accounts keep as their secret may be a public key, or nothing: whoever knows it could
tell a program what they like.
"""


class Signer(msgspec.Struct, frozen=True):
    """An account and the token it signs with, which is never shown."""

    account: str
    token: str


class Signers:
    """Finds who signs: an account of the Twilio-compatible door, or a carrier account."""

    def __init__(self, store: Store, accounts: AccountRing) -> None:
        self._store = store
        self._accounts = accounts

    async def find(self, account: str, carrier_id: str | None) -> Signer | None:
        """Find an account; one that is not named is that of the carrier the text went by.

        None where there is no such account (any more), or none that signs. Raises
        `StoreUnavailable`.
        """
        if account:
            token = await self._accounts.find_token(account)
            if token is not None:
                return Signer(account, token)
        for carrier in await self._store.read_carriers():
            is_meant = carrier.account == account or (not account and carrier.id == carrier_id)
            if is_meant and carrier.kind in SIGNING:
                return Signer(carrier.account, carrier.secret)
        return None
