"""Filling a template in: every name has a value, and a value is a value."""

import pytest

from consentry.domain.directory import Brand, Purpose
from consentry.domain.templates import Template, ValuesMissing, fill_template, purpose_of
from consentry.domain.wording_lint import WordingKind
from memory_store import START

pytestmark = pytest.mark.unit

BRAND = Brand("acme", "Acme", contact="a@acme.example")


def template(body: str, kind: WordingKind = WordingKind.MARKETING) -> Template:
    return Template("tpl", "acme", "x", kind, body, START, START)


def test_names_in_braces_are_filled_in() -> None:
    """Brand and contact by us, others by the program; braces in a value stay what they are."""
    filled = fill_template(
        template("{brand}: {name}, {contact}see {link}{ }"),
        BRAND,
        {"name": "{brand} {x}", "link": "https://a.example"},
    )
    assert filled == (
        "Acme: {brand} {x}, for help, contact a@acme.example. see https://a.example{ }"
    )


def test_what_has_no_value_is_named() -> None:
    """Each once, so that nobody gets a text with a hole in it."""
    with pytest.raises(ValuesMissing, match=r"^order, day$"):
        fill_template(template("{order} {day} {order} {brand}"), BRAND, {})


def test_a_kind_says_what_texts_are_for() -> None:
    """The wordings of our own answers are for no text of a program."""
    assert purpose_of(template("", WordingKind.MARKETING)) is Purpose.MARKETING
    assert purpose_of(template("", WordingKind.INFORMATIONAL)) is Purpose.INFORMATIONAL
    assert purpose_of(template("", WordingKind.CONVERSATIONAL)) is Purpose.CONVERSATIONAL
    assert purpose_of(template("", WordingKind.HELP_REPLY)) is None
