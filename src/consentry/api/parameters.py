"""Reading path and query parameters: phones, times, pages."""

from datetime import UTC, datetime
from typing import Annotated, Final, TypeVar
from urllib.parse import parse_qsl

import msgspec
from msgspec import UNSET, UnsetType

from consentry.api.operations import Call
from consentry.api.problems import Problem
from consentry.domain.phone import InvalidNumber, Phone, parse_phone
from consentry.ports import Page

T = TypeVar("T")

PAGE_ITEMS_MAX: Final = 200
_PARAMETERS_MAX: Final = 32
_ID_CHARACTERS_MAX: Final = 200

NOT_BLANK: Final = r"^[^\x00]*[^\s\x00][^\x00]*$"
"""The pattern of a text with something in it, and without a NUL character."""

PhoneText = Annotated[
    str,
    msgspec.Meta(
        description="A phone number: E.164, or as people write it (then read with the default "
        "region).",
        extra_json_schema={"format": "phone"},
    ),
]
Limit = Annotated[int, msgspec.Meta(ge=1, le=PAGE_ITEMS_MAX, description="How many items at most.")]
Cursor = Annotated[
    str,
    msgspec.Meta(
        min_length=1,
        max_length=64,
        pattern=r"^[A-Za-z0-9_]+$",
        description="`next` of the page before.",
    ),
]
TimeText = Annotated[
    str,
    msgspec.Meta(
        description="A time with its zone (RFC 3339).", extra_json_schema={"format": "date-time"}
    ),
]


class PageQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which page of a list.

    What may be left out of a query is UNSET then, not None: the text `null` is no value.
    """

    limit: Limit = 50
    cursor: Cursor | UnsetType = UNSET


def read_query(text: bytes, shape: type[T]) -> T:
    """Decode a query string to a struct; raises `Problem` naming what does not fit."""
    try:
        pairs = parse_qsl(
            text.decode("ascii"),
            keep_blank_values=True,
            errors="strict",
            max_num_fields=_PARAMETERS_MAX,
        )
    except ValueError:
        raise Problem(
            "invalid_parameter", "The query string cannot be read. Percent-encode it as UTF-8."
        ) from None
    given = dict(pairs)
    if len(given) != len(pairs):
        raise Problem("invalid_parameter", "A query parameter is given twice. Give it once.")
    if any("\x00" in value for value in given.values()):
        raise Problem("nul_character", "A query parameter holds a NUL character. Take it out.")
    try:
        return msgspec.convert(given, shape, strict=False)
    except msgspec.ValidationError as error:
        raise Problem(
            "invalid_parameter", f"Query parameters: {error}. See /docs for what is allowed."
        ) from None


def read_phone(text: str, region: str | None) -> Phone:
    """Parse a phone number; raises `Problem` where it is none."""
    try:
        # A number with its country code needs no region, and then takes the fast path.
        return parse_phone(text, region=None if text.startswith("+") else region)
    except InvalidNumber as error:
        raise Problem("invalid_number", str(error)) from None


def read_number_wanted(given: str | UnsetType, region: str | None) -> str | None:
    """Parse the number that a list is held to; None where it is of all. Raises `Problem`."""
    return None if given is UNSET else read_phone(given, region).normalized


def phone_in_path(call: Call[object, object]) -> Phone:
    """Parse the phone number in the path; raises `Problem`."""
    return read_phone(call.path["phone"], call.services.default_region)


def id_in_path(call: Call[object, object], name: str = "id") -> str:
    """Give an id of the path; raises `Problem` where it can be none of ours."""
    given = call.path[name]
    if len(given) > _ID_CHARACTERS_MAX or not given.isprintable():
        raise Problem("not_found", "There is nothing under this id. List what there is.")
    return given


def read_time(text: str, name: str) -> datetime:
    """Parse a time with its zone to UTC; raises `Problem`."""
    try:
        return to_utc(msgspec.convert(text, _AwareTime), name)
    except msgspec.ValidationError:
        raise Problem(
            "invalid_time",
            f"{name} is no time with its zone. Write it like 2026-05-01T12:00:00Z.",
        ) from None


_AwareTime = Annotated[datetime, msgspec.Meta(tz=True)]


def to_utc(time: datetime, name: str) -> datetime:
    """Turn an aware time to UTC; raises `Problem` at the ends of the calendar."""
    try:
        return time.astimezone(UTC)
    except (OverflowError, ValueError):
        raise Problem(
            "invalid_time", f"{name} is outside the years 1 to 9999 in UTC. Give a real time."
        ) from None


def page_after(query: PageQuery) -> Page:
    """Ask for one item more than wanted: it tells whether there is a next page."""
    before = None if query.cursor is UNSET else query.cursor
    return Page(limit=query.limit + 1, before=before)
