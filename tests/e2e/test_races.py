"""STOP races texts that are queued, claimed or under way: none leaves after the acknowledgement.

The carrier's own records are the proof. It counts everything that happens there in one row of
numbers, so what came first needs no clock: when it took a text, and when a STOP's webhook got
its 2xx. On a short code, and after a phrase, no carrier blocks: there we alone stand in between.
"""

import asyncio
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from random import Random

import aiohttp
import pytest
from real_world import FINAL_STATUSES, JSON, SENTENCE, Demo, eventually

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("e2e-races")]

RACES = 1000
WAVE_RACES = 100
SENDS_MAX = 3
SEED = 20_261_123
SPREAD_SECONDS = 0.08
OPT_OUT_CONFIRMATION = "Retalé: you are opted out and will get no further messages."
# What is typed, and whether the carrier blocks of itself for it.
WORDS = {
    "long_code": ("STOP", "Unsubscribe", "please stop texting me"),
    "toll_free": ("stop", "CANCEL", "take me off your list"),
    "short_code": ("STOP", "Stop.", "please stop texting me"),
}


@dataclass
class Race:
    """One person who says stop while texts for them are being sent; offsets are in seconds."""

    phone: str
    kind: str
    number: str
    word: str
    stop_offset: float
    send_offsets: list[float]
    stop_sid: str = ""
    sent: list[str] = field(default_factory=list)
    refused: int = 0


class Runner:
    """Runs races against a demo over a bounded number of connections."""

    def __init__(self, demo: Demo, session: aiohttp.ClientSession) -> None:
        """Keep what every request needs."""
        self._demo = demo
        self._session = session

    async def run(self, races: list[Race]) -> None:
        """Let every person opt in, then run all races at once, and wait until all is over."""
        hellos = await asyncio.gather(*(self._type(race, "Hello") for race in races))
        await self._wait_heard(hellos)
        await asyncio.gather(*(self._run_one(race) for race in races))
        await self._wait_heard([race.stop_sid for race in races])

    async def _run_one(self, race: Race) -> None:
        sends = [
            self._send_at(race, offset, f"{race.phone} number {place}")
            for place, offset in enumerate(race.send_offsets)
        ]
        await asyncio.gather(self._stop(race), *sends)

    async def _stop(self, race: Race) -> None:
        await asyncio.sleep(race.stop_offset)
        race.stop_sid = await self._type(race, race.word)

    async def _send_at(self, race: Race, offset: float, body: str) -> None:
        await asyncio.sleep(offset)
        answer = await self._post(
            f"{self._demo.product.url}/v1/messages",
            {"sender": race.number, "recipient": race.phone, "body": body},
        )
        if "id" in answer:
            race.sent.append(answer["id"])
        else:
            # The carrier blocks as the word is typed: its refusal may be here before the word is.
            assert answer["code"] in ("opted_out", "carrier_blocked"), answer
            assert answer["detail"] == SENTENCE
            race.refused += 1

    async def _type(self, race: Race, body: str) -> str:
        path = f"/api/handsets/{race.phone}/messages"
        url = self._demo.carrier.url + path
        typed = await self._post(url, {"to": race.number, "body": body})
        return str(typed["message"]["sid"])

    async def _wait_heard(self, sids: list[str]) -> None:
        for sid in sids:
            while not await self._is_heard(sid):  # noqa: ASYNC110 - it happens in another process
                await asyncio.sleep(0.01)

    async def _is_heard(self, sid: str) -> bool:
        url = f"{self._demo.carrier.url}/api/webhooks?sid={sid}"
        async with self._session.get(url) as answer:
            webhooks = (await answer.json())["webhooks"]
        return bool(webhooks) and all(one["outcome"] == "acknowledged" for one in webhooks)

    async def _post(self, url: str, body: JSON) -> JSON:
        async with self._session.post(url, json=body) as answer:
            read: JSON = await answer.json(content_type=None)
            return read


@pytest.fixture
async def runner(demo: Demo) -> AsyncIterator[Runner]:
    """Open connections; each sender may send as fast as it can, and answers are often late."""
    product = demo.product
    for sender in demo.told["senders"]:
        changed = product.call(
            "PATCH", f"/v1/senders/{sender['number']}", {"messages_per_second": 10_000}
        )
        assert changed.status_code == 200, changed.text
    headers = {"Authorization": f"Bearer {product.key}"}
    connector = aiohttp.TCPConnector(limit=64)
    async with aiohttp.ClientSession(connector=connector, headers=headers) as session:
        yield Runner(demo, session)


