"""Holds what the system does against what people said: the seven invariants, after every step.

What people said and what was told of them is kept by `consent_model`, which shares no rule with
the product. A step is a batch that became durable, a text that leaves, or an answer that was given.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from mirror import Mirror
from simulated_server import Observed, Server

from consent_model import AHEAD, Number, Person, Said, Told, read_word
from consentry.actions.answer_review import AnswerReview
from consentry.actions.deliver_job import ClaimJobs, RecordSubmission
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
from consentry.domain.gate import (
    Decision,
    Door,
    Facts,
    MessageKind,
    Request,
    Verdict,
    decide,
)
from consentry.domain.imports import ImportKind, RowOutcome
from consentry.domain.messages import MessageStatus
from consentry.domain.policy import Policy
from consentry.domain.reading import BlockLayer
from consentry.domain.review import ReviewAnswer
from consentry.domain.standing import (
    Block,
    BlockState,
    Consent,
    ConsentLevel,
    ConsentState,
    SMSPreference,
    Standing,
    Suppression,
)
from consentry.ports import CarrierRefusal, InboundText, OutboundText, Work

_PACIFIC = ZoneInfo("America/Los_Angeles")
_ASKED_FOR = timedelta(hours=48)
_CLOSING = (Block, Consent, Suppression)
_UNDER_WAY = (
    *(MessageStatus.SCHEDULED, MessageStatus.QUEUED, MessageStatus.SENDING),
    MessageStatus.INDETERMINATE,
)
UNCLEAR = ("who is this", "not interested")
DIGITS = ("1", "2", "3")


class Violation(AssertionError):
    """An invariant does not hold; `recipient` is whom it is about."""

    def __init__(self, told: str, recipient: str | None = None) -> None:
        super().__init__(told)
        self.recipient = recipient


class Witness:
    """The model, the mirror of the ledger, and the invariants over both."""

    def __init__(self, directory: Directory, policy: Policy, now: Callable[[], datetime]) -> None:
        self.directory = directory
        self.policy = policy
        self.now = now
        self.mirror = Mirror()
        self.numbers = {
            s.number: Number(s.number, str(s.kind), s.brand, s.messaging_service_sid)
            for s in directory.senders.values()
        }
        self.said: dict[str, Person] = defaultdict(Person)
        self.turn = 0
        self.unclear: set[tuple[str, str]] = set()
        self.placed: set[str] = set()
        self.asked: dict[tuple[str, str], dict[str, datetime]] = defaultdict(dict)
        self._last_claimed: dict[tuple[str, str], Purpose | None] = {}
        self._heard: dict[str, Said] = {}
        self.turn_of: dict[str, int] = {}
        self.claimed_in: dict[str, int] = {}
        self.acknowledged: set[int] = set()
        self.taken: dict[str, str] = {}
        self.in_doubt: list[list[Observed]] = []
        self.decisions = 0
        self._hooks: dict[type, Callable[[Any, Observed], None]] = {
            ReceiveMessage: self._hear,
            GrantConsent: self._note_grant,
            RevokeConsent: self._note_revocation,
            SuppressRecipient: self._note_suppression,
            ImportSlice: self._note_import,
            AnswerReview: self._note_review,
            ClaimJobs: self._note_claim,
            RecordSubmission: self._note_answer,
        }

    # --- What became durable ------------------------------------------------------------------

    def observe(self, server: Server, batch: list[Observed], outcomes: Iterable[object]) -> None:
        """See a batch that is durable, command by command in its order."""
        self.in_doubt.clear()
        touched: dict[str, None] = {}
        closing: dict[str, None] = {}
        for observed in batch:
            if observed.error is None:
                for entry in observed.change.entries:
                    touched[entry.recipient] = None
                    if any(isinstance(piece, _CLOSING) for piece in entry.pieces):
                        closing[entry.recipient] = None
                self._take(observed)
        self._see_standings(server, touched)
        for recipient in closing:
            self.see_gate(recipient)
        del outcomes

    def _take(self, observed: Observed) -> None:
        """Take one command in, in the order in which the ledger has them."""
        self.turn += 1
        for entry in observed.change.entries:
            self._replay(entry)
            self.mirror.note(entry)
        self.mirror.apply(observed.change)
        hook = self._hooks.get(type(observed.command))
        if hook is not None:
            hook(observed.command, observed)
        for entry in observed.change.entries:
            self._see_yes(entry)

    def _replay(self, entry: Entry) -> None:
        """I5: what the gate decided follows from the entries before it."""
        if entry.decision is None:
            return
        if entry.request is None:
            raise Violation(f"I5: entry {entry.id} has no question", entry.recipient)
        before = Facts(self.directory, self.mirror.standing(entry.recipient))
        again = decide(entry.request, before, self.policy, entry.decision.as_of)
        self.decisions += 1
        if again != entry.decision:
            raise Violation(
                f"I5: {entry.kind} was {entry.decision.decision}/{entry.decision.reason}, and is "
                f"{again.decision}/{again.reason} from the ledger",
                entry.recipient,
            )

    def _see_standings(self, server: Server, touched: Iterable[str]) -> None:
        """I5: what is stored is the fold of the entries."""
        numbers = [number for number in touched if number]
        if not numbers:
            return
        _, stored = server.read_facts_of(numbers)
        for number, standing in zip(numbers, stored, strict=True):
            if standing != self.mirror.standing(number):
                raise Violation("I5: the standing is not the fold of the entries", number)

    # --- After a crash --------------------------------------------------------------------------

    def doubt(self, batch: list[Observed]) -> None:
        """Keep a batch in mind that was not acknowledged, and may be on the disk all the same."""
        self.in_doubt.append(batch)

    def see_disk(self, server: Server, *, thoroughly: bool = False) -> None:
        """I4: what was acknowledged is on the disk, and nothing that nobody decided."""
        for batch in reversed(self.in_doubt):
            if _is_kept(server, batch):
                self.in_doubt.clear()
                for observed in batch:
                    if observed.error is None:
                        self._take(observed)
                break
        self.in_doubt.clear()
        difference = self.mirror.find_difference(server, thoroughly=thoroughly)
        if difference is not None:
            raise Violation(f"I4: after a restart the disk has other {difference}")

    # --- What is said and told ------------------------------------------------------------------

    def _hear(self, command: ReceiveMessage, observed: Observed) -> None:
        outcome: Any = observed.outcome
        text, number = command.text, self.numbers.get(command.text.sender)
        if outcome.duplicate:
            if observed.change.entries or observed.change.messages:
                raise Violation("I4: a repeated webhook changed something", text.recipient)
            return
        if number is None:
            return
        self.turn_of[name_text(text)] = self.turn
        who, body, heard = self.said[text.recipient], text.body, command.received_at
        ours = frozenset({"ours"})
        self._heard[outcome.message] = Said(self.turn, True, number, ours, heard, text.sent_at)
        word = read_word(body, number, who)
        pair = text.recipient, text.sender
        if word is not None:
            said = Said(self.turn, word[0], number, word[1], heard, text.sent_at)
            who.words.append(said)
            self.unclear.discard(pair)
            if word[0]:
                until = (text.sent_at or heard) + AHEAD
                self._forget_asked(text.recipient, number.brand, until)
        elif body in UNCLEAR and not who.is_revoked(number) and self._is_no_answer(*pair):
            self.unclear.add(pair)
        if body in DIGITS:
            self._note_kept(observed.change.entries[0], command)

    def _forget_asked(self, recipient: str, brand: str, until: datetime) -> None:
        """An opt-out ends what a brand has asked by then."""
        for number in self.numbers.values():
            if number.brand == brand:
                asked = self.asked[recipient, number.number]
                left = {program: at for program, at in asked.items() if at > until}
                self.asked[recipient, number.number] = left

    def _is_no_answer(self, person: str, sender: str) -> bool:
        """Tell whether the last text that somebody wrote to them was no part of a conversation."""
        thread = self._last_claimed.get((person, sender))
        return thread is None or thread is not Purpose.CONVERSATIONAL

    def _note_kept(self, entry: Entry, command: ReceiveMessage) -> None:
        """A digit that gave a program back is a word from then on, of which nothing was closed."""
        if entry.kind is not EntryKind.OPTED_IN or entry.program is None:
            return
        who, number = self.said[entry.recipient], self.numbers[command.text.sender]
        if any(who.closing(number, layer) for layer in ("provider", "network")):
            raise Violation("I1: a digit lifted what the carrier blocks", entry.recipient)
        heard, sent = command.received_at, command.text.sent_at
        who.words.append(Said(self.turn, False, number, frozenset({"ours"}), heard, sent))
        program = self.directory.programs.get(entry.program)
        if program is not None and program.purpose is Purpose.MARKETING:
            who.written.append(Told(self.turn, heard + timedelta(microseconds=1), program.brand))

    def _see_yes(self, entry: Entry) -> None:
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
            self.said[entry.recipient].written.append(Told(self.turn, entry.at, program.brand))

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

    def _note_review(self, command: AnswerReview, observed: Observed) -> None:
        del observed
        case = command.case
        if command.answer is ReviewAnswer.KEEP:
            if self.mirror.standing(case.recipient).review(case.sender) is None:
                self.unclear.discard((case.recipient, case.sender))
        else:
            # It is the person's own word, as of the time of their text; what they said between
            # the two, and was no word, has not undone it.
            word = self._heard[case.unclear.message]
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

    # --- What leaves ----------------------------------------------------------------------------

    def _note_claim(self, command: ClaimJobs, observed: Observed) -> None:
        del command
        outcome: Any = observed.outcome
        for work in outcome:
            self._see_claim(work, observed.now)

    def _see_claim(self, work: Work, now: datetime) -> None:
        """I1 to I4, at the second gate."""
        message = work.message
        person, number = self.said[message.recipient], self.numbers[message.sender]
        if message.id in self.taken:
            raise Violation("I4: claimed again, and the carrier has it", message.recipient)
        self.claimed_in[message.id] = self.turn
        if message.kind is MessageKind.OPT_OUT_CONFIRMATION:
            if not person.may_confirm(number, now):
                raise Violation("I2: a second, late or needless confirmation", message.recipient)
            if message.segments != 1 or message.media or message.purpose is Purpose.MARKETING:
                raise Violation("I2: more than a plain segment", message.recipient)
            person.confirmed[number.number] = self.turn
            return
        if person.is_revoked(number):
            raise Violation("I1: claimed after a revocation", message.recipient)
        if message.kind is MessageKind.OPT_IN_REQUEST and message.program is not None:
            self.asked[message.recipient, message.sender][message.program] = now
        if message.kind is MessageKind.MESSAGE:
            self._last_claimed[message.recipient, message.sender] = message.purpose
        if message.purpose is Purpose.MARKETING and message.kind is MessageKind.MESSAGE:
            self._see_marketing(work, now)

    def _see_marketing(self, work: Work, now: datetime) -> None:
        message = work.message
        number = self.numbers[message.sender]
        if not self.said[message.recipient].may_market(number.brand, now):
            raise Violation("I3: marketing without written consent", message.recipient)
        hour = now.astimezone(_PACIFIC).hour
        if message.recipient not in self.placed and not 8 <= hour < 21:
            raise Violation("marketing at night", message.recipient)

    def see_leaving(self, text: OutboundText) -> None:
        """I1: no text is handed over after a revocation of it was acknowledged."""
        message = self.mirror.messages.get(text.message)
        if message is None:
            raise Violation("I4: a text leaves that is not durable", text.recipient)
        if message.kind is MessageKind.OPT_OUT_CONFIRMATION:
            return
        number, person = self.numbers[text.sender], self.said[text.recipient]
        known = Person(
            words=[w for w in person.words if not w.opts_out or w.turn in self.acknowledged],
            never=[told for told in person.never if told.turn in self.acknowledged],
        )
        if known.is_revoked(number):
            raise Violation(
                "I1: a text leaves after its revocation was acknowledged", text.recipient
            )

    def see_taken(self, text: OutboundText, sid: str) -> None:
        """I4: the carrier takes each text once."""
        if text.message in self.taken:
            raise Violation(f"I4: {text.message} was sent twice", text.recipient)
        self.taken[text.message] = sid

    def see_end(self) -> None:
        """I4: what was accepted has come to an end, or is still worked at."""
        for message in self.mirror.messages.values():
            if message.status in _UNDER_WAY and message.id not in self.mirror.jobs:
                raise Violation(
                    f"I4: {message.id} is {message.status}, and nobody works at it",
                    message.recipient,
                )

    def _note_answer(self, command: RecordSubmission, observed: Observed) -> None:
        """What the carrier refuses as opted out is blocked from then on."""
        answer = command.submission
        if not (isinstance(answer, CarrierRefusal) and answer.opted_out):
            return
        entries = observed.change.entries
        if not entries:
            raise Violation("rule 8: a refusal left nothing", command.recipient)
        if any(entry.reason == "refusal_burst" for entry in entries):
            return
        since = self.claimed_in.get(command.message, 0)
        message = self.mirror.messages[command.message]
        back = [w for w in self.said[command.recipient].words if not w.opts_out]
        began = message.submitted_at or observed.now
        if any(w.turn > since or max(w.sent or w.heard, w.heard) >= began for w in back):
            return
        sender = self.directory.senders[command.sender]
        held = self.mirror.standing(command.recipient).block(
            sender.scope_of(BlockLayer.PROVIDER), BlockLayer.PROVIDER
        )
        if held is None or held.state is not BlockState.BLOCKED:
            raise Violation("rule 8: refused as opted out, and not blocked", command.recipient)

    # --- What the gate would say ----------------------------------------------------------------

    def see_gate(self, recipient: str) -> None:
        """I1, I3: what a person's words forbid, the gate forbids, and the phone is red."""
        said, standing = self.said[recipient], self.mirror.standing(recipient)
        now = self.now()
        marketing: dict[str, bool] = {}
        for place, sender in enumerate(self.directory.senders.values()):
            number = self.numbers[sender.number]
            if said.is_revoked(number):
                allowed = self._ask(recipient, sender.number, standing, None)
                if allowed.decision is Verdict.ALLOW:
                    raise Violation(f"I1: the gate lets a text of {sender.number} pass", recipient)
                if standing.sms_preference is not SMSPreference.FORBIDDEN:
                    raise Violation("I1: opted out, and the phone is not red", recipient)
                self._see_blocks(recipient, sender.number, standing)
            if number.brand not in marketing:
                marketing[number.brand] = said.may_market(number.brand, now)
            unclear = any(
                person == recipient and self.numbers[other].brand == number.brand
                for person, other in self.unclear
            )
            if (not marketing[number.brand] or unclear) and (unclear or self._is_turn_of(place)):
                asked = self._ask(recipient, sender.number, standing, Purpose.MARKETING)
                if asked.decision is not Verdict.DENY:
                    what = "while a text is unclear" if unclear else "without written consent"
                    raise Violation(f"I3: the gate lets marketing pass {what}", recipient)

    def _is_turn_of(self, place: int) -> bool:
        """Ask over some of the numbers each time, and over others the next: asking takes long."""
        return (place + self.turn) % 3 == 0

    def _see_blocks(self, recipient: str, sender: str, standing: Standing) -> None:
        number = self.numbers[sender]
        for layer in BlockLayer:
            if self.said[recipient].closing(number, str(layer)):
                held = standing.block(self.directory.senders[sender].scope_of(layer), layer)
                if held is None or held.state is not BlockState.BLOCKED:
                    raise Violation(f"I4: the {layer} block of {sender} is open", recipient)

    def _ask(
        self, recipient: str, sender: str, standing: Standing, purpose: Purpose | None
    ) -> Decision:
        request = Request(recipient, sender, purpose=purpose, door=Door.CONSOLE)
        return decide(request, Facts(self.directory, standing), self.policy, self.now())

    def see_answer(self, recipient: str, sender: str, decision: Decision) -> None:
        """I7: whoever asks at a door is never told yes where a revocation is acknowledged."""
        if decision.decision is Verdict.ALLOW and self.said[recipient].is_revoked(
            self.numbers[sender]
        ):
            raise Violation("I1: a check was answered with yes", recipient)


def name_text(text: InboundText) -> str:
    """Name a text of a person; two persons' may have the same id."""
    return f"{text.carrier_message_id} of {text.recipient}"


def _claimed_at(statement: Statement, now: datetime) -> datetime:
    claimed = None if statement.evidence is None else statement.evidence.at
    return now if claimed is None else min(claimed, now)


def _is_kept(server: Server, batch: list[Observed]) -> bool:
    """Tell whether a batch of which nobody was told is on the disk: all of it is, or nothing."""
    execute = server.connection.execute
    for observed in batch:
        if observed.error is not None:
            continue
        for entry in observed.change.entries:
            return execute("SELECT 1 FROM entries WHERE id = ?", (entry.id,)).fetchone() is not None
        for message in observed.change.messages:
            found = execute("SELECT value FROM messages WHERE id = ?", (message.id,)).fetchone()
            return found is not None and Mirror.decode_message(str(found[0])) == message
    return False
