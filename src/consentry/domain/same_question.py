"""The same question about many recipients: what decides alike is put to the gate once."""

from datetime import datetime
from typing import Self

import msgspec

from consentry.domain.directory import Directory, Purpose, Sender
from consentry.domain.gate import Decision, Door, Facts, MessageKind, Request, decide
from consentry.domain.obstacles import standing_blocks, worst_of
from consentry.domain.policy import Policy
from consentry.domain.reading import BlockLayer
from consentry.domain.standing import (
    CARRIER_CAUSES,
    Block,
    BlockState,
    Consent,
    ConsentLevel,
    Standing,
)

_KindOfBlock = tuple[str, BlockLayer, bool]
_KindOfConsent = tuple[str, ConsentLevel]


class Ruled(msgspec.Struct, frozen=True, gc=False):
    """A decision in two parts: what many may share, and the piece of one standing behind it.

    The ruling of a decision that is nobody else's names its piece as well.
    """

    ruling: Decision
    consent: Consent | None = None
    block: Block | None = None

    @classmethod
    def alone(cls, decision: Decision) -> Self:
        """Part a decision that is nobody else's."""
        return cls(decision, decision.consent, decision.block)

    @property
    def decision(self) -> Decision:
        """The decision in one."""
        return msgspec.structs.replace(self.ruling, consent=self.consent, block=self.block)


class SameQuestion:
    """One question about any number of recipients, decided as `decide` decides it.

    Most standings decide by one piece: a block that stands, or a consent that is active where
    nothing else stands. Of what this piece is only a little matters, so the gate is asked about the
    first of a kind, and the others share its ruling. Everybody else is put to the gate.
    """

    def __init__(
        self, request: Request, directory: Directory, policy: Policy, now: datetime
    ) -> None:
        """Take the question, whoever its recipient is, and what is known of everybody."""
        self._request = request
        self._directory = directory
        self._policy = policy
        self._now = now
        self._sender = None if _hangs_on_texts(request) else directory.senders.get(request.sender)
        self._by_consent: dict[_KindOfConsent, Decision] = {}
        self._by_block: dict[_KindOfBlock, Decision] = {}

    def decide(self, recipient: str | None, standing: Standing) -> Ruled:
        """Decide about one recipient."""
        if recipient is None or self._sender is None:
            return Ruled.alone(self._ask(recipient, standing))
        blocks, consents = standing.blocks, standing.consents
        if blocks:
            block = _weigh(blocks, standing, self._sender)
            if block is not None:
                return self._rule_by_block(recipient, standing, block)
        elif len(consents) == 1 and _decides_alone(consents[0], standing, self._now):
            return self._rule_by_consent(recipient, standing, consents[0])
        return Ruled.alone(self._ask(recipient, standing))

    def _rule_by_block(self, recipient: str, standing: Standing, block: Block) -> Ruled:
        kind = (block.scope, block.layer, block.cause in CARRIER_CAUSES)
        ruling = self._by_block.get(kind)
        if ruling is not None:
            return Ruled(ruling, None, block)
        decision = self._ask(recipient, standing)
        if decision.block is block:
            self._by_block[kind] = msgspec.structs.replace(decision, block=None)
        return Ruled.alone(decision)

    def _rule_by_consent(self, recipient: str, standing: Standing, consent: Consent) -> Ruled:
        kind = (consent.program, consent.level)
        ruling = self._by_consent.get(kind)
        if ruling is not None:
            return Ruled(ruling, consent)
        decision = self._ask(recipient, standing)
        # Where the person is, and what they had before, decides about each marketing text anew.
        is_shared = decision.purpose is not Purpose.MARKETING
        if is_shared and decision.consent is consent:
            self._by_consent[kind] = msgspec.structs.replace(decision, consent=None)
        return Ruled.alone(decision)

    def _ask(self, recipient: str | None, standing: Standing) -> Decision:
        request = msgspec.structs.replace(self._request, recipient=recipient)
        return decide(request, Facts(self._directory, standing), self._policy, self._now)


def _decides_alone(consent: Consent, standing: Standing, now: datetime) -> bool:
    """Tell whether nothing else than this consent, active now, could stand between."""
    return not standing.suppressions and not standing.reviews and consent.is_active(now)


def _weigh(blocks: tuple[Block, ...], standing: Standing, sender: Sender) -> Block | None:
    """Find the block that weighs most of those that may stand between; None where none does.

    What is only paused weighs less than a suppression, so of it nothing is known for others.
    """
    if len(blocks) == 1:
        is_open = blocks[0].state is BlockState.OPEN or blocks[0].is_paused
        return None if is_open else blocks[0]
    between = tuple(b for b in standing_blocks(standing, sender) if not b.is_paused)
    return worst_of(between) if between else None


def _hangs_on_texts(request: Request) -> bool:
    """Tell whether the answer hangs on when somebody was texted, or texted us."""
    named = request.purpose is not None or request.program is not None
    return request.kind is not MessageKind.MESSAGE or not (named or request.door is not Door.API)
