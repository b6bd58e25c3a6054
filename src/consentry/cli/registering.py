"""Commands that write packets for registering a number with carriers."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from consentry.actions.build_registration import Asked, Registration, build_registration
from consentry.cli.database import read_recipient, with_store
from consentry.cli.output import JSONFlag, fail, print_json
from consentry.clock import SystemClock
from consentry.domain.registration import Packet, PacketKind
from consentry.ports import Store
from consentry.settings import Settings

register_app = typer.Typer(
    help="Packets for registering a number with carriers.", no_args_is_help=True
)
OutOption = Annotated[Path, typer.Option(help="The folder to write to; it is made.")]
GivenOption = Annotated[
    list[str] | None,
    typer.Option("--set", help="A field that only you know, NAME=VALUE; again for more."),
]


def register(app: typer.Typer) -> None:
    """Add these commands."""
    app.add_typer(register_app, name="register")


@register_app.command("10dlc")
def register_10dlc(
    sender: str, *, out: OutOption, given: GivenOption = None, as_json: JSONFlag = False
) -> None:
    """Write what a long code's 10DLC campaign asks for; ends with 1 while something is to do.

    Example: consentry register 10dlc +14155550100 --out packet
    """
    _write(PacketKind.TEN_DLC, sender, out, given or [], as_json=as_json)


@register_app.command("toll-free")
def register_toll_free(
    sender: str, *, out: OutOption, given: GivenOption = None, as_json: JSONFlag = False
) -> None:
    """Write what a toll-free number's verification asks for; ends with 1 while something is to do.

    Example: consentry register toll-free +18335550102 --out packet --set BusinessName="Retalé Inc."
    """
    _write(PacketKind.TOLL_FREE, sender, out, given or [], as_json=as_json)


def _write(kind: PacketKind, sender: str, out: Path, given: list[str], *, as_json: bool) -> None:
    fields = read_fields(given)

    async def build(store: Store, settings: Settings) -> Registration:
        number = read_recipient(sender, settings)
        asked = Asked(number, number, fields, settings.public_url)
        return await build_registration(asked, store, SystemClock().now(), wanted=kind)

    built = with_store(build)
    out.mkdir(parents=True, exist_ok=True)
    for name, text in built.files.items():
        (out / name).write_text(text, encoding="utf-8")
    if as_json:
        print_json(built.packet)
    else:
        _show(built.packet, out)
    if not built.packet.is_ready:
        raise typer.Exit(1)


def read_fields(given: list[str]) -> dict[str, tuple[str, ...]]:
    """Read NAME=VALUE; a name that comes again has several values."""
    fields: dict[str, tuple[str, ...]] = {}
    for one in given:
        name, is_given, value = one.partition("=")
        if not is_given or not value.strip():
            fail(f"{one!r} is no NAME=VALUE. Write for example BusinessName=Retalé.", code=2)
        fields[name.strip()] = (*fields.get(name.strip(), ()), value.strip())
    return fields


def _show(packet: Packet, out: Path) -> None:
    sys.stdout.write(f"Wrote the packet to {out}; begin with packet.md.\n")
    for missing in packet.missing:
        sys.stdout.write(f"missing: {missing.field}. {missing.says}\n")
    for finding in packet.findings:
        sys.stdout.write(f"{finding.level}: {finding.says} [{finding.rule}; {finding.source}]\n")
    if packet.is_ready:
        sys.stdout.write("It can be handed in.\n")
