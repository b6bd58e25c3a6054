"""The Contact Card: how each phone stands with each of our numbers, since when, and why."""

from datetime import datetime
from typing import Final, assert_never

import msgspec

from consentry.actions.receive_message import stranger
from consentry.console.clock_words import spell_day
from consentry.console.customer_seen import Seen, SeenPhone
from consentry.console.sender_choice import name_brand
from consentry.console.wording import show_number
from consentry.domain.consent import PairState, pair_state
from consentry.domain.customers import CustomerPhone
from consentry.domain.directory import Directory, Sender
from consentry.domain.obstacles import standing_blocks, standing_suppression
from consentry.domain.reading import BlockLayer, SenderKind
from consentry.domain.standing import (
    CARRIER_CAUSES,
    EVERYTHING,
    Block,
    Cause,
    Consent,
    ConsentState,
    Place,
    SMSPreference,
    Standing,
    Suppression,
)

WAITING: Final = "waiting"
"""The fifth state: consent was asked for, and the handset has not answered yet."""

_SEVERITY: Final = (
    PairState.OPTED_OUT,
    PairState.CARRIER_BLOCKED,
    PairState.PAUSED,
    WAITING,
    PairState.OPTED_IN,
    PairState.NOT_ASKED,
)
"""The states, the one that says most about a person first."""

_CAUSES: Final[dict[Cause, str]] = {
    Cause.KEYWORD: "by their text",
    Cause.FREE_TEXT: "by what they wrote in a text",
    Cause.CARRIER_REFUSAL: "the carrier said so when it refused a text",
    Cause.CARRIER_LIST: "it is on the carrier's list",
    Cause.DRIFT: "the carrier tells something that is not in our records",
    Cause.AGENT: "an agent or a program recorded it",
    Cause.IMPORT: "it came with an imported list",
    Cause.WRONG_NUMBER: "they said that this is a wrong number",
    Cause.REASSIGNED: "the number has a new owner",
    Cause.LEGAL: "for legal reasons",
}


_ANSWER: Final = "Answer it in the review queue, or wait for their STOP or START"
_SETTLE: Final = "Settle it under carrier drift in the reports, or wait for their START"


class Pair(msgspec.Struct, frozen=True):
    """How a phone stands with one sender. `back` says how the person can be texted again."""

    sender: Sender
    state: str
    since: datetime | None = None
    cause: str = ""
    back: str = ""

    @property
    def how(self) -> str:
        """Say by what and what now, as sentences of their own."""
        return f"{self.cause[:1].upper()}{self.cause[1:]}. {self.back}".strip(". ")


class CardPhone(msgspec.Struct, frozen=True):
    """A phone as the card shows it.

    `is_forbidden`: an opt-out stands. `not_asked` are the senders that it has nothing to do with.
    """

    phone: CustomerPhone
    is_forbidden: bool
    has_tag: bool
    pairs: tuple[Pair, ...]
    not_asked: tuple[Sender, ...]
    place: Place | None = None

    @property
    def number(self) -> str:
        """The number in the form that addresses and forms name it by."""
        return self.phone.normalized


def build_card(seen: Seen) -> tuple[CardPhone, ...]:
    """Draw every phone of the customer."""
    return tuple(_draw(phone, seen) for phone in seen.phones)


def _draw(phone: SeenPhone, seen: Seen) -> CardPhone:
    pairs = tuple(_describe(phone.standing, sender, seen) for sender in _senders_of(phone, seen))
    told = tuple(pair for pair in pairs if pair.state != PairState.NOT_ASKED)
    return CardPhone(
        phone=phone.phone,
        is_forbidden=_is_forbidden(phone, seen, told),
        has_tag=phone.standing.sms_preference is SMSPreference.ON,
        pairs=told,
        not_asked=tuple(pair.sender for pair in pairs if pair.state == PairState.NOT_ASKED),
        place=phone.standing.place,
    )


def _is_forbidden(phone: SeenPhone, seen: Seen, told: tuple[Pair, ...]) -> bool:
    """Tell whether it shows red: for an agent of some brands, what stands with those counts."""
    if seen.sees_all:
        return phone.standing.sms_preference is SMSPreference.FORBIDDEN
    return any(pair.state in (PairState.OPTED_OUT, PairState.CARRIER_BLOCKED) for pair in told)


def _senders_of(phone: SeenPhone, seen: Seen) -> list[Sender]:
    """List the senders to show: the agent's own, and numbers that are not set up any more."""
    senders = list(seen.senders)
    if seen.sees_all:
        gone = [t.sender for t in phone.standing.threads if t.sender not in seen.directory.senders]
        senders += [stranger(number, "") for number in gone]
    return senders


