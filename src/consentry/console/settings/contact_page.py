"""The text for a contact page: opt-in language for a sender, ready to copy. Nothing is stored."""

from typing import Final

import msgspec
from starlette.responses import Response

from consentry.console.pages import Page, Visit
from consentry.console.settings.sections import CONTACT_PAGE, show
from consentry.console.settings.sender_page import describe_kind
from consentry.console.wording import show_number
from consentry.domain.agents import Permission
from consentry.domain.contact_snippet import (
    ABOUT_DEFAULT,
    FREQUENCY_DEFAULT,
    LINK_CHARACTERS_MAX,
    TEXT_CHARACTERS_MAX,
    LinkRefused,
    Offer,
    Snippet,
    build_snippet,
    read_link,
    to_html,
    to_text,
)
from consentry.domain.directory import Sender
from consentry.domain.reading import SenderKind

_DEFAULTS: Final = {"about": ABOUT_DEFAULT, "frequency": FREQUENCY_DEFAULT}
_LINKS: Final = ("terms", "privacy")


class Worded(msgspec.Struct, frozen=True):
    """The snippet in its three forms, and what is still missing in it."""

    snippet: Snippet
    html: str
    text: str
    missing: tuple[str, ...]


async def show_contact_page(visit: Visit) -> Response:
    """Show the snippet of a sender; while one types, the snippet alone."""
    senders = [s for s in await visit.senders() if s.kind is not SenderKind.ALPHANUMERIC]
    asked = visit.query("sender")
    sender = next((s for s in senders if s.number == asked), senders[0] if senders else None)
    values, errors = _read_fields(visit)
    worded = None if sender is None or errors else await _word(visit, sender, values)
    if visit.is_fragment:
        return visit.render(
            "settings/snippet_fragment.html", worded=worded, errors=errors, values=values
        )
    return await show(
        visit,
        CONTACT_PAGE,
        "contact_page.html",
        senders=[(s.number, f"{show_number(s.number)}, {await _name(visit, s)}") for s in senders],
        sender=sender,
        kind="" if sender is None else describe_kind(sender.kind),
        values=values,
        errors=errors,
        worded=worded,
        longest=TEXT_CHARACTERS_MAX,
        longest_link=LINK_CHARACTERS_MAX,
    )


async def _name(visit: Visit, sender: Sender) -> str:
    return (await visit.services.store.read_directory()).brand_of(sender).name


def _read_fields(visit: Visit) -> tuple[dict[str, str], dict[str, str]]:
    """Read what was filled in, with what is wrong at which field."""
    values = {name: visit.query(name) for name in (*_DEFAULTS, *_LINKS)}
    errors = {
        name: f"Write at most {TEXT_CHARACTERS_MAX} characters."
        for name in _DEFAULTS
        if len(values[name]) > TEXT_CHARACTERS_MAX
    }
    for name in _LINKS:
        try:
            read_link(values[name])
        except LinkRefused as error:
            errors[name] = str(error)
    return values, errors


async def _word(visit: Visit, sender: Sender, values: dict[str, str]) -> Worded | None:
    brand = (await visit.services.store.read_directory()).brand_of(sender)
    offer = Offer(
        about=values["about"] or ABOUT_DEFAULT,
        frequency=values["frequency"] or FREQUENCY_DEFAULT,
        terms=read_link(values["terms"]),
        privacy=read_link(values["privacy"]),
    )
    snippet = build_snippet(sender, brand, offer, shown=show_number(sender.number))
    if snippet is None:
        return None
    missing = []
    if offer.terms is None or offer.privacy is None:
        missing.append("Links to your terms and your privacy policy: carriers ask for both.")
    if brand.contact is None:
        missing.append("A contact for help: add one to the brand, in Brands.")
    return Worded(snippet, to_html(snippet), to_text(snippet), tuple(missing))


PAGES: Final = (
    Page(
        path="/settings/contact-page",
        view=show_contact_page,
        permission=Permission.READ_SETTINGS,
    ),
)
