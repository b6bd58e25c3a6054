"""What delivery counts: every answer of a carrier with its time, and where it led."""

import asyncio
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from delivery_world import LIMITS, world

from consentry.delivery.loop import DeliveryLoop
from consentry.delivery.membership import Identity
from consentry.domain.messages import MessageStatus
from consentry.ports import (
    Accepted,
    CarrierRefusal,
    OutboundText,
    Submission,
    Unanswered,
    Unmeasured,
)

pytestmark = pytest.mark.integration
BUSY = CarrierRefusal(permanent=False, opted_out=False, code="429", text="busy")


@dataclass
class Noted(Unmeasured):
    """Keeps what it is told."""

    answers: list[str] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    ends: list[MessageStatus | None] = field(default_factory=list)

    def note_submission(self, submission: Submission, seconds: float) -> None:
        """Keep the kind of answer."""
        self.answers.append(type(submission).__name__)
        self.seconds.append(seconds)

    def note_settled(self, status: MessageStatus | None) -> None:
        """Keep the end."""
        self.ends.append(status)


async def test_answers_and_their_ends_are_counted(tmp_path: Path) -> None:
    """Refused for now and then taken: a retry, then sent. No answer: indeterminate."""
    noted = Noted()
    async with world(tmp_path, started=False) as made:
        made.loop = DeliveryLoop(
            made.store,
            made.book,
            made.clock,
            identity=Identity("prc_1"),
            limits=LIMITS,
            measuring=noted,
        )
        made.start()
        made.carrier.always(BUSY)
        sent = await made.send("Hi")
        await made.until_back_in_line(sent)
        made.carrier.answer = made.carrier.take
        made.clock.advance(5)
        await made.until_outbox_is(0)
        made.carrier.always(Unanswered("silence"))
        silent = await made.send("Hello?")
        await made.until_status(silent, MessageStatus.INDETERMINATE)
    assert noted.answers == [CarrierRefusal.__name__, Accepted.__name__, Unanswered.__name__]
    assert noted.ends == [MessageStatus.QUEUED, MessageStatus.SENT, MessageStatus.INDETERMINATE]
    assert all(seconds >= 0 for seconds in noted.seconds)


async def test_what_a_crash_left_is_counted_as_indeterminate(tmp_path: Path) -> None:
    """Each text that was with the carrier when the server died is one more in doubt."""
    noted = Noted()
    async with world(tmp_path, started=False) as made:
        made.loop = made.new_loop()
        made.start()

        async def hang(_text: OutboundText) -> Submission:
            await asyncio.Event().wait()
            raise AssertionError

        made.carrier.answer = hang
        await made.send("Hi")
        await made.until_submitted(1)
        await made.crash()
        made.loop = DeliveryLoop(
            made.store,
            made.book,
            made.clock,
            identity=Identity("prc_1"),
            limits=LIMITS,
            measuring=noted,
        )
        made.carrier.answer = made.carrier.take
        made.start()
        await made.until_seen(lambda: noted.ends, [MessageStatus.INDETERMINATE])
        await made.settle()
    assert noted.ends == [MessageStatus.INDETERMINATE]
