"""A person's text comes in: read it, move consent, file it, answer where it is ours to answer."""

from datetime import datetime, timedelta
from typing import Final, assert_never

import msgspec

from consentry.actions.answer_request import Said, follow_word, is_refused_campaign
from consentry.actions.ask_scope import ask_scope
from consentry.actions.file_number import build_profile
from consentry.actions.outgoing import Draft, cancel_forbidden, join, queue_text
from consentry.domain.consent import (
    Move,
    Signal,
    SignalKind,
    Text,
    Transition,
    decide_move,
    read_signal,
)
from consentry.domain.customers import Customer
from consentry.domain.directory import Brand, Sender
from consentry.domain.drift import Heard, order_by_carrier
from consentry.domain.entries import Actor, ActorKind, Entry, EntryKind
from consentry.domain.gate import MessageKind
from consentry.domain.keywords import read_carrier, read_legal
from consentry.domain.messages import Callback, Direction, Message, MessageStatus
from consentry.domain.notices import ANSWER_WITHIN, TOO_LATE, Notice, notice_of_text
from consentry.domain.reading import SenderKind
from consentry.domain.replies import OPT_OUT_BRIEF, render_reply
from consentry.domain.review import ReviewCase, ReviewState, Settled, list_changed
from consentry.domain.standing import Consent, Standing, apply_pieces
from consentry.ports import Change, Facts, InboundText, Needs, Rejected
from consentry.wire.gsm7 import count_segments
from consentry.wire.twilio_sids import parse_message_sid

KEYWORD_ANSWERED: Final = "keyword_answered"
"""Why a program's answer to a keyword is not sent: the carrier answers it, or we do."""

_NOT_ASKED: Final = (
    "This word is a campaign's. The person has opted out, so it is a text like any other and "
    "nothing is asked."
)
_NOTHING: Final = Change()


class Received(msgspec.Struct, frozen=True, gc=False):
    """What became of an inbound text.

    `in_flight` lists our messages to this person that are with the carrier right now: an
    opt-out is acknowledged only when they are over. `answered` tells that an answer of ours waits
    in the outbox. `message` is empty where it is a repeat of a text that was erased.
    """

    message: str
    kind: EntryKind
    duplicate: bool = False
    known_sender: bool = True
    in_flight: tuple[str, ...] = ()
    answered: bool = False


