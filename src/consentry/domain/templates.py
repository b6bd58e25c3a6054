"""Wordings with a name: what a company texts again and again, kept and judged in one place."""

from datetime import datetime
from typing import Final

import msgspec

from consentry.domain.wording_lint import WordingKind

BODY_CHARACTERS_MAX: Final = 2000
NAME_CHARACTERS_MAX: Final = 200


class Template(msgspec.Struct, frozen=True, omit_defaults=True):
    """A named wording of a brand, for texts of one kind.

    `{brand}` and `{contact}` in it are filled in by us; other names in braces are its program's to
    fill. One that was deleted stays, with `deleted_at`, as texts may have been sent by it.
    """

    id: str
    brand: str
    name: str
    kind: WordingKind
    body: str
    created_at: datetime
    updated_at: datetime
    deleted_at: datetime | None = None
