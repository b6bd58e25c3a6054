"""The list of consents that run out soon, on any database: what a row means, and its cursor."""

from datetime import datetime
from typing import Final, NamedTuple

import msgspec

from consentry.domain.microseconds import to_microseconds
from consentry.domain.standing import ConsentState, Standing
from consentry.ports import ExpiringConsent, ExpiringFilter, ExpiringPage, Page

decode_rows: Final = msgspec.json.Decoder(list[tuple[int, str, str, Standing]]).decode


class Place(NamedTuple):
    """Where a consent stands in the list."""

    at: int
    recipient: str = ""
    program: str = ""


def begin(wanted: ExpiringFilter, page: Page) -> Place | None:
    """Say behind which place a page begins; None where its cursor is none of ours."""
    if page.before is None:
        return Place(to_microseconds(wanted.since) - 1, "\U0010ffff")
    try:
        at, recipient, program = bytes.fromhex(page.before).decode().split("\n")
        place = Place(int(at), recipient, program)
    except ValueError:
        return None
    return place if abs(place.at) < 2**63 and "\x00" not in recipient + program else None


def build_page(text: str, wanted: ExpiringFilter, limit: int) -> ExpiringPage:
    """Make a page of one row more than fits: of what was to run out, what still will."""
    found = decode_rows(text)
    shown = found[:limit]
    items = [
        ExpiringConsent(recipient, consent)
        for _, recipient, program, standing in shown
        if (consent := standing.consent(program)) is not None
        and consent.state is ConsentState.ACTIVE
        and _is_within(consent.expires_at, wanted)
    ]
    if len(found) <= limit:
        return ExpiringPage(items)
    at, recipient, program, _ = shown[-1]
    return ExpiringPage(items, f"{at}\n{recipient}\n{program}".encode().hex())


def _is_within(expires_at: datetime | None, wanted: ExpiringFilter) -> bool:
    return expires_at is not None and wanted.since <= expires_at < wanted.until
