"""The choice of a sender, a brand or everything, as one word in an address."""

from typing import Final

import msgspec

from consentry.console.pages import Visit
from consentry.console.wording import show_number
from consentry.domain.directory import Directory, Sender
from consentry.domain.standing import EVERYTHING

EVERY_BRAND: Final = "everything"
"""The word for what holds for every brand: the do-not-text list of everything."""


class Choice(msgspec.Struct, frozen=True):
    """One choice: the word in the address, how it reads, and what lists are held to by it.

    `scopes` are those of opt-outs, `senders` the numbers behind them.
    """

    value: str
    words: str
    scopes: tuple[str, ...]
    senders: tuple[str, ...]


async def list_choices(visit: Visit) -> list[Choice]:
    """List what an agent may choose from: each of their brands, followed by its senders."""
    directory = await visit.services.store.read_directory()
    seen = await visit.senders()
    choices = []
    for brand in directory.brands.values():
        if not visit.agent.sees(brand.id):
            continue
        senders = tuple(s for s in seen if s.brand == brand.id)
        choices.append(
            Choice(
                value=f"brand:{brand.id}",
                words=f"{brand.name}, all of it",
                scopes=(brand.id, *scopes_of(senders)),
                senders=tuple(sender.number for sender in senders),
            )
        )
        choices += [
            Choice(
                value=f"sender:{sender.number}",
                words=f"{show_number(sender.number)} ({brand.name})",
                scopes=scopes_of((sender,)),
                senders=(sender.number,),
            )
            for sender in senders
        ]
    return choices


def find_choice(choices: list[Choice], value: str) -> Choice | None:
    """Find a choice by its word; None where there is none."""
    return next((choice for choice in choices if choice.value == value), None)


def scopes_of(senders: tuple[Sender, ...]) -> tuple[str, ...]:
    """List the scopes that a block over one of these senders can have."""
    scopes = []
    for sender in senders:
        scopes.append(sender.number)
        if sender.messaging_service_sid is not None:
            scopes.append(sender.messaging_service_sid)
    return tuple(dict.fromkeys(scopes))


async def visible_scopes(visit: Visit) -> tuple[str, ...] | None:
    """Name the scopes of the opt-outs an agent may see; None where they see every brand.

    What holds for every brand holds for theirs too.
    """
    if not visit.agent.brands:
        return None
    return (EVERYTHING, *visit.agent.brands, *scopes_of(await visit.senders()))


def name_brand(directory: Directory, brand_id: str) -> str:
    """Name a brand; one that is gone keeps its id."""
    brand = directory.brands.get(brand_id)
    return brand_id if brand is None else brand.name
