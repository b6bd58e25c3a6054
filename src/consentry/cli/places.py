"""Commands about where recipients are."""

import sys
from typing import Annotated

import msgspec
import typer

from consentry.actions.set_place import SetPlace
from consentry.cli.database import read_recipient, with_store
from consentry.cli.output import JSONFlag, fail, print_json
from consentry.domain.entries import Actor, ActorKind
from consentry.domain.rules.places import Whereabouts, find_whereabouts
from consentry.domain.standing import Place
from consentry.ports import Store
from consentry.settings import Settings

place_app = typer.Typer(help="Where recipients are.", no_args_is_help=True)

_ACTOR = Actor(ActorKind.AGENT, "command line")


class Placed(msgspec.Struct, frozen=True):
    """What was set for a recipient, and what follows."""

    recipient: str
    zone: str | None
    postal_code: str | None
    whereabouts: Whereabouts


def register(app: typer.Typer) -> None:
    """Add these commands."""
    app.add_typer(place_app, name="place")


@place_app.command("set")
def set_place(
    recipient: str,
    *,
    zone: Annotated[str | None, typer.Option(help="An IANA zone, such as America/Denver.")] = None,
    postal_code: Annotated[str | None, typer.Option(help="A postal code (US, CA, FR).")] = None,
    clear: Annotated[bool, typer.Option("--clear", help="Let the number tell again.")] = False,
    reason: Annotated[str, typer.Option(help="How you know; it is kept.")] = "",
    as_json: JSONFlag = False,
) -> None:
    """Set where RECIPIENT is, so that marketing keeps to the hours there.

    Example: consentry place set +14155550142 --zone America/Denver --reason "moved"
    """
    if clear is bool(zone or postal_code):
        fail("Give --zone, --postal-code or both, or --clear alone.", code=2)

    async def save(store: Store, settings: Settings) -> Placed:
        number = read_recipient(recipient, settings)
        command = SetPlace(number, _ACTOR, zone=zone, postal_code=postal_code, reason=reason)
        return _describe(number, await store.submit(command))

    _tell(with_store(save), as_json=as_json)


@place_app.command("show")
def show_place(recipient: str, *, as_json: JSONFlag = False) -> None:
    """Show where RECIPIENT is: what was set, else what the number tells.

    Example: consentry place show +14155550142
    """

    async def load(store: Store, settings: Settings) -> Placed:
        number = read_recipient(recipient, settings)
        return _describe(number, (await store.read_standing(number)).place)

    _tell(with_store(load), as_json=as_json)


def _describe(number: str, place: Place | None) -> Placed:
    kept = place or Place()
    return Placed(number, kept.zone, kept.postal_code, find_whereabouts(number, place))


def _tell(placed: Placed, *, as_json: bool) -> None:
    if as_json:
        print_json(placed)
        return
    found = placed.whereabouts
    told = ", ".join(part for part in (placed.zone, placed.postal_code) if part) or "nothing"
    sys.stdout.write(
        f"{placed.recipient}: set {told}. By {found.by.replace('_', ' ')}: "
        f"{', '.join(found.jurisdictions)}; {', '.join(found.zones)}.\n"
    )
