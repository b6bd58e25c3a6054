"""What is wrong with a wording of ours before anybody gets it: rows of rules, each with a source.

An error says that the wording may not go out; a warning says what it costs or risks.
"""

import re
import unicodedata
from collections.abc import Callable
from datetime import date
from enum import StrEnum
from typing import Final

import msgspec

from consentry.domain.directory import Brand
from consentry.domain.keywords import read_legal
from consentry.domain.reading import LegalMeaning
from consentry.domain.reading_data import read_rows
from consentry.domain.replies import fill_in

_WORD: Final = re.compile(r"[^\W\d_]+")
_PLACEHOLDER: Final = re.compile(r"\{[^{}\s]*\}")
_EMAIL: Final = re.compile(r"[^\s@]+@[^\s@]+")
_SHOUTED_LETTERS_MIN: Final = 4
_TEXTED_BACK: Final = frozenset(
    {"STOP", "START", "UNSTOP", "HELP", "INFO", "UNSUBSCRIBE", "CANCEL", "QUIT", "STOPALL", "JOIN"}
)
_CONTACT: Final = re.compile(
    r"[^\s@]+@[^\s@]+\.\w+"  # an email address
    r"|\+?\d[\d ().-]{5,}\d"  # a phone number
    r"|https?://\S|(?<!\w)www\.\w|(?<![\w.])[a-z0-9-]+(?:\.[a-z0-9-]+)*\.[a-z]{2,}(?![\w.])",
    re.IGNORECASE,
)


class WordingKind(StrEnum):
    """What a wording is for: one of our own answers, or a text of a purpose.

    The first six are named as the kinds of messages are that carry them.
    """

    INITIAL_REPLY = "initial_reply"
    OPT_OUT_CONFIRMATION = "opt_out_confirmation"
    OPT_IN_CONFIRMATION = "opt_in_confirmation"
    HELP_REPLY = "help_reply"
    OPT_IN_REQUEST = "opt_in_request"
    PROGRAM_CONFIRMATION = "program_confirmation"
    CONVERSATIONAL = "conversational"
    INFORMATIONAL = "informational"
    MARKETING = "marketing"


class Level(StrEnum):
    """How much a finding weighs."""

    ERROR = "error"
    WARNING = "warning"


class Check(StrEnum):
    """What a rule looks at."""

    NAMES_BRAND = "names_brand"
    NAMES_PROGRAM = "names_program"
    TELLS_HOW_TO_STOP = "tells_how_to_stop"
    HAS_CONTACT = "has_contact"
    CONTACT_IS_KNOWN = "contact_is_known"
    KNOWN_PLACEHOLDERS = "known_placeholders"
    SAYS = "says"
    NEVER_SAYS = "never_says"
    CHARACTERS = "characters"
    SEGMENTS = "segments"
    ONE_ALPHABET = "one_alphabet"
    ALL_CAPITALS = "all_capitals"