def worst_state(phones: tuple[CardPhone, ...]) -> str:
    """Say in one state how a customer stands: the one that restricts most."""
    found = {pair.state for phone in phones for pair in phone.pairs}
    return next((state for state in _SEVERITY if state in found), PairState.NOT_ASKED)


def _describe(standing: Standing, sender: Sender, seen: Seen) -> Pair:
    consent = standing.consent(sender.conversation)
    state = pair_state(standing, sender)
    match state:
        case PairState.NOT_ASKED:
            waits = consent is not None and consent.state in (
                ConsentState.PENDING,
                ConsentState.PENDING_CARRIER,
            )
            if consent is None or not waits:
                return Pair(sender, state)
            return Pair(sender, WAITING, consent.since, "their handset has to confirm it")
        case PairState.OPTED_IN:
            review = standing.review(sender.number)
            if review is not None:
                said = "what they wrote may be an opt-out"
                return Pair(sender, PairState.PAUSED, review.texts[0].at, said, _ANSWER)
            since = None if consent is None else consent.since
            return Pair(sender, state, since, f"by their text{_spell_end(consent)}")
        case PairState.OPTED_OUT | PairState.CARRIER_BLOCKED:
            since, cause = _explain(standing, sender, consent, seen.directory)
            return Pair(sender, state, since, cause, spell_way_back(standing, sender))
        case PairState.PAUSED:
            since = standing_blocks(standing, sender)[0].since
            return Pair(sender, state, since, _CAUSES[Cause.DRIFT], _SETTLE)
        case never:
            assert_never(never)


def _spell_end(consent: Consent | None) -> str:
    """Say when a consent runs out, if it does."""
    expires_at = None if consent is None else consent.expires_at
    return "" if expires_at is None else f", expires {spell_day(expires_at)}"


def _explain(
    standing: Standing, sender: Sender, consent: Consent | None, directory: Directory
) -> tuple[datetime | None, str]:
    """Say since when and by what a sender may not text; the person's word before a guess."""
    blocks = standing_blocks(standing, sender)
    said = [block for block in blocks if block.cause not in CARRIER_CAUSES]
    if said:
        first = min(said, key=lambda block: block.since)
        return first.since, _CAUSES[first.cause]
    suppression = standing_suppression(standing, sender)
    if suppression is not None:
        listed = f"on the do-not-text list of {spell_scope(suppression.scope, directory)}"
        return suppression.since, f"{_CAUSES[suppression.cause]}: {listed}"
    if consent is not None and consent.is_withdrawn:
        return consent.since, "by their word"
    return (blocks[0].since, _CAUSES[blocks[0].cause]) if blocks else (None, "")


def find_state(standing: Standing, sender: Sender) -> PairState:
    """Tell how a pair shows where there is no room for why: what is to be reviewed is held."""
    state = pair_state(standing, sender)
    is_held = state is PairState.OPTED_IN and standing.review(sender.number) is not None
    return PairState.PAUSED if is_held else state


def spell_scope(scope: str, directory: Directory) -> str:
    """Name whom a suppression is of: a brand, or everything."""
    if scope == EVERYTHING:
        return "the whole company"
    return name_brand(directory, scope)


def spell_way_back(standing: Standing, sender: Sender) -> str:
    """Say exactly what the person must text to which number; empty where no text of theirs helps.

    YES never works on a toll-free number, so it is named nowhere but where our own list is the
    only one that counts.
    """
    suppression = standing_suppression(standing, sender)
    if suppression is not None and not suppression.by_person:
        return _say_company_listed(suppression)
    if sender.kind is SenderKind.ALPHANUMERIC:
        return f"{sender.number} cannot be texted, so there is no way back over it."
    number = show_number(sender.number)
    words = words_back(sender, standing_blocks(standing, sender))
    return f"To be texted again they must text {words} to {number}."


def _say_company_listed(suppression: Suppression) -> str:
    if suppression.cause is Cause.REASSIGNED:
        return "Ask them for their new number."
    return "The company put it there and alone can take it off, on the Consent tab."


def words_back(sender: Sender, blocks: tuple[Block, ...]) -> str:
    """Name the words that bring this person back to this sender."""
    if sender.kind is SenderKind.TOLL_FREE:
        return "START or UNSTOP"
    ours_alone = all(block.layer is BlockLayer.OURS for block in blocks)
    if sender.kind is SenderKind.SHORT_CODE and ours_alone:
        return "START, UNSTOP or YES"
    return "START"
