"""The Conversation Timeline: what the ledger tells of one person, as a reader sees it.

Every item comes from an entry. A text is a bubble; a keyword is a line across, with the word
quoted; what the carrier itself answered is a muted note that it was the carrier's.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from enum import StrEnum
from typing import Final, Self, assert_never

import msgspec

from consentry.console.customer_seen import Seen
from consentry.console.timeline_words import (
    RECEIPTS,
    WAITING_KINDS,
    Names,
    Receipt,
    Why,
    capitalize,
    explain_refusal,
    spell_program,
    spell_told,
    spell_wait,
    spell_what_it_did,
)
from consentry.console.wording import show_number
from consentry.domain.entries import Entry, EntryKind
from consentry.domain.keywords import is_our_opt_in
from consentry.domain.messages import Direction, Message, MessageStatus
from consentry.domain.reading import CarrierWord, LegalMeaning, Tier

TIMELINE_KINDS: Final = (
    EntryKind.MESSAGE_RECEIVED,
    EntryKind.OPTED_IN,
    EntryKind.OPTED_OUT,
    EntryKind.HELP_ASKED,
    EntryKind.CONSENT_GRANTED,
    EntryKind.CONSENT_REVOKED,
    EntryKind.CONSENT_REQUESTED,
    EntryKind.SUPPRESSED,
    EntryKind.TAG_CHANGED,
    EntryKind.PLACE_CHANGED,
    EntryKind.SEND_ACCEPTED,
    EntryKind.SEND_REFUSED,
    EntryKind.JOB_CANCELED,
    EntryKind.CARRIER_REFUSED,
    EntryKind.CARRIER_DELIVERED,
    EntryKind.DRIFT_FOUND,
    EntryKind.DRIFT_APPLIED,
    EntryKind.DRIFT_DISMISSED,
    EntryKind.REVIEW_OPENED,
    EntryKind.REVIEW_ANSWERED,
    EntryKind.NOTE_ADDED,
    EntryKind.CUSTOMER_CHANGED,
    EntryKind.SEND_DEFERRED,
    EntryKind.JOB_DEFERRED,
    EntryKind.STANDING_RECALLED,
)
"""The entries that a reader of the conversation sees."""

_ENDED: Final = (MessageStatus.FAILED, MessageStatus.UNDELIVERED, MessageStatus.CANCELED)


class Look(StrEnum):
    """How an item is drawn: a bubble on either side, or something across."""

    THEIRS = "theirs"
    OURS = "ours"
    OPTED_IN = "opted-in"
    OPTED_OUT = "opted-out"
    REFUSED = "refused"
    LINE = "line"
    NOTE = "note"


class Item(msgspec.Struct, frozen=True):
    """One item of the timeline.

    `says` is what a line says, `text` what somebody wrote, word for word. `over` are our number
    and theirs, where there is more than one to tell apart. `small` is muted, under it.
    """

    id: str
    look: Look
    at: datetime
    who: str = ""
    says: str = ""
    text: str = ""
    over: tuple[str, ...] = ()
    small: str = ""
    receipt: Receipt | None = None
    error: str = ""
    why: Why | None = None
    media: tuple[str, ...] = ()


class Drawer(msgspec.Struct, frozen=True):
    """Draws the entries of one customer; `messages` are those that the entries name.

    `stopped` are the decisions that stopped a text, by its message, where its bubble is drawn too;
    `waiting` the newest ones that let it wait.
    `several_senders` and `several_phones` say that the customer texted with more than one.
    """

    seen: Seen
    names: Names
    messages: Mapping[str, Message]
    stopped: Mapping[str, Entry]
    several_senders: bool = False
    several_phones: bool = False
    waiting: Mapping[str, Entry] = {}

    @classmethod
    def of(
        cls, seen: Seen, names: Names, messages: Mapping[str, Message], entries: Iterable[Entry]
    ) -> Self:
        """Look at what the customer has to do with, and at the entries to draw, newest first."""
        by_kind: dict[EntryKind, dict[str, Entry]] = {}
        waiting: dict[str, Entry] = {}
        for entry in entries:
            by_kind.setdefault(entry.kind, {})[entry.message or ""] = entry
            if entry.kind in WAITING_KINDS:
                waiting.setdefault(entry.message or "", entry)
        drawn = {
            **by_kind.get(EntryKind.SEND_ACCEPTED, {}),
            **by_kind.get(EntryKind.SEND_DEFERRED, {}),
        }
        canceled = by_kind.get(EntryKind.JOB_CANCELED, {})
        stopped = {message: entry for message, entry in canceled.items() if message in drawn}
        ours = {thread.sender for phone in seen.phones for thread in phone.standing.threads}
        talking = [phone for phone in seen.phones if phone.standing.threads]
        return cls(seen, names, messages, stopped, len(ours) > 1, len(talking) > 1, waiting)

    def draw(self, entry: Entry) -> list[Item]:
        """Draw an entry: a bubble, a line, or a bubble and what it did."""
        match entry.kind:
            case (
                EntryKind.MESSAGE_RECEIVED
                | EntryKind.SEND_ACCEPTED
                | EntryKind.SEND_DEFERRED
                | EntryKind.REVIEW_OPENED
            ):
                return [*self._bubble(entry), *self._held(entry)]
            case EntryKind.OPTED_IN | EntryKind.OPTED_OUT | EntryKind.HELP_ASKED:
                return self._word(entry)
            case EntryKind.SEND_REFUSED | EntryKind.JOB_CANCELED:
                return [] if entry.message in self.stopped else [self._refused(entry)]
            case EntryKind.NOTE_ADDED:
                return [self._note(entry)]
            case (
                EntryKind.CONSENT_GRANTED
                | EntryKind.CONSENT_REVOKED
                | EntryKind.CONSENT_REQUESTED
                | EntryKind.SUPPRESSED
                | EntryKind.TAG_CHANGED
                | EntryKind.PLACE_CHANGED
                | EntryKind.CARRIER_REFUSED
                | EntryKind.CARRIER_DELIVERED
                | EntryKind.CUSTOMER_CHANGED
                | EntryKind.DRIFT_FOUND
                | EntryKind.DRIFT_APPLIED
                | EntryKind.DRIFT_DISMISSED
                | EntryKind.REVIEW_ANSWERED
                | EntryKind.STANDING_RECALLED
            ):
                return [self._line(entry)]
            case (
                EntryKind.JOB_CLAIMED
                | EntryKind.JOB_DEFERRED
                | EntryKind.CUSTOMER_VIEWED
                | EntryKind.SIGNED_IN
                | EntryKind.SIGN_IN_REFUSED
                | EntryKind.SIGNED_OUT
                | EntryKind.SESSION_REVOKED
                | EntryKind.SETTING_CHANGED
                | EntryKind.EXPORTED
                | EntryKind.IMPORTED
                | EntryKind.RECONCILED
                | EntryKind.RULES_RECORDED
                | EntryKind.ERASED
                | EntryKind.ENTRY_ERASED
            ):
                return []
            case never:
                assert_never(never)

    def _over(self, entry: Entry) -> tuple[str, ...]:
        """Name our number and theirs where the reader could take them for others."""
        ours = [entry.sender] if entry.sender and self.several_senders else []
        theirs = [entry.recipient] if self.several_phones and entry.sender else []
        return tuple(show_number(number) for number in (*ours, *theirs))

    def _bubble(self, entry: Entry) -> list[Item]:
        message = self.messages.get(entry.message or "")
        if message is None:
            return []
        if message.direction is Direction.INBOUND:
            return [self._their_text(entry, message)]
        is_waiting = message.status is MessageStatus.SCHEDULED
        waits = self.waiting.get(message.id) if is_waiting else None
        decided = waits or self.stopped.get(message.id)
        item = Item(
            id=entry.id,
            look=Look.OURS,
            at=message.created_at,
            who=self.names.spell(message.actor),
            text=message.body,
            over=self._over(entry),
            receipt=RECEIPTS[message.status] if waits is None else self._wait(waits),
            error=_spell_error(message) if message.status in _ENDED else "",
            why=None if decided is None else explain_refusal(decided),
            media=message.media,
        )
        return [item]

    def _wait(self, entry: Entry) -> Receipt:
        """Say until when a text waits, on the clock of the person's place where it is known."""
        held = (phone for phone in self.seen.phones if phone.number == entry.recipient)
        place = next((phone.standing.place for phone in held), None)
        return Receipt("clock", spell_wait(entry, place))

    def _their_text(self, entry: Entry, message: Message) -> Item:
        return Item(
            id=entry.id,
            look=Look.THEIRS,
            at=message.created_at,
            who=self.names.person,
            text=message.body,
            over=self._over(entry),
            media=message.media,
        )

    def _word(self, entry: Entry) -> list[Item]:
        """Draw the person's word: a keyword across the line, a sentence as a bubble before it."""
        alone = is_keyword(entry)
        line = Item(
            id=f"{entry.id}-did",
            look=_LOOKS[entry.kind],
            at=entry.recorded_at,
            says=self._say_word(entry),
            text=(entry.text or "") if alone else "",
            over=self._over(entry),
            small=_spell_carrier_answer(entry),
        )
        return [line] if alone else [*self._bubble(entry), line]

    def _say_word(self, entry: Entry) -> str:
        number, person = show_number(entry.sender or ""), self.names.person
        legal = entry.legal_reading
        if entry.kind is EntryKind.HELP_ASKED:
            said = f"{person} asked {number} for help"
        elif entry.kind is EntryKind.OPTED_OUT:
            wrong = legal is not None and legal.meaning is LegalMeaning.WRONG_NUMBER
            why = ": wrong number" if wrong else ""
            said = f"{person} opted out of {number}{why}"
        elif entry.program is not None:
            said = f"{person} chose to keep {spell_program(entry.program, self.seen.directory)}"
        else:
            by_text = "" if is_keyword(entry) else " by this text"
            said = f"{person} opted in to {number}{by_text}"
        older = " (older than their last word, so it changes nothing)"
        return f"{said}{older}" if entry.superseded else said

    def _held(self, entry: Entry) -> list[Item]:
        """Tell under an unclear text what it did: it is held to be read."""
        if entry.kind is not EntryKind.REVIEW_OPENED:
            return []
        item = Item(
            id=f"{entry.id}-did",
            look=Look.LINE,
            at=entry.recorded_at,
            says=self._say_what_it_did(entry),
            over=self._over(entry),
        )
        return [item]

    def _refused(self, entry: Entry) -> Item:
        return Item(
            id=entry.id,
            look=Look.REFUSED,
            at=entry.recorded_at,
            who=self.names.spell(entry.actor),
            says="Not sent" if entry.kind is EntryKind.SEND_REFUSED else "Stopped before it left",
            text=entry.text or "",
            over=self._over(entry),
            why=explain_refusal(entry),
        )

    def _note(self, entry: Entry) -> Item:
        return Item(
            id=entry.id,
            look=Look.NOTE,
            at=entry.recorded_at,
            who=self.names.spell(entry.actor),
            text=entry.text or "",
        )

    def _say_what_it_did(self, entry: Entry) -> str:
        said = spell_what_it_did(entry, self.seen.directory)
        if entry.kind is not EntryKind.CUSTOMER_CHANGED:
            return said
        # On the customer's own page nobody need be told whose profile it is.
        return capitalize(said.removeprefix(f"{self.seen.customer.name}: "))

    def _line(self, entry: Entry) -> Item:
        evidence = entry.evidence
        quoted = "" if evidence is None else evidence.verbatim or ""
        return Item(
            id=entry.id,
            look=Look.LINE,
            at=entry.recorded_at,
            who=self.names.spell(entry.actor),
            says=self._say_what_it_did(entry),
            text=quoted,
            over=self._over(entry),
            small=spell_told(entry),
        )


