"""Calls to action: what a person is shown before they consent, in versions that never change.

A version is evidence: whoever consented saw exactly this HTML, and its SHA-256 says so (CTIA
5.1.2). So nothing of a version is ever changed; whoever changes the wording makes a new one.
"""

from datetime import datetime
from enum import StrEnum

import msgspec


class CallMedium(StrEnum):
    """Where people meet a call to action, and so how they answer it."""

    WEB = "web"
    KEYWORD = "keyword"
    PAPER = "paper"
    VERBAL = "verbal"


class Wording(msgspec.Struct, frozen=True, omit_defaults=True):
    """What the company chose: the rest of a call to action is made from it.

    `frequency` is how often texts come, `terms` and `privacy` are addresses of web pages; where
    they are None, the program's are taken. `text` replaces the disclosure that is made of parts.
    `keyword` is the word to text.
    """

    heading: str
    frequency: str | None = None
    terms: str | None = None
    privacy: str | None = None
    text: str | None = None
    keyword: str | None = None


class CallToAction(msgspec.Struct, frozen=True, omit_defaults=True):
    """One version of a call to action, as it is shown.

    `text` is the disclosure as plain text, `html` all of what is shown and `sha256` the hex digest
    of its UTF-8 bytes. `made_by` is the kind and the id of who made the version.
    """

    id: str
    version: int
    program: str
    medium: CallMedium
    locale: str
    wording: Wording
    text: str
    html: str
    sha256: str
    created_at: datetime
    made_by: str = ""

    @property
    def version_id(self) -> str:
        """The name of this version, as consents keep it."""
        return f"{self.id}/{self.version}"
