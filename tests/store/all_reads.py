"""Reads everything that the contract of the store can read, to compare two databases."""

from datetime import UTC, date, datetime
from typing import Final

from consentry.ports import (
    DriftFilter,
    ExpiringFilter,
    InboxFilter,
    MessageFilter,
    NoticeFilter,
    OptOutFilter,
    Page,
    ReviewFilter,
    Store,
)

ALL: Final = Page(limit=100_000)
_EVER: Final = ExpiringFilter(datetime(2000, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC))
_SEARCHES: Final = ("an", "415", "é", "55501")


async def read_everything(store: Store) -> dict[str, object]:
    """Read all, by name of what was read; equal databases give equal values."""
    directory = await store.read_directory()
    senders = sorted(directory.senders)
    recipients = await store.read_recipients(ALL)
    read: dict[str, object] = {
        "directory": directory,
        "recipients": recipients,
        "audit": await store.read_audit(ALL),
        "messages": await store.read_messages(MessageFilter(), ALL),
        "indeterminate": await store.read_indeterminate(1000),
        "tallies": set(await store.read_tallies(date(2000, 1, 1), date(2100, 1, 1))),
        "stories": await store.read_opt_out_stories(datetime(2000, 1, 1, tzinfo=UTC), 10_000),
        "carriers": await store.read_carriers(),
        "templates": await store.read_templates(),
        "keys": await store.read_keys(),
        "outbox": await store.count_outbox(),
        "answered": await store.read_answered(1000),
        "due": sorted(await store.next_due()),
        "expiring": await store.read_expiring(_EVER, ALL),
        "drifts": await store.read_drifts(DriftFilter(), ALL),
        "open drifts": await store.count_drifts(),
        "reviews": await store.read_reviews(ReviewFilter(), ALL),
        "open reviews": await store.count_reviews(),
        "imports": [
            (run, await store.read_import_parts(run.id, 0)) for run in await store.read_imports(ALL)
        ],
        "comparisons": await store.read_reconciliations(ALL),
        "calls to action": {
            call: await store.read_calls_to_action(call, ALL) for call in directory.calls_to_action
        },
        "notices": await _read_notices(store),
        "secrets": [await store.read_webhook_secrets(webhook) for webhook in directory.webhooks],
        "inbox": await _read_inbox(store, InboxFilter()),
        "opt-outs": await _read_opt_outs(store),
        "customers": await _read_customers(store),
    }
    for words in _SEARCHES:
        read[f"search {words}"] = await store.read_customers(ALL, search=words)
    for sender in senders:
        wanted = MessageFilter(sender=sender)
        read[f"messages of {sender}"] = await store.read_messages(wanted, ALL)
        read[f"inbox of {sender}"] = await _read_inbox(store, InboxFilter((sender,)))
    agents = await store.read_agents()
    read["agents"] = agents
    for agent in agents:
        read[f"sessions {agent.id}"] = await store.read_sessions(agent.id)
        read[f"audit of {agent.id}"] = await store.read_audit(ALL, agent=agent.id)
    for recipient, _ in recipients:
        texts = MessageFilter(recipient=recipient)
        read[f"entries of {recipient}"] = await store.read_entries(recipient, ALL)
        read[f"values of {recipient}"] = await store.read_entry_values(recipient, ALL)
        read[f"receipts of {recipient}"] = await store.read_receipts(recipient, 100_000)
        read[f"texts of {recipient}"] = await store.read_messages(texts, ALL)
        read[f"profiles of {recipient}"] = await store.read_profiles(recipient)
        read[f"marks of {recipient}"] = [await store.read_mark(recipient, s) for s in senders]
    return read


async def _read_notices(store: Store) -> list[object]:
    """Read what each server waits for, by the end of time."""
    hosts = sorted(await store.next_notices())
    end = datetime(2100, 1, 1, tzinfo=UTC)
    told = [await store.read_notices(host, end, 1000) for host, _ in hosts]
    listed = [await store.list_notices(NoticeFilter(given_up=one), ALL) for one in (True, False)]
    return [hosts, told, await store.count_notices(), listed, await store.read_webhook_health()]


async def _read_customers(store: Store) -> list[object]:
    """Read page by page, as a list is looked through."""
    found: list[object] = []
    before: str | None = None
    while page := await store.read_customers(Page(limit=100, before=before)):
        found += page
        before = page[-1].id
    return found


async def _read_inbox(store: Store, wanted: InboxFilter) -> list[object]:
    """Read page by page: one may hold fewer than there are."""
    page = await store.read_inbox(wanted, Page(limit=200))
    found: list[object] = list(page.items)
    while page.next is not None:
        page = await store.read_inbox(wanted, Page(limit=200, before=page.next))
        found += page.items
    return found


async def _read_opt_outs(store: Store) -> list[object]:
    """Read page by page."""
    page = await store.read_opt_outs(OptOutFilter(), Page(limit=200))
    found: list[object] = list(page.items)
    while page.next is not None:
        page = await store.read_opt_outs(OptOutFilter(), Page(limit=200, before=page.next))
        found += page.items
    return found
