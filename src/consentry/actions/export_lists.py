"""Lists taken along, slice by slice and never held whole; what was taken, and by whom, is audited.

What leaves is on record before its last slice does. One that was broken off is recorded as such,
with how many rows had left.
"""

from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterable
from datetime import datetime
from enum import StrEnum
from typing import Final

import msgspec

from consentry.actions.check_period import check_period
from consentry.actions.record_audit import RecordExport
from consentry.domain.customers import Customer
from consentry.domain.entries import Actor, Entry
from consentry.domain.messages import Message
from consentry.domain.standing import BlockState, Standing
from consentry.ports import MessageFilter, OptOutFilter, Page, Store
from consentry.wire.written_rows import Row

Slices = AsyncGenerator[list[Row], None]

_IN_A_SLICE: Final = 500


class ExportKind(StrEnum):
    """Lists that can be taken along."""

    OPT_OUTS = "opt_outs"
    CONSENTS = "consents"
    SUPPRESSIONS = "suppressions"
    STANDINGS = "standings"
    MESSAGES = "messages"
    ENTRIES = "entries"
    CUSTOMERS = "customers"


class ExportFilter(msgspec.Struct, frozen=True):
    """Which part: what happened from a time on, and before another; None is without end.

    Of standings: since when what is listed is so.
    """

    since: datetime | None = None
    until: datetime | None = None

    @classmethod
    def between(cls, since: datetime | None, until: datetime | None) -> "ExportFilter":
        """Bound it by a period; raises `Rejected` (`invalid_time`) for one that cannot be."""
        check_period(since, until)
        return cls(since, until)

    def lets(self, at: datetime) -> bool:
        """Tell whether a time is within."""
        return (self.since is None or at >= self.since) and (self.until is None or at < self.until)

    @property
    def words(self) -> str:
        """How the audit words it."""
        since = "" if self.since is None else f"from {self.since.isoformat()}"
        until = "" if self.until is None else f"until {self.until.isoformat()}"
        return " ".join(filter(None, (since, until)))


class ExportedList(msgspec.Struct, frozen=True):
    """A list to be taken along: its columns, and its rows slice by slice."""

    columns: tuple[str, ...]
    read: Callable[[Store, ExportFilter], Slices]


def _text(time: datetime | None) -> str | None:
    return None if time is None else time.isoformat().replace("+00:00", "Z")


async def _read_standings(store: Store) -> AsyncIterator[list[tuple[str, Standing]]]:
    before: str | None = None
    while found := await store.read_recipients(Page(limit=_IN_A_SLICE, before=before)):
        yield found
        before = found[-1][0]


def _of_standings(
    rows_of: Callable[[str, Standing, ExportFilter], Iterable[Row]],
) -> Callable[[Store, ExportFilter], Slices]:
    async def read(store: Store, wanted: ExportFilter) -> Slices:
        async for found in _read_standings(store):
            yield [row for number, standing in found for row in rows_of(number, standing, wanted)]

    return read


def _consents(recipient: str, standing: Standing, wanted: ExportFilter) -> Iterable[Row]:
    for consent in standing.consents:
        if wanted.lets(consent.since):
            yield (
                recipient,
                consent.program,
                consent.state.value,
                consent.level.value,
                _text(consent.since),
                _text(consent.changed_at),
                _text(consent.expires_at),
                consent.by_person,
                consent.entry,
            )


def _suppressions(recipient: str, standing: Standing, wanted: ExportFilter) -> Iterable[Row]:
    for suppression in standing.suppressions:
        if wanted.lets(suppression.since):
            yield (
                recipient,
                suppression.scope,
                suppression.cause.value,
                _text(suppression.since),
                _text(suppression.told_at),
                suppression.active,
                " ".join(suppression.lifted_for),
                suppression.by_person,
                suppression.entry,
            )


def _standing(recipient: str, standing: Standing, wanted: ExportFilter) -> Iterable[Row]:
    times = [block.since for block in standing.blocks]
    times += [consent.since for consent in standing.consents]
    times += [suppression.since for suppression in standing.suppressions]
    if wanted == ExportFilter() or any(map(wanted.lets, times)):
        written = msgspec.Raw(msgspec.json.encode(standing))
        yield recipient, standing.sms_preference.value, written


async def _opt_outs(store: Store, wanted: ExportFilter) -> Slices:
    before: str | None = None
    while True:
        found = await store.read_opt_outs(OptOutFilter(), Page(limit=_IN_A_SLICE, before=before))
        rows = [
            (item.recipient, hold.scope, hold.cause, _text(hold.since), hold.by_person, hold.entry)
            for item in found.items
            for hold in _list_holds(item.standing)
            if wanted.lets(hold.since)
        ]
        yield list[Row](rows)
        if found.next is None:
            return
        before = found.next


class _Hold(msgspec.Struct, frozen=True):
    scope: str
    cause: str
    since: datetime
    by_person: bool
    entry: str