class ReceiveMessage(msgspec.Struct, frozen=True, gc=False):
    """An inbound text of a carrier account; `carrier_kind` chooses the carrier reader.

    `heard`: the order of the person's words as the carrier's history tells it, where it is known.
    """

    carrier: str
    carrier_kind: str
    text: InboundText
    received_at: datetime
    heard: tuple[Heard, ...] = ()

    def needs(self) -> Needs:
        """Ask for the person's standing, what waits for them, and whether we know this text."""
        ours = parse_message_sid(self.text.carrier_message_id)
        return Needs(
            recipients=(self.text.recipient,),
            inbound=(self.carrier, self.text.carrier_message_id),
            messages=() if ours is None else (ours,),
            queued_jobs=True,
            profiles=True,
        )

    def decide(self, facts: Facts) -> tuple[Received, Change]:
        """Decide once for each carrier message id of a person; a repeat changes nothing.

        Raises `Rejected` for a text that we passed on ourselves: it is here already. Taken in
        once more it would be passed on without end, and an old START would undo a newer STOP.
        """
        ours = parse_message_sid(self.text.carrier_message_id)
        if ours is not None and facts.message(ours) is not None:
            raise Rejected(
                "passed_on_to_itself",
                "This server passed the text on to itself: it is here already. Give the sender "
                "the inbound URL of your program, not that of this server.",
            )
        return self.decide_on(facts, facts.standing(self.text.recipient))

    def decide_on(self, facts: Facts, standing: Standing) -> tuple[Received, Change]:
        """Decide on a standing that an earlier part of the same command has changed."""
        recipient = self.text.recipient
        known = facts.inbound(self.carrier, self.text.carrier_message_id, recipient)
        if known is not None:
            in_flight = facts.in_flight(recipient)
            again = Received(known.id, EntryKind.MESSAGE_RECEIVED, True, in_flight=in_flight)
            return again, Change()
        known_as = self.text.carrier_message_id
        if facts.was_erased(Direction.INBOUND, self.carrier, known_as, recipient):
            # Taken for new, an old START would undo a STOP of which the number alone is left.
            in_flight = facts.in_flight(recipient)
            return Received("", EntryKind.MESSAGE_RECEIVED, True, in_flight=in_flight), Change()
        sender = facts.directory.senders.get(self.text.sender)
        known_sender = sender is not None
        if sender is None:
            sender = stranger(self.text.sender, self.carrier)
        standing = order_by_carrier(standing, self.heard)
        entry_id, message = facts.ids.new("ent"), self._message(sender, facts)
        read = read_text(self.text, self.carrier_kind, sender, received_at=self.received_at)
        signal = read_signal(read, standing, sender)
        if signal.kind is SignalKind.UNCLEAR:
            signal = msgspec.structs.replace(signal, message=message.id)
        moved = decide_move(
            signal,
            standing,
            sender,
            directory=facts.directory,
            policy=facts.policy,
            entry=entry_id,
        )
        moved, question = ask_scope(moved, signal, before=standing, sender=sender, facts=facts)
        after = apply_pieces(standing, moved.pieces)
        said = Said(message, read, signal, moved, sender, standing, after)
        entry = self._entry(entry_id, said, facts)
        answer, is_ours = self._answer(said, question, facts) if known_sender else (_NOTHING, False)
        change = join(
            Change(
                entries=(entry,),
                messages=(message,),
                records=(*self._profile(facts), *self._reviews(standing, after, facts)),
                notices=self._pass_on(said, is_answered=is_ours or read.carrier.answers),
            ),
            answer,
            cancel_forbidden(recipient, after, facts) if moved.narrowed else Change(),
        )
        in_flight = facts.in_flight(recipient) if moved.narrowed else ()
        received = Received(
            message.id,
            entry.kind,
            known_sender=known_sender,
            in_flight=in_flight,
            answered=bool(change.jobs),
        )
        return received, change

    def _message(self, sender: Sender, facts: Facts) -> Message:
        return Message(
            id=facts.ids.new("msg"),
            recipient=self.text.recipient,
            sender=self.text.sender,
            direction=Direction.INBOUND,
            status=MessageStatus.RECEIVED,
            body=self.text.body,
            created_at=self.received_at,
            updated_at=facts.now,
            actor=Actor(ActorKind.PERSON, self.text.recipient),
            media=self.text.media,
            carrier=self.carrier,
            carrier_message_id=self.text.carrier_message_id,
            service=sender.messaging_service_sid,
        )

    def _pass_on(self, said: Said, *, is_answered: bool) -> tuple[Notice, ...]:
        """Have the sender's program told, where it has one; of keywords too, as carriers do."""
        sender = said.sender
        if sender.inbound_url is None:
            return ()
        notice = notice_of_text(
            said.message,
            Callback(sender.inbound_url, sender.inbound_account or ""),
            opt_out_type=self.text.opt_out_type,
            no_answer=self._find_no_answer(said.text, is_answered=is_answered),
            media_types=self.text.media_types,
        )
        return (notice,)

    def _find_no_answer(self, read: Text, *, is_answered: bool) -> str | None:
        """Say why what a program answers is not sent, whatever it is."""
        if self.received_at - read.at > ANSWER_WITHIN:
            # A carrier that was away, or what was missed and is taken in later.
            return TOO_LATE
        return KEYWORD_ANSWERED if is_answered else None

    def _entry(self, entry_id: str, said: Said, facts: Facts) -> Entry:
        read, signal, moved = said.text, said.signal, said.moved
        return Entry(
            id=entry_id,
            recipient=self.text.recipient,
            kind=_kind_of(signal, moved),
            at=read.at,
            recorded_at=facts.now,
            actor=Actor(ActorKind.PERSON, self.text.recipient),
            sender=self.text.sender,
            program=signal.program,
            message=said.message.id,
            text=self.text.body,
            carrier_reading=read.carrier,
            legal_reading=read.legal,
            reason=_NOT_ASKED if is_refused_campaign(said, facts) else None,
            superseded=moved.superseded,
            pieces=moved.pieces,
        )

    def _profile(self, facts: Facts) -> tuple[Customer, ...]:
        """File the number on a new profile where no customer has it yet."""
        if facts.profile_of(self.text.recipient) is not None:
            return ()
        return (build_profile(self.text.recipient, facts),)

    def _answer(self, said: Said, question: str | None, facts: Facts) -> tuple[Change, bool]:
        """Queue our one answer to a text, and say whether it answers a keyword.

        `question` is what a confirmation of ours asks. What follows on a yes or on a campaign's
        word takes the place of the answer that the text would get.
        """
        followed, reply = follow_word(said, facts), said.moved.reply
        if followed is not None and followed.jobs:
            return followed, True
        answer = self._reply(said, question, facts)
        is_keyword = reply is not None and reply is not MessageKind.INITIAL_REPLY
        return answer if followed is None else join(followed, answer), is_keyword

    def _reply(self, said: Said, question: str | None, facts: Facts) -> Change:
        moved = said.moved
        if moved.reply is None:
            return _NOTHING
        answer = Answer(moved.reply, self.text.recipient, self.text.sender, question)
        return queue_answer(answer, said.after, facts)

    def _reviews(self, before: Standing, after: Standing, facts: Facts) -> tuple[ReviewCase, ...]:
        """List what is to be reviewed now, and what the person's own word ended."""
        if before.reviews == after.reviews:
            return ()
        person = Actor(ActorKind.PERSON, self.text.recipient)
        return list_changed(
            before,
            after,
            recipient=self.text.recipient,
            sender=self.text.sender,
            settled=Settled(ReviewState.ENDED, facts.now, person),
        )


