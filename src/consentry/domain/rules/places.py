"""Where a person is, as far as a zone, a postal code or the number itself tells.

An explicit zone comes before a postal code, and that before the number's prefix. Where a prefix
lies in several states or zones all of them are candidates, and rules must hold in each.
"""

import re
from contextlib import suppress
from enum import StrEnum
from functools import lru_cache
from typing import Final

import msgspec

from consentry.domain.phone import InvalidNumber, parse_phone
from consentry.domain.reading_data import read_rows
from consentry.domain.rules.zones import (
    US_ZONES,
    UnknownZone,
    read_zone,
    zones_of_country,
)
from consentry.domain.standing import Place

_AREA_CODE: Final = slice(2, 5)
_REGION_LENGTH: Final = 2
_UNITED_STATES: Final = "US"
_CANADA: Final = "CA"
_FRANCE: Final = "FR"
_FRENCH_OVERSEAS: Final = frozenset(
    {"BL", "GF", "GP", "MF", "MQ", "NC", "PF", "PM", "RE", "WF", "YT"}
)
"""Where French law holds and the number plan has a country code of its own."""
_UNITED_STATES_CODE: Final = re.compile(r"(\d{5})(-?\d{4})?")
_CANADIAN_CODE: Final = re.compile(r"([A-Z]\d[A-Z])( ?\d[A-Z]\d)?")
_FRENCH_CODE: Final = re.compile(r"(\d{5})")
_SHARING_PLAN: Final = frozenset({"US", "CA", "PR", "VI", "GU", "AS", "MP"})
"""Whose numbers may belong to a person in the United States."""
_CACHE_ENTRIES: Final = 65_536


class WhereaboutsBy(StrEnum):
    """What told where a person is."""

    ZONE = "zone"
    POSTAL_CODE = "postal_code"
    PREFIX = "prefix"
    UNKNOWN = "unknown"


class Whereabouts(msgspec.Struct, frozen=True, gc=False):
    """Where a person may be: every jurisdiction (US, US-FL) and IANA zone, and what told it."""

    jurisdictions: tuple[str, ...]
    zones: tuple[str, ...]
    by: WhereaboutsBy


class InvalidPlace(ValueError):
    """A place that cannot be one; the message says what to do."""


