"""Everything that a bundle is made of, read from the store page by page."""

from collections.abc import AsyncIterator
from datetime import datetime
from typing import Final

import msgspec

from consentry.actions.check_period import check_period
from consentry.domain.calls_to_action import CallToAction
from consentry.domain.directory import Directory
from consentry.domain.entries import Entry, EntryKind
from consentry.domain.erasure import Erasure
from consentry.domain.evidence.case import ErasedEntries, Material, ReceiptLine, name_calls
from consentry.domain.evidence.proved import Proved
from consentry.domain.evidence.scope import STAFF_KINDS, Scope
from consentry.domain.in_force import History
from consentry.domain.messages import Message
from consentry.ports import MessageFilter, Page, Rejected, Store
from consentry.ports.evidence import EvidenceWanted
from consentry.wire.keyed_hash import HashKeys, UnknownHashKey

ENTRIES_MAX: Final = 20_000
"""How much one bundle holds: it is made in memory."""

_PAGE: Final = 500
_decode: Final = msgspec.json.Decoder(Entry).decode


class Kept(msgspec.Struct, frozen=True):
    """An entry, and the bytes that the ledger's hash is over."""

    entry: Entry
    value: bytes


class Gathered(msgspec.Struct, frozen=True):
    """What was read: `entries` oldest first; `left_out`: how many say nothing of consent."""

    scope: Scope
    directory: Directory
    entries: tuple[Kept, ...]
    left_out: int
    messages: dict[str, Message]
    receipts: dict[str, tuple[ReceiptLine, ...]]
    calls: dict[str, CallToAction]
    erased: tuple[ErasedEntries, ...] = ()


def find_scope(wanted: EvidenceWanted, directory: Directory, now: datetime) -> Scope:
    """Find what a bundle is held to; raises `Rejected` where there is no such sender or brand."""
    # Nobody has evidence of what is to come: the period ends when the bundle is made.
    until = now if wanted.until is None else min(wanted.until, now)
    check_period(wanted.since, wanted.until)
    if wanted.since is not None and wanted.since > until:
        raise Rejected(
            "invalid_time",
            "The period begins in the future. Give a beginning that is over.",
            status=422,
        )
    senders, brand = _find_senders(wanted, directory)
    return Scope(wanted.recipient, until, wanted.since, senders, brand)


def _find_senders(
    wanted: EvidenceWanted, directory: Directory
) -> tuple[tuple[str, ...] | None, str | None]:
    """Find the senders that are wanted, None for all, and their brand."""
    if wanted.brand is not None and wanted.brand not in directory.brands:
        raise Rejected(
            "unknown_brand", f"There is no brand {wanted.brand!a}. List the brands.", status=404
        )
    if wanted.sender is not None:
        sender = directory.senders.get(wanted.sender)
        if sender is None or wanted.brand not in (None, sender.brand):
            whose = "" if wanted.brand is None else f" of {wanted.brand}"
            raise Rejected(
                "sender_not_set_up",
                f"There is no sender {wanted.sender!a}{whose}. List the senders.",
                status=404,
            )
        return (wanted.sender,), sender.brand
    if wanted.brand is None:
        return None, None
    of_brand = (s.number for s in directory.senders.values() if s.brand == wanted.brand)
    return tuple(of_brand), wanted.brand


async def gather(store: Store, scope: Scope, directory: Directory, hash_keys: HashKeys) -> Gathered:
    """Read everything; raises `Rejected` where it is too much for one bundle."""
    kept: list[Kept] = []
    left_out = 0
    async for value in _read_values(store, scope):
        entry = _decode(value)
        left_out += entry.kind in STAFF_KINDS
        if scope.keeps(entry, directory):
            kept.append(Kept(entry, value))
        if len(kept) > ENTRIES_MAX:
            raise Rejected(
                "evidence_too_large",
                f"There are more than {ENTRIES_MAX:,} entries in it. Ask for a shorter period.",
                status=413,
            )
    entries = tuple(reversed(kept))
    messages = await _read_texts(store, scope, entries)
    return Gathered(
        scope,
        directory,
        entries,
        left_out,
        messages,
        await _read_receipts(store, scope, messages),
        await _read_calls(store, [one.entry for one in entries]),
        await _read_erasures(store, scope, hash_keys),
    )


