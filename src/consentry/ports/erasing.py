"""What is held of one number, and what is destroyed of it when somebody is erased."""

from datetime import datetime

import msgspec

from consentry.domain.customers import Customer
from consentry.domain.standing import Standing


class Mentions(msgspec.Struct, frozen=True):
    """Where a number is named beside its own rows.

    `places` are those of entries in the ledger that are about nobody, or about one of `others`:
    further numbers of the same profile. `answers` are Idempotency-Keys, by owner and key. `merged`
    are the customers that were merged into one who has the number and no other.
    """

    places: tuple[int, ...] = ()
    others: tuple[str, ...] = ()
    answers: tuple[tuple[str, str], ...] = ()
    merged: tuple[str, ...] = ()


class LastSeen(msgspec.Struct, frozen=True):
    """When something last happened with a number, and not only somebody looked at it."""

    recipient: str
    at: datetime


class Held(msgspec.Struct, frozen=True):
    """What is held of a number.

    `places` are those of its entries in the ledger, `rows` counts its other rows by table,
    `newest_at` is when something last happened with it (see `LastSeen`). `customers` have the
    number. `hashes` are pairs of a key's id and the number's hash by it, the newest key first.
    """

    places: tuple[int, ...] = ()
    rows: dict[str, int] = {}
    newest_at: datetime | None = None
    customers: tuple[Customer, ...] = ()
    hashes: tuple[tuple[str, str], ...] = ()


class Destroyed(msgspec.Struct, frozen=True, gc=False):
    """A number all of whose rows go, and the payload and salt of the entries at these places.

    `about` are the recipients of those entries: the number, nobody, other numbers of its profile.
    `kept` is what stands against it; where nothing does, nothing is kept. `hashes` as in `Held`:
    what was kept by any of them is replaced, by the first.
    """

    recipient: str
    places: tuple[int, ...]
    about: tuple[str, ...]
    hashes: tuple[tuple[str, str], ...]
    at: datetime
    kept: Standing | None = None
