"""What a program is told at a URL of its own: what became of its text, or that one came in."""

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

import msgspec

from consentry.domain.messages import RANK, Callback, Direction, Message, MessageStatus

ANSWER_WITHIN: Final = timedelta(hours=1)
"""How late an answer is still one to what the person wrote."""

TOO_LATE: Final = "answered_too_late"
"""Why a program's answer is not sent that comes later than that, or to a text that came so late."""


class NoticeKind(StrEnum):
    """What a notice tells."""

    STATUS = "status"
    RECEIVED = "received"


class Notice(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """One thing to tell a program, with the message as it was then.

    The notices of one message are told in the order of their ids. Of a text that came in:
    `opt_out_type` is what the carrier took it for, and `no_answer` why what its program answers is
    not sent, whatever it is. `attempts` counts how often it was tried in vain, and `given_up` says
    why it is not tried any more. `media_types` are those of the text's media, in their order, where
    the carrier told them.
    """

    id: str
    kind: NoticeKind
    callback: Callback
    message: Message
    made_at: datetime
    opt_out_type: str | None = None
    no_answer: str | None = None
    attempts: int = 0
    given_up: str | None = None
    media_types: tuple[str, ...] = ()


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


def notice_of_change(before: Message | None, after: Message) -> Notice | None:
    """Tell what a program must be told of a change of its message; mostly there is nothing.

    It knows the first status itself: it was the answer to its request. A text that goes back in
    line, because its carrier would not have it now, is where it was.
    """
    callback = after.callback
    if callback is None or before is None or after.direction is Direction.INBOUND:
        return None
    status, known = told_status(after), told_status(before)
    if status is known or RANK[status] < RANK[known]:
        return None
    return Notice(
        id=f"{after.id}.{RANK[status]}.{status}",
        kind=NoticeKind.STATUS,
        callback=callback,
        message=after,
        made_at=after.updated_at,
    )


def notice_of_text(
    message: Message,
    callback: Callback,
    *,
    opt_out_type: str | None = None,
    no_answer: str | None = None,
    media_types: tuple[str, ...] = (),
) -> Notice:
    """Make the notice of a text that came in."""
    return Notice(
        id=f"{message.id}.{RANK[message.status]}.{message.status}",
        kind=NoticeKind.RECEIVED,
        callback=callback,
        message=message,
        made_at=message.updated_at,
        opt_out_type=opt_out_type,
        no_answer=no_answer,
        media_types=media_types,
    )
