"""What a carrier tells is taken: durable, in its order, and what it forbids at an end."""

import logging
from typing import cast

import pytest

from action_world import CARRIER, World
from consent_world import LONG, PERSON
from consentry.actions.take_events import EventIntake
from consentry.domain.consent import PairState, pair_state
from consentry.domain.gate import Door
from consentry.domain.messages import MessageStatus
from consentry.domain.policy import Policy
from consentry.ports import (
    Carrier,
    CarrierEvent,
    CarrierUnreachable,
    Handshake,
    InboundText,
    StatusReport,
    Store,
    Taken,
)

pytestmark = pytest.mark.unit


class Listening:
    """A carrier whose handshakes are confirmed or not, and a delivery that notes what is asked."""

    def __init__(self) -> None:
        self.id = CARRIER
        self.kind = "twilio"
        self.confirmed: list[str] = []
        self.waited_for: list[tuple[str, ...]] = []
        self.woken = 0

    async def confirm(self, handshake: Handshake) -> None:
        """Confirm all but one address."""
        if "broken" in handshake.url:
            raise CarrierUnreachable("it does not answer")
        self.confirmed.append(handshake.url)

    def wake(self) -> None:
        """Note that a job may be due."""
        self.woken += 1

    async def wait_quiet(self, messages: tuple[str, ...]) -> None:
        """Note what was waited for."""
        self.waited_for.append(messages)


async def take(world: World, listening: Listening, *events: CarrierEvent) -> Taken:
    """Have events taken."""
    intake = EventIntake(cast("Store", world.store), listening, world.clock)
    return await intake.take(cast("Carrier", listening), events)


def text(body: str, known_as: str, sender: str = LONG.number) -> InboundText:
    """Make a text of the person's."""
    return InboundText(known_as, PERSON, sender, body)


async def test_events_are_taken_in_their_order() -> None:
    """A STOP after a START stands; what is answered is sent, and a handshake confirmed."""
    world, listening = World(), Listening()
    handshake = Handshake("https://sns.example/confirm")
    taken = await take(
        world, listening, text("Hi", "1"), text("START", "2"), handshake, text("STOP", "3")
    )
    assert taken == Taken()
    assert pair_state(world.standing(), LONG) is PairState.OPTED_OUT
    assert listening.confirmed == [handshake.url]
    assert listening.woken == 1


async def test_an_opt_out_is_taken_when_nothing_is_under_way() -> None:
    """What is with the carrier for that person is waited for; the text is durable before."""
    world, listening = World(), Listening()
    world.receive("Hello")
    waiting = world.send("News", door=Door.CONSOLE)
    under_way = tuple(work.message.id for work in world.claim())
    assert waiting.message in under_way
    await take(world, listening, text("STOP", "9"))
    [waited_for] = listening.waited_for
    assert set(waited_for) == set(under_way)


async def test_a_text_to_a_number_that_is_not_set_up_is_named(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """It is kept, and the door says so; the log tells of each text, and not what it says."""
    world, listening = World(), Listening()
    with caplog.at_level(logging.DEBUG):
        taken = await take(world, listening, text("STOP", "1", "+19995550100"))
    assert taken == Taken(("+19995550100",))
    [line] = [r for r in caplog.records if r.getMessage() == "text_received"]
    assert vars(line)["sender"] == "+19995550100"
    assert "STOP" not in str(vars(line))


async def test_a_burst_of_refusals_is_told_to_the_log(caplog: pytest.LogCaptureFixture) -> None:
    """Once too many came, an error says what to look at; a report before that is only taken."""
    world, listening = World(Policy(refusal_burst_count=1)), Listening()
    failed = StatusReport("SM9", PERSON, LONG.number, MessageStatus.FAILED, "21610", opted_out=True)
    world.receive("Hello")
    await take(world, listening, StatusReport("SM8", PERSON, LONG.number, MessageStatus.SENT))
    assert caplog.records == []
    await take(world, listening, failed)
    await take(world, listening, failed)
    assert "refusal_burst" in {record.getMessage() for record in caplog.records}


async def test_a_handshake_that_cannot_be_answered_is_told_again() -> None:
    """The carrier hears no 2xx; what stood before it was taken all the same."""
    world, listening = World(), Listening()
    with pytest.raises(CarrierUnreachable):
        await take(world, listening, text("STOP", "1"), Handshake("https://broken.example"))
    assert pair_state(world.standing(), LONG) is PairState.OPTED_OUT
