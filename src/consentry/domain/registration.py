"""Packets for registering a number with carriers: the fields, what is missing, what is wrong.

The fields are named as Twilio names them and are rows with their limits; so are the rules, each
with the rejection that it keeps away. What only the company knows is listed and never made up.
"""

import re
from collections.abc import Callable, Mapping
from datetime import date
from enum import StrEnum
from ipaddress import ip_address
from typing import Final
from urllib.parse import urlsplit

import msgspec

from consentry.domain.reading_data import read_rows
from consentry.domain.wording_lint import Finding, Level

Value = str | bool | tuple[str, ...] | None


class PacketKind(StrEnum):
    """Which registration a packet is for."""

    TEN_DLC = "10dlc"
    TOLL_FREE = "toll-free"


class FieldRow(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A field of a packet: `least` and `most` are characters, of each item where it is a list."""

    packet: PacketKind
    name: str
    required: bool
    says: str
    least: int
    most: int
    items_least: int
    items_most: int
    source: str
    checked_on: date


class PacketCheck(StrEnum):
    """What a rule looks at."""

    NAMES_BRAND = "names_brand"
    SAYS = "says"
    LINKS = "links"
    PUBLIC_ADDRESS = "public_address"
    PUBLIC_LINKS = "public_links"
    HAS_CONTACT = "has_contact"


class PacketRule(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One rule about fields; `says` tells what to do, with `{found}` filled in."""

    id: str
    fields: tuple[str, ...]
    level: Level
    check: PacketCheck
    words: tuple[str, ...]
    says: str
    source: str
    checked_on: date


class FieldTable(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The fields of one edition."""

    version: str
    rows: tuple[FieldRow, ...]


class RuleTable(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The rules of one edition."""

    version: str
    rows: tuple[PacketRule, ...]


FIELDS: Final = read_rows("registration_fields.json", FieldTable)
RULES: Final = read_rows("registration_rules.json", RuleTable)

_LINK: Final = re.compile(r"https?://[^\s\"<>()]+")
_ADDRESS: Final = re.compile(r"https?://\S+|[^\s@]+@[^\s@]+")
_CONTACT: Final = re.compile(r"[^\s@]+@[^\s@]+\.\w+|\+?\d[\d ().-]{5,}\d|https?://\S")


class Missing(msgspec.Struct, frozen=True):
    """A field that nobody has filled in, and what belongs there."""

    field: str
    says: str


class Packet(msgspec.Struct, frozen=True):
    """A registration as far as it can be filled in: every field of its kind is there."""

    kind: PacketKind
    sender: str
    fields: dict[str, Value]
    missing: tuple[Missing, ...]
    findings: tuple[Finding, ...]

    @property
    def is_ready(self) -> bool:
        """Tell whether it can be handed in: nothing is missing and nothing is an error."""
        return not self.missing and all(one.level is not Level.ERROR for one in self.findings)


def fields_of(kind: PacketKind) -> tuple[FieldRow, ...]:
    """List the fields of a kind of packet, in Twilio's order."""
    return tuple(row for row in FIELDS.rows if row.packet is kind)


def judge_packet(
    kind: PacketKind,
    sender: str,
    values: Mapping[str, Value],
    *,
    brand: str,
    found: tuple[Finding, ...] = (),
) -> Packet:
    """Put values into a packet, and say what is missing in it and what is wrong.

    `found` is what was found before, when the values were made.
    """
    rows = fields_of(kind)
    fields = {row.name: values.get(row.name) for row in rows}
    missing = tuple(
        Missing(row.name, row.says) for row in rows if row.required and _is_empty(fields[row.name])
    )
    sizes = (_judge_size(row, fields[row.name]) for row in rows)
    return Packet(
        kind=kind,
        sender=sender,
        fields=fields,
        missing=missing,
        findings=(*found, *(one for one in sizes if one is not None), *_judge_rules(fields, brand)),
    )


def _is_empty(value: Value) -> bool:
    return value in (None, (), "")


def list_texts(value: Value) -> tuple[str, ...]:
    """List the texts of a value; one that is no text has none."""
    if isinstance(value, tuple):
        return value
    return (value,) if isinstance(value, str) else ()


def _judge_size(row: FieldRow, value: Value) -> Finding | None:
    if _is_empty(value):
        return None
    texts, wrong = list_texts(value), ""
    if row.items_most and not row.items_least <= len(texts) <= row.items_most:
        wrong = f"has {len(texts)}; {row.items_least} to {row.items_most} are allowed"
    outside = [len(t) for t in texts if row.most and not row.least <= len(t) <= row.most]
    if outside:
        wrong = f"has {outside[0]} characters; {row.least} to {row.most} are allowed"
    if not wrong:
        return None
    return Finding(f"size/{row.name}", Level.ERROR, f"{row.name} {wrong}.", row.source)


def _judge_rules(fields: Mapping[str, Value], brand: str) -> tuple[Finding, ...]:
    findings = []
    for rule in RULES.rows:
        for name in rule.fields:
            texts = list_texts(fields.get(name))
            found = _CHECKS[rule.check](rule, texts, brand) if any(texts) else None
            if found is not None:
                says = f"{name}: {rule.says.replace('{found}', found)}"
                findings.append(Finding(rule.id, rule.level, says, rule.source))
    return tuple(findings)


def _names_brand(_rule: PacketRule, texts: tuple[str, ...], brand: str) -> str | None:
    name = brand.casefold()
    shown = (_ADDRESS.sub(" ", text).casefold() for text in texts)
    return None if all(name in text for text in shown) else ""


def _says(rule: PacketRule, texts: tuple[str, ...], _brand: str) -> str | None:
    said = " ".join(texts).casefold()
    return None if any(word.casefold() in said for word in rule.words) else ""


def _links(_rule: PacketRule, texts: tuple[str, ...], _brand: str) -> str | None:
    found = {link.rstrip(".,") for text in texts for link in _LINK.findall(text)}
    return None if len(found) > 1 else ""


def _public_address(_rule: PacketRule, texts: tuple[str, ...], _brand: str) -> str | None:
    return next((text for text in texts if not is_public(text)), None)


def _public_links(_rule: PacketRule, texts: tuple[str, ...], _brand: str) -> str | None:
    links = (link.rstrip(".,") for text in texts for link in _LINK.findall(text))
    return next((link for link in links if not is_public(link)), None)


def _has_contact(_rule: PacketRule, texts: tuple[str, ...], _brand: str) -> str | None:
    return None if any(_CONTACT.search(text) for text in texts) else ""


_CHECKS: Final[dict[PacketCheck, Callable[[PacketRule, tuple[str, ...], str], str | None]]] = {
    PacketCheck.NAMES_BRAND: _names_brand,
    PacketCheck.SAYS: _says,
    PacketCheck.LINKS: _links,
    PacketCheck.PUBLIC_ADDRESS: _public_address,
    PacketCheck.PUBLIC_LINKS: _public_links,
    PacketCheck.HAS_CONTACT: _has_contact,
}
"""Each gives what it found, or None where the field is as it should be."""


def is_public(link: str) -> bool:
    """Tell whether anybody can open an address: https, and a host that is not of one network."""
    try:
        parts = urlsplit(link)
        host = parts.hostname or ""
    except ValueError:
        return False
    try:
        return parts.scheme == "https" and ip_address(host).is_global
    except ValueError:
        return parts.scheme == "https" and "." in host and not host.endswith(_PRIVATE)


_PRIVATE: Final = (".local", ".internal", ".localhost", ".lan", ".test", ".invalid")
