"""Accounts with those who carry texts. Secrets go in and never come out."""

from typing import Annotated, Final

import msgspec
from msgspec import UNSET, UnsetType

from consentry.actions.administer import SaveCarrier
from consentry.api.listing import Listing, whole
from consentry.api.operations import Answer, Call, Operation, Tag
from consentry.api.problems import Problem
from consentry.ports import CarrierAccount, CarrierKind, Scope, find_fragment, write_fields
from consentry.wire.webhook_address import inbound_path, status_path

Id = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9_-]{1,64}$")]
Account = Annotated[str, msgspec.Meta(pattern=r"^[!-~]{1,200}$")]
Name = Annotated[str, msgspec.Meta(pattern=r"^[a-z0-9_]{1,64}$")]
Value = Annotated[str, msgspec.Meta(max_length=500)]
Secret = Annotated[str, msgspec.Meta(pattern=r"^[!-~]{1,500}$")]
URL = Annotated[
    str,
    msgspec.Meta(
        max_length=500, pattern=r"^(https?|smpps?)://[A-Za-z0-9][A-Za-z0-9.-]*(:[0-9]{1,5})?$"
    ),
]


class NewCarrier(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An account to set up. `secret` signs webhooks; `key_id`, `key_secret` authenticate us.

    What each carrier needs of these, and of its own in `more`, stands in the reference of carriers.
    `id`: part of the webhook address; made up where it is left out.
    """

    kind: Name
    account: Account | None = None
    secret: Secret | None = None
    id: Id | None = None
    base_url: URL | None = None
    key_id: Account | None = None
    key_secret: Secret | None = None
    more: dict[Name, Value] = {}


class CarrierChange(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What to change of an account; what is left out stays, also of `more`."""

    account: Account | UnsetType = UNSET
    secret: Secret | UnsetType = UNSET
    base_url: URL | UnsetType = UNSET
    key_id: Account | UnsetType | None = UNSET
    key_secret: Secret | UnsetType | None = UNSET
    more: dict[Name, Value | None] = {}


class CarrierView(msgspec.Struct, frozen=True):
    """An account without its secrets, and the addresses that its webhooks go to."""

    id: str
    kind: str
    account: str
    base_url: str
    key_id: str | None
    more: dict[str, str]
    inbound_url: str
    status_url: str


def webhook_urls(call: Call[object, object], carrier_id: str, kind: str) -> tuple[str, str]:
    """Give the addresses to paste at the carrier: for inbound texts and for status reports."""
    fragment = find_fragment(call.services.carrier_kinds, kind)
    inbound, status = inbound_path(carrier_id, fragment), status_path(carrier_id, fragment)
    return call.base_url + inbound, call.base_url + status


async def find_account(call: Call[object, object], carrier_id: str) -> CarrierAccount:
    """Find an account that a body names; raises `Problem`."""
    for account in await call.services.store.read_carriers():
        if account.id == carrier_id:
            return account
    raise Problem("unknown_carrier", f"There is no carrier account {carrier_id!a}. Add it first.")


async def _account_in_path(call: Call[object, object]) -> CarrierAccount:
    try:
        return await find_account(call, call.path["id"])
    except Problem:
        raise Problem(
            "not_found", f"There is no carrier account {call.path['id']!a}. List the carriers."
        ) from None


def _view(call: Call[object, object], account: CarrierAccount) -> CarrierView:
    inbound_url, status_url = webhook_urls(call, account.id, account.kind)
    return CarrierView(
        id=account.id,
        kind=account.kind,
        account=account.account,
        base_url=account.base_url,
        key_id=account.key_id,
        more=account.more,
        inbound_url=inbound_url,
        status_url=status_url,
    )


async def list_carriers(call: Call[None, None]) -> Answer:
    """List the accounts."""
    accounts = await call.services.store.read_carriers()
    return Answer(whole([_view(call, account) for account in accounts]))


async def create_carrier(call: Call[NewCarrier, None]) -> Answer:
    """Set up an account."""
    asked, store = call.body, call.services.store
    taken = {account.id for account in await store.read_carriers()}
    if asked.id in taken:
        raise Problem(
            "already_exists",
            f"The carrier account {asked.id!a} is set up already. Change it with PATCH.",
        )
    kind = _kind(call, asked.kind)
    account = CarrierAccount(
        id=asked.id or "",
        kind=kind.name,
        account=asked.account or "",
        secret=asked.secret or "",
        base_url=asked.base_url or kind.base_url,
        key_id=asked.key_id,
        key_secret=asked.key_secret,
        more={name: value for name, value in asked.more.items() if value},
    )
    check_account(kind, account)
    return Answer(_view(call, await store.submit(SaveCarrier(account, call.actor))), status=201)


def _kind(call: Call[NewCarrier, None], name: str) -> CarrierKind:
    kinds = call.services.carrier_kinds
    if name not in kinds:
        raise Problem("invalid_body", f"`kind` is {name!a}. Choose one of {', '.join(kinds)}.")
    return kinds[name]


def check_account(kind: CarrierKind, account: CarrierAccount) -> None:
    """Refuse an account that lacks something, or has what the carrier does not know."""
    missing = [f"`{field.name}` ({field.label})" for field in kind.list_missing(account)]
    if missing:
        raise Problem("invalid_body", f"{kind.title} needs {', '.join(missing)}. Give it.")
    foreign = kind.list_foreign(account)
    if foreign:
        raise Problem(
            "invalid_body",
            f"{kind.title} knows no {', '.join(map(ascii, foreign))}. Leave it out; it asks for "
            f"{', '.join(field.name for field in kind.fields)}.",
        )


async def read_carrier(call: Call[None, None]) -> Answer:
    """Show an account."""
    return Answer(_view(call, await _account_in_path(call)))


async def change_carrier(call: Call[CarrierChange, None]) -> Answer:
    """Change an account; a new secret counts for the next webhook."""
    known, asked = await _account_in_path(call), call.body
    given = {name: getattr(asked, name) for name in ("account", "secret", "key_id", "key_secret")}
    values = {name: value for name, value in (given | asked.more).items() if value is not UNSET}
    account = write_fields(known, {name: value or "" for name, value in values.items()})
    if asked.base_url is not UNSET:
        account = msgspec.structs.replace(account, base_url=asked.base_url)
    kind = call.services.carrier_kinds.get(known.kind)
    if kind is not None:
        check_account(kind, account)
    changed = await call.services.store.submit(SaveCarrier(account, call.actor, known))
    return Answer(_view(call, changed))


OPERATIONS: Final = (
    Operation(
        method="GET",
        path="/v1/carriers",
        tag=Tag.SETTING_UP,
        summary="Carrier accounts",
        handler=list_carriers,
        scope=Scope.ADMIN,
        answers={200: Listing[CarrierView]},
    ),
    Operation(
        method="POST",
        path="/v1/carriers",
        tag=Tag.SETTING_UP,
        summary="Set up a carrier account",
        description="Secrets are write-only: no answer shows them.",
        handler=create_carrier,
        scope=Scope.ADMIN,
        body=NewCarrier,
        answers={201: CarrierView},
        errors=("already_exists",),
        example={
            "kind": "twilio",
            "account": "AC0123456789abcdef0123456789abcdef",
            "secret": "the account's auth token".replace(" ", "-"),
        },
    ),
    Operation(
        method="GET",
        path="/v1/carriers/{id}",
        tag=Tag.SETTING_UP,
        summary="One carrier account",
        handler=read_carrier,
        scope=Scope.ADMIN,
        answers={200: CarrierView},
        errors=("not_found",),
    ),
    Operation(
        method="PATCH",
        path="/v1/carriers/{id}",
        tag=Tag.SETTING_UP,
        summary="Change a carrier account",
        handler=change_carrier,
        scope=Scope.ADMIN,
        body=CarrierChange,
        answers={200: CarrierView},
        errors=("not_found",),
        example={"secret": "the-new-auth-token"},
    ),
)
