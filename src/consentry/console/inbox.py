"""The inbox: people, newest first, with the state of each number."""

from typing import Final

from starlette.responses import Response

from consentry.console.pages import Page, Visit
from consentry.domain.agents import Permission
from consentry.ports import Page as ListPage


async def show_inbox(visit: Visit) -> Response:
    """List customers, newest first, with the state of each number."""
    store = visit.services.store
    search = visit.query("search")
    people = []
    for customer in await store.read_customers(ListPage(limit=100), search=search or None):
        standings = [await store.read_standing(phone.normalized) for phone in customer.phones]
        people.append((customer, list(zip(customer.phones, standings, strict=True))))
    return visit.render("people.html", people=people, search=search)


PAGES: Final = (Page(path="", view=show_inbox, permission=Permission.READ_CONVERSATIONS),)
