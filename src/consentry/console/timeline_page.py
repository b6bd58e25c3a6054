"""Reading a stretch of the timeline: entries of all phones of a customer, newest first."""

import asyncio
from collections.abc import Iterable, Iterator
from datetime import date, datetime, timedelta
from itertools import groupby
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec

from consentry.console.customer_seen import Seen
from consentry.console.key_names import read_key_names
from consentry.console.pages import Visit
from consentry.console.timeline import TIMELINE_KINDS, Drawer, Item
from consentry.console.timeline_words import Names
from consentry.domain.entries import Entry, EntryKind
from consentry.domain.messages import Direction, Message
from consentry.domain.standing import Consent, Piece, Suppression
from consentry.ports import EntryFilter, Page

STRETCH_ENTRIES: Final = 50
TAIL_ENTRIES_MAX: Final = 400
"""A page that was open for so long that more came in is loaded anew."""

ZONE_COOKIE: Final = "zone"


class Day(msgspec.Struct, frozen=True):
    """The items of one day in the reader's zone, oldest first; `words` is Today, or a date."""

    words: str
    at: datetime
    items: tuple[Item, ...]


class Stretch(msgspec.Struct, frozen=True):
    """A stretch of the timeline, oldest first.

    `first` is the oldest entry in it; `has_earlier` says that there are more before it.
    `newest_texts` are the person's newest texts that it shows, by recipient and sender.
    """

    days: tuple[Day, ...] = ()
    first: str = ""
    has_earlier: bool = False
    newest_texts: tuple[Message, ...] = ()


async def read_stretch(
    visit: Visit, seen: Seen, *, before: str = "", since: str = ""
) -> Stretch | None:
    """Read the newest stretch, the one before an entry, or all from an entry on.

    None where more came in since that entry than a page should hold.
    """
    if not since:
        entries = await _read_entries(visit, seen, before, STRETCH_ENTRIES + 1)
        has_earlier = len(entries) > STRETCH_ENTRIES
        return await _draw(visit, seen, entries[:STRETCH_ENTRIES], has_earlier=has_earlier)
    # Mostly little came in since, so that a small look finds where the page begins.
    for limit in (2 * STRETCH_ENTRIES, TAIL_ENTRIES_MAX):
        entries = await _read_entries(visit, seen, before, limit)
        ids = [entry.id for entry in entries]
        if since in ids:
            return await _draw(visit, seen, entries[: ids.index(since) + 1], has_earlier=False)
    return None


async def _read_entries(visit: Visit, seen: Seen, before: str, limit: int) -> list[Entry]:
    """Read each phone's entries and merge them: one order holds for the entries of all."""
    wanted = EntryFilter(kinds=TIMELINE_KINDS, senders=await visit.sender_scope())
    page = Page(limit=limit, before=before or None)
    store = visit.services.store
    found = await asyncio.gather(
        *(store.read_entries(number, page, wanted=wanted) for number in seen.numbers)
    )
    merged = sorted((entry for part in found for entry in part), key=lambda e: e.id, reverse=True)
    return merged[:limit]


async def _draw(visit: Visit, seen: Seen, entries: list[Entry], *, has_earlier: bool) -> Stretch:
    ids = [entry.message for entry in entries if entry.message]
    messages, names = await asyncio.gather(
        visit.services.store.read_messages_by_id(ids), read_names(visit, seen.first_name)
    )
    drawer = Drawer.of(seen, names, messages, entries)
    items = [
        item
        for entry in _tell_once(reversed(entries))
        if is_visible(entry, seen)
        for item in drawer.draw(entry)
    ]
    newest: dict[tuple[str, str], Message] = {}
    for message in messages.values():
        pair = (message.recipient, message.sender)
        is_theirs = message.direction is Direction.INBOUND
        if is_theirs and (pair not in newest or newest[pair].id < message.id):
            newest[pair] = message
    return Stretch(
        days=_by_day(items, visit),
        first=entries[-1].id if entries else "",
        has_earlier=has_earlier,
        newest_texts=tuple(newest.values()),
    )


def _tell_once(entries: Iterable[Entry]) -> Iterator[Entry]:
    """Tell once what was done to the profile: it stands in the history of each of its phones."""
    last: tuple[str | None, datetime] | None = None
    for entry in entries:
        told = (entry.text, entry.recorded_at)
        if entry.kind is EntryKind.CUSTOMER_CHANGED and told == last:
            continue
        last = told
        yield entry


def is_visible(entry: Entry, seen: Seen) -> bool:
    """Tell whether an entry over no sender is about a brand that the agent works for."""
    if entry.kind is EntryKind.SUPPRESSED:
        listed = [piece.scope for piece in entry.pieces if isinstance(piece, Suppression)]
        return all(seen.sees_scope(scope) for scope in listed)
    return seen.sees_program(entry.program)


def visible_pieces(entry: Entry, seen: Seen) -> tuple[Piece, ...]:
    """Leave out what an entry changed with brands that the agent does not work for."""
    return tuple(
        piece
        for piece in entry.pieces
        if not (isinstance(piece, Consent) and not seen.sees_program(piece.program))
        and not (isinstance(piece, Suppression) and not seen.sees_scope(piece.scope))
    )


async def read_names(visit: Visit, person: str) -> Names:
    """Read what agents and keys are called."""
    store = visit.services.store
    agents, keys = await asyncio.gather(store.read_agents(), read_key_names(store))
    return Names(
        person=person,
        agents={agent.id: agent.name or agent.email for agent in agents},
        keys=keys,
    )


def read_zone(visit: Visit) -> ZoneInfo:
    """Take the reader's zone, which the page's script tells in a cookie; UTC where it cannot."""
    try:
        return ZoneInfo(visit.request.cookies.get(ZONE_COOKIE, "UTC").replace("%2F", "/"))
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return ZoneInfo("UTC")


def _by_day(items: list[Item], visit: Visit) -> tuple[Day, ...]:
    zone = read_zone(visit)
    today = visit.services.clock.now().astimezone(zone).date()
    days = groupby(items, key=lambda item: item.at.astimezone(zone).date())
    return tuple(
        Day(_spell_day(day, today), found[0].at, found)
        for day, found in ((day, tuple(items)) for day, items in days)
    )


def _spell_day(day: date, today: date) -> str:
    if day == today:
        return "Today"
    if day == today - timedelta(days=1):
        return "Yesterday"
    year = "" if day.year == today.year else f" {day.year}"
    return f"{day:%A}, {day.day} {day:%B}{year}"
