"""Sending by Twilio's REST interface, and finding in its list what got no answer.

`submit` makes one POST and reads from what comes back one of four answers:

    Accepted        2xx with an id
    CarrierRefusal  4xx, 429 and 503: Twilio says that it did not take the text; or no connection
    Withheld        the fence was closed when there was a connection: nothing was written
    Unanswered      silence, half an answer, a 2xx that cannot be read, any other 5xx

A 503 says that the request was not handled, so it goes back into the queue. Any other 5xx says
that something broke, perhaps after the text was taken, and a gateway says it of a server that
goes on working: such a text is sent again only after the list has shown that Twilio does not have
it (docs/decisions/0005-retries-pass-the-gate.md). Nothing is resent from here: each attempt must
pass the gate again.
"""

import unicodedata
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from typing import Final
from urllib.parse import quote, urlencode

import msgspec

from consentry.carriers.shared.handing_over import HTTPRequest, hand_over
from consentry.carriers.shared.way_out import Answer, WayOut, basic_authorization
from consentry.carriers.twilio.errors import read_refusal
from consentry.carriers.twilio.inbound import MESSAGE_PARAMETER, SENDER_PARAMETER, STATUSES
from consentry.domain.messages import MessageStatus
from consentry.ports import (
    Accepted,
    CarrierAccount,
    CarrierUnreachable,
    Fence,
    OutboundText,
    Submission,
    Unanswered,
)
from consentry.wire.forms import encode_form
from consentry.wire.twilio_create import CreateMessage, build_create_pairs
from consentry.wire.twilio_form import API_VERSION
from consentry.wire.twilio_form import MessageStatus as TwilioStatus
from consentry.wire.twilio_message import (
    Direction,
    MessageResource,
    MessageResourceError,
    parse_page,
)

PAGE_SIZE: Final = 100
PAGES_MAX: Final = 50
CLOCK_SKEW_MAX: Final = timedelta(hours=26)
"""How far our clock may have been from the carrier's: a wrong day or time zone is not rare.

A text of ours that is older than it seems is told from others by the ids that we know.
"""
TRIAL_PREFIX: Final = "Sent from your Twilio trial account - "
REPEAT_FRAGMENT: Final = "#rc=5&rp=ct,rt,5xx"
"""Asks Twilio to repeat a report that got no answer: it may be the one that tells of an opt-out.

Source: Twilio's "Webhooks connection overrides". The fragment is not sent and not signed.
"""
_SERVICE_UNAVAILABLE: Final = 503
_NOBODYS: Final = OutboundText(message="", recipient="+15005550009", sender="+15005550006", body="")


class _Created(msgspec.Struct, frozen=True):
    """What must be known of a text that was taken: an id. All else can be learnt later."""

    sid: str
    status: str = ""


_created_decoder = msgspec.json.Decoder(_Created)