def _list_holds(standing: Standing) -> Iterable[_Hold]:
    """List what keeps a number from being texted, as far as anything does."""
    for block in standing.blocks:
        if block.state is BlockState.BLOCKED:
            yield _Hold(block.scope, block.cause.value, block.since, block.by_person, block.entry)
    for one in standing.suppressions:
        if one.active:
            yield _Hold(one.scope, one.cause.value, one.since, one.by_person, one.entry)
    for consent in standing.consents:
        if consent.is_withdrawn:
            since, by_person = consent.since, consent.by_person
            yield _Hold(consent.program, "revoked", since, by_person, consent.entry)


async def _messages(store: Store, wanted: ExportFilter) -> Slices:
    page = Page(limit=_IN_A_SLICE)
    while found := await store.read_messages(MessageFilter(), page):
        yield [_message(message) for message in found if wanted.lets(message.created_at)]
        page = Page(limit=_IN_A_SLICE, before=found[-1].id)


def _message(message: Message) -> Row:
    return (
        message.id,
        message.direction.value,
        message.status.value,
        message.sender,
        message.recipient,
        message.body,
        None if message.purpose is None else message.purpose.value,
        message.program,
        message.segments,
        _text(message.created_at),
        message.carrier_message_id,
        message.error_code,
    )


async def _entries(store: Store, wanted: ExportFilter) -> Slices:
    after: str | None = None
    while found := await store.read_entries_after(after, _IN_A_SLICE):
        yield [_entry(entry) for entry in found if wanted.lets(entry.recorded_at)]
        after = found[-1].id


def _entry(entry: Entry) -> Row:
    return (
        entry.id,
        entry.recipient,
        entry.kind.value,
        _text(entry.at),
        _text(entry.recorded_at),
        entry.actor.kind.value,
        entry.actor.id,
        entry.sender,
        entry.program,
        entry.reason,
        msgspec.Raw(msgspec.json.encode(entry)),
    )


async def _customers(store: Store, wanted: ExportFilter) -> Slices:
    page = Page(limit=_IN_A_SLICE)
    while found := await store.read_customers(page):
        yield [_customer(customer) for customer in found if wanted.lets(customer.created_at)]
        page = Page(limit=_IN_A_SLICE, before=found[-1].id)


def _customer(customer: Customer) -> Row:
    return (
        customer.id,
        customer.name,
        " ".join(phone.normalized for phone in customer.phones),
        " ".join(customer.emails),
        customer.note,
        _text(customer.created_at),
        _text(customer.updated_at),
    )


EXPORTS: Final[dict[ExportKind, ExportedList]] = {
    ExportKind.OPT_OUTS: ExportedList(
        ("number", "scope", "cause", "since", "by_person", "entry"), _opt_outs
    ),
    ExportKind.CONSENTS: ExportedList(
        (
            "number",
            "program",
            "state",
            "level",
            "since",
            "changed_at",
            "expires_at",
            "by_person",
            "entry",
        ),
        _of_standings(_consents),
    ),
    ExportKind.SUPPRESSIONS: ExportedList(
        (
            "number",
            "scope",
            "cause",
            "since",
            "told_at",
            "active",
            "lifted_for",
            "by_person",
            "entry",
        ),
        _of_standings(_suppressions),
    ),
    ExportKind.STANDINGS: ExportedList(
        ("number", "sms_preference", "standing"), _of_standings(_standing)
    ),
    ExportKind.MESSAGES: ExportedList(
        (
            "id",
            "direction",
            "status",
            "sender",
            "recipient",
            "body",
            "purpose",
            "program",
            "segments",
            "created_at",
            "carrier_message_id",
            "error_code",
        ),
        _messages,
    ),
    ExportKind.ENTRIES: ExportedList(
        (
            "id",
            "recipient",
            "kind",
            "at",
            "recorded_at",
            "actor_kind",
            "actor",
            "sender",
            "program",
            "reason",
            "entry",
        ),
        _entries,
    ),
    ExportKind.CUSTOMERS: ExportedList(
        ("id", "name", "phones", "emails", "note", "created_at", "updated_at"), _customers
    ),
}


class Taken(msgspec.Struct, frozen=True):
    """Who takes what along: `what` is the list, `part` says in words which part of it."""

    what: str
    part: str
    by: Actor


async def record_slices(store: Store, taken: Taken, slices: AsyncIterator[list[Row]]) -> Slices:
    """Pass slices on; the last is held back until the export is on record.

    One that is broken off, by whoever takes it or by the database, is recorded as such.
    """
    held: list[Row] = []
    sent, is_whole = 0, False
    try:
        async for rows in slices:
            if held:
                sent += len(held)
                yield held
            held = rows
        await store.submit(RecordExport(taken.what, taken.part, sent + len(held), taken.by))
        is_whole = True
        yield held
    finally:
        if not is_whole:
            part = f"{taken.part}, broken off" if taken.part else "broken off"
            store.post(RecordExport(taken.what, part, sent, taken.by))
