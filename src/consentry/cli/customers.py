"""Commands about profiles: customer add, list, show, merge."""

import sys
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from consentry.actions.export_customer import CustomerHeld, export_customer
from consentry.actions.keep_customers import CreateCustomer, MergeCustomers
from consentry.cli.consents import CLI_ACTOR
from consentry.cli.database import with_store
from consentry.cli.output import JSONFlag, fail, print_json, print_table, tell
from consentry.cli.written_files import written_whole
from consentry.clock import SystemClock
from consentry.domain.customers import Customer, CustomerPhone, PhoneType
from consentry.domain.phone import InvalidNumber, parse_phone
from consentry.ports import Page, Store
from consentry.settings import Settings

customer_app = typer.Typer(help="Profiles of the people we text with.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    """Add these commands."""
    app.add_typer(customer_app, name="customer")


def _phone(text: str, settings: Settings, *, primary: bool) -> CustomerPhone:
    try:
        phone = parse_phone(text, region=settings.default_region)
    except InvalidNumber as error:
        fail(str(error), code=2)
    return CustomerPhone(
        original=phone.original,
        normalized=phone.normalized,
        region_code=phone.region_code,
        extension=phone.extension,
        type=PhoneType.MOBILE,
        primary=primary,
    )


def _show(customer: Customer, *, as_json: bool) -> None:
    if as_json:
        print_json(customer)
        return
    numbers = ", ".join(phone.normalized for phone in customer.phones)
    sys.stdout.write(f"{customer.id}  {customer.name}  {numbers}\n")


@customer_app.command("add")
def add_customer(
    name: str,
    *,
    phone: Annotated[list[str] | None, typer.Option(help="A number; again for more.")] = None,
    as_json: JSONFlag = False,
) -> None:
    """Make a profile; the first phone is its main one.

    Example: consentry customer add "Ada Example" --phone +14155550142
    """

    async def save(store: Store, settings: Settings) -> Customer:
        phones = tuple(
            _phone(text, settings, primary=place == 0) for place, text in enumerate(phone or [])
        )
        return await store.submit(CreateCustomer(name=name, phones=phones))

    _show(with_store(save), as_json=as_json)


@customer_app.command("list")
def list_customers(
    *,
    search: Annotated[str | None, typer.Option(help="Any part of a name or number.")] = None,
    as_json: JSONFlag = False,
) -> None:
    """List profiles, newest first.

    Example: consentry customer list --search 0142
    """

    async def load(store: Store, _settings: Settings) -> list[Customer]:
        return await store.read_customers(Page(limit=200), search=search)

    customers = with_store(load)
    if as_json:
        print_json(customers)
        return
    rows = [(c.id, c.name, ", ".join(phone.normalized for phone in c.phones)) for c in customers]
    print_table(("id", "name", "phones"), rows, empty="No customer found.")


@customer_app.command("merge")
def merge_customers(into: str, merged: str, *, as_json: JSONFlag = False) -> None:
    """Merge the profile MERGED into INTO. Consent stays with the numbers.

    Example: consentry customer merge cus_01KAPZ5V0Q cus_01KAPZ7M3B
    """

    async def save(store: Store, _settings: Settings) -> Customer:
        return await store.submit(MergeCustomers(into=into, merged=merged))

    _show(with_store(save), as_json=as_json)


@customer_app.command("export")
def export_held(
    customer: str,
    *,
    out: Annotated[
        Path | None, typer.Option(help="A file to write it to; else it is printed.")
    ] = None,
    as_json: JSONFlag = False,
) -> None:
    """Give all that is held of a customer and their numbers, as JSON, for who asks for it.

    The profile, what stands for each number, and every row by table as it is kept. The audit says
    that it was taken.

    Example: consentry customer export cus_01KAPZ5V0Q --out held.json
    """
    if out is not None and out.exists():
        fail(f"{out} is there already. Name another file.", code=2)

    async def gather(store: Store, _settings: Settings) -> CustomerHeld:
        return await export_customer(customer, CLI_ACTOR, store, SystemClock().now())

    if out is None:
        sys.stdout.write(_write_held(with_store(gather)).decode())
        return
    try:
        with written_whole(out) as file:
            held = with_store(gather)
            file.write(_write_held(held))
    except OSError as error:
        fail(f"{out} cannot be written: {error.strerror}. Name another place.", code=2)
    tell(
        {"customer": customer, "file": str(out), "rows": held.count},
        f"{held.count:,} rows of {held.customer.name or customer} are in {out}",
        as_json=as_json,
    )


def _write_held(held: CustomerHeld) -> bytes:
    return msgspec.json.format(msgspec.json.encode(held), indent=2) + b"\n"
