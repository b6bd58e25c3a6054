"""The list of notices, on any database: what a row means, and its cursor."""

from datetime import datetime
from typing import Final, NamedTuple

from consentry.domain.microseconds import from_microseconds, to_microseconds
from consentry.ports import ListedNotice, NoticeFilter, NoticePage, Page
from consentry.store import rows

_LATEST: Final = 2**63 - 1


class Place(NamedTuple):
    """Behind which notice a page begins."""

    before_at: int
    before_id: str


def begin(page: Page) -> Place | None:
    """Say behind which notice a page begins; None where its cursor is none of ours."""
    if page.before is None:
        return Place(_LATEST, "")
    try:
        at, notice_id = bytes.fromhex(page.before).decode().split("\n")
        place = Place(int(at), notice_id)
    except ValueError:
        return None
    return place if abs(place.before_at) < _LATEST and "\x00" not in notice_id else None


def bind(wanted: NoticeFilter, place: Place, limit: int) -> dict[str, str | int | None]:
    """Write what is asked for as the queries take it; one more than fits tells of a next page."""
    return {
        **place._asdict(),
        "state": "given_up" if wanted.given_up else "waiting",
        "lane": wanted.lane,
        "since": _write(wanted.since),
        "until": _write(wanted.until),
        "limit": limit + 1,
    }


def _write(time: datetime | None) -> int | None:
    return None if time is None else to_microseconds(time)


def build_page(text: str, limit: int) -> NoticePage:
    """Make a page of one row more than fits."""
    found = rows.decode_listed_notices(text)
    shown = found[:limit]
    items = [ListedNotice(notice, from_microseconds(at)) for at, notice in shown]
    if len(found) <= limit:
        return NoticePage(items)
    at, notice = shown[-1]
    return NoticePage(items, f"{at}\n{notice.id}".encode().hex())
