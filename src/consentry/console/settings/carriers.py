"""Accounts with carriers. Secrets go in and never come out."""

import re
from collections.abc import Collection
from typing import Final

import msgspec
from starlette.responses import Response

from consentry.actions.administer import SaveCarrier
from consentry.console.pages import Page, Visit
from consentry.console.settings.filled import Filled, fill, read_form
from consentry.console.settings.sections import CARRIERS, check_all_brands, go_saved, show
from consentry.domain.agents import Permission
from consentry.ports import CarrierAccount, CarrierKind, read_fields, write_fields

_OTHERS: Final = {"telnyx": "Telnyx", "aws": "AWS", "plivo": "Plivo"}
"""Carriers whose keywords are known and who carry nothing here yet."""

_ID: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")
_PRINTED: Final = re.compile(r"[!-~]{1,500}")
_BASE_URL: Final = re.compile(r"(https?|smpps?)://[A-Za-z0-9][A-Za-z0-9.-]*(:[0-9]{1,5})?")
_PLAIN: Final = "Use letters, digits and signs without spaces, at most 500."


def name_carriers(visit: Visit) -> dict[str, str]:
    """Tell how carriers are called."""
    return _OTHERS | {kind.name: kind.title for kind in visit.services.carrier_kinds.values()}


async def list_accounts(visit: Visit) -> Response:
    """List the accounts."""
    senders = (await visit.services.store.read_directory()).senders.values()
    rows = [
        (account, sum(sender.carrier == account.id for sender in senders))
        for account in await visit.services.store.read_carriers()
    ]
    return await show(visit, CARRIERS, "carriers.html", rows=rows, names=name_carriers(visit))


async def new_account(visit: Visit) -> Response:
    """Show the form for a new account, or with whom there can be one."""
    kind = visit.services.carrier_kinds.get(visit.query("kind"))
    if kind is None:
        kinds = list(visit.services.carrier_kinds.values())
        return await show(visit, CARRIERS, "carrier_kinds.html", kinds=kinds)
    taken = {account.id for account in await visit.services.store.read_carriers()}
    return await _show_form(visit, fill(_new(kind, taken)), kind, None)


async def add_account(visit: Visit) -> Response:
    """Add an account."""
    check_all_brands(visit)
    kind = visit.services.carrier_kinds.get(visit.field("kind"))
    if kind is None:
        return visit.missing("carrier")
    filled = _check(read_form(visit, {**_new(kind, ()), "id": visit.field("id")}), kind)
    filled = msgspec.structs.replace(filled, problem="", stored={})
    values = filled.values
    taken = {account.id for account in await visit.services.store.read_carriers()}
    if values["id"] in taken:
        filled = filled.refused(id="There is an account of that id. Choose another id.")
    elif not _ID.fullmatch(values["id"]):
        filled = filled.refused(id="Use 1 to 64 letters, digits, - and _: it stands in addresses.")
    for field in kind.fields:
        if field.is_secret and field.is_needed and not values[field.name]:
            filled = filled.refused(**{field.name: f"Write the account's {field.label}."})
    return await _save(visit, filled, kind, None)


def _new(kind: CarrierKind, taken: Collection[str]) -> dict[str, str]:
    empty = {field.name: "" for field in kind.fields}
    free = kind.name if kind.name not in taken else ""
    return {**empty, "kind": kind.name, "id": free, "base_url": kind.base_url}


async def show_account(visit: Visit) -> Response:
    """Show an account's form."""
    account = await _find(visit)
    if account is None:
        return visit.missing("carrier account")
    kind = _kind_of(visit, account)
    return await _show_form(visit, fill(_stored(account, kind)), kind, account)


async def change_account(visit: Visit) -> Response:
    """Change an account; a secret that is left empty stays."""
    check_all_brands(visit)
    account = await _find(visit)
    if account is None:
        return visit.missing("carrier account")
    kind = _kind_of(visit, account)
    filled = _check(read_form(visit, _stored(account, kind)), kind)
    return await _save(visit, filled, kind, account)