def draw_races(demo: Demo, phones: Iterator[str], dice: Random) -> list[Race]:
    """Draw all races from one seed."""
    races = []
    for _ in range(RACES):
        kind = dice.choice(sorted(WORDS))
        races.append(
            Race(
                phone=next(phones),
                kind=kind,
                number=demo.number(kind),
                word=dice.choice(WORDS[kind]),
                stop_offset=dice.uniform(SPREAD_SECONDS / 4, SPREAD_SECONDS * 1.5),
                send_offsets=[
                    dice.uniform(0, SPREAD_SECONDS) for _ in range(dice.randint(1, SENDS_MAX))
                ],
            )
        )
    return races


@pytest.mark.usefixtures("faults")
async def test_nothing_leaves_after_the_acknowledgement(
    demo: Demo, phones: Iterator[str], runner: Runner
) -> None:
    """In 1,000 seeded races the carrier is handed nothing once it has had the STOP's 2xx."""
    races = draw_races(demo, phones, Random(SEED))
    # So slow that texts have to wait for each other, however quick the machine is.
    demo.carrier.fault("slow_answer", rate=0.6, seconds=0.08)
    for start in range(0, RACES, WAVE_RACES):
        await runner.run(races[start : start + WAVE_RACES])
    wait_until_all_is_over(demo)

    acknowledged = {
        hook["sid"]: (hook["created_order"], hook["acknowledged_order"])
        for hook in demo.carrier.webhooks()
        if hook["kind"] == "inbound"
    }
    taken = read_taken(demo)
    ends: Counter[str] = Counter()
    for race in races:
        typed, heard = acknowledged[race.stop_sid]
        confirmations = [m for m in taken[race.phone] if m["body"] == OPT_OUT_CONFIRMATION]
        texts = [m for m in taken[race.phone] if m["body"] != OPT_OUT_CONFIRMATION]
        assert [m for m in texts if m["accepted_order"] > heard] == [], race
        late = demo.carrier.refusals(race.phone, race.number)
        assert [one for one in late if one["order"] > heard] == [], race
        assert len(confirmations) == expected_confirmations(race), race
        ends["taken while the STOP was on its way"] += sum(
            m["accepted_order"] > typed for m in texts
        )
        ends["refused by the carrier"] += len(late)
        ends["refused at the door"] += race.refused
        count_ends(demo, race, ends)
    print(dict(ends))  # noqa: T201 - shown where the test fails, and with -s
    assert_all_refused(demo, races)
    # The races were races: each way in which one can end has been seen often.
    for end in ("delivered", "canceled", "refused at the door"):
        assert ends[end] >= 20, ends
    assert ends["taken while the STOP was on its way"] >= 5, ends


def expected_confirmations(race: Race) -> int:
    """Where the carrier answers an opt-out we do not; else we do, once."""
    by_carrier = {"long_code": ("STOP", "Unsubscribe"), "toll_free": ("stop", "CANCEL")}
    return 0 if race.word in by_carrier.get(race.kind, ()) else 1


def wait_until_all_is_over(demo: Demo) -> None:
    """Wait until no message is on its way any more."""
    for status in ("queued", "sending", "sent", "indeterminate", "scheduled"):
        eventually(lambda s=status: not demo.product.messages(status=s), f"none is {status}")


def read_taken(demo: Demo) -> defaultdict[str, list[JSON]]:
    """List what the carrier took from us, by recipient."""
    taken: defaultdict[str, list[JSON]] = defaultdict(list)
    for message in demo.carrier.messages():
        if message["direction"] != "inbound":
            taken[message["to"]].append(message)
    return taken


def count_ends(demo: Demo, race: Race, ends: Counter[str]) -> None:
    """Count how each text ended; what ended well is on the handset once, all else is not."""
    ours = {m["id"]: m for m in demo.product.messages(race.phone)}
    shown = demo.carrier.shown(race.phone, race.number)
    for message_id in race.sent:
        message = ours[message_id]
        assert message["status"] in FINAL_STATUSES
        ends[message["status"]] += 1
        times = 1 if message["status"] == "delivered" else 0
        assert shown.count(("sender", message["body"])) == times, message


def assert_all_refused(demo: Demo, races: list[Race]) -> None:
    """After the race nobody may be texted by the sender they said stop to."""
    for kind in WORDS:
        recipients = [race.phone for race in races if race.kind == kind]
        body = {"sender": demo.number(kind), "recipients": recipients}
        answer = demo.product.call("POST", "/v1/checks", body)
        assert answer.status_code == 200, answer.text
        reasons = Counter(decision["reason"] for decision in answer.json()["items"])
        assert reasons == {"opted_out": len(recipients)}
