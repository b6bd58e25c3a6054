"""Keywords: which words count where, and a box to try a text in."""

from typing import Final

import msgspec
from starlette.responses import Response

from consentry.console.pages import Page, Visit
from consentry.console.settings.campaigns import list_campaigns
from consentry.console.settings.carriers import name_carriers
from consentry.console.settings.sections import KEYWORDS, show
from consentry.console.settings.sender_page import describe_kind
from consentry.console.settings.tryout import EXAMPLES, TEXT_CHARACTERS_MAX, try_text
from consentry.console.settings.who_answers import WORDS, Desk, sit_at
from consentry.console.wording import show_number
from consentry.domain.agents import Permission
from consentry.domain.carrier_profiles import TABLE, Match
from consentry.domain.directory import Brand, Directory, Sender
from consentry.domain.reading import BlockLayer, SenderKind

_NUMBERS: Final = {
    SenderKind.LONG_CODE: "+12025550100",
    SenderKind.TOLL_FREE: "+18005550100",
    SenderKind.SHORT_CODE: "55555",
}
"""Numbers that stand for a kind where no sender is chosen."""

_BRAND: Final = Brand("", "Your brand", "help@example.org")


class Choice(msgspec.Struct, frozen=True):
    """A way to read a text: as if it came to a sender, or to a kind of number at a carrier."""

    value: str
    words: str
    sender: Sender
    carrier: str


async def show_keywords(visit: Visit) -> Response:
    """Show the box and the tables; while one types, only what the box says."""
    choices = await _list_choices(visit)
    asked = visit.query("as")
    chosen = next((choice for choice in choices if choice.value == asked), choices[0])
    text = visit.request.query_params.get("text", "")[:TEXT_CHARACTERS_MAX]
    directory = await visit.services.store.read_directory()
    brand = directory.brands.get(chosen.sender.brand, _BRAND)
    desk = sit_at(visit, chosen.sender, brand, chosen.carrier)
    scoped = _with_stand_in(directory, desk)
    tried = try_text(text, desk, scoped, visit.services.policy) if text.strip() else None
    if visit.is_fragment:
        return visit.render("settings/tryout.html", desk=desk, tried=tried)
    return await show(
        visit,
        KEYWORDS,
        "keywords.html",
        campaigns=await list_campaigns(visit),
        choices=choices,
        chosen=chosen.value,
        examples=EXAMPLES,
        longest=TEXT_CHARACTERS_MAX,
        profiles=sorted(TABLE.profiles, key=lambda profile: not profile.covers(desk.at.date())),
        today=desk.at.date(),
        version=TABLE.version,
        begins_with=Match.BEGINS_WITH,
        names=name_carriers(visit),
        network=BlockLayer.NETWORK,
        words=WORDS,
        kind_of=describe_kind,
        text=text,
        desk=desk,
        tried=tried,
    )


async def _list_choices(visit: Visit) -> list[Choice]:
    """List this agent's senders, then every kind of number that a carrier has rules for."""
    accounts = {account.id: account.kind for account in await visit.services.store.read_carriers()}
    choices = [
        Choice(
            f"sender:{sender.number}",
            f"{show_number(sender.number)}, {describe_kind(sender.kind).lower()}",
            sender,
            accounts.get(sender.carrier, ""),
        )
        for sender in await visit.senders()
        if sender.kind is not SenderKind.ALPHANUMERIC
    ]
    kinds = dict.fromkeys((p.carrier, kind) for p in TABLE.profiles for kind in p.kinds)
    names = name_carriers(visit)
    choices += [
        Choice(
            f"kind:{carrier}/{kind}",
            f"Any {describe_kind(kind).lower()} at {names.get(carrier, carrier)}",
            Sender(_NUMBERS[kind], kind, "", ""),
            carrier,
        )
        for carrier, kind in kinds
    ]
    return choices


def _with_stand_in(directory: Directory, desk: Desk) -> Directory:
    """Let a number that stands for a kind be known, so that it is read like any other."""
    sender = desk.sender
    return Directory(
        brands={**directory.brands, sender.brand: desk.brand},
        senders={**directory.senders, sender.number: sender},
        programs=directory.programs,
    )


PAGES: Final = (
    Page(path="/settings/keywords", view=show_keywords, permission=Permission.READ_SETTINGS),
)
