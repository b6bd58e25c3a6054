"""The sections of the settings: who may look, who may change, and how each page is framed."""

from datetime import timedelta
from typing import Final

import msgspec
from starlette.responses import Response

from consentry.console.guard import FormRefused
from consentry.console.pages import Page, Visit
from consentry.domain.agents import Permission
from consentry.domain.directory import Brand
from consentry.domain.entries import EntryKind
from consentry.ports import Page as ListPage

HOME: Final = "/console/settings"
_FRESH: Final = timedelta(minutes=2)


class Section(msgspec.Struct, frozen=True):
    """A section. `of_all` says that it concerns every brand, so who works for some stays out."""

    slug: str
    words: str
    icon: str
    permission: Permission = Permission.CHANGE_SETTINGS
    of_all: bool = False

    @property
    def path(self) -> str:
        """Where the section is."""
        return f"{HOME}/{self.slug}"


SENDERS: Final = Section("senders", "Senders", "phone")
KEYWORDS: Final = Section("keywords", "Keywords", "message-square-text")
REPLIES: Final = Section("replies", "Replies", "reply")
TEMPLATES: Final = Section("templates", "Templates", "sticky-note")
PROGRAMS: Final = Section("programs", "Programs", "list")
CALLS_TO_ACTION: Final = Section("calls-to-action", "Calls to action", "circle-check")
RULES: Final = Section("rules", "Rules", "shield-check")
BRANDS: Final = Section("brands", "Brands", "tag")
CARRIERS: Final = Section("carriers", "Carriers", "building-2", of_all=True)
AGENTS: Final = Section("agents", "Agents", "users", Permission.MANAGE_AGENTS, of_all=True)
KEYS: Final = Section("keys", "API keys", "key-round", Permission.MANAGE_KEYS, of_all=True)
WEBHOOKS: Final = Section("webhooks", "Webhooks", "send", Permission.MANAGE_KEYS, of_all=True)
LEDGER: Final = Section("ledger", "Ledger", "lock", of_all=True)
CONTACT_PAGE: Final = Section("contact-page", "Contact page", "globe")
SECTIONS: Final = (
    SENDERS,
    KEYWORDS,
    REPLIES,
    TEMPLATES,
    PROGRAMS,
    CALLS_TO_ACTION,
    RULES,
    BRANDS,
    CARRIERS,
    AGENTS,
    KEYS,
    WEBHOOKS,
    LEDGER,
    CONTACT_PAGE,
)


def may_change(visit: Visit, section: Section) -> bool:
    """Tell whether this agent may change what a section is about."""
    held = section.of_all and bool(visit.agent.brands)
    return visit.agent.may(section.permission) and not held


def check_all_brands(visit: Visit) -> None:
    """Refuse a form about every brand to who works for some; raises `FormRefused`."""
    if visit.agent.brands:
        raise FormRefused(
            403, "This concerns every brand, and you work for some. Ask an admin of all brands."
        )


async def brands_of(visit: Visit) -> list[Brand]:
    """List the brands that this agent works for, by name."""
    brands = (await visit.services.store.read_directory()).brands.values()
    return sorted((b for b in brands if visit.agent.sees(b.id)), key=lambda b: b.name.casefold())


async def show(
    visit: Visit, section: Section, template: str, *, status: int = 200, **values: object
) -> Response:
    """Show a page of a section, with what was just saved."""
    if section.of_all and visit.agent.brands:
        template, values, status = "settings/all_brands.html", {}, 403
    return visit.render(
        f"settings/{template.removeprefix('settings/')}",
        status=status,
        sections=SECTIONS,
        section=section,
        may_change=may_change(visit, section),
        saved=await _saved(visit),
        **values,
    )


async def _saved(visit: Visit) -> str:
    """Tell what this agent saved just before, as the ledger has it."""
    match visit.query("saved"):
        case "":
            return ""
        case "same":
            return "Nothing was different, so nothing was changed."
        case _:
            newest = await visit.services.store.read_audit(
                ListPage(limit=1), agent=visit.agent.id, kinds=(EntryKind.SETTING_CHANGED,)
            )
            fresh_since = visit.services.clock.now() - _FRESH
            told = [entry.text or "" for entry in newest if entry.at >= fresh_since]
            return f"Saved. {_begin(told[0])}" if told else "Saved."


def _begin(sentence: str) -> str:
    return f"{sentence[:1].upper()}{sentence[1:]}"


def go_saved(visit: Visit, path: str, *, changed: bool = True) -> Response:
    """Lead to a page that says what was saved."""
    return visit.go(f"{path}?saved={'1' if changed else 'same'}")


async def _lead_in(visit: Visit) -> Response:
    """Lead to the section asked for, else to the first."""
    known = {section.slug: section for section in SECTIONS}
    return visit.go(known.get(visit.query("section"), SECTIONS[0]).path)


PAGES: Final = (Page(path="/settings", view=_lead_in, permission=Permission.READ_SETTINGS),)