class _PostalRow(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    prefixes: tuple[str, ...]
    places: tuple[str, ...]
    zones: tuple[str, ...]


class _PostalTable(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    country: str
    source: str
    checked_on: str
    rows: tuple[_PostalRow, ...]


class _PostalTables(msgspec.Struct, frozen=True):
    version: str
    tables: tuple[_PostalTable, ...]


class _AreaRow(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    places: tuple[str, ...]
    codes: tuple[str, ...]
    zones: tuple[str, ...]


class _AreaTable(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    source: str
    checked_on: str
    rows: tuple[_AreaRow, ...]


class _AreaTables(msgspec.Struct, frozen=True):
    version: str
    tables: tuple[_AreaTable, ...]


UNKNOWN: Final = Whereabouts((_UNITED_STATES,), US_ZONES, WhereaboutsBy.UNKNOWN)
"""Nothing tells: the United States, in any of their zones."""


def find_whereabouts(recipient: str, place: Place | None) -> Whereabouts:
    """Find where the person of a number (E.164) is; total: what nothing tells is `UNKNOWN`."""
    found = _find_by_number(recipient)
    if place is None:
        return found
    if place.postal_code is not None:
        # Where the table has lost a code since it was kept, the number tells.
        with suppress(InvalidPlace):
            found = _find_by_postal_code(place.postal_code, _region_of(recipient))
    if place.zone is None:
        return found
    return _in_zone(found, place.zone)


def read_place(
    recipient: str, *, zone: str | None, postal_code: str | None
) -> tuple[str | None, str | None]:
    """Check a zone and a postal code, and give both as they are kept; raises InvalidPlace."""
    if zone is not None:
        try:
            read_zone(zone)
        except UnknownZone as error:
            raise InvalidPlace(str(error)) from error
    if postal_code is None:
        return zone, None
    cleaned = " ".join(postal_code.upper().split())
    _find_by_postal_code(cleaned, _region_of(recipient))
    return zone, cleaned


@lru_cache(maxsize=_CACHE_ENTRIES)
def _in_zone(found: Whereabouts, zone: str) -> Whereabouts:
    """Take a zone for the person's own; one of the United States brings their federal law."""
    jurisdictions = found.jurisdictions
    in_states = zone in US_ZONES or zone in zones_of_country(_UNITED_STATES)
    if in_states and _UNITED_STATES not in jurisdictions:
        jurisdictions = (_UNITED_STATES, *jurisdictions)
    return Whereabouts(jurisdictions, (zone,), WhereaboutsBy.ZONE)


def _find_by_number(recipient: str) -> Whereabouts:
    if recipient.startswith("+1"):
        return _find_north_american(recipient[_AREA_CODE])
    return _find_elsewhere(recipient)


@lru_cache(maxsize=_CACHE_ENTRIES)
def _find_north_american(area_code: str) -> Whereabouts:
    """Find a number by its area code: mobile numbers keep to no smaller part of it."""
    row = _area_codes().get(area_code)
    if row is not None:
        return Whereabouts((*_countries(row.places), *row.places), row.zones, WhereaboutsBy.PREFIX)
    recipient = f"+1{area_code}5550100"
    if _region_of(recipient) in (None, _UNITED_STATES):
        return UNKNOWN
    return _find_elsewhere(recipient)


def _countries(places: tuple[str, ...]) -> tuple[str, ...]:
    """List the countries of these states, each once; a country stands for itself alone."""
    found = dict.fromkeys(place.partition("-")[0] for place in places)
    return tuple(country for country in found if country not in places)


@lru_cache(maxsize=_CACHE_ENTRIES)
def _find_elsewhere(recipient: str) -> Whereabouts:
    region = _region_of(recipient)
    zones = () if region is None else _zones_of_number(recipient, region)
    if region is None or not zones:
        return UNKNOWN
    law = _FRANCE if region in _FRENCH_OVERSEAS else region
    return Whereabouts((law,), zones, WhereaboutsBy.PREFIX)


def _zones_of_number(recipient: str, region: str) -> tuple[str, ...]:
    """Ask the table of prefixes for the zones in the number's own country, else take them all."""
    # Imported here: the table takes as long to load as much of the rest of a command.
    import phonenumbers  # noqa: PLC0415 - see above
    from phonenumbers.timezone import time_zones_for_number  # noqa: PLC0415 - see above

    own = zones_of_country(region)
    named = time_zones_for_number(phonenumbers.parse(recipient))
    return tuple(zone for zone in own if zone in named) or own


@lru_cache(maxsize=_CACHE_ENTRIES)
def _region_of(recipient: str) -> str | None:
    """Give the country of a number; None where it has none, or is no number."""
    try:
        region = parse_phone(recipient).region_code
    except InvalidNumber:
        return None
    return region if len(region) == _REGION_LENGTH and region.isalpha() else None


@lru_cache(maxsize=1)
def _area_codes() -> dict[str, _AreaRow]:
    tables = read_rows("area_codes.json", _AreaTables).tables
    return {code: row for table in tables for row in table.rows for code in row.codes}


@lru_cache(maxsize=1)
def _postal_prefixes() -> dict[tuple[str, str], _PostalRow]:
    """Spread the rows' ranges (350-369) into one prefix each, by country."""
    return {
        (table.country, prefix): row
        for table in read_rows("postal_places.json", _PostalTables).tables
        for row in table.rows
        for named in row.prefixes
        for prefix in _spread(named)
    }


def _spread(named: str) -> tuple[str, ...]:
    first, _, last = named.partition("-")
    if not last:
        return (first,)
    return tuple(str(n).zfill(len(first)) for n in range(int(first), int(last) + 1))


def _country_of_code(code: str, region: str | None) -> str | None:
    """Tell whose postal code it is; France and the United States write theirs alike."""
    if _CANADIAN_CODE.fullmatch(code) is not None:
        return _CANADA
    if region == _FRANCE or region in _FRENCH_OVERSEAS:
        return _FRANCE if _FRENCH_CODE.fullmatch(code) is not None else None
    in_plan = region is None or region in _SHARING_PLAN
    if in_plan and _UNITED_STATES_CODE.fullmatch(code) is not None:
        return _UNITED_STATES
    return None


@lru_cache(maxsize=_CACHE_ENTRIES)
def _find_by_postal_code(code: str, region: str | None) -> Whereabouts:
    """Find the place of a postal code by its longest known prefix; raises InvalidPlace."""
    country = _country_of_code(code, region)
    if country is None:
        raise InvalidPlace(
            f"{code!a} is not a postal code that fits this number. Give one of the United "
            "States (94103), Canada (K1A 0B1) or, for a French number, France (75001); elsewhere "
            "give the time zone."
        )
    for length in range(len(code), 0, -1):
        row = _postal_prefixes().get((country, code[:length]))
        if row is not None:
            places = (*_countries(row.places), *row.places)
            return Whereabouts(places, row.zones, WhereaboutsBy.POSTAL_CODE)
    raise InvalidPlace(
        f"{code!a} is not the postal code of a place with hours of its own: it may be a "
        "military one. Check it, or give the time zone."
    )
