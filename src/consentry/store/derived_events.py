"""The events of a change, for the webhooks that want them; without any, nobody asks here."""

from collections.abc import Callable, Iterator, Mapping

from consentry.domain.directory import Directory
from consentry.domain.drift import Drift, DriftState
from consentry.domain.entries import Entry
from consentry.domain.events import (
    Event,
    event_of_drift,
    event_of_message,
    event_of_review,
    events_of_entry,
    notice_of_event,
)
from consentry.domain.messages import Message
from consentry.domain.notices import EventNotice
from consentry.domain.review import ReviewCase
from consentry.domain.standing import Standing, apply_pieces
from consentry.ports import Change


def derive_events(
    change: Change,
    directory: Directory,
    *,
    known: Mapping[str, Message],
    standing_of: Callable[[str], Standing],
) -> list[EventNotice]:
    """Make what webhooks are told of a change.

    `known` is how messages were before it, and `standing_of` tells how a recipient stood.
    """
    webhooks = [one for one in directory.webhooks.values() if one.is_told]
    if not webhooks:
        return []
    return [
        notice_of_event(told, webhook)
        for event in _list_events(change, directory, known, standing_of)
        for webhook in webhooks
        if (told := event.told_to(webhook)) is not None
    ]


def _list_events(
    change: Change,
    directory: Directory,
    known: Mapping[str, Message],
    standing_of: Callable[[str], Standing],
) -> Iterator[Event]:
    yield from _of_messages(change, directory, known)
    yield from _of_entries(change, directory, standing_of)
    written = {entry.id: entry for entry in change.entries}
    for record in change.records:
        match record:
            case ReviewCase(unclear=unclear) if unclear.entry in written:
                opened_at = written[unclear.entry].recorded_at
                yield event_of_review(record, opened_at, directory)
            case Drift(state=DriftState.OPEN):
                yield event_of_drift(record, directory)
            case _:
                pass


def _of_messages(
    change: Change, directory: Directory, known: Mapping[str, Message]
) -> Iterator[Event]:
    if not change.messages:
        return
    read = {entry.message: entry for entry in change.entries if entry.legal_reading is not None}
    before: dict[str, Message] = {}
    for message in change.messages:
        was = before.get(message.id) or known.get(message.id)
        event = event_of_message(was, message, read.get(message.id), directory)
        if event is not None:
            yield event
        before[message.id] = message


def _of_entries(
    change: Change, directory: Directory, standing_of: Callable[[str], Standing]
) -> Iterator[Event]:
    after: dict[str, Standing] = {}
    for entry in _with_pieces(change):
        before = after.get(entry.recipient) or standing_of(entry.recipient)
        yield from events_of_entry(entry, before, directory)
        after[entry.recipient] = apply_pieces(before, entry.pieces)


def _with_pieces(change: Change) -> Iterator[Entry]:
    return (entry for entry in change.entries if entry.pieces)
