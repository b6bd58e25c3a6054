"""What lists are asked for, and what they hold."""

from datetime import date, datetime

import msgspec

from consentry.domain.customers import Customer
from consentry.domain.drift import DriftKind, DriftState
from consentry.domain.entries import Entry, EntryKind
from consentry.domain.messages import Message, MessageStatus
from consentry.domain.notices import Notice
from consentry.domain.review import ReviewState
from consentry.domain.standing import Cause, Consent, Standing
from consentry.ports.records import ConversationMark


class Page(msgspec.Struct, frozen=True):
    """Where to go on in a list: newest first, `before` is the cursor of the page before."""

    limit: int = 50
    before: str | None = None


class MessageFilter(msgspec.Struct, frozen=True):
    """Which messages to list; None is any."""

    recipient: str | None = None
    sender: str | None = None
    status: MessageStatus | None = None


class EntryFilter(msgspec.Struct, frozen=True):
    """Which entries of a recipient to list; None is any.

    `senders` lets entries through that are about one of these senders, or about none.
    """

    kinds: tuple[EntryKind, ...] | None = None
    senders: tuple[str, ...] | None = None


class DriftFilter(msgspec.Struct, frozen=True):
    """Which drifts to list; None is any. `senders`: those that are about one of these."""

    state: DriftState | None = None
    kind: DriftKind | None = None
    carrier: str | None = None
    recipient: str | None = None
    report: str | None = None
    senders: tuple[str, ...] | None = None


class ReviewFilter(msgspec.Struct, frozen=True):
    """Which reviews to list; None is any. `senders`: those of conversations with one of these."""

    state: ReviewState | None = None
    recipient: str | None = None
    senders: tuple[str, ...] | None = None


class InboxFilter(msgspec.Struct, frozen=True):
    """Which conversations to list: over these senders (None: all), and only those not done."""

    senders: tuple[str, ...] | None = None
    open_only: bool = False


class Conversation(msgspec.Struct, frozen=True):
    """A conversation in the inbox: the person's newest text in it, and who they are."""

    message: Message
    standing: Standing
    customer: Customer | None = None
    mark: ConversationMark | None = None

    @property
    def is_unread(self) -> bool:
        """Tell whether nobody has looked since the person's newest text; ids sort by time."""
        return self.mark is None or self.mark.read is None or self.mark.read < self.message.id

    @property
    def is_done(self) -> bool:
        """Tell whether it was put away after the person's newest text."""
        mark = self.mark
        return mark is not None and mark.done is not None and mark.done >= self.message.id


class InboxPage(msgspec.Struct, frozen=True):
    """Conversations, newest first; `next` is the cursor of the page after, None at the end.

    A page may hold fewer than asked for and still have a next one: a look costs at most so much.
    """

    items: list[Conversation]
    next: str | None = None


class OptOutFilter(msgspec.Struct, frozen=True):
    """Which opted-out numbers to list; None is any.

    `search` is any part of the number, or of the name of a customer who has it. `scopes`: the
    opt-out is of one of these (a sender, a messaging service, a brand, everything). `since` and
    `until` bound when the newest opt-out of the number was made.
    """

    search: str | None = None
    scopes: tuple[str, ...] | None = None
    cause: Cause | None = None
    since: datetime | None = None
    until: datetime | None = None


class OptOut(msgspec.Struct, frozen=True):
    """A number with an opt-out that stands, since when, and who has it."""

    recipient: str
    since: datetime
    standing: Standing
    customer: Customer | None = None


class OptOutPage(msgspec.Struct, frozen=True):
    """Opted-out numbers, the newest opt-out first; `next` as in `InboxPage`."""

    items: list[OptOut]
    next: str | None = None


class ExpiringFilter(msgspec.Struct, frozen=True):
    """Which consents to list: those that run out from `since` until before `until`.

    `programs`: with one of these; None is any.
    """

    since: datetime
    until: datetime
    programs: tuple[str, ...] | None = None


class ExpiringConsent(msgspec.Struct, frozen=True):
    """A consent that is active and runs out, and whose it is."""

    recipient: str
    consent: Consent


class ExpiringPage(msgspec.Struct, frozen=True):
    """Consents, what runs out first first; `next` as in `InboxPage`."""

    items: list[ExpiringConsent]
    next: str | None = None


class NoticeFilter(msgspec.Struct, frozen=True):
    """Which notices to list: those given up or those that wait, of one server or webhook or all.

    `since` and `until` bound when those given up were made and when others are due, both included.
    """

    given_up: bool = True
    lane: str | None = None
    since: datetime | None = None
    until: datetime | None = None


class ListedNotice(msgspec.Struct, frozen=True):
    """A notice, and when it is due; one that was given up, when it was made."""

    notice: Notice
    at: datetime


class NoticePage(msgspec.Struct, frozen=True):
    """Notices, the latest first; `next` as in `InboxPage`."""

    items: list[ListedNotice]
    next: str | None = None


class Tally(msgspec.Struct, frozen=True):
    """How many entries of a kind there were on a day (UTC), for a reason, over some senders.

    `reason` is the gate's reason of a refusal, the cause of an opt-out, else empty.
    """

    day: date
    kind: EntryKind
    reason: str
    count: int


class OptOutStory(msgspec.Struct, frozen=True):
    """One opt-out by text: its entry, when the text reached us, and our last text before it."""

    entry: Entry
    received_at: datetime
    last_outbound: Message | None = None