_LOOKS: Final = {
    EntryKind.OPTED_IN: Look.OPTED_IN,
    EntryKind.OPTED_OUT: Look.OPTED_OUT,
    EntryKind.HELP_ASKED: Look.LINE,
}


def is_keyword(entry: Entry) -> bool:
    """Tell a keyword that stands alone from a sentence that means the same."""
    by_carrier, by_law = entry.carrier_reading, entry.legal_reading
    if by_carrier is not None and by_carrier.word is not CarrierWord.NONE:
        return True
    if by_law is not None and by_law.tier is Tier.KEYWORD:
        return True
    return entry.kind is EntryKind.HELP_ASKED or _is_our_word(entry)


def _is_our_word(entry: Entry) -> bool:
    """Tell START to a number whose carrier reads nothing from a first text."""
    return entry.kind is EntryKind.OPTED_IN and is_our_opt_in(entry.text or "")


_CARRIER_ANSWERS_WHERE: Final = {
    EntryKind.HELP_ASKED: ", unless they are opted out",
    EntryKind.OPTED_IN: ", if it had blocked them",
}
"""When the carrier answers: it may not have read an opt-out as one that we took for one."""


def _spell_carrier_answer(entry: Entry) -> str:
    reading = entry.carrier_reading
    if reading is None or not reading.answer or entry.superseded:
        return ""
    condition = _CARRIER_ANSWERS_WHERE.get(entry.kind, "")
    return f"The carrier's own answer{condition}: {reading.answer}"


def _spell_error(message: Message) -> str:
    """Write the carrier's own words and code, or ours where it never left."""
    if message.status is MessageStatus.CANCELED:
        return (message.error_code or "").replace("_", " ")
    text = message.error_text or ""
    code = message.error_code or ""
    if code in text:
        return text
    return f"{text} ({code})" if text else f"Error {code}"
