"""STOP against texts over SMPP: an SMSC that drops, throttles, is silent, and delivers again."""

import asyncio
import random
from contextlib import suppress
from pathlib import Path

import msgspec
import pytest
from delivery_world import WELCOME, World, world

from consentry.actions.take_events import EventIntake
from consentry.carriers.smpp.options import read_link_options, read_submit_options
from consentry.carriers.smpp.settings import SMPPCarrier
from consentry.ports import CarrierAccount
from consentry.wire.smpp.pdu import PDU, Command, Status
from consentry.wire.smpp.requests import Address, decode_short_message, encode_message_id
from consentry.wire.smpp.texts import read_text
from scripted_smsc import ScriptedSMSC, accept, scripted_smsc

pytestmark = pytest.mark.integration

PEOPLE = 90
CONFIRMATION = "Acme: you are opted out and will get no further messages."
change = msgspec.structs.replace


class Weather:
    """What an SMSC does to each text, by seeded dice, and what it saw in which order."""

    def __init__(self, smsc: ScriptedSMSC, dice: random.Random) -> None:
        self._smsc = smsc
        self._dice = dice
        self.stopped: set[str] = set()
        self.late: list[str] = []
        self.taken: list[tuple[str, str]] = []
        self.fates: dict[str, int] = {}

    def answer(self, pdu: PDU) -> PDU | None:
        """Take a text, or not; or take it and say nothing of it."""
        if pdu.command != Command.SUBMIT_SM:
            return accept(pdu)
        message = decode_short_message(pdu.body)
        body, person = read_text(message)[0], message.destination.digits
        if person in self.stopped and body != CONFIRMATION:
            self.late.append(body)
        fates = ("taken", "slow", "throttled", "silent", "dropped")
        [fate] = self._dice.choices(fates, (57, 25, 10, 4, 4))
        self.fates[fate] = self.fates.get(fate, 0) + 1
        if fate == "throttled":
            return pdu.answer(Status.THROTTLED)
        self.taken.append((person, body))
        if fate == "dropped":
            self._smsc.drop()
        if fate in ("silent", "dropped"):
            return None
        answer = pdu.answer(body=encode_message_id(f"M{len(self.taken)}"))
        if fate == "taken":
            return answer
        asyncio.get_running_loop().call_later(self._dice.random() * 0.01, self._smsc.write, answer)
        return None

    async def deliver(self, person: str, body: bytes) -> None:
        """Deliver a person's text, again and again until it is taken."""
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(2):
                    source = Address(person, 1, 1)
                    if (await self._smsc.deliver(body, source=source)).status == 0:
                        return
            await asyncio.sleep(0.005)


async def race(made: World, weather: Weather, person: str) -> None:
    """Let a person opt in, be texted by several doors, and mostly say STOP in the middle of it.

    Each has dice of its own: who says STOP hangs on nobody's turn.
    """
    dice = random.Random(person)
    says_stop = dice.random() < 0.7
    await weather.deliver(person, b"Hello")

    async def stop() -> None:
        if not says_stop:
            return
        await asyncio.sleep(dice.random() * 0.1)
        await weather.deliver(person, b"STOP")
        weather.stopped.add(person)

    async def text(number: int) -> None:
        await asyncio.sleep(dice.random() * 0.05)
        long = "and this is why. " * (12 if number == 0 else 0)
        with suppress(AssertionError):  # refused at the door, which is as good
            await made.send(f"{person} {number} {long}", recipient=f"+{person}")

    await asyncio.gather(stop(), *(text(number) for number in range(4)))


async def test_no_text_leaves_after_a_stop_was_answered_and_none_leaves_twice(
    tmp_path: Path,
) -> None:
    """Seeded races over one connection that breaks again and again."""
    dice = random.Random(20261130)
    async with world(tmp_path) as made, scripted_smsc() as smsc:
        weather = Weather(smsc, dice)
        smsc.answer = weather.answer
        account = CarrierAccount("one", "smpp", "us", "ours", smsc.url)
        link = read_link_options(account)
        carrier = SMPPCarrier(
            account,
            link=change(
                link,
                pause_seconds=0.002,
                pause_seconds_max=0.01,
                limits=change(link.limits, answer_seconds=0.2, window=50),
                inbox=change(link.inbox, hold_seconds=0.01),
            ),
            submit=change(read_submit_options(account), throttle_seconds=0.01, bind_seconds=0.2),
        )
        made.book.carriers["one"] = carrier
        intake = EventIntake(made.store, made.loop, made.clock)
        keeping = asyncio.create_task(carrier.link.keep(intake))
        await carrier.link.wait_bound(5)
        people = [f"1212555{number:04}" for number in range(1000, 1000 + PEOPLE)]
        for start in range(0, PEOPLE, 30):
            batch = people[start : start + 30]
            await asyncio.gather(*(race(made, weather, person) for person in batch))
            made.clock.advance(2)
        await made.let_all_go()
        assert PEOPLE / 2 < len(weather.stopped) < PEOPLE
        assert weather.late == []
        texts = [(person, body) for person, body in weather.taken if body != WELCOME]
        assert len(texts) == len(set(texts))
        assert min(weather.fates[f] for f in ("throttled", "silent", "dropped")) >= 1
        texted = {person for person, body in texts if body != CONFIRMATION}
        assert texted & weather.stopped
        assert len(texted - weather.stopped) > PEOPLE / 10
        keeping.cancel()
        await asyncio.gather(keeping, return_exceptions=True)