def build_material(
    gathered: Gathered, proved: Proved, history: History, made_at: datetime
) -> Material:
    """Put what was read into what a case is built from."""
    covered = frozenset(proved.leaves) if proved.note is not None else None
    return Material(
        scope=gathered.scope,
        made_at=made_at,
        entries=tuple(kept.entry for kept in gathered.entries),
        messages=gathered.messages,
        receipts=gathered.receipts,
        calls=gathered.calls,
        history=history,
        directory=gathered.directory,
        covered=covered,
        has_timestamp=proved.timestamp is not None,
        erased=gathered.erased,
        left_out=gathered.left_out,
    )


async def _read_values(store: Store, scope: Scope) -> AsyncIterator[bytes]:
    before: str | None = None
    while True:
        page = Page(_PAGE, before)
        values = await store.read_entry_values(scope.recipient, page, until=scope.until)
        for value in values:
            yield value
        if len(values) < _PAGE:
            return
        before = _decode(values[-1]).id


async def _read_texts(store: Store, scope: Scope, entries: tuple[Kept, ...]) -> dict[str, Message]:
    """Read the texts of the period, and those that entries from before it rest on."""
    texts = {text.id: text async for text in _read_pages(store, scope) if scope.keeps_text(text)}
    named = {kept.entry.message for kept in entries if kept.entry.message is not None}
    missing = sorted(named - set(texts))
    for start in range(0, len(missing), _PAGE):
        texts |= await store.read_messages_by_id(missing[start : start + _PAGE])
    return {name: texts[name] for name in sorted(texts)}


async def _read_pages(store: Store, scope: Scope) -> AsyncIterator[Message]:
    """Read the number's texts, newest first, as far back as the period goes."""
    wanted = MessageFilter(recipient=scope.recipient)
    before: str | None = None
    while True:
        page = await store.read_messages(wanted, Page(_PAGE, before))
        for text in page:
            yield text
        if len(page) < _PAGE or (scope.since is not None and page[-1].created_at < scope.since):
            return
        before = page[-1].id


async def _read_receipts(
    store: Store, scope: Scope, messages: dict[str, Message]
) -> dict[str, tuple[ReceiptLine, ...]]:
    wanted = {message.carrier_message_id for message in messages.values()}
    found: dict[str, list[ReceiptLine]] = {}
    after: str | None = None
    while True:
        page = await store.read_receipts(scope.recipient, _PAGE, after=after)
        for receipt in page:
            if receipt.carrier_message_id in wanted:
                line = ReceiptLine(receipt.status, receipt.received_at, receipt.error_code)
                found.setdefault(receipt.carrier_message_id, []).append(line)
        if len(page) < _PAGE:
            break
        after = page[-1].id
    return {name: tuple(sorted(lines, key=_by_time)) for name, lines in found.items()}


def _by_time(line: ReceiptLine) -> tuple[datetime, str]:
    return line.at, str(line.status)


async def _read_calls(store: Store, entries: list[Entry]) -> dict[str, CallToAction]:
    calls: dict[str, CallToAction] = {}
    for name in sorted(name_calls(entries)):
        call_id, _, version = name.rpartition("/")
        if version.isascii() and version.isdigit():
            call = await store.read_call_to_action(call_id, int(version[:9]))
            if call is not None:
                calls[name] = call
    return calls


async def _read_erasures(
    store: Store, scope: Scope, hash_keys: HashKeys
) -> tuple[ErasedEntries, ...]:
    """Find what was erased of the number before: it is accounted for under a keyed hash."""
    found: list[ErasedEntries] = []
    before: str | None = None
    while True:
        page = await store.read_audit(Page(_PAGE, before), kinds=(EntryKind.ERASED,))
        found += [
            ErasedEntries(entry.id, entry.erasure.count)
            for entry in page
            if entry.erasure is not None and _is_of(entry.erasure, scope.recipient, hash_keys)
        ]
        if len(page) < _PAGE:
            return tuple(reversed(found))
        before = page[-1].id


def _is_of(erasure: Erasure, number: str, hash_keys: HashKeys) -> bool:
    try:
        return hash_keys.hash_by(erasure.key, number).hash == erasure.hash
    except UnknownHashKey:
        # The store says so too, louder, for whoever may be texted hangs on it.
        return False
