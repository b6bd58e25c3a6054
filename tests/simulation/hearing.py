"""What people say and what is told of them, as it becomes durable: kept as lists, never as a state.

The lists are `consent_model`'s, which shares no rule with the product.
"""

from collections import defaultdict
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from mirror import Mirror
from simulated_server import Observed

from consent_model import AHEAD, Number, Person, Said, Told, read_word
from consentry.actions.answer_review import AnswerReview
from consentry.actions.import_rows import ImportSlice
from consentry.actions.receive_message import ReceiveMessage
from consentry.actions.record_consent import (
    GrantConsent,
    RevokeConsent,
    Statement,
    SuppressRecipient,
)
from consentry.domain.directory import Directory, Purpose
from consentry.domain.entries import ActorKind, Entry, EntryKind, Medium
from consentry.domain.imports import ImportKind, RowOutcome
from consentry.domain.review import ReviewAnswer
from consentry.domain.standing import Consent, ConsentLevel, ConsentState
from consentry.ports import InboundText

if TYPE_CHECKING:
    from collections.abc import Callable

_ASKED_FOR = timedelta(hours=48)
_KNOWN_FOR = timedelta(hours=20)
"""No carrier repeats for longer; what is older may be found in its history once more."""
UNCLEAR = ("who is this", "not interested")
DIGITS = ("1", "2", "3")


class Violation(AssertionError):
    """An invariant does not hold; `recipient` is whom it is about."""

    def __init__(self, told: str, recipient: str | None = None) -> None:
        super().__init__(told)
        self.recipient = recipient


class People(dict[str, Person]):
    """Everybody by their number: as they were in the past, until something is said or asked."""

    def __init__(self, past: dict[str, Person]) -> None:
        super().__init__()
        self._past = past

    def __missing__(self, number: str) -> Person:
        known = self._past.get(number)
        person = self[number] = Person() if known is None else known.copy()
        return person


