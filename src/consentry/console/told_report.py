"""The report of opt-outs that people told by phone, mail, web or in person: the legal clock."""

from typing import Final

import msgspec
from starlette.responses import Response

from consentry.actions.list_told import ToldOptOut, list_told
from consentry.console.clock_words import spell_day, spell_latency
from consentry.console.key_names import read_key_names
from consentry.console.opt_outs_words import name_scope
from consentry.console.pages import Page, Visit
from consentry.console.sender_choice import visible_scopes
from consentry.console.timeline_words import spell_medium, spell_program
from consentry.console.visible import name_visible
from consentry.domain.agents import Permission
from consentry.domain.customers import Customer
from consentry.domain.directory import Directory
from consentry.domain.entries import Entry
from consentry.domain.standing import EVERYTHING, Suppression
from consentry.ports import Page as ListPage

_ON_A_PAGE: Final = 50


class ToldRow(msgspec.Struct, frozen=True):
    """An opt-out as the report shows it: of what, by whom recorded, and its clock."""

    told: ToldOptOut
    of: str
    medium: str
    words: str
    recorded_by: str
    customer: Customer | None


async def show_told(visit: Visit) -> Response:
    """List them, recorded last first."""
    only_late = visit.query("late") == "true"
    before = visit.query("before") or None
    page = ListPage(limit=_ON_A_PAGE, before=before)
    found = await list_told(visit.services.store, page, only_late=only_late)
    names = {agent.id: agent.name for agent in await visit.services.store.read_agents()}
    names |= await read_key_names(visit.services.store)
    rows = [await _describe(visit, told, names) for told in found.items]
    return visit.render(
        "told_report.html",
        rows=[row for row in rows if row is not None],
        only_late=only_late,
        before=before,
        following=found.next,
        spell_latency=spell_latency,
        spell_day=spell_day,
    )


async def _describe(visit: Visit, told: ToldOptOut, names: dict[str, str]) -> ToldRow | None:
    """Describe one; None where it is of a brand that the agent does not work for."""
    directory = await visit.services.store.read_directory()
    entry = told.entry
    scope = _scope_of(entry, directory)
    scopes = await visible_scopes(visit)
    if scopes is not None and scope not in scopes:
        return None
    evidence = entry.evidence
    profiles = await visit.services.store.read_profiles(entry.recipient)
    program = entry.program
    return ToldRow(
        told,
        of=spell_program(program, directory) if program else name_scope(scope, directory),
        medium="" if evidence is None else spell_medium(evidence.medium),
        words="" if evidence is None else evidence.verbatim or "",
        recorded_by=names.get(entry.actor.id or "", entry.actor.id or str(entry.actor.kind)),
        customer=await name_visible(visit, profiles[0] if profiles else None),
    )


def _scope_of(entry: Entry, directory: Directory) -> str:
    """Name the scope that an entry is about, as an agent's brands bound what they see."""
    program = None if entry.program is None else directory.program(entry.program)
    if program is not None:
        return program.sender or program.brand
    listed = (piece.scope for piece in entry.pieces if isinstance(piece, Suppression))
    return next(listed, EVERYTHING)


PAGES: Final = (Page(path="/reports/told", view=show_told, permission=Permission.READ_REPORTS),)