class Answer(msgspec.Struct, frozen=True, gc=False):
    """An answer of ours to a person's word; `wording` is the brand's own unless it is given."""

    kind: MessageKind
    recipient: str
    sender: str
    wording: str | None = None


def queue_answer(answer: Answer, after: Standing, facts: Facts) -> Change:
    """Put our answer in the outbox, or record that the gate refused it."""
    sender = facts.directory.senders[answer.sender]
    brand = facts.directory.brand_of(sender)
    deadline = None
    if answer.kind is MessageKind.OPT_OUT_CONFIRMATION:
        seconds = facts.policy.confirmation_deadline_seconds
        deadline = facts.now + timedelta(seconds=seconds)
    draft = Draft(
        recipient=answer.recipient,
        sender=answer.sender,
        body=answer.wording or word_answer(answer.kind, sender, brand),
        actor=Actor(ActorKind.SYSTEM),
        kind=answer.kind,
        expires_at=deadline,
    )
    return queue_text(draft, after, facts).change


def read_text(
    text: InboundText, carrier_kind: str, sender: Sender, *, received_at: datetime
) -> Text:
    """Let both readers read a text; the carrier's time counts where it gives one.

    It is not bounded by our own clock: two texts are in the order of one clock, the carrier's,
    even while ours is wrong.
    """
    at = received_at if text.sent_at is None else text.sent_at
    return Text(
        body=text.body,
        at=at,
        carrier=read_carrier(
            text.body,
            carrier=carrier_kind,
            kind=sender.kind,
            at=at,
            opt_out_type=text.opt_out_type,
        ),
        legal=read_legal(text.body),
        carrier_timed=text.sent_at is not None,
        arrived_at=received_at,
    )


def word_answer(kind: MessageKind, sender: Sender, brand: Brand) -> str:
    """Render our answer; a confirmation that would not be one segment is said in brief (I2)."""
    text = render_reply(kind, sender, brand)
    if kind is MessageKind.OPT_OUT_CONFIRMATION and count_segments(text).segments != 1:
        return OPT_OUT_BRIEF
    return text


def _kind_of(signal: Signal, moved: Transition) -> EntryKind:
    match signal.kind:
        case SignalKind.OPT_OUT:
            return EntryKind.OPTED_OUT
        case SignalKind.OPT_IN:
            return EntryKind.OPTED_IN
        case SignalKind.SCOPE_ANSWER:
            return EntryKind.MESSAGE_RECEIVED if moved.superseded else EntryKind.OPTED_IN
        case SignalKind.HELP:
            return EntryKind.HELP_ASKED
        case SignalKind.UNCLEAR:
            return EntryKind.REVIEW_OPENED
        case SignalKind.PLAIN_TEXT:
            opted_in = moved.move is Move.CONVERSE and any(
                isinstance(piece, Consent) for piece in moved.pieces
            )
            return EntryKind.OPTED_IN if opted_in else EntryKind.MESSAGE_RECEIVED
        case never:
            assert_never(never)


def stranger(number: str, carrier: str) -> Sender:
    """Stand in for a number of ours that is not set up here.

    Its texts are kept and its opt-outs count, so that nothing is lost when it is added later.
    It is switched off and belongs to no brand, so nothing can be sent from it.
    """
    kind = SenderKind.LONG_CODE if number.startswith("+") else SenderKind.SHORT_CODE
    return Sender(number=number, kind=kind, brand="", carrier=carrier, enabled=False)
