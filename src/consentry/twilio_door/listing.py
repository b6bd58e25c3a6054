"""The list of messages: Twilio's filters and pages, newest first, whichever door they came by."""

import asyncio
from datetime import UTC, date, datetime, timedelta
from typing import Final

import msgspec

from consentry.actions.describe_message import describe_message, is_removed
from consentry.domain.directory import Directory
from consentry.domain.messages import Direction, Message
from consentry.domain.phone import InvalidNumber, normalize_phone
from consentry.ports import MessageFilter, Page, Scope, Store
from consentry.twilio_door.calls import Call
from consentry.twilio_door.exchange import Answer
from consentry.wire.forms import Form, FormError, encode_form, parse_form
from consentry.wire.twilio_errors import refuse
from consentry.wire.twilio_message import MessagePage, MessageResource, render_page
from consentry.wire.twilio_sent_filter import SENT_ON, parse_sent_filter
from consentry.wire.twilio_sids import build_message_sid, last_id_of, parse_message_sid

PAGE_SIZE_DEFAULT: Final = 50
PAGE_SIZE_MAX: Final = 1000
SCANNED_MAX: Final = 5_000
"""How many messages one page may look at: a page may hold less than asked and have a next one."""

_CHUNK: Final = 500
_FORWARD: Final = "PA"
_DATES: Final = (SENT_ON, "DateSent<", "DateSent>")
_FILTERS: Final = ("To", "From", *_DATES)
_DAY_AND_SKEW: Final = timedelta(days=1, hours=1)
"""A day means all of it, and hosts' clocks differ."""
_SENT_AFTER_MAX: Final = timedelta(days=36)
"""A text is sent so long after it was created at most: scheduled as late as can be, and a day."""


class Query(msgspec.Struct, frozen=True):
    """What a list is asked for; `after` is the id behind which the page begins.

    `sent` are bounds of when a message was sent, by the name of the parameter.
    """

    given: tuple[tuple[str, str], ...]
    to_number: str | None
    from_number: str | None
    sent: dict[str, date | datetime]
    page: int
    page_size: int
    token: str | None
    after: str | None


class _Found(msgspec.Struct):
    """A page as it fills: `seen` is the last message looked at, `is_over` that there are none."""

    messages: list[MessageResource]
    seen: str | None
    is_over: bool = False


async def list_messages(call: Call) -> Answer:
    """List a page of the account's messages."""
    call.require(Scope.READ)
    query = read_query(parse_form(call.http["query_string"]), call.services.default_region)
    directory = await call.services.store.read_directory()
    found = await _Search(call, query, directory).run()
    return Answer(render_page(_build_page(call.account.sid, query, found)))


def read_query(form: Form, region: str | None) -> Query:
    """Read a list's parameters; raises TwilioRefusedError."""
    try:
        page, page_size = form.get_integer("Page"), form.get_integer("PageSize")
    except FormError as error:
        raise refuse(20001, str(error)) from None
    if page_size is not None and page_size < 1:
        raise refuse(20001, "PageSize: must be 1 to 1000")
    token = form.get("PageToken")
    return Query(
        given=tuple((name, v) for name in _FILTERS if (v := form.get(name)) is not None),
        to_number=_read_number(form.get("To"), region),
        from_number=_read_number(form.get("From"), region),
        sent={
            name: parse_sent_filter(name, v) for name in _DATES if (v := form.get(name)) is not None
        },
        page=page or 0,
        page_size=min(page_size or PAGE_SIZE_DEFAULT, PAGE_SIZE_MAX),
        token=token,
        after=None if token is None else _read_token(token),
    )


def _read_number(text: str | None, region: str | None) -> str | None:
    if text is None:
        return None
    try:
        return normalize_phone(text, region=None if text.startswith("+") else region)
    except InvalidNumber:
        return text


def _read_token(token: str) -> str:
    message_id = parse_message_sid(token[2:]) if token[:2] == _FORWARD else None
    if message_id is None:
        raise refuse(20001, "PageToken: is not one of this list; start again without it")
    return message_id


