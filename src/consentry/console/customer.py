"""A customer: the contact card, the conversation timeline, and a composer that obeys."""

from typing import Final

from starlette.responses import Response

from consentry.console import (
    composer,
    consent_tab,
    customer_erasing,
    customer_merging,
    customer_opt_out,
    customer_phones,
    customer_profile,
    customer_request,
    customer_then,
)
from consentry.console.composer_ways import read_ways
from consentry.console.customer_page import (
    card_values,
    note_read,
    open_composer,
    read_card_form,
    render_page,
)
from consentry.console.customer_seen import Seen, with_customer
from consentry.console.pages import Page, Visit
from consentry.console.timeline_page import read_stretch
from consentry.domain.agents import Permission


async def show_card(visit: Visit, seen: Seen) -> Response:
    """Show the card alone, for the page's script to put in its place."""
    return visit.render("parts/card.html", **card_values(seen, read_card_form(visit)))


async def show_timeline(visit: Visit, seen: Seen) -> Response:
    """Show the newest end of the timeline, or a stretch before it, as a part of the page."""
    earlier = visit.query("earlier")
    stretch = await read_stretch(visit, seen, before=earlier, since=visit.query("since"))
    if stretch is None:
        return Response(status_code=204, headers={"HX-Refresh": "true"})
    if earlier:
        return visit.render("parts/timeline_earlier.html", seen=seen, stretch=stretch)
    await note_read(visit, stretch)
    return visit.render("parts/timeline.html", seen=seen, stretch=stretch)


async def show_ways(visit: Visit, seen: Seen) -> Response:
    """Show from where a text can be sent now, or why none can, as a part of the page."""
    ways, opened = await read_ways(visit, seen), open_composer(visit)
    return visit.render("parts/composer_ways.html", seen=seen, ways=ways, composer=opened)


async def show_composer(visit: Visit, seen: Seen) -> Response:
    """Show the composer for a text or a note, as a part of the page."""
    ways, opened = await read_ways(visit, seen), open_composer(visit)
    return visit.render("parts/composer.html", seen=seen, ways=ways, composer=opened)


_READ: Final = Permission.READ_CONVERSATIONS

PAGES: Final = (
    Page(path="/customers/{id}", view=with_customer(render_page), permission=_READ),
    Page(path="/customers/{id}/card", view=with_customer(show_card), permission=_READ),
    Page(path="/customers/{id}/timeline", view=with_customer(show_timeline), permission=_READ),
    Page(path="/customers/{id}/ways", view=with_customer(show_ways), permission=_READ),
    Page(path="/customers/{id}/composer", view=with_customer(show_composer), permission=_READ),
    *composer.PAGES,
    *customer_profile.PAGES,
    *customer_phones.PAGES,
    *customer_opt_out.PAGES,
    *customer_request.PAGES,
    *customer_merging.PAGES,
    *customer_erasing.PAGES,
    *consent_tab.PAGES,
    *customer_then.PAGES,
)
