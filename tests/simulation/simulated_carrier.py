"""A carrier and the network to it: an independent witness that keeps its own blocks.

It speaks no HTTP; it is the other side of `ports.Carrier` and of the webhooks. What it was handed,
what it took and whom it blocks are its own record.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import datetime, timedelta
from typing import Protocol

import msgspec
from simulated_chance import Chance
from simulated_loop import SimulatedClock, SimulatedLoop

from consent_model import PER_SE, Number
from consentry.domain.messages import MessageStatus
from consentry.ports import (
    Accepted,
    Acknowledgement,
    CarrierEvent,
    CarrierRefusal,
    CarrierUnreachable,
    Fence,
    InboundText,
    OutboundText,
    StatusReport,
    Submission,
    Unanswered,
    Withheld,
)

CARRIER = "twilio-1"
_ANSWER_SECONDS = 15.0
_TRY_AGAIN_SECONDS = (1.0, 5.0, 20.0, 90.0)
_GIVES_UP_SECONDS = 20 * 3600.0
"""So long after it first told something a carrier tells it again: less than a server expects."""


class Host(Protocol):
    """The server as the carrier sees it."""

    def post(self, event: CarrierEvent, answer: Callable[[bool], None]) -> None:
        """Take a webhook; `answer` is told whether it was taken, if it ever is."""

    def text_left(self, text: OutboundText) -> None:
        """Note that a text is handed over: from here on nobody can hold it back."""

    def text_taken(self, text: OutboundText, sid: str) -> None:
        """Note that the carrier took a text."""


class SimulatedCarrier:
    """Implements `ports.Carrier`, and everything that a carrier does of itself."""

    id = CARRIER
    kind = "twilio"
    acknowledgement = Acknowledgement()
    block_list = None
    link = None

    def __init__(
        self,
        loop: SimulatedLoop,
        clock: SimulatedClock,
        chance: Chance,
        *,
        numbers: dict[str, Number],
        host: Host,
    ) -> None:
        self._loop = loop
        self._clock = clock
        self._chance = chance
        self._numbers = numbers
        self._host = host
        self.skew = timedelta(seconds=chance.pick([0, 0, -40, 90, -1.5]))
        self.tells_time = chance.pick(["never", "never", "always", "now and then"])
        self.blocks: set[tuple[str, str]] = set()
        self.inbound: list[tuple[datetime, InboundText]] = []
        self.taken: dict[str, str] = {}
        self.history = self if self.tells_time == "always" else None
        self.count = 0

    def keep_time(self) -> None:
        """Have a clock that is right, and tell no times."""
        self.skew, self.tells_time, self.history = timedelta(), "never", None

    def go_on_from(self, past: "SimulatedCarrier") -> None:
        """Know whom it blocks and what it took, and give no id again."""
        self.blocks, self.taken = set(past.blocks), dict(past.taken)
        self.count = past.count

    # --- What people do ---------------------------------------------------------------------

    def hear(self, phone: str, number: str, body: str) -> None:
        """A person's text comes to the carrier: it blocks by itself, and tells us in its time."""
        self.count += 1
        if self._may_repeat_id(phone) and self._chance.strikes(
            "id of another person's text used again"
        ):
            self.count -= 1
        self._read(phone, number, body)
        now = self._clock.true_now() + self.skew
        timed = self.tells_time == "always" or (
            self.tells_time == "now and then" and self._chance.happens(0.5)
        )
        text = InboundText(f"SMin{self.count}", phone, number, body, sent_at=now if timed else None)
        self.inbound.append((now, text))
        self._tell(text)
        if self._chance.strikes("webhook told twice"):
            self._loop.call_later(self._chance.delay(30), self._tell, text, 0, self._loop.time())

    def _may_repeat_id(self, phone: str) -> bool:
        """Tell whether nobody but other people has the newest id."""
        newest = f"SMin{self.count - 1}"
        others = [text for _, text in self.inbound[-5:] if text.carrier_message_id == newest]
        return bool(others) and all(text.recipient != phone for text in others)

    def _read(self, phone: str, number: str, body: str) -> None:
        """Set and lift its own blocks, as this kind of number does."""
        known, word = self._numbers[number], body.strip().upper()
        pair = phone, known.service or number
        if known.kind == "short_code":
            return
        if word in PER_SE:
            self.blocks.add(pair)
        elif word in ("START", "UNSTOP") or (word == "YES" and known.kind == "long_code"):
            self.blocks.discard(pair)

    def block(self, phone: str, number: str) -> None:
        """Block a pair without a word of the person's: they told the carrier itself."""
        known = self._numbers[number]
        if known.kind != "short_code":
            self._chance.counts["carrier blocks by itself"] += 1
            self.blocks.add((phone, known.service or number))

    def _tell(
        self, event: InboundText | StatusReport, tries: int = 0, since: float | None = None
    ) -> None:
        """Post a webhook, again where no answer comes; in the end it gives up.

        `since` is when it was told first: a machine that slept for days is told nothing so old.
        """
        since = self._loop.time() if since is None else since
        again = self._loop.call_later(_ANSWER_SECONDS, self._try_again, event, tries, since)

        def answer(taken: bool) -> None:
            if self._chance.strikes("answer to a webhook lost"):
                return
            again.cancel()
            if not taken:
                self._try_again(event, tries, since)

        if self._chance.strikes("webhook lost"):
            return
        self._loop.call_later(self._chance.delay(4), self._post, event, answer, since)

    def _post(self, event: CarrierEvent, answer: Callable[[bool], None], since: float) -> None:
        if self._loop.time() <= since + _GIVES_UP_SECONDS:
            self._host.post(event, answer)

    def _try_again(self, event: InboundText | StatusReport, tries: int, since: float) -> None:
        is_late = self._loop.time() > since + _GIVES_UP_SECONDS
        if is_late or tries >= len(_TRY_AGAIN_SECONDS):
            self._chance.counts["webhook given up by the carrier"] += 1
            return
        if isinstance(event, InboundText) or self._chance.happens(0.5):
            self._chance.counts["webhook told again"] += 1
            self._loop.call_later(_TRY_AGAIN_SECONDS[tries], self._tell, event, tries + 1, since)

    # --- What we hand over --------------------------------------------------------------------

    async def submit(self, text: OutboundText, fence: Fence) -> Submission:
        """Take a text over a network that loses, delays and lies."""
        await asyncio.sleep(self._chance.delay(8))
        if self._chance.strikes("no connection to the carrier"):
            return CarrierRefusal(False, False, "carrier_unavailable", "no connection")
        if not fence.is_open:
            self._chance.counts["text held back by its fence"] += 1
            return Withheld("too late")
        self._host.text_left(text)
        answer: asyncio.Future[Submission] = self._loop.create_future()
        if not self._chance.strikes("text lost on its way"):
            self._loop.call_later(self._chance.delay(16), self._arrive, text, answer)
        return await answer

    def _arrive(self, text: OutboundText, future: "asyncio.Future[Submission]") -> None:
        answer = self._answer(text)
        if self._chance.strikes("answer of the carrier lost"):
            return
        self._loop.call_later(self._chance.delay(12), self._give, future, answer)

    def _give(self, future: "asyncio.Future[Submission]", answer: Submission) -> None:
        if not future.done():
            future.set_result(answer)

    def _answer(self, text: OutboundText) -> Submission:
        if self._chance.strikes("429"):
            seconds = self._chance.pick([None, 1.0, 30.0])
            return CarrierRefusal(False, False, "20429", "too many", seconds)
        if self._chance.strikes("5xx before the text was taken"):
            return Unanswered("500")
        if self._chance.strikes("refused for another reason"):
            return CarrierRefusal(True, False, "21211", "no such number")
        number = self._numbers[text.sender]
        blocked = (text.recipient, number.service or text.sender) in self.blocks
        if blocked and number.service is None:
            self._chance.counts["21610 in the answer"] += 1
            return CarrierRefusal(True, True, "21610", "unsubscribed")
        sid = self.taken[text.message] = f"SM{text.message}"
        self._host.text_taken(text, sid)
        self._plan_receipts(text, sid, blocked=blocked)
        if self._chance.strikes("5xx though the text was taken"):
            return Unanswered("500")
        return Accepted(sid)

    def _plan_receipts(self, text: OutboundText, sid: str, *, blocked: bool) -> None:
        """Report of a text: some of it, in any order, late, twice, or never."""
        ends = [MessageStatus.DELIVERED] * 4 + [MessageStatus.UNDELIVERED, MessageStatus.FAILED]
        end = MessageStatus.FAILED if blocked else self._chance.pick(ends)
        for status in (MessageStatus.SENT, end):
            if self._chance.happens(0.25 if status is MessageStatus.SENT else 0.1):
                self._chance.counts["receipt missing"] += 1
                continue
            refused = blocked and status is end
            code = "21610" if refused else "30003" if status is MessageStatus.FAILED else None
            self._chance.counts["21610 in a receipt"] += refused
            report = StatusReport(
                sid,
                text.recipient,
                text.sender,
                status,
                error_code=code,
                opted_out=refused,
                message=text.message if self._chance.happens(0.7) else None,
            )
            self._loop.call_later(self._chance.delay(40), self._tell, report)
            if self._chance.strikes("receipt told twice"):
                self._loop.call_later(self._chance.delay(200), self._tell, report)

    async def find(
        self, text: OutboundText, *, since: datetime, known: frozenset[str] = frozenset()
    ) -> Accepted | None:
        """Look a text up in its list, by our id in the callback."""
        del since, known
        await asyncio.sleep(self._chance.delay(3))
        if self._chance.strikes("carrier's list unreachable"):
            raise CarrierUnreachable("no list")
        sid = self.taken.get(text.message)
        self._chance.counts["carrier's list asked"] += 1
        return None if sid is None else Accepted(sid)

    # --- What it keeps --------------------------------------------------------------------------

    async def replay(self, sender: str, *, since: datetime) -> AsyncIterator[InboundText]:
        """Read what people wrote, as it is kept."""
        for at, text in list(self.inbound):
            if self._chance.strikes("carrier's history cut off"):
                raise CarrierUnreachable("no history")
            if text.sender == sender and at >= since:
                yield msgspec.structs.replace(text, sent_at=at)


class Book:
    """Implements `ports.CarrierBook` with the one carrier that there is."""

    def __init__(self, carrier: SimulatedCarrier) -> None:
        self._carrier = carrier

    async def find(self, carrier_id: str) -> SimulatedCarrier | None:
        """Find it."""
        return self._carrier if carrier_id == CARRIER else None
