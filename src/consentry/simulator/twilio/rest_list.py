"""The list of messages: Twilio's filters, and its pages with tokens."""

from collections.abc import Callable, Iterator
from datetime import date, datetime

import msgspec

from consentry.simulator.state import State
from consentry.simulator.values import Message
from consentry.wire.forms import Form, FormError, encode_form
from consentry.wire.twilio_errors import refuse
from consentry.wire.twilio_form import API_VERSION
from consentry.wire.twilio_message import MessagePage
from consentry.wire.twilio_sent_filter import SENT_ON, parse_sent_filter

PAGE_SIZE_DEFAULT = 50
PAGE_SIZE_MAX = 1000
_FORWARD, _BACK = "PA", "PB"
_Compare = Callable[[date, date], bool]
_DATE_FILTERS: dict[str, _Compare] = {
    SENT_ON: lambda sent, wanted: sent == wanted,
    "DateSent<": lambda sent, wanted: sent <= wanted,
    "DateSent>": lambda sent, wanted: sent >= wanted,
}
_FILTERS = ("To", "From", *_DATE_FILTERS)


class Query(msgspec.Struct, frozen=True):
    """What a list is asked for; a token continues after (PA) or before (PB) a message."""

    form: Form
    sent: dict[str, date | datetime]
    to_number: str | None
    from_number: str | None
    page: int
    page_size: int
    token: str | None


def read_query(form: Form) -> Query:
    """Read a list's parameters; raises TwilioRefusedError."""
    try:
        page, page_size = form.get_integer("Page"), form.get_integer("PageSize")
    except FormError as error:
        raise refuse(20001, str(error)) from None
    if page_size is not None and page_size < 1:
        raise refuse(20001, "PageSize: must be 1 to 1000")
    return Query(
        sent={
            name: parse_sent_filter(name, text)
            for name in _DATE_FILTERS
            if (text := form.get(name)) is not None
        },
        form=form,
        to_number=form.get("To"),
        from_number=form.get("From"),
        page=page or 0,
        page_size=min(page_size or PAGE_SIZE_DEFAULT, PAGE_SIZE_MAX),
        token=form.get("PageToken"),
    )


def build_page(state: State, account_sid: str, query: Query) -> MessagePage:
    """Find one page, newest first."""
    found = [m for m in _candidates(state, query) if _matches(m, account_sid, query)]
    start = _find_start(found, query)
    shown = found[start : start + query.page_size]
    following = previous = None
    if start + query.page_size < len(found):
        following = _uri(account_sid, query, query.page + 1, _FORWARD + shown[-1].resource.sid)
    if start > 0 and shown:
        before = max(0, query.page - 1)
        previous = _uri(account_sid, query, before, _BACK + shown[0].resource.sid)
    return MessagePage(
        messages=tuple(message.resource for message in shown),
        page=query.page,
        page_size=query.page_size,
        start=query.page * query.page_size,
        end=query.page * query.page_size + max(0, len(shown) - 1),
        uri=_uri(account_sid, query, query.page, query.token),
        first_page_uri=_uri(account_sid, query, 0, None),
        next_page_uri=following,
        previous_page_uri=previous,
    )


def _candidates(state: State, query: Query) -> Iterator[Message]:
    number = query.to_number or query.from_number
    if number is None:
        yield from reversed(state.messages.values())
        return
    for sid in reversed(state.sids_by_number.get(number, [])):
        message = state.messages.get(sid)
        if message is not None:
            yield message


def _matches(message: Message, account_sid: str, query: Query) -> bool:
    resource = message.resource
    return (
        resource.account_sid == account_sid
        and query.to_number in (None, resource.to_number)
        and query.from_number in (None, resource.from_number)
        and _sent_when_asked(resource.date_sent, query.sent)
    )


def _sent_when_asked(sent: datetime | None, asked: dict[str, date | datetime]) -> bool:
    for name, wanted in asked.items():
        if sent is None:
            return False
        exact = isinstance(wanted, datetime)
        known = sent.replace(microsecond=0) if exact else sent.date()
        if not _DATE_FILTERS[name](known, wanted):
            return False
    return True


def _find_start(found: list[Message], query: Query) -> int:
    """Find where a page starts: by its token, which new messages do not move, else by number."""
    if query.token is None:
        return query.page * query.page_size
    direction, sid = query.token[:2], query.token[2:]
    position = next((i for i, m in enumerate(found) if m.resource.sid == sid), None)
    if position is None or direction not in {_FORWARD, _BACK}:
        raise refuse(20001, "PageToken: is not one of this list; start again without it")
    return position + 1 if direction == _FORWARD else max(0, position - query.page_size)


def _uri(account_sid: str, query: Query, page: int, token: str | None) -> str:
    pairs = [(name, value) for name in _FILTERS if (value := query.form.get(name)) is not None]
    pairs += [("PageSize", str(query.page_size)), ("Page", str(page))]
    if token is not None:
        pairs.append(("PageToken", token))
    path = f"/{API_VERSION}/Accounts/{account_sid}/Messages.json"
    return f"{path}?{encode_form(pairs).decode('ascii')}"
