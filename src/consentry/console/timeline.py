"""The Conversation Timeline: texts and consent entries of one person, oldest first."""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum

import msgspec

from consentry.console.wording import show_number
from consentry.domain.entries import Actor, ActorKind, Entry, EntryKind
from consentry.domain.messages import Direction, Message, MessageStatus
from consentry.domain.reading import CarrierWord, Tier


class ItemKind(StrEnum):
    """How an item is drawn: a bubble on either side, or a line across."""

    THEIRS = "theirs"
    OURS = "ours"
    OPTED_IN = "opted_in"
    OPTED_OUT = "opted_out"
    REFUSED = "refused"
    NOTE = "note"


class Item(msgspec.Struct, frozen=True):
    """One item: who, what, when, and small print under it."""

    kind: ItemKind
    at: datetime
    who: str
    text: str
    sender: str
    state: str = ""
    small: str = ""


_STATES = {
    MessageStatus.RECEIVED: "",
    MessageStatus.SCHEDULED: "Scheduled",
    MessageStatus.QUEUED: "Sending",
    MessageStatus.SENDING: "Sending",
    MessageStatus.INDETERMINATE: "Unknown: the carrier gave no answer",
    MessageStatus.SENT: "Sent",
    MessageStatus.DELIVERED: "Delivered",
    MessageStatus.READ: "Read",
    MessageStatus.UNDELIVERED: "Undelivered",
    MessageStatus.FAILED: "Failed",
    MessageStatus.CANCELED: "Not sent",
}
_TOLD = {
    EntryKind.CONSENT_GRANTED: "Consent recorded",
    EntryKind.CONSENT_REVOKED: "Consent withdrawn",
    EntryKind.SUPPRESSED: "Do-not-text list changed",
    EntryKind.TAG_CHANGED: "SMS tag changed",
    EntryKind.CARRIER_REFUSED: "The carrier refused: it has this person as opted out",
    EntryKind.CARRIER_DELIVERED: "Delivered again: the carrier no longer blocks",
}


def build_timeline(
    messages: list[Message], entries: list[Entry], key_names: Mapping[str, str]
) -> list[Item]:
    """Put messages and entries in one order; a lone keyword shows as its consent entry.

    `key_names` are the names of API keys by their ids, for what programs did.
    """
    keywords = {entry.message for entry in entries if _is_keyword(entry)}
    items = [_message_item(m, key_names) for m in messages if m.id not in keywords]
    for entry in entries:
        item = _entry_item(entry, key_names)
        if item is not None:
            items.append(item)
    return sorted(items, key=lambda item: item.at)


def _is_keyword(entry: Entry) -> bool:
    if entry.kind not in (EntryKind.OPTED_IN, EntryKind.OPTED_OUT, EntryKind.HELP_ASKED):
        return False
    by_carrier = entry.carrier_reading
    by_law = entry.legal_reading
    return (by_carrier is not None and by_carrier.word is not CarrierWord.NONE) or (
        by_law is not None and by_law.tier is Tier.KEYWORD
    )


def _name_actor(actor: Actor, key_names: Mapping[str, str]) -> str:
    match actor.kind:
        case ActorKind.SYSTEM:
            return "Automatic"
        case ActorKind.KEY:
            return f"{key_names.get(actor.id or '', 'a removed key')}, by API"
        case ActorKind.AGENT | ActorKind.PERSON | ActorKind.CARRIER | ActorKind.IMPORT:
            return str(actor.kind).capitalize()


def _message_item(message: Message, key_names: Mapping[str, str]) -> Item:
    if message.direction is Direction.INBOUND:
        return Item(ItemKind.THEIRS, message.created_at, "They wrote", message.body, message.sender)
    small = message.error_text or ""
    if message.error_code and message.status is MessageStatus.FAILED:
        small = f"{small} ({message.error_code})"
    return Item(
        ItemKind.OURS,
        message.created_at,
        _name_actor(message.actor, key_names),
        message.body,
        message.sender,
        state=_STATES[message.status],
        small=small,
    )


def _entry_item(entry: Entry, key_names: Mapping[str, str]) -> Item | None:
    sender = entry.sender or ""
    match entry.kind:
        case EntryKind.OPTED_OUT:
            return _word(entry, ItemKind.OPTED_OUT, f"Opted out of {show_number(sender)}")
        case EntryKind.OPTED_IN:
            return _word(entry, ItemKind.OPTED_IN, f"Opted in to {show_number(sender)}")
        case EntryKind.HELP_ASKED:
            return _word(entry, ItemKind.NOTE, f"Asked {show_number(sender)} for help")
        case EntryKind.SEND_REFUSED:
            why = "" if entry.decision is None else entry.decision.detail
            who = _name_actor(entry.actor, key_names)
            text = entry.text or ""
            return Item(ItemKind.REFUSED, entry.recorded_at, who, text, sender, "Not sent", why)
        case (
            EntryKind.CONSENT_GRANTED
            | EntryKind.CONSENT_REVOKED
            | EntryKind.SUPPRESSED
            | EntryKind.TAG_CHANGED
            | EntryKind.CARRIER_REFUSED
            | EntryKind.CARRIER_DELIVERED
        ):
            told = _TOLD[entry.kind]
            small = entry.reason or ""
            return Item(ItemKind.NOTE, entry.recorded_at, "", told, sender, "", small)
        case (
            EntryKind.MESSAGE_RECEIVED
            | EntryKind.SEND_ACCEPTED
            | EntryKind.JOB_CLAIMED
            | EntryKind.JOB_CANCELED
            | EntryKind.NOTE_ADDED
            | EntryKind.CUSTOMER_VIEWED
            | EntryKind.CUSTOMER_CHANGED
            | EntryKind.SIGNED_IN
            | EntryKind.SIGN_IN_REFUSED
            | EntryKind.SIGNED_OUT
            | EntryKind.SESSION_REVOKED
            | EntryKind.SETTING_CHANGED
            | EntryKind.EXPORTED
            | EntryKind.IMPORTED
        ):
            return None


def _word(entry: Entry, kind: ItemKind, said: str) -> Item:
    """Draw the person's word; the carrier's own answer is a muted note under it."""
    reading = entry.carrier_reading
    small = ""
    if reading is not None and reading.answer:
        small = f"The carrier answered: {reading.answer}"
    if entry.superseded:
        said = f"{said} (older than their last word, so it changes nothing)"
    quoted = f"“{entry.text}”" if entry.text and _is_keyword(entry) else ""
    return Item(kind, entry.at, said, quoted, "", small=small)
