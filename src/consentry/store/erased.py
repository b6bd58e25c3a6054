"""What stands against erased numbers, found again by the keyed hash of a number.

Looked for only where a number has no standing and anybody was erased at all: then a number that
was never seen costs a hash, and every other number nothing.
"""

import logging
import re
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Final, NamedTuple, TypeVar

import msgspec

from consentry.domain.customers import Customer
from consentry.domain.entries import Actor, ActorKind, Entry, EntryKind
from consentry.domain.erasure import list_pieces
from consentry.domain.keywords import is_our_opt_in
from consentry.domain.messages import REPEATED_FOR, Direction
from consentry.domain.microseconds import from_microseconds
from consentry.domain.standing import Standing
from consentry.ports import (
    CarrierText,
    Change,
    Held,
    IdempotencyRecord,
    Ids,
    Mentions,
    StoreUnavailable,
    TextHash,
)
from consentry.store.loaded import Loaded
from consentry.store.rows import encode
from consentry.store.sealing import SEALING
from consentry.wire.keyed_hash import HashKeys, KeyedHash, UnknownHashKey

T = TypeVar("T")
_log = logging.getLogger(__name__)

_MISSING_ADVICE: Final = (
    "Numbers were erased by a key that this process was not started with. Start it with the "
    "CONSENTRY_ERASURE_KEYS and secret keys of the one that erased them: until then it refuses "
    "whoever it does not know, also what they write."
)
_EMPTY: Final = Standing()
_NUMBER: Final = re.compile(r"\+[0-9]+")
_OF_PROFILES: Final = frozenset({EntryKind.CUSTOMER_CHANGED, EntryKind.CUSTOMER_VIEWED})
_decode_answer: Final = msgspec.json.Decoder(IdempotencyRecord).decode

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
        self._numbers = _hash_all(asked, ((number, number) for number in numbers))

    @property
    def hashes(self) -> list[KeyedHash]:
        """What to look for."""
        return list(self._numbers)

    def name(self, found: Iterable[tuple[str, str, str]]) -> dict[str, str]:
        """Say whose the rows are that were found (key, hash, value): values by number."""
        return {self._numbers[KeyedHash(key, hash_)]: value for key, hash_, value in found}


class HashedTexts:
    """Texts that are not there under the hashes by which they may have been erased."""

    def __init__(self, asked: Asked, texts: Iterable[CarrierText], found: Loaded) -> None:
        """Hash those that were not found, by each key in use; raises as `Hashed` does."""
        known = {
            (m.direction, m.carrier, m.carrier_message_id, m.recipient)
            for m in (*found.inbound, *found.outbound)
        }
        lost = (text for text in texts if text not in known)
        self._texts = _hash_all(asked, ((text, _name_text(text)) for text in lost))

    @property
    def hashes(self) -> list[KeyedHash]:
        """What to look for."""
        return list(self._texts)

    def name(self, found: Iterable[tuple[str, str]]) -> frozenset[CarrierText]:
        """Say which texts the rows are that were found (key, hash)."""
        return frozenset(self._texts[KeyedHash(key, hash_)] for key, hash_ in found)


def _hash_all(asked: Asked, named: Iterable[tuple[T, str]]) -> dict[KeyedHash, T]:
    try:
        return {asked.keys.hash_by(k, name): thing for thing, name in named for k in asked.used}
    except UnknownHashKey as error:
        raise StoreUnavailable(str(error)) from error


def _name_text(text: CarrierText) -> str:
    """Name a text as it is hashed: one way for each, and no number looks like it."""
    return encode(text).decode()


def check_keys(asked: Asked) -> None:
    """Raise `StoreUnavailable` where a key is not at hand by which somebody was erased."""
    try:
        asked.keys.check(asked.used)
    except UnknownHashKey as error:
        raise StoreUnavailable(str(error)) from error


def tell_missing(asked: Asked) -> None:
    """Tell the log where a key is not at hand that somebody was erased with, by any process.

    Whoever has no standing is refused until then, and a STOP of theirs is answered 503.
    """
    for key in asked.used:
        if key not in asked.keys.ids:
            _log.error("erasure_key_missing", extra={"missing": key, "advice": _MISSING_ADVICE})


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


class _HeldText(msgspec.Struct):
    direction: Direction
    carrier: str
    carrier_message_id: str
    updated_at: datetime
    id: str
    body: str


class _HeldRow(msgspec.Struct):
    places: tuple[int, ...]
    rows: dict[str, int]
    newest_at: int | None
    customers: tuple[Customer, ...]
    texts: list[_HeldText]
    opt_ins: frozenset[str]


_decode_held: Final = msgspec.json.Decoder(_HeldRow).decode


def decode_held(text: str, number: str, asked: Asked) -> Held:
    """Read what is held of a number, and hash it and its texts."""
    row = _decode_held(SEALING.open_or_keep(text))
    newest_at = None if row.newest_at is None else from_microseconds(row.newest_at)
    hashes = _hash_everywhere(asked, number)
    texts = tuple(_hash_text(asked, held, number, row.opt_ins) for held in row.texts if hashes)
    return Held(row.places, row.rows, newest_at, row.customers, hashes, texts)


