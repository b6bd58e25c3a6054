"""What is held of one number, and what is destroyed of it when somebody is erased."""

from datetime import datetime
from typing import NamedTuple

import msgspec

from consentry.domain.customers import Customer
from consentry.domain.messages import Direction
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


class CarrierText(NamedTuple):
    """A text by the id that a carrier has for it, and whose it is: one of theirs or of ours."""

    direction: Direction
    carrier: str
    carrier_message_id: str
    recipient: str


class TextHash(NamedTuple):
    """The keyed hash of a `CarrierText`, by the key `key`; it is to be known again until then.

    `opts_in`: it is, or may be, an opt-in: taken for a new one it undoes the person's no.
    """

    key: str
    hash: str
    until: datetime
    opts_in: bool = False


class Held(msgspec.Struct, frozen=True):
    """What is held of a number.

    `places` are those of its entries in the ledger, `rows` counts its other rows by table,
    `newest_at` is when something last happened with it (see `LastSeen`). `customers` have the
    number. `hashes` are pairs of a key's id and the number's hash by it, the newest key first.
    `texts` are all that carriers have an id for.
    """

    places: tuple[int, ...] = ()
    rows: dict[str, int] = {}
    newest_at: datetime | None = None
    customers: tuple[Customer, ...] = ()
    hashes: tuple[tuple[str, str], ...] = ()
    texts: tuple[TextHash, ...] = ()


class Destroyed(msgspec.Struct, frozen=True, gc=False):
    """A number all of whose rows go, and the payload and salt of the entries at these places.

    `about` are the recipients of those entries: the number, nobody, other numbers of its profile.
    `kept` is what stands against it; where nothing does, nothing is kept. `hashes` as in `Held`:
    what was kept by any of them is replaced, by the first. `texts` are those that carriers may
    still tell of, and those that would undo what is kept: told again they are known.
    """

    recipient: str
    places: tuple[int, ...]
    about: tuple[str, ...]
    hashes: tuple[tuple[str, str], ...]
    at: datetime
    kept: Standing | None = None
    texts: tuple[TextHash, ...] = ()