class Rule(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One rule; `says` tells what to do, with `{found}` and `{most}` filled in."""

    id: str
    kinds: tuple[WordingKind, ...]
    level: Level
    check: Check
    says: str
    source: str
    since: date | None
    checked_on: date
    words: tuple[str, ...] = ()
    most: int = 0


class RuleTable(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """All rules of one edition, and what stands in GSM-7 for characters that look alike."""

    version: str
    rules: tuple[Rule, ...]
    replacements: dict[str, str]


TABLE: Final = read_rows("wording_rules.json", RuleTable)


class Size(msgspec.Struct, frozen=True):
    """How a filled-in wording goes out; `outside` are its characters outside GSM-7."""

    segments: int
    outside: tuple[str, ...] = ()


class Finding(msgspec.Struct, frozen=True):
    """What a rule found."""

    rule: str
    level: Level
    says: str
    source: str


class _Wording(msgspec.Struct, frozen=True):
    """A wording as the checks look at it; `unbranded` is without the name.

    `program` is the name of the program it is for, where that is known.
    """

    text: str
    filled: str
    unbranded: str
    brand: Brand
    size: Size
    program: str | None


def lint_wording(
    kind: WordingKind,
    text: str,
    brand: Brand,
    *,
    size: Size,
    today: date,
    program: str | None = None,
) -> tuple[Finding, ...]:
    """Judge a wording of the company's by the rules in force.

    `size` is that of `fill_in(text, brand)`, `program` the name of the program that it is for.
    Total: any text gets a list of findings.
    """
    filled = fill_in(text, brand)
    wording = _Wording(text, filled, _without_name(filled, brand.name), brand, size, program)
    findings = []
    for rule in TABLE.rules:
        if kind not in rule.kinds or (rule.since is not None and rule.since > today):
            continue
        found = _CHECKS[rule.check](rule, wording)
        if found is not None:
            says = rule.says.replace("{found}", found).replace("{most}", str(rule.most))
            findings.append(Finding(rule.id, rule.level, says, rule.source))
    return tuple(findings)


def simplify(text: str) -> str:
    """Put in GSM-7 characters what only looks finer: curly quotes, long dashes, odd spaces."""
    return "".join(TABLE.replacements.get(character, character) for character in text)


def _without_name(filled: str, name: str) -> str:
    """Leave the brand's name out: a company may be called Stop & Shop."""
    return filled.replace(name.strip() or " ", " ")


def _names_brand(_rule: Rule, wording: _Wording) -> str | None:
    """Look for the name; one that only stands in an email address does not count."""
    name = wording.brand.name.strip().casefold()
    shown = _EMAIL.sub(" ", wording.filled).casefold()
    return None if name and name in shown else ""


def _names_program(_rule: Rule, wording: _Wording) -> str | None:
    named = wording.program is not None and wording.program.casefold() in wording.filled.casefold()
    return None if named or "{program}" in wording.text else ""


def _tells_how_to_stop(_rule: Rule, wording: _Wording) -> str | None:
    """Look for a word in capitals that, texted back alone, opts out."""
    for word in _WORD.findall(wording.unbranded):
        if word == word.upper() and read_legal(word).meaning is LegalMeaning.OPT_OUT:
            return None
    return ""


def _has_contact(_rule: Rule, wording: _Wording) -> str | None:
    asks = "{contact}" in wording.text
    return None if asks or _CONTACT.search(wording.unbranded) is not None else ""


def _contact_is_known(_rule: Rule, wording: _Wording) -> str | None:
    return "" if "{contact}" in wording.text and not wording.brand.contact else None


def _known_placeholders(rule: Rule, wording: _Wording) -> str | None:
    unknown = [p for p in _PLACEHOLDER.findall(wording.text) if p not in rule.words]
    return ", ".join(dict.fromkeys(unknown)) if unknown else None


def _says(rule: Rule, wording: _Wording) -> str | None:
    return None if _find_phrase(rule, wording) else ""


def _never_says(rule: Rule, wording: _Wording) -> str | None:
    return _find_phrase(rule, wording)


def _characters(rule: Rule, wording: _Wording) -> str | None:
    return str(len(wording.filled)) if len(wording.filled) > rule.most else None


def _segments(rule: Rule, wording: _Wording) -> str | None:
    return str(wording.size.segments) if wording.size.segments > rule.most else None


def _one_alphabet(_rule: Rule, wording: _Wording) -> str | None:
    outside = wording.size.outside
    return ", ".join(_describe(character) for character in outside) if outside else None


def _all_capitals(rule: Rule, wording: _Wording) -> str | None:
    """List words in capitals that are longer than what people text back, if there are many."""
    shouted = [
        word
        for word in _WORD.findall(wording.unbranded)
        if len(word) >= _SHOUTED_LETTERS_MIN
        and word != word.lower()
        and word == word.upper()
        and word not in _TEXTED_BACK
    ]
    return ", ".join(dict.fromkeys(shouted)) if len(shouted) > rule.most else None


_CHECKS: Final[dict[Check, Callable[[Rule, _Wording], str | None]]] = {
    Check.NAMES_BRAND: _names_brand,
    Check.NAMES_PROGRAM: _names_program,
    Check.TELLS_HOW_TO_STOP: _tells_how_to_stop,
    Check.HAS_CONTACT: _has_contact,
    Check.CONTACT_IS_KNOWN: _contact_is_known,
    Check.KNOWN_PLACEHOLDERS: _known_placeholders,
    Check.SAYS: _says,
    Check.NEVER_SAYS: _never_says,
    Check.CHARACTERS: _characters,
    Check.SEGMENTS: _segments,
    Check.ONE_ALPHABET: _one_alphabet,
    Check.ALL_CAPITALS: _all_capitals,
}
"""Each gives what it found, or None where the wording is as it should be."""


def _compile(words: tuple[str, ...]) -> re.Pattern[str]:
    """Make one pattern of a rule's phrases: whole words, where the script has words."""
    phrases = []
    for phrase in sorted(words, key=len, reverse=True):
        before = r"(?<!\w)" if phrase[0].isascii() and phrase[0].isalnum() else ""
        after = r"(?!\w)" if phrase[-1].isascii() and phrase[-1].isalnum() else ""
        phrases.append(f"{before}{re.escape(phrase)}{after}")
    return re.compile("|".join(phrases), re.IGNORECASE)


_PHRASES: Final = {rule.id: _compile(rule.words) for rule in TABLE.rules if rule.words}


def _find_phrase(rule: Rule, wording: _Wording) -> str | None:
    # A phone's own apostrophe is no reason not to be understood.
    found = _PHRASES[rule.id].search(wording.unbranded.replace("\u2019", "'"))
    return None if found is None else found[0]


def _describe(character: str) -> str:
    """Name a character outside GSM-7, with what could stand for it."""
    shown = character if character.isprintable() and not character.isspace() else None
    name = shown or unicodedata.name(character, f"U+{ord(character):04X}").lower()
    better = TABLE.replacements.get(character)
    if better is None:
        return name
    return f"{name} (leave it out)" if not better else f"{name} (write {_spell(better)})"


def _spell(better: str) -> str:
    return "a space" if better == " " else better
