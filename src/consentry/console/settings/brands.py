"""Brands: in whose name we text, and where people reach them."""

from typing import Final

from starlette.responses import Response

from consentry.actions.administer import SaveBrand
from consentry.actions.if_unchanged import IfUnchanged
from consentry.console.pages import Page, Visit
from consentry.console.settings.filled import Filled, fill, read_form
from consentry.console.settings.sections import (
    BRANDS,
    brands_of,
    check_all_brands,
    go_saved,
    show,
)
from consentry.domain.agents import Permission
from consentry.domain.directory import Brand
from consentry.ports import Rejected

NAME_CHARACTERS_MAX: Final = 200
_NEW: Final = {"name": "", "contact": ""}


async def list_brands(visit: Visit) -> Response:
    """List the brands this agent works for, with their senders."""
    senders = await visit.senders()
    rows = [
        (brand, sum(sender.brand == brand.id for sender in senders))
        for brand in await brands_of(visit)
    ]
    return await show(visit, BRANDS, "brands.html", rows=rows)


async def new_brand(visit: Visit) -> Response:
    """Show the form for a new brand."""
    if visit.agent.brands:
        return await show(visit, BRANDS, "all_brands.html", status=403)
    return await _show_form(visit, fill(_NEW), None)


async def add_brand(visit: Visit) -> Response:
    """Add a brand. It is everybody's, so only who works for every brand may."""
    check_all_brands(visit)
    return await _save(visit, read_form(visit, _NEW), None)


async def show_brand(visit: Visit) -> Response:
    """Show a brand's form."""
    brand = await _find(visit)
    if brand is None:
        return visit.missing("brand")
    return await _show_form(visit, fill(_stored(brand)), brand)


async def change_brand(visit: Visit) -> Response:
    """Change a brand."""
    brand = await _find(visit)
    if brand is None:
        return visit.missing("brand")
    return await _save(visit, read_form(visit, _stored(brand)), brand)


async def _show_form(visit: Visit, filled: Filled, brand: Brand | None) -> Response:
    status = 200 if filled.is_fine else 422
    return await show(visit, BRANDS, "brand.html", status=status, form=filled, brand=brand)


async def _save(visit: Visit, filled: Filled, known: Brand | None) -> Response:
    name, contact = filled.values["name"], filled.values["contact"]
    if not name:
        filled = filled.refused(name="Write the name. It stands in every reply.")
    for field, value in (("name", name), ("contact", contact)):
        if len(value) > NAME_CHARACTERS_MAX:
            filled = filled.refused(**{field: f"Write at most {NAME_CHARACTERS_MAX} characters."})
    if not filled.is_fine:
        return await _show_form(visit, filled, known)
    brand = Brand("" if known is None else known.id, name, contact or None)
    try:
        saved = await visit.services.store.submit(IfUnchanged(SaveBrand(brand, visit.actor), known))
    except Rejected as error:
        return await _show_form(visit, filled.rejected(error, {"name_missing": "name"}), known)
    return go_saved(visit, BRANDS.path, changed=saved != known)


async def _find(visit: Visit) -> Brand | None:
    brand = (await visit.services.store.read_directory()).brands.get(visit.path("id"))
    return brand if brand is not None and visit.agent.sees(brand.id) else None


def _stored(brand: Brand) -> dict[str, str]:
    return {"name": brand.name, "contact": brand.contact or ""}


PAGES: Final = (
    Page(path="/settings/brands", view=list_brands, permission=Permission.READ_SETTINGS),
    Page(path="/settings/new-brand", view=new_brand, permission=Permission.CHANGE_SETTINGS),
    Page(
        path="/settings/new-brand",
        view=add_brand,
        permission=Permission.CHANGE_SETTINGS,
        method="POST",
    ),
    Page(
        path="/settings/brands/{id}",
        view=show_brand,
        permission=Permission.READ_SETTINGS,
        example={"id": "acme"},
    ),
    Page(
        path="/settings/brands/{id}",
        view=change_brand,
        permission=Permission.CHANGE_SETTINGS,
        method="POST",
        example={"id": "acme"},
    ),
)