class _Search:
    """Looks through the store's messages, newest first, for those that a page shows."""

    def __init__(self, call: Call, query: Query, directory: Directory) -> None:
        self._call = call
        self._store: Store = call.services.store
        self._query = query
        self._directory = directory
        self._wanted = _narrow(query, directory)
        # Without a token a page is found by counting those before it.
        self._skipped = 0 if query.after is not None else query.page * query.page_size

    async def run(self) -> _Found:
        """Fill the page; it is over where the store has no more, or only older than asked for."""
        found = _Found([], await self._begin())
        scanned = 0
        while scanned < SCANNED_MAX:
            limit = _CHUNK if self._query.sent else min(_CHUNK, self._query.page_size + 1)
            page = Page(limit, found.seen)
            chunk = await self._store.read_messages(self._wanted, page)
            scanned += len(chunk)
            if self._take(chunk, found):
                return found
            if len(chunk) < limit or self._is_too_old(chunk[-1]):
                found.is_over = True
                return found
            # SQLite answers on the event loop itself: others go first between two chunks.
            await asyncio.sleep(0)
        return found

    async def _begin(self) -> str | None:
        """Find behind which message to begin: the last page's, or all that are too new."""
        latest = _latest_of(self._query.sent)
        if self._query.after is not None or latest is None:
            return self._query.after
        return await self._store.read_first_message_after(last_id_of(latest))

    def _take(self, chunk: list[Message], found: _Found) -> bool:
        """Take what is asked for; tell whether the page is full and there is more."""
        for message in chunk:
            if self._is_asked_for(message):
                if len(found.messages) == self._query.page_size:
                    return True
                self._keep(message, found)
            found.seen = message.id
        return False

    def _keep(self, message: Message, found: _Found) -> None:
        if self._skipped:
            self._skipped -= 1
        else:
            found.messages.append(describe_message(message, self._call.account.sid))

    def _is_asked_for(self, message: Message) -> bool:
        query = self._query
        is_inbound = message.direction is Direction.INBOUND
        to_number = message.sender if is_inbound else message.recipient
        from_number = message.recipient if is_inbound else message.sender
        return (
            query.to_number in (None, to_number)
            and query.from_number in (None, from_number)
            and not is_removed(message)
            and self._call.may_use(self._directory.senders.get(message.sender))
            and _was_sent_when_asked(message, query.sent)
        )

    def _is_too_old(self, message: Message) -> bool:
        earliest = [self._query.sent.get(name) for name in ("DateSent", "DateSent>")]
        return any(
            bound is not None and message.created_at + _SENT_AFTER_MAX < _start_of(bound)
            for bound in earliest
        )


def _narrow(query: Query, directory: Directory) -> MessageFilter:
    """Find the store's own filter that leaves the least to look at."""
    numbers = [n for n in (query.to_number, query.from_number) if n is not None]
    ours = [number for number in numbers if number in directory.senders]
    theirs = [number for number in numbers if number not in directory.senders]
    return MessageFilter(
        sender=ours[0] if ours and len(ours) + len(theirs) == len(numbers) else None,
        recipient=theirs[0] if theirs else None,
    )


def _latest_of(bounds: dict[str, date | datetime]) -> datetime | None:
    """Find the time after which nothing was made that was sent when asked for."""
    ends = [bounds[name] for name in ("DateSent", "DateSent<") if name in bounds]
    if not ends:
        return None
    try:
        return min(_start_of(end) for end in ends) + _DAY_AND_SKEW
    except OverflowError:
        return None


def _start_of(bound: date | datetime) -> datetime:
    if isinstance(bound, datetime):
        return bound
    return datetime(bound.year, bound.month, bound.day, tzinfo=UTC)


def _was_sent_when_asked(message: Message, bounds: dict[str, date | datetime]) -> bool:
    if not bounds:
        return True
    shown = describe_message(message, "").date_sent
    if shown is None:
        return False
    sent = shown.replace(microsecond=0)
    return all(_fits(sent, name, bound) for name, bound in bounds.items())


def _fits(sent: datetime, name: str, bound: date | datetime) -> bool:
    """Compare a time with a time, or its day with a day."""
    if isinstance(bound, datetime):
        return _compare(sent, name, bound)
    return _compare(sent.date(), name, bound)


def _compare(sent: date, name: str, bound: date) -> bool:
    if name == "DateSent<":
        return sent <= bound
    if name == "DateSent>":
        return sent >= bound
    return sent == bound


def _build_page(account_sid: str, query: Query, found: _Found) -> MessagePage:
    start = query.page * query.page_size
    following = None
    if not found.is_over and found.seen is not None:
        following = _uri(
            account_sid, query, query.page + 1, _FORWARD + build_message_sid(found.seen)
        )
    return MessagePage(
        messages=tuple(found.messages),
        page=query.page,
        page_size=query.page_size,
        start=start,
        end=start + max(0, len(found.messages) - 1),
        uri=_uri(account_sid, query, query.page, query.token),
        first_page_uri=_uri(account_sid, query, 0, None),
        next_page_uri=following,
        previous_page_uri=_uri(account_sid, query, query.page - 1, None) if query.page else None,
    )


def _uri(account_sid: str, query: Query, page: int, token: str | None) -> str:
    pairs = [*query.given, ("PageSize", str(query.page_size)), ("Page", str(page))]
    if token is not None:
        pairs.append(("PageToken", token))
    path = f"/2010-04-01/Accounts/{account_sid}/Messages.json"
    return f"{path}?{encode_form(pairs).decode('ascii')}"
