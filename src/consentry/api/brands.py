"""The sellers in whose name we text."""

from typing import Annotated, Final

import msgspec
from msgspec import UNSET, UnsetType

from consentry.actions.administer import SaveBrand
from consentry.api.listing import Listing, whole
from consentry.api.operations import Answer, Call, Operation, Tag
from consentry.api.parameters import NOT_BLANK
from consentry.api.problems import Problem
from consentry.domain.directory import Brand
from consentry.ports import Scope

Name = Annotated[str, msgspec.Meta(min_length=1, max_length=200, pattern=NOT_BLANK)]
Contact = Annotated[str, msgspec.Meta(max_length=200)]


class NewBrand(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A brand to set up; `contact` stands in the answer to HELP."""

    name: Name
    contact: Contact | None = None


class BrandChange(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What to change of a brand; what is left out stays."""

    name: Name | UnsetType = UNSET
    contact: Contact | UnsetType | None = UNSET


async def find_brand(call: Call[object, object], brand_id: str) -> Brand:
    """Find a brand that a body names; raises `Problem`."""
    brand = (await call.services.store.read_directory()).brands.get(brand_id)
    if brand is None:
        raise Problem("unknown_brand", f"There is no brand {brand_id!a}. Add it first.")
    return brand


async def _brand_in_path(call: Call[object, object]) -> Brand:
    brand = (await call.services.store.read_directory()).brands.get(call.path["id"])
    if brand is None:
        raise Problem("not_found", f"There is no brand {call.path['id']!a}. List the brands.")
    return brand


async def list_brands(call: Call[None, None]) -> Answer:
    """List the brands."""
    return Answer(whole(list((await call.services.store.read_directory()).brands.values())))


async def create_brand(call: Call[NewBrand, None]) -> Answer:
    """Set up a brand."""
    brand = Brand(id="", name=call.body.name, contact=call.body.contact)
    return Answer(await call.services.store.submit(SaveBrand(brand, call.actor)), status=201)


async def read_brand(call: Call[None, None]) -> Answer:
    """Show a brand."""
    return Answer(await _brand_in_path(call))


async def change_brand(call: Call[BrandChange, None]) -> Answer:
    """Change a brand."""
    known, asked = await _brand_in_path(call), call.body
    brand = Brand(
        id=known.id,
        name=known.name if asked.name is UNSET else asked.name,
        contact=known.contact if asked.contact is UNSET else asked.contact,
    )
    return Answer(await call.services.store.submit(SaveBrand(brand, call.actor)))


_BRAND: Final = {
    "id": "brd_01KAPZ5V0Q3M9X8ZC4T2N6R7HD",
    "name": "Retalé",
    "contact": "help@retale.example",
}
OPERATIONS: Final = (
    Operation(
        method="GET",
        path="/v1/brands",
        tag=Tag.SETTING_UP,
        summary="Brands",
        handler=list_brands,
        scope=Scope.READ,
        for_brands=True,
        answers={200: Listing[Brand]},
        answer_example={"items": [_BRAND], "next": None},
    ),
    Operation(
        method="POST",
        path="/v1/brands",
        tag=Tag.SETTING_UP,
        summary="Set up a brand",
        handler=create_brand,
        scope=Scope.ADMIN,
        body=NewBrand,
        answers={201: Brand},
        example={"name": "Retalé", "contact": "help@retale.example"},
        answer_example=_BRAND,
    ),
    Operation(
        method="GET",
        path="/v1/brands/{id}",
        tag=Tag.SETTING_UP,
        summary="One brand",
        handler=read_brand,
        scope=Scope.READ,
        for_brands=True,
        answers={200: Brand},
        errors=("not_found",),
    ),
    Operation(
        method="PATCH",
        path="/v1/brands/{id}",
        tag=Tag.SETTING_UP,
        summary="Change a brand",
        handler=change_brand,
        scope=Scope.ADMIN,
        body=BrandChange,
        answers={200: Brand},
        errors=("not_found",),
        example={"contact": "+1 202 555 0100"},
    ),
)
