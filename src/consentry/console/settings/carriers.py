"""Accounts with carriers. Secrets go in and never come out."""

import re
from typing import Final

import msgspec
from starlette.responses import Response

from consentry.actions.administer import SaveCarrier
from consentry.console.pages import Page, Visit
from consentry.console.settings.filled import Filled, fill, read_form
from consentry.console.settings.sections import CARRIERS, check_all_brands, go_saved, show
from consentry.domain.agents import Permission
from consentry.ports import CarrierAccount

KINDS: Final = {"twilio": "Twilio"}
CARRIER_NAMES: Final = {**KINDS, "telnyx": "Telnyx", "aws": "AWS", "plivo": "Plivo"}
"""How carriers are called, those too whose keywords are known and who carry nothing here yet."""

_SECRETS: Final = ("secret", "key_secret")
_NEW: Final = {
    "kind": "twilio",
    "id": "twilio",
    "account": "",
    "secret": "",
    "base_url": "https://api.twilio.com",
    "key_id": "",
    "key_secret": "",
}
_ID: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")
_PRINTED: Final = re.compile(r"[!-~]{1,500}")
_BASE_URL: Final = re.compile(r"https?://[A-Za-z0-9][A-Za-z0-9.-]*(:[0-9]{1,5})?")
_PLAIN: Final = "Use letters, digits and signs without spaces, at most 500."


async def list_accounts(visit: Visit) -> Response:
    """List the accounts."""
    senders = (await visit.services.store.read_directory()).senders.values()
    rows = [
        (account, sum(sender.carrier == account.id for sender in senders))
        for account in await visit.services.store.read_carriers()
    ]
    return await show(visit, CARRIERS, "carriers.html", rows=rows, names=CARRIER_NAMES)


async def new_account(visit: Visit) -> Response:
    """Show the form for a new account."""
    taken = {account.id for account in await visit.services.store.read_carriers()}
    stored = _NEW if _NEW["id"] not in taken else {**_NEW, "id": ""}
    return await _show_form(visit, fill(stored), None)


async def add_account(visit: Visit) -> Response:
    """Add an account."""
    check_all_brands(visit)
    filled = _check(read_form(visit, {**_NEW, "id": visit.field("id")}))
    filled = msgspec.structs.replace(filled, problem="", stored={})
    values = filled.values
    taken = {account.id for account in await visit.services.store.read_carriers()}
    if values["id"] in taken:
        filled = filled.refused(id="There is an account of that id. Choose another id.")
    elif not _ID.fullmatch(values["id"]):
        filled = filled.refused(id="Use 1 to 64 letters, digits, - and _: it stands in addresses.")
    if values["kind"] not in KINDS:
        filled = filled.refused(kind="Choose a carrier.")
    if not values["secret"]:
        filled = filled.refused(secret="Write the account's auth token.")  # noqa: S106 - words
    return await _save(visit, filled, None)


async def show_account(visit: Visit) -> Response:
    """Show an account's form."""
    account = await _find(visit)
    if account is None:
        return visit.missing("carrier account")
    return await _show_form(visit, fill(_stored(account)), account)


async def change_account(visit: Visit) -> Response:
    """Change an account; a secret that is left empty stays."""
    check_all_brands(visit)
    account = await _find(visit)
    if account is None:
        return visit.missing("carrier account")
    return await _save(visit, _check(read_form(visit, _stored(account))), account)


def _check(filled: Filled) -> Filled:
    values = filled.values
    for name in ("account", "secret", "key_id", "key_secret"):
        needed = name == "account"
        if (values[name] or needed) and not _PRINTED.fullmatch(values[name]):
            filled = filled.refused(**{name: _PLAIN})
    if not _BASE_URL.fullmatch(values["base_url"]):
        filled = filled.refused(
            base_url="Write the address of the API without a path: https://api.twilio.com"
        )
    return filled


async def _save(visit: Visit, filled: Filled, known: CarrierAccount | None) -> Response:
    if not filled.is_fine:
        return await _show_form(visit, filled, known)
    account = _build(filled.values, known)
    await visit.services.store.submit(SaveCarrier(account, visit.actor, known))
    return go_saved(visit, CARRIERS.path, changed=account != known)


def _build(values: dict[str, str], known: CarrierAccount | None) -> CarrierAccount:
    """Put an account together; without a key id there is no key, and so no secret of one."""
    kept = "" if known is None or not values["key_id"] else known.key_secret or ""
    return CarrierAccount(
        id=values["id"] if known is None else known.id,
        kind=values["kind"] if known is None else known.kind,
        account=values["account"],
        secret=values["secret"] or ("" if known is None else known.secret),
        base_url=values["base_url"],
        key_id=values["key_id"] or None,
        key_secret=(values["key_id"] and values["key_secret"]) or kept or None,
    )


async def _show_form(visit: Visit, filled: Filled, account: CarrierAccount | None) -> Response:
    """Show the form. Secrets that were typed are not sent back; the form says so."""
    typed = [name for name in _SECRETS if filled.values[name]]
    if not filled.is_fine:
        again = dict.fromkeys(typed, "Type it again: it is not sent back to the page.")
        filled = filled.refused(**{**again, **filled.errors})
    shown = {**filled.values, **dict.fromkeys(_SECRETS, "")}
    return await show(
        visit,
        CARRIERS,
        "carrier.html",
        status=200 if filled.is_fine else 422,
        form=msgspec.structs.replace(filled, values=shown),
        account=account,
        kinds=list(KINDS.items()),
    )


async def _find(visit: Visit) -> CarrierAccount | None:
    accounts = await visit.services.store.read_carriers()
    return next((account for account in accounts if account.id == visit.path("id")), None)


def _stored(account: CarrierAccount) -> dict[str, str]:
    return {
        "account": account.account,
        "secret": "",
        "base_url": account.base_url,
        "key_id": account.key_id or "",
        "key_secret": "",
    }


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
