"""A program was told something at its own URL, or not; what its answer asks for passes the gate.

By Twilio's rules a program that is away for a minute never hears of what happened then. We go on
for a day, unless its URL says in Twilio's own way how often it wants to be tried.
"""

from datetime import datetime, timedelta
from typing import Final

import msgspec

from consentry.actions.outgoing import Draft, Queued, join, queue_text, refusal_entry
from consentry.domain.directory import Purpose
from consentry.domain.entries import Actor, ActorKind
from consentry.domain.gate import Door
from consentry.domain.messages import Callback
from consentry.domain.notices import (
    ANSWER_WITHIN,
    TOO_LATE,
    MessageNotice,
    Notice,
    PostponedNotice,
    ReceivedNotice,
    StatusNotice,
    Try,
    note_try,
)
from consentry.domain.phone import InvalidNumber, normalize_phone
from consentry.domain.reasons import Reason
from consentry.ports import Change, Facts, IdempotencyRecord, Needs, Untold
from consentry.wire.twiml import AskedText
from consentry.wire.webhook_address import WebhookAddressError, parse_webhook_address

TOLD_FOR: Final = timedelta(hours=24)
"""How long it is tried where the URL does not say how often."""

OWN_RETRY_SECONDS: Final = 1.0
"""How soon it is tried again where the URL says how often, as Twilio does."""

OTHER_SENDER: Final = "other_sender"
"""Why a text is not sent that is to come from another number than the one the person texted."""

RESTORED: Final = "restored"
"""Why an answer is not sent to a text of before a restore: it may have been, and by now the person
may have opted out without this database knowing."""

_OWNER: Final = "notice"
_FIRST_SECONDS: Final = 2.0
_SECONDS_MAX: Final = 900.0
_DOUBLINGS_MAX: Final = 20


def next_try(notice: MessageNotice, untold: Untold, now: datetime) -> datetime | None:
    """Say when to try again what was tried `notice.attempts` times; None: not any more.

    After 2, 4, 8 … at most 900 seconds, for a day. Where the URL names a number of retries, these
    and no more, and only after the failures that it names.
    """
    if untold.cause is None:
        return None
    try:
        address = parse_webhook_address(notice.callback.url)
    except WebhookAddressError:
        return None
    if address.names_retries:
        again = untold.cause in address.retry_causes and notice.attempts <= address.retry_count
        return now + timedelta(seconds=OWN_RETRY_SECONDS) if again else None
    doublings = min(max(0, notice.attempts - 1), _DOUBLINGS_MAX)
    due_at = now + timedelta(seconds=min(_FIRST_SECONDS * 2.0**doublings, _SECONDS_MAX))
    return due_at if due_at <= (notice.replayed_at or notice.made_at) + TOLD_FOR else None


class NoteTold(msgspec.Struct, frozen=True):
    """A program was told, and its answer asks for nothing."""

    notice: str

    def needs(self) -> Needs:
        """Ask for nothing."""
        return Needs()

    def decide(self, facts: Facts) -> tuple[None, Change]:
        """End the notice."""
        del facts
        return None, Change(told=(self.notice,))


class NoteUntold(msgspec.Struct, frozen=True):
    """A program could not be told; the outcome is whether it is tried again."""

    notice: StatusNotice | ReceivedNotice
    untold: Untold

    def needs(self) -> Needs:
        """Ask for nothing."""
        return Needs()

    def decide(self, facts: Facts) -> tuple[bool, Change]:
        """Postpone the notice, or keep it with the reason why it was given up."""
        tried = note_try(self.notice, Try(facts.now, self.untold.why, self.untold.status))
        due_at = next_try(tried, self.untold, facts.now)
        if due_at is None:
            tried = msgspec.structs.replace(tried, given_up=self.untold.why)
        return due_at is not None, Change(postponed=(PostponedNotice(tried, due_at),))


class AnswerTaken(msgspec.Struct, frozen=True):
    """What came of a program's answer: texts that wait in the outbox, and how many were refused."""

    queued: tuple[str, ...] = ()
    refused: int = 0


