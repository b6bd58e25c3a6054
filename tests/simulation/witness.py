"""Holds what the system does against what people said: the seven invariants, after every step.

What people said and what was told of them is kept by `consent_model`, which shares no rule with
the product. A step is a batch that became durable, a text that leaves, or an answer that was given.
"""

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from hearing import Hearing, Violation
from mirror import Mirror
from simulated_company import CROWDED
from simulated_server import Observed, Server

from consent_model import Person
from consentry.actions.deliver_job import ClaimJobs, RecordSubmission
from consentry.domain.directory import Directory, Purpose
from consentry.domain.entries import Entry
from consentry.domain.gate import (
    Decision,
    Door,
    Facts,
    MessageKind,
    Reason,
    Request,
    Verdict,
    decide,
)
from consentry.domain.messages import MessageStatus
from consentry.domain.policy import Policy
from consentry.domain.reading import BlockLayer
from consentry.domain.standing import (
    Block,
    BlockState,
    Consent,
    SMSPreference,
    Standing,
    Suppression,
)
from consentry.ports import CarrierRefusal, OutboundText, Work

_PACIFIC = ZoneInfo("America/Los_Angeles")
_CLOSING = (Block, Consent, Suppression)
_ASKED_AT_ONCE = 6
_UNDER_WAY = (
    *(MessageStatus.SCHEDULED, MessageStatus.QUEUED, MessageStatus.SENDING),
    MessageStatus.INDETERMINATE,
)


class Witness(Hearing):
    """The model, the mirror of the ledger, and the invariants over both."""

    def __init__(self, directory: Directory, policy: Policy, now: Callable[[], datetime]) -> None:
        super().__init__(directory)
        self.policy = policy
        self.now = now
        self.placed: set[str] = set()
        self.claimed_in: dict[str, int] = {}
        self.taken: dict[str, str] = {}
        self.in_doubt: list[list[Observed]] = []
        self.decisions = 0
        self.hooks[ClaimJobs] = self._note_claim
        self.hooks[RecordSubmission] = self._note_answer

    def go_on_from(self, past: Hearing) -> None:
        """Know what was claimed and taken before, too."""
        super().go_on_from(past)
        if isinstance(past, Witness):
            self.placed, self.taken = set(past.placed), dict(past.taken)
            self.claimed_in = dict(past.claimed_in)

    # --- What became durable ------------------------------------------------------------------

    def observe(self, server: Server, batch: list[Observed]) -> None:
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
                self._take(observed, server)
        self._see_standings(server, touched)
        for recipient in self.some_of(list(closing)):
            self.see_gate(recipient)

    def some_of(self, recipients: list[str], most: int = _ASKED_AT_ONCE) -> list[str]:
        """Take a few of very many, others each time: a list brings a hundred people at once."""
        if len(recipients) <= most:
            return recipients
        start = self.turn % len(recipients)
        return (recipients[start:] + recipients[:start])[:most]

    def _take(self, observed: Observed, server: Server) -> None:
        """Take one command in, in the order in which the ledger has them."""
        self.turn += 1
        for destroyed in observed.change.destroyed:
            self.mirror.destroy(destroyed)
            self.forget(destroyed.recipient)
        entries = observed.change.entries
        # What is alike is written first, and about nobody who was ever known.
        for entry in entries[: observed.alike]:
            self.mirror.note(entry)
        known = entries[observed.alike :]
        for number in dict.fromkeys(entry.recipient for entry in known):
            if number in self.mirror.erased:
                self.mirror.recall(number, server.connection)
        for entry in known:
            self._replay(entry)
            self.mirror.note(entry)
        self.mirror.apply(observed.change)
        hook = self.hooks.get(type(observed.command))
        if hook is not None:
            hook(observed.command, observed)
        for entry in observed.change.entries:
            self.see_yes(entry)

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
        if any(observed.asked > 1 for observed in batch):
            # It was begun again, command by command: each was a transaction of its own.
            self.in_doubt += [[observed] for observed in batch]
        else:
            self.in_doubt.append(batch)

    def see_disk(self, server: Server, *, thoroughly: bool = False) -> None:
        """I4: what was acknowledged is on the disk, and nothing that nobody decided."""
        for batch in self.in_doubt:
            if is_kept(server, batch):
                for observed in batch:
                    if observed.error is None:
                        self._take(observed, server)
        self.in_doubt.clear()
        difference = self.mirror.find_difference(server, thoroughly=thoroughly)
        if difference is not None:
            raise Violation(f"I4: after a restart the disk has other {difference}")

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
            self.last_claimed[message.recipient, message.sender] = message.purpose
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
        facts = Facts(self.directory, standing)
        marketing: dict[str, bool] = {}
        unclear_to = {self.numbers[to].brand for who, to in self.unclear if who == recipient}
        for place, sender in enumerate(self.directory.senders.values()):
            if sender.number not in CROWDED and not self._is_turn_of(place):
                continue
            number = self.numbers[sender.number]
            if said.is_revoked(number):
                asked = Request(recipient, sender.number, door=Door.CONSOLE)
                allowed = decide(asked, facts, self.policy, now)
                if allowed.decision is Verdict.ALLOW:
                    raise Violation(f"I1: the gate lets a text of {sender.number} pass", recipient)
                if standing.sms_preference is not SMSPreference.FORBIDDEN:
                    raise Violation("I1: opted out, and the phone is not red", recipient)
                self._see_blocks(recipient, sender.number, standing)
            if number.brand not in marketing:
                marketing[number.brand] = said.may_market(number.brand, now)
            unclear = number.brand in unclear_to
            if (not marketing[number.brand] or unclear) and (unclear or self._is_turn_of(place)):
                asked = Request(
                    recipient, sender.number, purpose=Purpose.MARKETING, door=Door.CONSOLE
                )
                if decide(asked, facts, self.policy, now).decision is not Verdict.DENY:
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

    def is_revoked(self, recipient: str, sender: str) -> bool:
        """Tell whether a person's words forbid texts of a number now."""
        return self.said[recipient].is_revoked(self.numbers[sender])

    def see_answer(self, recipient: str, sender: str, decision: Decision) -> None:
        """I7: whoever asks at a door is never told yes where a revocation is acknowledged."""
        if decision.decision is Verdict.ALLOW and self.said[recipient].is_revoked(
            self.numbers[sender]
        ):
            raise Violation("I1: a check was answered with yes", recipient)

    def see_silence(self, request: Request, decision: Decision) -> None:
        """I7: where the store does not answer the gate says no, and why."""
        if decision.decision is not Verdict.DENY or decision.reason is not Reason.STORE_UNAVAILABLE:
            told = f"I7: the store did not answer, and a check said {decision.decision}"
            raise Violation(told, request.recipient)


def is_kept(server: Server, batch: list[Observed]) -> bool:
    """Tell whether a batch of which nobody was told is on the disk: all of it is, or nothing."""
    changes = [observed.change for observed in batch if observed.error is None]
    for entry in (entry for change in changes for entry in change.entries):
        found = server.connection.execute("SELECT 1 FROM entries WHERE id = ?", (entry.id,))
        return found.fetchone() is not None
    # A later command of the batch may have written a message again.
    last = {message.id: message for change in changes for message in change.messages}
    for message in last.values():
        query = "SELECT value FROM messages WHERE id = ?"
        row = server.connection.execute(query, (message.id,)).fetchone()
        return row is not None and Mirror.decode_message(str(row[0])) == message
    return False
