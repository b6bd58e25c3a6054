"""Somebody has read an unclear text and says what it is: an opt-out, a wrong number, or neither."""

from typing import Final, assert_never

import msgspec

from consentry.actions.outgoing import cancel_forbidden, join
from consentry.actions.receive_message import Answer, queue_answer, stranger
from consentry.domain.consent import Move, Signal, SignalKind, Transition, decide_move
from consentry.domain.directory import Sender
from consentry.domain.entries import Actor, Entry, EntryKind, Evidence, Medium
from consentry.domain.intake import Told, decide_suppression
from consentry.domain.reading import BlockLayer
from consentry.domain.review import (
    ReviewAnswer,
    ReviewCase,
    ReviewState,
    Settled,
    is_back_since,
    keep_text,
    list_changed,
)
from consentry.domain.standing import Cause, Piece, Standing, apply_pieces
from consentry.ports import Change, Delivery, Facts, Needs, Rejected, Store

_CAUSES: Final = {
    ReviewAnswer.OPT_OUT: Cause.FREE_TEXT,
    ReviewAnswer.OPT_OUT_BRAND: Cause.FREE_TEXT,
    ReviewAnswer.WRONG_NUMBER: Cause.WRONG_NUMBER,
}


class ReviewAnswered(msgspec.Struct, frozen=True):
    """The review as it is now; `in_flight`, `answered`: as of an opt-out by text."""

    case: ReviewCase
    in_flight: tuple[str, ...] = ()
    answered: bool = False