class TakeAnswer(msgspec.Struct, frozen=True):
    """A program was told of a text, and its answer asks that these be sent to the person.

    The notice ends in the same transaction: an answer is taken once, however often it is given.
    """

    notice: ReceivedNotice
    texts: tuple[AskedText, ...]

    def needs(self) -> Needs:
        """Ask for the standings, and whether an answer was taken before."""
        recipients = dict.fromkeys(self._find_recipient(text) for text in self.texts)
        return Needs(recipients=tuple(recipients), idempotency=((_OWNER, self.notice.id),))

    def decide(self, facts: Facts) -> tuple[AnswerTaken, Change]:
        """Ask the gate about each text; what may not go is kept as a refused attempt."""
        ended = Change(told=(self.notice.id,))
        if facts.idempotent(_OWNER, self.notice.id) is not None:
            return AnswerTaken(), ended
        once = IdempotencyRecord(_OWNER, self.notice.id, "", 200, b"", facts.now)
        made = [self._ask(text, facts) for text in self.texts]
        queued = tuple(one.message.id for one in made if one.message is not None)
        taken = AnswerTaken(queued, len(made) - len(queued))
        return taken, join(ended, Change(records=(once,)), *(one.change for one in made))

    def _ask(self, text: AskedText, facts: Facts) -> Queued:
        draft = self._draft(text)
        asked = queue_text(draft, facts.standing(draft.recipient), facts)
        reason = self._find_reason(text, draft, facts.now)
        if asked.message is None or reason is None:
            return asked
        entry = refusal_entry(draft, asked.decision, facts)
        entry = msgspec.structs.replace(entry, reason=reason, decision=None)
        return Queued(asked.decision, None, Change(entries=(entry,)))

    def _find_reason(self, text: AskedText, draft: Draft, now: datetime) -> str | None:
        """Say why a text is not sent that the gate would let go."""
        if text.to is not None and _read_number(text.to) is None:
            return str(Reason.INVALID_NUMBER)
        named = text.from_number
        if named is not None and draft.sender not in (named, _read_number(named)):
            return OTHER_SENDER
        if now - self.notice.made_at > ANSWER_WITHIN:
            return TOO_LATE
        # To somebody else a text is no second answer.
        is_answer = draft.recipient == self.notice.message.recipient
        return self.notice.no_answer if is_answer or self.notice.no_answer == RESTORED else None

    def _find_recipient(self, text: AskedText) -> str:
        """Find to whom a text goes; one to a number that is none is kept with the person."""
        named = None if text.to is None else _read_number(text.to)
        return named or self.notice.message.recipient

    def _draft(self, text: AskedText) -> Draft:
        message, callback = self.notice.message, self.notice.callback
        wanted = text.callback_url
        return Draft(
            recipient=self._find_recipient(text),
            sender=message.sender,
            body=text.body,
            actor=Actor(ActorKind.KEY, callback.account or message.carrier),
            media=text.media,
            door=Door.API,
            purpose=Purpose.CONVERSATIONAL,
            callback=None if wanted is None else Callback(wanted, callback.account),
        )


def _read_number(text: str) -> str | None:
    try:
        return normalize_phone(text)
    except InvalidNumber:
        return None


class HoldAnswers(msgspec.Struct, frozen=True):
    """Have programs told what they may have been told before, and send nothing that they answer."""

    notices: tuple[Notice, ...]

    def needs(self) -> Needs:
        """Ask for nothing."""
        return Needs()

    def decide(self, facts: Facts) -> tuple[int, Change]:
        """Mark the texts that came in, and say how many there were."""
        del facts
        held = tuple(
            PostponedNotice(msgspec.structs.replace(notice, no_answer=RESTORED), notice.made_at)
            for notice in self.notices
            if isinstance(notice, ReceivedNotice) and notice.no_answer is None
        )
        return len(held), Change(postponed=held)
