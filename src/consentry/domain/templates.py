"""Wordings with a name: what a company texts again and again, kept and judged in one place."""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Final

import msgspec

from consentry.domain.directory import Brand, Purpose
from consentry.domain.replies import fill_in
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


_BLANK: Final = re.compile(r"\{([^{}\s]+)\}")
_PURPOSES: Final = {
    WordingKind.CONVERSATIONAL: Purpose.CONVERSATIONAL,
    WordingKind.INFORMATIONAL: Purpose.INFORMATIONAL,
    WordingKind.MARKETING: Purpose.MARKETING,
}


class ValuesMissing(ValueError):
    """A template cannot be filled in; the message names what is missing."""


def purpose_of(template: Template) -> Purpose | None:
    """Say what texts of a template are for; None: it words an answer of our own, nobody's text."""
    return _PURPOSES.get(template.kind)


def fill_template(template: Template, brand: Brand, values: Mapping[str, str]) -> str:
    """Fill a template in with the brand and a program's values, each as it is.

    Raises `ValuesMissing` where a name in braces has no value.
    """
    known = {"brand": brand.name, "contact": fill_in("{contact}", brand), **values}
    missing = [name for name in _BLANK.findall(template.body) if name not in known]
    if missing:
        raise ValuesMissing(", ".join(dict.fromkeys(missing)))
    return _BLANK.sub(lambda found: known[found[1]], template.body)
