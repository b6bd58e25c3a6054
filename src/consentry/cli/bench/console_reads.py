"""The store's reads behind the console's pages, measured in this process: no HTTP, no templates."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Final

import msgspec

from consentry.cli.bench.console_pages import Subject, searches
from consentry.cli.generate.names import number_of
from consentry.clock import SystemClock
from consentry.domain.entries import EntryKind
from consentry.domain.standing import Cause
from consentry.ports import (
    EntryFilter,
    InboxFilter,
    MessageFilter,
    OptOutFilter,
    Page,
    Store,
)

_LIST: Final = Page(limit=50)
_WORDS: Final = (EntryKind.OPTED_IN, EntryKind.OPTED_OUT, EntryKind.NOTE_ADDED)

Read = Callable[[], Awaitable[object]]


class Timed(msgspec.Struct, frozen=True):
    """How long something took, over and over, in milliseconds."""

    name: str
    milliseconds: tuple[float, ...]


async def list_reads(store: Store, subject: Subject) -> dict[str, Read]:
    """List the reads that are measured."""
    return {
        **await _lists(store),
        **_of_one(store),
        **{f"search_{name}": _search(store, words) for name, _, words in searches(subject)},
        "opt_outs_number": _opt_outs(store, OptOutFilter(search=subject.number[-4:])),
        "opt_outs_name": _opt_outs(store, OptOutFilter(search=subject.name)),
    }


async def _lists(store: Store) -> dict[str, Read]:
    today = SystemClock().now()
    month = today - timedelta(days=30)
    two = tuple((await store.read_directory()).senders)[:2]
    return {
        "inbox": lambda: store.read_inbox(InboxFilter(), _LIST),
        "inbox_open": lambda: store.read_inbox(InboxFilter(open_only=True), _LIST),
        "inbox_two_senders": lambda: store.read_inbox(InboxFilter(senders=two), _LIST),
        "customers": lambda: store.read_customers(_LIST),
        "opt_outs": _opt_outs(store, OptOutFilter()),
        "opt_outs_rare_cause": _opt_outs(store, OptOutFilter(cause=Cause.WRONG_NUMBER)),
        "tallies": lambda: store.read_tallies(month.date(), today.date()),
        "opt_out_stories": lambda: store.read_opt_out_stories(month, 50),
        "audit": lambda: store.read_audit(_LIST),
        "audit_rare_kind": lambda: store.read_audit(_LIST, kinds=(EntryKind.SETTING_CHANGED,)),
    }


def _of_one(store: Store) -> dict[str, Read]:
    """List the reads about the one who wrote most."""
    number = number_of(0)[0]
    return {
        "messages": lambda: store.read_messages(MessageFilter(recipient=number), _LIST),
        "entries": lambda: store.read_entries(number, _LIST),
        "entries_of_kinds": lambda: store.read_entries(
            number, _LIST, wanted=EntryFilter(kinds=_WORDS)
        ),
    }


def _search(store: Store, words: str) -> Read:
    return lambda: store.read_customers(_LIST, search=words)


def _opt_outs(store: Store, wanted: OptOutFilter) -> Read:
    return lambda: store.read_opt_outs(wanted, _LIST)


async def measure_reads(store: Store, subject: Subject, rounds: int) -> list[Timed]:
    """Read everything so many times, in turn; the first time warms up and does not count."""
    clock = SystemClock()
    reads = await list_reads(store, subject)
    taken: dict[str, list[float]] = {name: [] for name in reads}
    for turn in range(rounds + 1):
        for name, read in reads.items():
            began = clock.monotonic()
            await read()
            if turn:
                taken[name].append((clock.monotonic() - began) * 1000)
    return [Timed(name, tuple(milliseconds)) for name, milliseconds in taken.items()]