class AnswerReview(msgspec.Struct, frozen=True):
    """Say what an unclear text was; `note` is for colleagues.

    An opt-out is the person's own word, at the time of their text: the person alone lifts it. It
    answers all that is unclear in the conversation. "Keep" may be made stricter later.
    """

    case: ReviewCase
    answer: ReviewAnswer
    actor: Actor
    note: str | None = None

    def needs(self) -> Needs:
        """Ask for the standing, the review as it is, its text, and what waits for the person."""
        return Needs(
            recipients=(self.case.recipient,),
            messages=(self.case.unclear.message,),
            reviews=(self.case.id,),
            queued_jobs=True,
        )

    def decide(self, facts: Facts) -> tuple[ReviewAnswered, Change]:
        """Answer it once; raises `Rejected` where that was done, or the person has spoken since."""
        case = self._find(facts)
        standing, entry_id = facts.standing(case.recipient), facts.ids.new("ent")
        sender = facts.directory.senders.get(case.sender) or stranger(case.sender, "")
        moved = self._move(case, standing, sender, facts=facts, entry=entry_id)
        after = apply_pieces(standing, moved.pieces)
        settled = Settled(ReviewState.ANSWERED, facts.now, self.actor, self.answer, self.note)
        told = msgspec.structs.replace(
            case,
            state=settled.state,
            answer=self.answer,
            settled_at=facts.now,
            settled_by=self.actor,
            note=self.note,
        )
        changed = list_changed(
            standing, after, recipient=case.recipient, sender=case.sender, settled=settled
        )
        others = tuple(other for other in changed if other.id != case.id)
        change = join(
            Change(
                entries=(self._entry(entry_id, case, moved, facts),),
                records=(told, *others),
            ),
            Change()
            if moved.reply is None
            else queue_answer(Answer(moved.reply, case.recipient, case.sender), after, facts),
            cancel_forbidden(case.recipient, after, facts) if moved.narrowed else Change(),
        )
        in_flight = facts.in_flight(case.recipient) if moved.narrowed else ()
        return ReviewAnswered(told, in_flight, bool(change.jobs)), change

    def _find(self, facts: Facts) -> ReviewCase:
        case = facts.review(self.case.id)
        if case is None:
            raise Rejected(
                "not_found", f"There is no review {self.case.id!a}. List them.", status=404
            )
        if case.state is ReviewState.ENDED:
            raise Rejected(
                "already_settled",
                f"The review {case.id} is over: the person said themselves what they want.",
            )
        if case.state is ReviewState.ANSWERED and not _is_stricter(case.answer, self.answer):
            raise Rejected(
                "already_settled",
                f"The review {case.id} is answered already: {case.answer}. Only a kept one can "
                "still be made an opt-out or a wrong number.",
            )
        if case.state is ReviewState.ANSWERED and is_back_since(
            facts.standing(case.recipient), case
        ):
            raise Rejected(
                "opted_in_since",
                "The person has opted in to this number after that text, so it opts out no more. "
                "Record a new opt-out where they asked for one.",
            )
        return case

    def _move(
        self, case: ReviewCase, standing: Standing, sender: Sender, *, facts: Facts, entry: str
    ) -> Transition:
        """Move consent as the text would have, had the reader understood it."""
        match self.answer:
            case ReviewAnswer.KEEP:
                return Transition(Move.NOTHING, tuple(keep_text(standing, case)))
            case ReviewAnswer.OPT_OUT | ReviewAnswer.OPT_OUT_BRAND | ReviewAnswer.WRONG_NUMBER:
                text = facts.message(case.unclear.message)
                signal = Signal(
                    SignalKind.OPT_OUT,
                    case.unclear.at,
                    layers=(BlockLayer.OURS,),
                    cause=_CAUSES[self.answer],
                    # A carrier's clock that is ahead must not give a confirmation more time.
                    arrived_at=None if text is None else text.created_at,
                )
                moved = decide_move(
                    signal,
                    standing,
                    sender,
                    directory=facts.directory,
                    policy=facts.policy,
                    entry=entry,
                )
            case never:
                assert_never(never)
        pieces = moved.pieces
        if self.answer is ReviewAnswer.OPT_OUT_BRAND and sender.brand:
            after = apply_pieces(standing, pieces)
            pieces += _list_for_brand(case, after, sender, facts=facts, entry=entry)
        is_known = sender.number in facts.directory.senders
        reply = moved.reply if is_known else None
        return msgspec.structs.replace(moved, pieces=pieces, reply=reply)

    def _entry(self, entry_id: str, case: ReviewCase, moved: Transition, facts: Facts) -> Entry:
        """Tell who answered what; the person's text verbatim, and the reading that it corrects."""
        message = facts.message(case.unclear.message)
        text = None if message is None else message.body
        return Entry(
            id=entry_id,
            recipient=case.recipient,
            kind=EntryKind.REVIEW_ANSWERED,
            at=facts.now,
            recorded_at=facts.now,
            actor=self.actor,
            sender=case.sender,
            message=case.unclear.message,
            text=text,
            legal_reading=case.unclear.reading,
            evidence=Evidence(
                medium=Medium.TEXT, at=case.unclear.at, verbatim=text, note=self.note
            ),
            reason=str(self.answer),
            pieces=moved.pieces,
        )


def _is_stricter(given: ReviewAnswer | None, answer: ReviewAnswer) -> bool:
    """Tell whether an answer may follow one that was given: only an opt-out after a "keep"."""
    return given is ReviewAnswer.KEEP and answer is not ReviewAnswer.KEEP


def _list_for_brand(
    case: ReviewCase, after: Standing, sender: Sender, *, facts: Facts, entry: str
) -> tuple[Piece, ...]:
    told = Told(at=case.unclear.at, entry=entry, cause=Cause.FREE_TEXT)
    return decide_suppression(after, facts.directory, scope=sender.brand, told=told)


async def answer_review(store: Store, delivery: Delivery, command: AnswerReview) -> ReviewCase:
    """Answer a review; an opt-out is answered when nothing for the person is under way any more.

    Raises `Rejected`, `StoreUnavailable`.
    """
    outcome = await store.submit(command)
    await delivery.wait_quiet(outcome.in_flight)
    if outcome.answered:
        delivery.wake()
    return outcome.case
