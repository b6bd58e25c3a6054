"""Commands about accounts with those who carry texts: carrier add, list, test, kinds."""

import sys
from typing import Annotated

import typer

from consentry.actions.administer import SaveCarrier
from consentry.cli.database import with_store
from consentry.cli.output import JSONFlag, fail, print_json, print_table, tell
from consentry.clock import SystemClock
from consentry.ports import (
    AccountField,
    CarrierAccount,
    CarrierKind,
    CarrierUnreachable,
    NoList,
    Store,
    write_fields,
)
from consentry.settings import Settings

carrier_app = typer.Typer(help="Accounts with those who carry texts.", no_args_is_help=True)


def find_kinds() -> dict[str, CarrierKind]:
    """Find all carriers; what they need is loaded by no other command."""
    from consentry.bootstrap import CARRIERS  # noqa: PLC0415 - the server's modules are heavy

    return CARRIERS


def register(app: typer.Typer) -> None:
    """Add these commands."""
    app.add_typer(carrier_app, name="carrier")


@carrier_app.command("add")
def add_carrier(
    kind: Annotated[str, typer.Argument(help="Which carrier: see `carrier kinds`.")],
    *,
    account: Annotated[
        str | None, typer.Option(help="The account, as the carrier calls it.")
    ] = None,
    token: Annotated[
        str | None, typer.Option(help="What signs its webhooks; asked for if not given.")
    ] = None,
    key_id: Annotated[
        str | None, typer.Option(help="The key we send with, where it has one.")
    ] = None,
    key_secret: Annotated[
        str | None, typer.Option(help="Its secret; asked for if it is needed and not given.")
    ] = None,
    more: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="NAME=VALUE", help="What only this carrier asks for."),
    ] = None,
    carrier_id: Annotated[
        str | None, typer.Option("--id", help="An id of your own; else the carrier's name.")
    ] = None,
    base_url: Annotated[str | None, typer.Option(help="Where its API is, if elsewhere.")] = None,
    as_json: JSONFlag = False,
) -> None:
    """Set up an account with a carrier.

    Example: consentry carrier add twilio --account AC0123456789abcdef0123456789abcdef
    """
    kinds = find_kinds()
    if kind not in kinds:
        fail(f"There is no carrier {kind!r}. Known: {', '.join(kinds)}.", code=2)
    known_kind = kinds[kind]
    empty = CarrierAccount(carrier_id or kind, kind, "", "", base_url or known_kind.base_url)
    given = {"account": account, "secret": token, "key_id": key_id, "key_secret": key_secret}
    values = {name: value for name, value in given.items() if value is not None}
    record = complete_account(known_kind, write_fields(empty, values | _read_pairs(more or [])))

    async def save(store: Store, _settings: Settings) -> CarrierAccount:
        known = {account.id: account for account in await store.read_carriers()}
        return await store.submit(SaveCarrier(record, known=known.get(record.id)))

    saved = with_store(save)
    shown = {"id": saved.id, "kind": saved.kind, "account": saved.account}
    tell(shown, f"Carrier account {saved.id} is set up.", as_json=as_json)


def _read_pairs(pairs: list[str]) -> dict[str, str]:
    for pair in pairs:
        if "=" not in pair:
            fail(f"--set {pair!r} is not NAME=VALUE.", code=2)
    return {name: value for name, _, value in (pair.partition("=") for pair in pairs)}


def complete_account(kind: CarrierKind, account: CarrierAccount) -> CarrierAccount:
    """Ask for secrets that are missing; say what else is, or what the carrier does not know."""
    foreign = kind.list_foreign(account)
    if foreign:
        asked = ", ".join(field.name for field in kind.fields)
        fail(f"{kind.title} knows no {', '.join(foreign)}. It asks for: {asked}.", code=2)
    missing = kind.list_missing(account)
    for field in missing:
        if not field.is_secret:
            fail(f"{kind.title} needs {_option(field)}: its {field.label}. {field.hint}", code=2)
    typed = {field.name: typer.prompt(field.label, hide_input=True) for field in missing}
    return write_fields(account, typed)


def _option(field: AccountField) -> str:
    own = {"account": "--account", "key_id": "--key-id", "base_url": "--base-url"}
    return own.get(field.name, f"--set {field.name}=…")


@carrier_app.command("kinds")
def list_kinds(*, as_json: JSONFlag = False) -> None:
    """List the carriers that there are, and what each asks for.

    Example: consentry carrier kinds
    """
    if as_json:
        print_json(
            [
                {
                    "kind": kind.name,
                    "base_url": kind.base_url,
                    "fields": [
                        {"name": f.name, "label": f.label, "needed": f.is_needed}
                        for f in kind.fields
                    ],
                }
                for kind in find_kinds().values()
            ]
        )
        return
    rows = [
        (kind.name, kind.title, ", ".join(_describe_field(field) for field in kind.fields))
        for kind in find_kinds().values()
    ]
    print_table(("kind", "carrier", "asks for"), rows, empty="")


def _describe_field(field: AccountField) -> str:
    told = f"{field.name}: {field.label}"
    return told if field.is_needed else f"[{told}]"


@carrier_app.command("list")
def list_carriers(*, as_json: JSONFlag = False) -> None:
    """List the carrier accounts; secrets are never shown.

    Example: consentry carrier list
    """

    async def load(store: Store, _settings: Settings) -> list[CarrierAccount]:
        return await store.read_carriers()

    accounts = with_store(load)
    if as_json:
        print_json([{"id": a.id, "kind": a.kind, "account": a.account} for a in accounts])
        return
    rows = [(a.id, a.kind, a.account, a.base_url) for a in accounts]
    columns = ("id", "kind", "account", "base URL")
    print_table(columns, rows, empty="No carrier yet. Next: consentry carrier add")


@carrier_app.command("test")
def try_carrier(carrier_id: str) -> None:
    """Ask the carrier something harmless, which shows that the account and token are right.

    Example: consentry carrier test twilio
    """

    from consentry.bootstrap import AccountBook  # noqa: PLC0415 - the server's modules are heavy

    async def ask(store: Store, settings: Settings) -> str | None:
        clock = SystemClock()
        book = AccountBook(store, clock, settings.public_url or "http://127.0.0.1")
        carrier = await book.find(carrier_id)
        if carrier is None:
            return f"There is no carrier account {carrier_id!r}. See: consentry carrier list"
        try:
            await carrier.probe()
        except CarrierUnreachable as error:
            return f"{carrier_id} does not answer as it should: {error}"
        except NoList as error:
            return f"{carrier_id} could not be tried: {error}"
        finally:
            await book.close()
        return None

    problem = with_store(ask)
    if problem is not None:
        fail(problem, code=1)
    sys.stdout.write(f"{carrier_id} answers, and takes the account and token.\n")
