"""Which pages of the console are measured, on which people of a made-up database."""

from typing import Final
from urllib.parse import quote, urlencode

import msgspec

from consentry.cli.generate.names import number_of
from consentry.ports import InboxFilter, Store
from consentry.ports import Page as Cursor

PAGE_MILLISECONDS: Final = 30.0
SEARCH_MILLISECONDS: Final = 100.0
_LIST: Final = Cursor(limit=50)
_SOMEWHERE: Final = 500


class Subject(msgspec.Struct, frozen=True):
    """Whom and what the pages are about."""

    ordinary: str
    chatty: str
    number: str
    name: str
    second_page: str


class Asked(msgspec.Struct, frozen=True):
    """One address that is measured, and how long it may take at most."""

    name: str
    title: str
    path: str
    at_most: float = PAGE_MILLISECONDS


async def choose_subject(store: Store) -> Subject:
    """Find people in the database: the one who wrote most, an ordinary one, a rare name."""
    inbox = await store.read_inbox(InboxFilter(), Cursor(limit=_SOMEWHERE))
    known = [c for c in inbox.items if c.customer is not None and c.customer.name]
    customer = known[-1].customer if known else None
    chatty = await store.read_profiles(number_of(0)[0])
    if customer is None or not chatty:
        raise LookupError(
            "This database holds nobody to measure with. Make one with `consentry generate`."
        )
    pages = await store.read_inbox(InboxFilter(open_only=True), _LIST)
    return Subject(
        ordinary=customer.id,
        chatty=chatty[0].id,
        number=customer.phones[0].normalized,
        name=customer.name,
        second_page=pages.next or "",
    )


def searches(subject: Subject) -> tuple[tuple[str, str, str], ...]:
    """List what is searched for: a name for the figure, what it is, and the words."""
    digits = subject.number.removeprefix("+")
    return (
        ("1_character", "1 character", subject.name[0].lower()),
        ("2_characters", "2 characters", "qz"),
        ("3_characters", "3 characters", subject.name[:3].lower()),
        ("7_characters", "7 digits", digits[-7:]),
        ("name", "a whole name", subject.name),
        ("address", "part of an address", "@example.o"),
        ("nobody", "7 characters nobody has", "zqxjkvw"),
        ("repeated", "digits that many nearly have", "12121212"),
    )


def list_asked(subject: Subject) -> list[Asked]:
    """List the addresses that are measured."""
    customer = "/console/customers/"
    pages = [
        Asked("inbox", "inbox", "/console"),
        Asked("inbox_all", "inbox, done ones too", "/console?show=all"),
        Asked("inbox_second", "inbox, second page", _query("/console", before=subject.second_page)),
        Asked("customer", "a customer", customer + subject.ordinary),
        Asked("customer_long", "a customer with thousands of texts", customer + subject.chatty),
        Asked("consent", "a customer's consent", f"{customer}{subject.chatty}/consent"),
        Asked("opt_outs", "opt-outs", "/console/opt-outs"),
        Asked("reports", "reports", "/console/reports"),
        Asked("audit", "audit", "/console/audit"),
        Asked("settings_senders", "settings, senders", "/console/settings/senders"),
        Asked("settings_agents", "settings, agents", "/console/settings/agents"),
        Asked("settings_keywords", "settings, keywords", "/console/settings/keywords"),
    ]
    for name, what, words in searches(subject):
        path = _query("/console", search=words)
        pages.append(Asked(f"search_{name}", f"search: {what}", path, SEARCH_MILLISECONDS))
    for name, words in (("number", subject.number[-4:]), ("name", subject.name)):
        path = _query("/console/opt-outs", search=words)
        title = f"opt-outs, search by {name}"
        pages.append(Asked(f"opt_outs_{name}", title, path, SEARCH_MILLISECONDS))
    return pages


def _query(path: str, **values: str) -> str:
    return f"{path}?{urlencode(values, quote_via=quote)}"
