"""The audit: who saw and did what, newest first."""

from collections.abc import AsyncIterator
from typing import Final
from urllib.parse import urlencode

import msgspec
from starlette.responses import Response

from consentry.console.audit_words import KINDS, Names, Told, name_who, sees, tell
from consentry.console.exports import Export, Row, send_export
from consentry.console.key_names import read_key_names
from consentry.console.pages import Page, Visit
from consentry.console.rendering import rfc3339
from consentry.domain.agents import Agent, Permission
from consentry.domain.entries import NOBODY, Entry, EntryKind
from consentry.ports import Page as ListPage
from consentry.ports import Rejected

_ON_A_PAGE: Final = 50
_IN_A_SLICE: Final = 200
_LOOKED_AT_MAX: Final = 1000
"""How many entries one page looks at where most of them are not the agent's to read."""

_COLUMNS: Final = ("at", "who", "kind", "words", "number", "sender", "actor_kind", "actor", "entry")


class Asked(msgspec.Struct, frozen=True):
    """What the address asks for: an agent, a kind of entry, and what is wrong with it."""

    fields: dict[str, str]
    agent: str | None
    kinds: tuple[EntryKind, ...] | None
    errors: list[str]
    words: str

    def query(self, **more: str) -> str:
        """Write the address of this list, or of what follows from it."""
        return urlencode({name: value for name, value in {**self.fields, **more}.items() if value})


class AuditRow(msgspec.Struct, frozen=True):
    """An entry as it is shown; `customer` is the id of whom it is about, where there is one."""

    entry: Entry
    who: str
    told: Told
    customer: str | None


async def show_audit(visit: Visit) -> Response:
    """Show what was done, newest first."""
    agents = await _list_agents(visit)
    asked = _read_asked(visit, agents)
    before = visit.query("before") or None
    entries: list[Entry] = []
    following = None
    if not asked.errors:
        entries, following = await _gather(visit, asked, before)
    return visit.render(
        "audit.html",
        status=400 if asked.errors else 200,
        rows=await _describe(visit, entries),
        asked=asked,
        agents=agents,
        kinds=KINDS,
        before=before,
        following=following,
    )


async def _list_agents(visit: Visit) -> list[Agent]:
    """List the agents one may choose from: who works for a brand of one's own."""
    mine = visit.agent
    return [
        agent
        for agent in await visit.services.store.read_agents()
        if not mine.brands or not agent.brands or set(agent.brands) & set(mine.brands)
    ]


def _read_asked(visit: Visit, agents: list[Agent]) -> Asked:
    fields = {name: visit.query(name) for name in ("who", "kind")}
    errors = []
    chosen = next((agent for agent in agents if agent.id == fields["who"]), None)
    if fields["who"] and chosen is None:
        errors.append("There is no such agent. Choose one of the list.")
    kind = next((kind for kind in KINDS if kind == fields["kind"]), None)
    if fields["kind"] and kind is None:
        errors.append("There is no such kind of entry. Choose one of the list.")
    parts = []
    if chosen is not None:
        parts.append(f"of {chosen.name or chosen.email}")
    if kind is not None:
        parts.append(KINDS[kind].lower())
    return Asked(
        fields=fields,
        agent=None if chosen is None else chosen.id,
        kinds=None if kind is None else (kind,),
        errors=errors,
        words=", ".join(parts),
    )


async def _gather(visit: Visit, asked: Asked, before: str | None) -> tuple[list[Entry], str | None]:
    """Gather a page of what the agent may read, and the cursor of the page after."""
    found: list[Entry] = []
    looked_at = 0
    async for entries in _read_slices(visit, asked, before):
        for entry in entries:
            if len(found) == _ON_A_PAGE or looked_at == _LOOKED_AT_MAX:
                return found, before
            before = entry.id
            looked_at += 1
            if sees(visit.agent, entry, await visit.services.store.read_directory()):
                found.append(entry)
    return found, None


async def _read_slices(
    visit: Visit, asked: Asked, before: str | None
) -> AsyncIterator[list[Entry]]:
    """Read the audit slice by slice, all of it."""
    while True:
        page = ListPage(limit=_IN_A_SLICE, before=before)
        store = visit.services.store
        entries = await store.read_audit(page, agent=asked.agent, kinds=asked.kinds)
        yield entries
        if len(entries) < _IN_A_SLICE:
            return
        before = entries[-1].id


async def _read_names(visit: Visit) -> Names:
    store = visit.services.store
    agents = {agent.id: agent.name or agent.email for agent in await store.read_agents()}
    return Names(agents, await read_key_names(store))


async def _describe(visit: Visit, entries: list[Entry]) -> list[AuditRow]:
    store = visit.services.store
    names = await _read_names(visit)
    recipients = {entry.recipient for entry in entries if entry.recipient != NOBODY}
    profiles = {number: await store.read_profiles(number) for number in recipients}
    return [
        AuditRow(
            entry=entry,
            who=name_who(entry, names),
            told=tell(entry, await store.read_directory()),
            customer=next((one.id for one in profiles.get(entry.recipient, [])), None),
        )
        for entry in entries
    ]


async def export_audit(visit: Visit) -> Response:
    """Send the audit as CSV, by the same filters and rights as the page."""
    asked = _read_asked(visit, await _list_agents(visit))
    if asked.errors:
        raise Rejected("invalid_filter", " ".join(asked.errors), status=400)
    today = visit.services.clock.now().date()
    export = Export(name=f"audit-{today}.csv", columns=_COLUMNS, what="audit", part=asked.words)
    return send_export(visit, export, _read_rows(visit, asked))


async def _read_rows(visit: Visit, asked: Asked) -> AsyncIterator[list[Row]]:
    names = await _read_names(visit)
    async for entries in _read_slices(visit, asked, None):
        directory = await visit.services.store.read_directory()
        yield [
            (
                rfc3339(entry.recorded_at),
                name_who(entry, names),
                entry.kind,
                tell(entry, directory).sentence,
                entry.recipient,
                entry.sender or "",
                entry.actor.kind,
                entry.actor.id or "",
                entry.id,
            )
            for entry in entries
            if sees(visit.agent, entry, directory)
        ]


PAGES: Final = (
    Page(path="/audit", view=show_audit, permission=Permission.READ_AUDIT),
    Page(path="/audit.csv", view=export_audit, permission=Permission.EXPORT),
)
