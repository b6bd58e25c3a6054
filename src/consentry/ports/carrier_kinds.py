"""What there is to know of a carrier before an account with it is set up."""

import re
from collections.abc import Callable, Iterable, Mapping

import msgspec

from consentry.ports.carriers import Carrier
from consentry.ports.records import CarrierAccount


class AccountField(msgspec.Struct, frozen=True):
    """One part of an account, as the carrier calls it.

    `name`: `account`, `secret`, `key_id`, `key_secret`, or one of the carrier's own, which is kept
    in `CarrierAccount.more`. A secret goes in and is never shown.
    """

    name: str
    label: str
    hint: str = ""
    is_secret: bool = False
    is_needed: bool = True


class CarrierKind(msgspec.Struct, frozen=True):
    """A carrier: what it asks of an account, and who is built from one and our callback address.

    `where` says where a person finds these things at the carrier. A part of `base_url` in capitals
    (`https://SPACE.example.com`) is each account's own, so nobody can leave it as it is.
    One that `posts_webhooks` must be told our address, with `address_fragment` behind it where it
    reads that; the others are connected to from here.
    """

    name: str
    title: str
    base_url: str
    fields: tuple[AccountField, ...]
    where: str
    build: Callable[[CarrierAccount, str], Carrier]
    posts_webhooks: bool = True
    address_fragment: str = ""

    def list_missing(self, account: CarrierAccount) -> list[AccountField]:
        """List what an account needs and does not have."""
        values = read_fields(account)
        missing = [f for f in self.fields if f.is_needed and not values.get(f.name)]
        return missing if self.is_address(account.base_url) else [self.address_field, *missing]

    def is_address(self, base_url: str) -> bool:
        """Tell whether an address of the API is whole: nothing of the account's own is left out."""
        return _OWN_PART.search(base_url) is None

    @property
    def address_field(self) -> AccountField:
        """What is asked for where the account's own part of the address is left out."""
        hint = f"Write your own in the place of the capitals: {self.base_url}"
        return AccountField("base_url", "address of the API", hint)

    def list_foreign(self, account: CarrierAccount) -> list[str]:
        """List what an account has and this carrier does not know."""
        known = {field.name for field in self.fields}
        return [name for name, value in read_fields(account).items() if value and name not in known]


_OWN_PART = re.compile(r"(?<![A-Za-z])[A-Z]{2,}(?![A-Za-z])")
_OWN = ("account", "secret", "key_id", "key_secret")


def read_fields(account: CarrierAccount) -> dict[str, str]:
    """Read all parts of an account by their names; what is not there is empty."""
    return {name: getattr(account, name) or "" for name in _OWN} | account.more


def write_fields(account: CarrierAccount, values: Mapping[str, str]) -> CarrierAccount:
    """Put these values in the place of an account's own; an empty one is taken away."""
    fields = read_fields(account) | dict(values)
    more = {name: value for name, value in fields.items() if name not in _OWN and value}
    return msgspec.structs.replace(
        account,
        account=fields["account"],
        secret=fields["secret"],
        key_id=fields["key_id"] or None,
        key_secret=fields["key_secret"] or None,
        more=more,
    )


def index_kinds(kinds: Iterable[CarrierKind]) -> dict[str, CarrierKind]:
    """Find carriers by their names, in the order given."""
    return {kind.name: kind for kind in kinds}


def find_fragment(kinds: Mapping[str, CarrierKind], name: str) -> str:
    """Find what stands behind our address for a carrier of this name; nothing for an unknown."""
    kind = kinds.get(name)
    return "" if kind is None else kind.address_fragment
