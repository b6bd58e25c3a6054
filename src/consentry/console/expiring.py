"""Consents that run out soon, so that people can be asked again before they do."""

from datetime import timedelta
from typing import Final

import msgspec
from starlette.responses import Response

from consentry.console.clock_words import spell_day
from consentry.console.pages import Page, Visit
from consentry.console.timeline_words import spell_program
from consentry.console.visible import name_visible
from consentry.domain.agents import Permission
from consentry.domain.customers import Customer
from consentry.domain.directory import CONVERSATION_PREFIX, Directory
from consentry.ports import ExpiringConsent, ExpiringFilter
from consentry.ports import Page as ListPage

WITHIN_DAYS: Final = (30, 90, 365)
_ON_A_PAGE: Final = 100


class ExpiringRow(msgspec.Struct, frozen=True):
    """A consent that runs out, whose it is, and with what."""

    item: ExpiringConsent
    program: str
    customer: Customer | None


async def show_expiring(visit: Visit) -> Response:
    """List what runs out within some days."""
    asked = visit.query("within")
    days = next((days for days in WITHIN_DAYS if str(days) == asked), WITHIN_DAYS[0])
    store, now = visit.services.store, visit.services.clock.now()
    directory = await store.read_directory()
    wanted = ExpiringFilter(now, now + timedelta(days=days), _visible(visit, directory))
    before = visit.query("before") or None
    found = await store.read_expiring(wanted, ListPage(limit=_ON_A_PAGE, before=before))
    return visit.render(
        "expiring.html",
        rows=[await _describe(visit, item, directory) for item in found.items],
        days=days,
        choices=WITHIN_DAYS,
        before=before,
        following=found.next,
        spell_day=spell_day,
    )


def _visible(visit: Visit, directory: Directory) -> tuple[str, ...] | None:
    """Name the programs of the brands that this agent works for; None: of all."""
    if not visit.agent.brands:
        return None
    programs = [p.id for p in directory.programs.values() if visit.agent.sees(p.brand)]
    senders = [s.number for s in directory.senders.values() if visit.agent.sees(s.brand)]
    return (*programs, *(f"{CONVERSATION_PREFIX}{number}" for number in senders))


async def _describe(visit: Visit, item: ExpiringConsent, directory: Directory) -> ExpiringRow:
    profiles = await visit.services.store.read_profiles(item.recipient)
    program = spell_program(item.consent.program, directory)
    customer = await name_visible(visit, profiles[0] if profiles else None)
    return ExpiringRow(item, program, customer)


PAGES: Final = (
    Page(path="/reports/expiring", view=show_expiring, permission=Permission.READ_REPORTS),
)
