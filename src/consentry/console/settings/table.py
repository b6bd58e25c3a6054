"""All pages of the settings."""

from typing import Final

from consentry.console.settings import brands, carriers, programs, rules, sections, senders

PAGES: Final = (
    *sections.PAGES,
    *senders.PAGES,
    *programs.PAGES,
    *rules.PAGES,
    *brands.PAGES,
    *carriers.PAGES,
)
