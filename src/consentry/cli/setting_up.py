"""Commands that set things up: init, brand, sender, key, db."""

import asyncio
import secrets
import sys
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from consentry.actions.administer import (
    SaveBrand,
    SaveKey,
    SaveSender,
    revoked,
)
from consentry.actions.find_key import REVOKED_EVERYWHERE_SECONDS
from consentry.actions.make_key import (
    ACCOUNT_BYTES,
    ACCOUNT_SCOPES,
    SECRET_BYTES,
    identify_secret_key,
    make_account,
    make_key,
)
from consentry.cli.carriers import find_kinds
from consentry.cli.database import with_store
from consentry.cli.output import JSONFlag, fail, print_json, print_table, tell
from consentry.clock import SystemClock
from consentry.domain.directory import Brand, Sender
from consentry.domain.reading import SenderKind
from consentry.opening import read_secret_key, webhook_url
from consentry.ports import APIKey, Scope, Store, find_fragment
from consentry.setting_list import SETTINGS
from consentry.settings import Settings, read_settings

brand_app = typer.Typer(help="The sellers in whose name we text.", no_args_is_help=True)
sender_app = typer.Typer(help="Our numbers.", no_args_is_help=True)
key_app = typer.Typer(help="API keys.", no_args_is_help=True)
db_app = typer.Typer(help="The database.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    """Add these commands."""
    app.command("init")(init)
    for name, group in (
        ("brand", brand_app),
        ("sender", sender_app),
        ("key", key_app),
        ("db", db_app),
    ):
        app.add_typer(group, name=name)


def init(
    file: Annotated[Path, typer.Option(help="Where to write.")] = Path("consentry.toml"),
) -> None:
    """Write a settings file with every setting explained, and make the database.

    Example: consentry init
    """
    if file.exists():
        fail(f"{file} is there already. Edit it, or remove it first.", code=1)
    lines = []
    for setting in SETTINGS:
        lines += [f"# {setting.help}", f'# {setting.name} = "{setting.default}"', ""]
    # Secrets are written into it.
    file.touch(mode=0o600)
    file.write_text("\n".join(lines), encoding="utf-8")
    settings = read_settings()
    with_store(_nothing)
    made = "the tables" if settings.is_postgres else settings.database_path
    sys.stdout.write(f"Wrote {file} and made {made}. Next: consentry brand add\n")


async def _nothing(store: Store, settings: Settings) -> None:
    del store, settings


@db_app.command("upgrade")
def upgrade() -> None:
    """Bring the tables of the database up to date (starting the server does so too).

    Example: consentry db upgrade
    """
    with_store(_nothing)
    sys.stdout.write("The database is up to date.\n")


@brand_app.command("add")
def add_brand(
    name: str,
    *,
    contact: Annotated[str | None, typer.Option(help="Where people get help.")] = None,
    brand_id: Annotated[str, typer.Option("--id", help="An id of your own.")] = "",
    as_json: JSONFlag = False,
) -> None:
    """Set up a brand.

    Example: consentry brand add "Retalé" --contact help@example.org --id retale
    """

    async def save(store: Store, _settings: Settings) -> Brand:
        return await store.submit(SaveBrand(Brand(id=brand_id, name=name, contact=contact)))

    brand = with_store(save)
    tell(brand, f"Brand {brand.name} is set up as {brand.id}.", as_json=as_json)


@brand_app.command("list")
def list_brands(*, as_json: JSONFlag = False) -> None:
    """List the brands.

    Example: consentry brand list
    """

    async def load(store: Store, _settings: Settings) -> list[Brand]:
        return list((await store.read_directory()).brands.values())

    brands = with_store(load)
    if as_json:
        print_json(brands)
        return
    rows = [(b.id, b.name, b.contact or "") for b in brands]
    print_table(("id", "name", "contact"), rows, empty="No brand yet. Next: consentry brand add")


@sender_app.command("add")
def add_sender(
    number: str,
    *,
    kind: Annotated[SenderKind, typer.Option(help="What kind of number it is.")],
    brand: Annotated[str, typer.Option(help="The brand's id.")],
    carrier: Annotated[str, typer.Option(help="The carrier account's id.")],
    service: Annotated[
        str | None, typer.Option(help="Its messaging service, if it is in one.")
    ] = None,
    rate: Annotated[float, typer.Option(help="Texts a second it may send.")] = 1.0,
    inbound_url: Annotated[
        str | None, typer.Option(help="Where a program is told of each text that comes in.")
    ] = None,
    inbound_account: Annotated[
        str | None, typer.Option(help="The account sid that signs this; else the carrier's.")
    ] = None,
    as_json: JSONFlag = False,
) -> None:
    """Set up a number of ours, and print the webhook URL to configure at the carrier.

    Example: consentry sender add +14155550100 --kind long_code --brand retale --carrier twilio
    """

    async def save(store: Store, settings: Settings) -> tuple[Sender, str, str]:
        accounts = {account.id: account.kind for account in await store.read_carriers()}
        if carrier not in accounts:
            fail(f"There is no carrier account {carrier!r}. See: consentry carrier list", code=1)
        sender = Sender(
            number=number,
            kind=kind,
            brand=brand,
            carrier=carrier,
            messaging_service_sid=service,
            messages_per_second=rate,
            inbound_url=inbound_url,
            inbound_account=inbound_account,
        )
        saved = await store.submit(SaveSender(sender))
        fragment = find_fragment(find_kinds(), accounts[carrier])
        return saved, webhook_url(settings, carrier, fragment), accounts[carrier]

    sender, url, carrier_kind = with_store(save)
    known = find_kinds().get(carrier_kind)
    sentence = f"Sender {sender.number} is set up. At the carrier, set its webhook to\n  {url}"
    if known is not None and not known.posts_webhooks:
        sentence = f"Sender {sender.number} is set up. `serve` connects to its carrier by itself."
    tell({"sender": sender, "webhook_url": url}, sentence, as_json=as_json)


@sender_app.command("pass-on")
def pass_on(
    number: str,
    url: Annotated[str, typer.Argument(help="The program's address; leave it out to stop.")] = "",
    *,
    account: Annotated[
        str | None, typer.Option(help="The account sid that signs; else the carrier account's.")
    ] = None,
    as_json: JSONFlag = False,
) -> None:
    """Pass each text that comes in to a program's own address, as Twilio would, or to none.

    Example: consentry sender pass-on +14155550100 http://127.0.0.1:5000/sms
    """

    async def save(store: Store, _settings: Settings) -> Sender:
        known = (await store.read_directory()).senders.get(number)
        if known is None:
            fail(f"There is no sender {number!r}. See: consentry sender list", code=1)
        changed = msgspec.structs.replace(
            known, inbound_url=url or None, inbound_account=account if url else None
        )
        return await store.submit(SaveSender(changed))

    sender = with_store(save)
    told = f"go to {sender.inbound_url}" if sender.inbound_url else "are passed on to nobody"
    tell(sender, f"Texts to {sender.number} {told}.", as_json=as_json)


@sender_app.command("list")
def list_senders(*, as_json: JSONFlag = False) -> None:
    """List our numbers.

    Example: consentry sender list
    """

    async def load(store: Store, _settings: Settings) -> list[Sender]:
        return list((await store.read_directory()).senders.values())

    senders = with_store(load)
    if as_json:
        print_json(senders)
        return
    rows = [
        (s.number, str(s.kind), s.brand, s.carrier, "on" if s.enabled else "off") for s in senders
    ]
    columns = ("number", "kind", "brand", "carrier", "state")
    print_table(columns, rows, empty="No sender yet. Next: consentry sender add")


@key_app.command("create")
def create_key(
    name: str,
    *,
    scope: Annotated[
        list[Scope] | None, typer.Option(help="What it may do; again for more. Default: all.")
    ] = None,
    brand: Annotated[
        list[str] | None,
        typer.Option(help="It is good for this brand alone; again for more. Default: every brand."),
    ] = None,
    twilio: Annotated[
        bool,
        typer.Option(
            help="Make an account sid and auth token, for programs that speak with Twilio. "
            "Default scopes: send, read, consent."
        ),
    ] = False,
    as_json: JSONFlag = False,
) -> None:
    """Make an API key. Its secret is printed once and kept nowhere.

    Example: consentry key create "shop backend" --scope check --scope send
    """
    given = tuple(scope or (ACCOUNT_SCOPES if twilio else (Scope.ADMIN,)))

    async def save(store: Store, settings: Settings) -> tuple[APIKey, str]:
        make = make_account if twilio else make_key
        secret, key = make(
            name,
            given,
            secret_key=read_secret_key(settings),
            randomness=secrets.token_bytes(ACCOUNT_BYTES if twilio else SECRET_BYTES),
            now=SystemClock().now(),
        )
        key = msgspec.structs.replace(key, brands=tuple(dict.fromkeys(brand or ())))
        return await store.submit(SaveKey(key)), secret

    key, secret = with_store(save)
    kept = f"This is key {key.id}, shown only now. Keep it safe."
    if twilio:
        told = {"account_sid": key.account_sid, "auth_token": secret}
        sentence = f"Account sid  {key.account_sid}\nAuth token   {secret}\n{kept}"
    else:
        told, sentence = {"secret": secret}, f"{secret}\n{kept}"
    tell(
        {"id": key.id, **told, "scopes": key.scopes, "brands": key.brands},
        sentence,
        as_json=as_json,
    )


@key_app.command("list")
def list_keys(*, as_json: JSONFlag = False) -> None:
    """List the API keys, without their secrets.

    "older key": it hangs on a secret key of before, until it is used once (an account of the
    Twilio-compatible door: until it is replaced).

    Example: consentry key list
    """

    async def load(store: Store, settings: Settings) -> tuple[list[APIKey], str]:
        return await store.read_keys(), identify_secret_key(read_secret_key(settings))

    keys, newest = with_store(load)
    if as_json:
        print_json(
            [
                {
                    "id": k.id,
                    "name": k.name,
                    "prefix": k.prefix,
                    "scopes": k.scopes,
                    "brands": k.brands,
                    "last_used_at": k.last_used_at,
                    "revoked_at": k.revoked_at,
                    "by_newest_secret_key": k.hashed_by == newest,
                }
                for k in keys
            ]
        )
        return
    rows = [
        (
            k.id,
            k.name,
            k.prefix,
            " ".join(k.scopes),
            "never" if k.last_used_at is None else k.last_used_at.strftime("%Y-%m-%d %H:%M"),
            _tell_state(k, newest),
        )
        for k in keys
    ]
    columns = ("id", "name", "begins with", "scopes", "last used (UTC)", "state")
    print_table(columns, rows, empty="No key yet. Next: consentry key create")


def _tell_state(key: APIKey, newest: str) -> str:
    if key.revoked_at is not None:
        return "revoked"
    return "active" if key.hashed_by == newest else "active, older key"


@key_app.command("revoke")
def revoke_key(key_id: str, *, as_json: JSONFlag = False) -> None:
    """Revoke an API key at once.

    Example: consentry key revoke key_01KAPZ5V0Q
    """

    async def save(store: Store, _settings: Settings) -> bool:
        for key in await store.read_keys():
            if key.id == key_id:
                if key.revoked_at is None:
                    await store.submit(SaveKey(revoked(key, SystemClock().now())))
                    # A server may still go by what it has just read.
                    await asyncio.sleep(REVOKED_EVERYWHERE_SECONDS)
                return True
        return False

    if not with_store(save):
        fail(f"There is no key {key_id!r}. See: consentry key list", code=1)
    tell({"id": key_id, "revoked": True}, f"Key {key_id} is revoked.", as_json=as_json)
