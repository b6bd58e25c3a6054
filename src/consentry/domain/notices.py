"""What a program is told at a URL of its own: of its texts, or as an event of a webhook."""

from datetime import datetime, timedelta
from enum import StrEnum
from typing import ClassVar, Final, TypeVar

import msgspec

from consentry.domain.messages import RANK, Callback, Direction, Message, MessageStatus
from consentry.domain.webhooks import EventType

N = TypeVar("N", bound="NoticeShape")

ANSWER_WITHIN: Final = timedelta(hours=1)
"""How late an answer is still one to what the person wrote."""

TOO_LATE: Final = "answered_too_late"
"""Why a program's answer is not sent that comes later than that, or to a text that came so late."""


class NoticeKind(StrEnum):
    """What a notice tells."""

    STATUS = "status"
    RECEIVED = "received"
    EVENT = "event"


TRIES_MAX: Final = 20
"""So many of the newest tries are kept with what is told in vain."""


class Try(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """One try that was in vain: when, the HTTP status of the answer if there was one, and why."""

    at: datetime
    why: str
    status: int | None = None


class NoticeShape(msgspec.Struct, frozen=True, gc=False, omit_defaults=True, tag_field="kind"):
    """What all notices have.

    `attempts` counts how often it was tried in vain, and `tries` are the newest of these.
    `given_up` says why it is not tried any more. `replayed_at` is when it was told anew.
    """

    id: str
    made_at: datetime
    attempts: int = 0
    given_up: str | None = None
    tries: tuple[Try, ...] = ()
    replayed_at: datetime | None = None


class MessageNotice(NoticeShape, frozen=True, gc=False, omit_defaults=True, kw_only=True):
    """One thing to tell a program at a URL of its own, with the message as it was then.

    The notices of one message are told in the order of their ids.
    """

    kind: ClassVar[NoticeKind]
    callback: Callback
    message: Message

    @property
    def recipient(self) -> str:
        """Whom it is about."""
        return self.message.recipient

    @property
    def subject(self) -> str:
        """What notices keep their order in: the id of each begins with it."""
        return self.message.id


class StatusNotice(MessageNotice, frozen=True, gc=False, omit_defaults=True, tag="status"):
    """What became of a text."""

    kind: ClassVar[NoticeKind] = NoticeKind.STATUS


class ReceivedNotice(
    MessageNotice, frozen=True, gc=False, omit_defaults=True, tag="received", kw_only=True
):
    """A text came in. `opt_out_type` is what the carrier took it for.

    `no_answer` is why what its program answers is not sent, whatever it is. `media_types` are those
    of the text's media, in their order, where the carrier told them.
    """

    kind: ClassVar[NoticeKind] = NoticeKind.RECEIVED
    opt_out_type: str | None = None
    no_answer: str | None = None
    media_types: tuple[str, ...] = ()


class EventNotice(
    NoticeShape, frozen=True, gc=False, omit_defaults=True, tag="event", kw_only=True
):
    """One event to tell one webhook. `data` is its JSON object, as `domain/events.py` has it."""

    kind: ClassVar[NoticeKind] = NoticeKind.EVENT
    webhook: str
    recipient: str
    event: EventType
    data: msgspec.Raw

    @property
    def event_id(self) -> str:
        """What is the same each time it is told, and for each webhook."""
        return self.id.partition(".")[0]

    @property
    def subject(self) -> str:
        """What notices keep their order in: each event stands for itself."""
        return self.id


Notice = StatusNotice | ReceivedNotice | EventNotice


def note_try(notice: N, tried: Try) -> N:
    """Count a try that was in vain, and keep it with the newest."""
    tries = (*notice.tries, tried)[-TRIES_MAX:]
    return msgspec.structs.replace(notice, attempts=notice.attempts + 1, tries=tries)


def revive(notice: N, now: datetime) -> N:
    """Have a notice told anew that was given up; what was tried before stays told."""
    return msgspec.structs.replace(notice, attempts=0, given_up=None, replayed_at=now)


class PostponedNotice(msgspec.Struct, frozen=True, gc=False):
    """A notice that was told in vain, and when it is due again; no time where it is given up."""

    notice: Notice
    due_at: datetime | None


_NOT_TOLD: Final = {
    MessageStatus.SENDING: MessageStatus.QUEUED,
    MessageStatus.INDETERMINATE: MessageStatus.QUEUED,
}
"""What is between us and the carrier is no business of the program's: for it the text waits."""


def told_status(message: Message) -> MessageStatus:
    """Tell where a message is for the program that sent it.

    By a messaging service it is only accepted at first, which is before the queue like what is
    scheduled: it is queued as soon as it is about to leave.
    """
    if message.status is MessageStatus.QUEUED and message.service is not None:
        return MessageStatus.SCHEDULED
    return _NOT_TOLD.get(message.status, message.status)


def find_told_status(before: Message | None, after: Message) -> MessageStatus | None:
    """Find the status that a change of a text of ours has to tell; mostly there is none.

    A text that goes back in line, because its carrier would not have it now, is where it was.
    """
    status = told_status(after)
    if before is None:
        return status
    known = told_status(before)
    return None if status is known or RANK[status] < RANK[known] else status


def notice_of_change(before: Message | None, after: Message) -> StatusNotice | None:
    """Tell what a program must be told of a change of its message; mostly there is nothing.

    It knows the first status itself: it was the answer to its request.
    """
    callback = after.callback
    if callback is None or before is None or after.direction is Direction.INBOUND:
        return None
    status = find_told_status(before, after)
    if status is None:
        return None
    return StatusNotice(
        id=f"{after.id}.{RANK[status]}.{status}",
        made_at=after.updated_at,
        callback=callback,
        message=after,
    )


def notice_of_text(
    message: Message,
    callback: Callback,
    *,
    opt_out_type: str | None = None,
    no_answer: str | None = None,
    media_types: tuple[str, ...] = (),
) -> ReceivedNotice:
    """Make the notice of a text that came in."""
    return ReceivedNotice(
        id=f"{message.id}.{RANK[message.status]}.{message.status}",
        made_at=message.updated_at,
        callback=callback,
        message=message,
        opt_out_type=opt_out_type,
        no_answer=no_answer,
        media_types=media_types,
    )