class Hearing:
    """The model: everybody's words, grants, withdrawals, and the questions they were asked."""

    def __init__(self, directory: Directory) -> None:
        self.directory = directory
        self.mirror = Mirror()
        self.numbers = {
            s.number: Number(s.number, str(s.kind), s.brand, s.messaging_service_sid)
            for s in directory.senders.values()
        }
        self.said = People({})
        self.turn = 0
        self.unclear: set[tuple[str, str]] = set()
        self.asked: dict[tuple[str, str], dict[str, datetime]] = defaultdict(dict)
        self.last_claimed: dict[tuple[str, str], Purpose | None] = {}
        self.turn_of: dict[str, int] = {}
        self.acknowledged: set[int] = set()
        self.taken_at: dict[str, datetime] = {}
        self.heard: dict[str, Said] = {}
        self.hooks: dict[type, Callable[[Any, Observed], None]] = {
            ReceiveMessage: self._hear,
            GrantConsent: self._note_grant,
            RevokeConsent: self._note_revocation,
            SuppressRecipient: self._note_suppression,
            ImportSlice: self._note_import,
            AnswerReview: self._note_review,
        }

    def go_on_from(self, past: "Hearing") -> None:
        """Know what was said and told before, without touching what the past knows."""
        self.mirror.go_on_from(past.mirror)
        self.said = People(past.said)
        self.turn = past.turn
        self.unclear = set(past.unclear)
        self.asked.update({pair: dict(asked) for pair, asked in past.asked.items()})
        self.last_claimed = dict(past.last_claimed)
        self.turn_of = dict(past.turn_of)
        self.acknowledged = set(past.acknowledged)
        self.taken_at = dict(past.taken_at)
        self.heard = dict(past.heard)

    def _hear(self, command: ReceiveMessage, observed: Observed) -> None:
        outcome: Any = observed.outcome
        text, number = command.text, self.numbers.get(command.text.sender)
        if outcome.duplicate:
            if observed.change.entries or observed.change.messages:
                raise Violation("I4: a repeated webhook changed something", text.recipient)
            return
        if number is None:
            return
        name = name_text(text)
        if name in self.turn_of:
            self._see_old(text, observed.now)
            # It was erased long ago. Said once, it opts out still, and opts in no more.
            if (read_word(text.body, number, self.said[text.recipient]) or (True,))[0] is False:
                return
        self.turn_of[name] = self.turn
        self.taken_at[name] = observed.now
        who, body, heard = self.said[text.recipient], text.body, command.received_at
        ours = frozenset({"ours"})
        self.heard[outcome.message] = Said(self.turn, True, number, ours, heard, text.sent_at)
        word = read_word(body, number, who)
        pair = text.recipient, text.sender
        if word is not None:
            said = Said(self.turn, word[0], number, word[1], heard, text.sent_at)
            who.words.append(said)
            self.unclear.discard(pair)
            # One that comes behind a newer return ends nothing that was asked since.
            if word[0] and any(said in who.closing(number, layer) for layer in word[1]):
                until = (text.sent_at or heard) + AHEAD
                self._forget_asked(text.recipient, number.brand, until)
        elif body in UNCLEAR and not who.is_revoked(number) and self._is_no_answer(*pair):
            self.unclear.add(pair)
        if body in DIGITS:
            self._note_kept(observed.change.entries[0], command)

    def _see_old(self, text: InboundText, now: datetime) -> None:
        """I4: what is told again is a repeat, also of somebody who was erased meanwhile."""
        if now - self.taken_at[name_text(text)] < _KNOWN_FOR:
            raise Violation("I4: a repeated webhook was taken for a new one", text.recipient)

    def _forget_asked(self, recipient: str, brand: str, until: datetime) -> None:
        """An opt-out ends what a brand has asked by then."""
        for number in self.numbers.values():
            if number.brand == brand:
                asked = self.asked[recipient, number.number]
                left = {program: at for program, at in asked.items() if at > until}
                self.asked[recipient, number.number] = left

    def _is_no_answer(self, person: str, sender: str) -> bool:
        """Tell whether the last text that somebody wrote to them was no part of a conversation."""
        thread = self.last_claimed.get((person, sender))
        return thread is None or thread is not Purpose.CONVERSATIONAL

    def _note_kept(self, entry: Entry, command: ReceiveMessage) -> None:
        """A digit that gave a program back is a word from then on, of which nothing was closed."""
        if entry.kind is not EntryKind.OPTED_IN or entry.program is None:
            return
        who, number = self.said[entry.recipient], self.numbers[command.text.sender]
        if any(who.closing(number, layer) for layer in ("provider", "network")):
            raise Violation("I1: a digit lifted what the carrier blocks", entry.recipient)
        heard, sent = command.received_at, command.text.sent_at
        kept = Said(self.turn, False, number, frozenset({"ours"}), heard, sent)
        who.words.append(kept)
        program = self.directory.programs.get(entry.program)
        if program is not None and program.purpose is Purpose.MARKETING:
            who.written.append(Told(self.turn, heard, program.brand, word=kept))

    def see_yes(self, entry: Entry) -> None:
        """I3: a yes confirms what was asked over the number that it was texted to, in time."""
        is_yes = entry.kind is EntryKind.CONSENT_GRANTED and entry.actor.kind is ActorKind.PERSON
        if not is_yes or entry.program is None or entry.sender is None:
            return
        asked_at = self.asked[entry.recipient, entry.sender].get(entry.program)
        if asked_at is None:
            raise Violation(
                f"I3: a yes to {entry.sender} confirmed {entry.program}, which was not asked there",
                entry.recipient,
            )
        if entry.at > asked_at + _ASKED_FOR:
            raise Violation("I3: a yes confirmed what was asked too long ago", entry.recipient)
        program = self.directory.programs[entry.program]
        if program.purpose is Purpose.MARKETING:
            yes = self.heard[entry.message or ""]
            granted = Told(self.turn, entry.at, program.brand, word=yes)
            self.said[entry.recipient].written.append(granted)

    def _note_grant(self, command: GrantConsent, observed: Observed) -> None:
        statement, program = command.statement, self.directory.programs.get(command.program)
        evidence = statement.evidence
        if program is None or program.purpose is not Purpose.MARKETING or evidence is None:
            return
        if command.level is ConsentLevel.EXPRESS_WRITTEN and evidence.medium is Medium.TEXT:
            at = _claimed_at(statement, observed.now)
            grant = Told(self.turn, at, program.brand, command.expires_at)
            self.said[statement.recipient].written.append(grant)

    def _note_revocation(self, command: RevokeConsent, observed: Observed) -> None:
        statement = command.statement
        who, at = self.said[statement.recipient], _claimed_at(statement, observed.now)
        if command.program.startswith("conversation:"):
            who.held_by_company |= not statement.by_person
            if statement.by_person:
                number = self.numbers[command.program.removeprefix("conversation:")]
                who.words.append(Said(self.turn, True, number, frozenset({"ours"}), at))
        else:
            brand = self.directory.programs[command.program].brand
            who.withdrawn.append(Told(self.turn, at, brand))
        self._name_turn(observed)

    def _note_suppression(self, command: SuppressRecipient, observed: Observed) -> None:
        self._note_never(command.statement, command.brand, observed)

    def _note_import(self, command: ImportSlice, observed: Observed) -> None:
        """What a list of opt-outs says counts for each row that was written."""
        outcome: Any = observed.outcome
        aim = command.aim
        if aim.kind is not ImportKind.OPT_OUTS:
            self._see_import(command, observed)
            return
        for decided in outcome[1]:
            if decided.outcome is RowOutcome.RECORDED:
                who, row = self.said[decided.row.recipient], decided.row
                who.held_by_company |= not aim.by_person
                at = min(row.at or observed.now, observed.now)
                if aim.by_person:
                    who.never.append(Told(self.turn, at, aim.brand))

    def _see_import(self, command: ImportSlice, observed: Observed) -> None:
        """Rule 5: a list of consents makes nothing active, and lifts nothing."""
        for entry in observed.change.entries:
            for piece in entry.pieces:
                if isinstance(piece, Consent) and piece.state is ConsentState.ACTIVE:
                    what = f"I3: the list {command.run} made {piece.program} active"
                    raise Violation(what, entry.recipient)

    def _note_never(self, statement: Statement, brand: str | None, observed: Observed) -> None:
        who = self.said[statement.recipient]
        who.held_by_company |= not statement.by_person
        if statement.by_person:
            at = _claimed_at(statement, observed.now)
            who.never.append(Told(self.turn, at, brand))
        self._name_turn(observed)

    def forget(self, recipient: str) -> None:
        """Forget somebody who is erased, but what they said no to."""
        who = self.said[recipient]
        who.written.clear()
        # What stands is kept without its words: a YES may lift more than the lists know of.
        who.held_by_company = True
        self.unclear = {pair for pair in self.unclear if pair[0] != recipient}
        for pair in [pair for pair in self.asked if pair[0] == recipient]:
            del self.asked[pair]

    def _note_review(self, command: AnswerReview, observed: Observed) -> None:
        del observed
        case = command.case
        if command.answer is ReviewAnswer.KEEP:
            if self.mirror.standing(case.recipient).review(case.sender) is None:
                self.unclear.discard((case.recipient, case.sender))
        else:
            # It is the person's own word, as of the time of their text; what they said between
            # the two, and was no word, has not undone it.
            word = self.heard[case.unclear.message]
            word = replace(word, turn=self.turn, heard=word.shown, sent=None)
            self.said[case.recipient].words.append(word)
            self.unclear.discard((case.recipient, case.sender))

    def _name_turn(self, observed: Observed) -> None:
        for entry in observed.change.entries:
            self.turn_of[entry.id] = self.turn

    def acknowledge(self, name: str) -> None:
        """Note that somebody was told "taken": of a carrier's text by its id, or of an entry.

        I7: what was not durable by then is lost with the next crash.
        """
        turn = self.turn_of.get(name)
        if turn is None:
            raise Violation(f"I7: {name} was acknowledged and is not durable")
        self.acknowledged.add(turn)


def name_text(text: InboundText) -> str:
    """Name a text of a person; two persons' may have the same id."""
    return f"{text.carrier_message_id} of {text.recipient}"


def _claimed_at(statement: Statement, now: datetime) -> datetime:
    claimed = None if statement.evidence is None else statement.evidence.at
    return now if claimed is None else min(claimed, now)
