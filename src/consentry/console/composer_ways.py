"""The ways to text a customer: which of our numbers may text which of theirs, and why not."""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Final

import msgspec

from consentry.actions.check import check_many
from consentry.console.card import words_back
from consentry.console.composer_hours import LocalTime, find_local_time
from consentry.console.customer_seen import Seen, SeenPhone
from consentry.console.pages import Visit
from consentry.console.wording import show_number
from consentry.domain.directory import Sender
from consentry.domain.gate import Decision, Door, Request, Verdict
from consentry.domain.obstacles import standing_blocks, standing_suppression
from consentry.domain.reading import SenderKind
from consentry.domain.reasons import OPTED_OUT_SENTENCE, Reason

_THEIR_WORD: Final = (Reason.OPTED_OUT, Reason.CARRIER_BLOCKED, Reason.SUPPRESSED)
_LONG_AGO: Final = datetime(1, 1, 1, tzinfo=UTC)
_NAMED_MAX: Final = 2


class Way(msgspec.Struct, frozen=True):
    """From one of our numbers to one of theirs, and what the gate says of it."""

    sender: Sender
    phone: SeenPhone
    decision: Decision

    @property
    def key(self) -> str:
        """What the form sends for it."""
        return f"{self.sender.number} {self.phone.number}"

    @property
    def is_open(self) -> bool:
        """Tell whether a text may go."""
        return self.decision.decision is not Verdict.DENY

    @property
    def talked_at(self) -> datetime:
        """When the two last texted, to put the conversation that is going on first."""
        thread = self.phone.standing.thread(self.sender.number)
        times = (thread.last_inbound_at, thread.last_outbound_at)
        return max((at for at in times if at is not None), default=_LONG_AGO)


class Ways(msgspec.Struct, frozen=True):
    """What the composer shows: the ways that are open, which is chosen, and why there is none.

    `chosen` is empty where the agent had chosen a way that has closed since: they must choose
    again, no text leaves over a number that they did not mean. `why_not` is one sentence.
    """

    open: tuple[Way, ...] = ()
    chosen: str = ""
    why_not: str = ""
    exact: str = ""
    local_time: LocalTime | None = None


async def read_ways(visit: Visit, seen: Seen) -> Ways:
    """Ask the gate about every way to text this customer, so that Send tells the truth."""
    ways = await _ask(visit, seen)
    asked = visit.field("way") or visit.query("way")
    talk = visit.query("sender")
    may = tuple(way for way in ways if way.is_open)
    closed = [way for way in ways if not way.is_open]
    lost = _find(closed, asked)
    chosen = _find(may, asked)
    if chosen is None and lost is None:
        chosen = _likely(may, talk)
    told = lost if may else lost or _most_telling(closed, talk)
    return Ways(
        open=may,
        chosen="" if chosen is None else chosen.key,
        why_not="" if may and lost is None else say_why_not(seen, told, closed),
        exact=_exact_sentence(told),
        local_time=_local_time(visit, chosen),
    )


def _find(ways: Iterable[Way], key: str) -> Way | None:
    return next((way for way in ways if way.key == key), None)


def _likely(may: tuple[Way, ...], talk: str) -> Way | None:
    """Choose the way of the conversation that is looked at, else the one that was used last."""
    in_talk = [way for way in may if way.sender.number == talk]
    return next(iter(in_talk or may), None)


async def _ask(visit: Visit, seen: Seen) -> list[Way]:
    services = visit.services
    pairs = [(sender, phone) for phone in seen.phones for sender in seen.senders]
    requests = [
        Request(recipient=phone.number, sender=sender.number, door=Door.CONSOLE)
        for sender, phone in pairs
    ]
    decisions = await check_many(requests, services.store, services.policy, services.clock.now())
    ways = [
        Way(sender, phone, decision)
        for (sender, phone), decision in zip(pairs, decisions, strict=True)
    ]
    return sorted(ways, key=lambda way: (way.talked_at, way.phone.phone.primary), reverse=True)


def _most_telling(closed: list[Way], talk: str) -> Way | None:
    """Choose the way whose refusal says most: what the person said, in this conversation."""
    theirs = [way for way in closed if way.decision.reason in _THEIR_WORD]
    in_talk = [way for way in theirs if way.sender.number == talk]
    return next(iter(in_talk or theirs or closed), None)


def _exact_sentence(told: Way | None) -> str:
    """Give the sentence that any attempt is refused with, at every door."""
    if told is None or told.decision.detail != OPTED_OUT_SENTENCE:
        return ""
    return OPTED_OUT_SENTENCE


def _local_time(visit: Visit, chosen: Way | None) -> LocalTime | None:
    """Find the time where the person is, where it is one at which people sleep."""
    if chosen is None:
        return None
    phone = chosen.phone
    found = find_local_time(phone.number, phone.standing.place, visit.services.clock.now())
    return found if found is not None and found.is_quiet else None


def say_why_not(seen: Seen, told: Way | None, closed: list[Way]) -> str:
    """Say in one sentence why nothing can be sent, and what the person must text to which number.

    `told` is the way whose refusal is told, of all that are `closed`.
    """
    if told is None:
        if not seen.phones:
            return "There is no phone on this profile yet: add one on the card."
        return "No number to send from is set up for you: an admin can add one in Settings."
    if told.decision.reason in _THEIR_WORD:
        return _say_their_word(seen, told)
    if told.decision.reason is Reason.NO_CONSENT:
        return _say_no_consent(seen, closed)
    return told.decision.detail


def _say_their_word(seen: Seen, way: Way) -> str:
    """Say how it can be undone; a START would not be enough where the company's word stands too."""
    brand = seen.directory.brand_of(way.sender).name
    suppression = standing_suppression(way.phone.standing, way.sender)
    if suppression is not None and not suppression.by_person:
        return (
            f"{show_number(way.phone.number)} is on a do-not-text list that covers {brand}, and "
            "the company put it there: nobody may text it until it is taken off."
        )
    if way.decision.reason is Reason.SUPPRESSED:
        return f"{seen.first_name} asked for no texts from {brand}{_say_back(way)}"
    return _say_opted_out(seen, way)


def _say_opted_out(seen: Seen, way: Way) -> str:
    number = show_number(way.sender.number)
    if way.decision.reason is Reason.CARRIER_BLOCKED:
        what = f"The carrier blocks texts from {number} to {seen.first_name}"
    else:
        what = f"{seen.first_name} opted out of {number}"
    return f"{what}{_say_back(way)}"


def _say_back(way: Way) -> str:
    if way.sender.kind is SenderKind.ALPHANUMERIC:
        return ", which cannot be texted back to."
    words = words_back(way.sender, standing_blocks(way.phone.standing, way.sender))
    number = show_number(way.sender.number)
    return f": to be texted again they must text {words} to {number}."


def _say_no_consent(seen: Seen, closed: list[Way]) -> str:
    numbers = list(dict.fromkeys(show_number(way.sender.number) for way in closed))
    named = " or ".join(numbers) if len(numbers) <= _NAMED_MAX else "one of your numbers"
    return f"{seen.first_name} has not texted you yet: once they text {named}, you can answer."
