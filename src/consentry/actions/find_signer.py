"""Whose token signs what a program is told."""

import msgspec

from consentry.actions.find_account import AccountRing
from consentry.ports import Store


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

        None where there is no such account (any more). Raises `StoreUnavailable`.
        """
        if account:
            token = await self._accounts.find_token(account)
            if token is not None:
                return Signer(account, token)
        for carrier in await self._store.read_carriers():
            if carrier.account == account or (not account and carrier.id == carrier_id):
                return Signer(carrier.account, carrier.secret)
        return None
