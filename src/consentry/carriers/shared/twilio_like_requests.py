"""Sending by an interface like Twilio's, and finding in its list what got no answer.

`submit` makes one POST and reads from what comes back one of four answers:

    Accepted        2xx with an id
    CarrierRefusal  4xx, 429 and 503: it says that it did not take the text; or no connection
    Withheld        the fence was closed when there was a connection: nothing was written
    Unanswered      silence, half an answer, a 2xx that cannot be read, 408, any other 5xx

A 503 says that the request was not handled, so it goes back into the queue. Any other 5xx says
that something broke, perhaps after the text was taken, and a gateway says it of a server that
goes on working: such a text is sent again only after the list has shown that the carrier does not
have it (docs/decisions/0005-retries-pass-the-gate.md). Nothing is resent from here: each attempt
must pass the gate again.
"""

import unicodedata
from collections.abc import AsyncIterator, Mapping
from datetime import datetime, timedelta
from functools import partial
from typing import Final
from urllib.parse import quote, urlencode

import msgspec

from consentry.carriers.shared.answers import call_unclear, read_answer, require_good
from consentry.carriers.shared.callbacks import address_of, status_address
from consentry.carriers.shared.handing_over import HTTPRequest, hand_over, sort_answer
from consentry.carriers.shared.twilio_like import Dialect, map_listed_status, read_refusal
from consentry.carriers.shared.way_out import Answer, WayOut, basic_authorization
from consentry.ports import (
    Accepted,
    CarrierAccount,
    CarrierUnreachable,
    Fence,
    OutboundText,
    Submission,
)
from consentry.wire.forms import encode_form
from consentry.wire.twilio_create import CreateMessage, build_create_pairs
from consentry.wire.twilio_listing import ListedMessage, ListingError, parse_listing

PAGE_SIZE: Final = 100
PAGES_MAX: Final = 50
CLOCK_SKEW_MAX: Final = timedelta(hours=26)
"""How far our clock may have been from the carrier's: a wrong day or time zone is not rare.

A text of ours that is older than it seems is told from others by the ids that we know.
"""
TRIAL_PREFIX: Final = "Sent from your Twilio trial account - "
_NOBODYS: Final = OutboundText(message="", recipient="+15005550009", sender="+15005550006", body="")


class _Created(msgspec.Struct, frozen=True):
    """What must be known of a text that was taken: an id. All else can be learnt later."""

    sid: str
    status: str = ""


_created_decoder = msgspec.json.Decoder(_Created)


class TwilioLikeRequests:
    """The Messages resource of one account."""

    def __init__(
        self,
        account: CarrierAccount,
        dialect: Dialect,
        *,
        login: tuple[str, str],
        callback_base: str,
        way_out: WayOut,
    ) -> None:
        """Authenticate by `login`, a name and its secret."""
        self._dialect = dialect
        self._status_address = status_address(callback_base, account.id)
        self._base = account.base_url.rstrip("/")
        self._messages = f"{dialect.path}/Accounts/{quote(account.account, safe='')}/Messages.json"
        self._authorization = {"Authorization": basic_authorization(*login)}
        self._way_out = way_out

    async def submit(self, text: OutboundText, fence: Fence) -> Submission:
        """Hand one text over, once."""
        body = encode_form(build_create_pairs(self._write(text)))
        headers = {**self._authorization, "Content-Type": "application/x-www-form-urlencoded"}
        request = HTTPRequest(self._base + self._messages, headers, body)
        return await hand_over(self._way_out, request, fence, self._read_submission)

    async def find(
        self, text: OutboundText, *, since: datetime, known: frozenset[str] = frozenset()
    ) -> Accepted | None:
        """Look for a text in the list, by recipient, sender, wording and time.

        The list is not filtered by DateSent: a text that still waits at the carrier has none.
        Raises `CarrierUnreachable`.
        """
        earliest = since - CLOCK_SKEW_MAX
        async for page in self.read_pages(_name_wanted(text), pages_max=PAGES_MAX):
            for listed in page:
                if listed.sid not in known and _is_same(listed, text, earliest):
                    return Accepted(listed.sid, map_listed_status(listed.status))
            if all(listed.created_at < earliest for listed in page):
                return None
        return None

    async def probe(self) -> None:
        """Ask for the list of a text that there is not; raises `CarrierUnreachable`."""
        await anext(self.read_pages(_name_wanted(_NOBODYS), pages_max=1))

    async def close(self) -> None:
        """Close connections."""
        await self._way_out.close()

    async def read_pages(
        self, wanted: Mapping[str, str], *, pages_max: int
    ) -> AsyncIterator[tuple[ListedMessage, ...]]:
        """Read the list of messages page by page, newest first; `wanted` are the parameters.

        Raises `CarrierUnreachable`, also where there are more pages than that.
        """
        address = f"{self._messages}?{urlencode(wanted)}"
        for _ in range(pages_max):
            answer = await self._way_out.ask(self._base + address, headers=self._authorization)
            body = require_good(answer, partial(read_refusal, self._dialect.codes))
            try:
                page = parse_listing(body)
            except ListingError as error:
                raise CarrierUnreachable(f"The carrier's list cannot be read: {error}") from error
            yield page.messages
            if page.next_page_uri is None:
                return
            # Only a path: the token must not follow an address to another host.
            address = f"/{page.next_page_uri.lstrip('/')}"
        raise CarrierUnreachable(f"The carrier's list did not end after {pages_max} pages.")

    def _write(self, text: OutboundText) -> CreateMessage:
        # With a service, From chooses the sender out of its pool: the one the person consented to.
        return CreateMessage(
            to_number=text.recipient,
            from_number=text.sender,
            messaging_service_sid=text.messaging_service_sid,
            body=text.body,
            media_urls=text.media,
            status_callback=address_of(text, self._status_address) + self._dialect.report_fragment,
        )

    def _read_submission(self, answer: Answer) -> Submission:
        """Read the answer to a request to send."""
        refused = partial(read_refusal, self._dialect.codes)
        return sort_answer(answer, taken=_read_created, refused=refused)


def _read_created(answer: Answer) -> Submission:
    created = read_answer(_created_decoder, answer)
    if created is None or not created.sid:
        return call_unclear(answer)
    return Accepted(created.sid, map_listed_status(created.status))


def _name_wanted(text: OutboundText) -> dict[str, str]:
    """Name the parameters of the list in which a text would be."""
    wanted = {"To": text.recipient, "PageSize": str(PAGE_SIZE)}
    if text.messaging_service_sid is None:
        wanted["From"] = text.sender
    return wanted


def _is_same(listed: ListedMessage, text: OutboundText, earliest: datetime) -> bool:
    """Tell whether a text of the list may be ours: in doubt it is, for none may go out twice."""
    return (
        not listed.is_inbound
        and listed.to_number == text.recipient
        and listed.from_number in (text.sender, None)
        and listed.created_at >= earliest
        and _fold(listed.body.removeprefix(TRIAL_PREFIX)) == _fold(text.body)
    )


def _fold(body: str) -> str:
    """Keep what the carrier's own rewriting (smart quotes, white space) leaves as it is."""
    letters = "".join(c for c in unicodedata.normalize("NFKC", body) if c.isalnum())
    return letters or body.strip()
