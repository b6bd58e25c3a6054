"""All pages of the settings."""

from typing import Final

from consentry.console.settings import (
    agents,
    brands,
    calls_to_action,
    campaigns,
    carriers,
    contact_page,
    keys,
    keywords,
    ledger,
    programs,
    registration,
    replies,
    rules,
    sections,
    senders,
    templates,
    webhook_failures,
    webhooks,
)

PAGES: Final = (
    *sections.PAGES,
    *senders.PAGES,
    *registration.PAGES,
    *keywords.PAGES,
    *campaigns.PAGES,
    *replies.PAGES,
    *templates.PAGES,
    *programs.PAGES,
    *calls_to_action.PAGES,
    *rules.PAGES,
    *brands.PAGES,
    *carriers.PAGES,
    *agents.PAGES,
    *keys.PAGES,
    *webhooks.PAGES,
    *webhook_failures.PAGES,
    *ledger.PAGES,
    *contact_page.PAGES,
)
