"""Lists that a page of the console looks along: the inbox, opted-out numbers, customers."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from consentry.domain.customers import Customer
from consentry.domain.microseconds import from_microseconds, to_microseconds
from consentry.ports import InboxFilter, InboxPage, OptOut, OptOutFilter, OptOutPage, Page
from consentry.store import rows
from consentry.store.grams import choose_grams
from consentry.store.opt_out_list import (
    BEGINNING_OF_TIME,
    MARKS_LOOKED_AT_MAX,
    NAMED_MAX,
    NAMES_LOOKED_AT_MAX,
    NUMBERS_LOOKED_AT_MAX,
    Place,
    begin,
    list_marks,
    write_cursor,
)
from consentry.store.postgres.pool import Pool
from consentry.store.postgres.statements import clean, clean_all, read_statements

if TYPE_CHECKING:
    import asyncpg

    Record = asyncpg.Record
    Rows = list[asyncpg.Record]

INBOX_ROWS_MAX: Final = 2000
"""How many texts one page of the inbox looks at."""

_FIRST_LOOK: Final = 300
CUSTOMERS_LOOKED_AT_MAX: Final = 2000
"""How many of the newest customers are looked through before the index is asked."""

COMMON_MIN: Final = 40
"""Words that more of the newest customers have are common: the index would name too many."""

_READ: Final = read_statements("read")


class Lists:
    """Reads lists through a pool. Every method raises `StoreUnavailable`."""

    def __init__(self, pool: Pool) -> None:
        """Read through these connections."""
        self._pool = pool

    async def _fetch(self, name: str, **values: object) -> "Rows":
        return await self._pool.fetch(_READ[name], values)

    # --- The inbox ---------------------------------------------------------------------------

    async def read_inbox(self, wanted: InboxFilter, page: Page) -> InboxPage:
        """List conversations, newest first."""
        if page.before is not None and not await self._fetch("find_message", id=clean(page.before)):
            return InboxPage([])
        senders = wanted.senders
        if senders is None:
            ((senders,),) = await self._fetch("list_senders")
        bindings = {
            "senders": clean_all(list(dict.fromkeys(senders))),
            "before": None if page.before is None else clean(page.before),
            "open_only": wanted.open_only,
            "limit": page.limit + 1,
        }
        shown = await self._look_along_inbox(bindings, _FIRST_LOOK)
        if len(shown.items) < page.limit and shown.next is not None:
            shown = await self._look_along_inbox(bindings, INBOX_ROWS_MAX)
        if len(shown.items) > page.limit:
            items = shown.items[: page.limit]
            return InboxPage(items, items[-1].message.id)
        return shown

    async def _look_along_inbox(self, bindings: Mapping[str, object], look: int) -> InboxPage:
        """Look at so many texts; the cursor is where the look ended, None at the end of all."""
        (found,) = await self._fetch("read_inbox", **bindings, look=look)
        is_end = found["looked_at"] < look
        return InboxPage(
            rows.decode_conversations(found["items"]), None if is_end else found["ended"]
        )

    # --- Opted-out numbers -------------------------------------------------------------------

    async def read_opt_outs(self, wanted: OptOutFilter, page: Page) -> OptOutPage:
        """List opted-out numbers, the newest opt-out first."""
        start = begin(wanted, page)
        if start is None:
            return OptOutPage([])
        marks = list_marks(wanted)
        since = wanted.since
        bindings: dict[str, object] = {
            "at": start.at,
            "recipient": clean(start.recipient),
            "since": BEGINNING_OF_TIME if since is None else to_microseconds(since),
            "scan": NUMBERS_LOOKED_AT_MAX if marks is None else MARKS_LOOKED_AT_MAX,
            "marks": None if marks is None else clean_all(marks),
            "limit": page.limit + 1,
        }
        name, asked = await self._choose_scan(wanted.search or "")
        bindings |= asked
        found = [_read_opt_out(row) for row in await self._fetch(name, **bindings)]
        if len(found) > page.limit:
            last = found[page.limit - 1]
            cursor = write_cursor(Place(to_microseconds(last.since), last.recipient))
            return OptOutPage(found[: page.limit], cursor)
        return OptOutPage(found, await self._end_of_scan(name, bindings))

    async def _choose_scan(self, search: str) -> tuple[str, Mapping[str, object]]:
        """Choose how to look: along all numbers, or up from the customers of a name."""
        words = clean(rows.fold_search(search))
        if not words or rows.is_number(words):
            return "scan_opt_outs", {"words": words}
        look = CUSTOMERS_LOOKED_AT_MAX
        ((common,),) = await self._fetch("count_newest_named", words=words, look=look)
        if common > COMMON_MIN:
            return "scan_opt_outs_of_named", {"words": words, "scan": NAMES_LOOKED_AT_MAX}
        ((named,),) = await self._fetch(
            "find_named", grams=choose_grams(words), words=words, limit=NAMED_MAX + 1
        )
        if len(named) <= NAMED_MAX:
            return "list_opt_outs_of_customers", {"customers": named}
        return "scan_opt_outs_of_named", {"words": words, "scan": NAMES_LOOKED_AT_MAX}

    async def _end_of_scan(self, name: str, bindings: Mapping[str, object]) -> str | None:
        """Say where the look ended; None where there was no more to look at."""
        if name == "list_opt_outs_of_customers":
            return None
        found = await self._fetch("last_scanned_opt_out", **bindings)
        return write_cursor(Place(*found[0])) if found else None

    # --- Customers ---------------------------------------------------------------------------

    async def read_customers(self, page: Page, search: str) -> list[Customer]:
        """List customers that have the words, newest first; no words are every customer."""
        words = clean(rows.fold_search(search))
        before = None if page.before is None else clean(page.before)
        if not words:
            ((text,),) = await self._fetch("read_customers", before=before, limit=page.limit)
            return rows.decode_customers(text)
        asked = {"words": words, "before": before, "limit": page.limit}
        look = CUSTOMERS_LOOKED_AT_MAX
        ((text,),) = await self._fetch("search_newest", **asked, look=look)
        found = rows.decode_customers(text)
        if len(found) < page.limit:
            found += await self._read_older(asked, page.limit - len(found))
        return found

    async def _read_older(self, asked: Mapping[str, object], limit: int) -> list[Customer]:
        """Find those behind the newest through the index."""
        look = CUSTOMERS_LOOKED_AT_MAX
        last = await self._fetch("last_looked_at", before=asked["before"], look=look)
        if not last:
            return []
        bindings = {**asked, "before": last[0]["id"], "limit": limit}
        grams = choose_grams(str(asked["words"]))
        ((text,),) = await self._fetch("search_indexed", **bindings, grams=grams)
        return rows.decode_customers(text)


def _read_opt_out(row: "Record") -> OptOut:
    customer = row["customer"]
    return OptOut(
        row["recipient"],
        from_microseconds(row["opted_out_at"]),
        rows.decode_standing(row["value"]),
        None if customer is None else rows.decode_customer(customer),
    )