def _hash_text(asked: Asked, held: _HeldText, number: str, opt_ins: frozenset[str]) -> TextHash:
    text = CarrierText(held.direction, held.carrier, held.carrier_message_id, number)
    hashed = asked.keys.hash_number(_name_text(text))
    return TextHash(*hashed, held.updated_at + REPEATED_FOR, _may_opt_in(held, opt_ins))


def _may_opt_in(held: _HeldText, opt_ins: frozenset[str]) -> bool:
    """Tell whether a text is an opt-in, by its carrier or by our own list; in doubt it is."""
    if held.direction is not Direction.INBOUND:
        return False
    return held.id in opt_ins or is_our_opt_in(held.body) or SEALING.is_unopened(held.body)


def _hash_everywhere(asked: Asked, number: str) -> tuple[tuple[str, str], ...]:
    """Hash a number by the newest key, then by all others that were used; none where no key is."""
    keys = dict.fromkeys((*asked.keys.ids[:1], *asked.used))
    return tuple((key, asked.keys.hash_by(key, number).hash) for key in keys)


class _Said(msgspec.Struct):
    """What an entry about nobody says, to whoever reads the audit."""

    text: str = ""


_decode_said: Final = msgspec.json.Decoder(_Said).decode


class Naming:
    """Tells where numbers are named, and by what else: whoever nothing else remains of."""

    def __init__(self, held: Mapping[str, tuple[Customer, ...]]) -> None:
        """Look for these numbers, each with the customers that have it."""
        self._numbers = frozenset(held)
        self._others = {n: _list_others(customers, n) for n, customers in held.items()}
        self._words = {n: _list_words(customers, n) for n, customers in held.items()}
        self._gone = {c.id: n for n, customers in held.items() for c in customers if _goes(c, n)}
        self._places: dict[str, list[int]] = {}
        self._answers: dict[str, list[tuple[str, str]]] = {}
        self._merged: dict[str, list[str]] = {}

    @property
    def others(self) -> list[str]:
        """Further numbers of the same profiles: their histories tell of those profiles."""
        return list(dict.fromkeys(n for others in self._others.values() for n in others))

    @property
    def gone(self) -> list[str]:
        """The customers that have no other number."""
        return list(self._gone)

    def look_at_entry(self, place: int, recipient: str, kind: str, value: str) -> None:
        """Note whom an entry names; raises `TextSealed` where its text cannot be opened.

        What accounts for an erasure stays, whatever its reason says: else the ledger is not whole.
        """
        if kind == EntryKind.ERASED:
            return
        value = SEALING.open(value)
        named = self._find_in(value)
        if not recipient and kind in _OF_PROFILES:
            text = _decode_said(value).text
            named |= {n for n, words in self._words.items() if words and words.search(text)}
        for number in named:
            if not recipient or recipient in self._others[number]:
                self._places.setdefault(number, []).append(place)

    def look_at_answer(self, owner: str, key: str, value: str) -> None:
        """Note whom an answer to an Idempotency-Key names."""
        body = _decode_answer(value).body.decode(errors="replace")
        for number in self._find_in(body):
            self._answers.setdefault(number, []).append((owner, key))

    def note_merged(self, merged: str, into: str) -> None:
        """Note a customer that was merged into one who goes."""
        self._merged.setdefault(self._gone[into], []).append(merged)

    def of(self, number: str) -> Mentions:
        """Give what was found of a number."""
        return Mentions(
            places=tuple(self._places.get(number, ())),
            others=tuple(self._others[number]),
            answers=tuple(self._answers.get(number, ())),
            merged=tuple(self._merged.get(number, ())),
        )

    def _find_in(self, text: str) -> set[str]:
        return {number for number in _NUMBER.findall(text) if number in self._numbers}


def _list_others(customers: Iterable[Customer], number: str) -> list[str]:
    return [p.normalized for c in customers for p in c.phones if p.normalized != number]


def _goes(customer: Customer, number: str) -> bool:
    return all(phone.normalized == number for phone in customer.phones)


def _list_words(customers: Iterable[Customer], number: str) -> re.Pattern[str] | None:
    """List what names the customers that have no other number; None where nothing does.

    As whole words: Ed is not in Edited, and Ann is not Anna.
    """
    gone = [customer for customer in customers if _goes(customer, number)]
    words = [re.escape(word) for c in gone for word in filter(None, (c.id, c.name, *c.emails))]
    return re.compile(rf"(?<!\w)(?:{'|'.join(words)})(?!\w)") if words else None


_decode_rows_of: Final = msgspec.json.Decoder(dict[str, list[msgspec.Raw]]).decode


def decode_rows_of(text: str) -> dict[str, list[msgspec.Raw]]:
    """Read all rows of a number, by table; raises `TextSealed` where one cannot be opened."""
    return {table: rows for table, rows in _decode_rows_of(SEALING.open(text)).items() if rows}