class TwilioREST:
    """The Messages resource of one account."""

    def __init__(self, account: CarrierAccount, *, callback_base: str, way_out: WayOut) -> None:
        """Authenticate by the account's key pair where it has one, else by its token."""
        self._account = account
        self._callbacks = f"{callback_base.rstrip('/')}/carriers/{quote(account.id, safe='')}"
        self._base = account.base_url.rstrip("/")
        self._messages = f"/{API_VERSION}/Accounts/{quote(account.account, safe='')}/Messages.json"
        user, password = account.account, account.secret
        if account.key_id is not None and account.key_secret is not None:
            user, password = account.key_id, account.key_secret
        self._authorization = {"Authorization": basic_authorization(user, password)}
        self._way_out = way_out

    async def submit(self, text: OutboundText, fence: Fence) -> Submission:
        """Hand one text over, once."""
        body = encode_form(build_create_pairs(self._write(text)))
        headers = {**self._authorization, "Content-Type": "application/x-www-form-urlencoded"}
        request = HTTPRequest(self._base + self._messages, headers, body)
        return await hand_over(self._way_out, request, fence, read_submission)

    async def find(
        self, text: OutboundText, *, since: datetime, known: frozenset[str] = frozenset()
    ) -> Accepted | None:
        """Look for a text in the list, by recipient, sender, wording and time.

        The list is not filtered by DateSent: a text that still waits at the carrier has none.
        Raises `CarrierUnreachable`.
        """
        earliest = since - CLOCK_SKEW_MAX
        async for page in self._pages(text):
            for resource in page:
                if resource.sid not in known and _is_same(resource, text, earliest):
                    return Accepted(resource.sid, STATUSES[resource.status])
            if all(resource.date_created < earliest for resource in page):
                return None
        return None

    async def probe(self) -> None:
        """Ask for the list of a text that there is not; raises `CarrierUnreachable`."""
        await anext(self._pages(_NOBODYS))

    async def close(self) -> None:
        """Close connections."""
        await self._way_out.close()

    def _write(self, text: OutboundText) -> CreateMessage:
        # With a service, From chooses the sender out of its pool: the one the person consented to.
        query = urlencode({MESSAGE_PARAMETER: text.message, SENDER_PARAMETER: text.sender})
        return CreateMessage(
            to_number=text.recipient,
            from_number=text.sender,
            messaging_service_sid=text.messaging_service_sid,
            body=text.body,
            media_urls=text.media,
            status_callback=f"{self._callbacks}/status?{query}{REPEAT_FRAGMENT}",
        )

    async def _pages(self, text: OutboundText) -> AsyncIterator[tuple[MessageResource, ...]]:
        """Read the list of a recipient's texts page by page, newest first."""
        wanted = {"To": text.recipient, "PageSize": str(PAGE_SIZE)}
        if text.messaging_service_sid is None:
            wanted["From"] = text.sender
        address = f"{self._messages}?{urlencode(wanted)}"
        for _ in range(PAGES_MAX):
            answer = await self._way_out.ask(self._base + address, headers=self._authorization)
            if answer.status != 200:
                raise CarrierUnreachable(read_refusal(answer).text)
            try:
                page = parse_page(answer.body)
            except MessageResourceError as error:
                raise CarrierUnreachable(f"The carrier's list cannot be read: {error}") from error
            yield page.messages
            if page.next_page_uri is None:
                return
            # Only a path: the token must not follow an address to another host.
            address = f"/{page.next_page_uri.lstrip('/')}"
        raise CarrierUnreachable(f"The carrier's list did not end after {PAGES_MAX} pages.")


def read_submission(answer: Answer) -> Submission:
    """Read the answer to a request to send."""
    if 200 <= answer.status < 300:
        return _read_created(answer)
    if answer.status >= 500 and answer.status != _SERVICE_UNAVAILABLE:
        return Unanswered(read_refusal(answer).text)
    return read_refusal(answer)


def _read_created(answer: Answer) -> Submission:
    try:
        created = _created_decoder.decode(answer.body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        created = _Created(sid="")
    if not created.sid:
        return Unanswered(f"The answer, HTTP {answer.status}, does not say whether it was taken.")
    known = TwilioStatus.__members__.get(created.status.upper())
    return Accepted(created.sid, MessageStatus.SENDING if known is None else STATUSES[known])


def _is_same(resource: MessageResource, text: OutboundText, earliest: datetime) -> bool:
    """Tell whether a text of the list may be ours: in doubt it is, for none may go out twice."""
    return (
        resource.direction is not Direction.INBOUND
        and resource.to_number == text.recipient
        and resource.from_number in (text.sender, None)
        and resource.date_created >= earliest
        and _fold(resource.body.removeprefix(TRIAL_PREFIX)) == _fold(text.body)
    )


def _fold(body: str) -> str:
    """Keep what the carrier's own rewriting (smart quotes, white space) leaves as it is."""
    letters = "".join(c for c in unicodedata.normalize("NFKC", body) if c.isalnum())
    return letters or body.strip()
