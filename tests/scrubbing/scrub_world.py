"""Many people who stand with a company in every way, and a list of them: seeded."""

import random
from collections.abc import AsyncIterator
from datetime import datetime, timedelta

import msgspec

from consent_world import DIRECTORY, LONG, NEWS, PROMO, SENDERS
from consentry.domain.directory import Directory, Program, Purpose
from consentry.domain.keywords import read_legal
from consentry.domain.reading import BlockLayer
from consentry.domain.standing import (
    EVERYTHING,
    Block,
    BlockState,
    Cause,
    Consent,
    ConsentLevel,
    ConsentState,
    OptInRequest,
    Place,
    Review,
    Solicitation,
    Solicited,
    Standing,
    Suppression,
    Thread,
    Unclear,
)
from consentry.ports import ErasedStanding
from consentry.wire.keyed_hash import HashKeys, name_hash_key
from memory_store import START

OFF = msgspec.structs.replace(PROMO, id="off", enabled=False)
OWN = Program("own", "acme", Purpose.INFORMATIONAL, "One sender's", sender=LONG.number)
COMPANY = Directory(
    DIRECTORY.brands,
    DIRECTORY.senders,
    DIRECTORY.programs | {OFF.id: OFF, OWN.id: OWN},
)
PLACES = (
    Place(zone="Europe/London"),
    Place(zone="Pacific/Honolulu"),
    Place(postal_code="33101"),
    Place(zone="Asia/Tokyo", postal_code="94103"),
)
_PROGRAMS = (
    *(sender.conversation for sender in SENDERS),
    PROMO.id,
    NEWS.id,
    OFF.id,
    OWN.id,
    "gone",
)
_AREAS = ("415", "305", "212", "808", "204", "787", "801")
_HOURS = (-60, -23, -20, -2, -1, 0, 1, 60)


KEYS = HashKeys((name_hash_key(b"k" * 32),))


class World:
    """Implements `Everybody` on standings in memory."""

    def __init__(self, people: int, seed: int, directory: Directory = COMPANY) -> None:
        self.directory = directory
        self.checkpoint = None
        self.erased: dict[str, Standing] = {}
        self._dice = random.Random(seed)
        self.standings = {
            number: self._make_standing()
            for number in sorted({self._number() for _ in range(people)})
        }

    async def parts(self) -> AsyncIterator[bytes]:
        """Give all standings as a database does."""
        rows = [(int(number), standing) for number, standing in self.standings.items()]
        for start in range(0, len(rows), 500):
            yield msgspec.json.encode(rows[start : start + 500])

    @property
    def has_erased(self) -> bool:
        """Tell whether anybody was erased."""
        return bool(self.erased)

    async def match_erased(self, numbers: list[str]) -> dict[str, str]:
        """Find them, as if by their hashes."""
        assert not self.standings.keys() & set(numbers)
        return {
            number: msgspec.json.encode(self.erased[number]).decode()
            for number in numbers
            if number in self.erased
        }

    async def read_erased(self) -> list[ErasedStanding]:
        """List what stands against them, by the hashes of `KEYS`."""
        return [
            ErasedStanding(*KEYS.hash_number(number), msgspec.json.encode(standing).decode())
            for number, standing in self.erased.items()
        ]

    def erase(self, every: int) -> None:
        """Erase one of so many people."""
        for number in list(self.standings)[::every]:
            self.erased[number] = self.standings.pop(number)

    def list_rows(self, count: int) -> list[str]:
        """List numbers in any order, most of them known, spelled in every way; some are none."""
        known = list(self.standings)
        return [self._spell(self._dice.choice(known)) for _ in range(count)]

    def _spell(self, number: str) -> str:
        dice = self._dice.random()
        if dice < 0.6:
            return number
        if dice < 0.7:
            return self._number()
        if dice < 0.75:
            return self._dice.choice(("", "nobody", "12", "+1 415", "'", 'a "b", c', "+1\n2"))
        if not number.startswith("+1"):
            return f"{number[:3]} {number[3:6]}-{number[6:]}"
        area, exchange, line = number[2:5], number[5:8], number[8:]
        return self._dice.choice(
            (
                f"({area}) {exchange}-{line}",
                f"{area}{exchange}{line}",
                f"1-{area}-{exchange}-{line}",
                f"+1 {area} {exchange} {line}",
                f"'{number}",
                f"{number} ext. 3",
            )
        )

    def _number(self) -> str:
        if self._dice.random() < 0.8:
            return f"+1{self._dice.choice(_AREAS)}555{self._dice.randrange(10_000):04}"
        begin = self._dice.choice(("4479111", "336123", "4915112", "521551", "6141"))
        return f"+{begin}{self._dice.randrange(10**5, 10**6)}"

    def _at(self) -> datetime:
        return START + timedelta(hours=self._dice.choice(_HOURS), seconds=self._dice.random())

    def _make_standing(self) -> Standing:
        dice = self._dice
        return Standing(
            tuple(self._make_block() for _ in range(dice.choice((0, 0, 0, 1, 2)))),
            tuple(
                self._make_consent(program)
                for program in dice.sample(_PROGRAMS, dice.choice((0, 1, 2, 5)))
            ),
            tuple(self._make_suppression() for _ in range(dice.choice((0, 0, 0, 0, 1, 2)))),
            tuple(
                Thread(sender.number, last_inbound_at=dice.choice((None, self._at())))
                for sender in dice.sample(SENDERS, dice.choice((0, 1, 3)))
            ),
            dice.random() < 0.5,
            dice.choice((None, None, *PLACES)),
            tuple(
                Review(sender.number, (Unclear("r", "m", "e", START, read_legal("no")),))
                for sender in dice.sample(SENDERS, dice.choice((0, 0, 0, 0, 1)))
            ),
            tuple(
                Solicited(brand, tuple(Solicitation(f"m{n}", self._at()) for n in range(3)))
                for brand in dice.sample(("acme", "other"), dice.choice((0, 0, 1, 2)))
            ),
        )

    def _make_block(self) -> Block:
        sender, layer = self._dice.choice(SENDERS), self._dice.choice(list(BlockLayer))
        return Block(
            sender.scope_of(layer),
            layer,
            self._dice.choice(list(BlockState)),
            self._dice.choice(list(Cause)),
            since=self._at(),
            changed_at=self._at(),
            entry=f"ent_{self._dice.random()}",
        )

    def _make_consent(self, program: str) -> Consent:
        dice = self._dice
        state = dice.choice((*ConsentState, *([ConsentState.ACTIVE] * 12)))
        waits = state in (ConsentState.PENDING, ConsentState.PENDING_CARRIER)
        return Consent(
            program,
            state,
            dice.choice((*ConsentLevel, ConsentLevel.EXPRESS_WRITTEN)),
            since=self._at(),
            changed_at=self._at(),
            entry=f"ent_{dice.random()}",
            by_person=dice.random() < 0.7,
            expires_at=dice.choice((None, None, self._at())),
            request=OptInRequest(LONG.number, START, self._at(), "msg") if waits else None,
        )

    def _make_suppression(self) -> Suppression:
        dice = self._dice
        return Suppression(
            dice.choice((EVERYTHING, "acme", "other")),
            dice.choice(list(Cause)),
            since=self._at(),
            entry="ent",
            active=dice.random() < 0.7,
            lifted_for=dice.choice(((), (LONG.number,), (LONG.number, SENDERS[1].number))),
        )
