"""The customer's page: the card, the timeline and the composer, read at once and shown."""

import asyncio
from collections.abc import Mapping
from datetime import timedelta
from typing import Final, TypedDict

import msgspec
from starlette.responses import Response

from consentry.actions.mark_conversation import MarkConversation
from consentry.actions.record_audit import RecordView
from consentry.console.card import CardPhone, build_card, worst_state
from consentry.console.composer_ways import read_ways
from consentry.console.customer_seen import Seen
from consentry.console.inbox import InboxShown, read_inbox_list
from consentry.console.pages import Visit
from consentry.console.timeline_page import Stretch, read_stretch
from consentry.domain.agents import Permission
from consentry.domain.customers import PhoneType
from consentry.domain.entries import EntryKind
from consentry.domain.messages import Message
from consentry.ports import EntryFilter, Page

SMS: Final = "sms"
NOTE: Final = "note"
_VIEW_AGAIN: Final = timedelta(minutes=10)
_VIEWS_LOOKED_AT: Final = 20


class CardForm(msgspec.Struct, frozen=True):
    """A form that is open on the card: which, of which phone, what was typed, what is wrong."""

    what: str = ""
    phone: str = ""
    values: Mapping[str, str] = {}
    errors: Mapping[str, str] = {}


class Composer(msgspec.Struct, frozen=True):
    """What the composer is for, what was typed in it, and why that was not taken.

    `once` tells a form from the next one, so that a text that is posted twice is sent once.
    """

    once: str
    mode: str = SMS
    typed: str = ""
    error: str = ""


def open_composer(visit: Visit, *, mode: str = "", typed: str = "", error: str = "") -> Composer:
    """Open a composer for a new text or a new note."""
    wanted = mode or visit.query("compose")
    return Composer(
        once=visit.services.ids.new("once"),
        mode=NOTE if wanted == NOTE else SMS,
        typed=typed,
        error=error,
    )


def read_card_form(visit: Visit) -> CardForm:
    """Read from the address which form is open."""
    return CardForm(what=visit.query("edit"), phone=visit.query("phone"))


class CardShown(TypedDict):
    """What `parts/card.html` shows."""

    seen: Seen
    phones: tuple[CardPhone, ...]
    state: str
    form: CardForm
    phone_types: tuple[PhoneType, ...]


class FrameShown(InboxShown, CardShown):
    """What `customer_frame.html` shows: the inbox and the card."""


async def read_frame(visit: Visit, seen: Seen, form: CardForm | None = None) -> FrameShown:
    """Read what stands around the middle of every page of a customer."""
    inbox = await read_inbox_list(visit)
    return {**inbox, **card_values(seen, form or read_card_form(visit))}


def card_values(seen: Seen, form: CardForm) -> CardShown:
    """Give what the card shows."""
    phones = build_card(seen)
    return {
        "seen": seen,
        "phones": phones,
        "state": worst_state(phones),
        "form": form,
        "phone_types": tuple(PhoneType),
    }


async def render_page(
    visit: Visit,
    seen: Seen,
    *,
    form: CardForm | None = None,
    composer: Composer | None = None,
    status: int = 200,
) -> Response:
    """Render the whole page; each read that does not wait for another is made beside it."""
    earlier = visit.query("earlier")
    frame, ways, stretch = await asyncio.gather(
        read_frame(visit, seen, form),
        read_ways(visit, seen),
        read_stretch(visit, seen, before=earlier),
    )
    if visit.request.method == "GET":
        await asyncio.gather(_note_view(visit, seen), note_read(visit, stretch))
    return visit.render(
        "customer.html",
        status=status,
        stretch=stretch,
        earlier=earlier,
        ways=ways,
        composer=composer or open_composer(visit),
        **frame,
    )


async def _note_view(visit: Visit, seen: Seen) -> None:
    """Record that the agent looked at this customer, once in ten minutes."""
    store, now = visit.services.store, visit.services.clock.now()
    if seen.phones:
        wanted = EntryFilter(kinds=(EntryKind.CUSTOMER_VIEWED,))
        page = Page(limit=_VIEWS_LOOKED_AT)
        views = await store.read_entries(seen.phones[0].number, page, wanted=wanted)
        since = now - _VIEW_AGAIN
        if any(view.actor == visit.actor and view.recorded_at > since for view in views):
            return
    store.post(RecordView(seen.customer.id, seen.numbers, visit.actor))


async def note_read(visit: Visit, stretch: Stretch | None) -> None:
    """Mark the conversations that are shown as read, where the one who looks answers them."""
    if stretch is None or visit.query("earlier") or not visit.agent.may(Permission.SEND):
        return
    await asyncio.gather(*(_note_text(visit, text) for text in stretch.newest_texts))


async def _note_text(visit: Visit, text: Message) -> None:
    store = visit.services.store
    mark = await store.read_mark(text.recipient, text.sender)
    if mark is None or mark.read is None or mark.read < text.id:
        store.post(MarkConversation(text.recipient, text.sender, read=text.id))
