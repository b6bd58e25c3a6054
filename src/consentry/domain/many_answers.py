"""One question about a million recipients: the gate is asked once for all who are alike.

Who is alike is said by `deciding_pieces`; what is decided about them, by the gate and nobody else.
So there are few answers, which have numbers, and a recipient is a number beside another.
"""

from datetime import datetime
from typing import Final, cast

import msgspec

from consentry.domain.conversation_window import is_in_conversation
from consentry.domain.deciding_pieces import (
    Concern,
    Deciding,
    DecidingInConversation,
    DecidingOnMarketing,
    DecidingThread,
)
from consentry.domain.directory import Directory, Purpose
from consentry.domain.gate import Decision, Facts, Request, Verdict, decide
from consentry.domain.policy import Policy
from consentry.domain.reasons import Reason
from consentry.domain.rules.places import Whereabouts, find_whereabouts
from consentry.domain.solicitations import list_capping
from consentry.domain.standing import Standing

_REMEMBERED_MAX: Final = 50_000
"""So many standings are known again as they are, in some megabytes; the others by their kind."""

_SOMEBODY: Final = "+12025550142"
_OF_RULES: Final = frozenset({Reason.QUIET_HOURS, Reason.FREQUENCY_CAP})

_Part = list[tuple[int, Deciding]]
_Decoder = msgspec.json.Decoder[_Part]
_OTHERWISE: Final[_Decoder] = msgspec.json.Decoder(_Part)
_IN_CONVERSATION: Final = cast(
    "_Decoder", msgspec.json.Decoder(list[tuple[int, DecidingInConversation]])
)
_ON_MARKETING: Final = cast("_Decoder", msgspec.json.Decoder(list[tuple[int, DecidingOnMarketing]]))
_Alike = tuple[int, Whereabouts, tuple[datetime, ...]]


class ShortAnswer(msgspec.Struct, frozen=True):
    """What the gate says, and until when it says to wait."""

    decision: Verdict
    reason: Reason | None = None
    until: datetime | None = None


class ManyAnswers:
    """Decides one question about any number of recipients, at one time.

    `answers` grows as new ones are found; an answer's number is its place there. `invalid` is the
    number of the answer about what is no phone number, and `unknown` about who has no standing.
    """

    def __init__(
        self,
        request: Request,
        directory: Directory,
        policy: Policy,
        now: datetime,
        *,
        remembered_max: int = _REMEMBERED_MAX,
    ) -> None:
        """Take the question, whoever its recipient is, and what is known of everybody.

        `remembered_max`: so many standings, and so many places with texts, are known again.
        """
        self.request = request
        self._directory = directory
        self.policy = policy
        self.now = now
        self._remembered_max = remembered_max
        self._concern = _find_concern(request, directory)
        self._decoder = _choose_decoder(request, directory)
        self.answers: list[ShortAnswer] = []
        self._numbers: dict[ShortAnswer, int] = {}
        self._known: dict[Deciding, int] = {}
        self._by_kind: dict[Deciding, int] = {}
        self._by_place: dict[_Alike, int] = {}
        self.invalid = self._number(self._ask(None, Standing()))
        # Without a consent no marketing gets as far as the hours where somebody is.
        self.unknown = self._number(self._ask(_SOMEBODY, Standing()))

    def answer(self, part: bytes) -> list[tuple[int, int]]:
        """Answer about each of a part of the standings: a JSON array of [number, standing].

        The number is the recipient's, without its plus; beside it is the number of the answer.
        """
        known = self._known
        answered = []
        for recipient, deciding in self._decoder.decode(part):
            answer = known.get(deciding)
            if answer is None or answer < 0:
                answer = self._find(recipient, deciding, answer)
            answered.append((recipient, answer))
        return answered

    def _find(self, recipient: int, deciding: Deciding, kind: int | None) -> int:
        """Find an answer; kinds below zero are those that hours and caps decide about."""
        if kind is None:
            kind = self._find_kind(f"+{recipient}", deciding)
        if kind >= 0:
            return kind
        return self._find_by_place(f"+{recipient}", cast("DecidingOnMarketing", deciding), kind)

    def _find_kind(self, recipient: str, deciding: Deciding) -> int:
        alike = self._pick(deciding)
        kind = self._by_kind.get(alike)
        if kind is None:
            decision = self._ask(recipient, alike.fill())
            is_ruled = _is_ruled(decision)
            kind = -1 - len(self._by_kind) if is_ruled else self._number(decision)
            self._by_kind[alike] = kind
        if len(self._known) < self._remembered_max and deciding.is_timeless():
            self._known[deciding] = kind
        return kind

    def _find_by_place(self, recipient: str, deciding: DecidingOnMarketing, kind: int) -> int:
        """Decide by where somebody is, and by the texts that a cap may count."""
        place = None if deciding.place is None else deciding.place.fill()
        brand = self._directory.senders[self.request.sender].brand
        texts = list_capping(deciding.list_texts(brand), self.now)
        alike = (kind, find_whereabouts(recipient, place), texts)
        answer = self._by_place.get(alike)
        if answer is None:
            answer = self._number(self._ask(recipient, deciding.fill_with(texts, brand)))
            if len(self._by_place) >= self._remembered_max:
                # Where texts fill caps, nearly everybody has times of their own: few come again.
                self._by_place.clear()
            self._by_place[alike] = answer
        return answer

    def _pick(self, deciding: Deciding) -> Deciding:
        """Leave of somebody's pieces what this question hangs on."""
        if self._concern is None:
            return Deciding()
        picked = self._concern.pick(deciding, self.now)
        if isinstance(deciding, DecidingInConversation):
            return DecidingInConversation(
                picked.blocks,
                picked.consents,
                picked.suppressions,
                picked.reviews,
                tuple(
                    DecidingThread(thread.sender, self.now)
                    for thread in deciding.threads
                    if thread.sender == self.request.sender
                    and thread.last_inbound_at is not None
                    and is_in_conversation(thread.last_inbound_at, self.policy, self.now)
                ),
            )
        return picked

    def _number(self, decision: Decision) -> int:
        answer = ShortAnswer(decision.decision, decision.reason, decision.until)
        number = self._numbers.setdefault(answer, len(self.answers))
        if number == len(self.answers):
            self.answers.append(answer)
        return number

    def _ask(self, recipient: str | None, standing: Standing) -> Decision:
        request = msgspec.structs.replace(self.request, recipient=recipient)
        return decide(request, Facts(self._directory, standing), self.policy, self.now)


def _is_ruled(decision: Decision) -> bool:
    """Tell whether hours and caps were asked: then it matters where the person is."""
    may_go = decision.decision is not Verdict.DENY
    return decision.reason in _OF_RULES or (may_go and decision.purpose is Purpose.MARKETING)


def _find_concern(request: Request, directory: Directory) -> Concern | None:
    sender = directory.senders.get(request.sender)
    if sender is None:
        return None
    programs = {p.id for p in directory.programs.values() if p.brand == sender.brand}
    named = {request.program} if request.program is not None else set()
    return Concern.of(sender, frozenset(programs | named))


def _choose_decoder(request: Request, directory: Directory) -> _Decoder:
    """Choose what is read of standings: for most questions neither times nor places."""
    if request.purpose is None and request.program is None:
        return _IN_CONVERSATION
    program = None if request.program is None else directory.program(request.program)
    purpose = request.purpose or (None if program is None else program.purpose)
    return _ON_MARKETING if purpose is Purpose.MARKETING else _OTHERWISE
