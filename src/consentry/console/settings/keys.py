"""API keys: made with a secret that is shown once, listed, revoked."""

import asyncio
import secrets
from typing import Final

import msgspec
from starlette.responses import Response

from consentry.actions.administer import SaveKey, revoked
from consentry.actions.make_key import ACCOUNT_BYTES, SECRET_BYTES, make_account, make_key
from consentry.console.pages import Page, Visit
from consentry.console.settings.filled import Filled, fill, read_form
from consentry.console.settings.sections import KEYS, brands_of, check_all_brands, go_saved, show
from consentry.domain.agents import Permission
from consentry.ports import APIKey, Scope

NAME_CHARACTERS_MAX: Final = 200
SCOPES: Final = {
    Scope.CHECK: ("Check", "Ask whether somebody may be texted."),
    Scope.SEND: ("Send", "Send texts; each is checked."),
    Scope.READ: ("Read", "Read messages, standings, senders and keywords."),
    Scope.CONSENT: ("Consent", "Record consent and opt-outs that people told you."),
    Scope.CUSTOMERS: ("Customers", "Read and change profiles."),
    Scope.METRICS: ("Metrics", "Read /metrics: counts, and nothing about a person."),
    Scope.ADMIN: ("Admin", "Everything, settings and keys too."),
}
"""What each scope allows, in words."""

TWILIO: Final = "twilio"
_DOORS: Final = (
    (
        TWILIO,
        "A program that speaks with Twilio",
        "The key is an account sid and an auth token. It needs Send and Read.",
    ),
)
_SEVERAL: Final = ("scopes", "doors", "brands")
_NEW: Final = {"name": "", "scopes": "", "doors": "", "brands": ""}


async def list_keys(visit: Visit) -> Response:
    """List the keys, those in force first."""
    keys = await visit.services.store.read_keys()
    rows = sorted(keys, key=lambda key: (key.revoked_at is not None, key.name.casefold()))
    return await show(visit, KEYS, "keys.html", rows=rows, scopes=SCOPES)


async def new_key(visit: Visit) -> Response:
    """Show the form for a new key."""
    return await _show_form(visit, fill(_NEW))


async def add_key(visit: Visit) -> Response:
    """Make a key and show its secret, this once: it is kept nowhere."""
    check_all_brands(visit)
    filled = await _check(visit, read_form(visit, _NEW, several=_SEVERAL))
    services, name = visit.services, filled.values["name"]
    in_force = [key for key in await services.store.read_keys() if key.revoked_at is None]
    if any(key.name == name for key in in_force):
        # A form that is sent twice would else leave a key behind whose secret nobody has.
        filled = filled.refused(name="A key of this name is in force. Choose another name.")
    if not filled.is_fine:
        return await _show_form(visit, filled)
    twilio = TWILIO in filled.several("doors")
    make = make_account if twilio else make_key
    secret, key = make(
        name,
        [Scope(scope) for scope in filled.several("scopes")],
        secret_key=services.secret_key,
        randomness=secrets.token_bytes(ACCOUNT_BYTES if twilio else SECRET_BYTES),
        now=services.clock.now(),
    )
    key = msgspec.structs.replace(key, brands=filled.several("brands"))
    made = await services.store.submit(SaveKey(key, visit.actor))
    return await show(visit, KEYS, "key_made.html", status=201, key=made, secret=secret)


async def show_key(visit: Visit) -> Response:
    """Show a key, and ask before it is revoked."""
    key = await _find(visit)
    if key is None:
        return visit.missing("API key")
    brands = [brand.name for brand in await brands_of(visit) if brand.id in key.brands]
    return await show(visit, KEYS, "key.html", key=key, scopes=SCOPES, brands=brands)


async def revoke_key(visit: Visit) -> Response:
    """Revoke a key; one that is revoked stays as it is."""
    check_all_brands(visit)
    key = await _find(visit)
    if key is None:
        return visit.missing("API key")
    changed = key.revoked_at is None
    if changed:
        now = visit.services.clock.now()
        await visit.services.store.submit(SaveKey(revoked(key, now), visit.actor))
        await asyncio.sleep(visit.services.others_seconds)
    return go_saved(visit, KEYS.path, changed=changed)


async def _check(visit: Visit, filled: Filled) -> Filled:
    name = filled.values["name"]
    if not name:
        filled = filled.refused(name="Write what the key is for.")
    elif len(name) > NAME_CHARACTERS_MAX:
        filled = filled.refused(name=f"Write at most {NAME_CHARACTERS_MAX} characters.")
    chosen = filled.several("scopes")
    if not chosen:
        filled = filled.refused(scopes="Choose what it may do.")
    elif not set(chosen) <= set(Scope):
        filled = filled.refused(scopes="Choose among these.")
    if not set(filled.several("brands")) <= {brand.id for brand in await brands_of(visit)}:
        filled = filled.refused(brands="Choose among these.")
    return filled


async def _show_form(visit: Visit, filled: Filled) -> Response:
    return await show(
        visit,
        KEYS,
        "new_key.html",
        status=200 if filled.is_fine else 422,
        form=filled,
        doors=_DOORS,
        choices=[(scope.value, *words) for scope, words in SCOPES.items()],
        brands=[(brand.id, brand.name, "") for brand in await brands_of(visit)],
    )


async def _find(visit: Visit) -> APIKey | None:
    keys = await visit.services.store.read_keys()
    return next((key for key in keys if key.id == visit.path("id")), None)


PAGES: Final = (
    Page(path="/settings/keys", view=list_keys, permission=Permission.READ_SETTINGS),
    Page(path="/settings/new-key", view=new_key, permission=Permission.MANAGE_KEYS),
    Page(path="/settings/new-key", view=add_key, permission=Permission.MANAGE_KEYS, method="POST"),
    Page(
        path="/settings/keys/{id}",
        view=show_key,
        permission=Permission.READ_SETTINGS,
        example={"id": "key_1"},
    ),
    Page(
        path="/settings/keys/{id}/revoke",
        view=revoke_key,
        permission=Permission.MANAGE_KEYS,
        method="POST",
        example={"id": "key_1"},
    ),
)
