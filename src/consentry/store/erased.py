"""What stands against erased numbers, found again by the keyed hash of a number.

Looked for only where a number has no standing and anybody was erased at all: then a number that
was never seen costs a hash, and every other number nothing.
"""

import re
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Final, NamedTuple

import msgspec

from consentry.domain.customers import Customer
from consentry.domain.entries import Actor, ActorKind, Entry, EntryKind
from consentry.domain.erasure import list_pieces
from consentry.domain.standing import Standing
from consentry.ports import Change, Held, IdempotencyRecord, Ids, StoreUnavailable
from consentry.store.rows import encode, from_microseconds
from consentry.store.sealing import SEALING
from consentry.wire.keyed_hash import HashKeys, KeyedHash, UnknownHashKey

_EMPTY: Final = Standing()

NO_KEYS: Final = HashKeys()
"""For a database in which nobody was erased, and nobody is to be."""


class Asked(NamedTuple):
    """By which keys erased numbers are looked for: those at hand, and those that were used."""

    keys: HashKeys
    used: tuple[str, ...]


class Hashed:
    """Numbers under the hashes by which they may have been erased."""

    def __init__(self, asked: Asked, numbers: Iterable[str]) -> None:
        """Hash numbers by each key in use.

        Raises `StoreUnavailable` where one is not at hand: whoever was erased by it would be taken
        for a stranger.
        """
        self._numbers: dict[KeyedHash, str] = {}
        try:
            for number in numbers:
                for key in asked.used:
                    self._numbers[asked.keys.hash_by(key, number)] = number
        except UnknownHashKey as error:
            raise StoreUnavailable(str(error)) from error

    @property
    def hashes(self) -> list[KeyedHash]:
        """What to look for."""
        return list(self._numbers)

    def name(self, found: Iterable[tuple[str, str, str]]) -> dict[str, str]:
        """Say whose the rows are that were found (key, hash, value): values by number."""
        return {self._numbers[KeyedHash(key, hash_)]: value for key, hash_, value in found}


def check_keys(asked: Asked) -> None:
    """Raise `StoreUnavailable` where a key is not at hand by which somebody was erased."""
    try:
        asked.keys.check(asked.used)
    except UnknownHashKey as error:
        raise StoreUnavailable(str(error)) from error


def list_strangers(recipients: Iterable[str], standings: Mapping[str, Standing]) -> tuple[str, ...]:
    """List those of whom no standing was found, and who can have been erased."""
    return tuple(number for number in recipients if number and number not in standings)


_decode_rows: Final = msgspec.json.Decoder(list[tuple[str, str, msgspec.Raw]]).decode


def decode_erased(text: str) -> list[tuple[str, str, str]]:
    """Read rows that were found: key, hash, and the value as it is written."""
    return [(key, hash_, bytes(raw).decode()) for key, hash_, raw in _decode_rows(text)]


def has_standing(standing: Standing) -> bool:
    """Tell whether there is anything in a standing: one that was not found is empty."""
    return standing != _EMPTY


def recall(change: Change, recalled: Mapping[str, Standing], now: datetime, ids: Ids) -> Change:
    """Begin the ledger of an erased number anew, where something is written about it again.

    The first entry carries what stands against it: so its entries alone lead to its standing again.
    """
    numbers = dict.fromkeys(e.recipient for e in change.entries if e.recipient in recalled)
    if not numbers:
        return change
    begun = tuple(
        Entry(
            id=ids.new("ent"),
            recipient=number,
            kind=EntryKind.STANDING_RECALLED,
            at=now,
            recorded_at=now,
            actor=Actor(ActorKind.SYSTEM),
            text="Erased before: what this number said no to still stands",
            pieces=list_pieces(recalled[number]),
        )
        for number in numbers
    )
    return msgspec.structs.replace(change, entries=(*begun, *change.entries))


class _HeldRow(msgspec.Struct):
    places: tuple[int, ...]
    rows: dict[str, int]
    newest_at: int | None
    customers: tuple[Customer, ...]


_decode_held: Final = msgspec.json.Decoder(_HeldRow).decode


def decode_held(text: str, hashes: tuple[tuple[str, str], ...]) -> Held:
    """Read what is held of a number."""
    row = _decode_held(text)
    newest_at = None if row.newest_at is None else from_microseconds(row.newest_at)
    return Held(row.places, row.rows, newest_at, row.customers, hashes)


def hash_everywhere(asked: Asked, number: str) -> tuple[tuple[str, str], ...]:
    """Hash a number by the newest key, then by all others that were used; none where no key is."""
    keys = dict.fromkeys((*asked.keys.ids[:1], *asked.used))
    return tuple((key, asked.keys.hash_by(key, number).hash) for key in keys)


def name_mentions(customers: Iterable[Customer], number: str) -> tuple[list[str], list[str]]:
    """List the other numbers of profiles, and what names those of whom nothing else remains."""
    others: list[str] = []
    words: list[str] = []
    for customer in customers:
        rest = [p.normalized for p in customer.phones if p.normalized != number]
        others += rest
        if not rest:
            words += filter(None, (customer.id, customer.name, *customer.emails))
    return list(dict.fromkeys(others)), [_written(word) for word in words]


class Naming:
    """Tells values of the ledger that name a number, or somebody of whom nothing else remains."""

    def __init__(self, number: str, words: Iterable[str]) -> None:
        """Look for the number anywhere, and for words in what is told of profiles."""
        self._number = re.compile(re.escape(number) + r"(?![0-9])")
        self._words = tuple(words)

    def is_in(self, kind: str, value: str) -> bool:
        """Tell whether an entry names it; raises `TextSealed` where its text cannot be opened."""
        value = SEALING.open(value)
        if self._number.search(value) is not None:
            return True
        return kind in _OF_PROFILES and any(word in value for word in self._words)


_OF_PROFILES: Final = frozenset({EntryKind.CUSTOMER_CHANGED, EntryKind.CUSTOMER_VIEWED})


def _written(word: str) -> str:
    """Write a text as it stands within JSON."""
    return encode(word).decode()[1:-1]


def names_number(record: IdempotencyRecord, number: str) -> bool:
    """Tell whether an answer names a number."""
    return re.search(re.escape(number).encode() + rb"(?![0-9])", record.body) is not None
