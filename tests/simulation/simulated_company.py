"""The company of every world: its brands, numbers, programs, agents, keys, and who is texted."""

from typing import Final

import msgspec

from consent_world import DIRECTORY, FOREIGN_PROMO, PROMO
from consentry.domain.directory import Brand, Program, Purpose, Sender
from consentry.domain.entries import Actor, ActorKind
from consentry.domain.reading import SenderKind

_MORE: Final = tuple(f"shop-{place}" for place in range(1, 7))
"""Brands beside the two of every test, so that what one does is seen to leave the others alone."""

SENDERS: Final = {
    number: msgspec.structs.replace(sender, messages_per_second=5.0)
    for number, sender in DIRECTORY.senders.items()
} | {
    number: Sender(number, SenderKind.LONG_CODE, brand, "twilio-1", messages_per_second=5.0)
    for brand, number in ((brand, f"+1415555012{brand[-1]}") for brand in _MORE)
}
PROGRAMS: Final = DIRECTORY.programs | {
    program.id: program
    for brand in _MORE
    for program in (
        Program(f"{brand}-deals", brand, Purpose.MARKETING, "Deals"),
        Program(f"{brand}-news", brand, Purpose.INFORMATIONAL, "Order news"),
    )
}
COMPANY: Final = msgspec.structs.replace(
    DIRECTORY,
    brands=DIRECTORY.brands | {brand: Brand(brand, brand.title()) for brand in _MORE},
    senders=SENDERS,
    programs=PROGRAMS,
)
NUMBERS: Final = tuple(SENDERS)
CROWDED: Final = tuple(DIRECTORY.senders)
"""Most of what happens is over these, so that words meet."""

MARKETING: Final = tuple(p.id for p in PROGRAMS.values() if p.purpose is Purpose.MARKETING)
NEWS_OF: Final = tuple(p.id for p in PROGRAMS.values() if p.purpose is Purpose.INFORMATIONAL)
CROWDED_MARKETING: Final = (PROMO.id, PROMO.id, FOREIGN_PROMO.id)

AGENTS: Final = tuple(Actor(ActorKind.AGENT, f"agent-{place}") for place in range(1, 25))
KEYS: Final = tuple(Actor(ActorKind.KEY, f"key-{place}") for place in range(1, 9))
"""Programs of the company that send by themselves, each with a key of its own."""

PEOPLE: Final = tuple(f"+1415555{2000 + place}" for place in range(900))


def show(program: str) -> str:
    """Write what somebody is shown who agrees to a program: the seller, its numbers, what for."""
    asked = PROGRAMS[program]
    seller = COMPANY.brands[asked.brand].name
    numbers = ", ".join(number for number, s in SENDERS.items() if s.brand == asked.brand)
    return (
        f"Get {asked.name} from {seller} by text from {numbers}: marketing, sent by automated "
        "means. Consent is not a condition of purchase."
    )
