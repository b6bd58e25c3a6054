"""Commands about programs: what people consent to beyond a conversation."""

from typing import Annotated

import msgspec
import typer

from consentry.actions.administer import SaveProgram
from consentry.cli.database import with_store
from consentry.cli.output import JSONFlag, fail, print_json, print_table, tell
from consentry.domain.directory import Program, Purpose
from consentry.ports import Store
from consentry.settings import Settings

program_app = typer.Typer(help="What people consent to.", no_args_is_help=True)

_Sender = Annotated[
    str | None, typer.Option(help="The one sender that texts for it; else every one of the brand.")
]
_Description = Annotated[str | None, typer.Option(help="What the texts are about.")]
_Frequency = Annotated[
    str | None, typer.Option(help='How often, as people read it: "up to 4 msgs/month".')
]
_TermsURL = Annotated[str | None, typer.Option(help="The page with the terms.")]
_PrivacyURL = Annotated[str | None, typer.Option(help="The page on privacy.")]


def register(app: typer.Typer) -> None:
    """Add these commands."""
    app.add_typer(program_app, name="program")


@program_app.command("add")
def add_program(
    name: str,
    *,
    brand: Annotated[str, typer.Option(help="The brand's id.")],
    purpose: Annotated[Purpose, typer.Option(help="informational or marketing.")],
    program_id: Annotated[str, typer.Option("--id", help="An id of your own.")] = "",
    sender: _Sender = None,
    description: _Description = None,
    frequency: _Frequency = None,
    terms_url: _TermsURL = None,
    privacy_url: _PrivacyURL = None,
    recurring: Annotated[
        bool, typer.Option("--recurring/--one-time", help="Whether texts come again and again.")
    ] = True,
    as_json: JSONFlag = False,
) -> None:
    """Set up a program that people can consent to.

    Example: consentry program add "Order updates" --brand retale --purpose informational
    """
    program = Program(
        id=program_id,
        brand=brand,
        purpose=purpose,
        name=name,
        sender=sender,
        description=description,
        frequency=frequency,
        terms_url=terms_url,
        privacy_url=privacy_url,
        recurring=recurring,
    )

    async def save(store: Store, _settings: Settings) -> Program:
        return await store.submit(SaveProgram(program))

    saved = with_store(save)
    tell(saved, f"Program {saved.name} is set up as {saved.id}.", as_json=as_json)


@program_app.command("list")
def list_programs(*, as_json: JSONFlag = False) -> None:
    """List the programs.

    Example: consentry program list
    """

    async def load(store: Store, _settings: Settings) -> list[Program]:
        return list((await store.read_directory()).programs.values())

    programs = with_store(load)
    if as_json:
        print_json(programs)
        return
    rows = [
        (p.id, p.name, str(p.purpose), p.brand, p.frequency or "", "on" if p.enabled else "off")
        for p in programs
    ]
    columns = ("id", "name", "purpose", "brand", "how often", "state")
    print_table(columns, rows, empty="No program yet. Next: consentry program add")


@program_app.command("show")
def show_program(program_id: str, *, as_json: JSONFlag = False) -> None:
    """Show all that is set of one program.

    Example: consentry program show order-updates
    """

    async def load(store: Store, _settings: Settings) -> Program:
        return await _find(store, program_id)

    program = with_store(load)
    if as_json:
        print_json(program)
        return
    rows = [(name, _spell(value)) for name, value in msgspec.structs.asdict(program).items()]
    print_table(("field", "value"), rows, empty="")


@program_app.command("change")
def change_program(
    program_id: str,
    *,
    name: Annotated[str | None, typer.Option(help="Another name.")] = None,
    sender: _Sender = None,
    description: _Description = None,
    frequency: _Frequency = None,
    terms_url: _TermsURL = None,
    privacy_url: _PrivacyURL = None,
    recurring: Annotated[
        bool | None, typer.Option("--recurring/--one-time", help="Whether texts come again.")
    ] = None,
    enabled: Annotated[
        bool | None, typer.Option("--on/--off", help="Off: it texts nobody, consents stay.")
    ] = None,
    as_json: JSONFlag = False,
) -> None:
    """Change a program, or switch it off; what is left out stays, "" empties a text.

    Brand and purpose never change, and no program is deleted: people consented to it, and that is
    evidence.

    Example: consentry program change offers --frequency "up to 4 msgs/month" --off
    """
    given = {
        "name": name,
        "sender": sender,
        "description": description,
        "frequency": frequency,
        "terms_url": terms_url,
        "privacy_url": privacy_url,
        "recurring": recurring,
        "enabled": enabled,
    }
    emptied = {"description", "frequency", "terms_url", "privacy_url"}
    changes = {
        field: None if value == "" and field in emptied else value
        for field, value in given.items()
        if value is not None
    }

    async def save(store: Store, _settings: Settings) -> Program:
        known = await _find(store, program_id)
        return await store.submit(SaveProgram(msgspec.structs.replace(known, **changes)))

    saved = with_store(save)
    state = "on" if saved.enabled else "off"
    tell(saved, f"Program {saved.name} ({saved.id}) is changed. It is {state}.", as_json=as_json)


async def _find(store: Store, program_id: str) -> Program:
    program = (await store.read_directory()).programs.get(program_id)
    if program is None:
        fail(f"There is no program {program_id!r}. See: consentry program list", code=1)
    return program


def _spell(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "" if value is None else str(value)
