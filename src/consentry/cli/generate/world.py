"""The company of the made-up database: two brands, their numbers, programs and agents."""

from datetime import datetime
from random import Random  # noqa: TID251 - seeded, and handed on
from typing import Final

from consentry.actions.administer import SaveBrand, SaveCarrier, SaveProgram, SaveSender
from consentry.actions.keep_agents import SaveAgent
from consentry.domain.agents import Agent, Role
from consentry.domain.directory import Brand, Program, Purpose, Sender
from consentry.domain.reading import SenderKind
from consentry.ports import CarrierAccount
from consentry.store.batch import AnyCommand

CARRIER: Final = "car_generated"
BRANDS: Final = (
    Brand("brd_harbor", "Harbor Outfitters", "help@harbor.example"),
    Brand("brd_linden", "Linden Clinic", "desk@linden.example"),
)
SENDERS: Final = tuple(
    Sender(number, kind, brand, CARRIER, messaging_service_sid=service, messages_per_second=rate)
    for number, kind, brand, service, rate in (
        ("+14155550100", SenderKind.LONG_CODE, "brd_harbor", None, 1.0),
        ("+12125550101", SenderKind.LONG_CODE, "brd_harbor", None, 1.0),
        ("+13055550102", SenderKind.LONG_CODE, "brd_harbor", f"MG{5:032x}", 1.0),
        ("+18885550103", SenderKind.TOLL_FREE, "brd_harbor", None, 3.0),
        ("+16175550104", SenderKind.LONG_CODE, "brd_linden", None, 1.0),
        ("+16175550105", SenderKind.LONG_CODE, "brd_linden", None, 1.0),
        ("+18665550106", SenderKind.TOLL_FREE, "brd_linden", None, 3.0),
    )
)
PROGRAMS: Final = tuple(
    Program(f"prg_{name.lower()}_{brand.id[4:]}", brand.id, purpose, name)
    for brand in BRANDS
    for name, purpose in (("Updates", Purpose.INFORMATIONAL), ("Offers", Purpose.MARKETING))
)
_AGENTS: Final = (
    ("Kim Ortega", Role.ADMIN, ()),
    ("Ana Reyes", Role.AGENT, ("brd_harbor",)),
    ("Ben Okafor", Role.AGENT, ("brd_harbor",)),
    ("Chloé Martin", Role.AGENT, ("brd_harbor",)),
    ("Dmytro Bondar", Role.AGENT, ("brd_linden",)),
    ("Emi Sato", Role.AGENT, ("brd_linden",)),
    ("Fay Lindqvist", Role.AGENT, ()),
    ("Gil Navarro", Role.COMPLIANCE, ()),
)
_NOWHERE: Final = "http://127.0.0.1:9"
"""Nothing listens there: whatever is done with the database, no text leaves the machine."""

_CROCKFORD: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_PAIRS: Final = tuple(a + b for a in _CROCKFORD for b in _CROCKFORD)
_CHANCE_LETTERS: Final = 12


def setting_up(now: datetime) -> list[AnyCommand]:
    """List what sets the company up, in order."""
    account = CarrierAccount(CARRIER, "twilio", f"AC{7:032x}", "generated", _NOWHERE)
    agents = [
        Agent("", f"{name.split()[0].lower()}@example.com", name, role, now, brands=brands)
        for name, role, brands in _AGENTS
    ]
    return [
        *map(SaveBrand, BRANDS),
        SaveCarrier(account),
        *map(SaveSender, SENDERS),
        *map(SaveProgram, PROGRAMS),
        *map(SaveAgent, agents),
    ]


def program_of(sender: Sender, purpose: Purpose) -> Program:
    """Find the program of a sender's brand with a purpose."""
    return next(p for p in PROGRAMS if p.brand == sender.brand and p.purpose is purpose)


def write_time(milliseconds: int) -> str:
    """Write the first ten letters of an id: when it was made."""
    shifts = (40, 30, 20, 10, 0)
    return "".join([_PAIRS[milliseconds >> shift & 1023] for shift in shifts])


def write_count(number: int) -> str:
    """Write four letters that sort as the numbers do."""
    return _PAIRS[number >> 10 & 1023] + _PAIRS[number & 1023]


def draw_chance(random: Random) -> str:
    """Draw the last twelve letters of an id."""
    return "".join(random.choices(_CROCKFORD, k=_CHANCE_LETTERS))


class SeededIds:
    """Ids of the product's shape that are the same for the same seed."""

    def __init__(self, now: datetime, random: Random) -> None:
        """Make ids that say they were made at a time."""
        self._time = write_time(int(now.timestamp() * 1000))
        self._chance = draw_chance(random)
        self._made = 0

    def new(self, prefix: str) -> str:
        """Make the next id."""
        self._made += 1
        return f"{prefix}_{self._time}{write_count(self._made)}{self._chance}"

    def new_many(self, prefix: str, count: int) -> list[str]:
        """Make the next ids."""
        return [self.new(prefix) for _ in range(count)]


class SetClock:
    """A clock that stands where it is put."""

    def __init__(self, now: datetime) -> None:
        """Start at a time."""
        self.time = now

    def now(self) -> datetime:
        """Return the time it was put to."""
        return self.time

    def monotonic(self) -> float:
        """Return the time as seconds."""
        return self.time.timestamp()
