"""The rows of the inbox: conversations, and the people that a search finds."""

from datetime import datetime
from typing import Final

import msgspec

from consentry.actions.receive_message import stranger
from consentry.console.card import find_state
from consentry.console.inbox_choice import InboxChoice
from consentry.console.wording import show_number
from consentry.domain.consent import PairState
from consentry.domain.customers import Customer
from consentry.domain.directory import Directory
from consentry.domain.keywords import is_our_opt_in, read_legal
from consentry.domain.reading import LegalMeaning, Tier
from consentry.domain.standing import SMSPreference, Standing
from consentry.ports import Conversation

_SHOWN_CHARACTERS: Final = 160
"""More than two lines hold."""

_KEYWORD_CHARACTERS_MAX: Final = 60
_STOP: Final = "ban"
_START: Final = "circle-check"


class Row(msgspec.Struct, frozen=True):
    """One conversation: who, their newest text, and where it leads.

    `icon` is that of a keyword, else empty. `address` is empty where the number is on no profile
    yet: it must be filed first. `state` is empty where there is nothing to say of it.
    """

    key: str
    who: str
    is_named: bool
    text: str
    icon: str
    at: datetime
    state: str
    recipient: str
    sender: str
    message: str
    address: str
    is_unread: bool
    is_done: bool
    is_open: bool


class Person(msgspec.Struct, frozen=True):
    """One customer that a search found, with each number and how it stands.

    A number is empty where the customer is called by it already.
    """

    key: str
    who: str
    is_named: bool
    numbers: tuple[tuple[str, str], ...]
    address: str
    is_open: bool


def build_row(item: Conversation, directory: Directory, choice: InboxChoice) -> Row:
    """Draw a conversation."""
    message = item.message
    sender = directory.senders.get(message.sender)
    if sender is None:
        sender = stranger(message.sender, message.carrier or "")
    state = find_state(item.standing, sender)
    customer = item.customer
    name = customer.name.strip() if customer else ""
    is_open = customer is not None and customer.id == choice.opened
    return Row(
        key=f"talk-{message.recipient.lstrip('+')}-{message.sender.lstrip('+')}",
        who=name or show_number(message.recipient),
        is_named=bool(name),
        text=_newest(message.body, len(message.media)),
        icon=_read_keyword(message.body, state),
        at=message.created_at,
        state="" if state is PairState.OPTED_IN else state,
        recipient=message.recipient,
        sender=message.sender,
        message=message.id,
        address=choice.address_of(customer.id, message.sender) if customer else "",
        is_unread=item.is_unread,
        is_done=item.is_done,
        is_open=is_open and choice.talk in {"", message.sender},
    )


def build_person(customer: Customer, standings: list[Standing], choice: InboxChoice) -> Person:
    """Draw a customer."""
    name = customer.name.strip()
    numbers = tuple(
        (phone.normalized, _state_of(standing))
        for phone, standing in zip(customer.phones, standings, strict=True)
    )
    called = name or "No name, no number"
    if numbers and not name:
        called = show_number(numbers[0][0])
        numbers = (("", numbers[0][1]), *numbers[1:])
    return Person(
        key=f"person-{customer.id}",
        who=called,
        is_named=bool(name),
        numbers=numbers,
        address=choice.address_of(customer.id, ""),
        is_open=customer.id == choice.opened,
    )


def _newest(body: str, media: int) -> str:
    text = " ".join(body[: 2 * _SHOWN_CHARACTERS].split())
    if text:
        return text[:_SHOWN_CHARACTERS]
    return "A picture" if media == 1 else f"{media} pictures" if media else "An empty text"


def _read_keyword(body: str, state: PairState) -> str:
    """Tell the icon of a text that is a keyword and nothing else, and that still holds."""
    if len(body) > _KEYWORD_CHARACTERS_MAX:
        return ""
    if state is PairState.OPTED_OUT:
        reading = read_legal(body)
        is_stop = reading.tier is Tier.KEYWORD and reading.meaning is LegalMeaning.OPT_OUT
        return _STOP if is_stop else ""
    # A YES is mostly an ordinary answer, so it is shown as the text that it is.
    is_start = is_our_opt_in(body) and body.strip().upper() != "YES"
    return _START if is_start and state is PairState.OPTED_IN else ""


def _state_of(standing: Standing) -> str:
    match standing.sms_preference:
        case SMSPreference.FORBIDDEN:
            return PairState.OPTED_OUT
        case SMSPreference.ON:
            return PairState.OPTED_IN
        case SMSPreference.OFF:
            return PairState.NOT_ASKED