def _kind_of(visit: Visit, account: CarrierAccount) -> CarrierKind:
    """Find the carrier of an account."""
    return visit.services.carrier_kinds[account.kind]


def _check(filled: Filled, kind: CarrierKind) -> Filled:
    values = filled.values
    for field in kind.fields:
        needed = field.is_needed and not field.is_secret
        if (values[field.name] or needed) and not _PRINTED.fullmatch(values[field.name]):
            filled = filled.refused(**{field.name: _PLAIN})
    if not kind.is_address(values["base_url"]):
        filled = filled.refused(base_url=f"{kind.address_field.hint}.")
    elif not _BASE_URL.fullmatch(values["base_url"]):
        filled = filled.refused(
            base_url=f"Write the address of the API without a path: {kind.base_url}"
        )
    return filled


async def _save(
    visit: Visit, filled: Filled, kind: CarrierKind, known: CarrierAccount | None
) -> Response:
    if not filled.is_fine:
        return await _show_form(visit, filled, kind, known)
    account = _build(filled.values, kind, known)
    await visit.services.store.submit(SaveCarrier(account, visit.actor, known))
    return go_saved(visit, CARRIERS.path, changed=account != known)


def _build(
    values: dict[str, str], kind: CarrierKind, known: CarrierAccount | None
) -> CarrierAccount:
    """Put an account together; a key whose id was taken away goes with it."""
    before = known or CarrierAccount(values["id"], kind.name, "", "", "")
    names = [field.name for field in kind.fields]
    secrets = {field.name for field in kind.fields if field.is_secret}
    typed = {name: values[name] for name in names if values[name] or name not in secrets}
    if "key_id" in names and not typed["key_id"]:
        typed["key_secret"] = ""
    account = write_fields(before, typed)
    return msgspec.structs.replace(account, base_url=values["base_url"])


async def _show_form(
    visit: Visit, filled: Filled, kind: CarrierKind, account: CarrierAccount | None
) -> Response:
    """Show the form. Secrets that were typed are not sent back; the form says so."""
    secrets = [field.name for field in kind.fields if field.is_secret]
    if not filled.is_fine:
        again = {
            name: "Type it again: it is not sent back to the page."
            for name in secrets
            if filled.values[name]
        }
        filled = filled.refused(**{**again, **filled.errors})
    shown = {**filled.values, **dict.fromkeys(secrets, "")}
    return await show(
        visit,
        CARRIERS,
        "carrier.html",
        status=200 if filled.is_fine else 422,
        form=msgspec.structs.replace(filled, values=shown),
        account=account,
        kind=kind,
        known={} if account is None else read_fields(account),
    )


async def _find(visit: Visit) -> CarrierAccount | None:
    accounts = await visit.services.store.read_carriers()
    return next((account for account in accounts if account.id == visit.path("id")), None)


def _stored(account: CarrierAccount, kind: CarrierKind) -> dict[str, str]:
    values = read_fields(account)
    shown = {f.name: "" if f.is_secret else values.get(f.name, "") for f in kind.fields}
    return {**shown, "base_url": account.base_url}


PAGES: Final = (
    Page(path="/settings/carriers", view=list_accounts, permission=Permission.READ_SETTINGS),
    Page(path="/settings/new-carrier", view=new_account, permission=Permission.CHANGE_SETTINGS),
    Page(
        path="/settings/new-carrier",
        view=add_account,
        permission=Permission.CHANGE_SETTINGS,
        method="POST",
    ),
    Page(
        path="/settings/carriers/{id}",
        view=show_account,
        permission=Permission.READ_SETTINGS,
        example={"id": "fake"},
    ),
    Page(
        path="/settings/carriers/{id}",
        view=change_account,
        permission=Permission.CHANGE_SETTINGS,
        method="POST",
        example={"id": "fake"},
    ),
)
