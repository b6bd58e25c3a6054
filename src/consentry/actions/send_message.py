"""Somebody wants to send a text: the gate is asked, and the text queued or the refusal kept."""

import msgspec

from consentry.actions.outgoing import (
    Draft,
    join,
    keep_refused,
    queue_text,
    refusal_entry,
    request_of_draft,
)
from consentry.domain.gate import Decision, decide
from consentry.domain.gate import Facts as GateFacts
from consentry.domain.messages import MessageStatus
from consentry.ports import Change, Facts, IdempotencyRecord, Needs, Rejected


class Sent(msgspec.Struct, frozen=True, gc=False):
    """What came of it: the decision, and the message where it was let in."""

    decision: Decision
    message: str | None = None
    status: MessageStatus | None = None
    repeated: bool = False


class Idempotency(msgspec.Struct, frozen=True):
    """The caller's Idempotency-Key: `owner` is the API key, `fingerprint` the request's hash."""

    owner: str
    key: str
    fingerprint: str


class SendMessage(msgspec.Struct, frozen=True, gc=False):
    """Queue one text; with an Idempotency-Key the first answer is given again.

    `keeps_refused`: a text that consent forbids is let in to the eye and fails at once, so that
    its program learns by callback, as it does from a messaging service of Twilio's. `may_wait`:
    what the gate defers is kept until it may go; else it is refused.
    """

    draft: Draft
    idempotency: Idempotency | None = None
    keeps_refused: bool = False
    may_wait: bool = True

    def needs(self) -> Needs:
        """Ask for the standing, and for the first answer to this key."""
        once = self.idempotency
        return Needs(
            recipients=(self.draft.recipient,),
            idempotency=() if once is None else ((once.owner, once.key),),
        )

    def decide(self, facts: Facts) -> tuple[Sent, Change]:
        """Decide; raises `Rejected` where the key was used for another request."""
        earlier = self._earlier(facts)
        if earlier is not None:
            return earlier, Change()
        standing = facts.standing(self.draft.recipient)
        queued = queue_text(self.draft, standing, facts, may_wait=self.may_wait)
        if self.keeps_refused:
            queued = keep_refused(self.draft, queued, facts)
        message = queued.message
        sent = Sent(
            decision=queued.decision,
            message=None if message is None else message.id,
            status=None if message is None else message.status,
        )
        return sent, join(queued.change, self._remember(sent, facts))

    def _earlier(self, facts: Facts) -> Sent | None:
        return None if self.idempotency is None else _find_earlier(self.idempotency, facts)

    def _remember(self, sent: Sent, facts: Facts) -> Change:
        once = self.idempotency
        if once is None:
            return Change()
        record = IdempotencyRecord(
            owner=once.owner,
            key=once.key,
            fingerprint=once.fingerprint,
            status=202 if sent.message is not None else 403,
            body=msgspec.json.encode(sent),
            created_at=facts.now,
        )
        return Change(records=(record,))


class RepeatAnswer(msgspec.Struct, frozen=True, gc=False):
    """Give the first answer to a request again that could not be made anew; None: it is new."""

    idempotency: Idempotency

    def needs(self) -> Needs:
        """Ask for the first answer to this key."""
        return Needs(idempotency=((self.idempotency.owner, self.idempotency.key),))

    def decide(self, facts: Facts) -> tuple[Sent | None, Change]:
        """Find it; raises `Rejected` where the key was used for another request."""
        return _find_earlier(self.idempotency, facts), Change()


def _find_earlier(once: Idempotency, facts: Facts) -> Sent | None:
    record = facts.idempotent(once.owner, once.key)
    if record is None:
        return None
    if record.fingerprint != once.fingerprint:
        raise Rejected(
            "idempotency_key_reused",
            "This Idempotency-Key was used for a different request. "
            "Take a new key for a new message.",
            status=422,
        )
    return msgspec.structs.replace(msgspec.json.decode(record.body, type=Sent), repeated=True)


class RecordRefusal(msgspec.Struct, frozen=True, gc=False):
    """Keep an attempt that the gate refused at the door, so that the timeline shows it.

    The door asked before this transaction began, so the gate is asked once more here: only an
    answer given on what stands now can be given again from the ledger. Where it has changed
    since, the attempt and its reason are kept alone.
    """

    draft: Draft
    decision: Decision

    def needs(self) -> Needs:
        """Ask for the standing."""
        return Needs(recipients=(self.draft.recipient,))

    def decide(self, facts: Facts) -> tuple[None, Change]:
        """Append the refusal."""
        standing = facts.standing(self.draft.recipient)
        request = request_of_draft(self.draft)
        again = decide(request, GateFacts(facts.directory, standing), facts.policy, facts.now)
        if again.reason is self.decision.reason:
            return None, Change(entries=(refusal_entry(self.draft, again, facts, request),))
        alone = msgspec.structs.replace(
            refusal_entry(self.draft, self.decision, facts), decision=None
        )
        return None, Change(entries=(alone,))
